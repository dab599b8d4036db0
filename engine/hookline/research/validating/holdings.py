"""What was held from one time of filling to the next, what the market did meanwhile, and what was paid: what chance is tested with.

Rules of this file:

- Positions change at the opens of bars, so a row reaches from the open of its bar, once what was due there is filled, to the next
  open; the last one to the last close. A gap between bars is met by what was held over it. Where a session fills at closes,
  rows reach from close to close.
- In each row, ``sum(positions * moves) - costs`` is the strategy's return, exactly: whatever positions and marks do not explain (fees,
  slippage, funding, fills away from the marks) is a cost of that row. With no such fills costs are fees, slippage and funding.
- What is filled inside a row is held from the next one on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Instrument
from hookline.reporting.book import FillColumns
from hookline.reporting.curve import rate_at
from hookline.reporting.result import Result

__all__ = ["Holdings", "holdings_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Holdings:
    """What was held over each bar.

    Args:
        time: Ends of the bars, nanoseconds UTC.
        moves: Returns of the instruments from mark to mark, opens or closes; a row for each bar and a column for each instrument.
        positions: As fractions of ``equity``, negative for short; as ``moves``.
        costs: What the row cost, as a fraction of ``equity``; below zero where it brought more than positions explain.
        returns: Of the strategy, from mark to mark; compounded they are what the run returned.
        equity: At each row's beginning, after what was filled there.
    """

    time: Ints
    moves: Floats
    positions: Floats
    costs: Floats
    returns: Floats
    equity: Floats


class _Held(NamedTuple):
    """One instrument, by rows: its marks (one more than rows), the units held over each row, and what equity it adds at each mark."""

    marks: Floats
    units: Floats
    worth: Floats


def holdings_of(result: Result) -> Holdings:
    """Return what a run held over each bar.

    Raises:
        ValueError: if equity was lost altogether, or a price is zero or less: fractions of it mean nothing then.
    """
    record, end, closing = result.record, result.equity.time, result.equity.value
    starts = np.unique(np.concatenate([series.start for series in record.series.values()]))
    # Opens lie between closes only where all bars are of one clock: a share's hours may begin at half past.
    is_at_open = (
        len(starts) == len(end) and bool((starts[1:] >= end[:-1]).all()) and not _fills_at_closes(result)
    )
    before = np.append(record.cash, closing[:-1])
    held = [
        _at_opens(result, symbol, starts) if is_at_open else _at_closes(result, symbol)
        for symbol in record.series
    ]
    # What opens add to the last closes; at closes there is nothing to add.
    equity = np.append(before + sum(one.worth[:-1] for one in held), closing[-1:])
    if not (np.isfinite(equity) & (equity > 0.0)).all():
        raise ValueError(f"{record.name}: equity must stay above zero to be looked at by fractions, does not")
    for symbol, one in zip(record.series, held, strict=True):
        if not (one.marks > 0.0).all():
            raise ValueError(f"{symbol}: prices must be above zero to be looked at by fractions, are not")
    base = equity[:-1]
    moves = np.column_stack([one.marks[1:] / one.marks[:-1] - 1.0 for one in held])
    positions = np.column_stack([
        one.units * one.marks[:-1] * _rates(result, symbol, starts if is_at_open else end) / base
        for symbol, one in zip(record.series, held, strict=True)
    ])  # fmt: skip
    returns = equity[1:] / base - 1.0
    return Holdings(end, moves, positions, (moves * positions).sum(axis=1) - returns, returns, base)


def _rates(result: Result, symbol: str, time: Ints) -> Floats | float:
    """Return what one unit of a symbol's quote currency was worth at times, 1 where it is the run's own currency."""
    rate = rate_at(result.record, symbol, time)
    return 1.0 if rate is None else rate


def _fills_at_closes(result: Result) -> bool:
    """Whether more fills are at the very ends of their bars than at the starts."""
    late = early = 0
    for symbol, fills in result.book.fills.items():
        series = result.record.series[symbol]
        early += int(np.count_nonzero(fills.time <= series.start[fills.bar]))
        late += int(np.count_nonzero(fills.time >= series.end[fills.bar]))
    return late > early


def _at_opens(result: Result, symbol: str, starts: Ints) -> _Held:
    """Return an instrument by rows from open to open: its last close where it has no bar, its first open before it has any."""
    series, fills = result.record.series[symbol], result.book.fills.get(symbol)
    known = np.searchsorted(series.start, starts, side="right")
    bar = np.maximum(known - 1, 0)
    has_bar = (known > 0) & (series.start[bar] == starts)
    marks = np.where(has_bar | (known == 0), series.open[bar], series.close[bar])
    last = np.append(marks[:1], np.where(known > 0, series.close[bar], series.open[0])[:-1])
    size = len(starts)
    early, later, paid = _changes(fills, series, np.flatnonzero(has_bar), size)
    units_before = _units(result, symbol, np.cumsum(early) - early + np.append(0.0, np.cumsum(later)[:-1]))
    units = _units(result, symbol, np.cumsum(early) + np.append(0.0, np.cumsum(later)[:-1]))
    # From the last close to this open, and what the fills there gave and took.
    worth = units_before * (marks - last) + (units - units_before) * marks - paid
    worth = worth * _rates(result, symbol, starts)
    return _Held(np.append(marks, series.close[-1:]), units, np.append(worth, 0.0))


def _changes(
    fills: FillColumns | None, series: BarSeries, rows: NDArray[np.intp], size: int
) -> tuple[Floats, Floats, Floats]:
    """Return by row the lots that were filled at its beginning, those filled later in it, and what the former cost with their fees."""
    if fills is None:
        return np.zeros(size), np.zeros(size), np.zeros(size)
    early = fills.time <= series.start[fills.bar]
    row = rows[fills.bar]

    def summed(keep: NDArray[np.bool_], values: NDArray[Any]) -> Floats:
        # Of no fills numpy makes integers.
        return np.bincount(row[keep], weights=values[keep], minlength=size).astype(np.float64, copy=False)

    return summed(early, fills.lots), summed(~early, fills.lots), summed(early, fills.notional + fills.fee)


def _at_closes(result: Result, symbol: str) -> _Held:
    """Return an instrument by rows from close to close."""
    series, end = result.record.series[symbol], result.equity.time
    fills = result.book.fills.get(symbol)
    known = np.searchsorted(series.end, end, side="right")
    closes = np.where(known > 0, series.close[np.maximum(known - 1, 0)], series.open[0])
    early, later, _ = _changes(fills, series, np.searchsorted(end, series.end), len(end))
    units = _units(result, symbol, np.cumsum(early) + np.append(0.0, np.cumsum(later)[:-1]))
    return _Held(np.append(series.open[:1], closes), units, np.zeros(len(end) + 1))


def _units(result: Result, symbol: str, lots: Floats) -> Floats:
    instrument = result.record.instruments.get(symbol) or Instrument(symbol)
    units: Floats = np.asarray(instrument.units(lots))  # type: ignore[arg-type]
    return units
