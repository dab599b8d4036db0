"""Instruments, market data, orders, fills, positions and accounts. Imports nothing else of ours but errors and clock."""

from hookline.model.account import Ledger, Market, Position, Purse, Wallet
from hookline.model.book import OrderBook
from hookline.model.fill import Fill, Funding, OrderUpdate
from hookline.model.instrument import (
    Instrument,
    InstrumentKind,
    MarginMode,
    MarginTier,
    PositionMode,
    TierStyle,
)
from hookline.model.market import Bar, BarSeries
from hookline.model.order import (
    TRANSITIONS,
    Order,
    OrderHandler,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    transition,
)
from hookline.model.tape import (
    BookUpdate,
    FundingRate,
    MarketData,
    MarketEvent,
    MarkPrice,
    Quote,
    RowKind,
    TapeSeries,
    Trade,
)
from hookline.model.timeframe import Timeframe, timeframe_ns, timeframe_of
from hookline.model.venue import VenueAccount, VenueBalance, VenueOrder, VenuePosition

__all__ = [
    "TRANSITIONS",
    "Bar",
    "BarSeries",
    "BookUpdate",
    "Fill",
    "Funding",
    "FundingRate",
    "Instrument",
    "InstrumentKind",
    "Ledger",
    "MarginMode",
    "MarginTier",
    "MarkPrice",
    "Market",
    "MarketData",
    "MarketEvent",
    "Order",
    "OrderBook",
    "OrderHandler",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "Position",
    "PositionMode",
    "Purse",
    "Quote",
    "RowKind",
    "Side",
    "TapeSeries",
    "TierStyle",
    "TimeInForce",
    "Timeframe",
    "Trade",
    "VenueAccount",
    "VenueBalance",
    "VenueOrder",
    "VenuePosition",
    "Wallet",
    "timeframe_ns",
    "timeframe_of",
    "transition",
]
