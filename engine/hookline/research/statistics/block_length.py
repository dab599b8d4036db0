"""How long the blocks of a resampling should be, chosen from the data.

Politis and White, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews 23 (2004), section 3, with the
correction of Patton, Politis and White, Econometric Reviews 28 (2009): the length at which the variance of a mean is estimated with the
least mean squared error, found from a flat-top estimate of the spectrum at zero.
"""

from __future__ import annotations

from math import ceil, log10, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hookline.research.statistics.checks import finite_vector

__all__ = ["BlockLength", "optimal_block_length"]

Floats = NDArray[np.float64]

_FEWEST = 8  # values of which autocorrelations say anything


class BlockLength(NamedTuple):
    """Mean length of the blocks of a stationary bootstrap, and length of those of a circular one, in values."""

    stationary: float
    circular: float


def optimal_block_length(values: ArrayLike) -> BlockLength:
    """Return how long blocks should be for one series; 1 where it is too short, constant, or without memory.

    Lengths are between 1 and ``ceil(min(3 * sqrt(n), n / 3))``, as the authors advise.

    Raises:
        ValueError: if a value is not finite.
    """
    series = finite_vector("values", values)
    size = len(series)
    if size < _FEWEST or np.ptp(series) <= 1e-12 * np.abs(series).max():
        return BlockLength(1.0, 1.0)
    most = min(ceil(sqrt(size)) + _lags_that_must_vanish(size), size - 1)
    covariance = _autocovariances(series, most)
    return _lengths(covariance, size, _reach(covariance / covariance[0], size, most))


def _lengths(covariance: Floats, size: int, reach: int) -> BlockLength:
    """Return the lengths for autocovariances that count up to a lag."""
    lags = np.arange(1, reach + 1)
    # The flat-top window: a trapezoid that is 1 up to half of the reach and falls to 0 at its end.
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / reach)) * covariance[1 : reach + 1]
    slope = 2.0 * float((lags * weights).sum())
    spectrum = float(covariance[0]) + 2.0 * float(weights.sum())
    if spectrum <= 0.0:
        return BlockLength(1.0, 1.0)
    longest = ceil(min(3.0 * sqrt(size), size / 3.0))
    shares = (2.0, 4.0 / 3.0)
    lengths = ((2.0 * slope**2 / (share * spectrum**2) * size) ** (1.0 / 3.0) for share in shares)
    return BlockLength(*(min(max(length, 1.0), float(longest)) for length in lengths))


def _lags_that_must_vanish(size: int) -> int:
    return max(5, ceil(sqrt(log10(size))))


def _autocovariances(series: Floats, most: int) -> Floats:
    """Return autocovariances at lags 0 to ``most``, by Fourier transforms."""
    size = len(series)
    centered = series - series.mean()
    padded = 1 << (size + most).bit_length()
    transform = np.fft.rfft(centered, padded)
    return np.fft.irfft(transform * transform.conj(), padded)[: most + 1] / size


def _reach(correlations: Floats, size: int, most: int) -> int:
    """Return twice the lag after which several autocorrelations in a row are no more than noise."""
    noise = 2.0 * sqrt(log10(size) / size)
    in_a_row = _lags_that_must_vanish(size)
    is_small = np.abs(correlations[1:]) < noise
    for lag in range(len(is_small) - in_a_row + 1):
        if is_small[lag : lag + in_a_row].all():
            return min(2 * max(lag, 1), most)
    return most
