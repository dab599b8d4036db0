"""A higher timeframe is seen when its bars have closed, and not before."""

import numpy as np
import pytest
from columns_data import MONDAY, NS, closes, compute, ohlc, random_walk, streamed

from hookline.columns import Bars, Batch, Stream, crossed_above, sma
from hookline.errors import ConfigError
from hookline.model import BarSeries

bars = Bars()
nan = float("nan")


def same(found: list[float], expected: list[float]) -> bool:
    return np.array_equal(np.array(found), np.array(expected, dtype=float), equal_nan=True)


def test_bars_are_joined_and_seen_on_the_bar_that_completes_them() -> None:
    series = ohlc("1 5 1 2 1", "2 3 0 3 2", "3 4 2 4 3", "4 9 4 8 4", "8 8 7 7 5", "7 7 6 6 6")
    higher = bars.at("3m")
    columns = [higher.open, higher.high, higher.low, higher.close, higher.volume, higher.time - MONDAY]
    expected = [[1, 4], [5, 9], [0, 4], [4, 6], [6, 15], [180, 360]]
    for found, (first, second) in zip(compute(series, *columns), expected, strict=True):
        assert same(found, [nan, nan, first, first, first, second])


def test_the_first_bar_is_dropped_unless_the_data_begins_with_it() -> None:
    late = closes("1 2 3 4 5 6", begin=MONDAY + 60)
    assert same(compute(late, bars.at("3m").close)[0], [nan, nan, nan, nan, 5, 5])


def test_a_missing_bar_inside_changes_nothing_about_when_it_closes() -> None:
    assert same(compute(closes("1 . 3 4"), bars.at("3m").close)[0], [nan, 3, 3])
    assert same(compute(closes("1 2 3 . 5 6"), bars.at("3m").open)[0], [nan, nan, 1, 1, 5])


def test_a_bar_whose_end_is_missing_closes_with_the_first_later_bar() -> None:
    # Minutes 0 1 | 3 4 5: the first three-minute bar is known to be over only when minute 3 arrives, without it.
    assert same(compute(closes("1 2 . 4 5 6"), bars.at("3m").close)[0], [nan, nan, 2, 2, 6])


def test_two_bars_can_close_at_once() -> None:
    # Minute 5 ends the first bar, whose end is missing, and its own, of which it is all.
    series = closes("1 2 . . . 6 7")
    close = bars.at("3m").close
    assert same(compute(series, close)[0], [nan, nan, 6, 6])
    assert same(compute(series, close.shift(1))[0], [nan, nan, 2, 2])
    assert same(streamed(series, [close.shift(1)])[0], [nan, nan, 2, 2])


def test_empty_stretches_make_no_bars() -> None:
    series = closes("1 2 3" + " ." * 30 + " 4 5 6")
    assert same(compute(series, bars.at("3m").close.shift(1))[0], [nan] * 5 + [3])


def test_weeks_begin_on_monday() -> None:
    days = closes(" ".join(map(str, range(1, 16))), "1d")
    assert same(compute(days, bars.at("1w").close)[0], [nan] * 6 + [7] * 7 + [14] * 2)


def test_days_begin_at_midnight_utc() -> None:
    hours = closes(" ".join(map(str, range(48))), "1h")
    assert same(compute(hours, bars.at("1d").close)[0], [nan] * 23 + [23] * 24 + [47])


def test_the_base_timeframe_itself_is_seen_at_once() -> None:
    series = random_walk(50)
    assert compute(series, bars.at("1h").close) == compute(series, bars.close)


def test_indicators_step_once_for_each_closed_bar_and_are_held() -> None:
    series = closes("1 2 3 4 5 6 7 8")
    assert same(compute(series, sma(bars.at("2m").close, 2))[0], [nan] * 3 + [3, 3, 5, 5, 7])


def test_a_crossing_on_a_higher_timeframe_lasts_until_its_next_close() -> None:
    series = closes("1 1 5 5 9 9 1 1")
    assert same(compute(series, crossed_above(bars.at("2m").close, 3))[0], [nan, nan, nan, 1, 1, 0, 0, 0])


def test_higher_columns_are_held_where_they_meet_the_base() -> None:
    series = closes("1 2 3 1 5")
    assert same(compute(series, bars.close - bars.at("2m").close)[0], [nan, 0, 1, 0, 4])


def test_nothing_of_an_open_bar_is_seen() -> None:
    series = random_walk(200, timeframe="1m")
    columns = [bars.at("15m").high, bars.at("1h").close, bars.at("4m").volume]
    whole = Batch(series).compute(columns)
    for size in range(0, 200, 7):
        for part, values in zip(Batch(series.slice(0, size)).compute(columns), whole, strict=True):
            assert np.array_equal(part, values[:size], equal_nan=True)


@pytest.mark.parametrize(
    "driver", [lambda c: Batch(closes("1 2", "15m")).compute([c]), lambda c: Stream([c], "15m")]
)
def test_a_timeframe_must_be_a_multiple_of_the_base(driver: object) -> None:
    with pytest.raises(ConfigError) as caught:
        driver(bars.at("20m").close)  # type: ignore[operator]
    assert (
        str(caught.value)
        == "bars.at('20m'): must be a whole multiple of the bars' timeframe, was on '15m' bars"
    )


def test_a_timeframe_below_the_base_is_refused() -> None:
    with pytest.raises(ConfigError, match="whole multiple"):
        compute(closes("1 2", "1h"), bars.at("15m").close)


def test_bars_that_straddle_a_bucket_count_where_they_start() -> None:
    # Hours that begin at half past: the one from 01:30 ends the bucket of two hours that it overlaps.
    start = (MONDAY + 1800 + 3600 * np.arange(6)) * NS
    price = np.arange(6.0)
    series = BarSeries("X", "1h", start, price, price, price, price, price)
    expected = [nan, nan, nan, 3, 3, 5]
    assert same(compute(series, bars.at("2h").close)[0], expected)
    assert same(streamed(series, [bars.at("2h").close])[0], expected)
