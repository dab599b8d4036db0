"""Where a resting order stands among the others at its price.

The tape shows how much rests at a price, not whose turn is next. A model keeps one number for each order, the quantity ahead of it
in base units, and says how trades and changes of the level move it. A new order stands behind everything that is visible.

=============  =====================================================================================================
pessimistic    only trades at the price move the queue: whoever cancels stood behind us. The quantity ahead is never more than
               what the level still has.
proportional   a decrease that trades do not explain came from ahead of us and from behind us in the proportion of what
               stood there. A ``power`` above 1 says that those at the longer part of the queue cancel more often.
=============  =====================================================================================================

Sources: E. Rigtorp, "Estimating order queue position" (2013), rigtorp.se; the documentation of hftbacktest, "Order fill", "Queue
models" (hftbacktest.readthedocs.io).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["PessimisticQueue", "ProportionalQueue", "QueueModel"]

# Base units that are rounding and no quantity.
_NOTHING = 1e-12


class QueueModel(Protocol):
    """Moves the quantity ahead of an order when its level changes; trades take from the front in every model."""

    def ahead(self, ahead: float, before: float, after: float, traded: float) -> float:
        """Return the quantity ahead of an order after its level has changed, in base units.

        Args:
            ahead: What stood ahead of it, trades since the last change taken off.
            before: What the level showed before the change.
            after: What it shows now.
            traded: What was traded at the price since the level changed last.
        """


@dataclass(frozen=True, slots=True)
class PessimisticQueue:
    """Only trades move the queue."""

    def ahead(self, ahead: float, before: float, after: float, traded: float) -> float:  # noqa: ARG002
        return min(ahead, after)


@dataclass(frozen=True, slots=True)
class ProportionalQueue:
    """What trades do not explain left on both sides of us.

    Of a decrease, ``ahead**power / (ahead**power + behind**power)`` stood ahead of us. With power 1 that is the order's place in the
    queue as a fraction.
    """

    power: float = 1.0

    def ahead(self, ahead: float, before: float, after: float, traded: float) -> float:
        left = before - traded
        canceled = left - after
        if canceled > 0.0 and ahead > _NOTHING:
            behind = left - ahead
            from_behind = 0.0
            if behind > _NOTHING:
                front, back = ahead**self.power, behind**self.power
                from_behind = min(behind, canceled * back / (front + back))
            ahead -= max(0.0, canceled - from_behind)
        return max(0.0, min(ahead, after))
