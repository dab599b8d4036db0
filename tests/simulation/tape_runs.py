"""A venue on the tape with one desk before it, told in words that a test can compare."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import hookline as hl
from hookline.clock import EventClock
from hookline.kernel.orders import Terms, make_order
from hookline.model import (
    BookUpdate,
    Fill,
    Ledger,
    Market,
    Order,
    OrderBook,
    OrderStatus,
    Quote,
    Side,
    Trade,
    transition,
)
from hookline.simulation.fees import MakerTaker
from hookline.simulation.tape_venue import TapeVenue

PERP = hl.Instrument(
    "TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.5")
)
SPOT = hl.Instrument("TEST", tick_size=Decimal("0.5"), lot_size=Decimal("0.5"))
FEES = MakerTaker(0.001, 0.002)


def levels(text: str) -> tuple[list[int], list[float], list[float]]:
    """Read levels such as ``bid 99:2 98:5 ask 101:6``."""
    side, sides, prices, quantities = 1, [], [], []
    for word in text.split():
        if word in ("bid", "ask"):
            side = 1 if word == "bid" else -1
            continue
        price, quantity = word.split(":")
        sides.append(side)
        prices.append(float(price))
        quantities.append(float(quantity))
    return sides, prices, quantities


class Desk:
    """Books what the venue reports, as the kernel does."""

    def __init__(self, clock: EventClock, instrument: hl.Instrument, cash: float) -> None:
        self.clock = clock
        self.market = Market(instrument)
        self.ledgers = {"s": Ledger("s", cash, [self.market])}
        self.told: list[str] = []
        self.fills: list[Fill] = []
        self.times: list[int] = []

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        transition(order, status, time, reason)
        self.told.append(f"{order.number} {status}")

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        before = order.filled_lots
        order.filled_lots = before + lots
        order.average_price = (order.average_price * before + price * lots) / order.filled_lots
        done = order.filled_lots == order.lots
        transition(order, OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED, time)
        quantity = order.instrument.units(lots)
        fill = Fill(
            len(self.fills) + 1, time, order.number, "s", order.symbol, order.side, lots, quantity, price, fee, is_maker
        )  # fmt: skip
        self.ledgers["s"].book(fill)
        self.fills.append(fill)
        self.times.append(self.clock.now)
        self.told.append(f"{order.number} filled {quantity:g}")

    def order_adopted(self, order: Order) -> None:
        for status in (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED):
            transition(order, status, order.time)
        self.told.append("adopted")

    def warn(self, text: str) -> None:
        self.told.append(text)


class Floor:
    """A venue, a desk and a clock that counts the events in seconds."""

    def __init__(
        self,
        start: str = "",
        queue: Any = None,
        instrument: hl.Instrument = PERP,
        cash: float = 10_000.0,
        **venue: Any,
    ) -> None:
        self.clock = EventClock(0)
        self.instrument = instrument
        self.desk = Desk(self.clock, instrument, cash)
        self.venue = self.made(queue, **venue)
        self.book_here, self.has_trades = OrderBook("TEST"), False
        self.count = 0
        if start:
            self.book(start)

    def made(self, queue: Any, **venue: Any) -> Any:
        instruments = {"TEST": self.instrument}
        return TapeVenue(self.desk, self.clock, instruments, self.desk.ledgers, FEES, queue, **venue)

    # -- the tape ------------------------------------------------------------------------------------------------------

    def now(self, seconds: float | None = None) -> int:
        self.clock.now = self.clock.now + 10**9 if seconds is None else round(seconds * 1e9)
        return self.clock.now

    def book(self, text: str) -> None:
        self.update(text, snapshot=True)

    def update(self, text: str, *, snapshot: bool = False, sequence: int = -1, previous: int = -1) -> None:
        now = self.now()
        update = BookUpdate("TEST", now, now, snapshot, *levels(text), sequence, previous)
        self.venue.on_book(update)
        self.book_here.apply(update)
        self._note_mid()

    def quote(self, text: str) -> None:
        """Send a quote such as ``bid 99:2 ask 101:6``."""
        _, prices, quantities = levels(text)
        now = self.now()
        quote = Quote("TEST", now, now, prices[0], quantities[0], prices[1], quantities[1])
        self.venue.on_quote(quote)
        self.book_here.apply_quote(quote)
        self._note_mid()

    def _note_mid(self) -> None:
        if self.book_here.is_usable and not self.has_trades:
            self.desk.market.last = self.book_here.mid

    def trade(self, text: str) -> None:
        """Send a trade such as ``sell 2 @ 99``: the side is the aggressor's."""
        side, quantity, _, price = text.split()
        now = self.now()
        self.venue.on_trade(Trade("TEST", now, now, float(price), float(quantity), Side[side.upper()]))
        self.desk.market.last, self.has_trades = float(price), True

    # -- orders --------------------------------------------------------------------------------------------------------

    def buy(self, quantity: float, limit: float | None = None, **terms: Any) -> Order:
        return self._send(Side.BUY, quantity, limit, terms)

    def sell(self, quantity: float, limit: float | None = None, **terms: Any) -> Order:
        return self._send(Side.SELL, quantity, limit, terms)

    def _send(self, side: Side, quantity: float, limit: float | None, terms: dict[str, Any]) -> Order:
        lots = self.instrument.lots(quantity)
        given = Terms(limit=limit, **terms)
        order = make_order("s", self.desk.market, side, lots, self.clock.now, given)
        assert not order.reason
        for one in (order, *order.children):
            self.count += 1
            one.number = self.count
            transition(one, OrderStatus.SUBMITTED if one is order else OrderStatus.HELD, self.clock.now)
        self.venue.submit(order)
        return order

    def amend(
        self, order: Order, quantity: float | None = None, limit: float | None = None, **terms: Any
    ) -> None:
        lots = order.lots if quantity is None else self.instrument.lots(quantity)
        self.venue.amend(
            order,
            lots,
            order.limit_price if limit is None else limit,
            terms.get("trigger", order.trigger_price),
        )

    # -- what became of it ---------------------------------------------------------------------------------------------

    @property
    def fills(self) -> list[str]:
        """Fills such as ``buy 2 @ 99 maker``."""
        return [
            f"{fill.side.name.lower()} {fill.quantity:g} @ {fill.price:g} {'maker' if fill.is_maker else 'taker'}"
            for fill in self.desk.fills
        ]

    @property
    def position(self) -> float:
        return self.desk.ledgers["s"].positions["TEST"].quantity

    def ahead(self, order: Order) -> float:
        """Quantity ahead of a resting order."""
        own = self.venue._markets["TEST"].own[order.side]
        return next(place.ahead for place in own.levels[order.limit_price].places if place.order is order)


def end(order: Order) -> str:
    """The status of an order, with its reason where there is one."""
    return f"{order.status}: {order.reason}" if order.reason else str(order.status)
