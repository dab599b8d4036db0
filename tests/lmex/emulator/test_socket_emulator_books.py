"""Order-book sockets of the emulated venue, as a raw client sees them."""

import asyncio

import aiohttp
import pytest
from emulated import PERP, START, bar_venue, book, play, tape, venue, visit

from hookline_lmex.emulator import SocketsConfig

PATH = "/ws/oss/futures"


async def snapshot_and_ack(ear, topic):
    """Return the snapshot and the acknowledgement, which come in any order."""
    messages = [await ear.hear(), await ear.hear()]
    acks = [one for one in messages if one.get("event") == "subscribe"]
    assert acks == [{"event": "subscribe", "channel": [topic]}]
    return next(one["data"] for one in messages if one.get("topic") == topic)


def test_a_snapshot_has_bids_from_the_best_and_asks_from_the_worst_in_contracts():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            found = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            assert found["bids"] == [["99.5", "2000"], ["99.0", "3000"]]
            assert found["asks"] == [["101.0", "4000"], ["100.5", "1000"]]
            assert (found["type"], found["symbol"]) == ("snapshot", "BTC-PERP")
            assert found["prevSeqNum"] == found["seqNum"] - 1
            assert START // 10**6 <= found["timestamp"] < START // 10**6 + 1000

    asyncio.run(run())


def test_deltas_carry_on_the_numbers_and_delete_with_size_zero():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            last = (await snapshot_and_ack(ear, "update:BTC-PERP_0"))["seqNum"]
            await play(client, 3)
            first, second = await ear.data("update:BTC-PERP_0"), await ear.data("update:BTC-PERP_0")
            assert (first["type"], first["bids"], first["asks"]) == ("delta", [["99.5", "1000"]], [])
            assert (first["prevSeqNum"], first["seqNum"]) == (last, last + 1)
            assert second["bids"] == [["100.0", "5000"]]
            assert second["asks"] == [["100.5", "0"]]
            assert second["prevSeqNum"] == first["seqNum"]

    asyncio.run(run())


def test_spot_sizes_are_base_units_with_all_their_places():
    async def run():
        async with visit(venue()) as client:
            await play(client, 2)
            ear = await client.open("/ws/oss/spot", "update:BTC-USDT_0")
            found = await snapshot_and_ack(ear, "update:BTC-USDT_0")
            assert found["bids"] == [["99.0", "2.000"]]

    asyncio.run(run())


