"""One instrument at the venue on the tape: our resting orders by price, each with its place in the queue, and what we took."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hookline.model import BookUpdate, Market, Order, OrderBook, OrderStatus, OrderType, Quote, Side
from hookline.simulation.queue import QueueModel

__all__ = ["OPPOSITE", "OwnLevel", "OwnSide", "Place", "TapeMarket"]

# What a level showed that was not looked at yet: different from all that it may show.
_UNSEEN = -1.0
OPPOSITE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class Place:
    """An order in its queue; ``ahead`` is what stands before it of the visible quantity, in base units.

    Infinite where the level has never been seen: behind the top, where only quotes are followed.
    """

    __slots__ = ("ahead", "order")

    def __init__(self, order: Order, ahead: float) -> None:
        self.order = order
        self.ahead = ahead


class OwnLevel:
    """Our orders at one price, first come first; ``shown`` and ``traded`` as the queue models want them."""

    __slots__ = ("places", "price", "shown", "traded")

    def __init__(self, price: float, shown: float) -> None:
        self.price = price
        self.shown = shown
        self.traded = 0.0
        self.places: list[Place] = []

    def save(self, side: Side) -> list[Any]:
        """Return the level of a side and who stands where in it, as values that JSON can hold."""
        places = [[place.order.number, place.ahead] for place in self.places]
        return [int(side), self.price, self.shown, self.traded, places]


class OwnSide:
    """Our orders on one side of a book; ``best`` is the best price among them, of no meaning without any."""

    __slots__ = ("_level_of", "best", "levels", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self.best = 0.0
        self.levels: dict[float, OwnLevel] = {}
        self._level_of: dict[Order, OwnLevel] = {}

    def add(self, order: Order, price: float, shown: float, ahead: float) -> None:
        """Put an order at the end of the queue at a price."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = OwnLevel(price, shown)
            if len(self.levels) == 1 or self.side * (price - self.best) > 0.0:
                self.best = price
        level.places.append(Place(order, ahead))
        self._level_of[order] = level

    def remove(self, order: Order) -> None:
        """Take an order out; nothing happens if it is not there."""
        level = self._level_of.pop(order, None)
        if level is None:
            return
        level.places = [place for place in level.places if place.order is not order]
        if not level.places:
            del self.levels[level.price]
            if self.levels and level.price == self.best:
                self.best = max(self.levels) if self.side > 0 else min(self.levels)

    def __contains__(self, order: object) -> bool:
        return order in self._level_of

    def best_first(self) -> list[OwnLevel]:
        """Return the levels as they stand now, best price first."""
        return sorted(self.levels.values(), key=lambda level: level.price, reverse=self.side > 0)


