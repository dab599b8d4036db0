"""What was at the venue: bars, instruments and funding, each asked for with a client that is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import numpy as np

from hookline.columns import ExternalSeries
from hookline.data.raw import range_text
from hookline.data.resample import bucket_start
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, Instrument, MarginMode
from hookline.problems import did_you_mean
from hookline_lmex.client import LmexClient, is_futures_symbol
from hookline_lmex.errors import LmexRefused
from hookline_lmex.feed_bars import Answer, Ask
from hookline_lmex.history import RESOLUTIONS, bar_series
from hookline_lmex.instruments import instrument_of
from hookline_lmex.results import Candle, FundingPoint, MarketSummary

__all__ = [
    "asker",
    "begin_of",
    "funding_points",
    "funding_series",
    "load_bars",
    "load_instrument",
    "market_of",
    "require_timeframe",
]

_MS = 1_000_000
_MINUTE = 60_000_000_000
_WEEK = 7 * 24 * 60 * _MINUTE
_PAGE = 290
# The venue refuses times before 1 October 2019.
_FIRST = 1_569_888_000_000 * _MS
# How many rates one answer holds at most is not published; lists of fewer than this come whole everywhere.
_RATES = 80
_USUAL_INTERVAL = 480 * _MINUTE


async def market_of(client: LmexClient, symbol: str) -> MarketSummary:
    """Return what the venue says of a market, the times of its funding too.

    Raises:
        ConfigError: if it has no such market.
        LmexError: if it gives no usable answer.
    """
    product = client.product(symbol)
    try:
        rows = await product.market_summary(symbol, full=True)
    except LmexRefused as error:
        if error.status != 400:
            raise
        rows = []
    for row in rows:
        if row.symbol == symbol:
            return row
    hint = did_you_mean(symbol, [row.symbol for row in await product.market_summary()])
    raise ConfigError(f"LMEX has no market {symbol!r}{hint}")


async def load_instrument(
    client: LmexClient, symbol: str, min_notional: float, margin_mode: MarginMode
) -> Instrument:
    """Return the instrument of a market, with the margin tiers and the margin mode of a perpetual.

    Raises:
        ConfigError: if there is no such market.
        DataError: if the venue's terms make no sense.
        LmexError: if it gives no usable answer.
    """
    summary = await market_of(client, symbol)
    if not is_futures_symbol(symbol):
        return instrument_of(summary, min_notional=Decimal(str(min_notional)))
    tiers = await client.futures.risk_limits(symbol)
    return instrument_of(summary, tiers, min_notional=Decimal(str(min_notional)), margin_mode=margin_mode)


async def begin_of(client: LmexClient, symbol: str) -> int:
    """Return a time before the market's first bar, no more than a fortnight early: bars of minutes need not be looked for before it.

    The venue's first bar of a week is found in a few calls, that of a minute would take thousands.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    found = [one.start async for one in _weeks(client, symbol)]
    return min(found, default=_FIRST + _WEEK) - _WEEK


async def _weeks(client: LmexClient, symbol: str) -> AsyncIterator[Candle]:
    """Yield the bars of weeks, the open one too, which is all that a new market has."""
    product, begin = client.product(symbol), _FIRST
    while begin < client.clock.now:
        end = begin + _PAGE * _WEEK
        for candle in await product.ohlcv(symbol, RESOLUTIONS["1w"], begin // _MS, end // _MS):
            yield candle
        begin = end


async def load_bars(
    client: LmexClient, request: BarRequest, grace: int, contract_size: Decimal | None, begin: int
) -> BarSeries:
    """Return the bars of a request that have been over for ``grace`` nanoseconds.

    Args:
        client: Open.
        request: What is wanted.
        grace: How long ago the last bar must have ended.
        contract_size: Base units of a contract, for volumes that count contracts.
        begin: A time before the market's first bar.

    Raises:
        ConfigError: if the venue has no such timeframe.
        DataError: if there are none or they cannot be trusted.
        LmexError: if the venue gives no usable answer.
    """
    require_timeframe(request)
    product, symbol, timeframe = client.product(request.symbol), request.symbol, request.timeframe
    settled = bucket_start(client.clock.now - grace, timeframe)
    until = settled if request.until is None else min(request.until, settled)
    since = begin if request.since is None else max(request.since, begin)
    if since < until:
        series = await product.bars(symbol, timeframe, since, until, contract_size=contract_size)
        if len(series):
            return series
    raise DataError(f"feed 'lmex': no bars of {symbol} {timeframe}{range_text(request.since, request.until)}")


def require_timeframe(request: BarRequest) -> None:
    """Refuse a timeframe that the venue does not have.

    Raises:
        ConfigError: naming those that it has.
    """
    if request.timeframe not in RESOLUTIONS:
        raise ConfigError(
            f"{request.symbol}: timeframe must be one of {', '.join(RESOLUTIONS)} at LMEX, was {request.timeframe!r}"
        )


def asker(client: LmexClient, request: BarRequest, contract_size: Decimal | None) -> Ask:
    """Return what asks for the bars of a symbol and timeframe as they close."""
    product, unit = client.product(request.symbol), client.settings.volume_unit

    async def ask(since: int, until: int) -> Answer:
        newest = 0

        async def candles(symbol: str, minutes: int, start: int | None, end: int | None) -> list[Candle]:
            nonlocal newest
            found = await product.ohlcv(symbol, minutes, start, end)
            newest = max([newest, *(one.start for one in found)])
            return found

        series = await bar_series(
            candles, request.symbol, request.timeframe, since, until, client.clock, unit, contract_size
        )
        return Answer([series.bar(row) for row in range(len(series))], newest)

    return ask


async def funding_series(
    client: LmexClient, symbol: str, since: int | None, until: int | None
) -> ExternalSeries | None:
    """Return the funding rates that were settled in ``[since, until)``, None of a market without funding.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    summary = await market_of(client, symbol)
    if summary.contract_size is None or summary.is_dated:
        return None
    until = client.clock.now if until is None else until
    rates: dict[int, float] = {}
    async for points in _windows(client, summary, since, until):
        rates |= {point.time: float(point.rate) for point in points}
    times = sorted(time for time in rates if (since is None or time >= since) and time < until)
    return ExternalSeries(np.array(times, np.int64), np.array([rates[time] for time in times]))


async def funding_points(client: LmexClient, symbol: str, since: int, until: int) -> list[FundingPoint]:
    """Return the rates of one call, settled from ``since`` to ``until``, oldest first.

    Raises:
        LmexError: if the venue gives no usable answer.
    """
    found = await client.futures.funding_history(symbol, start_ms=since // _MS, end_ms=until // _MS)
    return sorted((one for one in found if since <= one.time <= until), key=lambda one: one.time)


async def _windows(
    client: LmexClient, summary: MarketSummary, since: int | None, until: int
) -> AsyncIterator[list[FundingPoint]]:
    """Yield the rates of a range from its end back, in parts that one answer can hold."""
    interval = summary.funding_interval_minutes * _MINUTE or _USUAL_INTERVAL
    end, least = until, _FIRST if since is None else since
    while end > least:
        begin = max(least, end - _RATES * interval)
        points = await funding_points(client, summary.symbol, begin, end)
        yield points
        if since is None and not points:
            return  # where the history begins
        end = begin
