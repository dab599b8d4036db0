"""Candles of one market: what was there before the start, and what has come since."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from hookline.model import Bar, BarSeries

__all__ = ["Candle", "Candles"]

_MINUTE = 60 * 10**9
# Of a market that is followed by its tape alone, candles are made as long as this.
_FROM_TRADES = _MINUTE


class Candle(NamedTuple):
    """One candle; ``start`` in nanoseconds UTC, ``volume`` in base units, ``turnover`` in quote currency."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float


class Candles:
    """Closed bars of one length, made longer on request.

    Args:
        history: Bars before the start; None for none.
    """

    def __init__(self, history: BarSeries | None = None) -> None:
        self._starts: list[int] = []
        self._rows: list[Candle] = []
        self._last_end = 0
        if history is not None:
            self._load(history)

    def _load(self, history: BarSeries) -> None:
        columns = (getattr(history, name).tolist() for name in ("start", *history.COLUMNS))
        for start, open_, high, low, close, volume in zip(*columns, strict=True):
            turnover = volume * _typical(high, low, close)
            self._put(Candle(start, open_, high, low, close, volume, turnover))
        if len(history):
            self._last_end = int(history.end[-1])

    def _put(self, candle: Candle) -> None:
        self._starts.append(candle.start)
        self._rows.append(candle)

    @property
    def last_end(self) -> int:
        """End of the last bar, nanoseconds UTC; 0 without any."""
        return self._last_end

    @property
    def last(self) -> Candle | None:
        """The last bar, None without any."""
        return self._rows[-1] if self._rows else None

    def add(self, bar: Bar) -> None:
        """Add a bar that has just closed, in place of what trades have made of its time."""
        first, stop = bisect_left(self._starts, bar.start), bisect_left(self._starts, bar.end)
        turnover = bar.volume * _typical(bar.high, bar.low, bar.close)
        row = Candle(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, turnover)
        self._starts[first:stop], self._rows[first:stop] = [bar.start], [row]
        self._last_end = max(self._last_end, bar.end)

    def add_trade(self, time: int, price: float, quantity: float) -> None:
        """Count a trade into the minute that it belongs to."""
        start = time // _FROM_TRADES * _FROM_TRADES
        value = price * quantity
        if self._starts and self._starts[-1] >= start:
            row = self._rows[-1]
            self._rows[-1] = Candle(
                row.start, row.open, max(row.high, price), min(row.low, price), price,
                row.volume + quantity, row.turnover + value,
            )  # fmt: skip
        else:
            self._put(Candle(start, price, price, price, price, quantity, value))
        self._last_end = max(self._last_end, self._starts[-1] + _FROM_TRADES)

    def between(self, since: int, until: int) -> list[Candle]:
        """Return the bars that start in ``[since, until)``, oldest first."""
        return self._rows[bisect_left(self._starts, since) : bisect_left(self._starts, until)]

    def of_length(self, length: int, since: int, until: int) -> list[Candle]:
        """Return candles of a length (nanoseconds) that start in ``[since, until)``, oldest first.

        Those without a bar in them are left out. The last one may be open still: it holds what has come so far.
        """
        begin = -(-since // length) * length
        last = (until - 1) // length * length + length
        found: list[Candle] = []
        for row in self.between(begin, last):
            start = row.start // length * length
            if found and found[-1].start == start:
                found[-1] = _joined(found[-1], row)
            else:
                found.append(row._replace(start=start))
        return found


def _typical(high: float, low: float, close: float) -> float:
    """Return the price that a bar's volume is valued at: its turnover is not in the data."""
    return (high + low + close) / 3.0


def _joined(first: Candle, second: Candle) -> Candle:
    return Candle(
        first.start,
        first.open,
        max(first.high, second.high),
        min(first.low, second.low),
        second.close,
        first.volume + second.volume,
        first.turnover + second.turnover,
    )
