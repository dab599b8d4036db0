"""Orders in which returns are put anew, and what a strategy earns in each: code that numba compiles.

Rules of this file:

- Positions and costs stay where they are; ``order[i]`` names the bar whose return meets position ``i``.
- Each reordering has random numbers of its own, made of the seed and its index, so that threads do not change results.
- All integers of the generator are unsigned 64-bit numbers; numba turns a mixture with signed ones into floats.

Random numbers: SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). An index below
``n`` is the upper half of a number times ``n``, shifted (Lemire, "Fast Random Integer Generation in an Interval", ACM
TOMACS 29, 2019) without his rejection step: no index is more likely than another by more than ``n / 2**32``.
"""

from __future__ import annotations

from math import inf, log, sqrt
from typing import Any

import numpy as np

__all__ = [
    "draw",
    "lay_blocks",
    "lay_shift",
    "lay_shuffle",
    "lay_stationary",
    "measure",
    "start_state",
]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


def _mix(z: Any) -> Any:
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


def start_state(seed: Any, index: int) -> Any:
    """Return the generator's state at the start of one reordering."""
    return _mix(_mix(seed + _GAMMA) + np.uint64(index))


def draw(state: Any, bound: Any) -> Any:
    """Return the next state and a random index below ``bound``, which is below 2**32."""
    state = state + _GAMMA
    return state, np.int64(((_mix(state) >> _S32) * np.uint64(bound)) >> _S32)


def lay_shuffle(order: Any, state: Any) -> None:
    """Fill with a random permutation: Fisher and Yates, inside out (Knuth, TAOCP 2, 3.4.2)."""
    for i in range(len(order)):
        state, j = draw(state, i + 1)
        order[i] = order[j]
        order[j] = i


def lay_blocks(order: Any, state: Any, length: int, blocks: Any) -> None:
    """Fill with the bars of a circle, cut at a random bar into blocks of a length (the last may be shorter), shuffled.

    Args:
        order: To be filled.
        state: Of the generator.
        length: Bars in a block.
        blocks: Space for one index for each block.
    """
    size = len(order)
    state, offset = draw(state, size)
    lay_shuffle(blocks, state + _GAMMA)
    place = 0
    for block in blocks:
        begin = block * length
        for bar in range(begin, min(begin + length, size)):
            order[place] = (bar + offset) % size
            place += 1


def lay_shift(order: Any, shift: int) -> None:
    """Fill with all bars in their order, moved around the circle."""
    for i in range(len(order)):
        order[i] = (i + shift) % len(order)


def lay_stationary(order: Any, state: Any, length: float, size: int) -> None:
    """Fill with blocks that start anywhere on a circle of ``size`` bars, of geometric length with the given mean."""
    # Of numbers below 2**32 this share ends a block.
    ends = np.int64(4294967295.0 / length)
    bar = np.int64(0)
    for i in range(len(order)):
        state, dice = draw(state, np.int64(4294967295))
        if i == 0 or dice < ends:
            state, bar = draw(state, size)
        else:
            bar = (bar + 1) % size
        order[i] = bar


def measure(order: Any, returns: Any, positions: Any, costs: Any, center: float, out: Any) -> None:
    """Write what positions earn of returns in an order.

    Args:
        order: Which bar's return each position meets.
        returns: A row for each bar, a column for each instrument.
        positions: As returns.
        costs: One for each bar.
        center: About the mean of what is earned; sums of squares are taken around it.
        out: Mean and sample deviation of what is earned, root of the mean of squared losses, logarithm of the growth of one unit
            of money, lowest equity as a share of its highest before.
    """
    size, growth, folded, depth, worst = len(order), 1.0, 0.0, 1.0, 1.0
    total, squares, losses = 0.0, 0.0, 0.0
    for i in range(size):
        bar = order[i]
        gain = -costs[i]
        for j in range(returns.shape[1]):
            gain += positions[i, j] * returns[bar, j]
        away = gain - center
        total += away
        squares += away * away
        if gain < 0.0:
            losses += gain * gain
        factor = max(1.0 + gain, 0.0)
        growth *= factor
        depth = min(depth * factor, 1.0)
        worst = min(worst, depth)
        # A product of a million factors leaves the range of floats.
        if growth > 1e200 or 0.0 < growth < 1e-200:
            folded += log(growth)
            growth = 1.0
    out[0] = center + total / size
    out[1] = sqrt(max(squares - total * total / size, 0.0) / (size - 1))
    out[2] = sqrt(losses / size)
    out[3] = folded + log(growth) if growth > 0.0 else -inf
    out[4] = worst
