"""Moving averages.

Definitions and where they come from:

- ``sma``: plain mean of n values, summed without loss, so that the mean of equal values is exactly that value.
- ``ema``: weight 2 / (n + 1); the first value is the mean of the first n, as in TA-Lib. pandas with
  ``adjust=False`` starts from the first value instead.
- ``rma``: Wilder's average, weight 1 / n, first value as above (Wilder, New Concepts in Technical Trading
  Systems, 1978).
- ``wma``: weights 1 to n, the newest heaviest.

Recursive averages pass over unknown values: NaN that bar, state unchanged. Windows are NaN while a value in them
is unknown.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hookline.columns.checks import period
from hookline.columns.column import Column, apply
from hookline.columns.numerics import exact_mean, two_sum
from hookline.columns.op import Op

__all__ = ["ema", "rma", "rolling_sum", "sma", "wma"]

# Running total, its rounding error, known values in the window, position in the ring, ring.
Window = tuple[float, float, int, int, NDArray[np.float64]]
# Average (or total until there is one), rounding error of the total, values counted towards the seed.
Recursive = tuple[float, float, int]


def window_init(n: int) -> Window:
    """Return an empty window of n values."""
    return 0.0, 0.0, 0, 0, np.zeros(n)


def window_push(state: Window, x: float, n: int) -> Window:
    """Return the window with a value added and, if it was full, the oldest dropped; an unknown value empties it."""
    total, rest, count, position, ring = state
    if not math.isfinite(x):
        return 0.0, 0.0, 0, 0, ring
    if count == n:
        total, error = two_sum(total, -ring[position])
        rest += error
    else:
        count += 1
    total, error = two_sum(total, x)
    ring[position] = x
    position += 1
    if position == n:
        position = 0
    return total, rest + error, count, position, ring


def sma_step(state: Window, x: float, n: int) -> tuple[Window, float]:
    """Return the mean of the last n values."""
    state = window_push(state, x, n)
    if state[2] < n:
        return state, math.nan
    return state, exact_mean(state[0], state[1], n)


def sum_step(state: Window, x: float, n: int) -> tuple[Window, float]:
    """Return the sum of the last n values."""
    state = window_push(state, x, n)
    if state[2] < n:
        return state, math.nan
    return state, state[0] + state[1]


def recursive_init(_n: int) -> Recursive:
    """Return the state of an average without a seed."""
    return 0.0, 0.0, 0


def smooth(state: Recursive, x: float, n: int, weight: float) -> tuple[Recursive, float]:
    """Return ``average + weight * (x - average)``, seeded by the mean of the first n known values."""
    average, rest, count = state
    if not math.isfinite(x):
        return state, math.nan
    if count >= n:
        average += (x - average) * weight
        return (average, rest, count), average
    average, error = two_sum(average, x)
    rest += error
    count += 1
    if count < n:
        return (average, rest, count), math.nan
    average = exact_mean(average, rest, n)
    return (average, rest, count), average


def ema_step(state: Recursive, x: float, n: int) -> tuple[Recursive, float]:
    """Return the exponential average with weight 2 / (n + 1)."""
    return smooth(state, x, n, 2.0 / (n + 1))


def rma_step(state: Recursive, x: float, n: int) -> tuple[Recursive, float]:
    """Return Wilder's average, with weight 1 / n."""
    return smooth(state, x, n, 1.0 / n)


def wma_init(n: int) -> tuple[int, int, NDArray[np.float64]]:
    """Return an empty window: known values, position, ring."""
    return 0, 0, np.zeros(n)


def wma_step(
    state: tuple[int, int, NDArray[np.float64]], x: float, n: int
) -> tuple[tuple[int, int, NDArray[np.float64]], float]:
    """Return the mean with weights 1 to n; deviations from the newest value are averaged, so flat stays flat."""
    count, position, ring = state
    if not math.isfinite(x):
        return (0, 0, ring), math.nan
    ring[position] = x
    position = position + 1 if position + 1 < n else 0
    count = count + 1 if count < n else n
    if count < n:
        return (count, position, ring), math.nan
    total = 0.0
    index = position
    for weight in range(1, n + 1):
        total += weight * (ring[index] - x)
        index = index + 1 if index + 1 < n else 0
    return (count, position, ring), x + total / (0.5 * n * (n + 1))


SMA = Op("sma", window_init, sma_step)
SUM = Op("rolling_sum", window_init, sum_step)
EMA = Op("ema", recursive_init, ema_step)
RMA = Op("rma", recursive_init, rma_step)
WMA = Op("wma", wma_init, wma_step)


def sma(column: Column, n: int) -> Column:
    """Return the mean of the last n values (TA-Lib SMA)."""
    return apply(SMA, column, params=(period("sma", n),))


def rolling_sum(column: Column, n: int) -> Column:
    """Return the sum of the last n values (TA-Lib SUM)."""
    return apply(SUM, column, params=(period("rolling_sum", n),))


def ema(column: Column, n: int) -> Column:
    """Return the exponential average with weight 2 / (n + 1), first value the mean of the first n (TA-Lib EMA)."""
    return apply(EMA, column, params=(period("ema", n),))


def rma(column: Column, n: int) -> Column:
    """Return Wilder's average with weight 1 / n, first value the mean of the first n (Wilder 1978)."""
    return apply(RMA, column, params=(period("rma", n),))


def wma(column: Column, n: int) -> Column:
    """Return the mean of the last n values with weights 1 to n, the newest heaviest (TA-Lib WMA)."""
    return apply(WMA, column, params=(period("wma", n),))
