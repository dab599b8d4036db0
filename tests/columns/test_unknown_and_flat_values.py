"""What indicators say where nothing is known, and where nothing moves."""

import numpy as np
import pytest
from columns_cases import CASES, Case
from columns_data import MONDAY, NS, closes, compute, ohlc, random_walk

from hookline.columns import (
    Bars,
    Batch,
    Column,
    adx,
    atr,
    bars_since,
    bollinger,
    correlation,
    crossed_above,
    dmi,
    ema,
    equals,
    fill,
    highest,
    linreg_slope,
    log,
    ols,
    quantile,
    rma,
    rolling_sum,
    rsi,
    sma,
    sqrt,
    std,
    stoch_rsi,
    stochastic,
    value_when,
    vwap,
    where,
    wma,
    zscore,
)
from hookline.model import BarSeries

bars = Bars()
nan = float("nan")
# 1 / 0 is unknown, so this column has a hole where the close is 5.
holed = 1 / (1 / (bars.close - 5)) + 5


def same(found: list[float], expected: list[float]) -> bool:
    return np.array_equal(np.array(found), np.array(expected, dtype=float), equal_nan=True)


def test_division_by_zero_is_unknown() -> None:
    assert same(compute(closes("0 1 2"), 1 / bars.close)[0], [nan, 1, 0.5])
    assert same(compute(closes("0 1"), bars.close / (bars.close - bars.close))[0], [nan, nan])


@pytest.mark.parametrize(
    "column",
    [
        holed > 1,
        holed >= 1,
        holed < 1,
        holed <= 1,
        equals(holed, 1),
        (holed > 1) & (bars.close > 0),
        (holed > 1) | (bars.close > 0),
        ~(holed > 1),
        crossed_above(holed, 1),
        where(holed > 1, 1, 0),
    ],
)
def test_what_is_unknown_is_neither_true_nor_false(column: Column) -> None:
    assert np.isnan(compute(closes("4 5 6"), column)[0][1])


def test_crossing_needs_both_bars_to_be_known() -> None:
    assert same(compute(closes("4 5 6 3 7"), crossed_above(holed, 4))[0], [nan, nan, nan, 0, 1])


@pytest.mark.parametrize("average", [ema, rma])
def test_recursive_averages_pass_over_unknown_values(average: object) -> None:
    with_hole, without = closes("1 2 5 3 4"), closes("1 2 3 4")
    found = compute(with_hole, average(holed, 2))[0]  # type: ignore[operator]
    expected = compute(without, average(bars.close, 2))[0]  # type: ignore[operator]
    assert same(found, [*expected[:2], nan, *expected[2:]])


@pytest.mark.parametrize(
    "window",
    [
        sma(holed, 2),
        wma(holed, 2),
        rolling_sum(holed, 2),
        highest(holed, 2),
        quantile(holed, 2, 0.5),
        std(holed, 2),
        linreg_slope(holed, 2),
        correlation(holed, bars.close, 2),
    ],
    ids=repr,
)
def test_windows_are_unknown_while_a_value_in_them_is(window: Column) -> None:
    assert np.isnan(compute(closes("1 2 5 3 4"), window)[0]).tolist() == [True, False, True, True, False]


def test_fill_gives_what_is_unknown_a_value() -> None:
    assert compute(closes("4 5 6"), fill(holed, 0), fill(holed, bars.close)) == [[4, 0, 6], [4, 5, 6]]


def test_unset_and_unknown_flags_leave_memory_alone() -> None:
    series = closes("6 5 4 7")
    assert compute(series, bars_since(holed > 5)) == [[0, 1, 2, 0]]
    assert same(compute(series, value_when(holed < 5, bars.close))[0], [nan, nan, 4, 4])


def test_roots_and_logarithms_outside_their_range_are_unknown() -> None:
    assert same(compute(closes("-1 0 1"), sqrt(bars.close))[0], [nan, 0, 1])
    assert same(compute(closes("-1 0 1"), log(bars.close))[0], [nan, nan, 0])


