"""Would chance have done as well: a strategy's positions against returns put in another order.

The hypothesis is that positions know nothing of the returns that they meet. Under it, another order of the returns would have given about
as much. Positions stay as they were, so fees are the same in every order. A p-value is the share of orders, the true one among them,
that did at least as well: ``(1 + count) / (1 + orders)``, which is never 0 (Phipson and Smyth, "Permutation P-values Should Never Be
Zero", Statistical Applications in Genetics and Molecular Biology 9, 2010).

Three ways to put returns in another order:

- ``returns``: every return anywhere. Right where returns have no memory (Fisher, "The Design of Experiments", 1935; for strategies
  Aronson, "Evidence-Based Technical Analysis", 2006).
- ``blocks``: whole blocks of a circle that is cut at a random bar, each once, so that memory within a block stays (the circular blocks of
  Politis and Romano, "A Circular Block-Resampling Procedure for Stationary Data", 1992, drawn without replacement, so that the
  instrument's own drift is the same in every order). Right where returns have a short memory.
- ``shifts``: all returns moved around a circle, so that the memory of both stays whole (the toroidal shifts of Lotwick and
  Silverman, Journal of the Royal Statistical Society B 44, 1982, in one dimension). Right for any stationary memory; its p-values are
  coarse where positions are held for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hookline.problems import did_you_mean
from hookline.research.statistics.block_length import optimal_block_length
from hookline.research.statistics.checks import at_least, finite_matrix, finite_vector
from hookline.research.statistics.reordering import COSTS, FIGURES, MIN_BARS, Earnings, figures_of

__all__ = ["PermutationTest", "Scheme", "p_value_band", "permutation_test", "permutation_tests"]

Floats = NDArray[np.float64]
Scheme = Literal["returns", "blocks", "shifts"]

# Values that are closer than this, relative to their scale, are equal but for rounding.
_TIE = 1e-10


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """What came of one test.

    Attributes:
        scheme: How returns were put in another order.
        objective: The figure that is compared.
        actual: The figure of the true order.
        null: The figures of the other orders.
        p_value: Share of orders that did at least as well, the true one among them; NaN where ``actual`` is not defined.
        block_length: Bars that stayed together; 1 for ``returns``, all of them for ``shifts``.
        bars: How many there were.
    """

    scheme: Scheme
    objective: str
    actual: float
    null: Floats
    p_value: float
    block_length: int
    bars: int

    @property
    def band(self) -> str:
        """What the p-value is called; see :func:`p_value_band`."""
        return p_value_band(self.p_value)


def p_value_band(p_value: float) -> str:
    """Return what a p-value is called.

    Below 0.01 ``highly significant``, below 0.05 ``significant``, up to 0.10 ``borderline``, above ``not significant``; ``undefined`` for
    NaN. The levels are the customary ones (Fisher, "Statistical Methods for Research Workers", 1925).

    >>> p_value_band(0.03)
    'significant'
    """
    if np.isnan(p_value):
        return "undefined"
    bands = ((0.01, "highly significant"), (0.05, "significant"))
    for limit, name in bands:
        if p_value < limit:
            return name
    return "borderline" if p_value <= 0.10 else "not significant"


def permutation_test(
    returns: ArrayLike,
    positions: ArrayLike,
    costs: ArrayLike | None = None,
    *,
    objective: str = "sharpe",
    scheme: Scheme = "returns",
    permutations: int = 10_000,
    block_length: int | None = None,
    bars_per_year: float = 1.0,
    seed: int = 0,
    threads: int = 0,
) -> PermutationTest:
    """Return how often chance does as well as a strategy by one figure; see :func:`permutation_tests`."""
    found = permutation_tests(
        returns, positions, costs, objectives=(objective,), scheme=scheme, permutations=permutations,
        block_length=block_length, bars_per_year=bars_per_year, seed=seed, threads=threads,
    )  # fmt: skip
    return found[objective]


def permutation_tests(
    returns: ArrayLike,
    positions: ArrayLike,
    costs: ArrayLike | None = None,
    *,
    objectives: Sequence[str] = ("total_return", "sharpe"),
    scheme: Scheme = "returns",
    permutations: int = 10_000,
    block_length: int | None = None,
    bars_per_year: float = 1.0,
    seed: int = 0,
    threads: int = 0,
) -> dict[str, PermutationTest]:
    """Return how often chance does as well as a strategy, by several figures of the same orders.

    Args:
        returns: Of the instrument over each bar, or a row for each bar and a column for each instrument; rows move together.
        positions: Held over each bar, as returns: fractions of equity, negative for short. (Units with changes of price are right for
            ``mean_return`` and ``sharpe``; the other figures compound.)
        costs: Fees, slippage and funding of each bar, fractions of equity, positive where paid; None for none.
        objectives: Of FIGURES.
        scheme: ``returns``, ``blocks`` or ``shifts``.
        permutations: How many orders; of ``shifts`` there are no more than bars less one, and then all are taken.
        block_length: Bars in a block of ``blocks``; None for the longer of two that :func:`optimal_block_length` chooses, for the
            returns and for what the strategy's timing earned of them. Half of the bars at most.
        bars_per_year: For figures of a year; 1 leaves them those of a bar. p-values of ``sharpe`` and ``sortino`` do not depend on it.
        seed: Of the random orders; equal seeds give equal results, on any number of threads.
        threads: 0 for one on each core.

    Raises:
        ValueError: if shapes differ, a value is not finite, or there is no such objective or scheme.
    """
    earnings = _earnings(returns, positions, costs, threads)
    _check(objectives, scheme, permutations, block_length)
    size = len(earnings)
    if size < MIN_BARS:
        return {one: _undefined(scheme, one, size) for one in objectives}
    length = _length(earnings, block_length) if scheme == "blocks" else 1
    if scheme == "shifts":
        raw, length = earnings.shifted(_shifts(size, permutations, seed)), size
    elif length > 1:
        raw = earnings.shuffled_blocks(permutations, seed, length)
    else:
        raw = earnings.shuffled(permutations, seed)
    actual = figures_of(earnings.actual(), size, bars_per_year)
    null = figures_of(raw, size, bars_per_year)
    scale = float(np.abs(earnings.gains).mean())
    return {
        one: PermutationTest(
            scheme, one, float(actual[one][0]), null[one], _p_value(one, float(actual[one][0]), null[one], scale), length, size
        )
        for one in objectives
    }  # fmt: skip


def _earnings(returns: ArrayLike, positions: ArrayLike, costs: ArrayLike | None, threads: int) -> Earnings:
    moves = finite_matrix("returns", returns)
    held = finite_matrix("positions", positions, moves.shape)
    paid = np.zeros(len(moves)) if costs is None else finite_vector("costs", costs, len(moves))
    return Earnings(moves, held, paid, threads)


def _check(objectives: Sequence[str], scheme: str, permutations: int, block_length: int | None) -> None:
    for objective in objectives:
        if objective not in FIGURES:
            hint = did_you_mean(objective, FIGURES)
            raise ValueError(f"objective: must be one of {', '.join(FIGURES)}, was {objective!r}{hint}")
    if scheme not in get_args(Scheme):
        raise ValueError(f"scheme: must be one of {', '.join(get_args(Scheme))}, was {scheme!r}")
    at_least("permutations", permutations, 1)
    if block_length is not None:
        at_least("block_length", block_length, 1)


def _length(earnings: Earnings, block_length: int | None) -> int:
    """Return the length of blocks; at least two blocks there must be, or only the cut moves."""
    longest = max(len(earnings) // 2, 1)
    if block_length is not None:
        return min(block_length, longest)
    timing = (earnings.positions - earnings.positions.mean(axis=0)) * (
        earnings.returns - earnings.returns.mean(axis=0)
    )
    series = [*earnings.returns.T, timing.sum(axis=1)]
    return min(max(round(optimal_block_length(one).circular) for one in series), longest)


def _shifts(size: int, count: int, seed: int) -> NDArray[np.int64]:
    """Return different shifts, all of them where that is not more than were asked for."""
    shifts = np.arange(1, size, dtype=np.int64)
    if size - 1 <= count:
        return shifts
    chosen: NDArray[np.int64] = np.random.default_rng(seed % 2**64).permutation(shifts)[:count]
    return chosen


def _p_value(objective: str, actual: float, null: Floats, mean_gain: float) -> float:
    if np.isnan(actual):
        return float("nan")
    sign = -1.0 if objective in COSTS else 1.0
    known = null[np.isfinite(null)]
    scale = max(abs(actual), float(np.abs(known).max(initial=0.0)), mean_gain)
    # Orders whose figure is not defined count as no worse: that can only make the p-value larger.
    is_worse = sign * null < sign * actual - _TIE * scale
    count = int(np.count_nonzero(~is_worse))
    return (1 + count) / (1 + len(null))


def _undefined(scheme: Scheme, objective: str, size: int) -> PermutationTest:
    nan = float("nan")
    return PermutationTest(scheme, objective, nan, np.empty(0), nan, 1, size)
