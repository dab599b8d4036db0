"""Every bundled strategy has a session file to start from, and every one of them runs and trades."""

from pathlib import Path

import pytest

from hookline import plugins
from hookline.session import Session
from hookline.session.loader import load_session

FOLDER = Path(__file__).parents[2] / "examples" / "sessions"
FILES = sorted(FOLDER.glob("*.yaml"))
# Sessions that show something else than a strategy.
OTHERS = {"guarded", "paper", "sweep", "two_strategies"}
ALGORITHMS = {info.name for info in plugins.names("algorithms") if info.module.startswith("hookline_")}


def shown(config):
    """The strategies of a session and the algorithms that they name."""
    uses = [use.use for use in config.strategies]
    return {
        *uses,
        *(use.params["algorithm"]["use"] for use in config.strategies if "algorithm" in use.params),
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_runs_and_trades(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a session on paper keeps a journal
    config = load_session(path)
    result = Session.from_config(config).run()
    assert path.stem in shown(config) | OTHERS
    assert len(result.record.fills) > (0 if path.stem == "buy_and_hold" else 50)
    assert not result.record.halted
    assert all("funding is left out" in warning for warning in result.record.warnings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_needs_no_data_and_can_be_read_at_a_glance(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    feed = load_session(path).feed
    use = feed.params["source"]["use"] if feed.use == "replay" else feed.use
    assert use == "synthetic"
    assert 20 <= len(lines) <= 40
    assert lines[0].startswith("# ")


def test_every_bundled_strategy_has_one():
    ours = {
        info.name for info in plugins.names("strategies") if info.module.startswith("hookline_strategies.")
    }
    # What runs an algorithm by itself is shown by the sessions of the algorithms.
    assert {path.stem for path in FILES} == ours - {"work_order"} | ALGORITHMS | OTHERS
    assert set().union(*(shown(load_session(path)) for path in FILES)) == ours | ALGORITHMS


def test_every_bundled_risk_rule_is_shown():
    used = {use.use for path in FILES for use in load_session(path).risk}
    assert used == {
        info.name for info in plugins.names("risk_rules") if info.module.startswith("hookline_risk.")
    }


def test_the_demo_is_a_year_of_hours_with_a_report_worth_opening():
    result = Session.from_config(load_session(FOLDER / "ema_cross.yaml")).run()
    (series,) = result.record.series.values()
    assert (series.timeframe, len(series)) == ("1h", 366 * 24)
    assert result.metrics.round_trips > 30
