"""What is to be sent and to be asked next, given how an order stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.model import OrderStatus
from hookline_lmex.broker_news import Action
from hookline_lmex.broker_orders import Book, Patience, Track
from hookline_lmex.wire_orders import is_immediate

__all__ = ["expired", "is_quiet", "next_action", "to_ask"]

_S = OrderStatus


def next_action(track: Track, now: float) -> Action | None:
    """Return what is to be sent about an order now; one thing at a time, so that its requests keep their order.

    Args:
        track: The order.
        now: Seconds on the book's watch.
    """
    order = track.order
    if track.busy is not None or order.is_closed or order.status is _S.HELD or track.end is not None:
        return None
    if not track.is_sent:
        return None if track.is_void else Action.CREATE
    if track.cancel is not None:
        return Action.CANCEL if now >= track.next_cancel else None
    if track.terms is not None and track.is_known and track.doubt_since is None:
        return Action.AMEND
    return None


def has_actions(book: Book) -> bool:
    """Return whether something is to be sent now."""
    now = book.watch() if book.marked else 0.0
    return any(next_action(track, now) is not None for track in book.marked)


def to_ask(book: Book, patience: Patience) -> Iterator[Track]:
    """Yield the orders that the venue is to be asked about now."""
    now = book.watch()
    for track in book.live.values():
        if not track.is_sent or track.busy is Action.CREATE or now < track.next_ask:
            continue
        owes = track.owed_since is not None and now - track.owed_since >= patience.fills
        lingers = is_immediate(track.order) and now - track.heard >= patience.silence
        if track.doubt_since is not None or owes or lingers:
            yield track


def expired(book: Book) -> Iterator[Track]:
    """Yield the orders whose time is up and that are not yet wanted to end."""
    now = book.now()
    for track in book.live.values():
        end = track.order.expire_time
        if end is not None and end <= now and track.cancel is None and track.order.status is not _S.HELD:
            yield track


def is_quiet(book: Book) -> bool:
    """Return whether nothing is under way, wanted or in doubt."""
    return not any(
        track.busy is not None
        or track.cancel is not None
        or track.terms is not None
        or track.doubt_since is not None
        or track.owed_since is not None
        or (not track.is_sent and track.order.status is not _S.HELD)
        for track in book.live.values()
    )
