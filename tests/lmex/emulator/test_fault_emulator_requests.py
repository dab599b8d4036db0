"""Faults of requests, as a raw client meets them: before a request is done, and on the way back."""

import asyncio

import aiohttp
import pytest
from emulated import play, until, venue, visit

ORDER = "POST /futures/api/v2.3/order"


def orders(client):
    """Return the orders that have reached the exchange."""
    return client.emulator.exchange.truth("tester").orders


async def stepped(client):
    """Play until there is a book."""
    await play(client, 1)


def test_an_error_before_leaves_nothing_done():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("error_before", 502, count=1, only=ORDER)
            async with client.session.post(client.emulator.rest_url + "/futures/api/v2.3/order") as answer:
                assert answer.status == 502
            assert orders(client) == ()
            assert (await client.order())[0] == 200  # once was all

    asyncio.run(run())


def test_an_error_after_hides_that_the_order_was_taken():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("error_after", 503, only=ORDER)
            with pytest.raises(ValueError, match="Expecting value"):  # the body is no JSON
                await client.order(clOrderID="lost")
            assert [one.client_order_id for one in orders(client)] == ["lost"]

    asyncio.run(run())


@pytest.mark.parametrize(("name", "taken"), [("error_before", 0), ("error_after", 1)])
def test_a_cut_connection_says_nothing_of_whether_it_was_done(name, taken):
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set(name, "cut", count=1)
            with pytest.raises(aiohttp.ClientConnectionError):
                await client.order()
            assert len(orders(client)) == taken

    asyncio.run(run())


def test_a_late_answer_comes_after_the_order_was_taken():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("delay_acks", 0.4, only=ORDER)
            asked = asyncio.create_task(client.order())
            await asyncio.sleep(0.2)
            assert len(orders(client)) == 1
            assert not asked.done()
            assert (await asked)[0] == 200

    asyncio.run(run())


def test_a_storm_of_429_has_a_time_to_wait_and_does_nothing():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("rate_limit_storm", 2)
            status, body = await client.order()
            assert (status, body["errorCode"], body["status"]) == (429, 303, 429)
            async with client.session.get(client.emulator.rest_url + "/spot/api/v3.3/time") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
                assert (await answer.json())["code"] == 303
            assert orders(client) == ()
            client.emulator.faults.clear("rate_limit_storm")
            assert (await client.order())[0] == 200

    asyncio.run(run())


def test_half_a_json_answer_comes_from_a_request_that_was_done():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("malformed_json", "rest", count=1)
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                await client.order()
            assert len(orders(client)) == 1
            assert (await client.order())[0] == 200

    asyncio.run(run())


def test_maintenance_answers_503_everywhere_with_no_json():
    async def run():
        async with visit(venue()) as client:
            client.emulator.faults.set("maintenance")
            for path in ("/spot/api/v3.3/time", "/futures/api/v2.3/market_summary", "/nowhere"):
                async with client.session.get(client.emulator.rest_url + path) as answer:
                    assert (answer.status, answer.content_type) == (503, "text/html")
            client.emulator.faults.clear("maintenance")
            async with client.session.get(client.emulator.rest_url + "/spot/api/v3.3/time") as answer:
                assert answer.status == 200

    asyncio.run(run())


def test_a_ban_answers_429_and_refuses_sockets_with_400():
    async def run():
        async with visit(venue()) as client:
            client.emulator.faults.set("ban", 900)
            async with client.session.get(client.emulator.rest_url + "/spot/api/v3.3/time") as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "900")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.open()
            assert refused.value.status == 400

    asyncio.run(run())


def test_a_skewed_clock_is_shown_and_refuses_nonces_of_the_right_time():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            url = client.emulator.rest_url + "/spot/api/v3.3/time"
            async with client.session.get(url) as answer:
                before = (await answer.json())["epoch"]
            right = client.nonce()
            client.emulator.faults.set("clock_skew", 90_000)
            async with client.session.get(url) as answer:
                assert (await answer.json())["epoch"] == before + 90
            client.nonce = lambda: right
            status, body = await client.call("GET", "/futures/api/v2.3/user/positions")
            assert (status, body["message"]) == (401, "Invalid nonce")
            client.emulator.faults.clear("clock_skew")
            assert (await client.call("GET", "/futures/api/v2.3/user/positions"))[0] == 200

    asyncio.run(run())


def test_a_market_off_the_list_takes_no_orders_and_cancels_those_it_has():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            assert (await client.order(price=90))[0] == 200
            client.emulator.faults.set("delist", "BTC-PERP", seconds=1)
            assert client.emulator.exchange.truth("tester").open_orders == ()
            assert (await client.order())[0] == 400
            await until(lambda: client.emulator.exchange.states["BTC-PERP"].is_listed)
            assert (await client.order())[0] == 200

    asyncio.run(run())


def test_what_a_fault_is_limited_to_leaves_the_rest_alone():
    async def run():
        async with visit(venue()) as client:
            await stepped(client)
            client.emulator.faults.set("error_before", 500, only="DELETE")
            assert (await client.order(price=90))[0] == 200
            with pytest.raises(ValueError, match="Expecting value"):
                await client.call("DELETE", "/futures/api/v2.3/order?symbol=BTC-PERP")
            assert len(client.emulator.exchange.truth("tester").open_orders) == 1

    asyncio.run(run())
