"""Putting bars together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.clock import isoformat
from hookline.data import bucket_start, resample
from hookline.errors import DataError
from hookline.model import Bar, BarSeries
from hookline.testing import bars

MONDAY = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9
MINUTE = 60 * 10**9


def starts(series: BarSeries) -> list[str]:
    return [isoformat(int(time)) for time in series.start]


def test_a_longer_bar_has_first_open_highest_high_lowest_low_last_close_and_all_volume():
    made = resample(bars("10/12/9/11@1 11/15/11/14@2 14/14/8/9@3 9/10/9/10@4", timeframe="15m"), "1h")
    assert made.timeframe == "1h"
    assert made.bar(0) == Bar("TEST", MONDAY, MONDAY + HOUR, 10, 15, 8, 10, 10)


def test_partial_buckets_at_both_ends_are_dropped():
    series = bars("1 2 3 4 5 6", timeframe="30m", start=MONDAY + 30 * MINUTE)
    assert starts(resample(series, "1h")) == ["2024-01-01T01:00:00Z", "2024-01-01T02:00:00Z"]


def test_partial_buckets_are_kept_on_request():
    made = resample(bars("1 2 3", timeframe="30m", start=MONDAY + 30 * MINUTE), "1h", partial="keep")
    assert starts(made) == ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"]
    assert made.close.tolist() == [1, 3]


def test_bars_that_end_inside_their_only_bucket_give_nothing():
    assert len(resample(bars("1 2 3", timeframe="15m"), "1h")) == 0


def test_a_gap_inside_a_bucket_leaves_the_bucket():
    made = resample(bars("1 . . 4 5 6 7 8", timeframe="15m"), "1h")
    assert made.close.tolist() == [4, 8]
    assert made.volume.tolist() == [2, 4]


def test_a_bucket_without_bars_stays_a_gap():
    made = resample(bars("1 2 . . 5 6", timeframe="30m"), "1h")
    assert starts(made) == ["2024-01-01T00:00:00Z", "2024-01-01T02:00:00Z"]


def test_weeks_start_on_monday():
    days = " ".join(str(day) for day in range(1, 22))
    made = resample(bars(days, timeframe="1d", start=MONDAY - 3 * 24 * HOUR), "1w")
    assert starts(made) == ["2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z"]
    assert made.close.tolist() == [10, 17]


def test_days_start_at_midnight_utc_before_1970_too():
    assert bucket_start(-1, "1d") == -24 * HOUR
    assert bucket_start(np.array([-1, 0, 1]), "1d").tolist() == [-24 * HOUR, 0, 0]


def test_the_same_timeframe_gives_the_same_series():
    series = bars("1 2 3")
    assert resample(series, "60m") is series


@pytest.mark.parametrize("timeframe", ["30m", "90m"])
def test_a_timeframe_that_is_not_a_multiple_is_refused(timeframe):
    with pytest.raises(DataError, match=f"bars of {timeframe} cannot be made of bars of 1h"):
        resample(bars("1 2 3"), timeframe)


@given(
    closes=st.lists(st.integers(1, 50), min_size=1, max_size=80),
    missing=st.sets(st.integers(0, 79)),
    offset=st.integers(0, 23),
    timeframe=st.sampled_from(["15m", "1h", "4h", "1d"]),
)
def test_resampling_conserves_volume_extremes_and_ends(closes, missing, offset, timeframe):
    words = [
        "." if i in missing and i else f"{c}/{c + i % 3}/{c - i % 2}/{c}@{i}" for i, c in enumerate(closes)
    ]
    series = bars(" ".join(words), timeframe="5m", start=MONDAY + offset * 5 * MINUTE)
    made = resample(series, timeframe, partial="keep")
    assert made.volume.sum() == series.volume.sum()
    assert made.high.max() == series.high.max()
    assert made.low.min() == series.low.min()
    assert (made.open[0], made.close[-1]) == (series.open[0], series.close[-1])
    assert (made.start % made.duration == 0).all()


@given(size=st.integers(1, 60), offset=st.integers(0, 11))
def test_dropping_takes_only_buckets_that_are_not_whole(size, offset):
    series = bars(" ".join(["5"] * size), timeframe="5m", start=MONDAY + offset * 5 * MINUTE)
    assert (resample(series, "1h").volume == 12).all()
    assert len(resample(series, "1h")) == max(0, (size - (-offset % 12)) // 12)


def test_two_steps_give_the_same_as_one():
    series = bars([float(n % 17) for n in range(24 * 12 * 3)], timeframe="5m")
    once, twice = resample(series, "1d"), resample(resample(series, "1h"), "1d")
    for name in ("start", *BarSeries.COLUMNS):
        assert np.array_equal(getattr(once, name), getattr(twice, name))
