"""A venue over a network that lives in memory: its own truth, and a link that a test can break.

``WireVenue`` outlives the brokers that connect to it, as a venue outlives the processes of its customers. It fills market orders at
the last price, limits once a price reaches them, stops and take-profits once one passes their trigger; or a test fills by hand.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from wire_broker import WireBroker

from hookline.clock import EventClock
from hookline.errors import DataError
from hookline.feed import BarRequest, Feed
from hookline.model import (
    Bar,
    BookUpdate,
    Instrument,
    InstrumentKind,
    MarkPrice,
    OrderStatus,
    OrderType,
    Quote,
    Side,
    TimeInForce,
    Trade,
    VenueAccount,
    VenueBalance,
    VenueOrder,
    VenuePosition,
)
from hookline.model.account import apply_fill
from hookline.model.order import CLOSED

__all__ = ["START", "LiveTape", "WireBroker", "WireFill", "WireOrder", "WireVenue"]

START = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
_S = OrderStatus


@dataclass(frozen=True)
class WireFill:
    """One execution at the venue; ``fee`` is in quote currency."""

    id: str
    lots: int
    price: float
    fee: float
    is_maker: bool
    time: int


@dataclass
class WireOrder:
    """An order as the venue keeps it. ``after`` is the client id of the entry whose fill brings it to the market."""

    id: str
    client_id: str
    symbol: str
    side: Side
    type: OrderType
    lots: int
    limit_price: float | None = None
    trigger_price: float | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    position_id: str = ""
    group: str = ""
    after: str = ""
    status: OrderStatus = _S.ACCEPTED
    fills: tuple[WireFill, ...] = ()
    reason: str = ""

    @property
    def filled_lots(self):
        return sum(fill.lots for fill in self.fills)

    @property
    def open_lots(self):
        return self.lots - self.filled_lots

    @property
    def is_open(self):
        return self.status not in CLOSED and self.status is not _S.HELD


@dataclass
class Held:
    """A position at the venue."""

    symbol: str
    lots: int = 0
    entry_price: float = 0.0
    leverage: float = 0.0
    margin_mode: str = ""


class WireVenue:
    """The venue.

    Attributes:
        received: Every request that arrived, in order: what, and the client order id. A doubled order shows here.
        is_away: While set nothing arrives, nothing is pushed, and every question ends in a VenueError.
        is_mute: While set nothing is pushed, as when a socket has died and nobody noticed.
        faults: Of the next requests, one each: ``lose_request``, ``lose_answer``, ``refuse``, or empty for none.
        hidden: Client ids that questions do not find, as with a venue that forgets.
    """

    def __init__(self, *instruments: Instrument, cash=10_000, maker_fee=0.0, taker_fee=0.0, now=START):
        self.instruments = {one.symbol: one for one in instruments}
        self.balances = {"USDT": Decimal(cash)}
        self.maker_fee, self.taker_fee = maker_fee, taker_fee
        self.clock = EventClock(now)
        self.orders: dict[str, WireOrder] = {}
        self.held: dict[str, Held] = {}
        self.prices: dict[str, float] = {}
        self.payments: list[tuple[str, int, float, float]] = []
        self.received: list[tuple[str, str]] = []
        self.pushes: list[Callable[[WireOrder | None], None]] = []
        self.faults: deque[str] = deque()
        self.hidden: set[str] = set()
        self.is_away = self.is_mute = False
        self.cancel_after: float | None = None
        self._ids = itertools.count(1)

    # -- requests ------------------------------------------------------------------------------------------------------

    def find(self, client_id: str) -> WireOrder | None:
        """Return an order by our id, None where the venue knows none."""
        found = (order for order in self.orders.values() if order.client_id == client_id)
        return None if client_id in self.hidden else next(found, None)

    def create(self, order: WireOrder) -> WireOrder:
        """Take an order; what is wrong with it ends it as rejected."""
        self.received.append(("create", order.client_id))
        assert order.client_id not in {one.client_id for one in self.orders.values() if one.client_id}
        order.id = f"v{next(self._ids)}"
        self.orders[order.id] = order
        if order.status is not _S.HELD:
            self._arrive(order)
        return order

    def cancel(self, client_id: str, reason: str = "") -> WireOrder | None:
        """End an open order; None where there is none."""
        self.received.append(("cancel", client_id))
        order = self.find(client_id)
        if order is None or order.status in CLOSED:
            return None
        self.end(order, _S.CANCELED, reason)
        return order

    def amend(
        self, client_id: str, lots: int, limit: float | None, trigger: float | None
    ) -> WireOrder | None:
        """Change an open order; None where there is none."""
        self.received.append(("amend", client_id))
        order = self.find(client_id)
        if order is None or order.status in CLOSED:
            return None
        order.lots, order.limit_price, order.trigger_price = max(lots, order.filled_lots), limit, trigger
        if not order.open_lots:
            self.end(order, _S.FILLED)
        return order

    # -- what happens at the venue -------------------------------------------------------------------------------------

    def place(self, symbol: str, side: Side, lots: int, limit: float, client_id: str = "") -> WireOrder:
        """Rest an order that no session of ours has sent."""
        order = WireOrder(f"v{next(self._ids)}", client_id, symbol, side, OrderType.LIMIT, lots, limit)
        self.orders[order.id] = order
        return order

    def hold(self, position_id: str, lots: int, entry_price: float, **settings) -> None:
        """Set a position, whoever has opened it."""
        symbol = position_id.split("|")[0]
        self.held[position_id] = Held(symbol, lots, entry_price, **settings)

    def fill(
        self, order: WireOrder, lots: int | None = None, price: float | None = None, is_maker=False
    ) -> None:
        """Execute an open order, all of it by default."""
        lots = order.open_lots if lots is None else min(lots, order.open_lots)
        price = order.limit_price or self.prices[order.symbol] if price is None else price
        if order.reduce_only:
            held = self.held.get(order.position_id or order.symbol, Held(order.symbol))
            lots = min(lots, max(0, -order.side * held.lots))
            if not lots:
                self.end(order, _S.CANCELED, "reduce-only: nothing to reduce")
                return
        instrument = self.instruments[order.symbol]
        fee = instrument.units(lots) * price * (self.maker_fee if is_maker else self.taker_fee)
        one = WireFill(f"f{next(self._ids)}", lots, price, fee, is_maker, self.clock.now)
        order.fills = (*order.fills, one)
        order.status = _S.PARTIALLY_FILLED if order.open_lots else _S.FILLED
        self._book(order, one)
        self._push(order)
        self._protect(order)
        if order.group:
            for other in [
                one for one in self.orders.values() if one.group == order.group and one is not order
            ]:
                if other.status not in CLOSED:
                    self.end(other, _S.CANCELED, "one cancels other")

    def end(self, order: WireOrder, status: OrderStatus, reason: str = "") -> None:
        """End an order."""
        order.status, order.reason = status, reason
        self._push(order)
        for child in self._children(order):
            if child.status is _S.HELD and not order.filled_lots:
                self.end(child, _S.CANCELED, f"entry {status}")

    def pay_funding(self, symbol: str, rate: float) -> None:
        """Settle funding of a symbol's position at the last price."""
        quantity = sum(
            self.instruments[symbol].units(one.lots) for one in self.held.values() if one.symbol == symbol
        )
        amount = -quantity * self.prices[symbol] * rate
        self.balances["USDT"] += Decimal(repr(amount))
        self.payments.append((symbol, self.clock.now, rate, amount))
        self._push(None)

    def see(self, event: object) -> None:
        """Let an event of the market move the time and fill what it reaches."""
        if isinstance(event, Bar):
            self.clock.now = max(self.clock.now, event.end)
            prices = [event.open, event.low, event.high, event.close]
        else:
            self.clock.now = max(self.clock.now, event.time)
            prices = _prices(event)
        for price in prices:
            self.move(event.symbol, price)

    def move(self, symbol: str, price: float) -> None:
        """Move the last price and fill what it reaches."""
        self.prices[symbol] = price
        for order in [one for one in self.orders.values() if one.symbol == symbol]:
            if order.is_open:
                self._try(order, price, rested=True)

    def _arrive(self, order: WireOrder) -> None:
        price = self.prices.get(order.symbol)
        crosses = price is not None and order.type is OrderType.LIMIT and _is_reached(order, price)
        if order.post_only and crosses:
            self.end(order, _S.REJECTED, "post-only: would take")
            return
        order.status = _S.ACCEPTED
        self._push(order)
        if price is not None:
            self._try(order, price, rested=False)
        if order.is_open and order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            self.end(order, _S.EXPIRED, "nothing to take")

    def _try(self, order: WireOrder, price: float, *, rested: bool) -> None:
        """Fill an order that a price reaches."""
        if order.trigger_price is not None and order.status is not _S.TRIGGERED:
            above = (order.side > 0) == (order.type is not OrderType.TAKE_PROFIT)
            if price < order.trigger_price if above else price > order.trigger_price:
                return
            if order.limit_price is not None:
                order.status = _S.TRIGGERED
                self._push(order)
        if order.limit_price is None:
            self.fill(order, price=price)
        elif _is_reached(order, price):
            self.fill(order, price=order.limit_price if rested else price, is_maker=rested)

    def _children(self, order: WireOrder) -> list[WireOrder]:
        return [one for one in self.orders.values() if one.after and one.after == order.client_id]

    def _protect(self, entry: WireOrder) -> None:
        """Bring the protection of an entry to the market, as large as what has filled."""
        for child in self._children(entry):
            if child.status in CLOSED:
                continue
            child.lots = entry.filled_lots
            if child.status is _S.HELD:
                self._arrive(child)

    def _book(self, order: WireOrder, fill: WireFill) -> None:
        instrument = self.instruments[order.symbol]
        held = self.held.setdefault(order.position_id or order.symbol, Held(order.symbol))
        lots, units = order.side * fill.lots, instrument.units
        held.entry_price, realized = apply_fill(
            held.lots, units(held.lots), held.entry_price, lots, units(lots), fill.price
        )
        held.lots += lots
        spot = instrument.kind is InstrumentKind.SPOT
        self.balances["USDT"] += Decimal(repr(-units(lots) * fill.price if spot else realized))
        self.balances["USDT"] -= Decimal(repr(fill.fee))

    def _push(self, order: WireOrder | None) -> None:
        if self.is_away or self.is_mute:
            return
        for push in self.pushes:
            push(None if order is None else replace(order))

    # -- questions -----------------------------------------------------------------------------------------------------

    def account(self, number_of: Callable[[str], int]) -> VenueAccount:
        """Return the account; ``number_of`` tells our order's number by its client id, 0 for others."""
        orders = [
            VenueOrder(
                one.id, one.client_id, number_of(one.client_id), one.symbol, one.side, one.type, one.lots,
                one.filled_lots, one.limit_price, one.trigger_price, one.reduce_only, one.position_id,
            )
            for one in self.orders.values()
            if one.is_open
        ]  # fmt: skip
        nan = float("nan")
        positions = [
            VenuePosition(
                id_, one.symbol, one.lots, one.entry_price, self.prices.get(one.symbol, nan), nan,
                one.leverage, one.margin_mode,
            )
            for id_, one in self.held.items()
            if one.lots
        ]  # fmt: skip
        balances = [VenueBalance(currency, total, total) for currency, total in self.balances.items()]
        return VenueAccount(self.clock.now, tuple(orders), tuple(positions), tuple(balances))


