"""What follows from fills and ends, as at the simulated venue: children, one-cancels-other, protection of what is closed.

Rules of this file:

- Children wait here and are sent with the first fill of their entry, as large as what has filled; further fills make them grow.
  They are reduce-only, so on perpetuals a race between two of them closes a position and cannot open one.
- Any fill of one order of a one-cancels-other group cancels the others.
- What protects a position is canceled once that is closed or turned; orders on their way are left to the venue, which lets
  reduce-only orders only reduce.
- Spot has no reduce-only: a stop and a target that both rest could sell twice what is held, and the venue reserves the coins of each.
  Groups on spot are refused before anything of them is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from hookline.broker import BrokerListener
from hookline.model import InstrumentKind, Ledger, Order, OrderStatus
from hookline_lmex.broker_orders import Book, Track
from hookline_lmex.wire_orders import Terms

__all__ = ["Protecting"]

_S = OrderStatus
_SPOT_GROUP = (
    "not sent: on spot the venue cannot hold a stop and a target of the same coins so that only one of them sells; "
    "use one of the two"
)


class Protecting:
    """Orders that depend on others.

    Args:
        listener: Who hears of them.
        book: The orders.
        ledgers: By strategy; never changed here.
    """

    def __init__(self, listener: BrokerListener, book: Book, ledgers: Mapping[str, Ledger]) -> None:
        self._listener = listener
        self._ledgers = ledgers
        self.book = book
        self.ending: list[tuple[Track, OrderStatus, str]] = []
        """What ends without the venue, to be reported with the next delivery."""

    # -- what is wanted ------------------------------------------------------------------------------------------------

    def add(self, order: Order) -> None:
        """Take an order, with the children that wait for it."""
        track = self.book.add(order)
        for child in order.children:
            self.book.add(child)
        if reason := self._unsendable(order):
            self._void(track, _S.REJECTED, reason)
        elif self._reduces_nothing(order):
            self._void(track, _S.CANCELED, "reduce-only: nothing to reduce")

    def _unsendable(self, order: Order) -> str:
        leader = order.oco_leader
        is_spot = order.instrument.kind is InstrumentKind.SPOT
        if is_spot and (len(order.children) > 1 or (leader is not None and leader is not order)):
            return _SPOT_GROUP
        if leader is not None and leader is not order and leader.filled_lots:
            return f"not sent: one cancels other: {leader.client_order_id} has filled"
        return ""

    def _reduces_nothing(self, order: Order) -> bool:
        """Return whether a reduce-only order on spot, where the venue knows no such thing, would sell what is not held here."""
        is_spot = order.instrument.kind is InstrumentKind.SPOT
        return is_spot and order.reduce_only and order.side * self.held(order) >= 0

    def cancel(self, track: Track, status: OrderStatus, reason: str) -> None:
        """Want an order to end; one that was never sent ends without the venue."""
        if track.is_sent:
            track.cancel = track.cancel or (status, reason)
            self.book.mark(track)
        else:
            self._void(track, status, reason)

    def _void(self, track: Track, status: OrderStatus, reason: str) -> None:
        track.is_void = True
        self.ending.append((track, status, reason))

    def report(self) -> None:
        """Report what has ended without the venue."""
        while self.ending:
            ending, self.ending = self.ending, []
            for track, status, reason in ending:
                if track.order.is_closed or track.is_sent:
                    continue
                self._end(track, status, reason)

    def _end(self, track: Track, status: OrderStatus, reason: str) -> None:
        order = track.order
        if order.status is _S.SUBMITTED or (order.status is _S.HELD and status is _S.CANCELED):
            self._listener.order_changed(order, status, max(self.book.now(), order.time), reason)
        else:
            self._listener.order_changed(order, _S.CANCELED, max(self.book.now(), order.time), reason)
        self.book.retire(track)
        self.ended(order)

    # -- what follows --------------------------------------------------------------------------------------------------

    def held(self, order: Order) -> int:
        """Return the lots of the position that an order changes."""
        return self._ledgers[order.strategy].positions[order.position_id or order.symbol].lots

    def ended(self, order: Order) -> None:
        """Cancel the children of an entry that has ended without a fill."""
        if order.filled_lots:
            return
        for child in order.children:
            track = self.book.live.get(child.number)
            if track is not None and child.status is _S.HELD:
                self._end(track, _S.CANCELED, f"entry {order.status}")

    def filled(self, order: Order, held_before: int) -> None:
        """Do what follows from a fill that is booked."""
        if order.children:
            self._send_children(order)
        if order.oco_leader is not None:
            self._cancel_group(order)
        held = self.held(order)
        if held_before and held * held_before <= 0:
            self._cancel_reducing(order, held)

    def _send_children(self, entry: Order) -> None:
        for child in entry.children:
            track = self.book.live.get(child.number)
            if track is None or child.is_closed:
                continue
            if child.status is _S.HELD:
                child.lots = entry.filled_lots
                child.time = max(child.time, entry.update_time)
                self._listener.order_changed(child, _S.SUBMITTED, child.time)
                self.book.mark(track)
            elif not track.is_sent:
                child.lots = entry.filled_lots
            else:
                now = Terms(child.lots, child.limit_price, child.trigger_price)
                wanted = (track.terms or track.asked or now)._replace(lots=entry.filled_lots)
                track.terms = None if wanted == (track.asked or now) else wanted
                self.book.mark(track)

    def _cancel_group(self, filled: Order) -> None:
        reason = f"one cancels other: {filled.client_order_id}"
        for track in tuple(self.book.live.values()):
            order = track.order
            if (
                order is not filled
                and order.is_open
                and order.oco_leader is filled.oco_leader
                and order.strategy == filled.strategy
            ):
                self._drop(track, reason)

    def _cancel_reducing(self, filled: Order, held: int) -> None:
        for track in tuple(self.book.live.values()):
            order = track.order
            if (
                order.reduce_only
                and order is not filled
                and order.is_open
                and order.status not in (_S.SUBMITTED, _S.HELD)
                and order.symbol == filled.symbol
                and order.side * held >= 0
                and order.strategy == filled.strategy
                and order.position_id == filled.position_id
            ):
                self._drop(track, "reduce-only: position closed")

    def _drop(self, track: Track, reason: str) -> None:
        if track.is_sent:
            self.cancel(track, _S.CANCELED, reason)
        else:
            self._end(track, _S.CANCELED, reason)
