"""Price and volume: anchored VWAP and on-balance volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from hookline.columns.bars import Bars
from hookline.columns.checks import number
from hookline.columns.column import Column, apply, apply_all
from hookline.columns.op import Op
from hookline.columns.timeframes import bucket_offset
from hookline.model import Timeframe, timeframe_ns

__all__ = ["Vwap", "obv", "vwap"]

# Anchor period, volume, mean price, volume-weighted sum of squared deviations.
Anchored = tuple[float, float, float, float]


def vwap_init(_length: float, _offset: float) -> Anchored:
    """Return a state before the first anchor."""
    return math.nan, 0.0, 0.0, 0.0


def vwap_step(
    state: Anchored, time: float, price: float, volume: float, length: float, offset: float
) -> tuple[Anchored, tuple[float, float]]:
    """Return the volume-weighted mean since the anchor and the deviation around it (West 1979, one pass)."""
    anchor, total, mean, squares = state
    if not (math.isfinite(price) and math.isfinite(volume)):
        return state, (math.nan, math.nan)
    # A bar that ends at the anchor belongs to the period before it.
    current = float(math.ceil((time + offset) / length))
    if current != anchor:
        total, mean, squares = 0.0, 0.0, 0.0
    if volume > 0.0:
        distance = price - mean if total > 0.0 else 0.0
        total += volume
        mean = mean + distance * (volume / total) if total > volume else price
        squares += volume * distance * (price - mean)
    state = (current, total, mean, squares)
    if total == 0.0:
        return state, (math.nan, math.nan)
    return state, (mean, math.sqrt(max(squares / total, 0.0)))


VWAP = Op("vwap", vwap_init, vwap_step, outputs=("line", "deviation"))


class Vwap(NamedTuple):
    """Volume-weighted average price, the deviation around it, and bands in the order of the multiples asked for."""

    line: Column
    deviation: Column
    upper: tuple[Column, ...]
    lower: tuple[Column, ...]


def vwap(bars: Bars, anchor: Timeframe = "1d", bands: Sequence[float] = (1.0, 2.0)) -> Vwap:
    """Return the mean of the typical price (high + low + close) / 3 since the anchor, weighted by volume.

    The sums start anew at each whole multiple of the anchor since 1970-01-01 00:00 UTC, weeks on Monday 00:00
    UTC: with the first bar that ends after it. The deviation is that of the volume-weighted distribution of
    prices, and the bands lie ``bands`` times the deviation from the mean. NaN until there was volume.
    """
    length = timeframe_ns(anchor)
    params = (length / 1e9, bucket_offset(length) / 1e9)
    line, deviation = apply_all(VWAP, bars.time, bars.hlc3, bars.volume, params=params)
    multiples = [number("vwap: bands", k, 0.0) for k in bands]
    upper = tuple(line + k * deviation for k in multiples)
    return Vwap(line, deviation, upper, tuple(line - k * deviation for k in multiples))


def obv_init() -> tuple[float, float]:
    """Return a state without a close before."""
    return math.nan, 0.0


def obv_step(state: tuple[float, float], close: float, volume: float) -> tuple[tuple[float, float], float]:
    """Return the volume of rising bars less that of falling bars."""
    before, total = state
    if not (math.isfinite(close) and math.isfinite(volume)):
        return state, math.nan
    if math.isnan(before) or close > before:
        total += volume
    elif close < before:
        total -= volume
    return (close, total), total


OBV = Op("obv", obv_init, obv_step)


def obv(bars: Bars) -> Column:
    """Return Granville's on-balance volume, which starts with the first bar's volume (TA-Lib OBV)."""
    return apply(OBV, bars.close, bars.volume)
