"""What prices tell about the instrument they are prices of."""

from __future__ import annotations

import math
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
_LOT_DECIMALS = 6
_ZEROS = 3  # behind the point of a price, from which on lots grow as prices fall
_COUNTABLE = 2.0**63  # more ticks than that are not counted
# Different prices needed before a step such as 0.05 is believed and not taken for a chance of 0.01.
_ENOUGH = 30
_STEPS = (25, 5, 2)
_QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")


def infer_tick_size(series: BarSeries | RawBars) -> Decimal:
    """Return the coarsest step that all prices are multiples of, among 1, 0.1, ... 0.00000001 and 5, 2.5, 2 times those.

    Steps of 5, 2.5 and 2 need at least 30 different prices. Prices with more than 8 decimals give 0.00000001; prices below 1 may
    have as many more as they have zeros behind the point, so that a price of 0.0000001234 is not rounded away.

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
    most = _MOST_DECIMALS + _zeros(sample)
    decimals = _decimals(sample, 0, most)
    for column in columns:
        decimals = _decimals(column, decimals, most)
    step = 1
    countable = all((np.abs(column) < _COUNTABLE / 10.0**decimals).all() for column in columns)
    if countable and len(np.unique(sample)) >= _ENOUGH:
        ticks = [np.rint(column * 10.0**decimals).astype(np.int64) for column in columns]
        common = int(np.gcd.reduce([int(np.gcd.reduce(column)) for column in ticks]))
        step = next((size for size in _STEPS if common % size == 0 and _is_usual(size, decimals)), 1)
    return Decimal(step).scaleb(-decimals)


def infer_instrument(series: BarSeries, symbol: str) -> Instrument:
    """Return an instrument for bars of which nothing is known but their prices.

    A perpetual if the symbol says so (``BTC-PERP``, ``BTCUSD_PERP``, ``BTC/USDT:USDT``), else spot; the quote currency is the
    end of a symbol such as ``ETHBTC`` or ``BTC-USD``, else USDT. A lot is a millionth, more for prices below 0.0001.
    """
    upper = symbol.upper()
    kind = InstrumentKind.PERPETUAL if "PERP" in upper or ":" in upper else InstrumentKind.SPOT
    name = upper.split(":")[0]
    quote = next((quote for quote in _QUOTES if name.endswith(quote) and name != quote), "USDT")
    # A lot of one millionth of something that costs next to nothing would need more lots than can be counted exactly.
    lot_size = Decimal(1).scaleb(max(0, _zeros(series.close) - _ZEROS) - _LOT_DECIMALS)
    tick_size = infer_tick_size(series)
    return Instrument(symbol, kind=kind, tick_size=tick_size, lot_size=lot_size, quote=quote)


def _zeros(prices: NDArray[np.float64]) -> int:
    """Return how many zeros a usual price has between its decimal point and its first digit."""
    usual = float(np.median(np.abs(prices))) if len(prices) else 0.0
    return int(-math.log10(usual)) if 0.0 < usual < 1.0 else 0


def _decimals(prices: NDArray[np.float64], least: int, most: int) -> int:
    """Return how many decimals all prices have at most, counting from ``least`` up to ``most``."""
    for decimals in range(least, most):
        scaled = prices * 10.0**decimals
        if (np.abs(scaled - np.rint(scaled)) <= np.abs(scaled) * _NOISE).all():
            return decimals
    return most


def _is_usual(size: int, decimals: int) -> bool:
    # 0.25 and 0.025 are steps that venues use; 25 and 2.5 are prices that all happened to be round.
    return size != 25 or decimals >= 2
