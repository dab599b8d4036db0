"""Brokers: where orders go.

A broker never raises for the fate of an order: it reports to its listener. ``submit`` and its like return at once; a venue
that answers later reports later.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol

from hookline.clock import Clock
from hookline.model import Bar, Instrument, Ledger, Order, OrderStatus

__all__ = ["Broker", "BrokerListener"]


class BrokerListener(Protocol):
    """What a broker reports to: the kernel."""

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move an order to a status."""

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Book an execution of part or all of an order."""


class Broker(ABC):
    """Executes orders. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

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

    def match(self, bar: Bar) -> None:
        """Fill what a bar fills. Called before strategies see the bar, and only while ``watch`` lists an order."""
