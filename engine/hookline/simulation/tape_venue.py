"""Orders matched against the tape: books, quotes and trades.

=====  ======================================  ==========================================================================
row    situation                               what happens
=====  ======================================  ==========================================================================
A1     order without latency                   meets the book as the last event before it has left it
A2     no book yet                             rejected
A3     the book is stale, crossed or one-sided nothing fills; the order waits, with those before it, until that is over
M1     market                                  walks the book level by level, one fill as taker for each level
M2     market, more than the book shows        the rest is canceled
M3     liquidity that we have taken            is gone until the next update tells its level anew
L1     limit that crosses                      takes like a market order up to its limit, the rest rests
L2     limit that rests                        stands behind everything visible at its price and behind our own orders there
L3     trade at its price                      takes from the queue ahead; what is left of the trade fills the order as maker
L4     trade through its price                 fills it at its price, up to the quantity of the trade
L5     opposite best reaches its price         fills it at its price, up to what the book shows up to that price
L6     several of our orders                   better prices first, then first come first; no quantity is given twice
L7     level changes                           the queue model moves the quantity ahead (``queue.py``)
L8     only quotes, price behind the top       the queue is not known: no trade at its price fills it before a quote has shown it
P1     post-only that would take               rejected
I1     IOC                                     takes what is there up to its limit, the rest is canceled
I2     FOK                                     takes everything or is canceled, by what the book shows up to its limit
S1     stop, take-profit                       triggered by a trade at its trigger or beyond; then a market order
S2     the same, no trade seen so far          triggered by the best ask (buy) or best bid (sell)
S3     stop-limit                              triggered likewise; then a limit order that arrives
S4     beyond its trigger on arrival           triggered at once
TR1    trailing stop                           follows what triggers stops; a price that triggers it does not move it first
G1     GTD                                     expires at its time; what happens at that time does not fill it
LQ1    liquidation level reached               after the orders that the event fills: the position's orders are canceled, and it is closed at
                                               the average price of the levels that it takes. The mark decides where there is one, else the
                                               last trade, without trades the mid. Another symbol of the group whose book is not usable is
                                               closed at the last price that was seen of it
D1     cancel-all-after                        at its time, what was sent up to then is canceled, unless it was renewed
RE1    restart                                 orders that rested keep their places, as far as the first book leaves room for them; what that
                                               has passed fills them by L5
C1     cancel                                  counts at once
C2     amended to a smaller quantity           keeps its place in the queue
C3     amended to a larger quantity            goes to the end of the queue
C4     amended to another price                arrives anew: may take, post-only is judged again, end of the queue
=====  ======================================  ==========================================================================

Fills are at prices that traded or were shown, or at the limit of an order that such a price has reached. Our orders do not change
the tape: others do not react to them, and they never meet each other. Rows on funds, reduce-only, children and
one-cancels-other are those of ``core.py``. Times of reports are those of the clock, which shows the event's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hookline.broker import BrokerListener
from hookline.clock import Clock
from hookline.model import (
    BookUpdate,
    Instrument,
    Ledger,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
    TimeInForce,
    Trade,
)
from hookline.simulation.core import IMMEDIATE, VenueCore, level
from hookline.simulation.fees import FeeModel
from hookline.simulation.liquidation import Closing
from hookline.simulation.queue import PessimisticQueue, QueueModel
from hookline.simulation.requests import AtOnce, Request
from hookline.simulation.resting import OwnSide, TapeMarket

__all__ = ["TapeVenue"]

_NEVER = 2**63 - 1
_INFINITE = float("inf")


class TapeVenue(VenueCore):
    """Matches orders against books, quotes and trades by the rules of this module."""

    def __init__(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        fees: FeeModel,
        queue: QueueModel | None = None,
        *,
        leverage: float = 1.0,
        liquidation_fee: float = 0.0,
    ) -> None:
        super().__init__(
            listener, clock, instruments, ledgers, fees, leverage=leverage, liquidation_fee=liquidation_fee
        )
        self._requests = AtOnce(instruments, self._grant)
        self._queue = queue or PessimisticQueue()
        positions = (position for ledger in ledgers.values() for position in ledger.positions.values())
        known = {position.symbol: position.market for position in positions}
        self._markets = {
            symbol: TapeMarket(known[symbol], self.margin.limits(symbol)) for symbol in instruments
        }
        self._due = _NEVER

    def save(self) -> dict[str, Any]:
        saved = super().save()
        return saved | {"markets": {symbol: market.save() for symbol, market in self._markets.items()}}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        super().restore(state, orders)
        saved = state.get("markets", {})
        for symbol, market in self._markets.items():
            market.restore(self.open[symbol], saved.get(symbol, {}))
        self._plan()

    def recall(self, event: Quote | Trade | BookUpdate) -> None:
        """Let the book follow a message that was handled before a restart; nothing is filled."""
        book = self._markets[event.symbol].book
        if isinstance(event, BookUpdate):
            book.apply(event)
        elif isinstance(event, Quote):
            book.apply_quote(event)

    # -- time ----------------------------------------------------------------------------------------------------------

    @property
    def due(self) -> int:
        """When an order expires or cancel-all-after is due next, nanoseconds UTC."""
        return self._due

    def advance(self, until: int) -> None:
        """End what is due up to a time; events do that by themselves."""
        if self._due > until:
            return
        if self._deadline is not None and self._deadline <= until:
            self.pass_deadline()
        for orders in self.open.values():
            self.expire(orders, until + 1)
        self._plan()

    def cancel_all_after(self, seconds: float | None) -> None:
        super().cancel_all_after(seconds)
        self._plan()

    def _plan(self) -> None:
        times = [order.expire_time for orders in self.open.values() for order in orders]
        known = [time for time in (*times, self._deadline) if time is not None]
        self._due = min(known, default=_NEVER)

    def follow_marks(self, symbols: Iterable[str]) -> None:
        """Learn for which symbols a mark price decides on liquidation."""
        self.margin.follow_marks(symbols)

    # -- the tape ------------------------------------------------------------------------------------------------------

    def book(self, symbol: str) -> OrderBook:
        """Return the book that orders are matched against; only this venue may change it."""
        return self._markets[symbol].book

    def on_book(self, update: BookUpdate) -> None:
        """Apply an update and fill what it fills."""
        if self._clock.now >= self._due:
            self.advance(self._clock.now)
        market = self._markets[update.symbol]
        if market.apply(update):
            self._book_moved(market, update.prices)

    def on_quote(self, quote: Quote) -> None:
        """Move the top of the book and fill what that fills."""
        if self._clock.now >= self._due:
            self.advance(self._clock.now)
        market = self._markets[quote.symbol]
        if market.apply_quote(quote):
            self._book_moved(market, [])

    def on_trade(self, trade: Trade) -> None:
        """Fill the resting orders that a trade reaches, then trigger those that wait for its price."""
        if self._clock.now >= self._due:
            self.advance(self._clock.now)
        market = self._markets[trade.symbol]
        price = market.last = trade.price
        if self.open[trade.symbol]:
            own = market.buys if trade.side < 0 else market.sells
            if own.levels and own.side * (own.best - price) >= 0.0:
                self._hit(market, own, trade)
            if market.triggers:
                self._test_triggers(market)
        floor, ceiling = market.limits
        if price <= floor or price >= ceiling:
            self._call_margin(market, price)

    def _call_margin(self, market: TapeMarket, price: float) -> None:
        if not market.book.is_usable:
            return
        mark, now = market.known.mark, self._clock.now
        deciding = mark if mark == mark else price  # noqa: PLR0124

        def how(position: Position, _level: float) -> Closing:
            side = Side.SELL if position.lots > 0 else Side.BUY
            return Closing(self._markets[position.symbol].close_price(side, abs(position.lots)), now)

        self.liquidate(market.instrument.symbol, deciding, deciding, how)

    def _book_moved(self, market: TapeMarket, touched: list[float]) -> None:
        """Fill, trigger and liquidate what a change of the book does; ``touched`` are the prices that an update told."""
        if self.open[market.instrument.symbol]:
            market.requeue(self._queue, touched)
            if market.book.is_usable:
                self._meet_book(market)
        floor, ceiling = market.limits
        # Unlimited unless something is held: most events end here.
        if floor != -_INFINITE or ceiling != _INFINITE:
            price = market.last if market.has_trades else market.book.mid
            if price <= floor or price >= ceiling:
                self._call_margin(market, price)

    def _meet_book(self, market: TapeMarket) -> None:
        book, buys, sells = market.book, market.buys, market.sells
        if buys.levels and buys.best >= book.best_ask:
            self._cross(market, buys)
        if sells.levels and sells.best <= book.best_bid:
            self._cross(market, sells)
        if market.waiting:
            waiting, market.waiting = market.waiting, []
            for order in waiting:
                if order.is_open:
                    self._meet(market, order)
        if market.triggers and not market.has_trades:
            self._test_triggers(market)

    # -- arrivals ------------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Take an order to the market at once."""
        super().submit(order)
        self._arrive(order)

    def enter(self, children: Sequence[Order], price: float, time: int) -> None:  # noqa: ARG002
        for child in children:
            child.time = time
        for child in children:
            if child.is_open:
                self._arrive(child)

    def _arrive(self, order: Order) -> None:
        market, now = self._markets[order.symbol], self._clock.now
        if order.expire_time is not None:
            if order.expire_time <= now:
                self.close(order, OrderStatus.EXPIRED, now)
                return
            self._due = min(self._due, order.expire_time)
        if market.book.time == 0:
            self.close(order, OrderStatus.REJECTED, now, f"no book of {order.symbol} yet")
        elif order.type is OrderType.MARKET or order.type is OrderType.LIMIT:
            self._meet(market, order)
        else:
            self.accept(order, now)
            if order.is_open:
                market.triggers.append(order)
                self._test(market, order)

    def _meet(self, market: TapeMarket, order: Order) -> None:
        """Let an order that waits for no trigger meet the book, once that is usable."""
        if not market.book.is_usable:
            market.waiting.append(order)
        elif order.limit_price is not None:
            self._meet_with_limit(market, order)
        elif order.time_in_force is not TimeInForce.FOK or self._is_whole(market, order, None):
            self._take(market, order, None)
            if order.is_open:
                self._cancel_rest(order, "in the book")

    def _meet_with_limit(self, market: TapeMarket, order: Order) -> None:
        limit = level(order.limit_price)
        found = next(market.there(order.side, limit), None)
        if found is not None and order.post_only:
            self._refuse(order, self._clock.now, f"post-only: would take at {found[0]!r}")
            return
        if order.time_in_force is TimeInForce.FOK and not self._is_whole(market, order, limit):
            return
        if found is not None:
            self._take(market, order, limit)
        if not order.is_open:
            return
        if order.time_in_force in IMMEDIATE:
            self._cancel_rest(order, f"up to {limit!r}")
            return
        self.accept(order, self._clock.now)
        if order.is_open:
            market.queue(order, limit)

    def _cancel_rest(self, order: Order, where: str) -> None:
        left = f"{order.instrument.units(order.open_lots):g} of {order.quantity:g} left"
        self.close(order, OrderStatus.CANCELED, self._clock.now, f"no more {where}: {left}")

    # -- taking --------------------------------------------------------------------------------------------------------

    def _take(self, market: TapeMarket, order: Order, limit: float | None, at: float | None = None) -> None:
        """Walk the book level by level, as taker; as maker, at the order's own price, where that is given."""
        while order.is_open:
            found = next(market.there(order.side, limit), None)
            if found is None:
                return
            lots = min(found[1], order.open_lots)
            # Counted before it is filled: what follows from the fill may take too.
            market.take(order.side, found[0], lots)
            self._execute(order, lots, found[0] if at is None else at, is_maker=at is not None)

    def _is_whole(self, market: TapeMarket, order: Order, limit: float | None) -> bool:
        """Return whether an order can be filled as a whole; it is ended if not."""
        wanted, now = order.open_lots, self._clock.now
        found, worst = market.depth(order.side, limit, wanted)
        if found < wanted:
            there = f"{market.instrument.units(found):g} of {order.quantity:g} there"
            self.close(order, OrderStatus.CANCELED, now, f"fill or kill: {there}")
        elif not order.reduce_only:
            self._allowed(order, self.position_of(order), wanted, worst, self._fees.taker, now)
        return order.is_open

    def _execute(self, order: Order, lots: int, price: float, *, is_maker: bool) -> int:
        filled = self.fill(order, lots, price, self._clock.now, is_maker=is_maker)
        if not order.is_open:
            self._markets[order.symbol].forget(order)
        return filled

    # -- resting -------------------------------------------------------------------------------------------------------

    def _hit(self, market: TapeMarket, own: OwnSide, trade: Trade) -> None:
        """Let a trade reach our orders at its price and at better ones."""
        left, usable, instrument = trade.quantity, market.book.is_usable, market.instrument
        for at in own.best_first():
            distance = own.side * (at.price - trade.price)
            if distance < 0.0:
                return
            if distance == 0.0:
                at.traded += trade.quantity
            for place in at.places:
                ahead = place.ahead if distance == 0.0 else 0.0
                if left <= ahead:
                    place.ahead = ahead - left
                    continue
                place.ahead = 0.0
                order = place.order
                lots = min(instrument.lots(left - ahead), order.open_lots) if order.is_open else 0
                if lots > 0 and usable:
                    left -= instrument.units(self._execute(order, lots, at.price, is_maker=True))

    def _cross(self, market: TapeMarket, own: OwnSide) -> None:
        """Fill our orders whose price the other side has reached, from what is shown there."""
        for at in own.best_first():
            for place in at.places:
                if place.order in own:
                    self._take(market, place.order, at.price, at.price)
            if at.price in own.levels:
                return

    # -- triggers ------------------------------------------------------------------------------------------------------

    def _test_triggers(self, market: TapeMarket) -> None:
        for order in tuple(market.triggers):
            if order.is_open:
                self._test(market, order)

    def _test(self, market: TapeMarket, order: Order) -> None:
        """Trigger an order if its price is reached, else let a trailing stop follow."""
        price = market.reference(order.side)
        if price != price:  # noqa: PLR0124
            return
        if order.trigger_price is None:
            self.start_trailing(order, price)
        distance = order.side * (price - level(order.trigger_price))
        if order.type is OrderType.TAKE_PROFIT:
            distance = -distance
        if distance < 0.0:
            if order.type is OrderType.TRAILING_STOP:
                self.trail(order, price)
            return
        market.triggers.remove(order)
        if order.type is OrderType.STOP_LIMIT:
            self._listener.order_changed(order, OrderStatus.TRIGGERED, self._clock.now)
        self._meet(market, order)

    # -- ends and changes ----------------------------------------------------------------------------------------------

    def close(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        self._markets[order.symbol].forget(order)
        super().close(order, status, time, reason)

    def _grant(self, request: Request) -> None:
        order, changes = request.order, request.changes
        before = order.lots
        super()._grant(request)
        self._repriced.discard(order)
        if changes is None or order.is_closed:
            return
        market = self._markets[order.symbol]
        own = market.own[order.side]
        if order in own and "limit_price" in changes:
            own.remove(order)
            self._meet(market, order)
        elif order in own and order.lots > before:
            own.remove(order)
            market.queue(order, level(order.limit_price))
        elif order in market.triggers and "trigger_price" in changes:
            self._test(market, order)
