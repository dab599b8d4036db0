"""Faults of sockets, as a raw client meets them."""

import asyncio
import json

import aiohttp
import pytest
from emulated import PERP, play, venue, visit

GONE = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
NOTES, FILLS = "notificationApiV4", "fillsV2"
BOOK, TRADES = "update:BTC-PERP_0", "tradeHistoryApiV3:BTC-PERP"


async def listener(client, *topics):
    """Return a socket that is logged in and has heard its acknowledgement."""
    ear = await client.open("/ws/futures", *topics, login=True)
    await ear.hear()
    return ear


async def follower(client):
    """Return a socket that follows a book, with the number of its snapshot."""
    await play(client, 1)
    ear = await client.open("/ws/oss/futures", BOOK)
    found = [await ear.hear(), await ear.hear()]
    return ear, next(one["data"]["seqNum"] for one in found if "data" in one)


def test_all_sockets_are_dropped_at_once_and_new_ones_are_not():
    async def run():
        async with visit(venue()) as client:
            ears = [await client.open(path) for path in ("/ws/futures", "/ws/spot", "/ws/oss/futures")]
            client.emulator.faults.set("drop_sockets")
            for ear in ears:
                assert (await ear.frame()).type in GONE
                assert ear.socket.close_code == 1006
            again = await client.open()
            assert await again.hears_nothing()
            assert client.emulator.faults.fired == {"drop_sockets": 1}

    asyncio.run(run())


def test_sockets_can_be_dropped_again_and_again():
    async def run():
        async with visit(venue()) as client:
            ear = await client.open()
            client.emulator.faults.set("drop_sockets", 0.2, count=2)
            for _ in range(2):
                assert (await ear.frame()).type in GONE
                ear = await client.open()
            assert await ear.hears_nothing(0.4)

    asyncio.run(run())


def test_a_message_can_be_lost_only_together_with_its_socket():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, NOTES, FILLS)
            client.emulator.faults.set("drop_on_message", count=1, only="fills")
            await client.order()
            assert (await ear.hear())["topic"] == NOTES
            assert (await ear.frame()).type in GONE

    asyncio.run(run())


def test_sockets_can_be_refused():
    async def run():
        async with visit(venue()) as client:
            client.emulator.faults.set("refuse_sockets", count=1, only="oss")
            assert not (await client.open("/ws/futures")).socket.closed
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.open("/ws/oss/futures")
            assert refused.value.status == 503
            assert not (await client.open("/ws/oss/futures")).socket.closed

    asyncio.run(run())


def test_a_stalled_socket_answers_pings_alone_and_everything_comes_late():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, FILLS)
            client.emulator.faults.set("stall_sockets")
            await client.order()
            await ear.say(op="subscribe", args=[NOTES])
            await ear.socket.send_str("ping")
            assert (await ear.frame()).data == "pong"
            assert await ear.hears_nothing(0.3)
            client.emulator.faults.clear()
            assert [(await ear.hear()).get("topic"), (await ear.hear()).get("event")] == [FILLS, "subscribe"]

    asyncio.run(run())


def test_a_half_open_socket_answers_nothing_and_stays_so():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, FILLS)
            client.emulator.faults.set("half_open", seconds=0.1)
            await ear.socket.send_str("ping")
            await ear.socket.ping()
            await client.order()
            assert await ear.hears_nothing(0.4)
            fresh = await client.open()
            await fresh.socket.send_str("ping")
            assert (await fresh.frame()).data == "pong"

    asyncio.run(run())


@pytest.mark.parametrize("name", ["stall_sockets", "half_open", "drop_sockets"])
def test_sockets_of_some_paths_alone_can_be_hit(name):
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            book, _ = await follower(client)
            main = await listener(client, TRADES)
            client.emulator.faults.set(name, only="oss")
            await asyncio.sleep(0.05)
            await play(client, 2)
            assert (await main.hear())["topic"] == TRADES
            if name == "drop_sockets":
                assert (await book.frame()).type in GONE
            else:
                assert await book.hears_nothing()

    asyncio.run(run())


