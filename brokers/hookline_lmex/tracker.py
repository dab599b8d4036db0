"""What is believed of every order at the venue. No I/O: news go in, reports to the listener come out, and what to send next.

A *track* is one order. What is told of it may come late, twice, in any order, or never; these rules make that harmless:

1. Nothing is created twice. ``next_action`` says CREATE once for a track, and a restored track counts as sent.
2. A fill is booked once, by its trade id. Whatever else speaks of filled quantity only raises what is *owed*; fills that are owed
   for a while are asked for.
3. An order ends only once every fill that the venue counts has been booked, and it is FILLED by fills alone.
4. What is not known is a *doubt*: the order is asked about until the venue shows it or has not found it for long enough.
5. An open state never reopens what has ended. An order that was given up and shows up open after all is canceled.

=====  ==========================================  ======================================================================
row    news of an order                            what happens
=====  ==========================================  ======================================================================
       create
A1     done, with states                           each state is news, rows S1 to S9
A2     refused                                     REJECTED with the venue's words, CANCELED where there was nothing to reduce;
                                                   if a notice has shown the order: doubt
A3     not sent                                    REJECTED, "not sent: ..."
A4     unknown                                     UNKNOWN and doubt, unless a notice has shown the order
       state
S1     resting, waiting, triggered, amended        ACCEPTED, if nothing was known; a doubt about it is over
S2     triggered, of a stop-limit                  TRIGGERED
S3     partly filled                               owed; the end, if it is the answer to an order that never rests
S4     filled                                      owed; the end
S5     canceled                                    the end: as whom was asked for, EXPIRED where its time was up, REJECTED for a
                                                   post-only order that never rested, else CANCELED
S6     refunded                                    the end: CANCELED, nothing to take
S7     refused (8, 11, 15, 101, 300 to 305, ...)   REJECTED; CANCELED if part of it was filled
S8     any other number                            doubt
S9     liquidation, deleveraging                   an order of the venue's own: adopted with its fills
       fill
F1     trade id known                              nothing
F2     order open                                  booked; children are sent or grow; others of its group are canceled; what
                                                   reduced a position that is closed now is canceled
F3     more than is left of the order              the order was larger at the venue: its quantity follows the fill
F4     order ended here                            an adopted order of the same quantity, and a warning
F5     order is the venue's own                    with S9
F6     order is not of this session                nothing: reconciliation sees the position
       cancel
C1     done                                        S5
C2     refused, not found, unknown, not sent       doubt; if the order turns out to be open the cancel is sent again
       amend
M1     done                                        the order has the new terms
M2     refused                                     the order stays as it is; a warning; not found is a doubt
M3     unknown                                     doubt; the terms that the venue then shows are the order's
       asked, and the venue knows no such order
N1     for less than the grace, or too few times   asked again
N2     never shown by the venue                    REJECTED, "never reached the venue"
N3     shown before                                the end as S5, or CANCELED, "no longer at the venue"
       after a restart
R1     open order                                  doubt, from its last step on; nothing is sent again but cancels
R2     child that waits for its entry              goes on waiting
=====  ==========================================  ======================================================================

Everything happens in ``apply``, within one delivery: what is saved is what was reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from hookline.broker import BrokerListener
from hookline.model import Order, OrderStatus, OrderType
from hookline_lmex.broker_ends import end_of, terms_of
from hookline_lmex.broker_news import Absence, Action, FillNews, News, OrderNews, Outcome, Source, Verdict
from hookline_lmex.broker_orders import Book, Patience, Track
from hookline_lmex.broker_protecting import Protecting
from hookline_lmex.broker_strangers import Strangers
from hookline_lmex.codes import OrderCode
from hookline_lmex.wire_orders import Terms, is_immediate, lots_of

__all__ = ["Tracker"]

_S = OrderStatus
_NOT_KNOWN = frozenset({_S.SUBMITTED, _S.UNKNOWN})
# The venue's words for what the simulated venue cancels.
_NOTHING_TO_REDUCE = 33199120
_RESTS = frozenset({OrderCode.RESTING, OrderCode.TRIGGER_WAITING, OrderCode.TRIGGERED, OrderCode.AMENDED})
_OWN_DOING = frozenset({OrderCode.FROM_LIQUIDATION, OrderCode.FROM_DELEVERAGING})
_logger = logging.getLogger("hookline.lmex")

Fee = Callable[[Order, FillNews], float]
"""Returns the fee of a fill in quote currency."""


class Tracker:
    """The orders of a session at the venue.

    Args:
        listener: Who hears what happens.
        book: The orders.
        fee: What a fill costs, in quote currency.
        booked: Told of each fill once it is booked.
        patience: How long is waited for what.
        protecting: What follows from fills and ends.
        strangers: What is done with news of orders that are not in the book.
    """

    def __init__(
        self,
        listener: BrokerListener,
        book: Book,
        fee: Fee,
        booked: Callable[[Order, FillNews], None],
        patience: Patience,
        protecting: Protecting,
        strangers: Strangers,
    ) -> None:
        self._listener = listener
        self._fee = fee
        self._booked = booked
        self._patience = patience
        self._protecting = protecting
        self._strangers = strangers
        self.book = book
        self.last_fill_time = 0

    # -- what is wanted ------------------------------------------------------------------------------------------------

    def add(self, order: Order) -> None:
        """Take an order, with the children that wait for it; it is to be sent."""
        self._protecting.add(order)

    def cancel(self, order: Order, reason: str, status: OrderStatus = _S.CANCELED) -> None:
        """Want an order to end; one that was never sent ends without the venue."""
        track = self.book.live.get(order.number)
        if track is not None and order.is_open:
            self._protecting.cancel(track, status, reason)

    def amend(self, order: Order, terms: Terms) -> None:
        """Want an order to have other terms; the last ones asked for count. One that was never sent has them at once."""
        track = self.book.live.get(order.number)
        if track is None or order.is_closed:
            return
        if terms.lots <= order.filled_lots:
            self._protecting.cancel(track, _S.CANCELED, "amended to its filled quantity")
        elif not track.is_sent:
            order.lots, order.limit_price, order.trigger_price = terms
        else:
            track.terms = terms
            self.book.mark(track)

    # -- news ----------------------------------------------------------------------------------------------------------

    def apply(self, news: News) -> None:
        """Take one piece of news, and report what follows from it."""
        if isinstance(news, FillNews | OrderNews):
            self.book.newest = max(self.book.newest, news.time)
        if isinstance(news, FillNews):
            self._fill(news)
        elif isinstance(news, OrderNews):
            self._state(news)
        elif isinstance(news, Outcome):
            self._outcome(news)
        elif isinstance(news, Absence):
            self._absent(news)

    def _outcome(self, news: Outcome) -> None:
        track = self.book.live.get(news.number)
        if track is None:  # it has ended meanwhile: what the answer tells of fills still counts
            for state in news.states:
                self._state(state)
            return
        track.busy = None
        self.book.mark(track)
        if news.action is Action.CREATE:
            self._created(track, news)
        elif news.action is Action.CANCEL:
            self._cancel_answered(track, news)
        else:
            self._amended(track, news)

    def _created(self, track: Track, news: Outcome) -> None:
        order = track.order
        if news.verdict is Verdict.DONE and news.states:
            for state in news.states:
                self._state(state)
        elif news.verdict is Verdict.UNKNOWN or news.verdict is Verdict.DONE:
            self.book.doubt(track)
            if order.status is _S.SUBMITTED and not track.is_known:
                self._change(order, _S.UNKNOWN, 0, news.text)
        elif track.is_known:
            self.book.doubt(track)
        elif news.error == _NOTHING_TO_REDUCE and order.reduce_only:
            self._finish(track, _S.CANCELED, 0, "reduce-only: nothing to reduce")
        else:
            text = f"not sent: {news.text}" if news.verdict is Verdict.UNSENT else news.text
            self._finish(track, _S.REJECTED, 0, text)

    def _cancel_answered(self, track: Track, news: Outcome) -> None:
        for state in news.states:
            self._state(state)
        if track.order.is_open and track.end is None:
            self.book.doubt(track)
            track.postpone_cancel(self.book.watch(), self._patience)

    def _amended(self, track: Track, news: Outcome) -> None:
        terms, track.terms = track.terms, None
        asked, track.asked = track.asked, None
        if terms is not None and terms != asked:
            track.terms = terms  # asked for while this one was under way
        for state in news.states:
            self._state(state)
        order = track.order
        if order.is_closed or track.end is not None:
            return
        if news.verdict is Verdict.DONE and asked is not None:
            if not any(state.size is not None for state in news.states):
                self._adopt(track, asked)
        elif news.verdict in (Verdict.MISSING, Verdict.UNKNOWN, Verdict.DONE):
            self.book.doubt(track)
            track.wants_terms = True
        if news.verdict is not Verdict.DONE:
            self._listener.warn(f"{order.client_order_id} was not amended: {news.text}")
        if order.filled_lots == order.lots and order.is_open and not track.wants_terms:
            self._finish(track, _S.FILLED, 0, "")

    # -- states --------------------------------------------------------------------------------------------------------

    def _state(self, news: OrderNews) -> None:
        track = self.book.find(news.order_id, news.client_order_id)
        if track is None:
            self._strangers.state(news)
            return
        order, code = track.order, news.code
        self.book.name(track, news.order_id)
        if order.is_closed:
            is_given_up = track.was_given_up or order.number in self.book.live
            if is_given_up and code.is_open:
                self._strangers.cancel(news)
            return
        track.is_known, track.heard = True, self.book.watch()
        self._owe(track, news)
        if code in _RESTS:
            self._rests(track, news)
        elif code is OrderCode.PARTIALLY_FILLED:
            self._partly(track, news)
        elif code.is_unknown:
            self.book.doubt(track)
        else:
            status, reason = end_of(track, news)
            self._end(track, status, news.time, reason)

    def _owe(self, track: Track, news: OrderNews) -> None:
        filled = news.filled
        if filled is None and news.code is OrderCode.FILLED:
            filled = news.size
        if filled is not None and filled > track.told:
            track.told = filled
        if track.owes and track.owed_since is None:
            track.owed_since = self.book.watch()

    def _rests(self, track: Track, news: OrderNews) -> None:
        order, code = track.order, news.code
        if track.end is not None:
            return
        if order.status in _NOT_KNOWN:
            self._change(order, _S.ACCEPTED, news.time)
        if code is OrderCode.TRIGGERED and order.type is OrderType.STOP_LIMIT and order.status is _S.ACCEPTED:
            self._change(order, _S.TRIGGERED, news.time)
        self._settle(track, news)

    def _partly(self, track: Track, news: OrderNews) -> None:
        # The answer to a trigger order, or to an amendment of one, says nothing of what comes after its first fills.
        has_trigger = track.order.type not in (OrderType.MARKET, OrderType.LIMIT)
        is_last_word = news.source is Source.ANSWER and not has_trigger and is_immediate(track.order)
        if news.is_over or is_last_word:
            status, reason = end_of(track, news)
            self._end(track, status, news.time, reason)
        else:
            self._settle(track, news)

    def _settle(self, track: Track, news: OrderNews) -> None:
        """Note that an order is open at the venue, and with which terms."""
        order, is_query = track.order, news.source is Source.QUERY
        if is_query or news.source is Source.ANSWER:
            self.book.believe(track)
        if order.type is OrderType.TRAILING_STOP and news.trigger_price:
            order.trigger_price = float(news.trigger_price)
        if news.code is OrderCode.AMENDED and news.time >= track.terms_time:
            track.terms_time = news.time
        elif not (is_query and track.wants_terms and track.busy is None):
            return
        track.wants_terms = False
        self._adopt(track, terms_of(order, news))

    def _adopt(self, track: Track, terms: Terms) -> None:
        order = track.order
        order.lots = max(terms.lots, order.filled_lots)
        order.limit_price, order.trigger_price = terms.limit_price, terms.trigger_price
        if order.filled_lots == order.lots and order.is_open:
            self._finish(track, _S.FILLED, 0, "")

    def _end(self, track: Track, status: OrderStatus, time: int, reason: str) -> None:
        """End an order as soon as nothing is owed."""
        if track.end is None:
            track.end = (status, time, reason)
        self._close_if_paid(track)

    def _close_if_paid(self, track: Track) -> None:
        if track.end is None or track.owes or track.order.is_closed:
            return
        status, time, reason = track.end
        order = track.order
        if status is _S.REJECTED and order.filled_lots:
            status = _S.CANCELED
        if status is _S.FILLED:
            # The venue counts it as filled: with fewer lots than here it was amended, or cut to the position.
            order.lots = order.filled_lots
            if not order.lots:
                status, reason = _S.CANCELED, "ended at the venue without a fill"
        self._finish(track, status, time, reason)

    def _finish(self, track: Track, status: OrderStatus, time: int, reason: str) -> None:
        self._change(track.order, status, time, reason)
        self.book.retire(track)
        self._protecting.ended(track.order)

    def _change(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        when = max(time or self.book.now(), order.time)
        self._listener.order_changed(order, status, when, reason)
        _logger.info("%s is %s%s", order.client_order_id, status, f": {reason}" if reason else "")

    # -- fills ---------------------------------------------------------------------------------------------------------

    def _fill(self, news: FillNews) -> None:
        track = self.book.find(news.order_id, news.client_order_id)
        if track is None:
            self._strangers.fill(news, self.last_fill_time)
            return
        self.book.name(track, news.order_id)
        if news.trade_id in track.trades:
            return
        track.trades.add(news.trade_id)
        track.heard, track.filled_at = self.book.watch(), max(track.filled_at, news.time)
        self.last_fill_time = max(self.last_fill_time, news.time)
        order = track.order
        before = lots_of(order.instrument, track.units)
        track.units += news.size
        lots = lots_of(order.instrument, track.units) - before
        if order.is_closed:
            if lots:
                self._strangers.late(order, news, lots)
            return
        if lots:
            self._book_fill(track, news, lots)
        if not track.owes:
            track.owed_since = None
        self._close_if_paid(track)

    def _book_fill(self, track: Track, news: FillNews, lots: int) -> None:
        order = track.order
        track.is_known = True
        if track.terms is None and track.asked is None and order.filled_lots + lots > order.lots:
            self._listener.warn(f"{order.client_order_id}: the venue has filled more than was ordered")
        order.lots = max(order.lots, order.filled_lots + lots)
        held = self._protecting.held(order)
        fee = self._fee(order, news)
        when = max(news.time, order.time)
        if order.filled_lots + lots == order.lots and self._grows(track):
            # More is on its way to the venue: the order must not count as filled yet.
            order.lots += 1
            self._listener.order_filled(order, lots, float(news.price), fee, news.is_maker, when)
            order.lots -= 1
        else:
            self._listener.order_filled(order, lots, float(news.price), fee, news.is_maker, when)
        _logger.info("%s filled %d lots at %s", order.client_order_id, lots, news.price)
        if order.is_closed:
            self.book.retire(track)
        self._booked(order, news)
        self._protecting.filled(order, held)

    def _grows(self, track: Track) -> bool:
        """Return whether an amendment to a larger quantity is under way."""
        return track.asked is not None and track.asked.lots > track.order.lots

    # -- what the venue does not know ----------------------------------------------------------------------------------

    def _absent(self, news: Absence) -> None:
        track = self.book.live.get(news.number)
        if track is None or not track.is_sent or track.busy is Action.CREATE:
            return
        order, now = track.order, self.book.watch()
        self.book.doubt(track)
        track.asks += 1
        since = now if track.doubt_since is None else track.doubt_since
        if now - since < self._patience.unknown or track.asks < self._patience.asks or track.owes:
            return
        track.was_given_up = True
        if order.filled_lots == order.lots:
            self._finish(track, _S.FILLED, 0, "")
        elif order.status in _NOT_KNOWN and not track.is_known:
            self._finish(track, _S.REJECTED, 0, "never reached the venue")
        else:
            status, reason = track.cancel or (_S.CANCELED, "no longer at the venue")
            self._finish(track, status, 0, reason)
