"""Made-up series that contracts run strategies on: an ordinary market and some that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["flat_bars", "random_bars", "wild_bars"]

_START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
_REGIME = 80  # bars
_DRIFT = 0.002  # of a trend, log return per bar


def random_bars(
    symbol: str = "TEST", count: int = 900, *, seed: int = 1, gaps: bool = True, timeframe: Timeframe = "1h"
) -> BarSeries:
    """Return a market around 100 of quiet and lively stretches, trends and ranges, with gaps unless told otherwise.

    Prices lie on a grid of 0.01. The same arguments give the same bars on every machine.
    """
    draws = np.random.Generator(np.random.PCG64([seed, sum(symbol.encode())]))
    trend = np.array([0.0, 1.0, 0.0, -1.0])[(np.arange(count) // _REGIME) % 4]
    volatility = np.where(np.arange(count) // (_REGIME // 2) % 3 == 0, 0.003, 0.009)
    moves = _DRIFT * trend + volatility * draws.standard_normal(count)
    log_price, level = np.empty(count), 0.0
    for index, move in enumerate(moves.tolist()):
        level = 0.99 * level + move
        log_price[index] = level
    close = np.round(100.0 * np.exp(log_price), 2)
    open_ = np.round(
        np.concatenate(([100.0], close[:-1])) * np.exp(volatility / 4 * draws.standard_normal(count)), 2
    )
    wicks = np.abs(draws.standard_normal((2, count))) * volatility / 2
    high = np.round(np.maximum(open_, close) * (1.0 + wicks[0]), 2)
    low = np.round(np.minimum(open_, close) * (1.0 - wicks[1]), 2)
    volume = np.round(np.exp(draws.standard_normal(count)) * 10.0, 3)
    kept = draws.random(count) > 0.03 if gaps else np.ones(count, bool)
    if gaps:
        kept[count // 2 : count // 2 + 30] = False
    return _series(symbol, timeframe, kept, open_, high, low, close, volume)


def flat_bars(symbol: str = "TEST", count: int = 300, *, timeframe: Timeframe = "1h") -> BarSeries:
    """Return a market in which nothing happens: every price is 100 and nothing is traded."""
    price = np.full(count, 100.0)
    return _series(symbol, timeframe, price > 0.0, price, price, price, price, np.zeros(count))


def wild_bars(
    symbol: str = "TEST", count: int = 300, *, seed: int = 1, timeframe: Timeframe = "1h"
) -> BarSeries:
    """Return a market that now and then opens ten times higher, or at a tenth, and whose bars are as wide."""
    calm = random_bars(symbol, count, seed=seed, gaps=False, timeframe=timeframe)
    factor = np.array([1.0, 10.0, 1.0, 0.1])[(np.arange(count) // 37) % 4]
    columns = [np.round(column * factor, 2) for column in (calm.open, calm.high, calm.low, calm.close)]
    wide = np.arange(count) % 53 == 50
    columns[1] = np.where(wide, columns[1] * 10.0, columns[1])
    columns[2] = np.where(wide, np.round(columns[2] / 10.0, 2), columns[2])
    return _series(symbol, timeframe, factor > 0.0, *columns, calm.volume)


def _series(
    symbol: str, timeframe: Timeframe, kept: NDArray[np.bool_], *columns: NDArray[np.float64]
) -> BarSeries:
    start = _START + np.arange(len(kept), dtype=np.int64) * timeframe_ns(timeframe)
    return BarSeries(symbol, timeframe, start[kept], *(column[kept] for column in columns))
