"""Readers of answers about markets: from decoded JSON to results; ``UnreadableError`` where it cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hookline_lmex.endpoints import Parsed
from hookline_lmex.results_market import (
    BookLevel,
    BookSnapshot,
    Candle,
    FundingPoint,
    MarketSummary,
    Network,
    Price,
    PublicTrade,
    RiskTier,
    ServerTime,
)
from hookline_lmex.times import iso_ns
from hookline_lmex.wire import (
    Row,
    UnreadableError,
    decimal,
    decimal_or_none,
    flag,
    from_ms,
    from_seconds,
    number,
    row_of,
    rows_of,
    side,
    text,
    whole,
)

__all__ = [
    "candles",
    "exchange_rate",
    "funding_points",
    "futures_summaries",
    "networks",
    "order_book",
    "prices",
    "public_trades",
    "risk_tiers",
    "server_time",
    "spot_summaries",
    "texts",
]

_SECOND = 1_000_000_000


def spot_summaries(answer: Parsed) -> list[MarketSummary]:
    """Read spot markets."""
    return [_summary(row, is_spot=True) for row in rows_of(answer.payload)]


def futures_summaries(answer: Parsed) -> list[MarketSummary]:
    """Read futures markets; rows do not say that they are, so the endpoint does."""
    return [_summary(row, is_spot=False) for row in rows_of(answer.payload)]


def _summary(row: Row, *, is_spot: bool) -> MarketSummary:
    active = flag(row, "active")
    settlement = row.get("availableSettlement")
    return MarketSummary(
        symbol=text(row, "symbol", default=None),
        base=text(row, "base"),
        quote=text(row, "quote"),
        last=decimal(row, "last"),
        bid=decimal(row, "highestBid"),
        ask=decimal(row, "lowestAsk"),
        high=decimal(row, "high24Hr"),
        low=decimal(row, "low24Hr"),
        change_fraction=decimal(row, "percentageChange") / 100,
        quote_volume=decimal(row, "volume"),
        base_volume=decimal(row, "size") if is_spot else None,
        is_active=active,
        is_open=active
        and ("isMarketOpenToSpot" not in row or not is_spot or flag(row, "isMarketOpenToSpot")),
        tick_size=decimal(row, "minPriceIncrement", default=None),
        min_price=decimal(row, "minValidPrice"),
        size_step=decimal(row, "minSizeIncrement", default=None),
        min_size=decimal(row, "minOrderSize"),
        max_size=decimal(row, "maxOrderSize"),
        contract_size=None if is_spot else decimal(row, "contractSize", default=None),
        open_interest=decimal(row, "openInterest"),
        open_interest_notional=decimal(row, "openInterestUSD"),
        funding_rate=decimal(row, "fundingRate"),
        funding_interval_minutes=whole(row, "fundingIntervalMinutes"),
        next_funding=from_ms(row, "fundingTime"),
        is_dated=flag(row, "timeBasedContract"),
        contract_start=from_seconds(row, "contractStart"),
        contract_end=from_seconds(row, "contractEnd"),
        max_position=decimal(row, "maxPosition"),
        min_risk_limit=decimal(row, "minRiskLimit"),
        max_risk_limit=decimal(row, "maxRiskLimit"),
        settlement_currencies=tuple(map(str, settlement)) if isinstance(settlement, list) else (),
    )


def candles(answer: Parsed) -> list[Candle]:
    """Read bars, oldest first: the venue gives the newest first."""
    rows = answer.payload
    if not isinstance(rows, list):
        raise UnreadableError("must be an array of bars")
    found = [_candle(row) for row in rows]
    found.sort(key=lambda candle: candle.start)
    return found


def _candle(row: object) -> Candle:
    if not isinstance(row, list) or len(row) < 6:
        raise UnreadableError(f"a bar must be an array of 6 numbers, was {row!r}")
    start = whole({"time": row[0]}, "time", default=None)
    values = (
        number(value, name)
        for value, name in zip(row[1:6], ("open", "high", "low", "close", "volume"), strict=True)
    )
    return Candle(start * _SECOND, *values)


def prices(answer: Parsed) -> list[Price]:
    """Read index, last and mark prices."""
    return [
        Price(
            text(row, "symbol", default=None),
            decimal(row, "indexPrice"),
            decimal(row, "lastPrice"),
            decimal(row, "markPrice"),
        )
        for row in rows_of(answer.payload)
    ]


def order_book(answer: Parsed) -> BookSnapshot:
    """Read a book; levels may be objects or pairs, in whatever order."""
    row = row_of(answer.payload)
    bids = sorted(_levels(row, "buyQuote", "bids"), key=lambda level: -level.price)
    asks = sorted(_levels(row, "sellQuote", "asks"), key=lambda level: level.price)
    return BookSnapshot(text(row, "symbol"), from_ms(row, "timestamp"), tuple(bids), tuple(asks))


def _levels(row: Row, *names: str) -> Iterable[BookLevel]:
    levels: Any = next((row[name] for name in names if row.get(name) is not None), [])
    for level in levels:
        if isinstance(level, dict):
            yield BookLevel(decimal(level, "price", default=None), decimal(level, "size", default=None))
        else:
            price, size = level[:2]
            yield BookLevel(number(price, "price"), number(size, "size"))


def public_trades(answer: Parsed) -> list[PublicTrade]:
    """Read prints, oldest first; the order within a millisecond is that of their numbers."""
    found = [
        PublicTrade(
            text(row, "symbol"),
            whole(row, "serialId", "tradeId", default=None),
            from_ms(row, "timestamp"),
            side(row, "side"),
            decimal(row, "price", default=None),
            decimal(row, "size", default=None),
        )
        for row in rows_of(answer.payload)
    ]
    found.sort(key=lambda trade: (trade.time, trade.number))
    return found


def funding_points(answer: Parsed) -> dict[str, list[FundingPoint]]:
    """Read funding rates by symbol, oldest first."""
    payload = answer.payload
    by_symbol: dict[str, list[Row]] = {}
    if isinstance(payload, list):
        for row in rows_of(payload):
            by_symbol.setdefault(text(row, "symbol", default=None), []).append(row)
    elif isinstance(payload, dict):
        by_symbol = {symbol: list(rows_of(points)) for symbol, points in payload.items()}
    else:
        raise UnreadableError("must be an object of symbols")
    return {
        symbol: sorted(
            (
                FundingPoint(symbol, from_seconds(row, "time"), decimal(row, "rate", default=None))
                for row in points
            ),
            key=lambda point: point.time,
        )
        for symbol, points in by_symbol.items()
    }


def risk_tiers(answer: Parsed) -> list[RiskTier]:
    """Read the tiers of markets, lowest first within each."""
    found = [
        RiskTier(
            text(row, "symbol"),
            whole(row, "riskLevel", default=None),
            decimal(row, "riskLimitValue", default=None),
            decimal(row, "initialMarginRate", default=None),
            decimal(row, "maintenanceMarginRate", default=None),
            decimal(row, "maxLeverage", default=None),
        )
        for row in rows_of(answer.payload)
    ]
    found.sort(key=lambda tier: (tier.symbol, tier.level))
    return found


def server_time(answer: Parsed) -> ServerTime:
    """Read the venue's clock: milliseconds where the answer has them, else the middle of its second."""
    row = row_of(answer.payload)
    iso = text(row, "iso")
    if iso:
        return ServerTime(iso_ns(iso), 1_000_000)
    epoch = whole(row, "epoch", default=None)
    return ServerTime(epoch * _SECOND + _SECOND // 2, _SECOND)


def texts(answer: Parsed) -> list[str]:
    """Read an array of names."""
    payload = answer.payload
    if isinstance(payload, dict):
        payload = payload.get("data")
    if not isinstance(payload, list):
        raise UnreadableError("must be an array of texts")
    return [str(item) for item in payload]


def networks(answer: Parsed) -> list[Network]:
    """Read the chains of a coin; what is said of each is passed on as text."""
    found = []
    for row in rows_of(answer.payload):
        plain = {name: str(value) for name, value in row.items() if not isinstance(value, dict | list)}
        found.append(Network(text(row, "network", "name", "networkName"), plain))
    return found


def exchange_rate(answer: Parsed) -> Decimal:
    """Read the rate between two currencies."""
    row = row_of(answer.payload)
    inner = row.get("data")
    found = decimal_or_none(inner if isinstance(inner, dict) else row, "rate")
    if found is None:
        raise UnreadableError("rate: must be there, was missing")
    return found
