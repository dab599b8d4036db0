"""What the kernel tells to observers: nothing, unless somebody listens."""

from __future__ import annotations

from hookline.model import Fill, Order, OrderUpdate
from hookline.notifier import Level

__all__ = ["Observing"]


class Observing:
    """The null observer; ``updates`` and ``fills`` say whether the calls are worth making."""

    updates = False
    fills = False

    def order_updated(self, order: Order, update: OrderUpdate) -> None:
        """Learn that an order changed its status."""

    def order_filled(self, order: Order, fill: Fill) -> None:
        """Learn of an execution."""

    def notify(self, strategy: str, level: Level, text: str) -> None:
        """Learn what a strategy tells a person."""

    def session_halted(self, reason: str) -> None:
        """Learn that the risk gate halted the session."""
