"""Orders that know too much: does the market prove them right, or reach their prices, far better than chance allows?

Rules of this file:

- What is asked for at the end of a bar is held against the bars after it; what is asked for within a bar, against those after that one.
- Sizes must go with how far the price moves the order's way. Prices of resting orders must go with how far the price will reach,
  and better than with how far it has reached: what is set by the ranges of the past is no foresight, for wild times last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Order, OrderType
from hookline.research.peeking.foresight import Foresight, equal_share, hit_rate, rank_correlation
from hookline.research.peeking.runs import Priced

__all__ = ["foresight_of_orders", "foresight_of_prices"]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_FEWEST = 60  # orders, below which nothing is said of their sizes and prices
_SIZES = 0.3  # rank correlation of sizes with what follows
_PRICES = 0.7  # rank correlation of prices with how far the price will reach
_SIGNIFICANCE = 6.0  # standard errors
_EQUAL = 0.5  # share of prices that are the very high, low or close of a later bar
_HORIZONS = (1, 2, 3, 4, 6, 8, 12, 24)  # bars


def foresight_of_orders(orders: Sequence[Order], bars: BarSeries) -> Foresight | None:
    """Return whether the market proves right the sides, or the sizes, of market orders that open or turn positions on some bars."""
    sent = [one for one in orders if one.type is OrderType.MARKET and not one.reduce_only]
    rows = np.searchsorted(bars.end, np.array([one.time for one in sent], np.int64), side="left")
    usable = rows < len(bars) - 1
    sides = np.array([int(one.side) for one in sent], np.int64)[usable]
    sizes = np.array([one.lots for one in sent], np.float64)[usable]
    rows = rows[usable]
    found = hit_rate(rows, bars, "after its market orders", sides)
    return found or _best(_sized(rows, sides, sizes, bars, ahead) for ahead in _HORIZONS)


def _sized(
    rows: Rows, sides: NDArray[np.int64], sizes: Floats, bars: BarSeries, ahead: int
) -> Foresight | None:
    """Return whether larger orders are those before larger moves their way."""
    usable = rows + ahead < len(bars)
    rows, sides, sizes = rows[usable], sides[usable], sizes[usable]
    if len(rows) < _FEWEST:
        return None
    moves = sides * (bars.close[rows + ahead] - bars.open[rows + 1]) / np.abs(bars.open[rows + 1])
    strength = rank_correlation(sizes, moves)
    apart = len(np.unique(rows // ahead))  # moves that overlap count once
    if strength < _SIZES or strength * math.sqrt(apart) < _SIGNIFICANCE:
        return None
    text = f"sizes of its market orders go with the move of the next {_ahead(ahead)}: rank correlation {strength:.2f} over {len(rows):,}"
    return Foresight(ahead, strength, text)


def foresight_of_prices(prices: Iterable[Priced], bars: BarSeries) -> Foresight | None:
    """Return whether prices of resting orders on some bars know how far the market will reach."""
    known = [one for one in prices if one.price > 0.0]
    times = np.array([one.time for one in known], np.int64)
    rows = np.searchsorted(bars.end, times, side="left")
    # Within a bar, the distance from the last close would say how far the price has gone since.
    there = np.flatnonzero(rows < len(bars))
    there = there[bars.end[rows[there]] == times[there]]
    rows, values = rows[there], np.array([one.price for one in known])[there]
    if len(rows) < _FEWEST or bars.low.min() <= 0.0:
        return None
    same = equal_share(values, rows, bars, _HORIZONS, _EQUAL, "the prices of its orders")
    below = values < bars.close[rows]
    parts = ((below, "low", np.minimum), (~below, "high", np.maximum))
    return same or _best(
        _reached(values[side], rows[side], bars, name, furthest, ahead)
        for side, name, furthest in parts
        for ahead in _HORIZONS
    )


def _reached(
    values: Floats, rows: Rows, bars: BarSeries, name: str, furthest: Callable[..., Floats], ahead: int
) -> Foresight | None:
    usable = (rows + ahead < len(bars)) & (rows >= ahead - 1)
    rows, distance = rows[usable], np.log(values[usable] / bars.close[rows[usable]])
    if len(rows) < _FEWEST:
        return None
    column, close = getattr(bars, name), bars.close[rows]
    later = furthest.reduce([column[rows + step] for step in range(1, ahead + 1)])  # type: ignore[attr-defined]
    before = furthest.reduce([column[rows - step] for step in range(ahead)])  # type: ignore[attr-defined]
    strength = rank_correlation(distance, np.log(later / close))
    apart = len(np.unique(rows // ahead))
    is_chance = strength < _PRICES or strength * math.sqrt(apart) < _SIGNIFICANCE
    if is_chance or strength < rank_correlation(distance, np.log(before / close)):
        return None
    text = f"prices of its orders go with the {name} of the next {_ahead(ahead)}: rank correlation {strength:.2f} over {len(rows):,}"
    return Foresight(ahead, strength, text)


def _best(found: Iterator[Foresight | None]) -> Foresight | None:
    return max((one for one in found if one is not None), key=lambda one: one.strength, default=None)


def _ahead(bars: int) -> str:
    return "bar" if bars == 1 else f"{bars} bars"
