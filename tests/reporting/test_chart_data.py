from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from run_records import START, Run, series

from hookline_reports.charts import CANDLES, LINE_POINTS, MARKERS, chart_data, extremes


@given(
    arrays(np.float64, st.integers(1, 2000), elements=st.floats(-1e6, 1e6)), st.sampled_from([20, 50, 300])
)
def test_no_extreme_is_lost_and_few_points_are_kept(values, points):
    rows = extremes(values, values, points)
    assert len(rows) <= max(points, 4)
    assert (np.diff(rows) > 0).all()
    assert (rows[0], rows[-1]) == (0, len(values) - 1)
    assert values[rows].min() == values.min()
    assert values[rows].max() == values.max()
    if len(values) > points:
        stretch = -(-len(values) // (points // 2 - 1))
        for begin in range(0, len(values), stretch):
            part, kept = values[begin : begin + stretch], rows[(rows >= begin) & (rows < begin + stretch)]
            assert {part.min(), part.max()} <= set(values[kept])


def walk(size: int) -> np.ndarray:
    return np.round(100.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 0.001, size))), 2)


@pytest.mark.parametrize(
    ("bars", "kind", "note"),
    [
        (CANDLES, "candles", "Drawn in full: 500 bars."),
        (CANDLES + 1, "line", "Closes of all 501 bars."),
        (LINE_POINTS, "line", "Closes of all 3,000 bars."),
    ],
)
def test_few_bars_are_all_drawn(bars, kind, note):
    (price,) = chart_data(Run(series(walk(bars), timeframe="1m")).result())["prices"]
    assert (price["kind"], price["note"], len(price["t"])) == (kind, note, bars)


def test_many_bars_are_drawn_from_their_lowest_lows_and_highest_highs():
    bars = series(walk(100_000), timeframe="1m")
    bars.low[77_777] = 1.0
    bars.high[12_345] = 999.0
    data = chart_data(Run(bars).result())
    (price,) = data["prices"]
    assert min(price["y"]) == 1.0
    assert max(price["y"]) == 999.0
    assert len(price["y"]) == len(price["t"]) < 5000
    assert price["t"] == sorted(price["t"])
    assert "of 100,000 points" in price["note"]
    for name in ("equity", "hold", "drawdown"):
        assert len(data[name]["y"]) <= LINE_POINTS


def test_drawdown_keeps_its_deepest_point():
    result = Run(series(walk(50_000), timeframe="1m"), cash=200.0).fill("1 buy 1 @ 100").result()
    assert min(chart_data(result)["drawdown"]["y"]) == pytest.approx(-result.metrics.max_drawdown)


def test_few_fills_are_all_marked():
    run = Run("10 11 12 11").fill("1 buy 1 @ 10").fill("2 sell 1 @ 11")
    (price,) = chart_data(run.result())["prices"]
    assert price["buys"] == {
        "t": [(START + 3600 * 10**9) // 10**6],
        "y": [10.0],
        "quantity": [1.0],
        "strategy": ["s"],
    }
    assert price["sells"]["y"] == [11.0]
    assert price["fills_note"] == "All fills are marked: 2."


def test_many_fills_are_grouped_by_side_and_time_and_none_is_lost():
    size = 40_000
    run = Run(series(np.full(size, 10.0), timeframe="1h"))  # four and a half years: nanoseconds are large
    for number in range(MARKERS + 500):
        run.fill(f"{number * 15 + 1} {'sell' if number % 2 else 'buy'} 1 @ {10 + number % 2}")
    (price,) = chart_data(run.result())["prices"]
    buys, sells = price["buys"], price["sells"]
    assert sum(buys["count"]) + sum(sells["count"]) == MARKERS + 500
    assert set(buys["y"]) == {10.0}
    assert set(sells["y"]) == {11.0}
    assert sum(buys["quantity"]) == (MARKERS + 500) / 2
    assert len(buys["t"]) <= MARKERS // 4
    assert buys["t"] == sorted(buys["t"])
    first, last = run.fills[0].time // 10**6, run.fills[-1].time // 10**6
    assert first <= buys["t"][0] <= buys["t"][-1] <= last
    assert f"2,500 fills are drawn as {len(buys['t']) + len(sells['t']):,} markers" in price["fills_note"]


def test_many_symbols_share_the_points():
    symbols = [series(walk(5000), f"S{number}", "1m") for number in range(40)]
    data = chart_data(Run(*symbols).result())
    assert len(data["prices"]) == 40
    assert sum(len(price["y"]) for price in data["prices"]) < 3 * LINE_POINTS


def test_no_bars_give_no_prices():
    data = chart_data(Run().result())
    assert data["prices"] == []
    assert data["equity"] == {"t": [], "y": [], "note": "No bars."}
