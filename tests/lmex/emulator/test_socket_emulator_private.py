"""Private topics of the emulated venue's main sockets, as a raw client hears them."""

import asyncio

import pytest
from emulated import SECRET, bar_venue, play, venue, venue_config, visit

from hookline_lmex.emulator import AccountConfig, SocketsConfig
from hookline_lmex.emulator.terms import Permission

NOTES, FILLS, POSITIONS, ALL = "notificationApiV4", "fillsV2", "positionsV3", "allPositionV4"


async def opened(client, *topics, path="/ws/futures"):
    """Return a socket that is logged in and has heard its acknowledgement."""
    ear = await client.open(path, *topics, login=True)
    ack = await ear.hear()
    assert sorted(ack["channel"]) == sorted(topics)
    return ear


@pytest.mark.parametrize("operation", ["authKeyExpires", "login"])
def test_both_names_of_the_login_are_understood(operation):
    async def run():
        async with visit(venue()) as client:
            ear, nonce = await client.open("/ws/spot"), client.nonce()
            await ear.say(op=operation, args=[client.key, nonce, client.sign("/ws/spot", nonce)])
            assert await ear.hear() == {"event": "login", "success": True}

    asyncio.run(run())


def test_a_login_fails_with_the_path_of_the_other_socket_a_wrong_key_or_an_old_nonce():
    async def run():
        async with visit(venue()) as client:
            ear, nonce = await client.open(), client.nonce()
            old = str(int(nonce) - 61_000)
            for args in (
                [client.key, nonce, client.sign("/ws/spot", nonce)],
                ["nobody", nonce, client.sign("/ws/futures", nonce)],
                [client.key, old, client.sign("/ws/futures", old)],
                [client.key, nonce],
                None,
            ):
                await ear.say(op="authKeyExpires", args=args)
                assert await ear.hear() == {"event": "login", "success": False}

    asyncio.run(run())


def test_a_key_that_may_not_read_cannot_log_in():
    account = AccountConfig("tester", "a-test-key", SECRET, permissions=[Permission.TRADING])

    async def run():
        async with visit(venue(accounts=[account])) as client:
            ear, nonce = await client.open(), client.nonce()
            await ear.say(op="login", args=[client.key, nonce, client.sign("/ws/futures", nonce)])
            assert await ear.hear() == {"event": "login", "success": False}

    asyncio.run(run())


def test_a_private_topic_before_the_login_is_acknowledged_and_silent_for_ever():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await client.open("/ws/futures", NOTES)
            assert (await ear.hear())["channel"] == [NOTES]
            nonce = client.nonce()
            await ear.say(op="login", args=[client.key, nonce, client.sign("/ws/futures", nonce)])
            assert (await ear.hear())["success"]
            assert (await client.order())[0] == 200
            assert await ear.hears_nothing()

    asyncio.run(run())


def test_an_order_is_told_of_as_it_rests_fills_and_ends():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await opened(client, NOTES)
            status, answer = await client.order("BUY", 3000, price=100.5, clOrderID="mine")
            assert (status, answer[0]["status"]) == (200, 5)
            filled = (await ear.data(NOTES))[0]
            if filled["status"] == 2:
                filled = (await ear.data(NOTES))[0]
            assert (filled["status"], filled["filledSize"], filled["totalFilledSize"]) == (5, 1000, 1000)
            assert (filled["remainingSize"], filled["clOrderID"], filled["maker"]) == (2000, "mine", False)
            assert filled["orderID"] == answer[0]["orderID"]
            await client.call("DELETE", "/futures/api/v2.3/order?symbol=BTC-PERP&clOrderID=mine")
            ended = (await ear.data(NOTES))[0]
            assert (ended["status"], ended["totalFilledSize"]) == (6, 1000)

    asyncio.run(run())


def test_a_fill_has_the_id_of_the_trade_history_and_numbers_as_text():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await opened(client, FILLS)
            await client.order("BUY", 10, clOrderID="mine")
            fill = (await ear.data(FILLS))[0]
            assert (fill["price"], fill["size"], fill["type"], fill["clOrderId"]) == (
                "100.5",
                "10.0",
                "77",
                "mine",
            )
            assert fill["base"] == "BTC-PERP"
            assert float(fill["feeAmount"]) == pytest.approx(0.01 * 100.5 * 0.0006)
            _, history = await client.call("GET", "/futures/api/v2.3/user/trade_history?symbol=BTC-PERP")
            assert history[0]["tradeId"] == fill["tradeId"]
            assert history[0]["serialId"] == fill["serialId"]

    asyncio.run(run())


