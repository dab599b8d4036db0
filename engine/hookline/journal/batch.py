"""What one event caused: the unit that is written to a journal, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from hookline.model import Bar, Fill, Order, OrderUpdate

__all__ = ["Amendment", "Balance", "Batch", "Decision", "Payment"]

Payment = tuple[int, str, str, float]
"""A funding payment: time, strategy, symbol, amount in quote currency, positive when received."""


class Decision(NamedTuple):
    """What a risk rule decided. ``order_number`` is None where no numbered order was judged."""

    time: int
    rule: str
    verdict: Literal["deny", "shrink", "halt", "warn"]
    strategy: str
    order_number: int | None
    reason: str


class Balance(NamedTuple):
    """Cash of one ledger in one wallet after the event."""

    time: int
    ledger: str
    wallet: str
    cash: Decimal


class Amendment(NamedTuple):
    """New values of fields of an order, such as ``{"lots": 3, "limit_price": 101.5}``."""

    time: int
    order_number: int
    changes: Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """What happened since the last commit. Times are nanoseconds UTC.

    Args:
        time: Time of the event.
        position: How far the market data was processed, as JSON can hold it; what a resumed session continues from.
        bars: Market bars that were consumed.
        orders: Orders newly made, numbered; written as they are now, without what updates and fills tell of them.
        updates: Steps of orders along the table of states.
        fills: Executions.
        seen: For each fill, when strategies could know of it; may be left empty.
        payments: Funding payments.
        decisions: What risk rules decided.
        balances: Cash that changed.
        halts: Times and reasons. A halt stays until a resume.
        resumes: Times and who cleared the halt or why.
        states: State by owner, such as ``strategy:ema_cross`` or ``broker``; written only where it changed.
        amendments: Orders that were changed, by a person's wish or by a trailing stop.
    """

    time: int
    position: Mapping[str, Any] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    updates: list[OrderUpdate] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    halts: list[tuple[int, str]] = field(default_factory=list)
    resumes: list[tuple[int, str]] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)
    amendments: list[Amendment] = field(default_factory=list)
