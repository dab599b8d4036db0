"""Markets for tests of validation: a session on made-up bars, and bars with and without an edge in them."""

import numpy as np

from hookline.model import BarSeries
from hookline.research.study import Study

HOUR = 3600 * 10**9
START = 1_672_531_200 * 10**9  # 2023-01-01
FAST, SLOW = "strategies[0].params.fast", "strategies[0].params.slow"


def study_of(fast=5, slow=20, **changes):
    """Return a study of an EMA cross on two months of made-up hourly bars."""
    session = {
        "symbols": ["ONE-PERP"],
        "timeframe": "1h",
        "since": "2024-01-01",
        "until": "2024-03-01",
        "feed": {"use": "synthetic", "params": {"seed": 3}},
        "broker": {"use": "paper", "params": {"taker_fee_bps": 5, "slippage_bps": 2}},
        "strategies": [{"use": "ema_cross", "params": {"fast": fast, "slow": slow, "adx_min": 0}}],
    }
    return Study.of_mapping({**session, **changes})


def series_of(closes, symbol="EDGE-PERP", start=START, timeframe="1h"):
    """Return bars that open at the close before."""
    closes = np.asarray(closes, float)
    opens = np.append(closes[:1], closes[:-1])
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    times = start + HOUR * np.arange(len(closes))
    return BarSeries(symbol, timeframe, times, opens, high, low, closes, np.ones(len(closes)))


def market(drift, bars=6000, seed=1, noise=0.006):
    """Return bars that drift up and down by turns of 80 to 260 bars; without a drift they are a random walk."""
    random = np.random.default_rng(seed)
    lengths = random.integers(80, 260, bars // 80 + 2)
    turns = np.repeat(np.resize([1, -1], len(lengths)), lengths)[:bars]
    return series_of(100 * np.exp(np.cumsum(drift * turns + random.normal(0, noise, bars))))
