"""Bars as a file holds them, before anything is checked, and the way from there to what a run asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.resample import resample
from hookline.errors import DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["RawBars", "answer", "range_text", "read_range"]

_BAR = re.compile(r": bar (\d+)\b")  # in the messages of a BarSeries


@dataclass(frozen=True, eq=False)
class RawBars:
    """Columns of equal length: ``start`` int64 nanoseconds UTC, the rest float64; nothing about them is checked.

    ``source`` says in messages where they come from and ``where`` the address of a row; ``named`` is whether the source
    tells itself whose bars they are.
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
    where: Callable[[int], str] | None = None

    def __len__(self) -> int:
        return len(self.start)

    def renamed(self, symbol: str) -> RawBars:
        """Return the same bars under another symbol."""
        return replace(self, symbol=symbol)

    def between(self, since: int | None, until: int | None) -> RawBars:
        """Return the bars that start in ``[since, until)``, in their order.

        Raises:
            DataError: if there are none.
        """
        mask = np.ones(len(self), np.bool_)
        if since is not None:
            mask &= self.start >= since
        if until is not None:
            mask &= self.start < until
        if mask.all():
            return self
        rows, where = np.flatnonzero(mask), self.where or (lambda row: f"{self.source}: row {row}")
        if len(rows) == 0:
            first, last = isoformat(int(self.start.min())), isoformat(int(self.start.max()))
            raise DataError(f"{self.source}: no bars{range_text(since, until)}; it has {first} to {last}")
        columns = {name: getattr(self, name)[rows] for name in ("start", *BarSeries.COLUMNS)}
        return replace(self, **columns, where=lambda row: where(int(rows[row])))

    def series(self) -> BarSeries:
        """Return the bars as a checked series.

        Raises:
            DataError: if they cannot be trusted.
        """
        columns = (getattr(self, name) for name in BarSeries.COLUMNS)
        try:
            return BarSeries(self.symbol, self.timeframe, self.start, *columns)
        except DataError as error:
            place = _BAR.search(str(error))
            address = self.where(int(place[1])) if place and self.where else self.source
            raise DataError(f"{address}: {error}") from None


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
            f"{raw.source}: no bars of {request.symbol} {request.timeframe}{range_text(request.since, request.until)}"
        )
    return series


def range_text(since: int | None, until: int | None) -> str:
    """Return a range of times as the end of a message, empty where there are no bounds."""
    after = f" from {isoformat(since)}" if since is not None else ""
    return after + (f" before {isoformat(until)}" if until is not None else "")
