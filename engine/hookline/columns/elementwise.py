"""Functions of the values of one bar: smaller and larger of two, choice, unknown values, roots and logarithms."""

from __future__ import annotations

import math
from typing import TypeVar

from hookline.columns.column import Column, Number, apply
from hookline.columns.op import Op, stateless
from hookline.columns.operators import ABSOLUTE

__all__ = ["absolute", "clip", "fill", "is_nan", "log", "maximum", "minimum", "sqrt", "where"]

State = TypeVar("State")


def maximum_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return the larger of two values."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, max(a, b)


def minimum_step(state: State, a: float, b: float) -> tuple[State, float]:
    """Return the smaller of two values."""
    if math.isnan(a) or math.isnan(b):
        return state, math.nan
    return state, min(a, b)


def clip_step(state: State, x: float, low: float, high: float) -> tuple[State, float]:
    """Return x, but at least low and at most high."""
    if math.isnan(x) or math.isnan(low) or math.isnan(high):
        return state, math.nan
    return state, min(max(x, low), high)


def where_step(state: State, flag: float, a: float, b: float) -> tuple[State, float]:
    """Return a if the flag is set, else b."""
    if math.isnan(flag):
        return state, math.nan
    return state, a if flag != 0.0 else b


def is_nan_step(state: State, x: float) -> tuple[State, float]:
    """Return whether a value is unknown."""
    return state, 1.0 if math.isnan(x) else 0.0


def fill_step(state: State, x: float, other: float) -> tuple[State, float]:
    """Return x, or the other value if x is unknown."""
    return state, other if math.isnan(x) else x


def log_step(state: State, x: float) -> tuple[State, float]:
    """Return the natural logarithm, NaN unless x is positive."""
    return state, math.log(x) if x > 0.0 else math.nan


def sqrt_step(state: State, x: float) -> tuple[State, float]:
    """Return the square root, NaN for negative x."""
    return state, math.sqrt(x) if x >= 0.0 else math.nan


MAXIMUM = Op("maximum", stateless, maximum_step)
MINIMUM = Op("minimum", stateless, minimum_step)
CLIP = Op("clip", stateless, clip_step)
WHERE = Op("where", stateless, where_step)
IS_NAN = Op("is_nan", stateless, is_nan_step, flags=("value",))
FILL = Op("fill", stateless, fill_step)
LOG = Op("log", stateless, log_step)
SQRT = Op("sqrt", stateless, sqrt_step)


def absolute(column: Column) -> Column:
    """Return the values without their signs, as ``abs(column)``."""
    return apply(ABSOLUTE, column)


def maximum(a: Column | Number, b: Column | Number) -> Column:
    """Return the larger of two values on each bar; for the largest of the last n bars see :func:`highest`."""
    return apply(MAXIMUM, a, b)


def minimum(a: Column | Number, b: Column | Number) -> Column:
    """Return the smaller of two values on each bar; for the smallest of the last n bars see :func:`lowest`."""
    return apply(MINIMUM, a, b)


def clip(column: Column, low: Column | Number, high: Column | Number) -> Column:
    """Return the values, but at least ``low`` and at most ``high``; where low is above high, high."""
    return apply(CLIP, column, low, high)


def where(flag: Column, a: Column | Number, b: Column | Number) -> Column:
    """Return a on bars whose flag is set and b on the others, NaN while the flag is unknown."""
    return apply(WHERE, flag, a, b)


def is_nan(column: Column) -> Column:
    """Return the flag of bars on which the value is unknown; never unknown itself."""
    return apply(IS_NAN, column)


def fill(column: Column, value: Column | Number) -> Column:
    """Return the column with another value where it is unknown."""
    keeps_flag = column.is_flag and (value.is_flag if isinstance(value, Column) else value in {0, 1})
    return apply(FILL, column, value, is_flag=keeps_flag)


def log(column: Column) -> Column:
    """Return the natural logarithm, NaN where a value is not positive."""
    return apply(LOG, column)


def sqrt(column: Column) -> Column:
    """Return the square root, NaN where a value is negative."""
    return apply(SQRT, column)
