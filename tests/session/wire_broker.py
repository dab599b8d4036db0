"""The broker of a venue in memory: everything that ``hookline.broker`` asks of brokers over a network.

Rules of this file:

- ``submit`` and its like note; ``flush`` sends, a delay later; what comes back waits until ``deliver``.
- Client order ids are made from the order's number, so a restarted broker knows them again. Nothing is sent twice.
- Fills are known by the venue's ids. Those that were reported are saved, so that none is reported twice over a restart.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hookline.broker import Broker
from hookline.errors import VenueError
from hookline.model import Order, OrderStatus, OrderType, Side
from hookline.model.order import CLOSED

__all__ = ["WireBroker"]

_S = OrderStatus
_NOT_KNOWN = (_S.SUBMITTED, _S.UNKNOWN)


@dataclass
class WireBroker(Broker):
    """Sends orders to a ``WireVenue``, with a delay each way."""

    name = "wire"
    is_live = True
    settles_funding = True

    venue: Any = None
    session: str = "w1"
    delay_seconds: float = 0.0
    leverage: float = 1.0
    taker_fee: float = 0.0
    steps: list = field(default_factory=list)
    """What the driver has called, for tests of the order of things."""

    def connect(self, listener, clock, instruments, ledgers):
        self.listener, self.clock = listener, clock
        self._wanted: list = []
        self._orders: dict[int, Order] = {}
        self._seen: dict[int, list[str]] = {}
        self._paid = len(self.venue.payments)
        self._inbox: list = []
        self._under_way = 0
        self._handles: set[asyncio.TimerHandle] = set()
        self._wake = lambda: None

    # -- what is wanted, and sent ----------------------------------------------------------------------------------------

    def submit(self, order):
        self.steps.append(("submit", order.number))
        for one in (order, *order.children):
            self._orders[one.number] = one
        self._wanted.append(("create", order, ()))

    def cancel(self, order, reason=""):
        self._wanted.append(("cancel", order, (reason,)))

    def amend(self, order, lots, limit_price, trigger_price):
        self._wanted.append(("amend", order, (lots, limit_price, trigger_price)))

    def cancel_all_after(self, seconds):
        self.venue.cancel_after = seconds

    def flush(self):
        wanted, self._wanted = self._wanted, []
        if wanted:
            self.steps.append(("flush", len(wanted)))
        for request in wanted:
            self._later(self._arrives, request)

    def client_id(self, order):
        """Our id of an order, as the venue knows it."""
        return f"{self.session}-{order.number}"

    def _number_of(self, client_id):
        session, _, number = client_id.rpartition("-")
        return int(number) if session == self.session else 0

    def _later(self, call, *args):
        def run():
            self._handles.discard(handle)
            self._under_way -= 1
            call(*args)

        self._under_way += 1
        handle = asyncio.get_running_loop().call_later(self.delay_seconds, run)
        self._handles.add(handle)

    def _arrives(self, request):
        """Let a request arrive at the venue, unless it is lost; its answer is under way from here on."""
        what, order, terms = request
        fault = self.venue.faults.popleft() if self.venue.faults else ""
        if self.venue.is_away or fault == "lose_request":
            self._later(self._answer, "unknown", order, terms)
            return
        if fault == "refuse":
            self._later(self._answer, f"refuse {what}", order, terms)
            return
        client_id = self.client_id(order)
        if what == "create":
            self._create(order)
        elif what == "cancel":
            self.venue.cancel(client_id, *terms)
        else:
            self.venue.amend(client_id, *terms)
        self._later(self._answer, "unknown" if fault == "lose_answer" else what, order, terms)

    def _create(self, order):
        from wire_venue import WireOrder

        def wire(one, after="", group=""):
            return WireOrder(
                "", self.client_id(one), one.symbol, Side(one.side), OrderType(one.type), one.lots,
                one.limit_price, one.trigger_price, one.time_in_force, one.post_only,
                one.reduce_only or bool(after), one.position_id, group, after,
                _S.HELD if after else _S.ACCEPTED,
            )  # fmt: skip

        leader = order.oco_leader
        own = self.client_id(order)
        # Children first, so that an entry that fills at once finds them.
        for child in order.children:
            self.venue.create(wire(child, after=own, group=f"protection of {own}"))
        self.venue.create(wire(order, group="" if leader is None else self.client_id(leader)))

    def _answer(self, what, order, terms):
        self._inbox.append((what, order, terms))
        self._wake()

    # -- what comes back -------------------------------------------------------------------------------------------------

    def _pushed(self, order):
        if order is None or self._number_of(order.client_id) in self._orders:
            self._later(self._answer, "push", order, ())

    def deliver(self):
        inbox, self._inbox = self._inbox, []
        for what, order, _ in inbox:
            if what == "push":
                self._show(order) if order is not None else self._pay()
            elif what == "unknown":
                if order.status is _S.SUBMITTED:
                    self.listener.order_changed(order, _S.UNKNOWN, self.clock.now, "no answer")
            elif what == "refuse create" and order.status in _NOT_KNOWN:
                for one in (order, *order.children):
                    self.listener.order_changed(one, _S.REJECTED, self.clock.now, "refused by the venue")
            elif what in ("create", "amend"):
                found = self.venue.find(self.client_id(order))
                if found is not None:
                    self._show(found, adopts=what == "amend")

    def _pay(self):
        while self._paid < len(self.venue.payments):
            self._paid += 1
            self.listener.funding_paid(*self.venue.payments[self._paid - 1])

    def _show(self, wire, *, adopts=False):
        """Report what is new in the venue's view of one of our orders; terms are taken over where we have asked for them."""
        order = self._orders.get(self._number_of(wire.client_id))
        if order is None or order.is_closed:
            return
        if adopts or order.parent is not None:
            order.lots = max(wire.lots, order.filled_lots)
            order.limit_price, order.trigger_price = wire.limit_price, wire.trigger_price
        # Whoever has changed its quantity: what was filled counts, and filled is filled.
        order.lots = wire.filled_lots if wire.status is _S.FILLED else max(order.lots, wire.filled_lots)
        is_there = wire.status not in (*CLOSED, _S.HELD) or (order.status is _S.HELD and wire.fills)
        if order.status in (*_NOT_KNOWN, _S.HELD) and is_there:
            self.listener.order_changed(order, _S.ACCEPTED, self.clock.now)
        seen = self._seen.setdefault(order.number, [])
        for fill in wire.fills:
            if fill.id not in seen:
                seen.append(fill.id)
                self.listener.order_filled(order, fill.lots, fill.price, fill.fee, fill.is_maker, fill.time)
        if wire.status is _S.TRIGGERED and order.status is _S.ACCEPTED:
            self.listener.order_changed(order, _S.TRIGGERED, self.clock.now)
        if wire.status in CLOSED and order.is_open:
            self.listener.order_changed(order, wire.status, self.clock.now, wire.reason)

    # -- questions ---------------------------------------------------------------------------------------------------------

    async def _ask(self):
        await asyncio.sleep(self.delay_seconds)
        if self.venue.is_away:
            raise VenueError("the venue cannot be reached: it is away")

    async def catch_up(self):
        self.steps.append(("catch_up", len(self._orders)))
        await self._ask()
        for order in list(self._orders.values()):
            found = None if order.is_closed else self.venue.find(self.client_id(order))
            if found is not None:
                self._answer("push", found, ())
        self._answer("push", None, ())

    async def venue_account(self):
        await self._ask()
        return self.venue.account(self._number_of)

    async def cancel_foreign(self, venue_order_ids):
        await self._ask()
        for id_ in venue_order_ids:
            order = self.venue.orders[id_]
            if order.status not in CLOSED:
                self.venue.end(order, _S.CANCELED, "asked for by id")

    async def settle(self, seconds):
        try:
            async with asyncio.timeout(seconds):
                while self._under_way or self._wanted:  # noqa: ASYNC110  # bounded, and a test's
                    await asyncio.sleep(max(self.delay_seconds / 4, 0.001))
        except TimeoutError:
            return False
        return True

    async def open(self, wake):
        self._wake = wake
        if self.venue.is_away:
            raise VenueError("the venue cannot be reached: it is away")
        self.venue.pushes.append(self._pushed)

    async def aclose(self):
        if self._pushed in self.venue.pushes:
            self.venue.pushes.remove(self._pushed)
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
        self._under_way = 0

    async def withdraw(self, symbols, *, flatten):
        await self._ask()
        done = []
        for order in list(self.venue.orders.values()):
            if order.symbol in symbols and order.is_open:
                self.venue.end(order, _S.CANCELED, "withdrawn")
                done.append(f"canceled {order.id} on {order.symbol}")
        for id_, held in self.venue.held.items():
            if flatten and held.lots and held.symbol in symbols:
                done.append(f"closed {held.lots} lots of {id_}")
                held.lots = 0
        return done

    # -- restarts ----------------------------------------------------------------------------------------------------------

    def save(self):
        open_ = {number for number, order in self._orders.items() if order.is_open}
        return {
            "seen": {str(n): list(ids) for n, ids in self._seen.items() if n in open_},
            "paid": self._paid,
        }

    def restore(self, state, orders):
        self._orders = dict(orders)
        self._seen = {int(number): list(ids) for number, ids in state.get("seen", {}).items()}
        self._paid = state.get("paid", self._paid)
