"""Orders that go to the shared account one by one, as twins.

Rules of this file:

- A twin is an order of the account, and never reduce-only: the venue does not know what a strategy holds. It is cut to what its
  strategy's position has room for, at once whenever that position changes, and canceled when there is no room left.
- Spot that its strategy does not hold is not offered.
- What has no room when it is sent is judged when it arrives. On bars that is the first open after it, and what fills there may
  make room: until then it is kept here.
- An amendment of such an order waits here until its time has come (``requests.py``), and is cut to the position of that time. Until
  then the order stays as it was, and its twin is cut by that.
- Children of an entry are the venue's business until they are sent; from then on they grow with their entry from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.broker import Broker, BrokerListener
from hookline.model import Bar, Order, OrderStatus, OrderType, transition
from hookline.session.netting_account import ACCOUNT, Account, VenueClock
from hookline.session.netting_shares import ending, is_limited, room
from hookline.simulation.fills import trail_level
from hookline.simulation.requests import Request, Requests
from hookline.simulation.twins import Twins

__all__ = ["Ground", "Singles"]

_CANCELED = OrderStatus.CANCELED


@dataclass
class Ground:
    """What the parts of a netted account share.

    Attributes:
        open: By symbol, the strategies' orders that are with the account, oldest first; the kernel watches these very lists.
        bars: The bars of the event that is being matched, by symbol.
        is_matching: Whether the venue is matching them right now.
        on_tape: Symbols whose orders are filled by a tape.
        moved: Called with an order whose fill has changed its strategy's position, and the time.
    """

    inner: Broker
    listener: BrokerListener
    clock: VenueClock
    account: Account
    moved: Callable[[Order, int], None]
    open: dict[str, list[Order]]
    bars: dict[str, Bar] = field(default_factory=dict)
    is_matching: bool = False
    on_tape: frozenset[str] = frozenset()

    def fill(self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int) -> None:
        """Book a fill for a strategy that the account has booked, or that never reached it."""
        self.account.bring_cash()
        self.listener.order_filled(order, lots, price, fee, is_maker, time)
        self.account.note_cash()

    def end(self, order: Order, status: OrderStatus, time: int, reason: str) -> None:
        """End an order of a strategy with the children that wait for it."""
        self.drop(order)
        self.listener.order_changed(order, status, time, reason)
        for child in order.children:
            if child.status is OrderStatus.HELD and not order.filled_lots:
                self.listener.order_changed(child, _CANCELED, time, f"entry {status}")

    def refuse(self, order: Order, time: int) -> None:
        """End an order for which its strategy's position has no room."""
        status, reason = ending(order, self.account.position_of(order))
        self.end(order, status, time, reason)

    def drop(self, order: Order) -> None:
        """Take an order that is over off the list."""
        if order in self.open[order.symbol]:
            self.open[order.symbol].remove(order)

    def room(self, order: Order) -> int:
        """Return how many lots its strategy's position lets an order fill."""
        return room(order, self.account.position_of(order).lots)

    def bar_for(self, symbol: str, time: int) -> Bar | None:
        """Return the bar being matched if an order of a time meets its open."""
        bar = self.bars.get(symbol)
        return bar if bar is not None and time <= bar.start else None


