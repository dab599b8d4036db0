"""How sure a Sharpe ratio is, given its length, its shape and how many were tried.

Sharpe ratios here are those of one bar: mean / sample deviation, not annualised. Divide a yearly one by the square root of bars per year.

Sources: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012): PSR, MinTRL. Bailey and Lopez
de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014): DSR, expected maximum, independent trials. Bailey, Borwein,
Lopez de Prado and Zhu, "Pseudo-Mathematics and Financial Charlatanism", Notices of the AMS 61 (2014): MinBTL.

All of them take returns of bars to be independent of one another. Where they are not (positive autocorrelation above all), use
bars long enough that they nearly are, such as days.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import e, isfinite, nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from hookline.research.statistics.checks import at_least, between, finite_matrix, finite_vector

__all__ = [
    "DeflatedSharpe",
    "SharpeMoments",
    "deflated_sharpe",
    "expected_maximum",
    "independent_trials",
    "minimum_backtest_years",
    "minimum_track_record",
    "probabilistic_sharpe",
    "sharpe_moments",
]

_NORMAL = NormalDist()
_EULER = 0.5772156649015329  # Euler's and Mascheroni's constant


@dataclass(frozen=True)
class SharpeMoments:
    """What the certainty of a Sharpe ratio depends on.

    Args:
        sharpe: Of one bar; NaN where it is not defined.
        bars: How many returns.
        skew: Third standardised moment, 0 for a normal distribution.
        kurtosis: Fourth standardised moment, 3 for a normal distribution.
    """

    sharpe: float
    bars: int
    skew: float = 0.0
    kurtosis: float = 3.0

    @property
    def variance(self) -> float:
        """Variance of the estimate (Mertens 2002, as in Bailey and Lopez de Prado 2012, section 2)."""
        if self.bars < 2:
            return nan
        return _shape(self) / (self.bars - 1)


@dataclass(frozen=True)
class DeflatedSharpe:
    """The chance that a Sharpe ratio is more than the best of many tries without any edge.

    Attributes:
        probability: 0 to 1; 0.95 and above is customary.
        threshold: Expected Sharpe ratio of the best of so many tries, of one bar.
        trials: How many independent ones there were.
    """

    probability: float
    threshold: float
    trials: float


def sharpe_moments(returns: ArrayLike) -> SharpeMoments:
    """Return Sharpe ratio, length, skewness and kurtosis of returns; all but the length NaN where they do not vary.

    Moments are those of the sample, without correction for its size, as in the papers.

    Raises:
        ValueError: if a return is not finite.
    """
    values = finite_vector("returns", returns)
    if len(values) < 2:
        return SharpeMoments(nan, len(values), nan, nan)
    mean = float(values.mean())
    away = values - mean
    spread = sqrt(float((away**2).mean()))
    if spread <= 1e-12 * abs(mean) or spread == 0.0:
        return SharpeMoments(nan, len(values), nan, nan)
    scaled = away / spread
    deviation = spread * sqrt(len(values) / (len(values) - 1))
    return SharpeMoments(mean / deviation, len(values), float((scaled**3).mean()), float((scaled**4).mean()))


def probabilistic_sharpe(moments: SharpeMoments, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark, both of one bar.

    ``PSR = N((SR - SR*) * sqrt(n - 1) / sqrt(1 - skew * SR + (kurtosis - 1) / 4 * SR**2))`` (Bailey and Lopez de Prado 2012, section
    3). NaN where the Sharpe ratio is not defined.
    """
    variance = moments.variance
    if not (isfinite(variance) and variance > 0.0 and isfinite(benchmark)):
        return nan
    return _NORMAL.cdf((moments.sharpe - benchmark) / sqrt(variance))


