"""Small sessions to sweep."""

from hookline.research.study import Job, Study

FAST, SLOW, RISK = (f"strategies[0].params.{name}" for name in ("fast", "slow", "risk"))


def session(**changes):
    return {
        "name": "cross",
        "symbols": ["ONE-PERP"],
        "timeframe": "1h",
        "since": "2024-01-01",
        "until": "2024-03-01",
        "feed": {"use": "synthetic", "params": {"seed": 3}},
        "broker": {"use": "paper", "params": {"taker_fee_bps": 5}},
        "strategies": [{"use": "ema_cross", "params": {"fast": 5, "slow": 20, "adx_min": 0}}],
        **changes,
    }


def study(**changes):
    return Study.of_mapping(session(**changes))


def jobs(*fast, **rest):
    return [Job(((FAST, value),), **rest) for value in fast]


def write_session(folder, name="cross.yaml", **changes):
    import yaml

    path = folder / name
    path.write_text(yaml.safe_dump(session(**changes)))
    return path
