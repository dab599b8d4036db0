"""Orders and the one table of their states.

Rule: nothing but :func:`transition` changes a status, and it moves only along ``TRANSITIONS``.

Three outcomes must never be confused: *denied* (we did not send it), *rejected* (the venue refused it) and *unknown*
(we do not know; ask the venue by client order id, never send again).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, Protocol

import msgspec

from hookline.errors import OrderError
from hookline.model.instrument import Instrument

__all__ = [
    "CLOSED",
    "TRANSITIONS",
    "Order",
    "OrderHandler",
    "OrderStatus",
    "OrderType",
    "Side",
    "TimeInForce",
    "transition",
]


class Side(IntEnum):
    """Side of an order; its value is the sign of the quantity it adds."""

    BUY = 1
    SELL = -1


class OrderType(StrEnum):
    """How an order is executed. Stop and take-profit orders become market orders once triggered."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order lives."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    GTD = "gtd"


class OrderStatus(StrEnum):
    """Where an order stands."""

    INITIALIZED = "initialized"
    DENIED = "denied"
    HELD = "held"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S = OrderStatus
_ENDS = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED})

# status: the statuses that may follow. HELD is a bracket's child that waits for its parent's fill.
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.INITIALIZED: frozenset({_S.DENIED, _S.HELD, _S.SUBMITTED}),
    _S.HELD: frozenset({_S.SUBMITTED, _S.ACCEPTED, _S.CANCELED, _S.REJECTED}),
    _S.SUBMITTED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.UNKNOWN, _S.TRIGGERED, _S.PARTIALLY_FILLED})
    | _ENDS,
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.REJECTED, _S.TRIGGERED, _S.PARTIALLY_FILLED}) | _ENDS,
    _S.ACCEPTED: frozenset({_S.REJECTED, _S.UNKNOWN, _S.TRIGGERED, _S.PARTIALLY_FILLED}) | _ENDS,
    _S.TRIGGERED: frozenset({_S.REJECTED, _S.PARTIALLY_FILLED}) | _ENDS,
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED}) | _ENDS,
    _S.DENIED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}

CLOSED = frozenset(status for status, following in TRANSITIONS.items() if not following)


class OrderHandler(Protocol):
    """Who works some orders on a strategy's behalf, such as an execution algorithm, and is told of them first.

    ``parent`` is the order that it works, None if it works none. A worked order is never sent itself.
    """

    @property
    def id(self) -> str:
        """Name in errors."""

    @property
    def parent(self) -> Order | None:
        """The order that is worked."""

    def on_order(self, order: Order, update: Any) -> None:
        """Learn of one step of an order."""

    def on_fill(self, order: Order, fill: Any) -> None:
        """Learn of an execution."""

    def cancel(self, reason: str) -> None:
        """Stop: cancel what is open, and the parent."""


class Order(msgspec.Struct, eq=False):
    """One order. Quantities are int lots, prices floats on the tick grid, times nanoseconds UTC.

    A msgspec struct because orders are made on the hot path: this is made in C and takes half the memory. It changes as the
    venue reports, and is equal to itself alone.

    Args:
        number: Count of orders in the session, from 1; given by the kernel.
        strategy: Id of the strategy that made it.
        instrument: What to trade.
        side: Buy or sell.
        type: How it is executed.
        lots: Ordered quantity.
        time: When it was made.
    """

    number: int
    strategy: str
    instrument: Instrument
    side: Side
    type: OrderType
    lots: int
    time: int
    limit_price: float | None = None
    """Worst price accepted, of limit and stop-limit orders."""
    trigger_price: float | None = None
    """What sets off stops and take-profits; it moves for trailing stops."""
    trail_amount: float | None = None
    """Distance of a trailing stop in price units."""
    trail_fraction: float | None = None
    """Distance of a trailing stop as a fraction of the price."""
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_time: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    parent: Order | None = None
    """The entry that this order protects."""
    children: tuple[Order, ...] = ()
    """Protective orders that are sent when this one fills."""
    oco_leader: Order | None = None
    """First order of the one-cancels-other group."""
    tag: str = ""
    position_id: str = ""
    """Which position it changes: in hedge mode ``SYMBOL|long`` or ``SYMBOL|short``, else empty for the symbol's only one."""
    handler: OrderHandler | None = None
    status: OrderStatus = OrderStatus.INITIALIZED
    filled_lots: int = 0
    average_price: float = 0.0
    update_time: int = 0
    reason: str = ""
    """Why it was denied, rejected or canceled."""

    def __repr__(self) -> str:
        price = self.limit_price or self.trigger_price
        at = "" if price is None else f" @ {price!r}"
        return f"Order({self.client_order_id}: {self.side.name} {self.quantity:g} {self.symbol} {self.type}{at}, {self.status})"

    @property
    def client_order_id(self) -> str:
        """Our id, made before sending."""
        return f"{self.strategy}-{self.number}"

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self.instrument.symbol

    @property
    def quantity(self) -> float:
        """Ordered quantity in base units, without a sign."""
        return self.instrument.units(self.lots)

    @property
    def filled_quantity(self) -> float:
        """Filled quantity in base units, without a sign."""
        return self.instrument.units(self.filled_lots)

    @property
    def oco_group(self) -> str:
        """Client order id of the order that leads the one-cancels-other group, empty if there is none."""
        return "" if self.oco_leader is None else self.oco_leader.client_order_id

    @property
    def open_lots(self) -> int:
        """Lots that are not filled yet."""
        return self.lots - self.filled_lots

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self.status in CLOSED

    @property
    def is_open(self) -> bool:
        """Whether the order can still be filled, canceled or amended."""
        return self.status not in CLOSED


def transition(order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
    """Move an order to a status along the table.

    Raises:
        OrderError: if the table has no such step.
    """
    if status not in TRANSITIONS[order.status]:
        raise OrderError(f"order {order.client_order_id}: cannot go from {order.status} to {status}")
    order.status = status
    order.update_time = time
    if reason:
        order.reason = reason
