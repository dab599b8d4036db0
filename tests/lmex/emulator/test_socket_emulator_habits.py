"""Habits of the emulated venue's sockets: acknowledgements, public trades, keep-alive, limits."""

import asyncio

import aiohttp
import pytest
from emulated import PERP, book, play, tape, trade, venue, visit

from hookline_lmex.emulator import SocketsConfig


def test_an_acknowledgement_leaves_out_what_is_refused():
    asked = [
        "tradeHistoryApiV3:BTC-PERP",
        "update:BTC-PERP_0",
        "orderBookApi:BTC-PERP_0",
        "tradeHistoryApiV3:NO-PERP",
    ]

    async def run():
        async with visit(venue()) as client:
            ear = await client.open("/ws/futures", *asked)
            assert await ear.hear() == {"event": "subscribe", "channel": asked[:1]}
            await ear.say(op="subscribe", args=asked[1:])
            assert await ear.hear() == {"event": "subscribe", "channel": []}

    asyncio.run(run())


@pytest.mark.parametrize("topic", ["notificationApiV4", "fillsV2", "allPositionV4", "positionsV3"])
def test_a_spot_socket_has_no_topics_of_futures(topic):
    async def run():
        async with visit(venue()) as client:
            ear = await client.open("/ws/spot", topic, "fills", login=True)
            assert (await ear.hear())["channel"] == ["fills"]

    asyncio.run(run())


def test_topics_can_be_refused_by_their_beginning():
    async def run():
        async with visit(venue(sockets=SocketsConfig(refused_topics=["notificationApiV4"]))) as client:
            ear = await client.open("/ws/futures", "notificationApiV4", "notificationApiV3", login=True)
            assert (await ear.hear())["channel"] == ["notificationApiV3"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("subscribed", "topic", "symbol"),
    [
        ("tradeHistoryApi:BTC-PERP", "tradeHistoryApi", "BTCPFC"),
        ("tradeHistoryApiV2:BTC-PERP", "tradeHistoryApiV2", "BTC-PERP"),
        ("tradeHistoryApiV3:BTC-PERP", "tradeHistoryApiV3:BTC-PERP", "BTC-PERP"),
    ],
)
def test_each_version_of_the_trades_has_its_own_names(subscribed, topic, symbol):
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            ear = await client.open("/ws/futures", subscribed)
            await ear.hear()
            await play(client, 2)
            row = (await ear.data(topic))[0]
            assert (row["symbol"], row["price"], row["size"], row["side"]) == (symbol, 100.5, 250, "BUY")

    asyncio.run(run())


def test_spot_trades_begin_with_the_recent_ones_newest_first():
    async def run():
        async with visit(venue()) as client:
            await play(client, 5)
            ear = await client.open("/ws/spot", "tradeHistoryApi:BTC-USDT")
            await ear.hear()
            rows = await ear.data("tradeHistoryApi:BTC-USDT")
            assert [row["price"] for row in rows] == [101, 100.5, 100]
            assert [row["size"] for row in rows] == [0.01] * 3
            ids = [row["tradeId"] for row in rows]
            assert ids == sorted(ids, reverse=True)
            status, answer = await client.call("GET", "/spot/api/v3.3/trades?symbol=BTC-USDT")
            assert (status, [row["serialId"] for row in answer]) == (200, ids)

    asyncio.run(run())


def test_the_text_ping_is_answered_with_the_text_pong():
    async def run():
        async with visit(venue()) as client:
            for path in ("/ws/spot", "/ws/futures", "/ws/oss/spot", "/ws/oss/futures"):
                ear = await client.open(path)
                await ear.socket.send_str("ping")
                assert (await ear.frame()).data == "pong"
                await ear.say(op="ping")
                if "oss" in path:
                    assert (await ear.hear())["errors"][0]["error"]["code"] == 1001
                else:
                    assert await ear.hears_nothing(0.05)

    asyncio.run(run())


def test_protocol_pings_are_answered_and_sent():
    async def run():
        async with visit(venue(sockets=SocketsConfig(ping_seconds=0.2))) as client:
            ear = await client.open()
            await ear.socket.ping(b"there?")
            frame = await ear.frame()
            assert (frame.type, bytes(frame.data)) == (aiohttp.WSMsgType.PONG, b"there?")
            assert (await ear.frame()).type is aiohttp.WSMsgType.PING

    asyncio.run(run())


def test_an_idle_socket_is_dropped_without_a_close_and_one_that_pings_is_not():
    async def run():
        async with visit(venue(sockets=SocketsConfig(idle_seconds=0.8))) as client:
            idle, busy = await client.open(), await client.open()
            for _ in range(14):
                await busy.socket.send_str("ping")
                assert (await busy.frame()).data == "pong"
                await asyncio.sleep(0.1)
            frame = await idle.frame()
            assert frame.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
            assert idle.socket.close_code == 1006

    asyncio.run(run())


