"""Names of socket topics: which socket has which, and what is in a name.

====================  =====================================================  ==========================================
socket                public                                                 private
====================  =====================================================  ==========================================
``/ws/spot``          tradeHistoryApi:SYMBOL                                 notificationApiV3, V2; fills
``/ws/futures``       tradeHistoryApi, V2, V3:SYMBOL                         notificationApiV4, V3, V2; fillsV2, fills;
                                                                             allPosition, V2, V3, V4;
                                                                             positions, V2, V3
``/ws/oss/...``       update:SYMBOL, update:SYMBOL_GROUP; snapshotL1:SYMBOL
                      (futures: with or without _GROUP)
====================  =====================================================  ==========================================
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hookline_lmex.emulator.terms import Product

__all__ = ["BookTopic", "TopicError", "book_topic", "is_private", "old_symbol", "trade_topic"]

UNSUPPORTED_MARKET, UNKNOWN_OPERATION, BAD_REQUEST, UNKNOWN_TOPIC = 1000, 1001, 1002, 1005
TOO_SLOW, TOO_MANY_FAILURES = 1007, 1008

MOST_GROUPS = 9
"""Groupings of an order book are numbered from 0 to 8."""

_PRIVATE = {
    Product.SPOT: frozenset({"notificationApiV3", "notificationApiV2", "fills"}),
    Product.FUTURES: frozenset(
        {
            *("notificationApiV4", "notificationApiV3", "notificationApiV2"),
            *("fillsV2", "fills"),
            *("allPositionV4", "allPositionV3", "allPositionV2", "allPosition"),
            *("positionsV3", "positionsV2", "positions"),
        }
    ),
}
_TRADES = {
    Product.SPOT: ("tradeHistoryApi",),
    Product.FUTURES: ("tradeHistoryApi", "tradeHistoryApiV2", "tradeHistoryApiV3"),
}


class TopicError(ValueError):
    """A topic that a socket refuses; ``code`` is the one of order-book sockets."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class BookTopic:
    """An order-book topic: the best level only, or the changes of a grouping; one out of range stays silent."""

    name: str
    symbol: str
    group: int
    is_best: bool

    @property
    def is_silent(self) -> bool:
        """Whether it is acknowledged and never sends anything."""
        return self.group >= MOST_GROUPS


def is_private(product: Product, topic: str) -> bool:
    """Return whether a topic is one of those that need a login."""
    return topic in _PRIVATE[product]


def old_symbol(symbol: str) -> str:
    """Return a perpetual's symbol as the oldest topics write it.

    >>> old_symbol("ETH-PERP"), old_symbol("ETH-USDT")
    ('ETHPFC', 'ETH-USDT')
    """
    return f"{symbol.removesuffix('-PERP')}PFC" if symbol.endswith("-PERP") else symbol


def trade_topic(product: Product, topic: str, symbols: Collection[str]) -> str | None:
    """Return the symbol of a topic of public trades, None if it is none or its market is not there."""
    name, colon, symbol = topic.partition(":")
    if not colon or name not in _TRADES[product]:
        return None
    if symbol in symbols:
        return symbol
    return next((one for one in symbols if name == "tradeHistoryApi" and old_symbol(one) == symbol), None)


def book_topic(product: Product, topic: str, symbols: Collection[str]) -> BookTopic:
    """Return what an order-book topic asks for.

    Raises:
        TopicError: if there is no such topic or no such market.
    """
    name, colon, rest = topic.partition(":")
    if not colon or name not in {"update", "snapshotL1"}:
        raise TopicError(UNKNOWN_TOPIC, "Topic provided does not exist")
    symbol, underscore, group = rest.rpartition("_")
    if not underscore or not group.isdigit():
        symbol, group = rest, "0"
    elif name == "snapshotL1" and product is Product.SPOT:
        raise TopicError(UNKNOWN_TOPIC, "Topic provided does not exist")
    if symbol not in symbols:
        raise TopicError(UNSUPPORTED_MARKET, "Market pair provided is currently not supported")
    return BookTopic(topic, symbol, int(group), name == "snapshotL1")
