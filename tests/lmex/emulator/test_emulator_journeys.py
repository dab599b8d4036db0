"""Orders that take time to a venue whose clock stands."""

import asyncio

from emulated import PERP, START, play, until, venue, visit

SECOND = 10**9


def resting(client):
    return len(client.emulator.exchange.truth("tester").open_orders)


def test_an_order_arrives_and_is_answered_between_the_events_of_its_times():
    async def run():
        async with visit(venue(order_latency_ms=2000, markets=[PERP])) as client:
            await play(client, 2)
            journeys = client.emulator.journeys
            sent = asyncio.create_task(client.order(price=50))
            await until(lambda: journeys.travelling)
            assert START + SECOND < journeys.next_arrival - SECOND < START + 1.1 * SECOND

            await play(client, 1)
            assert resting(client) == 0
            await play(client, 1)
            assert resting(client) == 1
            assert not sent.done()
            await play(client, 1)
            status, _ = await asyncio.wait_for(sent, 5)
            assert status == 200
            assert journeys.travelling == 0

    asyncio.run(run())


def test_questions_are_answered_at_once_while_the_clock_stands():
    async def run():
        async with visit(venue(order_latency_ms=2000, markets=[PERP])) as client:
            async with asyncio.timeout(5):
                status, _ = await client.call("GET", "/futures/api/v2.3/market_summary")
            assert status == 200

    asyncio.run(run())


def test_what_is_on_its_way_arrives_once_the_clock_runs():
    async def run():
        async with visit(venue(order_latency_ms=60_000, markets=[PERP])) as client:
            await play(client, 1)
            sent = asyncio.create_task(client.order(price=50))
            await until(lambda: client.emulator.journeys.travelling)
            client.emulator.set_speed(10_000.0)
            status, _ = await asyncio.wait_for(sent, 5)
            assert status == 200

    asyncio.run(run())


def test_an_order_whose_sender_has_gone_keeps_no_step_waiting():
    async def run():
        async with visit(venue(order_latency_ms=2000, markets=[PERP])) as client:
            await play(client, 2)
            journeys = client.emulator.journeys
            sent = asyncio.create_task(client.order(price=50))
            await until(lambda: journeys.travelling)
            sent.cancel()
            await asyncio.gather(sent, return_exceptions=True)
            async with asyncio.timeout(5):
                await play(client, 6)
            assert journeys.next_arrival is None

    asyncio.run(run())
