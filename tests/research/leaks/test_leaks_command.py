"""``hookline check --look-ahead --warm-up`` on session files and strategies that are plugins, bundled and not."""

import sys
from pathlib import Path

import pytest
from leak_sessions import write_csv

from hookline.cli import main
from hookline.research.peeking import check_look_ahead
from hookline.research.study import Study

EXAMPLES = Path(__file__).parents[3] / "examples"
SESSION = """\
symbols: [ONE]
timeframe: 1h
feed: {use: csv, params: {path: bars.csv}}
strategies:
  - use: peeker
    params: {path: bars.csv, ahead: AHEAD}
"""
PEEKER = '''
"""A strategy plugin of somebody else, which reads the bars itself."""
import csv
from dataclasses import dataclass
from pathlib import Path

import hookline as hl


@dataclass
class Peeker(hl.Strategy):
    """Compares each close with one some bars later."""

    name = "peeker"
    path: Path = Path("bars.csv")
    ahead: int = 1

    def on_start(self, ctx):
        with self.path.open() as file:
            self._closes = {row["time"]: float(row["close"]) for row in csv.DictReader(file)}

    def on_bar(self, ctx, bar):
        later = (bar.start + self.ahead * (bar.end - bar.start)) // 10**9
        from datetime import UTC, datetime

        key = datetime.fromtimestamp(later, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = self._closes.get(key, 0.0) > bar.close
        ctx.target(bar.symbol, float(wanted))


@hl.hookimpl
def register_strategies():
    return [Peeker]
'''


@pytest.fixture
def session(install, tmp_path):
    """Write a session of a strategy that looks some bars ahead."""
    install("their-strategies", "strategies", {"peeker": "their_strategies.peeker"}, PEEKER)
    write_csv(tmp_path / "bars.csv")

    def write(ahead):
        path = tmp_path / "session.yaml"
        path.write_text(SESSION.replace("AHEAD", str(ahead)))
        return path

    return write


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    return ended.value.code or 0, capsys.readouterr().out


def test_a_leak_is_told_and_ends_with_code_1(capsys, session):
    code, out = run(capsys, "check", session(1), "--look-ahead", "--cuts", 3)
    assert code == 1
    assert "session: look-ahead: 1 leak" in out
    assert "peeker: orders: know the future: once the data after" in out
    assert "peeker: with the data in path changed as well" in out
    assert "good to run" not in out


def test_a_session_without_one_is_good_to_run(capsys, session):
    code, out = run(capsys, "check", session(-1), "--look-ahead", "--warm-up", "--cuts", 3)
    assert code == 0
    assert "session: no look-ahead found (3 cuts, 11 runs)" in out
    assert "session: a warm-up of 500 bars is enough" in out
    assert out.endswith("good to run\n")


def test_too_little_history_ends_with_code_1(capsys, tmp_path, session):
    write_csv(tmp_path / "bars.csv")
    text = SESSION.replace("use: peeker", "use: ema_cross").replace(
        "path: bars.csv, ahead: AHEAD", "slow: 40"
    )
    text = text.replace("{slow", "{fast: 9, slow") + "stream: {warmup_bars: 30}\n"
    path = tmp_path / "cross.yaml"
    path.write_text(text.replace("params: {path: bars.csv}", "params: {path: 'bars.csv'}"))
    code, out = run(capsys, "check", path, "--warm-up")
    assert code == 1
    assert "cross: a warm-up of 30 bars is not enough" in out
    assert "say stream: {warmup_bars:" in out


def test_somebody_who_watches_is_shown_how_far_it_is(capsys, session, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(SystemExit):
        main(["check", str(session(-1)), "--look-ahead", "--cuts", "1"])
    assert "look-ahead check" in capsys.readouterr().err


def test_checking_alone_runs_nothing(capsys, session):
    code, out = run(capsys, "check", session(1))
    assert code == 0
    assert "look-ahead" not in out


# Two cuts each, and less data where a run takes long: what is bundled is checked often.
SHORTER = {
    "pairs_trading": ["until=2024-02-01"],
    "bollinger_reversion": ["until=2024-02-01"],
    "two_strategies": ["until=2024-04-01"],
    "guarded": ["until=2024-01-15"],
    "market_maker": ["until=2024-01-01T00:20:00"],
    "weighted_imbalance": ["until=2024-01-01T00:20:00"],
    "funding_arb": ["until=2024-03-01"],
    "grid_arithmetic": ["until=2024-02-01"],
}


FILES = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem == "pairs_trading" else [], id=path.stem)
    for path in sorted((EXAMPLES / "sessions").glob("*.yaml"))
]


@pytest.mark.parametrize("path", FILES)
def test_bundled_strategies_know_nothing_of_the_future(path):
    report = check_look_ahead(Study.of_file(path, SHORTER.get(path.stem, [])), cuts=2)
    assert report.is_clean, report.lines
    assert not report.checked[0].startswith("0 requests")
    others = [one for one in report.unseen if "prices on the tape" not in one]
    assert others == []


def test_the_example_plugin_knows_nothing_of_the_future(install, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES / "my_strategy" / "src"))
    install("my-strategy", "strategies", {"my_strategy": "my_strategy.strategy"})
    file = EXAMPLES / "my_strategy" / "session.yaml"
    report = check_look_ahead(Study.of_file(file, ["feed.params.bars=3000"]), cuts=3)
    assert report.is_clean, report.lines
