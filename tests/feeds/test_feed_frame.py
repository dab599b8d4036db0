"""The frame feed."""

import numpy as np
import pandas as pd
import pytest

from hookline.errors import DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries
from hookline.plugins import build
from hookline.testing import bars
from hookline_feeds.frame import FrameFeed

REQUEST = BarRequest("TEST", "1h")
START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9


def same(one: BarSeries, other: BarSeries) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("start", *BarSeries.COLUMNS)
    )


def test_a_series_comes_back_from_its_frame():
    series = bars("10/12/9/11@1.5 11 . 12")
    assert same(FrameFeed(series.to_frame()).load(REQUEST), series)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_an_index_of_any_unit_and_zone_is_instants(unit, zone):
    series = bars("10 11 12")
    frame = series.to_frame()
    frame.index = frame.index.as_unit(unit).tz_convert(zone)
    assert same(FrameFeed(frame).load(REQUEST), series)


def test_names_match_in_any_case_and_by_the_mapping():
    series = bars("10 11 12")
    frame = series.to_frame().rename(columns={"open": "Open", "high": "HIGH", "volume": "Vol"})
    assert same(FrameFeed(frame, columns={"volume": "Vol"}).load(REQUEST), series)
    assert FrameFeed(frame).load(REQUEST).volume.tolist() == [0, 0, 0]


def test_the_frame_is_not_touched_by_what_is_done_to_the_bars():
    frame = bars("10 11 12").to_frame()
    loaded = FrameFeed(frame).load(REQUEST)
    loaded.close[0] = 99
    assert frame["close"].tolist() == [10, 11, 12]


def test_a_request_takes_a_range_and_longer_bars():
    feed = FrameFeed(bars([float(n) for n in range(1, 25)], timeframe="15m").to_frame())
    loaded = feed.load(BarRequest("TEST", "1h", START + HOUR, START + 3 * HOUR))
    assert loaded.close.tolist() == [8, 12]


def test_each_symbol_has_its_frame():
    feed = FrameFeed({"A": bars("1 2").to_frame(), "B": bars("3 4").to_frame()})
    assert feed.load(BarRequest("B", "1h")).close.tolist() == [3, 4]
    with pytest.raises(DataError, match="no bars of 'BB' among 'A', 'B'; did you mean 'B'"):
        feed.load(BarRequest("BB", "1h"))


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ([1, 2, 3], "frame of TEST: must be a pandas DataFrame, was list"),
        (
            bars("10 11").to_frame().reset_index(),
            r"must be indexed by time \(DatetimeIndex\), was RangeIndex",
        ),
        (bars("10 11").to_frame().iloc[:0], "has no rows"),
        (bars("10 11").to_frame().drop(columns="low"), "no column for 'low' among"),
        (bars("10 11 12").to_frame().iloc[::-1], "time must rise"),
        (bars("10 11 12").to_frame().assign(close=["a", "b", "c"]), "column 'close' must hold numbers"),
        (bars("10 11 12").to_frame().assign(close=[10, None, 12]), "bar 1 .*close must be a finite number"),
        (bars("10 11").to_frame().set_index(pd.DatetimeIndex([None, "2024"])), "row 0: a bar needs a time"),
    ],
)
def test_frames_that_cannot_be_used(frame, error):
    with pytest.raises(DataError, match=error):
        FrameFeed(frame).load(REQUEST)


def test_it_is_built_like_any_feed():
    feed = build("feeds", "frame", {"frame": bars("10 11").to_frame()}, "feed")
    assert feed.load(REQUEST).close.tolist() == [10, 11]
