"""Figures of many reorderings of returns under fixed positions, on several threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.research.statistics import loops

__all__ = ["COSTS", "FIGURES", "MIN_BARS", "Earnings", "figures_of"]

Floats = NDArray[np.float64]

FIGURES = ("mean_return", "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown")
"""What is known of earnings; names and definitions are those of :mod:`hookline.reporting.metrics`.

``mean_return`` is the mean of the bars' returns. After a loss of everything ``total_return`` and ``cagr`` are -1 and ``max_drawdown`` is 1.
"""

COSTS = frozenset({"volatility", "max_drawdown"})
"""Figures of which less is better."""

MIN_BARS = 2

_CHUNK = 64  # reorderings that one thread makes at a time
_RAW = 5
_SHUFFLE, _BLOCKS, _SHIFT, _STATIONARY = range(4)

_SOURCE = '''"""Loops over reorderings of returns, written by hookline; safe to delete."""

import numpy as np
from numba import njit

MATRIX, VECTOR = "float64[:, ::1]", "float64[::1]"
DATA = f"{MATRIX}, {MATRIX}, {VECTOR}, float64"


@njit(f"void(int64, float64, int64[::1], uint64, int64, {DATA}, {MATRIX})", cache=True, nogil=True)
def run(kind, length, shifts, seed, begin, returns, positions, costs, center, out):
    size = len(returns)
    order = np.empty(size, np.int32)
    blocks = np.empty(int(np.ceil(size / length)), np.int32)
    for k in range(len(out)):
        state = start_state(seed, begin + k)
        if kind == 0:
            lay_shuffle(order, state)
        elif kind == 1:
            lay_blocks(order, state, int(length), blocks)
        elif kind == 2:
            lay_shift(order, shifts[begin + k])
        else:
            lay_stationary(order, state, length, size)
        measure(order, returns, positions, costs, center, out[k])


@njit(f"void(int32[::1], {DATA}, {VECTOR})", cache=True, nogil=True)
def run_one(order, returns, positions, costs, center, out):
    measure(order, returns, positions, costs, center, out)
'''


@dataclass(frozen=True, eq=False)
class Earnings:
    """What positions earn of returns bar by bar: ``sum(positions * returns) - costs``.

    Args:
        returns: Of the instruments, a row for each bar and a column for each instrument.
        positions: Held over each bar, as returns.
        costs: Paid on each bar.
        threads: That reorder at once; 0 for one on each core.
    """

    returns: Floats
    positions: Floats
    costs: Floats
    threads: int = 0

    def __len__(self) -> int:
        return len(self.returns)

    @property
    def gains(self) -> Floats:
        """Return of each bar."""
        gains: Floats = (self.returns * self.positions).sum(axis=1) - self.costs
        return gains

    def actual(self) -> Floats:
        """Return the raw figures of the order that was, in one row."""
        return self.of_order(np.arange(len(self), dtype=np.int32))

    def of_order(self, order: NDArray[np.int32]) -> Floats:
        """Return the raw figures of one order of bars, which may be shorter, in one row."""
        out = np.empty((1, _RAW))
        _kernels().run_one(order, self.returns, self.positions, self.costs, self._center, out[0])
        return out

    def shuffled(self, count: int, seed: int) -> Floats:
        """Return the raw figures of random permutations of the returns, a row for each."""
        return self._run(_SHUFFLE, count, seed, 1.0)

    def shuffled_blocks(self, count: int, seed: int, length: int) -> Floats:
        """Return the raw figures of random permutations of blocks of the returns, a row for each."""
        return self._run(_BLOCKS, count, seed, float(length))

    def shifted(self, shifts: NDArray[np.int64]) -> Floats:
        """Return the raw figures of returns moved around the circle, a row for each shift."""
        return self._run(_SHIFT, len(shifts), 0, 1.0, shifts)

    def resampled(self, count: int, seed: int, length: float) -> Floats:
        """Return the raw figures of stationary bootstrap samples of the returns, a row for each."""
        return self._run(_STATIONARY, count, seed, length)

    @property
    def _center(self) -> float:
        return float(self.gains.mean())

    def _run(
        self, kind: int, count: int, seed: int, length: float, shifts: NDArray[np.int64] | None = None
    ) -> Floats:
        out = np.empty((count, _RAW))
        moves = np.empty(0, np.int64) if shifts is None else shifts
        run: Callable[..., None] = _kernels().run
        data = (self.returns, self.positions, self.costs, self._center)
        start = np.uint64(seed % 2**64)

        def work(begin: int) -> None:
            run(kind, length, moves, start, begin, *data, out[begin : begin + _CHUNK])

        begins, threads = range(0, count, _CHUNK), self.threads or os.cpu_count() or 1
        if min(threads, len(begins)) == 1:
            for begin in begins:
                work(begin)
            return out
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, begins):
                pass
        return out


@cache
def _kernels() -> Any:
    from hookline.columns.kernels import compile_module

    names = ("start_state", "lay_shuffle", "lay_blocks", "lay_shift", "lay_stationary", "measure")
    return compile_module("reordering", _SOURCE, {name: getattr(loops, name) for name in names})


def figures_of(raw: Floats, bars: int, bars_per_year: float) -> dict[str, Floats]:
    """Return FIGURES, each an array with a value for each row of raw figures; NaN where one is not defined."""
    mean, deviation, downside, growth, worst = raw.T
    # Less than this is rounding error.
    deviation = np.where(deviation <= 1e-12 * np.abs(mean), 0.0, deviation)
    scale, drawdown = np.sqrt(bars_per_year), 1.0 - worst
    with np.errstate(over="ignore"):
        cagr = np.expm1(growth * (bars_per_year / bars))
        total = np.expm1(growth)
    return {
        "mean_return": mean.copy(),
        "total_return": np.where(np.isfinite(total), total, np.nan),
        "cagr": np.where(np.isfinite(cagr), cagr, np.nan),
        "volatility": deviation * scale,
        "sharpe": _ratio(mean, deviation) * scale,
        "sortino": _ratio(mean, downside) * scale,
        "calmar": _ratio(cagr, drawdown),
        "max_drawdown": drawdown,
    }


def _ratio(above: Floats, below: Floats) -> Floats:
    out = np.full(above.shape, np.nan)
    np.divide(above, below, out=out, where=below > 0.0)
    out[~np.isfinite(out)] = np.nan
    return out
