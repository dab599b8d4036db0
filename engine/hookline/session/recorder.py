"""Keeps the bars of a stream, so that a result can be made of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from hookline.feed import BarRequest
from hookline.model import Bar, BarSeries, Timeframe
from hookline.session.backtest import Progress

__all__ = ["BarRecorder"]


class BarRecorder:
    """Keeps the columns of bars: 48 bytes a bar."""

    def __init__(
        self, timeframe: Timeframe, requests: Sequence[BarRequest], progress: Progress | None
    ) -> None:
        self._timeframe = timeframe
        self._columns = {request.symbol: [array("q"), *_floats(5)] for request in requests}
        self._progress = progress
        self._since = requests[0].since
        self._until = requests[0].until

    def keep(self, bars: Sequence[Bar]) -> None:
        """Keep bars that were handled."""
        for bar in bars:
            values = (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume)
            for column, value in zip(self._columns[bar.symbol], values, strict=True):
                column.append(value)
        self.show(bars)

    def show(self, bars: Sequence[Bar]) -> None:
        """Show how far the bars have come."""
        if bars and self._progress is not None:
            self._progress(self._fraction(bars[0].end), bars[0].end)

    def series(self) -> list[BarSeries]:
        """Return what was kept, one series for each symbol that had bars."""
        return [
            BarSeries(symbol, self._timeframe, *(np.array(column) for column in columns))
            for symbol, columns in self._columns.items()
            if columns[0]
        ]

    def _fraction(self, time: int) -> float:
        if self._since is None or self._until is None:
            return 0.0
        return min(1.0, (time - self._since) / (self._until - self._since))


def _floats(count: int) -> list[array[Any]]:
    return [array("d") for _ in range(count)]