def _prices(event: object) -> list[float]:
    if isinstance(event, Trade):
        return [event.price]
    if isinstance(event, Quote):
        return [(event.bid_price + event.ask_price) / 2]
    return []


def _is_reached(order: WireOrder, price: float) -> bool:
    return price <= order.limit_price if order.side > 0 else price >= order.limit_price


@dataclass
class LiveTape(Feed):
    """A market that is followed live: plays what it is given, by a clock that only it and the test move.

    ``events`` may hold functions beside market events; they are called in their place, and awaited where they return something to
    be awaited: this is where a test lets things happen. A venue, where one is given, sees every event before the session does.
    """

    name = "live_tape"
    is_live = True

    events: Sequence[object] = ()
    venue: WireVenue | None = None
    history: dict = field(default_factory=dict)
    instruments: dict = field(default_factory=dict)
    pause_seconds: float = 0.0
    ends: bool = True

    def __post_init__(self):
        self._clock = EventClock(START) if self.venue is None else self.venue.clock

    @property
    def clock(self):
        return self._clock

    def load(self, request):
        if request.symbol not in self.history:
            raise DataError(f"no history of {request.symbol}")
        return self.history[request.symbol].between(request.since, request.until)

    def instrument(self, symbol):
        return self.instruments.get(symbol)

    async def stream(self, requests):
        for event in self.events:
            await asyncio.sleep(self.pause_seconds)
            if callable(event):
                waiting = event()
                if waiting is not None:
                    await waiting
                continue
            time = event.end if isinstance(event, Bar) else event.time
            self._clock.now = max(self._clock.now, time)
            if self.venue is not None:
                self.venue.see(event)
            if _is_wanted(event, requests):
                yield event
        if not self.ends:
            await asyncio.Event().wait()


def _is_wanted(event: Bar | Quote | Trade | BookUpdate | MarkPrice, requests: Sequence[object]) -> bool:
    for request in requests:
        if isinstance(event, Bar) == isinstance(request, BarRequest) and event.symbol == request.symbol:
            time = event.start if isinstance(event, Bar) else event.time
            return request.since is None or time >= request.since
    return not isinstance(event, Bar | Quote | Trade | BookUpdate)
