"""The broker at the emulated venue, over real requests and sockets."""

import asyncio

import pytest
from lmex_live import KEY, PERP, SECRET, SPOT, live

from hookline.errors import ConfigError, VenueError
from hookline.model import OrderStatus

S = OrderStatus


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)


def run(story):
    asyncio.run(story())


def test_orders_rest_fill_are_amended_and_canceled():
    async def story():
        async with live() as session:
            resting = session.ctx.buy("BTC-PERP", 0.5, limit=90.0)
            market = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: market.is_closed and resting.status is S.ACCEPTED)
            assert market.status is S.FILLED
            assert session.ctx.position("BTC-PERP").lots == 300
            session.ctx.amend(resting, limit=91.0, quantity=0.6)
            session.broker.flush()
            await session.until(lambda: resting.limit_price == 91.0)
            assert resting.lots == 600
            await session.agree()
            session.ctx.cancel(resting)
            session.broker.flush()
            await session.until(lambda: resting.is_closed)
            assert resting.status is S.CANCELED
            assert await session.broker.settle(3.0)
            await session.agree()

    run(story)


def test_fees_are_the_venues():
    async def story():
        async with live() as session:
            assert session.broker.taker_fee == pytest.approx(0.0006)
            order = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: order.is_closed)
            (fill,) = session.kernel.fills
            assert fill.fee == pytest.approx(0.3 * fill.price * 0.0006)

    run(story)


def test_a_bracket_closes_the_position_and_nothing_is_left():
    async def story():
        prices = [100.0] * 8 + [100.0, 105.0, 111.0, 112.0, 112.0]
        async with live(prices) as session:
            entry = session.ctx.buy("BTC-PERP", 0.3, stop_loss=95.0, take_profit=110.0)
            session.broker.flush()
            stop, target = entry.children
            await session.until(lambda: stop.status is target.status is S.ACCEPTED)
            await session.agree()
            for _ in range(10):
                await session.play()
            await session.until(lambda: target.is_closed and stop.is_closed)
            assert (target.status, stop.status) == (S.FILLED, S.CANCELED)
            assert session.ctx.position("BTC-PERP").is_flat
            assert await session.broker.settle(5.0)
            await session.agree()

    run(story)


def test_a_stop_triggers_at_the_venue():
    async def story():
        async with live([100.0] * 4 + [100.0, 94.0, 94.0, 94.0], stop_price_source="last") as session:
            entry = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: entry.is_closed)
            stop = session.ctx.sell("BTC-PERP", 0.3, trigger=95.0, reduce_only=True)
            session.broker.flush()
            await session.until(lambda: stop.status is S.ACCEPTED)
            for _ in range(6):
                await session.play()
            await session.until(lambda: stop.is_closed)
            assert stop.status is S.FILLED
            await session.agree()

    run(story)


@pytest.mark.parametrize("fault", ["error_after", "error_before"])
def test_an_answer_that_is_lost_is_followed_up_and_nothing_is_sent_twice(fault):
    async def story():
        async with live() as session:
            session.venue.faults.set(fault, value=503, count=1, only="/order")
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0)
            session.broker.flush()
            want = S.ACCEPTED if fault == "error_after" else S.REJECTED
            await session.until(lambda: order.status is want)
            await session.agree()

    run(story)


def test_what_happens_while_the_sockets_are_down_is_caught_up_with():
    async def story():
        async with live([100.0] * 4 + [100.0, 89.0, 89.0, 89.0, 100.0, 100.0]) as session:
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0)
            session.broker.flush()
            await session.until(lambda: order.status is S.ACCEPTED)
            session.venue.faults.set("refuse_sockets")
            session.venue.faults.set("drop_sockets")
            for _ in range(6):
                await session.play()
            session.venue.faults.clear()
            await session.until(lambda: order.is_closed, 10.0)
            assert order.status is S.FILLED
            await session.agree()

    run(story)


