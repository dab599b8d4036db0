"""The way between a desk and a venue that is not at the same place.

Rules of this file:

- Orders, cancellations and amendments reach the venue after the entry latency, reports reach the listener after the response
  latency. On either way nothing overtakes what was sent before it.
- The venue works on twins of the orders and of the ledgers: it fills at once what the strategies hear of later. A cancellation
  that crosses a fill on the way comes too late, and the order ends as filled.
- A report carries the terms that the order had at the venue when it was sent, so that the order here changes with it and not before.
- After a restart what was heard of is the truth. What was under way to the venue is sent again; what the venue had done and nobody
  had heard of is as if it had not happened.
- The venue has a clock of its own. It sees the tape in the venue's time; what arrives at the time of an event comes after it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from hookline.broker import BrokerListener
from hookline.clock import Clock, EventClock
from hookline.model import (
    BookUpdate,
    Ledger,
    Order,
    OrderStatus,
    Position,
    Quote,
    Trade,
    Wallet,
    transition,
)
from hookline.simulation.latency import LatencyModel
from hookline.simulation.tape_venue import TapeVenue
from hookline.simulation.twins import Twins, copy_holdings, fill_twin, twin_of_ledger

__all__ = ["DelayedVenue", "VenueMaker"]

VenueMaker = Callable[[BrokerListener, Clock, Mapping[str, Ledger]], TapeVenue]
"""Makes the venue, given the listener, the clock and the ledgers that it is to use."""

_NEVER = 2**63 - 1


class _Terms(NamedTuple):
    """What an amendment may change of an order."""

    lots: int
    limit_price: float | None
    trigger_price: float | None


class DelayedVenue:
    """A venue behind a latency.

    Args:
        listener: Who hears the reports.
        clock: The clock of the strategies.
        ledgers: The ledgers of the strategies; the venue gets twins of them.
        latency: How long things are under way.
        make: Makes the venue.
    """

    def __init__(
        self,
        listener: BrokerListener,
        clock: Clock,
        ledgers: Mapping[str, Ledger],
        latency: LatencyModel,
        make: VenueMaker,
    ) -> None:
        self._listener = listener
        self._here = clock
        self._there = EventClock()
        self._latency = latency
        self._ledgers = ledgers
        self._wallets: list[tuple[Wallet, Wallet]] = []
        self._twin_ledgers = {id_: self._twin_of_ledger(ledger) for id_, ledger in ledgers.items()}
        self._told = {wallet: wallet.cash for wallet, _ in self._wallets}
        self._out: deque[tuple[int, Callable[[], None]]] = deque()
        self._back: deque[tuple[int, Callable[[], None]]] = deque()
        self._twins = Twins()
        self._fill_count = 0
        self.venue = make(self, self._there, self._twin_ledgers)

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def due(self) -> int:
        """When something arrives on either side, or ends at the venue, next; nanoseconds UTC."""
        due = self.venue.due
        if self._out:
            due = min(due, self._out[0][0])
        if self._back:
            due = min(due, self._back[0][0])
        return due

    def advance(self, until: int) -> None:
        """Let what is due up to a time happen, in the order of time: ends at the venue, arrivals there, arrivals here."""
        while (due := self.due) <= until:
            if self.venue.due == due:
                self._set_clock(due)
                self.venue.advance(due)
            elif self._out and self._out[0][0] == due:
                self._set_clock(due)
                self._out.popleft()[1]()
            else:
                self._back.popleft()[1]()

    def _set_clock(self, time: int) -> None:
        self._there.now = max(self._there.now, time)

    def _send(self, action: Callable[[], None]) -> None:
        """Send something to the venue."""
        now = self._here.now
        due = now + self._latency.entry(now)
        self._out.append((max(due, self._out[-1][0]) if self._out else due, action))

    def _answer(self, action: Callable[[], None]) -> None:
        """Send a report from the venue."""
        now = self._there.now
        due = now + self._latency.response(now)
        self._back.append((max(due, self._back[-1][0]) if self._back else due, action))

    def liquidation_price(self, position: Position) -> float:
        """Return where the venue's twin of a position is liquidated while all other prices stay, NaN for nowhere."""
        twins = (
            self._twin_ledgers[id_].positions[position.id]
            for id_, ledger in self._ledgers.items()
            if ledger.positions.get(position.id) is position
        )
        return next((self.venue.liquidation_price(twin) for twin in twins), math.nan)

    # -- the tape, in the venue's time ---------------------------------------------------------------------------------

    def on_book(self, update: BookUpdate) -> None:
        """Let the venue see a book update when it happens there."""
        self._set_clock(update.venue_time)
        self.venue.on_book(update)

    def on_quote(self, quote: Quote) -> None:
        """Let the venue see a quote when it happens there."""
        self._set_clock(quote.venue_time)
        self.venue.on_quote(quote)

    def on_trade(self, trade: Trade) -> None:
        """Let the venue see a trade when it happens there."""
        self._set_clock(trade.venue_time)
        self.venue.on_trade(trade)

    def recall(self, event: Quote | Trade | BookUpdate) -> None:
        """Let the venue's book follow a message that was handled before a restart."""
        self._set_clock(event.venue_time)
        self.venue.recall(event)

    def paid(self, symbol: str) -> None:
        """Bring to the venue the cash that funding has paid, and let it look at its margins."""
        self._bring_cash()
        self.venue.paid(symbol)

    def _bring_cash(self) -> None:
        """Bring to the venue what else than fills has changed the cash of the ledgers."""
        for wallet, twin in self._wallets:
            twin.cash += wallet.cash - self._told[wallet]
            self._told[wallet] = wallet.cash

    # -- what strategies send ------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Send an order with its children."""
        twin = self._twins.make(order)
        self._twins.link(twin, [self._twins.make(child) for child in order.children])
        self._send(lambda: self._arrive(twin))

    def cancel(self, order: Order, reason: str = "") -> None:
        """Send a cancellation; it comes too late if the order is closed when it arrives."""
        twin = self._twins.of.get(order)
        if twin is not None:
            self._send(lambda: self._cancel(twin, reason))

    def amend(self, order: Order, lots: int, limit: float | None, trigger: float | None) -> None:
        """Send an amendment; the order changes here when the venue's answer is back."""
        twin = self._twins.of.get(order)
        if twin is not None:
            self._send(lambda: self._amend(twin, _Terms(lots, limit, trigger)))

    def cancel_all_after(self, seconds: float | None) -> None:
        """Send a renewal; its time counts from its arrival."""
        self._send(lambda: self.venue.cancel_all_after(seconds))

    def _arrive(self, twin: Order) -> None:
        now, leader = self._there.now, twin.oco_leader
        twin.time = now
        if leader is not None and leader is not twin and leader.filled_lots:
            reason = f"one cancels other: {leader.client_order_id} has filled"
            self.order_changed(twin, OrderStatus.REJECTED, now, reason)
            for child in twin.children:
                self.order_changed(child, OrderStatus.CANCELED, now, "entry rejected")
            return
        self.venue.submit(twin)

    def _cancel(self, twin: Order, reason: str) -> None:
        if twin.is_open:
            self.venue.cancel(twin, reason)

    def _amend(self, twin: Order, terms: _Terms) -> None:
        if twin.is_closed:
            return
        self.venue.amend(twin, *terms)
        if twin.is_open:
            order, now = self._twins.original[twin], _terms_of(twin)
            self._answer(lambda: _set_terms(order, now))

    # -- what the venue reports ----------------------------------------------------------------------------------------

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move a twin, and send word of it."""
        transition(order, status, time, reason)
        original, terms = self._twins.original[order], _terms_of(order)

        def hear() -> None:
            _set_terms(original, terms)
            self._listener.order_changed(original, status, time, reason)
            self._twins.forget(original)

        self._answer(hear)

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Fill a twin and book it in its ledger, and send word of it."""
        self._fill_count += 1
        fill = fill_twin(self._fill_count, order, lots, price, fee, is_maker, time)
        self._twin_ledgers[order.strategy].book(fill)
        original, terms = self._twins.original[order], _terms_of(order)

        def hear() -> None:
            _set_terms(original, terms)
            position = self._ledgers[original.strategy].positions[original.position_id or original.symbol]
            self._bring_cash()
            self._listener.order_filled(original, lots, price, fee, is_maker, time)
            self._told[position.wallet] = position.wallet.cash
            # As at the venue: what protects an entry is as large as what has filled of it.
            for child in original.children:
                if child.is_open:
                    child.lots = original.filled_lots
            self._twins.forget(original)

        self._answer(hear)

    def order_adopted(self, order: Order) -> None:
        """Take an order that the venue itself has made, and send word of it."""
        original = msgspec.structs.replace(order)
        self._twins.add(original, order)
        for status in (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED):
            transition(order, status, self._there.now)
        self._answer(lambda: self._listener.order_adopted(original))

    def funding_paid(self, symbol: str, time: int, rate: float, amount: float) -> None:
        """Pass on what the venue has paid."""
        self._listener.funding_paid(symbol, time, rate, amount)

    def warn(self, text: str) -> None:
        """Pass a warning on."""
        self._listener.warn(text)

    # -- restarts ------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart beside the orders, as values that JSON can hold."""
        return self.venue.save()

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take over what ``save`` returned before a restart, and the orders that are open, by number.

        The ledgers must be as they were by now.
        """
        for id_, ledger in self._ledgers.items():
            copy_holdings(ledger, self._twin_ledgers[id_])
        self._told = {wallet: wallet.cash for wallet, _ in self._wallets}
        live = [order for _, order in sorted(orders.items()) if order.is_open]
        twins = {order.number: self._twins.make(order) for order in live}
        for order in live:
            twin = twins[order.number]
            children = (twins.get(child.number) or msgspec.structs.replace(child) for child in order.children)
            self._twins.link(twin, list(children))
        there = [one for one in live if one.status not in (OrderStatus.SUBMITTED, OrderStatus.HELD)]
        numbers: dict[str, list[int]] = {symbol: [] for symbol in self.venue.open}
        for order in there:
            numbers[order.symbol].append(order.number)
        self.venue.restore({**state, "open": numbers}, twins)
        for order in live:
            if order.status is OrderStatus.SUBMITTED:
                self._send(partial(self._arrive, self._twins.of[order]))

    # -- twins ---------------------------------------------------------------------------------------------------------

    def _twin_of_ledger(self, ledger: Ledger) -> Ledger:
        twin = twin_of_ledger(ledger)
        self._wallets += zip(ledger.wallets, twin.wallets, strict=True)
        return twin


def _terms_of(order: Order) -> _Terms:
    return _Terms(order.lots, order.limit_price, order.trigger_price)


def _set_terms(order: Order, terms: _Terms) -> None:
    if order.is_open:
        order.lots, order.limit_price, order.trigger_price = terms
