"""Many orders whose fate is not known: they are asked about side by side, and none of them twice at a time."""

import asyncio
from decimal import Decimal

from hookline.clock import EventClock
from hookline.model import Instrument, InstrumentKind, Order, OrderStatus, OrderType, Side
from hookline_lmex.broker_asking import Asker
from hookline_lmex.broker_fees import Rates
from hookline_lmex.broker_news import Absence
from hookline_lmex.broker_orders import Book, Patience
from hookline_lmex.broker_tasks import Tasks
from hookline_lmex.errors import LmexNotFound, LmexUnknown

PERP = Instrument(
    "BTC-PERP", InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.001"),
    contract_size=Decimal("0.001"),
)  # fmt: skip
COUNT, ASKS = 30, 3


class Venue:
    """Knows no order; says how many questions about single orders it had at once, and which."""

    clock = EventClock(10**12)

    def __init__(self, fails_at=0):
        self.now, self.most, self.asked, self.fails_at = 0, 0, [], fails_at
        self.ranges = set()

    def product(self, symbol):
        return self

    async def order(self, client_order_id):
        self.asked.append(client_order_id)
        turn = len(self.asked)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        if turn == self.fails_at:
            raise LmexUnknown("GET /order", "no answer")
        raise LmexNotFound("GET /order", "Order not found", code=-1)

    async def open_orders(self, symbol):
        return []

    async def trade_history(self, symbol, start_ms, end_ms, client_order_id=""):
        if client_order_id:
            self.ranges.add((start_ms, end_ms))
        return []


def asker_of(venue, put):
    book = Book("0a1b2c3d", lambda: 0, lambda: 100.0)
    for number in range(1, COUNT + 1):
        order = Order(number, "desk", PERP, Side.BUY, OrderType.LIMIT, 5, 10**12, limit_price=90.0)
        order.status = OrderStatus.UNKNOWN
        book.doubt(book.add(order, is_sent=True))
    tasks = Tasks(lambda: None)
    patience = Patience(asks=ASKS, first_ask=0.001)
    asker = Asker(venue, book, tasks, put, {"BTC-PERP": PERP}, Rates(0.001), patience, lambda: 0)
    return asker, tasks


def test_orders_in_doubt_are_asked_about_side_by_side():
    async def story():
        venue, news = Venue(), []
        asker, tasks = asker_of(venue, news.append)
        async with asyncio.timeout(10):
            catching_up = asyncio.ensure_future(asker.catch_up(["BTC-PERP"]))
            await asyncio.sleep(0.0005)
            asker.look()
            assert asker.is_busy
            await catching_up
        await tasks.aclose()
        assert venue.most == 4
        assert len(venue.asked) == COUNT * ASKS
        assert len(news) == COUNT * ASKS
        assert {type(one) for one in news} == {Absence}
        assert not asker.is_busy

    asyncio.run(story())


def test_a_question_without_an_answer_ends_the_others():
    async def story():
        venue = Venue(fails_at=5)
        asker, tasks = asker_of(venue, lambda news: None)
        try:
            async with asyncio.timeout(10):
                await asker.catch_up(["BTC-PERP"])
        except LmexUnknown:
            asked = len(venue.asked)
            await asyncio.sleep(0.01)
            assert len(venue.asked) == asked < COUNT
            assert not asker.is_busy
        else:
            raise AssertionError("the venue did not answer")
        await tasks.aclose()

    asyncio.run(story())


def test_trades_are_asked_for_from_before_the_order_as_its_time_may_be_that_of_a_wrong_clock():
    async def story():
        venue = Venue()
        venue.clock = EventClock(10**18)
        asker, tasks = asker_of(venue, lambda news: None)
        await asker.catch_up(["BTC-PERP"])
        await tasks.aclose()
        return venue.ranges

    # The orders are of the 17th minute of 1970; the venue's time is 2001. One range each, that takes in all since the order.
    assert {start for start, _ in asyncio.run(story())} == {10**6 - 60_000}


def test_a_young_orders_trades_are_asked_for_a_week_back_in_one_call():
    async def story():
        venue = Venue()
        venue.clock = EventClock(10**12 - 400 * 10**9)
        asker, tasks = asker_of(venue, lambda news: None)
        await asker.catch_up(["BTC-PERP"])
        await tasks.aclose()
        return venue.ranges

    ((start, end),) = asyncio.run(story())
    assert end == 600_000 + 60_000
    assert end - start == 7 * 86_400_000 - 1
