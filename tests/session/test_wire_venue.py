"""The venue in memory keeps the contract of brokers over a network, so that what is tested on it means something."""

import asyncio
from decimal import Decimal

import pytest
from wire_venue import START, LiveTape, WireBroker, WireVenue

import hookline as hl
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import EventRunner
from hookline.model import BarSeries, OrderStatus

PERP = hl.Instrument("P", hl.InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"))


class Desk:
    """A kernel with one quiet strategy at a venue, open for business."""

    def __init__(self, venue=None, **params):
        self.venue = venue or WireVenue(PERP)
        self.venue.prices.setdefault("P", 100.0)
        self.broker = WireBroker(venue=self.venue, **params)
        self.kernel = Kernel(EventClock(START), self.broker, self.venue.instruments, {"s": 1e6})
        self.kernel.markets["P"].last = 100.0
        self.ctx = Context(self.kernel, "s", ("P",), seed=1)
        self.kernel.start({"s": EventRunner("s", hl.Strategy(), self.ctx)})
        self.woken = 0

    async def __aenter__(self):
        await self.broker.open(self._wake)
        return self

    async def __aexit__(self, *error):
        await self.broker.aclose()

    def _wake(self):
        self.woken += 1

    async def go(self):
        """Send what is noted and hear what comes of it."""
        self.broker.flush()
        assert await self.broker.settle(1.0)
        self.kernel.hear(self.venue.clock.now)

    @property
    def lots(self):
        return self.ctx.position("P").lots


def play(test):
    """Run a coroutine for a few seconds at most."""

    async def bounded():
        async with asyncio.timeout(5):
            await test()

    asyncio.run(bounded())


def test_an_order_is_sent_by_flush_and_reported_by_deliver():
    async def test():
        async with Desk() as desk:
            order = desk.ctx.buy("P", 0.01)
            await asyncio.sleep(0.01)
            assert desk.venue.received == []
            desk.broker.flush()
            assert await desk.broker.settle(1.0)
            assert desk.venue.received == [("create", "w1-1")]
            assert (order.status, desk.lots) == (OrderStatus.SUBMITTED, 0)
            assert desk.woken
            desk.kernel.hear(START)
            assert (order.status, desk.lots) == (OrderStatus.FILLED, 10)

    play(test)


def test_a_limit_rests_until_the_price_reaches_it_and_pays_the_makers_fee():
    async def test():
        async with Desk(WireVenue(PERP, maker_fee=0.001, taker_fee=0.5)) as desk:
            order = desk.ctx.buy("P", 0.01, limit=99)
            await desk.go()
            assert order.status is OrderStatus.ACCEPTED
            desk.venue.move("P", 98.0)
            await desk.go()
            (fill,) = desk.kernel.fills
            assert (fill.price, fill.is_maker, fill.fee) == (99.0, True, pytest.approx(0.00099))
            assert desk.venue.balances["USDT"] == Decimal(10_000) - Decimal("0.00099")

    play(test)


def test_a_lost_answer_is_unknown_until_it_is_asked_about_and_is_never_sent_again():
    async def test():
        async with Desk() as desk:
            desk.venue.faults.append("lose_answer")
            desk.venue.is_mute = True
            order = desk.ctx.buy("P", 0.01)
            await desk.go()
            assert order.status is OrderStatus.UNKNOWN
            await desk.broker.catch_up()
            desk.kernel.hear(START)
            assert (order.status, desk.lots) == (OrderStatus.FILLED, 10)
            assert desk.venue.received == [("create", "w1-1")]

    play(test)


def test_a_lost_request_stays_unknown():
    async def test():
        async with Desk() as desk:
            desk.venue.faults.append("lose_request")
            order = desk.ctx.buy("P", 0.01)
            await desk.go()
            await desk.broker.catch_up()
            desk.kernel.hear(START)
            assert order.status is OrderStatus.UNKNOWN
            assert desk.venue.received == []

    play(test)


def test_fills_while_nothing_is_pushed_are_caught_up_once_also_by_a_broker_that_was_restarted():
    async def test():
        async with Desk() as desk:
            order = desk.ctx.buy("P", 0.01, limit=99)
            await desk.go()
            wire = desk.venue.find("w1-1")
            desk.venue.fill(wire, 4)
            await desk.go()
            state = desk.broker.save()
            desk.venue.is_mute = True
            desk.venue.fill(wire, 3)
            again = WireBroker(venue=desk.venue)
            again.connect(desk.kernel, desk.kernel.clock, {}, {})
            again.restore(state, {1: order})
            for _ in range(2):
                await again.catch_up()
                again.deliver()
            assert [fill.lots for fill in desk.kernel.fills] == [4, 3]

    play(test)


def test_protection_comes_with_the_entrys_fill_and_ends_together():
    async def test():
        async with Desk() as desk:
            entry = desk.ctx.buy("P", 0.01, stop_loss=90, take_profit=110)
            stop, target = entry.children
            await desk.go()
            assert (entry.status, stop.status, target.status) == (
                OrderStatus.FILLED, OrderStatus.ACCEPTED, OrderStatus.ACCEPTED,
            )  # fmt: skip
            desk.venue.move("P", 110.0)
            await desk.go()
            assert (target.status, stop.status, desk.lots) == (OrderStatus.FILLED, OrderStatus.CANCELED, 0)

    play(test)


def test_amendments_and_cancellations_reach_the_venue():
    async def test():
        async with Desk(delay_seconds=0.001) as desk:
            order = desk.ctx.buy("P", 0.01, limit=99)
            await desk.go()
            desk.ctx.amend(order, limit=98)
            await desk.go()
            assert (order.limit_price, desk.venue.find("w1-1").limit_price) == (98.0, 98.0)
            desk.ctx.cancel(order)
            await desk.go()
            assert (order.status, desk.venue.find("w1-1").status) == (OrderStatus.CANCELED,) * 2

    play(test)


def test_a_venue_that_is_away_answers_nothing():
    async def test():
        async with Desk() as desk:
            desk.venue.is_away = True
            for question in (desk.broker.catch_up, desk.broker.venue_account):
                with pytest.raises(hl.VenueError, match="away"):
                    await question()

    play(test)


def test_the_account_tells_our_orders_from_foreign_ones_and_withdraw_leaves_nothing():
    async def test():
        async with Desk() as desk:
            desk.ctx.buy("P", 0.01, limit=99)
            desk.venue.place("P", hl.Side.SELL, 5, 120.0)
            desk.ctx.buy("P", 0.002)
            await desk.go()
            account = await desk.broker.venue_account()
            assert [(one.number, one.lots) for one in account.orders] == [(0, 5), (1, 10)]
            assert [(one.position_id, one.lots) for one in account.positions] == [("P", 2)]
            await WireBroker(venue=desk.venue).withdraw(["P"], flatten=True)
            account = await desk.broker.venue_account()
            assert (account.orders, account.positions) == ((), ())

    play(test)


def test_funding_is_reported_once():
    async def test():
        async with Desk() as desk:
            desk.ctx.buy("P", 1)
            await desk.go()
            desk.venue.pay_funding("P", 0.01)
            await desk.go()
            await desk.broker.catch_up()
            await desk.go()
            assert [row[3] for row in desk.kernel.payments] == [-1.0]

    play(test)


def test_a_live_tape_moves_its_clock_and_the_venue_first():
    async def test():
        series = BarSeries("P", "1h", [START], [100.0], [110.0], [90.0], [105.0], [1.0])
        venue = WireVenue(PERP)
        seen = []
        events = [series.bar(0), lambda: seen.append("between"), series.bar(0)]
        tape = LiveTape(events, venue, {"P": series})
        request = hl.feed.BarRequest("P", "1h")
        async for bar in tape.stream([request]):
            seen.append(venue.prices["P"])
            assert tape.clock.now == bar.end
        assert seen == [105.0, "between", 105.0]

    play(test)
