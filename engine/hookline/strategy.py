"""Event-driven strategies.

A strategy is a ``@dataclass``: its fields are its parameters. The engine calls its ``on_*`` methods, one at a time, each
with ``ctx``, its only door to the world. It cannot tell a backtest from paper or live.
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from hookline.kernel.context import Context
from hookline.kernel.legs import LegGroup
from hookline.model import Bar, Fill, Funding, Order, OrderBook, OrderUpdate, Quote, Trade

__all__ = ["Context", "Strategy"]


class Strategy(ABC):
    """Base of all strategies. Subclasses are dataclasses and set ``name``; override what you need."""

    name: ClassVar[str]

    def on_start(self, ctx: Context) -> None:
        """Prepare: name the columns to use, set timers. No order can be sent yet."""

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        """Act on a bar that has just closed, once every column in use on its symbol is ready."""

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        """Act on a change of the best bid and ask. Overriding this makes the session follow quotes."""

    def on_trade(self, ctx: Context, trade: Trade) -> None:
        """Act on a print on the tape. Overriding this makes the session follow trades."""

    def on_book(self, ctx: Context, book: OrderBook) -> None:
        """Act on a change of an order book. Overriding this makes the session follow books.

        It is not called while the book is crossed, has lost an update or lacks a side; see ``ctx.book`` for those.
        """

    def on_funding(self, ctx: Context, funding: Funding) -> None:
        """Learn of a funding time of an instrument that the strategy trades; cash includes the payment already."""

    def on_order(self, ctx: Context, order: Order, update: OrderUpdate) -> None:
        """Learn of one step of an order; ``update.status`` is the step, ``order.status`` where the order stands by now."""

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        """Learn of an execution; positions and cash include it already."""

    def on_legs(self, ctx: Context, group: LegGroup) -> None:
        """Learn that a leg group has changed its status, once all that follows from one event is known."""

    def on_timer(self, ctx: Context, timer: str) -> None:
        """Act at a time set with ``ctx.every``."""

    def on_stop(self, ctx: Context) -> None:
        """Learn that the session ends. Orders sent from here are denied."""
