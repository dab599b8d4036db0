"""What prices tell about the instrument they are prices of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from hookline.data.raw import RawBars
from hookline.model import BarSeries, Instrument, InstrumentKind

__all__ = ["infer_instrument", "infer_tick_size", "tick_size_of"]

_MOST_DECIMALS = 8
# Share of a price by which float arithmetic may have moved it off its decimal: some tens of units in the last place.
_NOISE = 1e-14
_SAMPLE = 1000
# Different prices needed before a step such as 0.05 is believed and not taken for a chance of 0.01.
_ENOUGH = 30
_STEPS = (25, 5, 2)
_QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")


def infer_tick_size(series: BarSeries | RawBars) -> Decimal:
    """Return the coarsest step that all prices are multiples of, among 1, 0.1, ... 0.00000001 and 5, 2.5, 2 times those.

    Steps of 5, 2.5 and 2 need at least 30 different prices. Prices with more than 8 decimals give 0.00000001.

    >>> from hookline.model import BarSeries
    >>> one = np.array([12.34])
    >>> infer_tick_size(BarSeries("X", "1m", np.array([0]), one, one, one, one, one))
    Decimal('0.01')
    """
    return tick_size_of([getattr(series, name) for name in BarSeries.PRICES])


def tick_size_of(columns: Sequence[NDArray[np.float64]]) -> Decimal:
    """Return the tick size of arrays of prices, as :func:`infer_tick_size`; prices that are not finite are left out."""
    columns = [column[np.isfinite(column)] for column in columns]
    sample = np.concatenate([column[:_SAMPLE] for column in columns])
    decimals = _decimals(sample, 0)
    for column in columns:
        decimals = _decimals(column, decimals)
    step = 1
    if len(np.unique(sample)) >= _ENOUGH:
        ticks = [np.rint(column * 10.0**decimals).astype(np.int64) for column in columns]
        common = int(np.gcd.reduce([int(np.gcd.reduce(column)) for column in ticks]))
        step = next((size for size in _STEPS if common % size == 0 and _is_usual(size, decimals)), 1)
    return Decimal(step).scaleb(-decimals)


def infer_instrument(series: BarSeries, symbol: str) -> Instrument:
    """Return an instrument for bars of which nothing is known but their prices.

    A perpetual if the symbol says so (``BTC-PERP``, ``BTCUSD_PERP``, ``BTC/USDT:USDT``), else spot; the quote currency is the
    end of a symbol such as ``ETHBTC`` or ``BTC-USD``, else USDT.
    """
    upper = symbol.upper()
    kind = InstrumentKind.PERPETUAL if "PERP" in upper or ":" in upper else InstrumentKind.SPOT
    name = upper.split(":")[0]
    quote = next((quote for quote in _QUOTES if name.endswith(quote) and name != quote), "USDT")
    return Instrument(symbol, kind=kind, tick_size=infer_tick_size(series), quote=quote)


def _decimals(prices: NDArray[np.float64], least: int) -> int:
    """Return how many decimals all prices have at most, counting from ``least``, up to 8."""
    for decimals in range(least, _MOST_DECIMALS):
        scaled = prices * 10.0**decimals
        if (np.abs(scaled - np.rint(scaled)) <= np.abs(scaled) * _NOISE).all():
            return decimals
    return _MOST_DECIMALS


def _is_usual(size: int, decimals: int) -> bool:
    # 0.25 and 0.025 are steps that venues use; 25 and 2.5 are prices that all happened to be round.
    return size != 25 or decimals >= 2