# 0.1 and 1e-7 have no exact binary form; 100000.3 loses its last digits in sums.
@pytest.mark.parametrize("price", ["0.1", "1e-7", "100000.3", "-36.98"])
@pytest.mark.parametrize("n", [3, 7, 49])
def test_flat_prices_give_exactly_flat_averages_and_no_spread(price: str, n: int) -> None:
    # Other prices come first, whose rounding errors must not linger.
    series = closes(" ".join(["7.77 0.3 1234.56 1e-3", *[price] * (n + 3)]))
    flat = [f(bars.close, n) for f in (sma, wma, highest)] + [
        quantile(bars.close, n, 0.3),
        bollinger(bars.close, n).upper,
    ]
    zero = [std(bars.close, n), linreg_slope(bars.close, n), bollinger(bars.close, n).bandwidth]
    assert [values[-1] for values in compute(series, *flat)] == [float(price)] * len(flat)
    assert [values[-1] for values in compute(series, *zero)] == [0.0] * len(zero)


@pytest.mark.parametrize("price", ["0.1", "100000.3"])
def test_flat_prices_from_the_start_stay_flat_in_recursive_averages(price: str) -> None:
    series = closes(" ".join([price] * 60))
    for column in (ema(bars.close, 7), rma(bars.close, 49), vwap(bars).line):
        known = [value for value in compute(series, column)[0] if not np.isnan(value)]
        assert set(known) == {float(price)}


def test_flat_prices_say_nothing_where_there_is_nothing_to_compare() -> None:
    series = closes("5 " * 60)
    unknown = [
        zscore(bars.close, 10),
        bollinger(bars.close, 10).percent_b,
        correlation(bars.close, bars.volume, 10),
        ols(bars.volume, bars.close, 10).slope,
    ]
    assert all(np.isnan(values).all() for values in compute(series, *unknown))


def test_flat_prices_are_neither_strong_nor_weak() -> None:
    series = closes("5 " * 60)
    middling = [rsi(bars.close), *stochastic(bars), *stoch_rsi(bars.close)]
    assert [values[-1] for values in compute(series, *middling)] == [50.0] * 5
    assert [values[-1] for values in compute(series, *dmi(bars), adx(bars), atr(bars))] == [0.0] * 5


def test_adx_is_held_while_nothing_moves() -> None:
    moving = [f"{i} {i + 1} {i - 1} {i}" for i in range(10, 20)]
    still = ["19 19 19 19"] * 4
    values = compute(ohlc(*moving, *still), adx(bars, 3))[0]
    # The directional indicators decay together, so what they say of the direction stays.
    assert values[9:] == pytest.approx([100.0] * 5)


def test_a_rolling_sum_of_a_million_bars_does_not_drift() -> None:
    rng = np.random.default_rng(5)
    price = np.concatenate((rng.lognormal(0, 3, 1_000_000).round(2), [0.1] * 20))
    start = MONDAY * NS + np.arange(len(price)) * 60 * NS
    series = BarSeries("X", "1m", start, price, price, price, price, np.ones(len(price)))
    mean, total = Batch(series).compute([sma(bars.close, 20), rolling_sum(bars.close, 20)])
    assert mean[-1] == 0.1
    assert total[-1] == 2.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("size", [0, 1, 2])
def test_nearly_no_bars_are_enough_not_to_fail(case: Case, size: int) -> None:
    series = random_walk().slice(0, size)
    assert [len(values) for values in Batch(series).compute(list(case.build(bars)))] == [size] * len(
        case.build(bars)
    )


def test_vwap_starts_anew_at_the_anchor_and_waits_for_volume() -> None:
    begin = MONDAY + 86_400 - 120
    series = ohlc("3 3 3 3 2", "9 9 9 9 1", "4 4 4 4 0", "4 4 4 4 5", "1 1 1 1 5", begin=begin)
    line, deviation = vwap(bars)[:2]
    assert same(compute(series, line)[0], [3, 5, nan, 4, 2.5])
    assert same(compute(series, deviation)[0], [0, np.sqrt(8), nan, 0, 1.5])


def test_a_week_of_vwap_starts_on_monday() -> None:
    series = ohlc("3 3 3 3 2", "9 9 9 9 1", timeframe="1d", begin=MONDAY - 86_400)
    assert compute(series, vwap(bars, "1w").line) == [[3, 9]]
