"""Leg groups as a strategy sees them; :mod:`hookline.kernel.leg_handler` moves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hookline.model import Order, Position, Side

if TYPE_CHECKING:
    from hookline.kernel.leg_handler import GroupHandler

__all__ = ["GroupLeg", "Leg", "LegGroup", "LegStatus"]


class LegStatus(StrEnum):
    """Where a group stands. ``FAILED`` still holds what could not be closed."""

    OPENING = "opening"
    OPEN = "open"
    UNWINDING = "unwinding"
    UNWOUND = "unwound"
    CLOSING = "closing"
    CLOSED = "closed"
    FAILED = "failed"


_OVER = frozenset({LegStatus.UNWOUND, LegStatus.CLOSED})


@dataclass(frozen=True)
class Leg:
    """One position to open.

    Args:
        symbol: One of the strategy's instruments.
        side: Buy or sell.
        quantity: Base units, rounded down to the lot.
        limit: Worst price to accept; a market order without.
        post_only: Reject the order instead of letting it take.
        reduce_only: Never open or add to a position; what such a leg closes is not opened again if the group fails.
        position: ``long`` or ``short`` for an instrument in hedge mode.
    """

    symbol: str
    side: Side
    quantity: float
    limit: float | None = None
    post_only: bool = False
    reduce_only: bool = False
    position: str = ""


class GroupLeg:
    """A leg of a group and its orders.

    Attributes:
        leg: What was asked for.
        order: Its order; None where it was not sent because another leg had failed, and after a restart once it is closed.
        lots: Quantity of the order as asked for.
        closing: The last order that closes the leg.
    """

    def __init__(self, leg: Leg, held: Position, lots: int) -> None:
        self.leg = leg
        self.lots = lots
        self.order: Order | None = None
        self.closing: Order | None = None
        self.tries = 0
        self.waits = False
        self._held = held
        self._filled = 0
        self._closed = 0

    def __repr__(self) -> str:
        return (
            f"GroupLeg({self.leg.side.name} {self.leg.quantity:g} {self.leg.symbol}, holds {self.quantity:g})"
        )

    @property
    def quantity(self) -> float:
        """What the group holds of the leg, in base units without a sign."""
        return self._held.market.instrument.units(self.filled_lots - self.closed_lots)

    @property
    def filled_lots(self) -> int:
        """Lots that the leg's order has filled."""
        return self._filled if self.order is None else self.order.filled_lots

    @property
    def closed_lots(self) -> int:
        """Lots that were closed again."""
        return self._closed + (0 if self.closing is None else self.closing.filled_lots)

    @property
    def is_complete(self) -> bool:
        """Whether the leg's order has filled completely."""
        return 0 < self.lots == self.filled_lots

    @property
    def is_entering(self) -> bool:
        """Whether the leg's order may still fill."""
        return self.order is not None and self.order.is_open

    @property
    def is_held(self) -> bool:
        """Whether what the group holds of the leg is still in the position; always true of a reduce-only leg."""
        return self.leg.reduce_only or self.leg.side * self._held.lots >= self.filled_lots - self.closed_lots

    @property
    def owed_lots(self) -> int:
        """Lots to close: filled, not closed, and still held."""
        if self.leg.reduce_only:
            return 0
        return min(self.filled_lots - self.closed_lots, max(0, self.leg.side * self._held.lots))

    def collect(self) -> int | None:
        """Forget a closing order that is over and return the lots it filled; None if there is none."""
        closing = self.closing
        if closing is None or closing.is_open:
            return None
        self._closed += closing.filled_lots
        self.closing = None
        return closing.filled_lots

    def record(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {
            "leg": {**asdict(self.leg), "side": int(self.leg.side)},
            "lots": self.lots,
            "order": self.order.number if self.order is not None else 0,
            "filled": self.filled_lots,
            "closing": self.closing.number if self.closing is not None else 0,
            "closing_filled": self.closing.filled_lots if self.closing is not None else 0,
            "closed": self._closed,
            "tries": self.tries,
            "waits": self.waits,
        }

    def resume(self, record: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take up a record with the orders that are known; of those that are not, what they had filled counts."""
        self._filled, self._closed = record["filled"], record["closed"]
        self.tries, self.waits = record.get("tries", 0), record.get("waits", False)
        self.order = orders.get(record["order"])
        self.closing = orders.get(record["closing"])
        if self.closing is None:
            self._closed += record["closing_filled"]


class LegGroup:
    """Several positions that are opened together or not at all.

    Attributes:
        status: Where it stands.
        reason: Why it was unwound or closed, or why it could not be.
        legs: The legs with their orders.
        tag: Text kept with the orders.
    """

    def __init__(self, legs: Sequence[GroupLeg], tag: str) -> None:
        self.status = LegStatus.OPENING
        self.reason = ""
        self.legs = tuple(legs)
        self.tag = tag
        self._handler: GroupHandler

    def __repr__(self) -> str:
        return f"LegGroup({self.tag!r}, {self.status}, {list(self.legs)})"

    @property
    def is_open(self) -> bool:
        """Whether every leg is held."""
        return self.status is LegStatus.OPEN

    @property
    def is_over(self) -> bool:
        """Whether nothing is held and nothing is on its way."""
        return self.status in _OVER

    @property
    def is_intact(self) -> bool:
        """Whether all that the legs have filled is still held; false once a stop or a liquidation has taken one."""
        return all(leg.is_held for leg in self.legs)

    def close(self, reason: str = "") -> None:
        """Close all legs together with reduce-only market orders.

        A group that is opening stops doing so, one that has failed tries again, and nothing happens to one that is over.
        """
        self._handler.close(reason)
