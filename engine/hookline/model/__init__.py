"""Instruments, market data, orders, fills, positions and accounts. Imports nothing else of ours but errors and clock."""

from hookline.model.account import Ledger, Market, Position
from hookline.model.fill import Fill, OrderUpdate
from hookline.model.instrument import Instrument, InstrumentKind
from hookline.model.market import Bar, BarSeries
from hookline.model.order import TRANSITIONS, Order, OrderStatus, OrderType, Side, TimeInForce, transition
from hookline.model.timeframe import Timeframe, timeframe_ns, timeframe_of

__all__ = [
    "TRANSITIONS",
    "Bar",
    "BarSeries",
    "Fill",
    "Instrument",
    "InstrumentKind",
    "Ledger",
    "Market",
    "Order",
    "OrderStatus",
    "OrderType",
    "OrderUpdate",
    "Position",
    "Side",
    "TimeInForce",
    "Timeframe",
    "timeframe_ns",
    "timeframe_of",
    "transition",
]
