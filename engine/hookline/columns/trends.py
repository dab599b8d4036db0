"""Trend followers that draw lines: Supertrend and Ichimoku."""

from __future__ import annotations

import math
from typing import NamedTuple

from hookline.columns.bars import Bars
from hookline.columns.channels import donchian
from hookline.columns.checks import number, period
from hookline.columns.column import Column, apply_all
from hookline.columns.op import Op
from hookline.columns.ranges import atr

__all__ = ["Ichimoku", "Supertrend", "ichimoku", "supertrend"]

# Direction (0 before the first bar), upper band, lower band and close of the bar before.
Trend = tuple[float, float, float, float]


def supertrend_init(_multiplier: float) -> Trend:
    """Return a state without bands."""
    return 0.0, 0.0, 0.0, 0.0


def supertrend_step(
    state: Trend, high: float, low: float, close: float, spread: float, multiplier: float
) -> tuple[Trend, tuple[float, float]]:
    """Return the band that price trails and the direction; ``spread`` is the average true range."""
    direction, upper, lower, before = state
    if not (math.isfinite(high) and math.isfinite(low) and math.isfinite(close) and math.isfinite(spread)):
        return state, (math.nan, math.nan)
    middle = 0.5 * (high + low)
    new_upper, new_lower = middle + multiplier * spread, middle - multiplier * spread
    if direction == 0.0:
        direction = 1.0 if close >= middle else -1.0
    else:
        # The bands ratchet: each moves against price only after the close went beyond it.
        if before <= upper:
            new_upper = min(upper, new_upper)
        if before >= lower:
            new_lower = max(lower, new_lower)
        if direction > 0.0 and close < new_lower:
            direction = -1.0
        elif direction < 0.0 and close > new_upper:
            direction = 1.0
    line = new_lower if direction > 0.0 else new_upper
    return (direction, new_upper, new_lower, close), (line, direction)


SUPERTREND = Op("supertrend", supertrend_init, supertrend_step, outputs=("line", "direction"))


class Supertrend(NamedTuple):
    """The trailing band (below price in an up trend, above in a down trend) and the direction, 1 or -1."""

    line: Column
    direction: Column


def supertrend(bars: Bars, n: int = 10, multiplier: float = 3.0) -> Supertrend:
    """Return Seban's Supertrend: bands at ``multiplier`` of Wilder's ATR over n bars from the middle of high and low.

    The lower band never falls in an up trend, the upper never rises in a down trend; the trend turns on a close
    beyond the opposite band. It starts upwards if the first close with an ATR is at or above the middle of its
    bar, else downwards.
    """
    multiplier = number("supertrend: multiplier", multiplier, 0.0)
    spread = atr(bars, n)
    return Supertrend(*apply_all(SUPERTREND, bars.high, bars.low, bars.close, spread, params=(multiplier,)))


class Ichimoku(NamedTuple):
    """Ichimoku's lines as they are seen on a bar: nothing from later bars is in them.

    ``span_a`` and ``span_b`` bound the cloud at this bar, computed ``displacement`` bars earlier.
    ``chikou_reference`` is the close of ``displacement`` bars ago: the chikou line is clear upwards where the
    close is above it.
    """

    tenkan: Column
    kijun: Column
    span_a: Column
    span_b: Column
    chikou_reference: Column


def ichimoku(
    bars: Bars, tenkan: int = 9, kijun: int = 26, senkou: int = 52, displacement: int = 26
) -> Ichimoku:
    """Return the lines of Ichimoku Kinko Hyo (Hosoda 1969): middles of the ranges of 9, 26 and 52 bars."""
    fast, slow = donchian(bars, tenkan).mid, donchian(bars, kijun).mid
    displacement = period("ichimoku: displacement", displacement, 0)
    return Ichimoku(
        fast,
        slow,
        ((fast + slow) / 2).shift(displacement),
        donchian(bars, senkou).mid.shift(displacement),
        bars.close.shift(displacement),
    )
