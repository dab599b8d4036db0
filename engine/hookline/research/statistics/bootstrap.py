"""How far a figure might have been from what was seen: confidence intervals by resampling.

Samples are made by the stationary bootstrap (Politis and Romano, Journal of the American Statistical Association 89, 1994): blocks of
returns that begin anywhere and have a random, geometrically distributed length, so that short memory and runs of high volatility stay.
Intervals are those of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): percentile (chapter 13) and BCa (chapter 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, nan
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hookline.research.statistics.block_length import optimal_block_length
from hookline.research.statistics.checks import at_least, between, finite_vector
from hookline.research.statistics.reordering import FIGURES, MIN_BARS, Earnings, figures_of

__all__ = ["Interval", "Method", "bootstrap_intervals"]

Floats = NDArray[np.float64]
Method = Literal["bca", "percentile"]

_NORMAL = NormalDist()
_GROUPS = 200  # of the jackknife, at most


@dataclass(frozen=True, eq=False)
class Interval:
    """A confidence interval.

    Attributes:
        figure: Its name.
        value: As it was seen; NaN where it is not defined.
        low: Lower end, NaN where it cannot be said.
        high: Upper end.
        confidence: Share of samples that the interval is to hold the true figure in.
        samples: The figure of each sample.
        block_length: Mean bars in a block.
    """

    figure: str
    value: float
    low: float
    high: float
    confidence: float
    samples: Floats
    block_length: float


def bootstrap_intervals(
    returns: ArrayLike,
    *,
    figures: Sequence[str] = ("mean_return", "sharpe", "cagr", "max_drawdown"),
    confidence: float = 0.95,
    method: Method = "bca",
    samples: int = 10_000,
    block_length: float | None = None,
    bars_per_year: float = 1.0,
    seed: int = 0,
    threads: int = 0,
) -> dict[str, Interval]:
    """Return confidence intervals for figures of a strategy.

    ``max_drawdown`` is always given by percentiles: it is no smooth function of returns, and a correction for its bias means nothing.

    Args:
        returns: Of the strategy, one for each bar, costs included.
        figures: Of FIGURES.
        confidence: Such as 0.95.
        method: ``bca``, corrected for bias and skewness, or ``percentile``.
        samples: How many.
        block_length: Mean bars in a block; None for what :func:`optimal_block_length` chooses.
        bars_per_year: For figures of a year; 1 leaves them those of a bar.
        seed: Equal seeds give equal results, on any number of threads.
        threads: 0 for one on each core.

    Raises:
        ValueError: if a return is not finite, or there is no such figure or method.
    """
    values = finite_vector("returns", returns)
    _check(figures, confidence, method, samples, block_length)
    size = len(values)
    if size < MIN_BARS:
        return {one: Interval(one, nan, nan, nan, confidence, np.empty(0), 1.0) for one in figures}
    length = optimal_block_length(values).stationary if block_length is None else float(block_length)
    earnings = Earnings(values[:, np.newaxis], np.ones((size, 1)), np.zeros(size), threads)
    seen = figures_of(earnings.actual(), size, bars_per_year)
    drawn = figures_of(earnings.resampled(samples, seed, length), size, bars_per_year)
    left = _jackknife(earnings, length, bars_per_year) if method == "bca" else {}
    found = {}
    for one in figures:
        value = float(seen[one][0])
        is_corrected = method == "bca" and one != "max_drawdown"
        low, high = _ends(value, drawn[one], left[one] if is_corrected else None, confidence)
        found[one] = Interval(one, value, low, high, confidence, drawn[one], length)
    return found


def _check(
    figures: Sequence[str], confidence: float, method: str, samples: int, block_length: float | None
) -> None:
    for figure in figures:
        if figure not in FIGURES:
            raise ValueError(f"figures: must be of {', '.join(FIGURES)}, was {figure!r}")
    if method not in get_args(Method):
        raise ValueError(f"method: must be one of {', '.join(get_args(Method))}, was {method!r}")
    between("confidence", confidence, 0.0, 1.0)
    at_least("samples", samples, 1)
    if block_length is not None:
        at_least("block_length", block_length, 1)


def _jackknife(earnings: Earnings, length: float, bars_per_year: float) -> dict[str, Floats]:
    """Return figures with one block left out at a time, a value for each (Kunsch, Annals of Statistics 17, 1989)."""
    size = len(earnings)
    groups = max(min(_GROUPS, int(size // ceil(length))), 2)
    everything = np.arange(size, dtype=np.int32)
    rows = [
        figures_of(earnings.of_order(np.delete(everything, gone)), size - len(gone), bars_per_year)
        for gone in np.array_split(everything, groups)
        if size - len(gone) >= MIN_BARS
    ]
    return {one: np.array([row[one][0] for row in rows]) for one in FIGURES}


def _ends(value: float, samples: Floats, left: Floats | None, confidence: float) -> tuple[float, float]:
    known = samples[np.isfinite(samples)]
    # Figures that many samples do not have, such as a Sharpe ratio of a strategy that rarely trades, have no interval.
    if not isfinite(value) or len(known) < 0.95 * len(samples):
        return nan, nan
    tail = (1.0 - confidence) / 2.0
    shares = (tail, 1.0 - tail)
    if left is not None:
        shares = _corrected(value, known, left[np.isfinite(left)], shares)
    low, high = np.quantile(known, shares)
    return float(low), float(high)


def _corrected(
    value: float, samples: Floats, left: Floats, shares: tuple[float, float]
) -> tuple[float, float]:
    """Return the shares of samples at the ends of a BCa interval (Efron and Tibshirani, equations 14.9 to 14.15)."""
    below = float((samples < value).mean()) + float((samples == value).mean()) / 2.0
    # All samples on one side: the correction would be infinite.
    least = 0.5 / len(samples)
    bias = _NORMAL.inv_cdf(min(max(below, least), 1.0 - least))
    away = left.mean() - left if len(left) else np.zeros(1)
    spread = float((away**2).sum())
    skew = float((away**3).sum()) / (6.0 * spread**1.5) if spread > 0.0 else 0.0
    ends = []
    for share in shares:
        point = bias + _NORMAL.inv_cdf(share)
        scale = 1.0 - skew * point
        ends.append(_NORMAL.cdf(bias + point / scale) if scale > 0.0 else float(point > 0.0))
    return ends[0], ends[1]
