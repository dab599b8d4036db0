"""The broker ``lmex`` without a network: a venue in memory, and requests that move only when the test says so.

A request is a coroutine that is driven by hand. Its first step lets it arrive at the venue, its second brings the answer back. What the
venue tells on its sockets lies in ``Venue.wire`` until the test hands it over, twice or never.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace

from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.model import Instrument, InstrumentKind, Side
from hookline_lmex.broker import LmexBroker
from hookline_lmex.broker_asking import Asker
from hookline_lmex.broker_news import FillNews, OrderNews, Source
from hookline_lmex.broker_sending import Sender
from hookline_lmex.codes import Lifetime, OrderCode, OrderKind, PriceSource, TriggerKind, TxKind
from hookline_lmex.errors import LmexNotFound, LmexRefused, LmexUnknown, LmexUnreachable
from hookline_lmex.results_orders import OrderAction, OrderState, OwnTrade

START = 1_704_067_200_000_000_000
SECOND = 10**9
PERP = Instrument(
    "BTC-PERP",
    InstrumentKind.PERPETUAL,
    Decimal("0.5"),
    Decimal("0.001"),
    base="BTC",
    contract_size=Decimal("0.001"),
)
ALT = replace(PERP, symbol="ETH-PERP", base="ETH")
SPOT = Instrument("BTC-USDT", InstrumentKind.SPOT, Decimal("0.5"), Decimal("0.001"), base="BTC")
C = OrderCode


class _Turn:
    """Awaiting it gives the turn back to the test once."""

    def __await__(self):
        yield


@dataclass
class VenueOrder:
    """An order at the venue; sizes as it counts them."""

    id: str
    new: object
    size: Decimal
    price: Decimal | None
    trigger: Decimal | None
    code: OrderCode
    time: int
    filled: Decimal = Decimal(0)
    trades: list = field(default_factory=list)

    @property
    def is_open(self):
        return self.code in (C.RESTING, C.PARTIALLY_FILLED, C.TRIGGER_WAITING, C.TRIGGERED)


class Venue:
    """The venue in memory.

    Attributes:
        faults: Of the requests that arrive next, one word each: ``unreachable``, ``refuse``, ``lose_request``, ``lose_answer``.
        wire: What its sockets tell, oldest first.
        received: Every request that arrived, as (what, client id).
        price: Last price; market orders and limits that cross it take there.
    """

    def __init__(self, fee="0.0005"):
        self.now = START
        self.fee = Decimal(fee)
        self.price = Decimal(100)
        self.orders = {}
        self.wire = []
        self.faults = []
        self.received = []
        self.is_dumb = False
        self.count = 0
        self.positions = {}
        self.cash = Decimal(0)
        self.balances = {}

    # -- requests --------------------------------------------------------------------------------------------------------

    async def request(self, what, client_id, act):
        fault = self.faults.pop(0) if self.faults else ""
        await _Turn()
        if fault == "unreachable":
            raise LmexUnreachable("POST /order", "no connection")
        self.received.append((what, client_id))
        if fault == "refuse":
            raise LmexRefused("POST /order", "not today", code=400)
        if fault == "lose_request":
            await _Turn()
            raise LmexUnknown("POST /order", "no answer")
        try:
            answer = act()
        except LmexNotFound:
            await _Turn()
            raise
        await _Turn()
        if fault == "lose_answer":
            raise LmexUnknown("POST /order", "no answer")
        return answer

    async def create_order(self, new):
        return await self.request("create", new.client_order_id, lambda: self._create(new))

    async def cancel_order(self, symbol, *, order_id="", client_order_id=""):
        return await self.request(
            "cancel", client_order_id or order_id, lambda: self._cancel(client_order_id, order_id)
        )

    async def amend_order(self, symbol, *, client_order_id, price=None, size=None, trigger_price=None):
        change = lambda: self._amend(client_order_id, price, size, trigger_price)  # noqa: E731
        return await self.request("amend", client_order_id, change)

    async def order(self, *, order_id="", client_order_id=""):
        await _Turn()
        self._answers()
        return self.state(self.find(client_order_id, order_id))

    async def open_orders(self, symbol=None):
        await _Turn()
        self._answers()
        return [
            self.state(one)
            for one in self.orders.values()
            if one.is_open and symbol in (None, one.new.symbol)
        ]

    async def trade_history(self, symbol, start_ms=None, end_ms=None, *, order_id="", client_order_id=""):
        await _Turn()
        self._answers()
        rows = [
            self.trade_row(one, fill)
            for one in self.orders.values()
            for fill in one.trades
            if one.new.symbol == symbol and client_order_id in ("", one.new.client_order_id)
        ]
        return sorted((row for row in rows if row.time // 10**6 >= (start_ms or 0)), key=lambda row: row.time)

    def _answers(self):
        if self.is_dumb:
            raise LmexUnknown("GET /order", "no answer")

    def find(self, client_id, id_=""):
        for one in self.orders.values():
            if one.id == id_ or (client_id and one.new.client_order_id == client_id):
                return one
        raise LmexNotFound("GET /order", "Order not found", code=-1)

    def _create(self, new):
        ids = [one.new.client_order_id for one in self.orders.values()]
        assert new.client_order_id not in ids, f"{new.client_order_id} was created twice"
        self.count += 1
        waits = new.tx_kind is not TxKind.LIMIT or new.trail_value is not None
        one = VenueOrder(
            f"v{self.count}", new, Decimal(new.size), new.price, new.trigger_price,
            C.TRIGGER_WAITING if waits else C.RESTING, self.now,
        )  # fmt: skip
        self.orders[one.id] = one
        crosses = not waits and (new.kind is OrderKind.MARKET or new.side * (one.price - self.price) >= 0)
        if crosses and new.post_only:
            self.end(one)
        elif crosses:
            self.fill(one, price=self.price)
        else:
            self.tell(one)
        if new.lifetime in (Lifetime.IOC, Lifetime.FOK) and one.is_open and not waits:
            self.end(one)
        return [self.action(one)]

    def _cancel(self, client_id, order_id):
        one = self.find(client_id, order_id)
        if not one.is_open:
            raise LmexNotFound("DELETE /order", "Order not found", code=-1)
        self.end(one)
        return [self.action(one)]

    def _amend(self, client_id, price, size, trigger):
        one = self.find(client_id)
        if not one.is_open or (size is not None and size < one.filled):
            raise LmexNotFound("PUT /order", "Order not found", code=-1)
        one.price, one.trigger = price or one.price, trigger or one.trigger
        one.size = Decimal(size or one.size)
        self.tell(one, code=C.AMENDED)
        action = replace_action(self.action(one), C.AMENDED)
        if one.filled == one.size:
            one.code = C.FILLED
            self.tell(one)
        return [action]

    # -- what happens there ------------------------------------------------------------------------------------------------

    def fill(self, one, size=None, price=None):
        """Execute an open order, all of it by default; reduce-only ones as far as there is something to reduce."""
        size = min(one.size - one.filled, Decimal(size or one.size))
        held = self.positions.get(one.new.symbol, Decimal(0))
        if one.new.reduce_only:
            size = min(size, max(Decimal(0), -one.new.side * held))
            if not size:
                self.end(one)
                return
        self.count += 1
        self.now += 1_000_000
        price = Decimal(price or one.price or self.price)
        one.filled += size
        one.code = C.FILLED if one.filled == one.size else C.PARTIALLY_FILLED
        one.trades.append((f"t{self.count}", price, size, self.now))
        self.positions[one.new.symbol] = held + one.new.side * size
        row = self.trade_row(one, one.trades[-1])
        self.cash -= one.new.side * size * Decimal("0.001") * price + row.fee
        self.tell(one)
        self.wire.append(
            FillNews(
                row.symbol,
                row.trade_id,
                row.order_id,
                row.client_order_id,
                row.side,
                row.price,
                Decimal(row.size),
                row.fee,
                row.fee_currency,
                is_maker=False,
                time=row.time,
            )
        )

    def end(self, one, code=C.CANCELED):
        self.now += 1_000_000
        one.code = code
        self.tell(one)

    def tell(self, one, code=None):
        self.wire.append(
            OrderNews(
                one.new.symbol,
                one.id,
                one.new.client_order_id,
                code or one.code,
                self.now,
                Source.NOTICE,
                filled=one.filled,
                size=one.size,
                price=one.price,
                trigger_price=one.trigger,
            )
        )

    # -- shapes ------------------------------------------------------------------------------------------------------------

    def action(self, one):
        new = one.new
        return OrderAction(
            status=one.code, symbol=new.symbol, order_id=one.id, client_order_id=new.client_order_id, side=new.side,
            kind=new.kind, price=one.price or Decimal(0), time=self.now, trigger_price=one.trigger, stop_price=None,
            is_trigger=one.trigger is not None, post_only=new.post_only, message="", lifetime="GTC",
            original_size=one.size, size=one.size, remaining=one.size - one.filled, filled=Decimal(0),
            total_filled=one.filled, average_price=None,
        )  # fmt: skip

    def state(self, one):
        new = one.new
        return OrderState(
            status=one.code, state="", order_id=one.id, client_order_id=new.client_order_id, symbol=new.symbol, side=new.side,
            kind=new.kind, price=one.price or Decimal(0), time=one.time, lifetime="GTC", original_size=one.size,
            size=one.size, remaining=one.size - one.filled, total_filled=one.filled, average_price=None,
            notional=Decimal(0), is_trigger=one.trigger is not None, is_triggered=False, trigger_kind=TriggerKind.NONE,
            trigger_price=one.trigger, original_trigger_price=one.trigger, trail_value=None, uses_last_price=False, reduce_only=new.reduce_only, is_close=False,
        )  # fmt: skip

    def trade_row(self, one, fill):
        id_, price, size, time = fill
        fee = size * Decimal("0.001") * price * self.fee
        return OwnTrade(
            trade_id=id_, order_id=one.id, client_order_id=one.new.client_order_id, symbol=one.new.symbol, side=one.new.side,
            kind=one.new.kind, trigger_kind=TriggerKind.NONE, price=price, size=size, fee=fee, fee_currency="USDT", time=time,
            serial=0, realized=Decimal(0), order_price=Decimal(0), order_size=one.size,
        )  # fmt: skip


def replace_action(action, code):
    import msgspec

    return msgspec.structs.replace(action, status=code)


class HandTasks:
    """Coroutines that the test drives."""

    def __init__(self):
        self.running = []
        self.error = None

    def start(self, work, name):
        self.running.append((name, work))

    def step(self, index=0):
        """Drive one of them to its next turn."""
        name, work = self.running.pop(index)
        try:
            work.send(None)
        except StopIteration:
            return
        self.running.insert(index, (name, work))

    def close(self):
        for _, work in self.running:
            work.close()
        self.running = []


async def _in_turn(works):
    """Work off what else is worked off side by side: there is no loop here."""
    try:
        for work in works:
            await work
    finally:
        for work in works:
            work.close()


class HandLink:
    """Stands where the broker's connection is."""

    def __init__(self, broker, venue, seconds):
        self.tasks = HandTasks()
        self.venue = venue
        self.client = SimpleNamespace(
            clock=SimpleNamespace(), product=lambda symbol: venue, spot=venue, futures=venue
        )
        self.client.clock = venue
        book, tracker, put = broker._book, broker._tracker, broker._put
        book.watch = seconds
        self.sender = Sender(
            self.client, book, self.tasks, put, broker.reference, PriceSource.MARK, size_is_total=True
        )
        self.asker = Asker(
            self.client, book, self.tasks, put, broker.instruments, broker._rates, broker._patience,
            lambda: tracker.last_fill_time, lambda _: _Turn(), _in_turn,
        )  # fmt: skip
        self.asker._turn = contextlib.AsyncExitStack()  # as many at once as there are
        self.book = book
        self.rings = 0

    def ring(self):
        self.rings += 1

    def flush(self, *, has_endings):
        self.sender.flush()

    @property
    def is_busy(self):
        return self.asker.is_busy


