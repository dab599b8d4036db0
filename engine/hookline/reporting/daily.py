"""Returns by day, which statistics of single returns are made from: bars within a day depend too much on each other.

A day is one of UTC and ends with the last bar that ends in it. Of bars longer than a day the returns are those of the bars.
"""

from __future__ import annotations

import numpy as np

from hookline.reporting.curve import Curve, returns_of

__all__ = ["returns_by_day"]

_DAY = 86_400 * 10**9


def returns_by_day(curve: Curve, cash: float) -> Curve:
    """Return what each day brought, the first measured from the starting cash; NaN after equity of zero or less."""
    day = (curve.time - 1) // _DAY
    last = np.append(np.flatnonzero(np.diff(day)), len(day) - 1) if len(day) else np.empty(0, np.int64)
    return Curve(curve.time[last], returns_of(curve.value[last], cash))