def test_more_topics_than_there_is_room_for_are_left_out():
    async def run():
        async with visit(venue(sockets=SocketsConfig(max_topics=2))) as client:
            ear = await client.open("/ws/futures", "tradeHistoryApi:BTC-PERP", "tradeHistoryApiV2:BTC-PERP")
            assert len((await ear.hear())["channel"]) == 2
            await ear.say(op="subscribe", args=["tradeHistoryApiV3:BTC-PERP", "tradeHistoryApi:BTC-PERP"])
            assert (await ear.hear())["channel"] == ["tradeHistoryApi:BTC-PERP"]

    asyncio.run(run())


def test_more_connections_than_allowed_are_refused_with_400():
    async def run():
        async with visit(venue(sockets=SocketsConfig(max_connections=1))) as client:
            kept = await client.open()
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.open()
            assert not kept.socket.closed
            assert refused.value.status == 400

    asyncio.run(run())


def test_a_greeting_can_come_first():
    async def run():
        async with visit(venue(sockets=SocketsConfig(greeting=True))) as client:
            ear = await client.open()
            assert (await ear.frame()).data == "connect success"

    asyncio.run(run())


def test_a_reader_that_is_too_slow_is_dropped():
    messages = [book(0, "99.5*2", "100.5*1", snapshot=True)]
    messages += [trade(1 + number / 100, 100.0, 0.5) for number in range(60)]

    async def run():
        async with visit(
            venue(tape("BTC-PERP", *messages), markets=[PERP], sockets=SocketsConfig(queue=20))
        ) as client:
            ear = await client.open("/ws/futures", "tradeHistoryApiV3:BTC-PERP")
            await ear.hear()
            while client.emulator.play_next():  # without a moment in which anything could be sent
                pass
            frames = [(await ear.frame()).type for _ in range(61)]
            assert frames.count(aiohttp.WSMsgType.TEXT) <= 21
            await asyncio.sleep(0.1)
            assert client.emulator.sockets.count == 0

    asyncio.run(run())


def test_private_messages_may_carry_fields_that_nobody_has_documented():
    async def run():
        async with visit(venue(quirks=True)) as client:
            await play(client, 1)
            ear = await client.open("/ws/futures", "fillsV2", login=True)
            await ear.hear()
            for _ in range(20):
                await client.order()
            messages = [await ear.hear() for _ in range(20)]
            odd = [one for one in messages if "fieldOfLaterDate" in one["data"][0]]
            assert 0 < len(odd) < 20
            assert all(one["data"][0]["tradeId"] for one in messages)

    asyncio.run(run())


def test_latencies_are_in_the_time_of_the_venue():
    async def run():
        async with visit(
            venue(speed=10.0, order_latency_ms=3000, data_latency_ms=2000, markets=[PERP])
        ) as client:
            ear = await client.open("/ws/futures", "tradeHistoryApiV3:BTC-PERP")
            loop, begun = asyncio.get_running_loop(), asyncio.get_running_loop().time()
            status, _ = await client.order(price=50)
            assert status == 200
            assert 0.29 < loop.time() - begun < 3
            row = (await ear.data("tradeHistoryApiV3:BTC-PERP"))[0]
            late = client.emulator.clock.now / 1e9 - row["timestamp"] / 1e3
            assert 1.9 < late < 20

    asyncio.run(run())


def test_frames_may_be_compressed():
    async def run():
        async with visit(venue()) as client:
            ear = await client.open("/ws/futures", "tradeHistoryApiV3:BTC-PERP")
            assert ear.socket.compress
            assert (await ear.hear())["event"] == "subscribe"

    asyncio.run(run())


def test_a_market_off_the_list_is_refused_and_silent():
    async def run():
        async with visit(venue(markets=[PERP])) as client:
            await play(client, 1)
            ear = await client.open("/ws/futures", "tradeHistoryApiV3:BTC-PERP")
            await ear.hear()
            client.emulator.faults.set("delist", "BTC-PERP")
            await play(client, 4)
            assert await ear.hears_nothing()
            await ear.say(op="subscribe", args=["tradeHistoryApi:BTC-PERP"])
            assert (await ear.hear())["channel"] == []
            client.emulator.faults.clear("delist")
            await ear.say(op="subscribe", args=["tradeHistoryApi:BTC-PERP"])
            assert (await ear.hear())["channel"] == ["tradeHistoryApi:BTC-PERP"]

    asyncio.run(run())
