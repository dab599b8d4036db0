"""Bars of one timeframe as arrays, for the batch driver."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.columns import timeframes
from hookline.columns.external_series import ExternalSeries
from hookline.columns.kernels import compile_module
from hookline.model import BarSeries, Timeframe

__all__ = ["Lane", "as_of", "base_lane", "higher_lane"]

Floats = NDArray[np.float64]

_SOURCE = '''"""Loop that builds bars of a higher timeframe, written by hookline; safe to delete."""

from numba import njit

READ, WRITE = "Array(float64, 1, 'C', True, aligned=True)", "float64[:, ::1]"
TIMES = "Array(int64, 1, 'C', True, aligned=True)"
PRICES = ", ".join([READ] * 5)
SIGNATURE = f"int64({TIMES}, {PRICES}, int64, int64, int64, int64[::1], {WRITE}, int64[::1])"


@njit
def hand_out(bucket, count, begins, bars):
    _, begins[count], bars[0, count], bars[1, count], bars[2, count], bars[3, count], bars[4, count] = bucket
    return count + 1


@njit(SIGNATURE, cache=True, nogil=True)
def run(start, first, high, low, close, volume, duration, length, offset, begins, bars, closed):
    bucket = EMPTY
    count = 0
    for i in range(len(start)):
        if is_left(bucket, start[i], length):
            count = hand_out(bucket, count, begins, bars)
        bar = (first[i], high[i], low[i], close[i], volume[i])
        bucket = absorb(bucket, start[i], bar, length, offset)
        if is_complete(bucket, start[i] + duration, length):
            count = hand_out(bucket, count, begins, bars)
            bucket = shut(bucket)
        closed[i] = count
    return count
'''


@dataclass(frozen=True, eq=False)
class Lane:
    """Fields of the bars of one timeframe, the ends of the bars in nanoseconds, and how they are seen from the base.

    ``closed`` counts, for each base bar, the bars that had closed when it ended; None on the base timeframe.
    """

    fields: dict[str, Floats]
    end: NDArray[np.int64]
    closed: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.end)

    def field(self, name: str) -> Floats:
        """Return a field as float64; ``time`` is made when it is first asked for."""
        if name == "time" and name not in self.fields:
            self.fields[name] = (self.end // 1000) / 1e6
        return self.fields[name]

    def hold(self, values: Floats) -> Floats:
        """Return values of this timeframe on the base bars: that of the last closed bar, NaN before the first."""
        return values if self.closed is None else np.concatenate(([np.nan], values))[self.closed]


def base_lane(series: BarSeries) -> Lane:
    """Return the bars themselves, without copying them."""
    return Lane({name: getattr(series, name) for name in series.COLUMNS}, series.end)


def higher_lane(series: BarSeries, timeframe: Timeframe) -> Lane:
    """Return the bars of a higher timeframe.

    Raises:
        ConfigError: if the timeframe is not a whole multiple of the series' own.
    """
    length = timeframes.check_multiple(timeframe, series.timeframe)
    size = len(series)
    closed, begins, bars = np.empty(size, np.int64), np.empty(size, np.int64), np.empty((5, size))
    count = _aggregate()(
        series.start,
        *(getattr(series, name) for name in series.COLUMNS),
        series.duration,
        length,
        timeframes.bucket_offset(length),
        begins,
        bars,
        closed,
    )
    fields = dict(zip(series.COLUMNS, bars[:, :count].copy(), strict=True))
    return Lane(fields, begins[:count] + length, closed)


def as_of(series: ExternalSeries, end: NDArray[np.int64]) -> Floats:
    """Return the last value that was available at or before each time, NaN before the first."""
    known = np.searchsorted(series.time, end, side="right")
    values: Floats = np.concatenate(([np.nan], series.value))[known]
    return values


@cache
def _aggregate() -> Any:
    functions = {name: getattr(timeframes, name) for name in ("is_left", "absorb", "is_complete", "shut")}
    return compile_module("aggregate", _SOURCE, functions, {"EMPTY": timeframes.EMPTY}).run
