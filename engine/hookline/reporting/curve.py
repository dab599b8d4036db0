"""Equity at the end of every bar, worked out from fills after the run.

Cash is the sum of all cash flows: ``start - sum(signed notional) - fees + funding``. Equity is cash plus each position at the
last close. Positions are counted in lots, so that a flat position adds exactly nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Instrument
from hookline.reporting.book import Book, FillColumns

if TYPE_CHECKING:
    from hookline.reporting.record import RunRecord

__all__ = [
    "Curve",
    "bar_ends",
    "blocks",
    "drawdowns",
    "equity_curve",
    "returns_of",
    "spread",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 65_536  # bars


class Curve(NamedTuple):
    """A value at each time: ``time`` is int64 nanoseconds UTC, ``value`` float64, of equal length."""

    time: Ints
    value: Floats


def bar_ends(record: RunRecord) -> Ints:
    """Return the ends of all bars of all series, rising, each once."""
    ends = [series.end for series in record.series.values() if len(series)]
    if not ends:
        return np.empty(0, np.int64)
    if all(len(end) == len(ends[0]) and np.array_equal(end, ends[0]) for end in ends[1:]):
        return ends[0]
    return np.unique(np.concatenate(ends))


def equity_curve(book: Book, time: Ints, cash: float, strategy: int | None = None) -> Curve:
    """Return equity at the given bar ends, of the account or of one strategy (its index in the record).

    Args:
        book: The run's fills and funding.
        time: Bar ends, rising, nanoseconds UTC.
        cash: Cash at the start.
        strategy: Index of the strategy whose fills count, None for all.
    """
    equity: Floats | None = None
    for symbol in sorted(book.fills.keys() | book.funding.keys()):
        series = book.record.series[symbol]
        value = spread(_value_of(book, symbol, series, strategy), series, time)
        rate = rate_at(book.record, symbol, time)
        if rate is not None:
            value = value * rate
        equity = value if equity is None else np.add(equity, value, out=equity)
    start = _cash_at(book.record, time, cash)
    return Curve(
        time,
        np.broadcast_to(start, len(time)).copy() if equity is None else np.add(equity, start, out=equity),
    )


def rate_at(record: RunRecord, symbol: str, time: Ints) -> Floats | None:
    """Return what one unit of a symbol's quote currency was worth at times, None where it is the run's own currency."""
    instrument = record.instruments.get(symbol)
    through = None if instrument is None else record.rates.get(instrument.quote)
    return None if through is None else _closes(record.series[through], time)


def _closes(series: BarSeries, time: Ints) -> Floats:
    """Return the last close at times, the first open before that."""
    index = np.searchsorted(series.end, time, side="right") - 1
    return np.where(index >= 0, series.close[index], series.open[0])


def _cash_at(record: RunRecord, time: Ints, cash: float) -> Floats | float:
    """Return what the starting cash is worth at times: a share of every currency, the share that ``cash`` is of the run's."""
    if not record.balances or not record.cash:
        return cash
    worth = np.zeros(len(time))
    for currency, amount in record.balances.items():
        through = record.rates.get(currency)
        worth += amount if through is None else amount * _closes(record.series[through], time)
    return worth * (cash / record.cash)


def spread(value: Floats, series: BarSeries, time: Ints) -> Floats:
    """Return values given at a series' bar ends at other times: the last known one, 0 before the first."""
    if len(series) == len(time):
        return value  # times are the union of all ends, so equal length means equal times
    index = np.searchsorted(series.end, time, side="right") - 1
    return np.where(index >= 0, value[index], 0.0)


def blocks(size: int) -> Iterator[slice]:
    """Yield the rows of long columns part by part: an array that is needed for a moment then weighs half a megabyte."""
    for begin in range(0, size, _BLOCK):
        yield slice(begin, min(begin + _BLOCK, size))


def _value_of(book: Book, symbol: str, series: BarSeries, strategy: int | None) -> Floats:
    """Return what fills and funding of one symbol add to equity at the end of each of its bars."""
    size = len(series)
    fills = book.fills[symbol].of(strategy) if symbol in book.fills else None
    value: Floats
    if fills is None:
        value = np.zeros(size)
    else:
        paid = -(fills.notional + fills.fee)
        # Without any fill numpy gives integers.
        value = np.bincount(fills.bar, weights=paid, minlength=size).astype(float, copy=False)
    if symbol in book.funding:
        times, strategies, amounts, _ = book.funding[symbol]
        keep = np.full(len(times), True) if strategy is None else strategies == strategy
        bar = np.minimum(np.searchsorted(series.start, times[keep] - series.duration), size - 1)
        np.add.at(value, bar, amounts[keep])
    np.cumsum(value, out=value)
    if fills is not None:
        _add_position(value, fills, book.record.instruments.get(symbol) or Instrument(symbol), series)
    return value


def _add_position(value: Floats, fills: FillColumns, instrument: Instrument, series: BarSeries) -> None:
    """Add the worth of what is held at the end of each bar, negative for a short."""
    order = np.argsort(fills.bar, kind="stable")
    bar, lots, held = fills.bar[order], fills.lots[order], 0.0
    for part in blocks(len(value)):
        first, end = np.searchsorted(bar, (part.start, part.stop)).tolist()
        size = part.stop - part.start
        # Sums of whole lots are exact in float64 below 2**53.
        at_end = np.bincount(bar[first:end] - part.start, weights=lots[first:end], minlength=size)
        at_end[0] += held
        at_end = np.cumsum(at_end, dtype=np.float64)
        held = at_end[-1]
        # units() divides or multiplies, which works on a column as on one number.
        value[part] += np.asarray(instrument.units(at_end)) * series.close[part]  # type: ignore[arg-type]


def returns_of(value: Floats, start: float) -> Floats:
    """Return each bar's return, the first one measured from the starting cash; NaN after equity of zero or less."""
    returns = np.full(len(value), np.nan)
    if len(value) and start > 0.0:
        returns[0] = value[0] / start
    before = value[:-1]
    np.divide(value[1:], before, out=returns[1:], where=before > 0.0)
    returns -= 1.0
    return returns


def drawdowns(value: Floats, start: float) -> Floats:
    """Return how far equity is below its highest value so far, as a fraction of it; the start counts as a peak."""
    if not start > 0.0:
        return np.full(len(value), np.nan)
    peak = np.maximum.accumulate(value)
    np.maximum(peak, start, out=peak)
    np.divide(value, peak, out=peak)
    return np.subtract(1.0, peak, out=peak)
