"""Returns by day, which statistics of single returns are made from: bars within a day depend too much on each other.

A day is one of UTC and ends with the last bar that ends in it. Of bars longer than a day the returns are those of the bars.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hookline.reporting.curve import Curve, returns_of

__all__ = ["ends_of_days", "returns_by_day"]

_DAY = 86_400 * 10**9


def ends_of_days(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the last bar of each day that has one.

    >>> ends_of_days(np.array([6, 12, 24, 30, 96, 102]) * 3600 * 10**9).tolist()
    [2, 3, 4, 5]

    Args:
        time: Ends of bars, rising, nanoseconds UTC.
    """
    if not len(time):
        return np.empty(0, np.int64)
    # Days are few and bars are many: each day is looked up, rather than each bar looked at.
    first, last = (int(time[index] - 1) // _DAY for index in (0, -1))
    found = np.searchsorted(time, np.arange(first + 1, last + 2) * _DAY, side="right") - 1
    return np.unique(found).astype(np.int64, copy=False)


def returns_by_day(curve: Curve, cash: float) -> Curve:
    """Return what each day brought, the first measured from the starting cash; NaN after equity of zero or less."""
    last = ends_of_days(curve.time)
    return Curve(curve.time[last], returns_of(curve.value[last], cash))