def test_levels_that_leave_the_window_of_fifty_are_sent_as_zero():
    deep = " ".join(f"{100 - 0.5 * level:g}*1" for level in range(60))
    series = tape(
        "BTC-PERP", book(0, deep, "101*1", snapshot=True), book(1, "100.5*2", ""), book(2, "100.5*0", "")
    )

    async def run():
        async with visit(venue(series, markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            found = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            assert len(found["bids"]) == 50
            assert found["bids"][-1][0] == "75.5"
            await play(client, 2)
            entered, left = await ear.data("update:BTC-PERP_0"), await ear.data("update:BTC-PERP_0")
            assert sorted(entered["bids"]) == [["100.5", "2000"], ["75.5", "0"]]
            assert sorted(left["bids"]) == [["100.5", "0"], ["75.5", "1000"]]

    asyncio.run(run())


def test_each_grouping_has_a_chain_of_its_own_and_one_out_of_range_stays_silent():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_2", "update:BTC-PERP_9", "update:BTC-PERP")
            messages = [await ear.hear() for _ in range(3)]
            ack = next(one for one in messages if "event" in one)
            assert sorted(ack["channel"]) == ["update:BTC-PERP", "update:BTC-PERP_2", "update:BTC-PERP_9"]
            data = {one["topic"]: one["data"] for one in messages if "topic" in one}
            assert data["update:BTC-PERP_2"]["bids"] == [["95", "5000"]]
            assert data["update:BTC-PERP_2"]["asks"] == [["105", "5000"]]
            assert data["update:BTC-PERP"]["bids"][0] == ["99.5", "2000"]
            assert data["update:BTC-PERP"]["seqNum"] != data["update:BTC-PERP_2"]["seqNum"]

    asyncio.run(run())


def test_a_bare_topic_has_the_numbers_of_group_zero():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP", "update:BTC-PERP_0")
            await play(client, 2)
            bare, grouped = await ear.data("update:BTC-PERP"), await ear.data("update:BTC-PERP_0")
            assert bare["seqNum"] == grouped["seqNum"]

    asyncio.run(run())


def test_subscribing_again_gives_a_fresh_snapshot():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            first = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            await play(client, 2)
            await ear.data("update:BTC-PERP_0")
            await ear.say(op="subscribe", args=["update:BTC-PERP_0"])
            again = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            assert again["type"] == "snapshot"
            assert again["seqNum"] == first["seqNum"] + 1
            assert again["bids"][0] == ["99.5", "1000"]

    asyncio.run(run())


def test_nothing_comes_after_unsubscribing():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            await snapshot_and_ack(ear, "update:BTC-PERP_0")
            await ear.say(op="unsubscribe", args=["update:BTC-PERP_0"])
            assert await ear.hear() == {"event": "unsubscribe", "channel": ["update:BTC-PERP_0"]}
            await play(client, 3)
            assert await ear.hears_nothing()

    asyncio.run(run())


def test_the_best_level_comes_without_a_number_and_only_when_it_changes():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "snapshotL1:BTC-PERP_0")
            found = await snapshot_and_ack(ear, "snapshotL1:BTC-PERP_0")
            assert (found["bids"], found["asks"], found["type"]) == (
                [["99.5", "2000"]],
                [["100.5", "1000"]],
                "snapshotL1",
            )
            assert "seqNum" not in found
            await play(client, 2)
            assert (await ear.data("snapshotL1:BTC-PERP_0"))["bids"] == [["99.5", "1000"]]
            await play(client, 3)  # the level behind the best changes twice
            assert (await ear.data("snapshotL1:BTC-PERP_0"))["bids"] == [["100.0", "5000"]]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('{"op":"subscribe","args":["update:NONE-PERP_0"]}', 1000),
        ('{"op":"subscribe","args":["tradeHistoryApiV3:BTC-PERP"]}', 1005),
        ('{"op":"authKeyExpires","args":[]}', 1001),
        ("no json", 1002),
        ('{"args":["update:BTC-PERP_0"]}', 1002),
    ],
)
def test_what_a_book_socket_refuses_has_a_code(said, code):
    async def run():
        async with visit(venue()) as client:
            ear = await client.open(PATH)
            await ear.socket.send_str(said)
            answer = await ear.hear()
            assert answer["severity"] == "ERROR"
            assert answer["errors"][0]["error"]["code"] == code

    asyncio.run(run())


def test_too_many_refusals_close_the_socket():
    async def run():
        async with visit(venue(sockets=SocketsConfig(max_failures=2))) as client:
            ear = await client.open(PATH)
            for _ in range(3):
                await ear.socket.send_str("no json")
            codes = [(await ear.hear())["errors"][0]["error"]["code"] for _ in range(4)]
            assert codes == [1002, 1002, 1002, 1008]
            assert (await ear.frame()).type is aiohttp.WSMsgType.CLOSE

    asyncio.run(run())


def test_a_subscription_without_arguments_gets_no_answer():
    async def run():
        async with visit(venue()) as client:
            ear = await client.open(PATH)
            await ear.say(op="subscribe")
            assert await ear.hears_nothing()

    asyncio.run(run())


def test_a_market_with_bars_has_a_book_of_one_level_one_tick_wide():
    async def run():
        async with visit(bar_venue("100 102")) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            found = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            assert [level[0] for level in found["bids"] + found["asks"]] == ["100.0", "100.5"]
            await play(client, 1)
            moved = await ear.data("update:BTC-PERP_0")
            assert {price for price, size in moved["bids"] if size != "0"} == {"102.0"}

    asyncio.run(run())


def test_a_book_that_is_crossed_at_its_source_is_told_of_once_it_is_whole():
    series = tape(
        "BTC-PERP",
        book(0, "99.5*2", "100.5*1", snapshot=True),
        book(1, "101*1", ""),
        book(2, "", "100.5*0 101.5*2"),
    )

    async def run():
        async with visit(venue(series, markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open(PATH, "update:BTC-PERP_0")
            found = await snapshot_and_ack(ear, "update:BTC-PERP_0")
            await play(client, 2)
            delta = await ear.data("update:BTC-PERP_0")
            assert delta["prevSeqNum"] == found["seqNum"]
            assert delta["bids"] == [["101.0", "1000"]]
            assert sorted(delta["asks"]) == [["100.5", "0"], ["101.5", "2000"]]

    asyncio.run(run())
