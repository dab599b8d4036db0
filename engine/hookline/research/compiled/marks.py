"""Mark prices beside the bars of a run: what decides on liquidation in each bar, and what is known when something is paid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries
from hookline.research.compiled.terms import Payments
from hookline.session.plan import Plan

__all__ = ["Marks", "marks_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Marks(NamedTuple):
    """Mark prices of a run.

    ``rows`` has a row for each bar: open, low and high of the price that decides on liquidation, the bar's own where it holds no mark, and
    the mark known at its end, NaN before the first. ``paid`` is the mark known at each payment.
    """

    rows: Floats
    paid: Floats


def marks_of(plan: Plan, series: BarSeries, payments: Payments) -> Marks | None:
    """Return the mark prices of the instrument of a plan, None where the traded price decides."""
    marks = plan.marks.get(series.symbol)
    if marks is None:
        return None
    rows = np.column_stack([series.open, series.low, series.high, _known(marks, series.end)])
    first, last = (np.searchsorted(marks.start, time) for time in (series.start, series.end))
    held = np.flatnonzero(first < last)
    rows[held, 0] = marks.open[first[held]]
    rows[held, 1] = _of_ranges(np.minimum, marks.low, first[held], last[held])
    rows[held, 2] = _of_ranges(np.maximum, marks.high, first[held], last[held])
    return Marks(rows, _known(marks, payments.time))


def _known(marks: BarSeries, time: Ints) -> Floats:
    """Return the last close known at times, NaN before the first."""
    closes = np.concatenate([[np.nan], marks.close])
    return closes[np.searchsorted(marks.end, time, side="right")]


def _of_ranges(lesser: np.ufunc, values: Floats, first: Ints, last: Ints) -> Floats:
    """Return the least or greatest value of each range; ranges rise and do not overlap."""
    if not len(first):
        return np.empty(0)
    ends = np.column_stack([first, last]).ravel()
    found: Floats = lesser.reduceat(np.append(values, values[-1]), ends)[::2]
    return found
