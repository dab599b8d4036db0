"""The broker at the emulated venue: funding, hedge mode, trailing stops, times, strangers, liquidation, secrets, speed."""

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from lmex_live import KEY, PERP, SECRET, live

from hookline.clock import from_ns, stopwatch
from hookline.model import OrderStatus, PositionMode
from hookline_lmex.requests import NewOrder

S = OrderStatus


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)


def run(story):
    asyncio.run(story())


def test_funding_is_booked_once_when_the_venue_has_paid_it():
    async def story():
        config = {"spacing": 3600, "funding_rate": Decimal("0.001")}
        async with live((100.0,) * 12, config=config, funding_seconds=0.2) as session:
            order = session.ctx.buy("BTC-PERP", 0.5)
            session.broker.flush()
            await session.until(lambda: order.is_closed)
            for _ in range(10):
                await session.play()
            await session.until(lambda: bool(session.kernel.payments))
            assert [round(amount, 9) for *_, amount in session.kernel.payments] == [-0.05]
            await session.restart()
            await asyncio.sleep(0.5)
            assert len(session.kernel.payments) == 1

    run(story)


def test_a_long_and_a_short_are_held_side_by_side():
    async def story():
        hedged = replace(PERP, position_mode=PositionMode.HEDGE)
        async with live((100.0,) * 40, hedged) as session:
            long = session.ctx.buy("BTC-PERP", 0.3, position="long")
            short = session.ctx.sell("BTC-PERP", 0.2, position="short")
            session.broker.flush()
            await session.until(lambda: long.is_closed and short.is_closed)
            account = await session.broker.venue_account()
            held = {one.position_id: one.lots for one in account.positions}
            assert held == {"BTC-PERP|long": 300, "BTC-PERP|short": -200}
            less = session.ctx.sell("BTC-PERP", 0.1, position="long")
            session.broker.flush()
            await session.until(lambda: less.is_closed)
            account = await session.broker.venue_account()
            held = {one.position_id: one.lots for one in account.positions}
            assert held == {"BTC-PERP|long": 200, "BTC-PERP|short": -200}

    run(story)


def test_a_trailing_stop_follows_at_the_venue():
    async def story():
        prices = [100.0] * 4 + [104.0, 110.0, 110.0, 104.0, 104.0, 104.0]
        async with live(prices, stop_price_source="last") as session:
            entry = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: entry.is_closed)
            stop = session.ctx.sell("BTC-PERP", 0.3, trail_fraction=0.05, reduce_only=True)
            session.broker.flush()
            await session.until(lambda: stop.status is S.ACCEPTED)
            for _ in range(8):
                await session.play()
            await session.until(lambda: stop.is_closed)
            assert stop.status is S.FILLED
            assert session.kernel.fills[-1].price == 103.5

    run(story)


def test_an_order_expires_at_its_time():
    async def story():
        async with live() as session:
            end = from_ns(session.venue.clock.now) + timedelta(seconds=1)
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0, expire=end)
            session.broker.flush()
            await session.until(lambda: order.status is S.ACCEPTED)
            await session.until(lambda: order.is_closed)
            assert order.status is S.EXPIRED
            await session.agree()

    run(story)


def test_orders_of_others_are_shown_and_canceled_on_demand():
    async def story():
        async with live() as session:
            client = session.broker._link.client
            from hookline.model import Side

            await client.futures.create_order(
                NewOrder(
                    symbol="BTC-PERP", side=Side.BUY, size=100, price=Decimal(90), client_order_id="by-hand"
                )
            )
            (found,) = (await session.broker.venue_account()).orders
            assert (found.number, found.client_order_id, found.lots) == (0, "by-hand", 100)
            await session.broker.cancel_foreign([found.venue_order_id])
            assert not (await session.broker.venue_account()).orders

    run(story)


def test_a_liquidation_is_adopted():
    async def story():
        prices = [100.0] * 4 + [80.0] * 8
        async with live(prices, leverage=20) as session:
            order = session.ctx.buy("BTC-PERP", 20.0)
            session.broker.flush()
            await session.until(lambda: order.is_closed)
            assert order.status is S.FILLED
            await session.until(
                lambda: session.broker.liquidation_price(session.ctx.position("BTC-PERP")) > 80
            )
            for _ in range(6):
                await session.play()
            await session.until(lambda: session.ctx.position("BTC-PERP").is_flat)
            assert session.kernel.orders[-1].tag == "liquidation"
            await session.agree()

    run(story)


def test_neither_key_nor_secret_is_in_the_log_or_in_what_is_saved(caplog):
    caplog.set_level(logging.DEBUG)

    async def story():
        async with live() as session:
            session.venue.faults.set("error_after", value=500, count=1, only="/order")
            session.venue.faults.set("malformed_json", value="rest", probability=0.3)
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0)
            session.broker.flush()
            await asyncio.sleep(0.5)
            session.venue.faults.clear()
            await session.until(lambda: order.status is S.ACCEPTED)
            shown = [
                repr(session.broker),
                str(session.broker.save()),
                repr(session.kernel.warnings),
                caplog.text,
            ]
            assert "create" in caplog.text
            for secret in (KEY, SECRET):
                assert not any(secret in text for text in shown)

    run(story)


def test_orders_leave_at_once():
    async def story():
        async with live() as session:
            transport, seconds = session.broker._link.client.futures._transport, []
            original = transport.call

            async def call(endpoint, *args, **kwargs):
                seconds.append(stopwatch())
                return await original(endpoint, *args, **kwargs)

            transport.call = call
            for _ in range(20):
                order = session.ctx.buy("BTC-PERP", 0.1, limit=90.0)
                began = stopwatch()
                seconds.clear()
                session.broker.flush()
                await asyncio.sleep(0)
                assert seconds
                assert seconds[0] - began < 0.05
                await session.until(lambda order=order: order.status is S.ACCEPTED)

    run(story)
