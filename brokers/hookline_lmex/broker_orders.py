"""The orders that are followed, by their number, by our id and by the venue's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from hookline.model import Order, OrderStatus
from hookline_lmex.broker_news import Action
from hookline_lmex.wire_orders import Terms, client_id, lots_of, size_of

__all__ = ["Book", "Patience", "Track"]

_NEVER = float("inf")
_KEPT_CLOSED = 20_000


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds here.

    Args:
        unknown: For an order that the venue does not know, before it is given up.
        asks: How often it must not have been found until then.
        fills: For fills that the venue counts and has not told, before they are asked for.
        first_ask: Between two questions about an order, doubling.
        last_ask: Where the doubling ends.
        silence: After which an order that never rests, and has not ended, is asked about.
    """

    unknown: float = 30.0
    asks: int = 3
    fills: float = 1.0
    first_ask: float = 0.25
    last_ask: float = 15.0
    silence: float = 5.0


@dataclass(eq=False, slots=True)
class Track:
    """One order on its way to, at and from the venue.

    Args:
        order: Ours.
        client_id: The id by which the venue knows it.
        is_sent: Whether it was given to the wire, or may have been, before a restart.
        is_void: Whether it is never to be sent: it ends here, with the next delivery.
        is_known: Whether the venue has shown it.
        busy: What is under way.
        cancel: The status and reason with which it is wanted to end.
        terms: Terms that are wanted.
        asked: Terms that were sent.
        terms_time: Of the newest terms that the venue has shown.
        wants_terms: Whether the terms that the venue shows next are to be taken over.
        units: Booked quantity, as the venue counts.
        told: Filled quantity, as far as the venue has told.
        trades: Ids of the fills that were booked.
        end: Status, time and reason that it has once nothing is owed.
        owed_since: Since when fills are owed.
        doubt_since: Since when it is not known how it stands.
        asks: How often the venue did not find it since then.
        questions: How often it was asked about since it was heard of last.
        next_ask: When it may be asked about.
        tries: How often a cancellation was sent in vain.
        next_cancel: When a cancellation may be sent.
        was_given_up: Whether it ended because the venue knew nothing of it.
        heard: When it was sent, or heard of last.
        filled_at: Time of its last fill, nanoseconds UTC.
        venue_id: The venue's id, empty until it is known.
    """

    order: Order
    client_id: str
    is_sent: bool = False
    is_void: bool = False
    is_known: bool = False
    busy: Action | None = None
    cancel: tuple[OrderStatus, str] | None = None
    terms: Terms | None = None
    asked: Terms | None = None
    terms_time: int = 0
    wants_terms: bool = False
    units: Decimal = Decimal(0)
    told: Decimal = Decimal(0)
    trades: set[str] = field(default_factory=set)
    end: tuple[OrderStatus, int, str] | None = None
    owed_since: float | None = None
    doubt_since: float | None = None
    asks: int = 0
    questions: int = 0
    next_ask: float = 0.0
    tries: int = 0
    next_cancel: float = 0.0
    was_given_up: bool = False
    heard: float = _NEVER
    filled_at: int = 0
    venue_id: str = ""

    @property
    def owes(self) -> bool:
        """Whether the venue counts whole lots as filled that are not booked."""
        instrument = self.order.instrument
        return lots_of(instrument, self.told) > lots_of(instrument, self.units)

    def postpone_cancel(self, now: float, patience: Patience) -> None:
        """Let some time pass before a cancellation is sent again."""
        self.next_cancel = now + min(patience.first_ask * 2 ** min(self.tries, 30), patience.last_ask)
        self.tries += 1

    def postpone_ask(self, now: float, patience: Patience) -> None:
        """Let some time pass before it is asked about again."""
        self.next_ask = now + min(patience.first_ask * 2 ** min(self.questions, 30), patience.last_ask)
        self.questions += 1


class Book:
    """The orders of one session at the venue.

    Args:
        tag: Of the session's client order ids.
        now: Returns the venue's time, nanoseconds UTC.
        watch: Returns seconds on a monotonic clock.

    Attributes:
        live: Those that have not ended, by number.
        closed: Those that have, by number, oldest first; a bounded memory that late news are compared with.
        settled: Of those, the ones that were filled in part.
        newest: Latest time of the venue's that was heard, nanoseconds UTC.
        marked: Those of which something may have to be sent, oldest first.
    """

    def __init__(self, tag: str, now: Callable[[], int], watch: Callable[[], float]) -> None:
        self.tag = tag
        self.now = now
        self.watch = watch
        self.live: dict[int, Track] = {}
        self.closed: OrderedDict[int, Track] = OrderedDict()
        self.settled: OrderedDict[int, Track] = OrderedDict()
        self.newest = 0
        self.marked: dict[Track, None] = {}
        self._by_client: dict[str, Track] = {}
        self._by_venue: dict[str, Track] = {}

    def add(self, order: Order, *, is_sent: bool = False) -> Track:
        """Follow an order; one that is followed already stays as it is."""
        track = self.live.get(order.number)
        if track is None:
            track = Track(order, client_id(self.tag, order.number), is_sent=is_sent)
            if order.filled_lots:
                track.units = track.told = size_of(order.instrument, order.filled_lots)
            self.live[order.number] = self._by_client[track.client_id] = track
            self.mark(track)
        return track

    def mark(self, track: Track) -> None:
        """Have it looked whether something of an order is to be sent."""
        self.marked[track] = None

    def find(self, order_id: str, client_order_id: str) -> Track | None:
        """Return the track that either id names, None where it is none of ours or forgotten."""
        return self._by_client.get(client_order_id) or self._by_venue.get(order_id)

    def name(self, track: Track, order_id: str) -> None:
        """Learn the venue's id of an order."""
        if order_id and not track.venue_id:
            track.venue_id = order_id
            self._by_venue[order_id] = track

    def retire(self, track: Track) -> None:
        """Move an order that has ended to those that have."""
        number = track.order.number
        if self.live.pop(number, None) is None:
            return
        self.closed[number] = track
        if track.trades and track.order.open_lots:
            self.settled[number] = track
        while len(self.closed) > _KEPT_CLOSED:
            number, oldest = self.closed.popitem(last=False)
            self.settled.pop(number, None)
            self._by_client.pop(oldest.client_id, None)
            self._by_venue.pop(oldest.venue_id, None)

    def give_up_closed(self) -> None:
        """Follow no longer what was closed here without the venue's word, as the comparison with it does after long enough."""
        for track in [one for one in self.live.values() if one.order.is_closed]:
            track.was_given_up = True
            self.retire(track)

    def recall(self, track: Track) -> None:
        """Remember an order that had ended before a restart."""
        number = track.order.number
        track.client_id = client_id(self.tag, number)
        self.closed[number] = self.settled[number] = self._by_client[track.client_id] = track

    def doubt(self, track: Track) -> None:
        """Begin to ask about an order, at once."""
        if track.doubt_since is None:
            track.doubt_since, track.asks, track.questions = self.watch(), 0, 0
            track.next_ask = track.doubt_since

    def believe(self, track: Track) -> None:
        """Stop asking about an order, whose state is known again."""
        track.doubt_since, track.asks, track.questions = None, 0, 0
        self.mark(track)