class TapeMarket:
    """One instrument at the venue: its book, our orders, and what we have taken from the book.

    Args:
        known: The market of our positions, whose mark price decides on liquidation.
        limits: Live ``[floor, ceiling]`` of the price inside of which nothing is liquidated.

    Attributes:
        book: The book in the venue's time.
        last: Price of the last trade, NaN before the first.
        own: Our resting orders by side.
        triggers: Orders that wait for a price, in the order of arrival.
        waiting: Orders that wait for a usable book, in the order in which they came to meet it.
        taken: Base units that we took at a price since its level changed last, by the side that rested.
    """

    __slots__ = (
        "_asks_taken", "_bids_taken", "book", "buys", "instrument", "known", "last", "limits", "own", "sells", "taken", "triggers", "waiting",
    )  # fmt: skip

    def __init__(self, known: Market, limits: list[float]) -> None:
        self.known = known
        self.limits = limits
        self.instrument = known.instrument
        self.book = OrderBook(known.instrument.symbol)
        self.last = float("nan")
        self.buys, self.sells = OwnSide(Side.BUY), OwnSide(Side.SELL)
        self.own = {Side.BUY: self.buys, Side.SELL: self.sells}
        self.triggers: list[Order] = []
        self.waiting: list[Order] = []
        self._bids_taken: dict[float, float] = {}
        self._asks_taken: dict[float, float] = {}
        self.taken = {Side.BUY: self._bids_taken, Side.SELL: self._asks_taken}

    @property
    def has_trades(self) -> bool:
        """Whether a trade was seen."""
        return self.last == self.last

    def reference(self, side: Side) -> float:
        """Return the price that triggers orders of a side: the last trade's, without trades what the side would get."""
        if self.has_trades:
            return self.last
        return self.book.best_ask if side > 0 else self.book.best_bid

    def forget(self, order: Order) -> None:
        """Take an order out of everything."""
        self.own[order.side].remove(order)
        if order in self.triggers:
            self.triggers.remove(order)
        if order in self.waiting:
            self.waiting.remove(order)

    def save(self) -> dict[str, Any]:
        """Return where our orders stand, as values that JSON can hold."""
        return {
            "last": self.last if self.has_trades else None,
            "levels": [level.save(own.side) for own in self.own.values() for level in own.levels.values()],
            "triggers": [order.number for order in self.triggers],
            "waiting": [order.number for order in self.waiting],
            "taken": [[int(side), *row] for side, taken in self.taken.items() for row in taken.items()],
        }

    def restore(self, orders: Iterable[Order], saved: Mapping[str, Any]) -> None:
        """Put open orders back after a restart, each where it stood.

        Those that nothing was saved of go where their status says; the first book tells what is ahead of them.
        """
        last = saved.get("last")
        self.last = float("nan") if last is None else last
        left = {order.number: order for order in orders}
        for side, price, shown, traded, places in saved.get("levels", ()):
            own = self.own[Side(side)]
            for number, ahead in places:
                if number in left:
                    order = left.pop(number)
                    own.add(order, price, shown, ahead)
                    own.levels[price].traded = traded
        self.triggers = [left.pop(number) for number in saved.get("triggers", ()) if number in left]
        self.waiting = [left.pop(number) for number in saved.get("waiting", ()) if number in left]
        for side, price, quantity in saved.get("taken", ()):
            self.taken[Side(side)][price] = quantity
        for order in left.values():
            self._put_back(order)

    def _put_back(self, order: Order) -> None:
        if order.status is OrderStatus.SUBMITTED:
            self.waiting.append(order)
        elif (
            order.limit_price is not None and order.status is not OrderStatus.ACCEPTED
        ) or order.type is OrderType.LIMIT:
            assert order.limit_price is not None, "a limit order has a limit"
            self.own[order.side].add(order, order.limit_price, _UNSEEN, float("inf"))
        else:
            self.triggers.append(order)

    # -- what there is to take -----------------------------------------------------------------------------------------

    def there(self, side: Side, limit: float | None) -> Iterator[tuple[float, int]]:
        """Yield price and lots of what an order of a side can take, best first, up to its limit."""
        opposite = OPPOSITE[side]
        taken, instrument = self.taken[opposite], self.instrument
        for price, quantity in self.book.levels(opposite):
            if limit is not None and side * (limit - price) < 0.0:
                return
            lots = instrument.lots(quantity - taken.get(price, 0.0))
            if lots > 0:
                yield price, lots

    def depth(self, side: Side, limit: float | None, wanted: int) -> tuple[int, float]:
        """Return how many of the lots wanted an order of a side can take, and the worst price of them (NaN for none)."""
        found, worst = 0, float("nan")
        for price, lots in self.there(side, limit):
            found, worst = found + lots, price
            if found >= wanted:
                return wanted, worst
        return found, worst

    def take(self, side: Side, price: float, lots: int) -> None:
        """Note that an order of a side takes lots at a price."""
        taken = self.taken[OPPOSITE[side]]
        taken[price] = taken.get(price, 0.0) + self.instrument.units(lots)

    def close_price(self, side: Side, wanted: int) -> float:
        """Take lots whatever they cost and return their average price; what is not there costs as much as the worst level.

        Without a usable book it is the last price that was seen.
        """
        if not self.book.is_usable:
            return self.instrument.on_grid(self.last if self.has_trades else self.known.last, side)
        left, value, worst = wanted, 0.0, float("nan")
        for price, lots in list(self.there(side, None)):
            lots_here = min(lots, left)
            self.take(side, price, lots_here)
            left, value, worst = left - lots_here, value + lots_here * price, price
            if not left:
                break
        if left == wanted:
            # All of it is taken already, by us.
            *_, (worst, _) = self.book.levels(OPPOSITE[side])
        average = (value + left * worst) / wanted if left else value / wanted
        return self.instrument.on_grid(average, side)

    # -- changes of the book -------------------------------------------------------------------------------------------

    def queue(self, order: Order, price: float) -> None:
        """Put an order behind everything that is visible at a price."""
        shown = self.book.quantity_at(order.side, price)
        ahead = shown if self._is_visible(order.side, price) else float("inf")
        self.own[order.side].add(order, price, shown, ahead)

    def apply(self, update: BookUpdate) -> bool:
        """Apply an update to the book and return whether it changed it; what we took from levels that it tells is there again."""
        if not self.book.apply(update):
            return False
        if not (self._bids_taken or self._asks_taken):
            return True
        for side, taken in self.taken.items():
            if taken and update.is_snapshot:
                taken.clear()
            elif taken:
                for other, price in zip(update.sides, update.prices, strict=True):
                    if other == side:
                        taken.pop(price, None)
        return True

    def apply_quote(self, quote: Quote) -> bool:
        """Move the top of the book and return whether the quote counted; at a top that it changes, what we took is there again."""
        book, taken = self.book, self.taken
        has_taken = self._bids_taken or self._asks_taken
        before = (book.bids(1), book.asks(1)) if has_taken else ()
        if not book.apply_quote(quote):
            return False
        if has_taken and before != (book.bids(1), book.asks(1)):
            taken[Side.BUY].pop(quote.bid_price, None)
            taken[Side.SELL].pop(quote.ask_price, None)
        return True

    def requeue(self, model: QueueModel, touched: list[float]) -> None:
        """Move our places in the queues after the book has changed; ``touched`` are the prices that an update told."""
        book = self.book
        is_whole = book.has_snapshot
        for own in (self.buys, self.sells):
            if not own.levels:
                continue
            quantities = book.quantities(own.side)
            for level in own.levels.values():
                shown = quantities.get(level.price, 0.0)
                is_moved = shown != level.shown or (level.traded > 0.0 and level.price in touched)
                if not is_moved and is_whole:
                    continue
                if not self._is_visible(own.side, level.price):
                    continue
                for place in level.places:
                    if is_moved:
                        place.ahead = model.ahead(place.ahead, level.shown, shown, level.traded)
                    elif place.ahead > shown:
                        place.ahead = shown
                if is_moved:
                    level.shown, level.traded = shown, 0.0

    def _is_visible(self, side: Side, price: float) -> bool:
        """Return whether the book would show an order at a price: quotes alone show nothing behind the top."""
        book = self.book
        if book.has_snapshot:
            return True
        top = book.best_bid if side > 0 else book.best_ask
        return not side * (price - top) < 0.0
