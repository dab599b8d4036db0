"""An op as a third party writes it: two plain functions at the top level of a module."""

import math

import numpy as np

from hookline.columns import Column, Op, apply

DECAY = 0.5


def decayed(peak: float, low: float) -> float:
    return max(low, peak - DECAY)


def trail_init(n: int) -> tuple[int, float, np.ndarray]:
    return 0, math.nan, np.zeros(n)


def trail_step(
    state: tuple[int, float, np.ndarray], x: float, n: int
) -> tuple[tuple[int, float, np.ndarray], float]:
    count, peak, ring = state
    ring[count % n] = x
    count += 1
    mean = 0.0
    for index in range(n):
        mean += ring[index] / n
    peak = x if math.isnan(peak) else decayed(peak, x)
    return (count, peak, ring), peak + mean if count >= n else math.nan


def broken_step(state: tuple[()], x: float) -> tuple[tuple[()], float]:
    return state, float(str(x))


def span_step(state: tuple[()], a: float, b: float) -> tuple[tuple[()], tuple[float, float]]:
    return state, (a - b, 1.0 if a > b else 0.0)


def nothing() -> tuple[()]:
    return ()


TRAIL = Op("trail", trail_init, trail_step)
BROKEN = Op("through_text", nothing, broken_step)
SPAN = Op("span", nothing, span_step, outputs=("width", "is_wide"), flags=("is_wide",))


def trail(column: Column, n: int) -> Column:
    return apply(TRAIL, column, params=(n,))
