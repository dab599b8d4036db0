"""The websockets of LMEX: market data and what happens to an account, decoded, in sequence, and connected again after a loss."""

from hookline_lmex.streams.account_stream import AccountStream
from hookline_lmex.streams.book_keeper import BookKeeper
from hookline_lmex.streams.connection import Socket, SocketCounts
from hookline_lmex.streams.market_stream import MarketStatus, MarketStream
from hookline_lmex.streams.notices import FillNotice, OrderNotice, PositionNotice
from hookline_lmex.streams.times import SocketTimes

__all__ = [
    "AccountStream",
    "BookKeeper",
    "FillNotice",
    "MarketStatus",
    "MarketStream",
    "OrderNotice",
    "PositionNotice",
    "Socket",
    "SocketCounts",
    "SocketTimes",
]
