"""Columns that are true or false, and what is counted or remembered from them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hookline.columns.checks import period
from hookline.columns.column import Column, Number, apply
from hookline.columns.op import Op, stateless

__all__ = ["bars_since", "crossed_above", "crossed_below", "equals", "value_when"]

Pair = tuple[float, float]


def cross_init() -> Pair:
    """Return an unknown previous pair."""
    return math.nan, math.nan


def crossed_above_step(state: Pair, a: float, b: float) -> tuple[Pair, float]:
    """Return whether a is above b now and was not on the bar before."""
    before_a, before_b = state
    if math.isnan(a) or math.isnan(b) or math.isnan(before_a) or math.isnan(before_b):
        return (a, b), math.nan
    return (a, b), 1.0 if a > b and before_a <= before_b else 0.0


def crossed_below_step(state: Pair, a: float, b: float) -> tuple[Pair, float]:
    """Return whether a is below b now and was not on the bar before."""
    before_a, before_b = state
    if math.isnan(a) or math.isnan(b) or math.isnan(before_a) or math.isnan(before_b):
        return (a, b), math.nan
    return (a, b), 1.0 if a < b and before_a >= before_b else 0.0


CROSSED_ABOVE = Op("crossed_above", cross_init, crossed_above_step, flags=("value",))
CROSSED_BELOW = Op("crossed_below", cross_init, crossed_below_step, flags=("value",))


def crossed_above(a: Column, b: Column | Number) -> Column:
    """Return the flag of bars on which a is above b and on the bar before was not.

    Unknown (NaN) while one of the four values is.
    """
    return apply(CROSSED_ABOVE, a, b)


def crossed_below(a: Column, b: Column | Number) -> Column:
    """Return the flag of bars on which a is below b and on the bar before was not.

    Unknown (NaN) while one of the four values is.
    """
    return apply(CROSSED_BELOW, a, b)


def equals_step(state: tuple[()], a: float, b: float) -> tuple[tuple[()], float]:
    """Return whether a equals b."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a == b else 0.0


EQUALS = Op("equals", stateless, equals_step, flags=("value",))


def equals(a: Column, b: Column | Number) -> Column:
    """Return the flag of bars on which two values are the same; ``==`` compares the expressions instead."""
    return apply(EQUALS, a, b)


def since_init() -> tuple[float]:
    """Return the state before a flag was seen."""
    return (math.nan,)


def since_step(state: tuple[float], flag: float) -> tuple[tuple[float], float]:
    """Return the bars since the flag was set."""
    bars = state[0] + 1.0
    if not math.isnan(flag) and flag != 0.0:
        bars = 0.0
    return (bars,), bars


BARS_SINCE = Op("bars_since", since_init, since_step)


def bars_since(flag: Column) -> Column:
    """Return how many bars ago the flag was last set: 0 on that bar, NaN before the first.

    An unknown flag counts as not set.
    """
    return apply(BARS_SINCE, flag)


# Next place in the ring, ring of the latest values.
Latest = tuple[int, NDArray[np.float64]]


def when_init(occurrence: int) -> Latest:
    """Return a ring of unknown values."""
    return 0, np.full(occurrence + 1, math.nan)


def when_step(state: Latest, flag: float, x: float, occurrence: int) -> tuple[Latest, float]:
    """Return the value at an earlier bar whose flag was set."""
    place, ring = state
    if not math.isnan(flag) and flag != 0.0:
        ring[place] = x
        place = place + 1 if place < occurrence else 0
    # The ring is as long as the look-back, so the place to be written next holds the oldest value.
    return (place, ring), ring[place]


VALUE_WHEN = Op("value_when", when_init, when_step)


def value_when(flag: Column, column: Column, occurrence: int = 0) -> Column:
    """Return the column's value on the last bar whose flag was set, or ``occurrence`` such bars before it.

    NaN until there are that many; an unknown flag counts as not set.
    """
    return apply(VALUE_WHEN, flag, column, params=(period("value_when", occurrence, 0),))
