"""Answers about markets. See :mod:`hookline_lmex.results` for units."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hookline.model import Side

__all__ = [
    "BookLevel",
    "BookSnapshot",
    "Candle",
    "FundingPoint",
    "MarketSummary",
    "Network",
    "Price",
    "PublicTrade",
    "RiskTier",
    "ServerTime",
]


class MarketSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Terms and the last day of one market.

    Args:
        symbol: Name of the market.
        base: Coin, without a multiplier that the symbol may have.
        quote: Currency of prices.
        last: Price of the last trade.
        bid: Best bid, 0 where nobody bids.
        ask: Best ask, 0 where nobody offers.
        high: Of the last 24 hours.
        low: Of the last 24 hours.
        change_fraction: Of the last 24 hours.
        quote_volume: Of the last 24 hours.
        base_volume: Of the last 24 hours; None on futures, which do not say.
        is_active: Whether the market is listed.
        is_open: Whether its order book accepts orders.
        tick_size: Smallest price step.
        min_price: Lowest price.
        size_step: Smallest step of sizes, in base units on spot, in contracts on futures.
        min_size: Smallest order, same unit.
        max_size: Largest order, same unit.
        contract_size: Base units of one contract; None on spot.
        open_interest: In contracts.
        open_interest_notional: In quote currency.
        funding_rate: Estimate of the running interval, as a fraction.
        funding_interval_minutes: 0 unless all attributes were asked for.
        next_funding: Time of it; 0 unless all attributes were asked for.
        is_dated: Whether the contract ends.
        contract_start: 0 for a perpetual.
        contract_end: 0 for a perpetual.
        max_position: Notional.
        min_risk_limit: Notional.
        max_risk_limit: Notional.
        settlement_currencies: In which positions may be settled.
    """

    symbol: str
    base: str
    quote: str
    last: Decimal
    bid: Decimal
    ask: Decimal
    high: Decimal
    low: Decimal
    change_fraction: Decimal
    quote_volume: Decimal
    base_volume: Decimal | None
    is_active: bool
    is_open: bool
    tick_size: Decimal
    min_price: Decimal
    size_step: Decimal
    min_size: Decimal
    max_size: Decimal
    contract_size: Decimal | None
    open_interest: Decimal
    open_interest_notional: Decimal
    funding_rate: Decimal
    funding_interval_minutes: int
    next_funding: int
    is_dated: bool
    contract_start: int
    contract_end: int
    max_position: Decimal
    min_risk_limit: Decimal
    max_risk_limit: Decimal
    settlement_currencies: tuple[str, ...]


class Candle(msgspec.Struct, frozen=True):
    """A bar as the venue gives it; the last one of an answer may still be open. ``volume`` is in the venue's unit."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Price(msgspec.Struct, frozen=True):
    """Index, last and mark price of a market; ``mark`` is 0 on spot."""

    symbol: str
    index: Decimal
    last: Decimal
    mark: Decimal


class BookLevel(msgspec.Struct, frozen=True):
    """Price and size of one level."""

    price: Decimal
    size: Decimal


class BookSnapshot(msgspec.Struct, frozen=True):
    """A book, best levels first on both sides. It has no sequence number: it cannot repair a stream's book."""

    symbol: str
    time: int
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


class PublicTrade(msgspec.Struct, frozen=True):
    """A print on the tape; ``side`` is taken to be the aggressor's. Prices may be off the tick grid."""

    symbol: str
    number: int
    time: int
    side: Side
    price: Decimal
    size: Decimal


class FundingPoint(msgspec.Struct, frozen=True):
    """A funding rate that was settled, as a fraction; above zero the longs paid."""

    symbol: str
    time: int
    rate: Decimal


class RiskTier(msgspec.Struct, frozen=True):
    """What the venue demands of positions up to a notional; margins are fractions."""

    symbol: str
    level: int
    notional_limit: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    max_leverage: Decimal


class ServerTime(msgspec.Struct, frozen=True):
    """The venue's clock; ``resolution`` is how coarse the answer was, in nanoseconds."""

    time: int
    resolution: int


class Network(msgspec.Struct, frozen=True):
    """A chain on which the venue takes and pays out a coin."""

    name: str
    fields: dict[str, str]
