"""Returns by calendar month, UTC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hookline.reporting.curve import Curve

__all__ = ["MonthlyReturn", "monthly_returns"]


class MonthlyReturn(NamedTuple):
    """The return of one month; NaN where equity was zero or less at its start."""

    year: int
    month: int
    return_fraction: float


def monthly_returns(curve: Curve, cash: float) -> list[MonthlyReturn]:
    """Return the months in which bars end, oldest first; the first and last may be partial.

    A bar belongs to the month that holds it: one that ends at midnight on the first belongs to the month before.
    """
    if not len(curve.time):
        return []
    month = (curve.time - 1).view("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(np.diff(month)), len(month) - 1)
    after = curve.value[last]
    before = np.append(cash, after[:-1])
    returns = np.full(len(last), np.nan)
    np.divide(after, before, out=returns, where=before > 0.0)
    rows = zip(
        (month[last] // 12 + 1970).tolist(), (month[last] % 12 + 1).tolist(), returns.tolist(), strict=True
    )
    return [MonthlyReturn(year, number, value - 1.0) for year, number, value in rows]
