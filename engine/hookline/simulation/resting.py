"""Our resting orders on the tape: by price, each with its place in the queue."""

from __future__ import annotations

from hookline.model import BookUpdate, Instrument, Order, OrderBook, Quote, Side
from hookline.simulation.queue import QueueModel

__all__ = ["OwnLevel", "OwnSide", "Place", "TapeMarket"]


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

    Attributes:
        book: The book in the venue's time.
        last: Price of the last trade, NaN before the first.
        own: Our resting orders by side.
        triggers: Orders that wait for a price, in the order of arrival.
        waiting: Orders that wait for a usable book, in the order in which they came to meet it.
        taken: Base units that we took at a price since its level changed last, by the side that rested.
    """

    __slots__ = ("book", "buys", "instrument", "last", "own", "sells", "taken", "triggers", "waiting")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = OrderBook(instrument.symbol)
        self.last = float("nan")
        self.buys, self.sells = OwnSide(Side.BUY), OwnSide(Side.SELL)
        self.own = {Side.BUY: self.buys, Side.SELL: self.sells}
        self.triggers: list[Order] = []
        self.waiting: list[Order] = []
        self.taken: dict[Side, dict[float, float]] = {Side.BUY: {}, Side.SELL: {}}

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

    # -- changes of the book -------------------------------------------------------------------------------------------

    def queue(self, order: Order, price: float) -> None:
        """Put an order behind everything that is visible at a price."""
        shown = self.book.quantity_at(order.side, price)
        ahead = shown if self._is_visible(order.side, price) else float("inf")
        self.own[order.side].add(order, price, shown, ahead)

    def replenish(self, event: BookUpdate | Quote) -> None:
        """Forget what we took from levels that an update or a quote tells anew."""
        if isinstance(event, Quote):
            self.taken[Side.BUY].pop(event.bid_price, None)
            self.taken[Side.SELL].pop(event.ask_price, None)
            return
        for side, taken in self.taken.items():
            if event.is_snapshot:
                taken.clear()
            elif taken:
                for other, price in zip(event.sides, event.prices, strict=True):
                    if other == side:
                        taken.pop(price, None)

    def requeue(self, model: QueueModel, touched: list[float]) -> None:
        """Move our places in the queues after the book has changed; ``touched`` are the prices that an update told."""
        book = self.book
        for own in (self.buys, self.sells):
            for level in own.levels.values():
                shown = book.quantity_at(own.side, level.price)
                is_moved = shown != level.shown or (level.traded > 0.0 and level.price in touched)
                if not is_moved and book.has_snapshot:
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
