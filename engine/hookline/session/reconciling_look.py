"""One look at a venue: what it is made of, and what is remembered from look to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from hookline.kernel.desk import OrderDesk
from hookline.model import Instrument, InstrumentKind, Order, Position, VenueAccount, VenuePosition
from hookline.session.differences import Difference, DifferenceAction, DifferenceKind
from hookline.session.live_rules import ReconcilePolicy

__all__ = ["Look", "Memory", "Moved", "Sides", "worked"]


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
        newer: Orders of higher numbers may not be sent yet, as before a session that goes on has compared; None for none.
    """

    check: int = 0
    offsets: dict[str, int] = field(default_factory=dict)
    worked: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    since: dict[str, int] = field(default_factory=dict)
    suspects: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    newer: int | None = None

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


class Sides:
    """How orders and positions stand here at one moment.

    Args:
        kernel: Whose they are.
    """

    def __init__(self, kernel: OrderDesk) -> None:
        self._count = kernel.order_count
        self._orders = {one.number: (one.status, one.filled_lots) for one in kernel.open_orders()}
        self._held = {
            (name, id_): one.lots
            for name, ledger in kernel.ledgers.items()
            for id_, one in ledger.positions.items()
        }

    def moved(self, now: Sides) -> Moved:
        """Return what is not as it was by then."""
        numbers = self._orders.keys() | now._orders.keys()
        orders = {number for number in numbers if self._orders.get(number) != now._orders.get(number)}
        orders |= set(range(self._count + 1, now._count + 1))
        positions = {id_ for (name, id_), lots in now._held.items() if self._held.get((name, id_)) != lots}
        return Moved(frozenset(orders), frozenset(positions))


class Moved(NamedTuple):
    """What has moved here while the venue was asked, so that its answer says nothing about it: order numbers and position ids."""

    orders: frozenset[int] = frozenset()
    positions: frozenset[str] = frozenset()


class Look:
    """One comparison while it is made.

    Args:
        kernel: What we believe.
        account: What the venue says.
        policy: What is done about differences.
        memory: Of the looks before.
        is_start: Whether nothing can be under way, so that a difference counts when it is seen once.
        moved: What the account says nothing about.
    """

    def __init__(
        self,
        kernel: OrderDesk,
        account: VenueAccount,
        policy: ReconcilePolicy,
        memory: Memory,
        *,
        is_start: bool,
        moved: Moved | None = None,
    ) -> None:
        self.kernel, self.account, self.policy, self.memory = kernel, account, policy, memory
        self._is_start, self.moved = is_start, moved or Moved()
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

    def held(self, position_id: str) -> int:
        """Return the lots of a position that strategies hold; of spot, with what they hold of its base under other symbols."""
        return sum(one.lots for id_ in self.together(position_id) for one in self.positions(id_))

    def together(self, position_id: str) -> list[str]:
        """Return the positions that a venue shows as one: of spot, all that are counted in the same lots of one currency."""
        market = self.kernel.markets.get(position_id)
        if market is None or not (base := _spot_of(market.instrument)):
            return [position_id]
        return [symbol for symbol, one in self.kernel.markets.items() if _spot_of(one.instrument) == base]

    def venue(self, position_id: str) -> VenuePosition | None:
        """Return what the venue holds under an id, all its parts as one; None where that is nothing."""
        parts = [one for one in self.account.positions if one.position_id == position_id]
        lots = sum(one.lots for one in parts)
        if len(parts) < 2 or not lots:
            return parts[0] if parts else None
        entry = sum(one.lots * one.entry_price for one in parts) / lots
        return replace(parts[0], lots=lots, entry_price=entry)

    def excess(self, position_id: str) -> int:
        """Return how many lots more the venue holds than strategies do and is known besides; negative for fewer."""
        venues = sum(one.lots for one in self.account.positions if one.position_id == position_id)
        return venues - self.held(position_id) - self.memory.offsets.get(position_id, 0)

    def adopter(self, symbol: str) -> str:
        """Return the strategy that a position of a symbol can be booked to, empty where there is not exactly one."""
        traders = self.policy.traders.get(symbol, ())
        adopts = self.policy.foreign_positions == "adopt" and len(self.together(symbol)) == 1
        return traders[0] if adopts and len(traders) == 1 else ""

    def close(self) -> None:
        """Remember what the next look needs."""
        memory = self.memory
        memory.suspects = frozenset(self._marks)
        memory.since = {mark: time for mark, time in memory.since.items() if mark in self._marks}
        live = {order.number for order in self.kernel.open_orders()}
        memory.worked = {number for number in memory.worked if number in live}
        memory.acknowledged = {number for number in memory.acknowledged if number in live}


def worked(orders: Iterable[Order]) -> set[int]:
    """Return the numbers of open orders that an algorithm works, so that their children are sent in their place."""
    found = set()
    for one in orders:
        parent = one if one.handler is not None and one.handler.parent is one else one.parent
        # Protective orders have a parent too, which lists them; those of a worked order are not listed.
        if parent is not None and one not in parent.children and parent.is_open:
            found.add(parent.number)
    return found


def _spot_of(instrument: Instrument) -> tuple[str, str, Decimal] | None:
    """Return what spot is one holding at a venue: where, of what, in which lots; None for anything else."""
    if instrument.kind is not InstrumentKind.SPOT or not instrument.base:
        return None
    return instrument.venue, instrument.base, instrument.lot_size
