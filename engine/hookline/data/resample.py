"""Longer bars from shorter ones.

Buckets are aligned to the Unix epoch: hours start on the hour, days at 00:00 UTC. Weeks start on Monday, although the
epoch was a Thursday. A bucket with gaps inside is made of the bars there are; a bucket without bars is a gap.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from hookline.errors import DataError
from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["bucket_start", "resample"]

_DAY = 86_400 * 10**9
_WEEK = 7 * _DAY
_MONDAY = 4 * _DAY  # 1970-01-05

_Time = TypeVar("_Time", int, NDArray[np.int64])


def bucket_start(time: _Time, timeframe: Timeframe) -> _Time:
    """Return the start of the bar that holds a time; times are nanoseconds UTC, one or an array.

    >>> bucket_start(1_700_000_000 * 10**9, "1h") // 10**9
    1699999200
    """
    duration = timeframe_ns(timeframe)
    offset = _MONDAY if duration % _WEEK == 0 else 0
    return time - (time - offset) % duration


def resample(series: BarSeries, timeframe: Timeframe, partial: Literal["drop", "keep"] = "drop") -> BarSeries:
    """Return bars of a longer timeframe: first open, highest high, lowest low, last close, sum of volumes.

    Args:
        series: Bars to put together.
        timeframe: A multiple of the series' timeframe.
        partial: Whether to drop the first bucket when the series does not begin at its start, and the last one when the
            series ends before its end, or to keep them as they are.

    Raises:
        DataError: if the timeframe is not a multiple of the series' own.
    """
    duration = timeframe_ns(timeframe)
    if duration % series.duration:
        raise DataError(f"{series.symbol}: bars of {timeframe} cannot be made of bars of {series.timeframe}")
    if duration == series.duration or len(series) == 0:
        return series if duration == series.duration else _take(series, timeframe, np.empty(0, np.int64), 0)
    buckets = bucket_start(series.start, timeframe)
    first_rows = np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1))
    begin, stop = 0, len(first_rows)
    if partial == "drop":
        begin += int(buckets[0] != series.start[0])
        stop -= int(buckets[-1] + duration != series.start[-1] + series.duration)
    rows = first_rows[begin : max(begin, stop)]
    end = int(first_rows[stop]) if 0 < stop < len(first_rows) else len(series)
    return _take(series, timeframe, rows, end)


def _take(series: BarSeries, timeframe: Timeframe, rows: NDArray[np.int64], end: int) -> BarSeries:
    """Put together the bars from each of ``rows`` to the next one, the last group up to ``end``."""
    if len(rows) == 0:
        empty = series.slice(0, 0)
        return BarSeries(
            series.symbol, timeframe, empty.start, *(getattr(empty, name) for name in BarSeries.COLUMNS)
        )
    last_rows = np.append(rows[1:], end) - 1
    return BarSeries(
        series.symbol,
        timeframe,
        bucket_start(series.start[rows], timeframe),
        series.open[rows],
        np.maximum.reduceat(series.high[:end], rows),
        np.minimum.reduceat(series.low[:end], rows),
        series.close[last_rows],
        np.add.reduceat(series.volume[:end], rows),
    )
