"""Brokers: where orders go.

A broker never raises for the fate of an order: it reports to its listener. ``submit`` and its like return at once; a venue
that answers later reports later.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from hookline.clock import Clock
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Instrument,
    Ledger,
    MarketData,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Quote,
    Trade,
)

__all__ = ["Broker", "BrokerListener"]


class BrokerListener(Protocol):
    """What a broker reports to: the kernel."""

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move an order to a status."""

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Book an execution of part or all of an order."""

    def order_adopted(self, order: Order) -> None:
        """Record an order that the venue itself has made, such as a liquidation."""

    def warn(self, text: str) -> None:
        """Add a warning to the result."""


class Broker(ABC):
    """Executes orders. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]
    leverage: float = 1.0
    """Of positions in instruments that have chosen none."""

    @abstractmethod
    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        """Prepare for a run.

        Raises:
            VenueError: if the venue cannot be reached.
        """

    @property
    @abstractmethod
    def taker_fee(self) -> float:
        """Fee for taking liquidity, as a fraction of notional; sizing leaves room for it."""

    @abstractmethod
    def submit(self, order: Order) -> None:
        """Send an order."""

    @abstractmethod
    def cancel(self, order: Order, reason: str = "") -> None:
        """Ask for an open order to be canceled."""

    @abstractmethod
    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        """Ask for an open order to be changed to these values, keeping its id."""

    @abstractmethod
    def cancel_all_after(self, seconds: float | None) -> None:
        """Cancel every open order unless called again within that time; None switches it off."""

    def watch(self, symbol: str) -> list[Order]:  # noqa: ARG002
        """Return the live list of orders that bars of a symbol may fill; always empty where a venue does the matching."""
        return []

    def match(self, bars: Sequence[Bar]) -> None:
        """Fill what bars of one end time fill.

        Called before strategies see the bars, and only while ``watch`` lists an order for one of them or one reaches the
        ``limits`` of its symbol.
        """

    def limits(self, symbol: str) -> Sequence[float] | None:  # noqa: ARG002
        """Return the live ``[floor, ceiling]`` of a symbol's price inside of which nothing can be liquidated.

        None where the broker liquidates nothing, whatever the price.
        """
        return None

    def liquidation_price(self, position: Position) -> float:  # noqa: ARG002
        """Return the price at which a held position is liquidated while all others stay; NaN for nowhere, or unknown."""
        return math.nan

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart beside the orders, as values that JSON can hold."""
        return {}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take over what ``save`` returned, and the orders that are open, by number."""

    def finish(self) -> None:
        """Be told, once strategies have stopped, that the run is over.

        Raises:
            VenueError: if what the broker has kept count of does not add up.
        """

    def follow(
        self,
        tapes: Mapping[str, frozenset[MarketData]],
        marks: Mapping[str, BarSeries],
    ) -> None:
        """Learn, before the run, which symbols have a tape and of what kinds, and the mark prices that are known."""

    # -- brokers that match orders themselves ----------------------------------------------------------------------------

    @property
    def has_own_time(self) -> bool:
        """Whether the broker sees a recorded tape in the venue's time, ahead of strategies."""
        return False

    @property
    def has_delays(self) -> bool:
        """Whether things may be under way between strategies and venue."""
        return False

    @property
    def due(self) -> int:
        """When the next thing under way arrives, nanoseconds UTC."""
        return 2**63 - 1

    def advance(self, until: int) -> None:
        """Let what arrives up to a time arrive."""

    def book(self, symbol: str) -> OrderBook | None:  # noqa: ARG002
        """Return the broker's own book where it keeps one that strategies may read, so that no update is applied twice."""
        return None

    def on_quote(self, quote: Quote) -> None:
        """Fill what a quote fills."""

    def on_trade(self, trade: Trade) -> None:
        """Fill what a trade fills."""

    def on_book(self, update: BookUpdate) -> None:
        """Fill what a book update fills."""

    def recall(self, event: Quote | Trade | BookUpdate) -> None:
        """Let books follow a message of the tape that was handled before a restart; nothing is filled."""

    def paid(self, symbol: str) -> None:
        """Learn that funding has changed the cash behind positions of a symbol."""
