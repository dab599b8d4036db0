"""Highest, lowest, quantile and median of rolling windows. NaN while a value in the window is unknown."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hookline.columns.checks import number, period
from hookline.columns.column import Column, apply
from hookline.columns.op import Op

__all__ = ["highest", "lowest", "median", "quantile"]

# Known values in the window, place in the block, largest of the block so far, block.
Extreme = tuple[int, int, float, NDArray[np.float64]]
# Known values in the window, position in the ring, ring, the same values in rising order.
Sorted = tuple[int, int, NDArray[np.float64], NDArray[np.float64]]


def extreme_init(n: int) -> Extreme:
    """Return an empty block of n values."""
    return 0, 0, 0.0, np.zeros(n)


def extreme_push(state: Extreme, x: float, n: int) -> tuple[Extreme, float]:
    """Return the largest of the last n values.

    Time is cut into blocks of n values. A window is the start of this block and the end of the last one: when a
    block is full, each of its places is overwritten by the largest value from there to its end (van Herk 1992,
    Gil and Werman 1993).
    """
    count, place, top, block = state
    if not math.isfinite(x):
        return (0, 0, 0.0, block), math.nan
    top = x if place == 0 else max(top, x)
    block[place] = x
    place += 1
    count = count + 1 if count < n else n
    if place < n:
        return (count, place, top, block), max(top, block[place]) if count == n else math.nan
    for index in range(n - 2, -1, -1):
        block[index] = max(block[index], block[index + 1])
    return (count, 0, top, block), top


def highest_step(state: Extreme, x: float, n: int) -> tuple[Extreme, float]:
    """Return the largest of the last n values."""
    return extreme_push(state, x, n)


def lowest_step(state: Extreme, x: float, n: int) -> tuple[Extreme, float]:
    """Return the smallest of the last n values."""
    state, value = extreme_push(state, -x, n)
    return state, -value


HIGHEST = Op("highest", extreme_init, highest_step)
LOWEST = Op("lowest", extreme_init, lowest_step)


def highest(column: Column, n: int) -> Column:
    """Return the largest of the last n values, this bar's included (TA-Lib MAX)."""
    return apply(HIGHEST, column, params=(period("highest", n),))


def lowest(column: Column, n: int) -> Column:
    """Return the smallest of the last n values, this bar's included (TA-Lib MIN)."""
    return apply(LOWEST, column, params=(period("lowest", n),))


def sorted_init(n: int, _share: float) -> Sorted:
    """Return an empty sorted window."""
    return 0, 0, np.zeros(n), np.zeros(n)


def replace(rising: NDArray[np.float64], count: int, old: float, new: float) -> None:
    """Put a value in the place of an equal of ``old`` among the first ``count`` and move it to where it belongs."""
    index = 0
    while index < count - 1 and rising[index] != old:
        index += 1
    while index > 0 and rising[index - 1] > new:
        rising[index] = rising[index - 1]
        index -= 1
    while index < count - 1 and rising[index + 1] < new:
        rising[index] = rising[index + 1]
        index += 1
    rising[index] = new


def quantile_step(state: Sorted, x: float, n: int, share: float) -> tuple[Sorted, float]:
    """Return the value below which a share of the last n lies."""
    count, position, ring, rising = state
    if not math.isfinite(x):
        return (0, 0, ring, rising), math.nan
    if count < n:
        rising[count] = x
        count += 1
        replace(rising, count, x, x)
    else:
        replace(rising, n, ring[position], x)
    ring[position] = x
    position = position + 1 if position + 1 < n else 0
    if count < n:
        return (count, position, ring, rising), math.nan
    place = share * (n - 1)
    below = math.floor(place)
    part = place - below
    value = rising[below]
    if part > 0.0:
        value += (rising[below + 1] - value) * part
    return (count, position, ring, rising), value


QUANTILE = Op("quantile", sorted_init, quantile_step)


def quantile(column: Column, n: int, share: float) -> Column:
    """Return the quantile of the last n values, between two values by linear interpolation (as numpy and pandas).

    ``share`` is between 0 (lowest) and 1 (highest).
    """
    share = number("quantile: share", share, 0.0, 1.0)
    return apply(QUANTILE, column, params=(period("quantile", n), share))


def median(column: Column, n: int) -> Column:
    """Return the median of the last n values; of an even number the middle of the two in the middle."""
    return quantile(column, n, 0.5)
