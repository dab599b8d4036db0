"""Market data: one bar as a message, and a run of bars as columns.

Rules of this file:

- A bar covers ``[start, end)`` and is visible at ``end``; both are nanoseconds UTC.
- A series cannot be made from data that cannot be trusted: NaN, infinity, high below low, a time that repeats or
  goes back. The error names the first row that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.errors import DataError
from hookline.model.timeframe import Timeframe, timeframe_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bar", "BarSeries"]

_BLOCK = 65_536  # bars


class Bar(msgspec.Struct, frozen=True, gc=False):
    """Open, high, low, close and volume over ``[start, end)``; times are nanoseconds UTC.

    A msgspec struct and not a dataclass because the backtest makes one for every bar: this is made in C, in a tenth of
    the time.
    """

    symbol: str
    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, eq=False)
class BarSeries:
    """Bars of one instrument and timeframe as columns of equal length.

    ``start`` is int64 nanoseconds UTC, strictly rising; the rest is float64. ``volume`` is in base units.
    """

    symbol: str
    timeframe: Timeframe
    start: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    PRICES = ("open", "high", "low", "close")
    COLUMNS = (*PRICES, "volume")

    def __post_init__(self) -> None:
        """Convert the columns to contiguous arrays and refuse what cannot be trusted."""
        object.__setattr__(self, "start", np.ascontiguousarray(self.start, dtype=np.int64))
        for name in self.COLUMNS:
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        check_series(self)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def duration(self) -> int:
        """Length of one bar in nanoseconds."""
        return timeframe_ns(self.timeframe)

    @property
    def end(self) -> NDArray[np.int64]:
        """Times at which the bars become visible."""
        return self.start + self.duration

    def bar(self, index: int) -> Bar:
        """Return one bar as a message; a negative index counts from the end."""
        start = int(self.start[index])
        prices = (float(getattr(self, name)[index]) for name in self.COLUMNS)
        return Bar(self.symbol, start, start + self.duration, *prices)

    def slice(self, begin: int | None = None, stop: int | None = None) -> BarSeries:
        """Return the bars of an index range, as views of the same memory."""
        columns = (getattr(self, name)[begin:stop] for name in ("start", *self.COLUMNS))
        return BarSeries(self.symbol, self.timeframe, *columns)

    def between(self, since: int | None, until: int | None) -> BarSeries:
        """Return the bars that start at or after ``since`` and before ``until`` (nanoseconds)."""
        begin = None if since is None else int(np.searchsorted(self.start, since))
        stop = None if until is None else int(np.searchsorted(self.start, until))
        return self.slice(begin, stop)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame indexed by the bars' start in UTC."""
        import pandas as pd

        index = pd.DatetimeIndex(self.start, tz="UTC", name="start")
        return pd.DataFrame({name: getattr(self, name) for name in self.COLUMNS}, index=index)


def check_series(series: BarSeries) -> None:
    """Refuse a series that cannot be trusted.

    Raises:
        DataError: naming the first bar that is wrong, what should hold and what was found.
    """
    where = f"{series.symbol} {series.timeframe}"
    lengths = {name: len(getattr(series, name)) for name in ("start", *series.COLUMNS)}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: columns must have equal length, were {lengths}")
    if len(series) == 0:
        return
    # Part by part, each with the bar before it: what is compared needs no array of a million bars.
    for begin in range(0, len(series), _BLOCK):
        _check_block(series, max(begin - 1, 0), begin + _BLOCK, where)


def _check_block(series: BarSeries, begin: int, end: int, where: str) -> None:
    part = slice(begin, end)
    steps = np.diff(series.start[part])
    if (steps <= 0).any():
        row = begin + int(np.argmax(steps <= 0)) + 1
        before, after = isoformat(int(series.start[row - 1])), isoformat(int(series.start[row]))
        raise DataError(f"{where}: bar {row}: time must rise, was {after} after {before}")
    if (steps < series.duration).any():
        row = begin + int(np.argmax(steps < series.duration)) + 1
        step = int(series.start[row] - series.start[row - 1])
        found = f"{isoformat(int(series.start[row]))} is {step / 1e9:g} s after the bar before"
        raise DataError(f"{where}: bar {row}: bars of {series.timeframe} must not overlap, {found}")
    for name in series.COLUMNS:
        values = getattr(series, name)[part]
        bad = ~np.isfinite(values) if name != "volume" else ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            rule = "a finite number" if name != "volume" else "zero or more"
            _refuse(series, begin + int(np.argmax(bad)), f"{name} must be {rule}", name)
    opens, highs, lows, closes = (getattr(series, name)[part] for name in series.PRICES)
    bad = (highs < np.maximum(opens, closes)) | (lows > np.minimum(opens, closes))
    if bad.any():
        row = begin + int(np.argmax(bad))
        _refuse(series, row, "open and close must lie between low and high", *series.PRICES)


def _refuse(series: BarSeries, row: int, rule: str, *names: str) -> None:
    found = ", ".join(f"{name} {float(getattr(series, name)[row])!r}" for name in names)
    where = f"{series.symbol} {series.timeframe}: bar {row} ({isoformat(int(series.start[row]))})"
    raise DataError(f"{where}: {rule}, was {found}")
