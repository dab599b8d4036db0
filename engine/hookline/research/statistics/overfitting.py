"""The probability that choosing the best of many trials chose noise.

Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance 20 (2017), section 2:
combinatorially symmetric cross-validation (CSCV). Time is cut into an even number of parts. Every choice of half of them is once in
sample, the other half out of sample; the trial that is best in sample is ranked among all trials out of sample. It is overfitting where
it lands in the lower half.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hookline.research.statistics.checks import at_least, finite_matrix

__all__ = ["Overfitting", "Statistic", "overfitting_of_parts", "part_sums", "probability_of_overfitting"]

Floats = NDArray[np.float64]
Statistic = Literal["sharpe", "mean_return"]

_BATCH = 4_000_000  # numbers that are held at a time, 32 MB
_MOST_PARTS = 20  # 184,756 combinations


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What came of all combinations.

    Attributes:
        probability: Share of combinations in which the best in sample was in the lower half out of sample (PBO).
        loss_probability: Share in which it lost money out of sample.
        slope: Of the line through the chosen trials' figures, out of sample against in sample: performance degradation. Negative where
            doing better in sample means doing worse after.
        intercept: Of that line.
        r_squared: How much of the variation the line explains.
        logits: ``log(rank / (1 - rank))`` of each combination, for ranks between 0 and 1.
        in_sample: Figure of the chosen trial in each combination.
        out_of_sample: The same trial's figure out of sample.
        chosen: Which trial it was, its column.
        trials: How many were compared.
        parts: Into how many time was cut.
    """

    probability: float
    loss_probability: float
    slope: float
    intercept: float
    r_squared: float
    logits: Floats
    in_sample: Floats
    out_of_sample: Floats
    chosen: NDArray[np.int64]
    trials: int
    parts: int


def probability_of_overfitting(
    returns: ArrayLike, parts: int = 16, statistic: Statistic = "sharpe"
) -> Overfitting:
    """Return how likely it is that the best of many trials is one that was fitted to noise.

    Args:
        returns: A row for each bar and a column for each trial; of all trials that were made, not of a selection.
        parts: Even; each should be long enough for a Sharpe ratio to say something. 16 make 12,870 combinations.
        statistic: By what trials are compared, ``sharpe`` or ``mean_return``.

    Raises:
        ValueError: if a return is not finite, the number of parts is odd or out of range, or there are fewer bars than two for each.
    """
    return overfitting_of_parts(part_sums(returns, parts), statistic)


def part_sums(returns: ArrayLike, parts: int = 16) -> Floats:
    """Return what :func:`overfitting_of_parts` needs to know of trials, so that not all returns need be held at once.

    Args:
        returns: A row for each bar and a column for each trial, or one trial.
        parts: Even; the first ones are longer by a bar where bars cannot be shared out evenly.

    Returns:
        Number of bars, sum of returns and sum of squares, shape (3, parts, trials). Sums of trials of equal times may be joined along
        the last axis.

    Raises:
        ValueError: as :func:`probability_of_overfitting`.
    """
    if parts % 2 or not 2 <= parts <= _MOST_PARTS:
        raise ValueError(f"parts: must be even, from 2 to {_MOST_PARTS}, was {parts!r}")
    columns = finite_matrix("returns", returns)
    at_least("bars", len(columns), 2 * parts)
    pieces = np.array_split(columns, parts)
    counts = np.array([np.full(columns.shape[1], float(len(piece))) for piece in pieces])
    sums = np.array([piece.sum(axis=0) for piece in pieces])
    squares = np.array([(piece**2).sum(axis=0) for piece in pieces])
    return np.array([counts, sums, squares])


def overfitting_of_parts(sums: Floats, statistic: Statistic = "sharpe") -> Overfitting:
    """Return how likely it is that the best of many trials is one that was fitted to noise, from :func:`part_sums`.

    A trial that never varies within a sample has a Sharpe ratio of 0 there.

    Raises:
        ValueError: if there are fewer than two trials, or no such statistic.
    """
    if statistic not in get_args(Statistic):
        raise ValueError(f"statistic: must be one of {', '.join(get_args(Statistic))}, was {statistic!r}")
    _, parts, trials = sums.shape
    at_least("trials", trials, 2)
    rows = [_one_batch(mask, sums, statistic) for mask in _masks(parts, max(_BATCH // trials, 1))]
    chosen, inside, outside, rank = (np.concatenate(column) for column in zip(*rows, strict=True))
    logits = np.log(rank / (1.0 - rank))
    slope, intercept, fit = _line(inside, outside)
    return Overfitting(
        probability=float((logits <= 0.0).mean()),
        loss_probability=float((outside < 0.0).mean()),
        slope=slope,
        intercept=intercept,
        r_squared=fit,
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        chosen=chosen,
        trials=trials,
        parts=parts,
    )


def _masks(parts: int, most: int) -> Iterator[Floats]:
    """Yield the parts in sample of all combinations, 1 and 0, at most so many rows at a time."""
    chosen = combinations(range(parts), parts // 2)
    while batch := list(islice(chosen, most)):
        masks = np.zeros((len(batch), parts))
        np.put_along_axis(masks, np.array(batch), 1.0, axis=1)
        yield masks


def _one_batch(
    mask: Floats, sums: Floats, statistic: Statistic
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """Return for each combination the chosen trial, its figure in and out of sample, and its relative rank."""
    inside = _figures(mask, sums, statistic)
    outside = _figures(1.0 - mask, sums, statistic)
    rows = np.arange(len(mask))
    chosen = inside.argmax(axis=1)
    reached = outside[rows, chosen][:, np.newaxis]
    # Equal ones share the mean of their ranks, 1 to N; the relative rank is rank / (N + 1).
    below, equal = (outside < reached).sum(axis=1), (outside == reached).sum(axis=1)
    rank = (below + (equal + 1.0) / 2.0) / (sums.shape[2] + 1.0)
    return chosen, inside[rows, chosen], reached[:, 0], rank


def _figures(mask: Floats, sums: Floats, statistic: Statistic) -> Floats:
    counts, totals, squares = (mask @ one for one in sums)
    mean: Floats = totals / counts
    if statistic == "mean_return":
        return mean
    variance = (squares - totals * mean) / (counts - 1.0)
    # A difference of nearly equal numbers is rounding error.
    is_moving = variance > 1e-12 * squares / counts
    ratio = np.zeros(mean.shape)
    np.divide(mean, np.sqrt(np.maximum(variance, 0.0)), out=ratio, where=is_moving)
    return ratio


def _line(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return slope, intercept and share of variation explained of a least-squares line; NaN where x does not vary."""
    away, fall = x - x.mean(), y - y.mean()
    spread, variation = float((away**2).sum()), float((fall**2).sum())
    if spread <= 1e-20 * len(x):
        return float("nan"), float("nan"), float("nan")
    product = float((away * fall).sum())
    slope = product / spread
    fit = product**2 / (spread * variation) if variation > 0.0 else float("nan")
    return slope, float(y.mean()) - slope * float(x.mean()), fit
