"""One look at a venue: what it is made of, and what is remembered from look to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.kernel.desk import OrderDesk
from hookline.model import Order, Position, VenueAccount
from hookline.session.differences import Difference, DifferenceAction, DifferenceKind
from hookline.session.live_rules import ReconcilePolicy

__all__ = ["Look", "Memory", "is_worked"]


@dataclass
class Memory:
    """What comparisons remember.

    Args:
        check: How many there were.
        offsets: Lots by position id that the venue holds besides the strategies', known and ignored.
        worked: Numbers of orders that an algorithm works, which are never sent themselves.
        acknowledged: Numbers of open orders that the venue is known to have had.
        since: By mark, when something undecided was found first, by the venue's time.
        suspects: Marks of the last comparison.
        told: What was told of the last comparison, and is not told again.
    """

    check: int = 0
    offsets: dict[str, int] = field(default_factory=dict)
    worked: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    since: dict[str, int] = field(default_factory=dict)
    suspects: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        return {
            "check": self.check,
            "offsets": {id_: lots for id_, lots in sorted(self.offsets.items()) if lots},
            "worked": sorted(self.worked),
            "acknowledged": sorted(self.acknowledged),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned. What waited to be seen twice is looked at anew."""
        self.check = state.get("check", 0)
        self.offsets = dict(state.get("offsets", {}))
        self.worked = set(state.get("worked", ()))
        self.acknowledged = set(state.get("acknowledged", ()))
        self.since, self.suspects, self.told = {}, frozenset(), frozenset()


class Look:
    """One comparison while it is made.

    Args:
        kernel: What we believe.
        account: What the venue says.
        policy: What is done about differences.
        memory: Of the looks before.
        is_start: Whether nothing can be under way, so that a difference counts when it is seen once.
    """

    def __init__(
        self,
        kernel: OrderDesk,
        account: VenueAccount,
        policy: ReconcilePolicy,
        memory: Memory,
        *,
        is_start: bool,
    ) -> None:
        self.kernel, self.account, self.policy, self.memory = kernel, account, policy, memory
        self._is_start = is_start
        self.differences: list[Difference] = []
        self.cancel: list[str] = []
        self.open = {order.number: order for order in kernel.open_orders()}
        self.undecided: set[str] = set()
        """Ids of positions that an order may still change without our knowing."""
        self._marks: set[str] = set()

    @property
    def now(self) -> int:
        """When things are reported to have happened: the session's time, or the venue's before it has begun."""
        return self.kernel.now or self.account.time

    def is_sure(self, mark: str) -> bool:
        """Note what differs, and return whether it was there at the last look too."""
        self._marks.add(mark)
        return self._is_start or mark in self.memory.suspects

    def lasts(self, mark: str) -> bool:
        """Return whether something has been so for longer than the grace time, at no fewer than two looks."""
        since = self.memory.since.setdefault(mark, self.account.time)
        waited = self.account.time - since >= round(self.policy.grace_seconds * 1e9)
        return self.is_sure(mark) and waited

    def add(
        self,
        kind: DifferenceKind,
        symbol: str,
        subject: str,
        both: tuple[str, str],
        action: DifferenceAction,
        text: str,
        *,
        mark: str = "",
        order: Order | None = None,
        strategy: str = "",
    ) -> None:
        """Put a difference on the list; ``both`` is what we believe and what the venue says."""
        self.differences.append(
            Difference(
                kind, symbol, subject, *both, action, text, mark or f"{kind}:{subject}",
                strategy if order is None else order.strategy, 0 if order is None else order.number,
            )
        )  # fmt: skip

    def positions(self, position_id: str) -> list[Position]:
        """Return the strategies' positions of an id."""
        ledgers = self.kernel.ledgers.values()
        return [one.positions[position_id] for one in ledgers if position_id in one.positions]

    def excess(self, position_id: str) -> int:
        """Return how many lots more the venue holds than strategies do and is known besides; negative for fewer."""
        ours = sum(one.lots for one in self.positions(position_id))
        venues = sum(one.lots for one in self.account.positions if one.position_id == position_id)
        return venues - ours - self.memory.offsets.get(position_id, 0)

    def adopter(self, symbol: str) -> str:
        """Return the strategy that a position of a symbol can be booked to, empty where there is not exactly one."""
        traders = self.policy.traders.get(symbol, ())
        adopts = self.policy.foreign_positions == "adopt"
        return traders[0] if adopts and len(traders) == 1 else ""

    def close(self) -> None:
        """Remember what the next look needs."""
        memory = self.memory
        memory.suspects = frozenset(self._marks)
        memory.since = {mark: time for mark, time in memory.since.items() if mark in self._marks}
        live = {order.number for order in self.kernel.open_orders()}
        memory.worked = {number for number in memory.worked if number in live}
        memory.acknowledged = {number for number in memory.acknowledged if number in live}


def is_worked(order: Order, orders: Iterable[Order]) -> bool:
    """Return whether an algorithm works an order, so that its children are sent in its place."""
    if order.handler is not None and order.handler.parent is not None:
        return order.handler.parent is order
    return any(one.parent is order and one not in order.children for one in orders)
