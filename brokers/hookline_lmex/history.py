"""Ranges that take several calls: bars, and own trades.

Rules of this file:

- Whether the venue includes the first and the last moment of a range is not known. So pages overlap by one and what comes twice
  is dropped: bars by their start, trades by their id.
- How many own trades the venue puts into a page is not sure: 500 are asked for, and ten is the least it gives where it does not
  listen. So a page of ten or more is never taken for all there is: the range is made smaller until what is left is less. Inside
  one millisecond the venue's count goes on; where it has none, it is an error and not a gap.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Protocol

import numpy as np

from hookline.errors import ConfigError, DataError
from hookline.model import BarSeries, Timeframe, timeframe_ns
from hookline_lmex.results import Candle, OwnTrade
from hookline_lmex.settings import VolumeUnit
from hookline_lmex.venue_time import VenueTime

__all__ = ["RESOLUTIONS", "bar_series", "page_trades"]

RESOLUTIONS = {
    "1m": 1,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "4h": 240,
    "6h": 360,
    "1d": 1440,
    "1w": 10080,
}
"""Minutes of the timeframes that the venue has; its month has no length of ours."""

_PAGE = 300
_TRADES = 500
_SURE = 10
_MS = 1_000_000
_WEEK_MS = 7 * 86_400_000
# The venue refuses bars from before 1 October 2019.
_FIRST_MS = 1_569_888_000_000

Ohlcv = Callable[[str, int, int | None, int | None], Awaitable[list[Candle]]]


class TradePage(Protocol):
    """One call for own trades, oldest first."""

    def __call__(
        self,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        count: int = 500,
        before_serial: int | None = None,
    ) -> Awaitable[list[OwnTrade]]:
        """Return the trades of a range."""


async def bar_series(
    ohlcv: Ohlcv,
    symbol: str,
    timeframe: Timeframe,
    since_ns: int,
    until_ns: int,
    clock: VenueTime,
    unit: VolumeUnit,
    contract_size: Decimal | None,
) -> BarSeries:
    """Return closed bars of any range; see :meth:`hookline_lmex.product.ProductApi.bars`."""
    minutes = RESOLUTIONS.get(timeframe)
    if minutes is None:
        raise ConfigError(
            f"{symbol}: timeframe must be one of {', '.join(RESOLUTIONS)} at this venue, was {timeframe!r}"
        )
    length = timeframe_ns(timeframe)
    found: dict[int, Candle] = {}
    step = (_PAGE - 2) * minutes * 60_000
    length_ms = length // _MS
    start_ms = max(_FIRST_MS, since_ns // _MS - length_ms)
    while start_ms * _MS < min(until_ns, clock.now):
        # One bar more than the step at the end: pages overlap.
        for candle in await ohlcv(symbol, minutes, start_ms, start_ms + step + length_ms):
            found[candle.start] = candle
        start_ms += step
    now = clock.now
    kept = [found[start] for start in sorted(found) if since_ns <= start < until_ns and start + length <= now]
    return _series(symbol, timeframe, kept, unit, contract_size)


def _series(
    symbol: str, timeframe: Timeframe, candles: list[Candle], unit: VolumeUnit, contract_size: Decimal | None
) -> BarSeries:
    columns = {
        name: np.array([float(getattr(candle, name)) for candle in candles])
        for name in ("open", "high", "low", "close")
    }
    volume = np.array([float(_base_volume(candle, unit, contract_size)) for candle in candles])
    start = np.array([candle.start for candle in candles], dtype=np.int64)
    return BarSeries(symbol, timeframe, start, **columns, volume=volume)


def _base_volume(candle: Candle, unit: VolumeUnit, contract_size: Decimal | None) -> Decimal:
    if unit == "base":
        return candle.volume
    if unit == "contracts":
        return candle.volume * (contract_size or 1)
    typical = (candle.high + candle.low + candle.close) / 3
    return candle.volume / typical if typical else Decimal(0)


async def page_trades(
    page: TradePage, start_ms: int | None, end_ms: int | None, now_ms: int, *, by_serial: bool
) -> list[OwnTrade]:
    """Return all own trades of a range, oldest first, each once.

    Args:
        page: One call.
        start_ms: First time, None for 7 days before the last.
        end_ms: Last time, None for now.
        now_ms: The venue's time.
        by_serial: Whether the venue can continue after one of its counts.
    """
    # A second more: a trade may be stamped a little ahead of the clock as it is known here.
    last = now_ms + 1000 if end_ms is None else end_ms
    first = last - _WEEK_MS if start_ms is None else start_ms
    found: dict[str, OwnTrade] = {}
    while first <= last:
        until = min(last, first + _WEEK_MS - 1)
        await _collect(page, first, until, found, by_serial=by_serial)
        first = until + 1
    return sorted(found.values(), key=lambda trade: (trade.time, trade.serial))


async def _collect(
    page: TradePage, first: int, last: int, found: dict[str, OwnTrade], *, by_serial: bool
) -> None:
    """Collect the trades of a week at most, from its end: pages hold the newest of their range."""
    while first <= last:
        trades = await page(start_ms=first, end_ms=last, count=_TRADES)
        found.update({trade.trade_id: trade for trade in trades})
        if len(trades) < _SURE:
            return
        oldest = trades[0].time // _MS
        if oldest > last:
            raise DataError(f"own trades: asked for those up to {last} ms, got none before {oldest}")
        if oldest < last:
            last = oldest  # again with this millisecond: the page may have been cut inside it
            continue
        if len(trades) >= _TRADES:
            await _collect_moment(page, oldest, found, by_serial=by_serial)
        last = oldest - 1


async def _collect_moment(
    page: TradePage, moment: int, found: dict[str, OwnTrade], *, by_serial: bool
) -> None:
    """Collect the trades of one millisecond that fills a page, from the newest down by the venue's count."""
    lowest: int | None = None
    while by_serial:
        trades = await page(start_ms=moment, end_ms=moment, count=_TRADES, before_serial=lowest)
        found.update({trade.trade_id: trade for trade in trades})
        if len(trades) < _SURE:
            return
        least = min(trade.serial for trade in trades)
        if lowest is not None and least >= lowest:
            break
        lowest = least
    raise DataError(
        f"own trades: {_TRADES} or more in the millisecond {moment}, which the venue does not list further"
    )
