"""Brokers: where orders go.

A broker never raises for the fate of an order: it reports to its listener. ``submit`` and its like return at once; a venue
that answers later reports later.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from hookline.clock import Clock
from hookline.diagnosis import Finding, PlannedOrder
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
    VenueAccount,
)

if TYPE_CHECKING:
    from hookline.simulation.bar_rules import BarRules

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

    def funding_paid(self, symbol: str, time: int, rate: float, amount: float) -> None:
        """Book funding that the venue has settled: ``amount`` received, below zero paid, in quote currency."""

    def warn(self, text: str) -> None:
        """Add a warning to the result."""


class Broker(ABC):
    """Executes orders. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]
    is_live: ClassVar[bool] = False
    """Whether orders go to a venue over a network: see "brokers over a network" below."""
    settles_funding: ClassVar[bool] = False
    """Whether the venue pays funding itself and it is reported; else the kernel pays what the rates say."""
    leverage: float = 1.0
    """Of positions in instruments that have chosen none."""
    order_rate: float = math.inf
    """Requests about orders a second that the venue allows; infinite where nobody counts them."""

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

    @property
    def fills_at_close(self) -> bool:
        """Whether market orders sent as a bar ends fill at its close, by ``match_close``."""
        return False

    def match_close(self, bars: Sequence[Bar]) -> bool:  # noqa: ARG002
        """Fill market orders sent at the time at which the last bar of their symbol ends, at its close; return whether there were any.

        Called only where ``fills_at_close``: with the bars of an event once strategies have seen them, and with none after what
        else strategies do at that time.
        """
        return False

    def bar_rules(self) -> BarRules | None:
        """Return the rules by which this broker fills bars, for runs that are compiled; None if they are others than those.

        Asked before ``connect``, and of a broker whose orders are simulated by a ``BarVenue`` alone. One that wraps another and
        changes what becomes of orders keeps the None of this class.

        A broker with a fee of five basis points returns
        ``BarRules(MakerTaker.from_bps(5, 5), BarSlippage(), leverage=self.leverage)``.
        """
        return None

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

    # -- brokers over a network ------------------------------------------------------------------------------------------
    #
    # ``submit`` and its like only note what is wanted. The driver writes the journal, then calls ``flush``, and only that sends.
    # What comes of it is kept until the driver calls ``deliver``, which reports it to the listener. All of these are called in
    # one thread, that of the event loop.

    async def open(self, wake: Callable[[], None]) -> None:
        """Connect to the venue's sockets, after ``connect`` and ``restore``; prepare leverage and margin as configured.

        Args:
            wake: To be called whenever ``deliver`` has something to report.

        Raises:
            VenueError: if the venue cannot be reached, refuses the key, or has settings that contradict what is configured.
        """

    def flush(self) -> None:
        """Send what was asked for since the last call; it is in the journal by now. Returns at once."""

    @property
    def has_requests(self) -> bool:
        """Whether ``flush`` may send something now. If so the journal waits for the disk before, and the driver for the request after it."""
        return self.is_live

    def deliver(self) -> None:
        """Report to the listener what has come in since the last call."""

    async def catch_up(self) -> None:
        """Ask the venue what became of every order that is open or unknown here, fills included, for ``deliver`` to report.

        Raises:
            VenueError: if it does not answer; nothing is assumed then.
        """

    async def venue_account(self) -> VenueAccount:
        """Return what the venue says of the account now: open orders, positions and balances.

        Works before ``open`` too, on a connection of its own: a person looks at the account before anything is done.

        Raises:
            VenueError: if it does not answer.
        """
        raise NotImplementedError(f"broker {self.name!r} has no account at a venue")

    async def cancel_foreign(self, venue_order_ids: Sequence[str]) -> None:
        """Cancel orders that are not of this session, as ``venue_account`` names them.

        Raises:
            VenueError: if that fails.
        """

    async def settle(self, seconds: float) -> bool:
        """Wait until nothing is under way any more; return whether that was so before the time was up."""
        return seconds >= 0.0

    async def aclose(self) -> None:
        """Leave the venue: close what ``open`` has opened. Orders stay as they are."""

    async def withdraw(self, symbols: Sequence[str], *, flatten: bool) -> list[str]:
        """Cancel every open order of the account in some symbols, and close their positions at the market if wanted.

        Works without ``connect`` and ``open``, on a connection of its own: for a kill switch beside the session. Asks until
        the venue shows no order (and no position), a bounded number of times.

        Returns:
            What was done, one line each, for a person to read.

        Raises:
            VenueError: if the venue cannot be reached or something is left; the message names what.
        """
        raise NotImplementedError(f"broker {self.name!r} has no account at a venue")

    async def diagnose(
        self,
        instruments: Mapping[str, Instrument | None],  # noqa: ARG002
        planned: Sequence[PlannedOrder] = (),  # noqa: ARG002
    ) -> list[Finding]:
        """Examine the way to the venue and the account there, and what the venue would make of some orders.

        Works without ``connect`` and ``open``, on a connection of its own, and changes nothing: it never sends an order, and
        sets nothing. What needs a key is left out where there is none, and that is a finding.

        Args:
            instruments: By symbol, as a session trades them; None for the terms of one that is only looked at. Empty for what
                the broker thinks typical.
            planned: Orders that a session is likely to place.

        Returns:
            What was found; a venue that does not answer is a finding, not an error.
        """
        return [
            Finding("venue", "ok", f"{self.name} sends nothing over a network: there is nothing to examine")
        ]
