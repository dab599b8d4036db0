"""The benchmarks run and their engines agree; how fast they are is never tested."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def event_backtest(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import event_backtest

    return event_backtest


@pytest.fixture
def workload(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import workload

    return workload


def script(name, *arguments):
    command = [sys.executable, str(BENCHMARKS / name), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def outcome(equity, expected=None, orders=4):
    finals = {"orders": orders, "equity": equity}
    return {"fill": "next open", "finals": finals, "expected": {"orders": 4, "equity": expected or equity}}


def test_hookline_ends_as_backtrader_does_and_as_worked_out_without_an_engine():
    engines = ("hookline_on_bar", "hookline_signals", "backtrader_engine")
    only = [word for engine in engines for word in ("--only", engine)]

    code, answer = script("event_backtest.py", "--bars", "1500", "--repeat", "1", *only)

    assert code == 0, answer["agreement"]
    finals = [answer["engines"][engine]["finals"] for engine in engines]
    assert finals[0]["orders"] > 50
    assert {one["orders"] for one in finals} == {finals[0]["orders"]}
    assert [one["equity"] for one in finals] == pytest.approx([finals[0]["equity"]] * 3, rel=1e-9)
    expected = answer["engines"]["hookline_on_bar"]["expected"]
    assert finals[0]["equity"] == pytest.approx(expected["equity"], rel=1e-9)


@pytest.mark.skipif(find_spec("basana") is not None, reason="every engine is installed here")
def test_an_engine_that_is_not_installed_is_named():
    code, answer = script("event_backtest.py", "--bars", "100", "--only", "basana_engine")

    assert code == 0
    assert answer["agreement"] == ["basana_engine: not installed"]


def test_an_engine_that_takes_too_long_is_named():
    code, answer = script(
        "event_backtest.py", "--bars", "100", "--only", "backtrader_engine", "--timeout", "0.01"
    )

    assert code == 0
    assert answer["agreement"] == ["backtrader_engine: not done after 0.01 s"]


def test_start_up_is_timed_for_every_case():
    _, answer = script("startup.py", "--repeat", "1")

    assert [one["name"] for one in answer] == [
        "python -c pass",
        "import hookline",
        "hookline --help",
        "hookline run, 10,000 bars",
    ]
    assert all(one["median"] > 0 for one in answer)


def test_an_equity_that_differs_from_backtraders_is_an_error(event_backtest):
    lines, is_right = event_backtest.agreement(
        {"hookline_on_bar": outcome(100.0), "backtrader_engine": outcome(100.1, expected=100.0)}
    )

    assert not is_right
    assert lines[-1] == "hookline_on_bar and backtrader_engine DISAGREE: 1.0e-03 apart"


def test_the_same_equity_from_other_orders_is_an_error(event_backtest):
    _, is_right = event_backtest.agreement({"hookline_on_bar": outcome(100.0, orders=6)})

    assert not is_right


def test_hookline_may_not_hold_more_than_300_mb_for_a_million_bars(event_backtest):
    def run(peak_mb, bars=1_000_000):
        return {"bars": bars, "peak_mb": peak_mb}

    assert event_backtest.too_heavy({"hookline_on_bar": run(299.9), "backtrader_engine": run(657)}) == []
    assert event_backtest.too_heavy({"hookline_on_bar": run(301, 2_000_000)}) == []
    assert event_backtest.too_heavy({"hookline_signals": {"error": "not installed"}}) == []
    assert event_backtest.too_heavy({"hookline_on_bar": run(303.2)}) == [
        "hookline_on_bar: held 303 MB, must be below 300"
    ]


def test_another_engine_may_differ_by_its_own_rules(event_backtest):
    lines, is_right = event_backtest.agreement(
        {"hookline_on_bar": outcome(100.0), "nautilus_engine": outcome(90.0, expected=100.0)}
    )

    assert is_right
    assert (
        lines[1]
        == "nautilus_engine: fills at the next open, final equity 1.0e-01 off what was worked out without one"
    )


def test_a_run_of_hookline_that_fails_is_an_error(event_backtest):
    assert event_backtest.agreement({"hookline_signals": {"error": "ValueError: no"}}) == (
        ["hookline_signals: ValueError: no"],
        False,
    )


def test_the_figure_without_an_engine_fills_a_crossing_at_the_next_open_or_the_same_close(workload):
    close = np.array([100.0] * 30 + [101.0, 102.0, 103.0] + [90.0] * 4)
    opens = close + 0.5
    bars = workload.Arrays(np.arange(len(close)), opens, opens, close, close, close)

    bought_and_sold = workload.reference(bars, workload.NEXT_OPEN)

    # The averages cross up on the close of 101 and down on the first close of 90: buy at 102.5, sell at 90.5.
    flow = 10 * (90.5 - 102.5) - 0.0005 * 10 * (90.5 + 102.5)
    assert bought_and_sold == workload.Finals(2, pytest.approx(100_000 + flow))
    flow = 10 * (90.0 - 101.0) - 0.0005 * 10 * (90.0 + 101.0)
    assert workload.reference(bars, workload.SAME_CLOSE) == workload.Finals(2, pytest.approx(100_000 + flow))


def test_the_bars_are_the_same_every_time_and_stand_on_the_tick_grid(workload):
    bars = workload.make_bars(200)

    assert np.array_equal(bars.close, workload.make_bars(200).close)
    assert np.array_equal(np.round(bars.close, 2), bars.close)
    assert (bars.open[1:] != bars.close[:-1]).any()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
