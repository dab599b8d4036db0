"""What moves a leg group.

Rules of this file:

- A group is open when every leg is filled completely. A leg whose order ends before that, or is not complete in time, fails
  the group.
- A group that failed first cancels what is open and waits until every order is closed. If all of them have been filled by
  then after all, it is open; else it closes what was filled, by reduce-only market orders.
- A closing order that ends short is sent again for the rest, at growing distances; after ``_TRIES`` in a row that filled
  nothing, or where it takes longer than the group's timeout, the group has failed and a warning says what is left. Fills that come later still count.
- No more is closed than the legs have filled, and no more than is still held: what was closed by other means is not closed
  twice. What a reduce-only leg has closed stays closed.
- All that a restart needs is in ``ctx.state["hookline.legs"]`` under the number of the group's first order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.errors import OrderError
from hookline.kernel.legs import GroupLeg, Leg, LegGroup, LegStatus
from hookline.kernel.orders import Terms, make_order
from hookline.model import Fill, Order, OrderType, OrderUpdate, Side

if TYPE_CHECKING:
    from hookline.kernel.context import Context
    from hookline.kernel.kernel import Kernel

__all__ = ["STATE", "GroupHandler", "open_group", "restore_legs"]

STATE = "hookline.legs"
"""Key of ``ctx.state`` that is reserved for what this file keeps."""

_WINDING = frozenset({LegStatus.UNWINDING, LegStatus.CLOSING, LegStatus.FAILED})
_SECOND = 10**9
_TRIES = 8


class GroupHandler:
    """Handles the orders of one group."""

    parent: Order | None = None
    """A group works no order of the strategy's own."""

    def __init__(self, kernel: Kernel, ctx: Context, group: LegGroup, timeout: int) -> None:
        self.group = group
        self.number = 0
        self._kernel = kernel
        self._ctx = ctx
        self._timeout = timeout
        self._goal = LegStatus.UNWOUND
        self._told = group.status
        self._give_up = 0
        self._deadline = kernel.clock.now + timeout
        self._begun = False
        group._handler = self  # noqa: SLF001  # the other half of the same object
        ctx.groups.append(group)

    @property
    def id(self) -> str:
        """Id of the strategy, for errors."""
        return self._ctx.id

    # -- what sets it in motion ----------------------------------------------------------------------------------------

    def begin(self, orders: Sequence[Order]) -> None:
        """Send the legs' orders, up to the first that fails."""
        group, kernel = self.group, self._kernel
        for leg, order in zip(group.legs, orders, strict=True):
            leg.order, order.handler = order, self
            kernel.submit(order)
            self.number = self.number or order.number
            if order.lots < leg.lots or (order.is_closed and not leg.is_complete):
                break
        self._begun = True
        kernel.call_at(self._deadline, self, "timeout")
        self._step()

    def resume(self, record: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Go on where a session that has ended left off."""
        group, now = self.group, self._kernel.clock.now
        group.status, group.reason = LegStatus(record["status"]), record["reason"]
        self.number, self._told = record["number"], LegStatus(record["told"])
        self._goal, self._give_up = LegStatus(record["goal"]), record["give_up"]
        for leg, entry in zip(group.legs, record["legs"], strict=True):
            leg.resume(entry, orders)
            for order in (leg.order, leg.closing):
                if order is not None:
                    order.handler = self
        self._begun, self._deadline = True, record["deadline"]
        for due, timer in ((self._deadline, "timeout"), (self._give_up, "give up"), (now, "resumed")):
            self._kernel.call_at(max(due, now), self, timer)
        if group.status in _WINDING:
            self._cancel_entries()
        self._step()

    def on_order(self, order: Order, update: OrderUpdate) -> None:  # noqa: ARG002
        """See what an order's step means for the group."""
        self._step()
        self._tell()

    def on_fill(self, order: Order, fill: Fill) -> None:  # noqa: ARG002
        """See what an execution means for the group."""
        self._step()
        self._tell()

    def on_timer(self, timer: str) -> None:
        """Act on a timeout, or try again to close what is left."""
        status, now = self.group.status, self._kernel.clock.now
        if timer == "timeout" and status is LegStatus.OPENING:
            late = ", ".join(leg.leg.symbol for leg in self.group.legs if not leg.is_complete)
            self._wind_down(LegStatus.UNWINDING, LegStatus.UNWOUND, f"timeout: {late} not filled completely")
        elif timer == "retry":
            for leg in self.group.legs:
                leg.waits = False
        elif timer == "give up" and now >= self._give_up and status in _WINDING - {LegStatus.FAILED}:
            entering = any(leg.is_entering for leg in self.group.legs)
            self._fail("its orders are not canceled in time" if entering else "not closed in time")
        self._step()
        self._tell()

    def cancel(self, reason: str) -> None:
        """Close what is held and stop opening."""
        self.close(reason)

    def close(self, reason: str) -> None:
        """Close all legs."""
        status = self.group.status
        if self.group.is_over or status in _WINDING - {LegStatus.FAILED}:
            return
        for leg in self.group.legs:
            leg.tries, leg.waits = 0, False
        goal = self._goal if status is LegStatus.FAILED else LegStatus.CLOSED
        phase = LegStatus.CLOSING if goal is LegStatus.CLOSED else LegStatus.UNWINDING
        self._wind_down(phase, goal, reason or self.group.reason)
        self._step()

    # -- the steps -----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        group = self.group
        if not self._begun:  # a halt tells of orders before all of them are sent
            return
        if group.status is LegStatus.OPENING:
            self._open()
        if group.status in _WINDING and not any(leg.is_entering for leg in group.legs):
            if self._goal is LegStatus.UNWOUND and self._is_whole():
                group.status, group.reason = LegStatus.OPEN, ""
            else:
                self._close_legs()
        self._save()

    def _open(self) -> None:
        group = self.group
        failed = next((leg for leg in group.legs if not (leg.is_complete or leg.is_entering)), None)
        shrunk = next((leg for leg in group.legs if leg.order and leg.order.lots < leg.lots), None)
        if all(leg.is_complete for leg in group.legs):
            group.status = LegStatus.OPEN
        elif shrunk is not None:
            self._wind_down(LegStatus.UNWINDING, LegStatus.UNWOUND, f"{shrunk.leg.symbol}: shrunk by a rule")
        elif failed is not None:
            self._wind_down(LegStatus.UNWINDING, LegStatus.UNWOUND, _why(failed))

    def _wind_down(self, status: LegStatus, goal: LegStatus, reason: str) -> None:
        """Begin to cancel and close."""
        kernel = self._kernel
        self.group.status, self._goal, self.group.reason = status, goal, reason
        self._give_up = kernel.clock.now + self._timeout
        kernel.call_at(self._give_up, self, "give up")
        self._cancel_entries()

    def _cancel_entries(self) -> None:
        for leg in self.group.legs:
            if leg.order is not None and leg.is_entering:
                self._kernel.cancel(leg.order, self.group.reason)

    def _is_whole(self) -> bool:
        """Return whether every leg is held completely, nothing of it closed."""
        return all(leg.is_complete and not leg.closed_lots and leg.closing is None for leg in self.group.legs)

    def _close_legs(self) -> None:
        for leg in self.group.legs:
            filled = leg.collect()
            if filled is not None and leg.owed_lots:
                self._back_off(leg, filled)
            if leg.owed_lots and leg.closing is None and not leg.waits and leg.tries < _TRIES:
                self._send_closing(leg)
        if all(leg.closing is None and not leg.owed_lots for leg in self.group.legs):
            self.group.status = self._goal
        elif self.group.status is not LegStatus.FAILED and any(
            leg.tries >= _TRIES for leg in self.group.legs
        ):
            self._fail(f"{_TRIES} orders to close it filled nothing")

    def _send_closing(self, leg: GroupLeg) -> None:
        kernel, entry = self._kernel, leg.leg
        word = "close" if self._goal is LegStatus.CLOSED else "unwind"
        order = Order(
            0, self.id, kernel.markets[entry.symbol].instrument, Side(-entry.side), OrderType.MARKET,
            leg.owed_lots, kernel.clock.now, reduce_only=True, tag=f"{self.group.tag} {word}".lstrip(),
            position_id=_position_id(entry), handler=self,
        )  # fmt: skip
        leg.closing = order
        kernel.submit(order)

    def _back_off(self, leg: GroupLeg, filled: int) -> None:
        """Wait before closing what a closing order has left: longer each time that nothing was filled."""
        leg.tries = 0 if filled else leg.tries + 1
        if leg.tries < _TRIES:
            leg.waits = True
            wait = _SECOND << leg.tries
            self._kernel.call_at(self._kernel.clock.now + wait, self, "retry")

    def _fail(self, why: str) -> None:
        left = ", ".join(f"{leg.quantity:g} {leg.leg.symbol}" for leg in self.group.legs if leg.owed_lots)
        self.group.status = LegStatus.FAILED
        self.group.reason = f"{self.group.reason}; {why}, {left or 'nothing'} left".lstrip("; ")
        name = f"legs {self.group.tag!r}" if self.group.tag else "legs"
        self._kernel.warn(f"{self.id}: {name}: {self.group.reason}")

    # -- who is told, and what is kept ---------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Tell the strategy of a status that it has not been told of."""
        if self._told is not self.group.status:
            self._told = self.group.status
            self._save()
            self._kernel.runners[self.id].on_legs(self.group)

    def _save(self) -> None:
        groups = self._ctx.state.setdefault(STATE, {})
        if self.group.is_over:
            groups.pop(str(self.number), None)
            if self.group in self._ctx.groups:
                self._ctx.groups.remove(self.group)
        else:
            groups[str(self.number)] = self._record()
        if not groups:
            del self._ctx.state[STATE]

    def _record(self) -> dict[str, Any]:
        group = self.group
        return {
            "number": self.number,
            "status": str(group.status),
            "told": str(self._told),
            "goal": str(self._goal),
            "reason": group.reason,
            "tag": group.tag,
            "timeout": self._timeout,
            "deadline": self._deadline,
            "give_up": self._give_up,
            "legs": [leg.record() for leg in group.legs],
        }


def open_group(kernel: Kernel, ctx: Context, legs: Sequence[Leg], timeout: int, tag: str) -> LegGroup:
    """Send the orders of a group and return it.

    Raises:
        OrderError: if there are fewer than two legs, two change one position, or the terms of one make no sense.
    """
    ids = [_position_id(leg) or leg.symbol for leg in legs]
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise OrderError(f"ctx.open_legs: needs two legs or more on different positions, was {ids}")
    group = LegGroup([_group_leg(ctx, leg) for leg in legs], tag)
    orders = [_entry(kernel, ctx, leg, tag) for leg in group.legs]
    GroupHandler(kernel, ctx, group, timeout).begin(orders)
    return group


def restore_legs(kernel: Kernel, ctx: Context, closed: Iterable[Order] = ()) -> list[LegGroup]:
    """Take up the groups that ``ctx.state`` tells of, for a strategy that is about to start again.

    Args:
        kernel: Holds the open orders, with the numbers and fills that they had.
        ctx: The strategy's context, with the state that it had.
        closed: Orders that have closed since that state was kept, where they are known; of one that is not, what it had
            filled by then counts.
    """
    orders = {order.number: order for order in (*closed, *kernel.open_orders(ctx.id))}
    groups = []
    for record in list(ctx.state.get(STATE, {}).values()):
        legs = [_group_leg(ctx, _leg(entry["leg"]), entry["lots"]) for entry in record["legs"]]
        group = LegGroup(legs, record["tag"])
        GroupHandler(kernel, ctx, group, record["timeout"]).resume(record, orders)
        groups.append(group)
    return groups


def _group_leg(ctx: Context, leg: Leg, lots: int | None = None) -> GroupLeg:
    held = ctx.position(leg.symbol, leg.position)
    if lots is None:
        if not 0.0 < leg.quantity < math.inf:
            raise OrderError(
                f"leg on {leg.symbol}: quantity must be above 0 and finite, was {leg.quantity!r}"
            )
        lots = held.market.instrument.lots(leg.quantity)
    return GroupLeg(leg, held, lots)


def _entry(kernel: Kernel, ctx: Context, group_leg: GroupLeg, tag: str) -> Order:
    """Return the order that opens a leg; it is denied where the position is held the other way."""
    leg = group_leg.leg
    terms = Terms(
        limit=leg.limit,
        post_only=leg.post_only,
        reduce_only=leg.reduce_only,
        tag=tag,
        position_id=_position_id(leg),
    )
    order = make_order(ctx.id, kernel.markets[leg.symbol], leg.side, group_leg.lots, kernel.clock.now, terms)
    held = ctx.position(leg.symbol, leg.position)
    if held.lots * leg.side < 0 and not leg.reduce_only:
        order.reason = f"the other way: {held.quantity:g} is held, and a leg opens a position"
    return order


def _leg(record: Mapping[str, Any]) -> Leg:
    return Leg(**{**record, "side": Side(record["side"])})


def _position_id(leg: Leg) -> str:
    return f"{leg.symbol}|{leg.position}" if leg.position else ""


def _why(leg: GroupLeg) -> str:
    order = leg.order
    if order is None:
        return f"{leg.leg.symbol}: not sent"
    return f"{leg.leg.symbol}: {order.status}{': ' if order.reason else ''}{order.reason}"
