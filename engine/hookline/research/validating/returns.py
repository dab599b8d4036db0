"""What tests of luck are made from: what was held over each bar, what the market did over it, and what was paid.

Rules of this file:

- Over each bar, ``sum(positions * moves) - costs`` is the strategy's return, exactly: whatever positions and closes do not explain (fees,
  slippage, funding, fills away from the close) is a cost of that bar.
- A position counts for the bars over which it is held: one that is opened at a bar's open counts for that bar, one that is opened inside
  it from the next on.
- Returns by day are of days UTC, at the last bar that ends in each; of bars longer than a day they are those of the bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline import plugins
from hookline.model import Instrument
from hookline.reporting.curve import Curve, rate_at, returns_of
from hookline.reporting.daily import returns_by_day
from hookline.reporting.result import Result
from hookline.research.ledger import uncounted
from hookline.research.study import Job, Study
from hookline.signals import SignalStrategy

if TYPE_CHECKING:
    from hookline.research.compiled import CompiledRun

__all__ = ["Holdings", "daily_returns", "holdings_of", "returns_by_day", "thinned"]

Floats = NDArray[np.float64]
_POINTS = 600


@dataclass(frozen=True, eq=False)
class Holdings:
    """What was held over each bar.

    Args:
        time: Ends of the bars, nanoseconds UTC.
        moves: Returns of the instruments, close to close; a row for each bar and a column for each instrument.
        positions: As fractions of the equity before the bar, negative for short; as ``moves``.
        costs: What the bar cost, as a fraction of the equity before it; below zero where it brought more than positions explain.
        returns: Of the strategy.
    """

    time: NDArray[np.int64]
    moves: Floats
    positions: Floats
    costs: Floats
    returns: Floats


def holdings_of(result: Result) -> Holdings:
    """Return what a run held over each bar.

    Raises:
        ValueError: if equity was lost altogether, or a price is zero or less: fractions of it mean nothing then.
    """
    time, equity, cash = result.equity.time, result.equity.value, result.record.cash
    returns = returns_of(equity, cash)
    if not np.isfinite(returns).all():
        raise ValueError(
            f"{result.record.name}: equity must stay above zero to be looked at by fractions, does not"
        )
    before = np.append(cash, equity[:-1])
    columns = [_column(result, symbol, before) for symbol in result.record.series]
    moves = np.column_stack([move for move, _ in columns])
    positions = np.column_stack([position for _, position in columns])
    costs = (moves * positions).sum(axis=1) - returns
    return Holdings(time, moves, positions, costs, returns)


def _column(result: Result, symbol: str, equity: Floats) -> tuple[Floats, Floats]:
    """Return the moves of one instrument and what was held of it, on all bars of the run."""
    record, time = result.record, result.equity.time
    series = record.series[symbol]
    last = np.append(series.open[:1], series.close[:-1])
    if not (last > 0.0).all():
        raise ValueError(f"{symbol}: prices must be above zero to be looked at by fractions, are not")
    rows = np.searchsorted(time, series.end)
    rate = rate_at(record, symbol, series.end)
    worth = last if rate is None else last * rate
    moves, positions = np.zeros(len(time)), np.zeros(len(time))
    moves[rows] = series.close / last - 1.0
    positions[rows] = _held_units(result, symbol) * worth / equity[rows]
    return moves, positions


def _held_units(result: Result, symbol: str) -> Floats:
    """Return the units held over each bar of a symbol: at its start, and what was filled at its open."""
    series = result.record.series[symbol]
    fills = result.book.fills.get(symbol)
    if fills is None:
        return np.zeros(len(series))
    at_open = fills.time <= series.start[fills.bar]
    size = len(series)
    opened = np.bincount(fills.bar[at_open], weights=fills.lots[at_open], minlength=size)
    later = np.bincount(fills.bar[~at_open], weights=fills.lots[~at_open], minlength=size)
    lots = np.cumsum(opened) + np.append(0.0, np.cumsum(later)[:-1])
    instrument = result.record.instruments.get(symbol) or Instrument(symbol)
    units: Floats = np.asarray(instrument.units(lots))
    return units


def daily_returns(study: Study, jobs: Sequence[Job]) -> list[Floats]:
    """Return what each day brought in each of several runs on all bars; they count in no ledger.

    What is given and what is returned may be sent to another process.
    """
    found = []
    with uncounted(), plugins.remembering():
        compiled = _compiled(study, jobs[0]) if jobs else None
        for job in jobs:
            result = _result_of(study, job, compiled)
            found.append(np.nan_to_num(returns_by_day(result.equity, result.record.cash).value))
    return found


def _compiled(study: Study, job: Job) -> CompiledRun | None:
    from hookline.research.compiled import CompiledRun, NotCompilable

    try:
        return CompiledRun(study.plan(job))
    except NotCompilable:
        return None


def _result_of(study: Study, job: Job, compiled: CompiledRun | None) -> Result:
    """Return the result of a job, compiled where that is possible; orders and fills are the same."""
    from hookline.research.compiled import NotCompilable

    strategy = None if compiled is None else study.strategy(job)
    if compiled is None or not isinstance(strategy, SignalStrategy):
        return study.run(job)
    try:
        return Result(compiled.record(strategy))
    except NotCompilable:
        return study.run(job)


def thinned(curve: Curve, points: int = _POINTS) -> dict[str, list[Any]]:
    """Return a curve with few enough points to draw: milliseconds UTC and values; the first and the last are kept."""
    size = len(curve.time)
    rows = np.unique(np.linspace(0, max(size - 1, 0), min(points, size)).round().astype(np.int64))
    return {"t": (curve.time[rows] // 10**6).tolist(), "y": curve.value[rows].tolist()}
