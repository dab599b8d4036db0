"""What the time that orders take changes, and that a run with it can be repeated."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from parity_sessions import run_live
from parity_stories import MAKER

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import parity_latency

    return parity_latency


def fills(result):
    return [(one.order_number, one.lots, one.price, one.time) for one in result.record.fills]


@pytest.mark.slow
def test_a_run_with_latency_differs_from_one_without_and_repeats_itself(real_data, tmp_path):
    story = replace(MAKER, until="2024-08-08T23:56:25")

    slow, again = (
        run_live(story, real_data, tmp_path / name, order_latency_ms=250)[0] for name in ("one", "two")
    )
    at_once = run_live(story, real_data, tmp_path / "none")[0]

    assert len(slow.record.fills) > 5
    assert fills(slow) == fills(again)
    assert fills(slow) != fills(at_once)


@pytest.mark.slow
def test_where_bars_fill_orders_less_than_a_bar_of_latency_changes_nothing(real_data):
    command = [sys.executable, str(BENCHMARKS / "parity_latency.py"), "--data", str(real_data), "--json"]
    command += ["--only", "buyer, bars", "--latency", "1000"]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    at_once, late = json.loads(done.stdout)
    assert late["fills"] == at_once["fills"] > 15
    assert (late["gone"], late["new"], late["price_bps"], late["pnl_change"]) == (0, 0, 0.0, 0.0)


def test_prices_are_worse_where_more_is_paid_or_less_received(benchmark):
    base = {("X", 1, 10, 100.0): 1, ("X", -1, 10, 100.0): 1}

    assert benchmark.worse_bps({("X", 1, 10, 101.0): 1}, base) == pytest.approx(100.0)
    assert benchmark.worse_bps({("X", -1, 10, 101.0): 1}, base) == pytest.approx(-100.0)
    assert benchmark.worse_bps({("Y", 1, 10, 101.0): 1}, base) == 0.0


def test_fills_are_told_apart_by_side_lots_and_price(benchmark):
    def result(*rows):
        record = type("Record", (), {"fills": [type("Fill", (), row)() for row in rows], "cash": 100.0})
        return type("Result", (), {"record": record, "metrics": type("Metrics", (), {"final_equity": 101.0})})

    one = {"symbol": "X", "side": 1, "lots": 2, "price": 10.0}
    row = benchmark.compared("x", 50.0, result(one, {**one, "lots": 3}), result(one, one), None)

    assert (row.fills, row.gone, row.new, row.pnl, row.pnl_change) == (2, 1, 1, 1.0, 0.0)


def test_moves_are_those_of_the_last_price(benchmark):
    import numpy as np

    ms = 10**6
    time, price = np.array([0, 10 * ms, 20 * ms]), np.array([100.0, 101.0, 101.0])

    moved = benchmark.moved_bps(time, price, 5)

    assert moved.max() == pytest.approx(100.0)
    assert np.count_nonzero(moved) == 5
