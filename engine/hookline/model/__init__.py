"""Instruments, market data, orders, fills, positions and accounts. Imports nothing else of ours but errors and clock."""

from hookline.model.account import Ledger, Market, Position
from hookline.model.book import OrderBook
from hookline.model.fill import Fill, OrderUpdate
from hookline.model.instrument import Instrument, InstrumentKind
from hookline.model.market import Bar, BarSeries
from hookline.model.order import TRANSITIONS, Order, OrderStatus, OrderType, Side, TimeInForce, transition
from hookline.model.tape import BookUpdate, MarketData, MarketEvent, Quote, RowKind, TapeSeries, Trade
from hookline.model.timeframe import Timeframe, timeframe_ns, timeframe_of

__all__ = [
    "TRANSITIONS",
    "Bar",
    "BarSeries",
    "BookUpdate",
    "Fill",
    "Instrument",
    "InstrumentKind",
    "Ledger",
    "Market",
    "MarketData",
    "MarketEvent",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "Position",
    "Quote",
    "RowKind",
    "Side",
    "TapeSeries",
    "TimeInForce",
    "Timeframe",
    "Trade",
    "timeframe_ns",
    "timeframe_of",
    "transition",
]
