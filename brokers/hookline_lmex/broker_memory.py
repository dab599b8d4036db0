"""What of the orders must survive a restart. It is small: it is written down with every commit of the journal.

After a restart the trade history is read from the last fill on, minus ``OVERLAP``. What it shows is known or new:

- of an order that is open, by the ids of its fills, which are kept, and so it is of one that ended in part filled within that time;
- of an order that has ended otherwise, every fill up to the last one is booked, since it ended only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hookline.model import Instrument, Order, OrderStatus, OrderType, Side
from hookline_lmex.broker_orders import Book, Track
from hookline_lmex.broker_strangers import Strangers
from hookline_lmex.tracker import Tracker
from hookline_lmex.wire_orders import lots_of

__all__ = ["OVERLAP", "restore_orders", "save_orders"]

OVERLAP = 120_000_000_000
"""Nanoseconds by which the trade history is read again, for fills that came out of order."""

_S = OrderStatus


def save_orders(tracker: Tracker, strangers: Strangers) -> dict[str, Any]:
    """Return what must survive a restart beside the orders themselves, as values that JSON can hold."""
    book, since = tracker.book, tracker.last_fill_time - OVERLAP
    while book.settled and next(iter(book.settled.values())).filled_at < since:
        book.settled.popitem(last=False)
    return {
        "tag": book.tag,
        "last_fill": tracker.last_fill_time,
        "orders": {str(n): _save_live(one) for n, one in book.live.items() if one.trades or one.cancel},
        "closed": [_save_closed(track) for track in book.settled.values()],
        "adopted": {id_: time for id_, time in strangers.adopted.items() if time >= since},
    }


def restore_orders(
    state: Mapping[str, Any],
    orders: Mapping[int, Order],
    tracker: Tracker,
    strangers: Strangers,
    instruments: Mapping[str, Instrument],
    *,
    seconds_since: Any,
) -> None:
    """Take over what ``save_orders`` returned, and the orders that are open.

    Args:
        state: As saved; empty where nothing was.
        orders: By number.
        tracker: New.
        strangers: New.
        instruments: Of the session.
        seconds_since: Returns the seconds since a time at the venue.
    """
    book = tracker.book
    tracker.last_fill_time = state.get("last_fill", 0)
    strangers.adopted.update(state.get("adopted", {}))
    saved = state.get("orders", {})
    for number, order in sorted(orders.items()):
        if order.is_closed or (order.handler is not None and order.handler.parent is order):
            continue
        track = book.add(order, is_sent=order.status is not _S.HELD)
        if track.is_sent:
            _restore_live(book, track, saved.get(str(number), {}), seconds_since(order.update_time))
    for row in state.get("closed", []):
        if row[2] in instruments:
            _restore_closed(book, row, instruments)


def _save_live(track: Track) -> dict[str, Any]:
    saved: dict[str, Any] = {}
    if track.trades:
        saved = {"units": str(track.units), "trades": sorted(track.trades), "filled_at": track.filled_at}
    if track.cancel is not None:
        saved["cancel"] = list(track.cancel)
    return saved


def _restore_live(book: Book, track: Track, saved: Mapping[str, Any], age: float) -> None:
    order = track.order
    track.trades = set(saved.get("trades", ()))
    track.filled_at = saved.get("filled_at", 0)
    if "units" in saved:
        track.units = track.told = Decimal(saved["units"])
    if "cancel" in saved:
        status, reason = saved["cancel"]
        track.cancel = (OrderStatus(status), reason)
    track.is_known = order.status not in (_S.SUBMITTED, _S.UNKNOWN)
    track.wants_terms = True
    book.doubt(track)
    assert track.doubt_since is not None, "a doubt has a beginning"
    track.doubt_since -= max(0.0, age)


def _save_closed(track: Track) -> list[Any]:
    order = track.order
    return [
        order.number, order.strategy, order.symbol, int(order.side), order.position_id, str(track.units),
        track.filled_at, sorted(track.trades),
    ]  # fmt: skip


def _restore_closed(book: Book, row: list[Any], instruments: Mapping[str, Instrument]) -> None:
    number, strategy, symbol, side, position_id, units, filled_at, trades = row
    instrument = instruments[symbol]
    lots = lots_of(instrument, Decimal(units))
    order = Order(
        number, strategy, instrument, Side(side), OrderType.MARKET, lots, filled_at,
        position_id=position_id, status=OrderStatus.FILLED, filled_lots=lots,
    )  # fmt: skip
    track = Track(order, "", is_sent=True, units=Decimal(units), filled_at=filled_at, trades=set(trades))
    track.told = track.units
    book.recall(track)