def test_a_gap_leaves_out_a_number_and_subscribing_again_heals_it():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            ear, last = await follower(client)
            client.emulator.faults.set("sequence_gaps", count=1)
            await play(client, 3)
            delta = await ear.data(BOOK)
            assert (delta["prevSeqNum"], delta["seqNum"]) == (last + 1, last + 2)
            await ear.say(op="subscribe", args=[BOOK])
            fresh = await ear.data(BOOK)
            assert (fresh["type"], fresh["seqNum"]) == ("snapshot", last + 2)
            assert fresh["bids"][:2] == [["100.0", "5000"], ["99.5", "1000"]]

    asyncio.run(run())


def test_a_crossed_book_has_a_bid_at_the_best_ask_and_a_snapshot_heals_it():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            ear, last = await follower(client)
            client.emulator.faults.set("crossed_books", count=1)
            await play(client, 2)
            delta = await ear.data(BOOK)
            assert (delta["prevSeqNum"], delta["bids"][-1]) == (last, ["100.5", "1000"])
            await ear.say(op="subscribe", args=[BOOK])
            fresh = await ear.data(BOOK)
            assert fresh["bids"][0] == ["99.5", "1000"]

    asyncio.run(run())


def test_a_duplicated_fill_is_the_same_twice():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, FILLS)
            client.emulator.faults.set("duplicate_fills", 50, count=1)
            await client.order()
            first, second = (await ear.data(FILLS))[0], (await ear.data(FILLS))[0]
            assert first == second
            assert len(client.emulator.exchange.truth("tester").fills) == 1
            await client.order()
            assert (await ear.data(FILLS))[0]["tradeId"] != first["tradeId"]
            assert await ear.hears_nothing()

    asyncio.run(run())


def test_fills_and_notifications_can_come_in_another_order_but_all_of_them_come():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, NOTES, FILLS)
            client.emulator.faults.set("reorder_fills", 200)
            for number in range(8):
                await client.order("BUY", 10 + number)
            rows = [(await ear.hear())["data"][0] for _ in range(16)]
            sizes = [float(row["size"]) for row in rows if "tradeId" in row]
            assert sizes != sorted(sizes)
            assert sorted(sizes) == [10.0 + number for number in range(8)]
            assert sorted(row["filledSize"] for row in rows if "tradeId" not in row) == list(range(10, 18))

    asyncio.run(run())


def test_market_data_can_be_slow_while_private_messages_are_not():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await listener(client, TRADES, FILLS)
            client.emulator.faults.set("slow_market_data", 300)
            await client.emulator.step(2)  # with a trade
            await client.order()
            assert (await ear.hear())["topic"] == FILLS
            assert await ear.hears_nothing(0.1)
            assert (await ear.hear())["topic"] == TRADES

    asyncio.run(run())


def test_data_that_was_slow_is_not_overtaken_by_what_comes_after_it():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            ear, last = await follower(client)
            client.emulator.faults.set("slow_market_data", 200)
            await play(client, 2)
            client.emulator.faults.clear()
            await play(client, 2)
            assert [(await ear.data(BOOK))["seqNum"] for _ in range(2)] == [last + 1, last + 2]

    asyncio.run(run())


def test_a_message_can_be_cut_in_the_middle():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await listener(client, FILLS)
            client.emulator.faults.set("malformed_json", "socket", count=1)
            assert (await client.order())[0] == 200
            with pytest.raises(json.JSONDecodeError):
                await ear.hear()
            await client.order()
            assert (await ear.hear())["topic"] == FILLS

    asyncio.run(run())


def test_maintenance_closes_the_sockets_and_refuses_new_ones():
    async def run():
        async with visit(venue()) as client:
            ear = await client.open()
            client.emulator.faults.set("maintenance")
            frame = await ear.frame()
            assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.open()
            assert refused.value.status == 503
            client.emulator.faults.clear()
            assert not (await client.open()).socket.closed

    asyncio.run(run())
