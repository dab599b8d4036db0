"""Statistics of pairs: hedge ratios, z-scores, tests for cointegration and stationarity.

All of them look only at the values they are given: what is passed decides what can be known. A value that cannot be said,
because a series is constant or holds NaN, is NaN and never an error, so that a strategy compares it and does nothing.

Sources: Engle and Granger, "Co-Integration and Error Correction", Econometrica 55 (1987); Dickey and Fuller, "Distribution of
the Estimators for Autoregressive Time Series with a Unit Root", Journal of the American Statistical Association 74 (1979);
p-values by MacKinnon (1994, 2010), as statsmodels computes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["adf_p_value", "engle_granger_p_value", "hedge_ratio", "rolling_hedge_ratio", "zscore"]

# Below this share of its scale a deviation is rounding error, and there is nothing to test.
_TINY = 1e-10
# Both tests try up to 12 * (n / 100)^0.25 lags (Schwert, 1989). Of fewer values than this so many lags explain everything,
# and a statistic of a regression without residuals says nothing.
_FEWEST = 30


def hedge_ratio(y: ArrayLike, x: ArrayLike) -> float:
    """Return the slope of the least-squares line ``y = intercept + slope * x``, NaN where x does not move.

    >>> hedge_ratio([3.0, 5.0, 7.0], [1.0, 2.0, 3.0])
    2.0

    Args:
        y: What is hedged, n values.
        x: What it is hedged with, n values.

    Raises:
        ValueError: if the shapes differ.
    """
    first, second = _pair(y, x)
    return float(rolling_hedge_ratio(first, second, len(first))[-1]) if len(first) else nan


def rolling_hedge_ratio(y: ArrayLike, x: ArrayLike, window: int) -> NDArray[np.float64]:
    """Return the slope of ``hedge_ratio`` over the ``window`` values that end with each one.

    Args:
        y: What is hedged, n values.
        x: What it is hedged with, n values.
        window: How many values, at least 2.

    Returns:
        n values, NaN before the first full window, where a window holds NaN and where x does not move in it.

    Raises:
        ValueError: if the shapes differ or the window is too short.
    """
    first, second = _pair(y, x)
    if window < 2:
        raise ValueError(f"window: must be at least 2, was {window!r}")
    slopes = np.full(len(first), nan)
    if len(first) >= window:
        ys = np.lib.stride_tricks.sliding_window_view(first, window)
        xs = np.lib.stride_tricks.sliding_window_view(second, window)
        # Centered first: the plain sums of squares lose half of their digits at prices.
        moves = xs - xs.mean(axis=1, keepdims=True)
        variation = (moves**2).sum(axis=1)
        moved = variation > (_TINY * np.abs(xs).max(axis=1)) ** 2
        products = (moves * (ys - ys.mean(axis=1, keepdims=True))).sum(axis=1)
        slopes[window - 1 :] = np.divide(products, variation, out=np.full(len(ys), nan), where=moved)
    return slopes


def zscore(values: ArrayLike) -> float:
    """Return how many sample deviations the last value lies above the mean of all, itself included; NaN if none moves.

    >>> round(zscore([1.0, 1.0, 1.0, 1.0, 6.0]), 4)
    1.7889
    """
    series = np.asarray(values, np.float64)
    if len(series) < 2:
        return nan
    deviation = float(series.std(ddof=1))
    if not deviation > _TINY * float(np.abs(series).max()):
        return nan
    return float((series[-1] - series.mean()) / deviation)


def engle_granger_p_value(y: ArrayLike, x: ArrayLike) -> float:
    """Return the p-value of the hypothesis that y and x are *not* cointegrated, by the test of Engle and Granger.

    y is regressed on x and a constant, and the residual is tested for a unit root; the number of lags is chosen by AIC. NaN
    where a series is constant, one is a multiple of the other, or there are fewer than 30 values.

    Args:
        y: n values.
        x: n values.

    Raises:
        ValueError: if the shapes differ.
    """
    first, second = _pair(y, x)
    if not (_is_testable(first) and _is_testable(second)):
        return nan
    residual = first - hedge_ratio(first, second) * second
    if not _is_testable(residual, float(np.abs(first).max())):
        return nan
    from statsmodels.tsa.stattools import coint

    with _quiet():
        return float(coint(first, second, trend="c", autolag="aic")[1])


def adf_p_value(values: ArrayLike) -> float:
    """Return the p-value of the hypothesis that a series has a unit root, by the augmented test of Dickey and Fuller.

    With a constant; the number of lags is chosen by AIC. NaN where the series is constant or has fewer than 30 values.
    """
    series = np.asarray(values, np.float64)
    if not _is_testable(series):
        return nan
    from statsmodels.tsa.stattools import adfuller

    with _quiet():
        return float(adfuller(series, regression="c", autolag="AIC", result_object=True).pvalue)


def _pair(y: ArrayLike, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = np.asarray(y, np.float64), np.asarray(x, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"y and x must be of one length, were {first.shape} and {second.shape}")
    return first, second


def _is_testable(series: NDArray[np.float64], scale: float | None = None) -> bool:
    """Return whether a series is long enough, known, and moves by more than rounding error."""
    if len(series) < _FEWEST or not np.isfinite(series).all():
        return False
    least = _TINY * (float(np.abs(series).max()) if scale is None else scale)
    return float(np.ptp(series)) > least


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings about short or odd samples: a test that cannot be made is one that does not reject."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
