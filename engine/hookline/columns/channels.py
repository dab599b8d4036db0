"""Channels around price: Bollinger, Keltner, Donchian."""

from __future__ import annotations

from typing import NamedTuple

from hookline.columns.averages import ema, sma
from hookline.columns.bars import Bars
from hookline.columns.checks import number, period
from hookline.columns.column import Column
from hookline.columns.deviation import std
from hookline.columns.ranges import atr
from hookline.columns.windows import highest, lowest

__all__ = ["Bollinger", "Channel", "bollinger", "donchian", "keltner"]


class Channel(NamedTuple):
    """Middle line and the two bounds."""

    mid: Column
    upper: Column
    lower: Column


class Bollinger(NamedTuple):
    """Bands, where the value lies between them (0 lower, 1 upper), and their distance as a fraction of the middle."""

    mid: Column
    upper: Column
    lower: Column
    percent_b: Column
    bandwidth: Column


def bollinger(column: Column, n: int = 20, k: float = 2.0) -> Bollinger:
    """Return Bollinger bands: the mean of n values and k population deviations to each side (TA-Lib BBANDS).

    Source: Bollinger on Bollinger Bands (2001). ``percent_b`` is NaN where the window is flat.
    """
    k = number("bollinger: k", k, 0.0)
    mid, spread = sma(column, n), k * std(column, period("bollinger", n), ddof=0)
    upper, lower = mid + spread, mid - spread
    width = upper - lower
    return Bollinger(mid, upper, lower, (column - lower) / width, width / mid)


def keltner(bars: Bars, n: int = 20, k: float = 2.0, atr_n: int | None = None) -> Channel:
    """Return Keltner channels: the exponential average of n closes and k average true ranges to each side.

    This is the form of Raschke with Wilder's :func:`atr` over ``atr_n`` bars, n if not given. Keltner's own
    (1960) used simple averages of the typical price and of high less low.
    """
    k = number("keltner: k", k, 0.0)
    mid, spread = ema(bars.close, n), k * atr(bars, n if atr_n is None else atr_n)
    return Channel(mid, mid + spread, mid - spread)


def donchian(bars: Bars, n: int = 20) -> Channel:
    """Return the highest high and the lowest low of the last n bars, this one included, and their middle.

    A close cannot be above the highest high of a window that it is in. For breakouts use the channel of the bar
    before: ``donchian(bars, n).upper.shift(1)``.
    """
    upper, lower = highest(bars.high, n), lowest(bars.low, n)
    return Channel((upper + lower) / 2, upper, lower)
