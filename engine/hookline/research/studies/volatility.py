"""Volatility targeting on arrays: the arithmetic of the sizing model ``volatility_target``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.errors import ConfigError
from hookline.research.studies.prices import bars_per_year_of

__all__ = ["volatility_target"]

Floats = NDArray[np.float64]


def volatility_target(
    returns: Any,
    *,
    target_fraction: float = 0.30,
    max_leverage: float = 2.0,
    period: int = 720,
    bars_per_year: float | None = None,
) -> Any:
    """Return the share of equity that moves it by a target volatility a year, as known at the end of each bar.

    It is ``target / volatility``, at most ``max_leverage``, where volatility is the sample deviation of the latest returns times the root
    of the bars in a year; 1 until the period is full. Multiply it with a direction to get positions (Moskowitz, Ooi and
    Pedersen, "Time series momentum", Journal of Financial Economics 104, 2012, with an exponentially weighted volatility there).

    >>> volatility_target([0.0, 0.02, -0.02, 0.02], target_fraction=0.2, period=2, bars_per_year=100).tolist()
    [1.0, 1.414..., 0.707..., 0.707...]

    Args:
        returns: Of each bar, as an array, a Series, or a frame with a column for each instrument; NaN at the beginning is not known.
        target_fraction: Volatility a year, as a fraction.
        max_leverage: Largest result.
        period: Bars of the standard deviation.
        bars_per_year: By default as the times of a Series or frame tell; a session says 365 days of its timeframe.

    Returns:
        The same kind of thing as ``returns``.

    Raises:
        ConfigError: if an argument breaks its rule.
    """
    from hookline.kernel.sizing import VolatilityTarget
    from hookline.params import check_params

    model = VolatilityTarget(target_fraction, max_leverage, period)
    check_params(model, "volatility_target")
    year = bars_per_year or bars_per_year_of(returns)
    if year is None or not year > 0.0:
        raise ConfigError("bars_per_year: is required where returns have no times")
    values = np.asarray(returns, dtype=np.float64)
    columns = values.reshape(len(values), -1).T
    found = np.column_stack([_scaled(model, one, year) for one in columns]).reshape(values.shape)
    if not hasattr(returns, "index") or not hasattr(returns, "to_numpy"):
        return found
    scaled = returns.astype(np.float64)
    scaled[:] = found
    return scaled


def _scaled(model: Any, returns: Floats, bars_per_year: float) -> Floats:
    from hookline.kernel.sizing import volatility_quantity

    volatility = _deviation(returns, model.period) * math.sqrt(bars_per_year)
    return np.array(
        [
            volatility_quantity(1.0, 1.0, one, model.target_fraction, model.max_leverage)
            for one in volatility.tolist()
        ]
    )


def _deviation(returns: Floats, period: int) -> Floats:
    """Return the sample deviation by the column that the sizing model uses, so that both round alike."""
    from hookline.columns import Batch, ExternalSeries, external, std
    from hookline.model import BarSeries, timeframe_ns

    step = timeframe_ns("1m")
    start = step * np.arange(len(returns), dtype=np.int64)
    flat = np.ones(len(returns))
    series = BarSeries("R", "1m", start, flat, flat, flat, flat, flat)
    known = {"returns": ExternalSeries(start + step, returns)}
    return Batch(series, known).compute([std(external("returns"), period)])[0]
