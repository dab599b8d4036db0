"""Least squares over rolling windows, summed anew on every bar around the window's newest values."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns.checks import period
from hookline.columns.column import Column, apply, apply_all
from hookline.columns.op import Op

__all__ = ["Ols", "correlation", "linreg_slope", "ols"]

# Known pairs in the window, position in the rings, rings of y and x.
Pairs = tuple[int, int, NDArray[np.float64], NDArray[np.float64]]
Window = tuple[int, int, NDArray[np.float64]]


def ols_init(n: int) -> Pairs:
    """Return an empty window of pairs."""
    return 0, 0, np.zeros(n), np.zeros(n)


def ols_step(state: Pairs, y: float, x: float, n: int) -> tuple[Pairs, tuple[float, float, float]]:
    """Return slope, intercept and correlation of the last n pairs."""
    count, position, ys, xs = state
    unknown = (math.nan, math.nan, math.nan)
    if not (math.isfinite(y) and math.isfinite(x)):
        return (0, 0, ys, xs), unknown
    ys[position], xs[position] = y, x
    position = position + 1 if position + 1 < n else 0
    count = count + 1 if count < n else n
    state = (count, position, ys, xs)
    if count < n:
        return state, unknown
    mean_y, mean_x = 0.0, 0.0
    for index in range(n):
        mean_y += ys[index] - y
        mean_x += xs[index] - x
    mean_y /= n
    mean_x /= n
    yy, xx, xy = 0.0, 0.0, 0.0
    for index in range(n):
        from_y, from_x = ys[index] - y - mean_y, xs[index] - x - mean_x
        yy += from_y * from_y
        xx += from_x * from_x
        xy += from_x * from_y
    if xx == 0.0:
        return state, unknown
    slope = xy / xx
    scale = math.sqrt(xx) * math.sqrt(yy)
    # Rounding may carry a perfect correlation past 1.
    related = min(max(xy / scale, -1.0), 1.0) if scale > 0.0 else math.nan
    return state, (slope, (y + mean_y) - slope * (x + mean_x), related)


OLS = Op("ols", ols_init, ols_step, outputs=("slope", "intercept", "correlation"))


class Ols(NamedTuple):
    """Line ``y = intercept + slope * x`` and Pearson's correlation of y and x."""

    slope: Column
    intercept: Column
    correlation: Column


def ols(y: Column, x: Column, n: int) -> Ols:
    """Return the line of least squares of y on x through the last n pairs (numpy polyfit), and their correlation.

    NaN while x is flat; the correlation also while y is.
    """
    return Ols(*apply_all(OLS, y, x, params=(period("ols", n, 2),)))


def correlation(a: Column, b: Column, n: int) -> Column:
    """Return Pearson's correlation of the last n pairs, between -1 and 1 (TA-Lib CORREL); NaN while one side is flat."""
    return ols(a, b, n).correlation


def slope_init(n: int) -> Window:
    """Return an empty window."""
    return 0, 0, np.zeros(n)


def slope_step(state: Window, x: float, n: int) -> tuple[Window, float]:
    """Return the rise per bar of the line through the last n values."""
    count, position, ring = state
    if not math.isfinite(x):
        return (0, 0, ring), math.nan
    ring[position] = x
    position = position + 1 if position + 1 < n else 0
    count = count + 1 if count < n else n
    if count < n:
        return (count, position, ring), math.nan
    middle = 0.5 * (n - 1)
    total = 0.0
    index = position
    for age in range(n):
        total += (age - middle) * (ring[index] - x)
        index = index + 1 if index + 1 < n else 0
    # n (n^2 - 1) / 12 is the sum of squares of 0 .. n - 1 around their mean.
    return (count, position, ring), total / (n * (n * n - 1.0) / 12.0)


SLOPE = Op("linreg_slope", slope_init, slope_step)


def linreg_slope(column: Column, n: int) -> Column:
    """Return the slope per bar of the least-squares line through the last n values (TA-Lib LINEARREG_SLOPE)."""
    return apply(SLOPE, column, params=(period("linreg_slope", n, 2),))