class Singles:
    """Sends orders as twins, and books what becomes of them on both sides."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._twins = Twins()
        self._kept: list[Order] = []
        self._requests = Requests(ground.open, self._grant)

    def has(self, order: Order) -> bool:
        """Return whether an order is here."""
        return order in self._twins.of or order in self._kept

    # -- what strategies ask for ---------------------------------------------------------------------------------------

    def send(self, order: Order) -> None:
        """Send an order with its children, or keep it until it can be judged."""
        ground = self._ground
        if ground.room(order):
            ground.inner.submit(self._made(order))
        elif order.symbol in ground.on_tape:
            ground.refuse(order, ground.clock.now)
        else:
            self._kept.append(order)

    def cancel(self, order: Order, reason: str) -> None:
        """Ask for an order, or a child that waits for its entry, to be canceled."""
        if order in self._kept:
            self._kept.remove(order)
            self._ground.end(order, _CANCELED, self._ground.clock.now, reason)
        elif order in self._twins.of:
            self._ground.inner.cancel(self._twins.of[order], reason)

    def amend(self, order: Order, lots: int, limit: float | None, trigger: float | None) -> None:
        """Ask for an order to be changed."""
        twin = self._twins.of.get(order)
        if lots <= order.filled_lots:
            self.cancel(order, "amended to its filled quantity")
        elif twin is None or is_limited(order):
            self._ask(order, twin, {"lots": lots, "limit_price": limit, "trigger_price": trigger})
        else:
            self._ground.inner.amend(twin, lots, limit, trigger)
            self._sync(order, twin)

    def _ask(self, order: Order, twin: Order | None, terms: Mapping[str, Any]) -> None:
        """Ask for a change of an order that is cut to a position, or is kept."""
        there = order if twin is None else twin
        before = {"lots": order.lots, "limit_price": there.limit_price, "trigger_price": there.trigger_price}
        # An amendment that waits may change what this one leaves alone: then all of its terms count.
        is_second = self._requests.waits(order)
        changes = {name: value for name, value in terms.items() if is_second or value != before[name]}
        request = Request(self._ground.clock.now, order, "amended to its filled quantity", changes)
        if order.symbol in self._ground.on_tape:
            self._grant(request)
        else:
            self._requests.ask(request)

    def _grant(self, request: Request) -> None:
        """Change an order, and its twin as far as there is room."""
        order, twin = request.order, self._twins.of.get(request.order)
        terms = {"lots": order.lots} | dict(request.changes or {})
        if order.is_closed or (twin is not None and twin.is_closed):
            return
        if terms["lots"] <= order.filled_lots:
            self.cancel(order, request.reason)
        elif twin is None:
            for name, value in terms.items():
                setattr(order, name, value)
        else:
            order.lots = terms["lots"]
            self._amend_twin(order, twin, terms)

    def _amend_twin(self, order: Order, twin: Order, terms: Mapping[str, Any]) -> None:
        is_held = order.status is OrderStatus.HELD
        there = order.open_lots if is_held else self._ground.room(order)
        if there:
            limit = terms.get("limit_price", twin.limit_price)
            trigger = terms.get("trigger_price", twin.trigger_price)
            self._ground.inner.amend(twin, twin.filled_lots + there, limit, trigger)
            self._sync(order, twin)
        else:
            self._cancel_for(order)

    def _made(self, order: Order) -> Order:
        """Return a new twin, cut to what there is room for, with twins of the children that wait for it."""
        twin = self._twin(order)
        if is_limited(order):
            twin.lots = order.filled_lots + self._ground.room(order)
        waiting = [child for child in order.children if child.status is OrderStatus.HELD]
        self._twins.link(twin, [self._twin(child) for child in waiting])
        return twin

    def _twin(self, order: Order) -> Order:
        return self._twins.make(order, strategy=ACCOUNT, reduce_only=False, children=(), handler=None)

    # -- what follows from fills ---------------------------------------------------------------------------------------

    def moved(self, filled: Order, time: int) -> None:
        """Bring orders of a strategy in line with its position, which a fill has changed."""
        symbol, strategy, id_ = filled.symbol, filled.strategy, filled.position_id
        for order in tuple(self._ground.open[symbol]):
            if order is filled or order.strategy != strategy or order.is_closed:
                continue
            if filled.oco_leader is not None and order.oco_leader is filled.oco_leader:
                self._cancel_sibling(order, filled, time)
            elif order.position_id == id_ and order in self._kept:
                self._arrive(order, filled, time)
            elif order.position_id == id_:
                self._fit(order)
        for child in filled.children:
            if child.status is OrderStatus.HELD and child in self._twins.of and not self._has_room(child):
                self._cancel_for(child)

    def _has_room(self, child: Order) -> bool:
        return child.side * self._ground.account.position_of(child).lots < 0

    def _cancel_sibling(self, order: Order, filled: Order, time: int) -> None:
        """Cancel another order of a one-cancels-other group, unless both are at the venue, which does it."""
        if order in self._kept or (order in self._twins.of and filled not in self._twins.of):
            reason = f"one cancels other: {filled.client_order_id}"
            if order in self._kept:
                self._kept.remove(order)
                self._ground.end(order, _CANCELED, max(time, order.time), reason)
            else:
                self._ground.inner.cancel(self._twins.of[order], reason)

    def _fit(self, order: Order) -> None:
        """Cut or grow a twin to what its strategy's position has room for; cancel it where that is nothing."""
        twin = self._twins.of.get(order)
        if twin is None or twin.is_closed or not is_limited(order):
            return
        there = self._ground.room(order)
        if not there:
            self._cancel_for(order)
        elif twin.lots != twin.filled_lots + there:
            self._ground.inner.amend(twin, twin.filled_lots + there, twin.limit_price, twin.trigger_price)

    def _cancel_for(self, order: Order) -> None:
        if order.reduce_only and order.status is not OrderStatus.HELD:
            reason = "reduce-only: position closed"
        else:
            reason = ending(order, self._ground.account.position_of(order))[1]
        self._ground.inner.cancel(self._twins.of[order], reason)

    def _arrive(self, order: Order, filled: Order, time: int) -> None:
        """Send what was kept, now that an older order has made room for it; inside a bar is too late for its open."""
        ground = self._ground
        bar = ground.bar_for(order.symbol, order.time)
        is_late = filled.number > order.number or (bar is not None and time > bar.start)
        if is_late or not ground.room(order):
            return
        self._kept.remove(order)
        twin = self._made(order)
        if bar is not None and ground.is_matching:
            self._stand(order, twin, bar)
        ground.inner.submit(twin)

    def _stand(self, order: Order, twin: Order, bar: Bar) -> None:
        """Let a twin rest inside the bar whose open made room for it: the venue has passed that open."""
        if order.type is OrderType.MARKET:
            twin.time = self._ground.clock.now
            return
        if order.type is OrderType.TRAILING_STOP and twin.trigger_price is None:
            trail = trail_level(order.side, bar.open, order.trail_amount or 0.0, order.trail_fraction or 0.0)
            twin.trigger_price = order.trigger_price = order.instrument.on_grid(trail, order.side)
        transition(twin, OrderStatus.ACCEPTED, bar.start)
        self._ground.listener.order_changed(order, OrderStatus.ACCEPTED, bar.start)

    def begin(self, bar: Bar) -> None:
        """Before the venue sees a bar: grant what was asked for before it."""
        self._requests.begin(bar)

    def settle(self, bars: Sequence[Bar]) -> None:
        """Once bars are matched: grant the rest, end what still has no room, and bring terms up to date."""
        starts = {bar.symbol: bar.start for bar in bars}
        for bar in bars:
            self._requests.finish(bar)
        for order in tuple(self._kept):
            if order.time <= starts.get(order.symbol, -1):
                self._kept.remove(order)
                self._ground.refuse(order, max(order.time, starts[order.symbol]))
        for symbol in starts:
            self.sync(symbol)

    def sync(self, symbol: str) -> None:
        """Bring the terms of a symbol's orders up to date, and fit them to what has changed since."""
        for order in tuple(self._ground.open[symbol]):
            twin = self._twins.of.get(order)
            if twin is not None:
                self._sync(order, twin)
                if order.is_open:
                    self._fit(order)

    def _sync(self, order: Order, twin: Order) -> None:
        if order.is_open:
            order.limit_price, order.trigger_price = twin.limit_price, twin.trigger_price
            order.time = twin.time
            if not is_limited(order):
                order.lots = twin.lots

    # -- what the venue reports ----------------------------------------------------------------------------------------

    def changed(self, twin: Order, status: OrderStatus, time: int, reason: str) -> None:
        """Move a twin and its order to a status."""
        transition(twin, status, time, reason)
        order = self._twins.original[twin]
        self._sync(order, twin)
        self._ground.listener.order_changed(order, status, time, reason)
        if status is OrderStatus.SUBMITTED:
            self._sent(order, twin)
        self._forget(order)

    def _sent(self, child: Order, twin: Order) -> None:
        """Take over a child that the venue sends: from now on it is cut and grown from here."""
        twin.lots = max(1, self._ground.room(child))
        if twin.parent is not None:
            twin.parent.children = tuple(one for one in twin.parent.children if one is not twin)
        self._ground.open[child.symbol].append(child)

    def filled(self, twin: Order, lots: int, price: float, fee: float, is_maker: bool, time: int) -> None:
        """Book the fill of a twin, which the account has booked already, for its strategy."""
        order = self._twins.original[twin]
        self._sync(order, twin)
        self._ground.fill(order, lots, price, fee, is_maker, time)
        for child in order.children:
            if child.is_open:
                child.lots = order.filled_lots
        if twin.is_closed and order.is_open:
            self._ground.end(order, _CANCELED, time, "reduce-only: position closed")
        self._ground.moved(order, time)
        self._forget(order)

    def _forget(self, order: Order) -> None:
        if order.is_closed:
            self._ground.drop(order)
            self._twins.forget(order)

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return the orders that are here by number, as values that JSON can hold."""
        twins = [[order.number, twin.lots] for order, twin in self._twins.of.items()]
        kept = [order.number for order in self._kept]
        return {"twins": twins, "kept": kept, "requests": self._requests.save()}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> dict[int, Order]:
        """Take over what ``save`` returned and return the twins by number."""
        self._kept = [orders[number] for number in state["kept"]]
        self._requests.restore(state.get("requests", {}), orders)
        twins = {}
        for number, lots in state["twins"]:
            twin = self._twin(orders[number])
            twin.lots, twins[number] = lots, twin
        for number, twin in twins.items():
            children = orders[number].children
            self._twins.link(twin, [twins[one.number] for one in self._waiting(children)])
        return twins

    def _waiting(self, children: Iterable[Order]) -> Iterator[Order]:
        return (one for one in children if one.status is OrderStatus.HELD and one in self._twins.of)