def minimum_track_record(moments: SharpeMoments, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Return how many bars it takes to be sure that a Sharpe ratio such as this is above a benchmark.

    ``MinTRL = 1 + (1 - skew * SR + (kurtosis - 1) / 4 * SR**2) * (z / (SR - SR*))**2`` (Bailey and Lopez de Prado 2012, section 4).
    NaN where the Sharpe ratio is not above the benchmark: no length would do.

    Raises:
        ValueError: if the confidence is not between 0 and 1.
    """
    between("confidence", confidence, 0.0, 1.0)
    shape = _shape(moments)
    if not (isfinite(shape) and shape > 0.0 and moments.sharpe > benchmark):
        return nan
    return 1.0 + shape * (_NORMAL.inv_cdf(confidence) / (moments.sharpe - benchmark)) ** 2


def expected_maximum(trials: float) -> float:
    """Return the expected largest of so many independent standard normal numbers.

    ``(1 - g) * Z(1 - 1 / N) + g * Z(1 - 1 / (N * e))`` with Euler's constant g (Bailey and Lopez de Prado 2014, equation 1), an
    approximation for many trials: 2 % too large for 10, 8 % too small for 2. Of one trial it is 0.

    Raises:
        ValueError: if there are fewer than one.
    """
    at_least("trials", trials, 1.0)
    if trials == 1.0:
        return 0.0
    usual, late = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return max((1.0 - _EULER) * usual + _EULER * late, 0.0)


def deflated_sharpe(moments: SharpeMoments, trials: float, variance: float) -> DeflatedSharpe:
    """Return the probabilistic Sharpe ratio against what the best of many tries without edge would show.

    ``SR* = sqrt(variance) * expected_maximum(trials)`` (Bailey and Lopez de Prado 2014, equations 1 and 2).

    Args:
        moments: Of the one that was chosen.
        trials: How many independent ones were tried, this one among them; see :func:`independent_trials`.
        variance: Of the Sharpe ratios of all trials, of one bar.

    Raises:
        ValueError: if there are fewer than one trial, or the variance is negative.
    """
    if not np.isnan(variance):
        at_least("variance", variance, 0.0)
    largest = expected_maximum(trials)
    # One trial has no variance to speak of, and nothing was chosen.
    threshold = sqrt(variance) * largest if largest > 0.0 else 0.0
    return DeflatedSharpe(probabilistic_sharpe(moments, threshold), threshold, trials)


def independent_trials(returns: ArrayLike) -> float:
    """Return how many independent trials a number of correlated ones are worth.

    ``N = c + (1 - c) * M`` for M trials with a mean correlation c between each two (Bailey and Lopez de Prado 2014, appendix on the
    number of independent trials). A negative mean counts as 0. Trials that never vary are left out; 1 where none does.

    Args:
        returns: A row for each bar and a column for each trial.

    Raises:
        ValueError: if a return is not finite.
    """
    columns = finite_matrix("returns", returns)
    if len(columns) < 2:
        return 1.0
    away = columns - columns.mean(axis=0)
    length = np.sqrt((away**2).sum(axis=0))
    is_moving = length > 1e-12 * np.abs(columns).max(axis=0, initial=0.0) * sqrt(len(columns))
    count = int(np.count_nonzero(is_moving))
    if count < 2:
        return 1.0
    scaled = away[:, is_moving] / length[is_moving]
    # The sum of all correlations is the squared length of the sum of all vectors: no matrix of M x M is made.
    everything = float((scaled.sum(axis=1) ** 2).sum())
    mean = min(max((everything - count) / (count * (count - 1)), 0.0), 1.0)
    return mean + (1.0 - mean) * count


def minimum_backtest_years(trials: float, sharpe: float = 1.0) -> float:
    """Return the years of data below which so many tries without edge are expected to show a yearly Sharpe ratio.

    ``MinBTL = (expected_maximum(trials) / SR)**2``, in years, for a yearly SR (Bailey, Borwein, Lopez de Prado and Zhu 2014, theorem on
    the minimum backtest length).

    Raises:
        ValueError: if there are fewer than one trial, or the Sharpe ratio is not above 0.
    """
    if not sharpe > 0.0:
        raise ValueError(f"sharpe: must be above 0, was {sharpe!r}")
    return (expected_maximum(trials) / sharpe) ** 2


def _shape(moments: SharpeMoments) -> float:
    ratio = moments.sharpe
    return 1.0 - moments.skew * ratio + (moments.kurtosis - 1.0) / 4.0 * ratio**2