class Desk:
    """A session of one strategy, ``desk``, its broker and the venue. ``seconds`` is the monotonic clock here."""

    def __init__(self, *instruments, venue=None, **params):
        self.params = {
            "unknown_grace_seconds": 10.0,
            "fill_grace_seconds": 1.0,
            "first_ask_seconds": 0.25,
            **params,
        }
        self.seconds = 1000.0
        self.venue = venue or Venue()
        instruments = instruments or (PERP,)
        self.broker = LmexBroker(**self.params)
        self.clock = EventClock(START)
        self.kernel = Kernel(
            self.clock, self.broker, {one.symbol: one for one in instruments}, {"desk": 10_000.0}
        )
        self.ctx = Context(self.kernel, "desk", tuple(one.symbol for one in instruments))
        for market in self.kernel.markets.values():
            market.last = market.mark = 100.0
        self.link = self.broker._link = HandLink(self.broker, self.venue, lambda: self.seconds)

    # -- steps -------------------------------------------------------------------------------------------------------------

    def flush(self):
        """As the driver does once the journal is written."""
        json.dumps(self.broker.save())
        self.broker.flush()

    def hear(self):
        """Let the broker report, as the driver does when it is woken."""
        self.kernel.hear(max(self.clock.now, self.venue.now))
        self.flush()

    def tell(self, index=0, *, keep=False):
        """Hand over what lies on the wire."""
        news = self.venue.wire[index] if keep else self.venue.wire.pop(index)
        self.broker._put(news)

    def tell_all(self):
        while self.venue.wire:
            self.tell()
        self.hear()

    def arrive(self):
        """Flush, and let every request arrive and its answer come back."""
        self.flush()
        self.run()

    def run(self):
        """Drive everything under way until it is done, and report."""
        for _ in range(1000):
            if not self.link.tasks.running:
                break
            self.link.tasks.step()
        assert not self.link.tasks.running, "something is under way for ever"
        self.hear()

    def settle(self, seconds=200.0, *, sweep=False):
        """Let time pass, with nothing lost any more, until nothing is under way."""
        self.venue.faults.clear()
        self.venue.is_dumb = False
        self.tell_all()
        if sweep:
            self.catch_up()
        until = self.seconds + seconds
        while self.seconds < until:
            self.seconds += 0.5
            self.venue.now += SECOND // 2
            self.link.sender.cancel_again()
            self.link.asker.look()
            self.run()
            self.tell_all()

    def restart(self, *, away=0.0):
        """Replace the broker by a new one that knows what was saved; what was under way is cut off."""
        saved = json.loads(json.dumps(self.broker.save()))
        self.link.tasks.close()
        self.venue.wire.clear()
        self.seconds += away
        self.venue.now += int(away * SECOND)
        self.clock.now = max(self.clock.now, self.venue.now)
        self.broker = self.kernel.broker = LmexBroker(**self.params)
        self.broker.connect(self.kernel, self.clock, self.broker_instruments(), self.kernel.ledgers)
        self.broker._book.watch = lambda: self.seconds
        original = self.broker._make

        def make(tag):
            original(tag)
            self.broker._book.watch = lambda: self.seconds

        self.broker._make = make
        self.broker.restore(saved, {order.number: order for order in self.kernel.open_orders()})
        self.link = self.broker._link = HandLink(self.broker, self.venue, lambda: self.seconds)

    def catch_up(self):
        async def work():
            await self.link.asker.catch_up(self.broker.instruments)

        self.link.tasks.start(work(), "catch up")
        self.run()

    def broker_instruments(self):
        return {symbol: market.instrument for symbol, market in self.kernel.markets.items()}

    # -- looks -------------------------------------------------------------------------------------------------------------

    def history(self, order):
        return [str(update.status) for update in self.kernel.updates if update.order_number == order.number]

    def at_venue(self, order):
        return self.venue.find(f"hl{self.broker._book.tag}-{order.number}")

    def sent(self):
        return [what for what, _ in self.venue.received]

    def fills(self, order):
        return [(fill.lots, fill.price) for fill in self.kernel.fills if fill.order_number == order.number]

    def agree(self):
        """Check that what is believed is what the venue has."""
        lots = {symbol: self.ctx.position(symbol).lots for symbol in self.kernel.markets}
        assert lots == {symbol: int(self.venue.positions.get(symbol, 0)) for symbol in lots}
        ours = sorted(
            f"hl{self.broker._book.tag}-{one.number}"
            for one in self.kernel.open_orders()
            if one.status != "held"
        )
        assert ours == sorted(one.new.client_order_id for one in self.venue.orders.values() if one.is_open)
        for order in self.kernel.open_orders():
            if order.status != "held":
                there = self.at_venue(order)
                assert (order.lots, order.filled_lots) == (int(there.size), int(there.filled))
        cash = Decimal(repr(self.ctx.cash)) - 10_000
        assert abs(cash - self.venue.cash) < Decimal("1e-6")
        creates = [id_ for what, id_ in self.venue.received if what == "create"]
        assert len(creates) == len(set(creates))


__all__ = ["ALT", "PERP", "SECOND", "SPOT", "START", "C", "Desk", "Side", "Venue", "asyncio"]
