"""Random orders through random faults at the emulated venue: once the faults are over both sides agree, and nothing was sent twice."""

import asyncio
import random
from collections import Counter

import pytest
from lmex_live import KEY, PERP, SECRET, live

from hookline.model import TimeInForce
from hookline_lmex.emulator import ExchangeOptions

FAULTS = [
    ("drop_sockets", {}),
    ("drop_on_message", {"probability": 0.2}),
    ("half_open", {}),
    ("duplicate_fills", {"probability": 0.7}),
    ("reorder_fills", {"value": 80}),
    ("delay_acks", {"value": 0.2, "probability": 0.4}),
    ("error_before", {"value": 503, "probability": 0.3}),
    ("error_before", {"value": "cut", "probability": 0.3}),
    ("error_after", {"value": 500, "probability": 0.3}),
    ("error_after", {"value": "cut", "probability": 0.3}),
    ("malformed_json", {"value": "rest", "probability": 0.2}),
    ("malformed_json", {"value": "socket", "probability": 0.2}),
]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("LMEX_API_KEY", KEY)
    monkeypatch.setenv("LMEX_API_SECRET", SECRET)


def act(session, rng):
    """Do one thing that a strategy might do."""
    ctx, price = session.ctx, 100.0
    orders = session.kernel.open_orders()
    what = rng.choice(
        ["limit", "limit", "market", "bracket", "ioc", "post", "cancel", "cancel", "amend", "close"]
    )
    quantity = 0.1 * rng.randrange(1, 6)
    if what == "limit":
        side = rng.choice([ctx.buy, ctx.sell])
        side("BTC-PERP", quantity, limit=price + rng.randrange(-8, 9))
    elif what == "market":
        rng.choice([ctx.buy, ctx.sell])("BTC-PERP", quantity)
    elif what == "bracket":
        ctx.buy("BTC-PERP", quantity, limit=price + rng.randrange(-3, 4), stop_loss=90.0, take_profit=112.0)
    elif what == "ioc":
        ctx.buy("BTC-PERP", quantity, limit=price + rng.randrange(-5, 6), time_in_force=TimeInForce.IOC)
    elif what == "post":
        ctx.sell("BTC-PERP", quantity, limit=price + rng.randrange(-3, 9), post_only=True)
    elif what == "close":
        ctx.close("BTC-PERP")
    elif orders:
        order = rng.choice(orders)
        if what == "cancel":
            ctx.cancel(order)
        elif order.limit_price is not None and order.parent is None:
            ctx.amend(order, limit=order.limit_price + rng.choice([-1.0, 1.0]), quantity=quantity)


async def campaign(seed, **options):
    rng = random.Random(seed)
    prices = [100.0]
    for _ in range(120):
        prices.append(min(115.0, max(85.0, prices[-1] + rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0]))))
    config = {"seed": seed, "nonce_window_seconds": None, "exchange": ExchangeOptions(**options)}
    async with live(
        prices, PERP, config=config, seconds=60.0, timeout_seconds=0.6, retries=2, leverage=10
    ) as session:
        for step in range(40):
            if rng.random() < 0.25:
                name, terms = rng.choice(FAULTS)
                session.venue.faults.set(name, **terms)
            if rng.random() < 0.15:
                session.venue.faults.clear()
            act(session, rng)
            session.broker.flush()
            await session.play(rng.randrange(0, 4))
            if step % 15 == 14 and rng.random() < 0.5:
                session.venue.faults.clear()
                await session.restart()
        session.venue.faults.clear()
        async with asyncio.timeout(20.0):
            while not (session.broker._link.stream.is_up and await session.broker.settle(0.3)):  # noqa: ASYNC110  # sockets come back
                await asyncio.sleep(0.05)
        await session.broker.catch_up()
        session.hear()
        await session.broker.settle(5.0)
        await session.agree()
        truth = session.venue.exchange.truth("tester")
        sent = Counter(one.client_order_id for one in truth.orders)
        assert max(sent.values(), default=0) <= 1
        assert session.ctx.position("BTC-PERP").lots == truth.positions.get("BTC-PERP", 0)
        lots = {one.symbol for one in truth.fills}
        assert lots <= {"BTC-PERP"}
        assert session.problem is None


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_agree_after_faults(seed):
    asyncio.run(campaign(seed))


def test_both_sides_agree_where_the_venue_forgets_orders_at_once():
    asyncio.run(campaign(500, closed_visible_seconds=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_both_sides_agree_after_many_faults(seed):
    asyncio.run(campaign(seed))