def test_a_closed_position_is_told_of_once_with_no_contracts():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await opened(client, POSITIONS)
            await client.order("SELL", 10)
            await client.order("BUY", 10)
            held, closed = (await ear.data(POSITIONS))[0], (await ear.data(POSITIONS))[0]
            assert (held["totalContracts"], held["orderMode"], held["positionDirection"]) == (10, 83, "SHORT")
            assert held["entryPrice"] == 99.5
            assert held["totalValue"] < 0
            assert (closed["totalContracts"], closed["entryPrice"], closed["positionDirection"]) == (
                0,
                0,
                None,
            )
            assert closed["marketName"] == closed["positionId"] == held["marketName"] == "BTC-PERP-USDT"
            assert await ear.hears_nothing()

    asyncio.run(run())


def test_all_positions_come_at_once_on_changes_and_at_intervals():
    async def run():
        async with visit(venue(sockets=SocketsConfig(positions_seconds=0.3))) as client:
            await play(client, 1)
            ear = await client.open("/ws/futures", ALL, login=True)
            assert await ear.data(ALL) == []
            await client.order("BUY", 10)
            for _ in range(3):
                rows = await ear.data(ALL)
                if rows:
                    break
            assert [row["totalContracts"] for row in rows] == [10]
            assert [row["totalContracts"] for row in await ear.data(ALL)] == [10]

    asyncio.run(run())


def test_older_versions_say_the_same_under_older_names():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await opened(client, "notificationApiV3", "notificationApiV2", "fills", "positionsV2")
            await client.order("BUY", 10, price=90)
            messages = [await ear.hear(), await ear.hear()]
            rows = {one["topic"]: one["data"][0] for one in messages}
            assert rows["notificationApiV2"]["symbol"] == "BTCPFC"
            third = rows["notificationApiV3"]
            assert (third["symbol"], third["type"], third["size"], third["fillSize"]) == (
                "BTC-PERP",
                "76",
                "10",
                "0",
            )

    asyncio.run(run())


def test_spot_notifications_are_one_object_with_a_mode_for_a_side():
    async def run():
        async with visit(venue()) as client:
            await play(client, 2)
            ear = await opened(client, "notificationApiV3", "fills", path="/ws/spot")
            body = {"symbol": "BTC-USDT", "side": "BUY", "type": "MARKET", "size": 0.5}
            assert (await client.call("POST", "/spot/api/v3.3/order", body))[0] == 200
            note, fill = await ear.data("notificationApiV3"), None
            if note["status"] == 2:
                note = await ear.data("notificationApiV3")
            assert (note["side"], note["status"], note["filledBaseSize"]) == ("MODE_BUY", 4, 0.5)
            assert (note["originalOrderQuoteSize"], note["orderCurrency"]) == (0, "BTC")
            fill = (await ear.data("fills"))[0]
            assert (fill["feeCurrency"], fill["base"], fill["size"]) == ("BTC", "BTC", "0.5")
            assert "contractSize" not in fill

    asyncio.run(run())


def test_spot_notifications_can_be_lists_as_in_older_documentation():
    config = SocketsConfig(spot_notification_is_list=True, spot_side_is_mode=False)

    async def run():
        async with visit(venue(sockets=config)) as client:
            await play(client, 2)
            ear = await opened(client, "notificationApiV3", path="/ws/spot")
            body = {"symbol": "BTC-USDT", "side": "BUY", "type": "LIMIT", "size": 0.5, "price": 50}
            await client.call("POST", "/spot/api/v3.3/order", body)
            assert [row["side"] for row in await ear.data("notificationApiV3")] == ["BUY"]

    asyncio.run(run())


def test_one_account_hears_nothing_of_another():
    accounts = [*venue_config().accounts, AccountConfig("other", "other-key", "other-secret")]

    async def run():
        async with visit(venue(accounts=accounts)) as client:
            await play(client, 1)
            client.key, client.secret = "other-key", "other-secret"
            stranger = await opened(client, NOTES, FILLS, POSITIONS)
            client.key, client.secret = "a-test-key", SECRET
            owner = await opened(client, FILLS)
            await client.order()
            assert (await owner.data(FILLS))[0]["side"] == "BUY"
            assert await stranger.hears_nothing()

    asyncio.run(run())


def test_nothing_that_happened_while_away_is_told_after_a_reconnection():
    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ear = await opened(client, NOTES, FILLS)
            await ear.socket.close()
            await client.order()
            again = await opened(client, NOTES, FILLS)
            assert await again.hears_nothing()

    asyncio.run(run())


def test_a_market_with_bars_fills_with_the_next_bar_and_says_so():
    async def run():
        async with visit(bar_venue("100 101 102")) as client:
            await play(client, 1)
            ear = await opened(client, NOTES, FILLS)
            _, answer = await client.order("BUY", 10)
            assert answer[0]["status"] == 2
            assert (await ear.data(NOTES))[0]["status"] == 2
            await play(client, 1)
            assert (await ear.data(NOTES))[0]["status"] == 4
            assert (await ear.data(FILLS))[0]["price"] == "100"

    asyncio.run(run())
