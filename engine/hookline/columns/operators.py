"""Steps behind columns and bars themselves: + - * / and comparisons, logic, past shift, typical price.

Arithmetic of NaN is NaN, and so are comparisons and logic of NaN: what is unknown is neither true nor false.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hookline.columns.op import Op, stateless

__all__ = [
    "ABSOLUTE",
    "ADD",
    "AND",
    "DIVIDE",
    "GREATER",
    "GREATER_EQUAL",
    "LESS",
    "LESS_EQUAL",
    "MULTIPLY",
    "NEGATE",
    "NOT",
    "OR",
    "SHIFT",
    "SUBTRACT",
    "TYPICAL",
]

State = TypeVar("State")
_VALUE = ("value",)


def add_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return a + b."""
    return state, a + b


def subtract_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return a - b."""
    return state, a - b


def multiply_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return a * b."""
    return state, a * b


def divide_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return a / b, NaN where b is zero."""
    if b == 0.0:
        return state, math.nan
    return state, a / b


def negate_step(state: State, a: float) -> tuple[State, float]:
    """Return -a."""
    return state, -a


def absolute_step(state: State, a: float) -> tuple[State, float]:
    """Return a without its sign."""
    return state, abs(a)


def greater_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether a > b."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a > b else 0.0


def greater_equal_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether a >= b."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a >= b else 0.0


def less_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether a < b."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a < b else 0.0


def less_equal_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether a <= b."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a <= b else 0.0


def and_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether both flags are set."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a != 0.0 and b != 0.0 else 0.0


def or_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return whether a flag is set."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, 1.0 if a != 0.0 or b != 0.0 else 0.0


def not_step(state: State, a: float) -> tuple[State, float]:
    """Return whether a flag is not set."""
    if math.isnan(a):
        return state, math.nan
    return state, 1.0 if a == 0.0 else 0.0


def typical_step(state: State, high: float, low: float, close: float) -> tuple[State, float]:
    """Return the mean of high, low and close; of three equal prices it is exactly that price."""
    return state, close + ((high - close) + (low - close)) / 3.0


Ring = tuple[int, NDArray[np.float64]]


def shift_init(n: int) -> Ring:
    """Return a ring of n unknown values."""
    return 0, np.full(n, math.nan)


def shift_step(state: Ring, x: float, n: int) -> tuple[Ring, float]:
    """Return the value of n bars ago."""
    position, ring = state
    value = ring[position]
    ring[position] = x
    position += 1
    if position == n:
        position = 0
    return (position, ring), value


ADD = Op("add", stateless, add_step)
SUBTRACT = Op("subtract", stateless, subtract_step)
MULTIPLY = Op("multiply", stateless, multiply_step)
DIVIDE = Op("divide", stateless, divide_step)
NEGATE = Op("negate", stateless, negate_step)
ABSOLUTE = Op("absolute", stateless, absolute_step)
GREATER = Op("greater", stateless, greater_step, flags=_VALUE)
GREATER_EQUAL = Op("greater_equal", stateless, greater_equal_step, flags=_VALUE)
LESS = Op("less", stateless, less_step, flags=_VALUE)
LESS_EQUAL = Op("less_equal", stateless, less_equal_step, flags=_VALUE)
AND = Op("both", stateless, and_step, flags=_VALUE)
OR = Op("either", stateless, or_step, flags=_VALUE)
NOT = Op("negation", stateless, not_step, flags=_VALUE)
TYPICAL = Op("hlc3", stateless, typical_step)
SHIFT = Op("shift", shift_init, shift_step)
