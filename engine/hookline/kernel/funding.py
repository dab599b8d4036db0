"""Funding payments of perpetuals, in event time.

At each time of a funding series a position pays ``quantity * last price * rate``: longs pay shorts while the rate is
positive. A payment is made on the position held at that instant, before orders meet the open of a bar that starts then. A
payment inside a bar is made on the position that was held when the bar began, at the close before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hookline.kernel.timers import NEVER
from hookline.model import BarSeries, Market

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["FundingSchedule", "MarkSchedule"]


class FundingSchedule:
    """The payments of all instruments, by time and then in the order of the instruments."""

    def __init__(self, series: Mapping[str, ExternalSeries] | None = None) -> None:
        rows = [
            (time, number, symbol, rate)
            for number, (symbol, one) in enumerate((series or {}).items())
            for time, rate in zip(one.time.tolist(), one.value.tolist(), strict=True)
            if not np.isnan(rate)
        ]
        self._rows = sorted(rows, reverse=True)
        self.due = self._rows[-1][0] if self._rows else NEVER

    def skip_before(self, time: int) -> None:
        """Drop the payments of earlier times."""
        while self.due < time:
            self.pop()

    def pop(self) -> tuple[int, str, float]:
        """Return the next payment as ``(time, symbol, rate)``."""
        time, _, symbol, rate = self._rows.pop()
        self.due = self._rows[-1][0] if self._rows else NEVER
        return time, symbol, rate


class MarkSchedule:
    """Mark prices as they become known: each close at the end of its bar."""

    def __init__(self, series: Mapping[str, BarSeries], markets: Mapping[str, Market]) -> None:
        self._marks = [(markets[symbol], one.end, one.close) for symbol, one in series.items() if len(one)]

    def __bool__(self) -> bool:
        return bool(self._marks)

    def note(self, time: int) -> None:
        """Set the mark of every market to the last one known at a time (nanoseconds)."""
        for market, ends, closes in self._marks:
            index = int(ends.searchsorted(time, "right")) - 1
            if index >= 0:
                market.mark = float(closes[index])
