"""Turning points, known only when later bars confirmed them: pivots and zigzag."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns.bars import Bars
from hookline.columns.checks import number, period
from hookline.columns.column import Column, apply_all
from hookline.columns.op import Op

__all__ = ["Pivot", "ZigZag", "pivot_high", "pivot_low", "zigzag"]

# Known values in the window, position in the ring, ring, last pivot, its age.
Pivots = tuple[int, int, NDArray[np.float64], float, float]


def pivot_init(n: int) -> Pivots:
    """Return an empty window of n values to each side of a candidate."""
    return 0, 0, np.zeros(2 * n + 1), math.nan, math.nan


def is_peak(ring: NDArray[np.float64], oldest: int, n: int) -> bool:
    """Return whether the value in the middle of the window is above those before and not below those after."""
    size = 2 * n + 1
    middle = oldest + n if oldest + n < size else oldest + n - size
    index = oldest
    for age in range(size):
        if (age < n and ring[index] >= ring[middle]) or (age > n and ring[index] > ring[middle]):
            return False
        index = index + 1 if index + 1 < size else 0
    return True


def pivot_push(state: Pivots, x: float, n: int) -> tuple[Pivots, tuple[float, float, float]]:
    """Return the last confirmed peak, the bars since, and whether this bar confirmed one."""
    count, position, ring, value, age = state
    size = 2 * n + 1
    age += 1.0
    if not math.isfinite(x):
        return (0, 0, ring, value, age), (math.nan, math.nan, math.nan)
    ring[position] = x
    position = position + 1 if position + 1 < size else 0
    count = count + 1 if count < size else size
    if count < size:
        return (count, position, ring, value, age), (math.nan, math.nan, math.nan)
    confirmed = 0.0
    if is_peak(ring, position, n):
        middle = position + n if position + n < size else position + n - size
        value, age, confirmed = ring[middle], float(n), 1.0
    return (count, position, ring, value, age), (value, age, confirmed)


def pivot_high_step(state: Pivots, x: float, n: int) -> tuple[Pivots, tuple[float, float, float]]:
    """Return the last confirmed peak."""
    return pivot_push(state, x, n)


def pivot_low_step(state: Pivots, x: float, n: int) -> tuple[Pivots, tuple[float, float, float]]:
    """Return the last confirmed trough."""
    state, (value, age, confirmed) = pivot_push(state, -x, n)
    return state, (-value, age, confirmed)


_PIVOT = ("value", "age", "confirmed")
PIVOT_HIGH = Op("pivot_high", pivot_init, pivot_high_step, outputs=_PIVOT, flags=("confirmed",))
PIVOT_LOW = Op("pivot_low", pivot_init, pivot_low_step, outputs=_PIVOT, flags=("confirmed",))


class Pivot(NamedTuple):
    """Value of the last confirmed pivot, bars since that pivot, and the flag of the bar that confirmed it.

    ``column.shift(n)`` is any other column at the pivot on the bar that confirms it, and :func:`value_when`
    remembers it.
    """

    value: Column
    age: Column
    confirmed: Column


def pivot_high(column: Column, n: int) -> Pivot:
    """Return the last value that was above the n before it and not below the n after it, known n bars later.

    Of equal highs in a row the first is the pivot; flat values have none.
    """
    return Pivot(*apply_all(PIVOT_HIGH, column, params=(period("pivot_high", n),)))


def pivot_low(column: Column, n: int) -> Pivot:
    """Return the last value that was below the n before it and not above the n after it, known n bars later."""
    return Pivot(*apply_all(PIVOT_LOW, column, params=(period("pivot_low", n),)))


# Direction of the leg (0 before the first), its extreme so far and bars since; before the first leg this is the
# highest, and the next two are the lowest and bars since; then the last swing's price and bars since.
Legs = tuple[float, float, float, float, float, float, float]


def zigzag_init(_fraction: float) -> Legs:
    """Return a state without a bar."""
    return 0.0, math.nan, 0.0, math.nan, 0.0, math.nan, math.nan


def first_leg(state: Legs, high: float, low: float, fraction: float) -> Legs:
    """Return the state after a bar before there was a leg: it begins when price is far enough from an extreme."""
    _, top, top_age, bottom, bottom_age, price, age = state
    if math.isnan(top):
        return 0.0, high, 0.0, low, 0.0, price, age
    if high >= bottom + fraction * abs(bottom):
        return 1.0, high, 0.0, 0.0, 0.0, bottom, bottom_age
    if low <= top - fraction * abs(top):
        return -1.0, low, 0.0, 0.0, 0.0, top, top_age
    if high > top:
        top, top_age = high, 0.0
    if low < bottom:
        bottom, bottom_age = low, 0.0
    return 0.0, top, top_age, bottom, bottom_age, price, age


def next_leg(state: Legs, high: float, low: float, fraction: float) -> Legs:
    """Return the state after a bar of a leg: it goes on, or turns when price comes back from the extreme far enough."""
    direction, extreme, extreme_age, _, _, price, age = state
    forward, backward = (high, low) if direction > 0.0 else (low, high)
    if direction * forward > direction * extreme:
        extreme, extreme_age = forward, 0.0
    elif direction * (extreme - backward) >= fraction * abs(extreme):
        return -direction, backward, 0.0, 0.0, 0.0, extreme, extreme_age
    return direction, extreme, extreme_age, 0.0, 0.0, price, age


def zigzag_step(
    state: Legs, high: float, low: float, fraction: float
) -> tuple[Legs, tuple[float, float, float, float]]:
    """Return the last confirmed swing, the direction since, the flag of its confirmation and its age."""
    if not (math.isfinite(high) and math.isfinite(low)):
        return state, (math.nan, math.nan, math.nan, math.nan)
    direction, extreme, extreme_age, bottom, bottom_age, price, age = state
    state = (direction, extreme, extreme_age + 1.0, bottom, bottom_age + 1.0, price, age + 1.0)
    if direction == 0.0:
        state = first_leg(state, high, low, fraction)
    else:
        state = next_leg(state, high, low, fraction)
    if state[0] == 0.0:
        return state, (math.nan, math.nan, 0.0, math.nan)
    return state, (state[5], state[0], 1.0 if state[0] != direction else 0.0, state[6])


ZIGZAG = Op(
    "zigzag",
    zigzag_init,
    zigzag_step,
    outputs=("price", "direction", "confirmed", "age"),
    flags=("confirmed",),
)


class ZigZag(NamedTuple):
    """Price of the last confirmed swing, direction since, flag of the confirming bar, bars since the swing.

    The direction is 1 for up and -1 for down.
    Earlier swings: ``value_when(z.confirmed, z.price, 1)`` is the one before.
    """

    price: Column
    direction: Column
    confirmed: Column
    age: Column


def zigzag(bars: Bars, fraction: float = 0.03) -> ZigZag:
    """Return swings of highs and lows that are at least a fraction apart.

    A high is confirmed as a swing when a later low is ``fraction`` of it below, a low when a later high is that
    far above. A bar that extends its leg does not end it. If the first bars allow both, the first leg is up.
    """
    fraction = number("zigzag: fraction", fraction, 0.0)
    if fraction == 0.0:
        raise ValueError(f"zigzag: fraction must be above 0, was {fraction!r}")
    return ZigZag(*apply_all(ZIGZAG, bars.high, bars.low, params=(fraction,)))
