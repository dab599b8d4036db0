"""Spread of a window around its mean.

Every bar sums the window anew, in two passes around its newest value: slower than running sums, but the spread of
equal values is exactly 0 and nothing drifts over a million bars.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hookline.columns.averages import sma
from hookline.columns.checks import period
from hookline.columns.column import Column, apply
from hookline.columns.elementwise import sqrt
from hookline.columns.op import Op

__all__ = ["std", "variance", "zscore"]

# Known values in the window, position in the ring, ring.
Window = tuple[int, int, NDArray[np.float64]]


def variance_init(n: int, _ddof: int) -> Window:
    """Return an empty window."""
    return 0, 0, np.zeros(n)


def variance_step(state: Window, x: float, n: int, ddof: int) -> tuple[Window, float]:
    """Return the sum of squared deviations from the mean, over n - ddof."""
    count, position, ring = state
    if not math.isfinite(x):
        return (0, 0, ring), math.nan
    ring[position] = x
    position = position + 1 if position + 1 < n else 0
    count = count + 1 if count < n else n
    if count < n:
        return (count, position, ring), math.nan
    mean = 0.0
    for index in range(n):
        mean += ring[index] - x
    mean /= n
    total = 0.0
    for index in range(n):
        deviation = ring[index] - x - mean
        total += deviation * deviation
    return (count, position, ring), total / (n - ddof)


VARIANCE = Op("variance", variance_init, variance_step)


def variance(column: Column, n: int, ddof: int = 1) -> Column:
    """Return the variance of the last n values.

    ``ddof`` 1 is the sample variance (pandas), 0 the population variance (TA-Lib VAR).
    """
    ddof = period("variance: ddof", ddof, 0)
    return apply(VARIANCE, column, params=(period("variance", n, ddof + 1), ddof))


def std(column: Column, n: int, ddof: int = 1) -> Column:
    """Return the standard deviation of the last n values: the root of :func:`variance`.

    ``ddof`` 1 is the sample deviation (pandas), 0 the population deviation (TA-Lib STDDEV).
    """
    return sqrt(variance(column, n, ddof))


def zscore(column: Column, n: int, ddof: int = 1) -> Column:
    """Return how many standard deviations the value lies above the mean of the last n, itself included.

    NaN on a flat window. ``ddof`` as for :func:`std`.
    """
    return (column - sma(column, n)) / std(column, n, ddof)
