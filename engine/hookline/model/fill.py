"""Executions and cash movements that follow from them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from hookline.model.order import CLOSED, OrderStatus, Side

__all__ = ["Fill", "Funding", "OrderUpdate"]


class Fill(NamedTuple):
    """One execution of an order, in the venue's order of events.

    ``quantity`` is in base units and has no sign; ``fee`` is in quote currency, negative for a rebate.
    """

    number: int
    time: int
    order_number: int
    strategy: str
    symbol: str
    side: Side
    lots: int
    quantity: float
    price: float
    fee: float
    is_maker: bool
    position_id: str = ""
    """Which position it changed, as ``Order.position_id``."""


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """One step of an order along the table of states; made in C, because every order takes several."""

    time: int
    order_number: int
    status: OrderStatus
    reason: str

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can happen to the order after this step."""
        return self.status in CLOSED


class Funding(msgspec.Struct, frozen=True, gc=False):
    """A funding time of a perpetual: ``rate`` is for the interval that ends, ``amount`` what the strategy received.

    ``amount`` is in quote currency, negative where it paid and 0 where it held nothing.
    """

    symbol: str
    time: int
    rate: float
    amount: float