def test_a_restart_finds_what_has_filled_meanwhile():
    async def story():
        async with live([100.0] * 4 + [100.0, 89.0, 89.0, 89.0, 100.0, 100.0]) as session:
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0)
            other = session.ctx.buy("BTC-PERP", 0.3, limit=50.0)
            session.broker.flush()
            await session.until(lambda: order.status is other.status is S.ACCEPTED)
            await session.broker.aclose()
            for _ in range(6):
                await session.play()
            await session.restart()
            await session.until(lambda: order.is_closed)
            assert (order.status, other.status) == (S.FILLED, S.ACCEPTED)
            await session.agree()

    run(story)


def test_the_dead_mans_switch_cancels_what_is_not_renewed():
    async def story():
        async with live() as session:
            order = session.ctx.buy("BTC-PERP", 0.3, limit=90.0)
            session.broker.flush()
            await session.until(lambda: order.status is S.ACCEPTED)
            session.broker.cancel_all_after(1.0)
            await asyncio.sleep(0.1)
            for _ in range(6):
                await session.play()
            await session.until(lambda: order.is_closed)
            assert order.status is S.CANCELED

    run(story)


def test_withdrawing_leaves_nothing():
    async def story():
        async with live() as session:
            resting = session.ctx.buy("BTC-PERP", 0.5, limit=90.0)
            market = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: market.is_closed and resting.status is S.ACCEPTED)
            done = await type(session.broker)(**session.params).withdraw(["BTC-PERP"], flatten=True)
            assert any("canceled 1 order" in line for line in done)
            assert any("closed 300 contracts" in line for line in done)
            await session.until(lambda: resting.is_closed)
            account = await session.broker.venue_account()
            assert not account.orders
            assert not account.positions

    run(story)


def test_spot_fees_in_coins_keep_to_what_the_venue_holds():
    async def story():
        async with live((100.0,) * 40, SPOT) as session:
            for _ in range(3):
                order = session.ctx.buy("BTC-USDT", 0.5)
                session.broker.flush()
                await session.until(lambda order=order: order.is_closed)
                assert order.status is S.FILLED
            await session.agree()
            sale = session.ctx.sell("BTC-USDT", session.ctx.position("BTC-USDT").quantity)
            session.broker.flush()
            await session.until(lambda: sale.is_closed)
            assert sale.status is S.FILLED

    run(story)


def test_leverage_and_margin_mode_are_set_as_configured():
    async def story():
        async with live(leverage=5) as session:
            (setting,) = await session.broker._link.client.futures.leverage("BTC-PERP")
            assert (setting.leverage, str(setting.margin_mode)) == (5, "isolated")
            order = session.ctx.buy("BTC-PERP", 0.3)
            session.broker.flush()
            await session.until(lambda: order.is_closed)
            session.params["leverage"] = 3
            await session.restart()
            assert any("leverage and margin mode stay" in text for text in session.kernel.warnings)

    run(story)


def test_an_instrument_with_other_steps_is_refused():
    from dataclasses import replace
    from decimal import Decimal

    async def story():
        with pytest.raises(VenueError, match=r"BTC-PERP.tick_size: must be the venue's 0.5"):
            async with live((100.0,) * 9, replace(PERP, tick_size=Decimal("0.1"))):
                pass

    run(story)


def test_a_wrong_secret_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("LMEX_API_SECRET", "not-the-right-one")

    async def story():
        with pytest.raises(VenueError) as caught:
            async with live():
                pass
        assert "not-the-right-one" not in str(caught.value)
        assert KEY not in str(caught.value)

    run(story)


def test_without_a_key_the_variables_are_named(monkeypatch, tmp_path):
    monkeypatch.delenv("LMEX_API_KEY")
    monkeypatch.delenv("LMEX_API_SECRET")
    monkeypatch.chdir(tmp_path)

    async def story():
        with pytest.raises(ConfigError, match="LMEX_API_KEY and LMEX_API_SECRET must be set"):
            async with live():
                pass

    run(story)
