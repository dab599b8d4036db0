"""Wilder's directional movement (Wilder 1978), smoothed and seeded as in TA-Lib."""

from __future__ import annotations

import math
from typing import NamedTuple

from hookline.columns.bars import Bars
from hookline.columns.checks import period
from hookline.columns.column import Column, apply_all
from hookline.columns.op import Op
from hookline.columns.ranges import span

__all__ = ["Dmi", "adx", "dmi"]

# Bars counted; high, low and close before; totals of movement up, movement down and true range; total of the index
# (then unused), its average.
Movement = tuple[int, float, float, float, float, float, float, float, float]


def dmi_init(_n: int) -> Movement:
    """Return a state without a bar."""
    return 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


def movements(high: float, low: float, high_before: float, low_before: float) -> tuple[float, float]:
    """Return the movement up and the movement down, of which at most one is not zero."""
    up = high - high_before
    down = low_before - low
    if up > 0.0 and up > down:
        return up, 0.0
    if down > 0.0 and down > up:
        return 0.0, down
    return 0.0, 0.0


def average_index(
    index_total: float, average: float, plus: float, minus: float, n: int, nth: int
) -> tuple[float, float]:
    """Return the total and the average of the index after its nth value; without movement the average is held."""
    known = plus + minus > 0.0
    index = 100.0 * abs(plus - minus) / (plus + minus) if known else 0.0
    if nth <= n:
        index_total += index
        return index_total, index_total / n
    if known:
        average = (average * (n - 1) + index) / n
    return index_total, average


def dmi_step(
    state: Movement, high: float, low: float, close: float, n: int
) -> tuple[Movement, tuple[float, float, float]]:
    """Return +DI, -DI and ADX."""
    count, high_before, low_before, before, up_total, down_total, range_total, index_total, average = state
    unknown = (math.nan, math.nan, math.nan)
    if not (math.isfinite(high) and math.isfinite(low) and math.isfinite(close)):
        return state, unknown
    if count == 0:
        return (1, high, low, close, 0.0, 0.0, 0.0, 0.0, 0.0), unknown
    if count >= n:
        up_total -= up_total / n
        down_total -= down_total / n
        range_total -= range_total / n
    up, down = movements(high, low, high_before, low_before)
    up_total += up
    down_total += down
    range_total += span(high, low, before)
    plus, minus = math.nan, math.nan
    if count >= n:
        plus = 100.0 * up_total / range_total if range_total > 0.0 else 0.0
        minus = 100.0 * down_total / range_total if range_total > 0.0 else 0.0
        index_total, average = average_index(index_total, average, plus, minus, n, count - n + 1)
    ready = average if count >= 2 * n - 1 else math.nan
    count = count + 1 if count < 2 * n else count
    state = (count, high, low, close, up_total, down_total, range_total, index_total, average)
    return state, (plus, minus, ready)


DMI = Op("dmi", dmi_init, dmi_step, outputs=("plus", "minus", "adx"))


class Dmi(NamedTuple):
    """Directional indicators up and down and their average index, all between 0 and 100."""

    plus: Column
    minus: Column
    adx: Column


def dmi(bars: Bars, n: int = 14) -> Dmi:
    """Return +DI, -DI (TA-Lib PLUS_DI, MINUS_DI) and ADX (TA-Lib ADX) over n bars.

    The indicators are ready on bar n + 1, ADX on bar 2 n. Without any movement the indicators are 0 and ADX stays
    as it was.
    """
    return Dmi(*apply_all(DMI, bars.high, bars.low, bars.close, params=(period("dmi", n, 2),)))


def adx(bars: Bars, n: int = 14) -> Column:
    """Return Wilder's average directional index over n bars, between 0 and 100 (TA-Lib ADX)."""
    return dmi(bars, n).adx
