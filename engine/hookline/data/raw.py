"""Bars as a file holds them, before anything is checked, and the way from there to what a run asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.resample import resample
from hookline.errors import DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["RawBars", "answer", "read_range"]


@dataclass(frozen=True, eq=False)
class RawBars:
    """Columns of equal length: ``start`` int64 nanoseconds UTC, the rest float64; nothing about them is checked.

    ``source`` says in messages where they come from, ``named`` whether it tells itself whose bars they are.
    """

    source: str
    symbol: str
    timeframe: Timeframe
    start: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    named: bool = True

    def __len__(self) -> int:
        return len(self.start)

    def renamed(self, symbol: str) -> RawBars:
        """Return the same bars under another symbol."""
        return replace(self, symbol=symbol)

    def series(self) -> BarSeries:
        """Return the bars as a checked series.

        Raises:
            DataError: if they cannot be trusted.
        """
        columns = (getattr(self, name) for name in BarSeries.COLUMNS)
        try:
            return BarSeries(self.symbol, self.timeframe, self.start, *columns)
        except DataError as error:
            raise DataError(f"{self.source}: {error}") from None


def read_range(request: BarRequest) -> tuple[int | None, int | None]:
    """Return the range of times to read so that the last bar asked for is whole, should it be made of shorter ones."""
    if request.until is None:
        return request.since, None
    return request.since, request.until + timeframe_ns(request.timeframe)


def answer(raw: RawBars, request: BarRequest) -> BarSeries:
    """Return the bars of a request, resampled where the source holds shorter ones.

    Raises:
        DataError: if there are none, if the source's bars are too long, or if they cannot be trusted.
    """
    wanted, stored = timeframe_ns(request.timeframe), timeframe_ns(raw.timeframe)
    if wanted % stored:
        rule = f"holds bars of {raw.timeframe}, of which bars of {request.timeframe} cannot be made"
        raise DataError(
            f"{raw.source}: {rule}; if its bars are shorter and full of gaps, say so with 'timeframe'"
        )
    series = raw.series()
    if wanted != stored:
        series = resample(series, request.timeframe)
    if request.since is not None or request.until is not None:
        series = series.between(request.since, request.until)
    if len(series) == 0:
        raise DataError(
            f"{raw.source}: no bars of {request.symbol} {request.timeframe}{_range_text(request)}"
        )
    return series


def _range_text(request: BarRequest) -> str:
    since = f" from {isoformat(request.since)}" if request.since is not None else ""
    until = f" before {isoformat(request.until)}" if request.until is not None else ""
    return since + until
