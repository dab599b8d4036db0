"""True range and its average (Wilder 1978)."""

from __future__ import annotations

import math

from hookline.columns.averages import rma
from hookline.columns.bars import Bars
from hookline.columns.checks import period
from hookline.columns.column import Column, apply
from hookline.columns.op import Op

__all__ = ["atr", "true_range"]


def range_init() -> tuple[float]:
    """Return an unknown previous close."""
    return (math.nan,)


def span(high: float, low: float, before: float) -> float:
    """Return the true range: the distance between the extremes of high, low and the close before."""
    return max(high, before) - min(low, before)


def true_range_step(state: tuple[float], high: float, low: float, close: float) -> tuple[tuple[float], float]:
    """Return the true range, NaN without a close before."""
    (before,) = state
    if not (math.isfinite(high) and math.isfinite(low) and math.isfinite(close)):
        return state, math.nan
    if math.isnan(before):
        return (close,), math.nan
    return (close,), span(high, low, before)


TRUE_RANGE = Op("true_range", range_init, true_range_step)


def true_range(bars: Bars) -> Column:
    """Return the distance between the highest and the lowest of high, low and the close before (TA-Lib TRANGE).

    NaN on the first bar, which has no close before.
    """
    return apply(TRUE_RANGE, bars.high, bars.low, bars.close)


def atr(bars: Bars, n: int = 14) -> Column:
    """Return Wilder's average of the true range over n bars, first ready on bar n + 1 (TA-Lib ATR)."""
    return rma(true_range(bars), period("atr", n))
