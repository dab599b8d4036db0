"""What happens to an account, in every shape that the venue tells it."""

import asyncio
from collections.abc import Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from small_venue import QUICK, SmallVenue, no_tasks_left, until

from hookline.clock import EventClock
from hookline.errors import ConfigError, VenueError
from hookline.model import Side
from hookline_lmex.credentials import Credentials
from hookline_lmex.settings import Settings
from hookline_lmex.signing import sign_login
from hookline_lmex.streams import AccountStream, FillNotice, OrderNotice, PositionNotice

NOW_MS = 1_800_000_000_000
NOW = NOW_MS * 1_000_000
KEY, SECRET = "a-key-for-tests", "a-secret-for-tests"
NOTIFICATIONS = "notificationApiV4"


class Account:
    """An account stream and all that it tells."""

    def __init__(self, venue: SmallVenue, products: Iterable[str] = ("futures",), **options: Any) -> None:
        self.notices: list[Any] = []
        self.told: list[str] = []
        self.unread: list[str] = []
        self.troubles: list[str] = []
        self.stream = AccountStream(
            Settings(rest_url="http://small.venue", socket_url=venue.url),
            Credentials(KEY, SECRET),
            EventClock(NOW),
            products,
            self.notices.append,
            self.notices.append,
            self.notices.append,
            lambda product: self.told.append(f"{product} up"),
            lambda product, _: self.told.append(f"{product} down"),
            on_unread=lambda product, text: self.unread.append(f"{product}: {text}"),
            on_trouble=self.troubles.append,
            times=QUICK,
            **options,
        )

    @asynccontextmanager
    async def running(self):
        self.task = task = asyncio.ensure_future(self.stream.run())
        try:
            await until(lambda: task.done() or self.stream.is_up)
            yield self
        finally:
            async with asyncio.timeout(5):
                await self.stream.aclose()
                await task

    async def hear(self, venue: SmallVenue, topic: str, content: Any, product: str = "futures") -> Any:
        """Return the notices of one message."""
        before = len(self.notices) + len(self.unread)
        await venue.of(f"/ws/{product}").send({"topic": topic, "id": "", "data": content})
        await until(lambda: self.task.done() or len(self.notices) + len(self.unread) > before)
        return self.notices[-1] if self.notices else None


def run(test) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(15):
            async with SmallVenue() as venue:
                await test(venue)
            assert no_tasks_left()

    asyncio.run(bounded())


def futures_order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "ETH-PERP", "orderID": "order-7", "side": "BUY", "orderType": 76, "type": 0, "price": 2500.5,
        "triggerPrice": 0, "pegPriceDeviation": 1, "stealth": 1, "status": 5, "timestamp": NOW_MS - 3,
        "avgFilledPrice": 2500.25, "clOrderID": "ours-7", "postOnly": True, "maker": True,
        "positionId": "ETH-PERP-USDT", "orderDetailType": None, "orderUserInitiated": True, "originalOrderSize": 40,
        "currentOrderSize": 30, "filledSize": 4, "totalFilledSize": 12, "remainingSize": 18, "time_in_force": "GTC",
        "novelty": {"a": [1]},
    } | changes  # fmt: skip


def spot_order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "ETH-USDT", "orderID": "order-8", "side": "MODE_SELL", "orderType": 76, "txType": 0, "price": 2600,
        "triggerPrice": 0, "status": 2, "timestamp": NOW_MS - 2, "avgFilledPrice": 0, "clOrderID": None,
        "maker": False, "originalOrderBaseSize": 1e-05, "originalOrderQuoteSize": 0, "currentOrderBaseSize": 1e-05,
        "currentOrderQuoteSize": 0, "filledBaseSize": 0, "totalFilledBaseSize": 0, "remainingBaseSize": 1e-05,
        "remainingQuoteSize": 0, "orderCurrency": "ETH", "time_in_force": "GTC",
    } | changes  # fmt: skip


def old_order(**changes: Any) -> dict[str, Any]:
    """As V2 and V3 tell it: old names, numbers as text."""
    return {
        "symbol": "ETHPFC", "orderID": "order-9", "side": "SELL", "type": "77", "txType": "STOP", "price": "2500.5",
        "triggerPrice": "2400", "status": "5", "timestamp": str(NOW_MS), "avgFillPrice": "2399.5", "clOrderID": "",
        "originalSize": "20", "size": "20", "fillSize": "3", "remainingSize": "8",
    } | changes  # fmt: skip


def fill(**changes: Any) -> dict[str, Any]:
    return {
        "orderId": "order-7", "serialId": 9001, "clOrderId": "ours-7", "type": "76", "symbol": "ETH-PERP",
        "side": "BUY", "price": "2500.25", "size": "4.0", "feeAmount": "0.00500050", "feeCurrency": "USDT",
        "base": "ETH-PERP", "quote": "USDT", "maker": True, "timestamp": NOW_MS - 3, "contractSize": 0.001,
        "tradeId": "trade-1",
    } | changes  # fmt: skip


def position(**changes: Any) -> dict[str, Any]:
    return {
        "requestId": 4611686018427387905, "username": "someone", "marketName": "ETH-PERP-USDT", "orderType": 90,
        "orderMode": 83, "status": 65, "marginType": 92, "entryPrice": 2500.25, "liquidationPrice": 3100.5,
        "markedPrice": 2490, "unrealizedProfitLoss": 0.123, "totalContracts": 12, "isolatedLeverage": 5,
        "orderModeName": "MODE_SELL", "contractSize": 0.001, "positionId": "ETH-PERP-USDT", "liquidationInProgress": False,
        "positionMode": "ONE_WAY", "positionDirection": "SHORT", "takerFeesRatio": [0.0006],
    } | changes  # fmt: skip


def test_it_logs_in_with_the_path_of_each_socket_and_nonces_that_rise() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue, ("spot", "futures")).running() as account:
            nonces = []
            for path in ("/ws/spot", "/ws/futures"):
                message = venue.of(path).heard[0]
                key, nonce, signature = message["args"]
                assert (message["op"], key) == ("authKeyExpires", KEY)
                assert signature == sign_login(SECRET, path, int(nonce))
                nonces.append(int(nonce))
            assert nonces[0] != nonces[1]
            assert min(nonces) >= NOW_MS
            assert sorted(account.told) == ["futures up", "spot up"]

    run(test)


@pytest.mark.parametrize(
    ("product", "refused", "held"),
    [
        ("spot", [], ["notificationApiV3", "fills"]),
        ("spot", ["notificationApiV3"], ["fills", "notificationApiV2"]),
        ("futures", [], ["notificationApiV4", "fillsV2", "allPositionV4", "positionsV3"]),
        (
            "futures",
            [
                "notificationApiV4",
                "fillsV2",
                "allPositionV4",
                "allPositionV3",
                "allPositionV2",
                "positionsV3",
            ],
            ["notificationApiV3", "fills", "allPosition", "positionsV2"],
        ),
    ],
)
def test_the_highest_version_of_each_topic_is_kept(product: str, refused: list[str], held: list[str]) -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = set(refused)
        async with Account(venue, (product,)).running() as account:
            assert sorted(venue.last.topics) == sorted(held)
            assert account.stream.missing(product) == ()
            assert account.troubles == []

    run(test)


def test_what_is_refused_in_every_version_is_missing() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {"fills", "fillsV2"}
        async with Account(venue).running() as account:
            assert account.stream.missing("futures") == ("fillsV2",)
            assert len(account.troubles) == 1

    run(test)


def test_an_order_on_futures() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            for content in ([futures_order()], futures_order()):
                assert await account.hear(venue, NOTIFICATIONS, content) == OrderNotice(
                    "futures", "ETH-PERP", "order-7", "ours-7", Side.BUY, 5, NOW - 3_000_000,
                    filled=Decimal(4), total_filled=Decimal(12), remaining=Decimal(18), size=Decimal(30),
                    average_price=Decimal("2500.25"), price=Decimal("2500.5"), trigger_price=None, order_type=76,
                    is_maker=True, position_id="ETH-PERP-USDT", topic=NOTIFICATIONS,
                )  # fmt: skip

    run(test)


def test_an_order_on_spot() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue, ("spot",)).running() as account:
            for content in ([spot_order()], spot_order()):
                assert await account.hear(venue, "notificationApiV3", content, "spot") == OrderNotice(
                    "spot", "ETH-USDT", "order-8", "", Side.SELL, 2, NOW - 2_000_000,
                    filled=Decimal(0), total_filled=Decimal(0), remaining=Decimal("0.00001"), size=Decimal("0.00001"),
                    average_price=None, price=Decimal(2600), trigger_price=None, order_type=76,
                    is_maker=False, position_id="", topic="notificationApiV3",
                )  # fmt: skip

    run(test)


def test_an_order_for_a_quote_amount_has_no_size_of_its_own() -> None:
    async def test(venue: SmallVenue) -> None:
        sizes = {
            "originalOrderBaseSize": 0, "originalOrderQuoteSize": 50, "currentOrderBaseSize": 0, "orderType": 77,
            "currentOrderQuoteSize": 50, "remainingBaseSize": 0, "totalFilledBaseSize": 0.0004, "filledBaseSize": 0.0004,
        }  # fmt: skip
        async with Account(venue, ("spot",)).running() as account:
            notice = await account.hear(venue, "notificationApiV3", spot_order(status=5, **sizes), "spot")
            assert (notice.size, notice.remaining, notice.total_filled) == (None, None, Decimal("0.0004"))
            assert notice.price is None

    run(test)


@pytest.mark.parametrize("topic", ["notificationApiV2", "notificationApiV3"])
def test_older_versions_are_read(topic: str) -> None:
    async def test(venue: SmallVenue) -> None:
        venue.refused = {NOTIFICATIONS}
        async with Account(venue).running() as account:
            notice = await account.hear(
                venue, topic if topic in venue.last.topics else "notificationApiV3", [old_order()]
            )
            assert (notice.symbol, notice.side, notice.status, notice.order_type) == (
                "ETH-PERP",
                Side.SELL,
                5,
                77,
            )
            assert (notice.filled, notice.total_filled, notice.remaining) == (
                Decimal(3),
                Decimal(12),
                Decimal(8),
            )
            assert (notice.average_price, notice.trigger_price) == (Decimal("2399.5"), Decimal(2400))
            assert notice.time == NOW

    run(test)


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        pytest.param({"filledSize": "12"}, Decimal(12), id="told as the sum"),
        pytest.param(
            {"status": 9, "avgFillPrice": 0, "remainingSize": 0}, Decimal(0), id="an untriggered stop"
        ),
        pytest.param(
            {"status": 9, "avgFillPrice": None, "remainingSize": 0},
            None,
            id="an untriggered stop, no average",
        ),
        pytest.param({"status": 10, "remainingSize": 0}, None, id="just triggered"),
        pytest.param({"status": 6, "avgFillPrice": 0}, Decimal(0), id="cancelled unfilled"),
        pytest.param({"status": 6}, Decimal(12), id="cancelled after fills"),
        pytest.param({"status": 6, "avgFillPrice": None}, None, id="cancelled, no average"),
        pytest.param({"status": 4, "remainingSize": 0}, Decimal(20), id="full"),
        pytest.param({"status": 4, "remainingSize": None}, None, id="full, but nothing says so"),
    ],
)
def test_the_sum_of_fills_is_told_only_where_it_is_certain(
    changes: dict[str, Any], total: Decimal | None
) -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            notice = await account.hear(venue, NOTIFICATIONS, [old_order(**changes)])
            assert notice.total_filled == total

    run(test)


def test_an_untriggered_leg_of_an_oco_has_no_fills_though_nothing_remains() -> None:
    async def test(venue: SmallVenue) -> None:
        leg = futures_order(
            status=9, totalFilledSize=0, filledSize=0, remainingSize=0, avgFilledPrice=0, triggerPrice=2400
        )
        async with Account(venue).running() as account:
            notice = await account.hear(venue, NOTIFICATIONS, [leg])
            assert (notice.total_filled, notice.remaining, notice.trigger_price) == (0, 0, Decimal(2400))

    run(test)


def test_a_fill_is_exact_to_the_last_digit() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            notice = await account.hear(venue, "fillsV2", [fill(price="2500.250000000000000001")])
            assert notice == FillNotice(
                "futures", "ETH-PERP", "trade-1", "order-7", "ours-7", Side.BUY,
                price=Decimal("2500.250000000000000001"), size=Decimal("4.0"), fee=Decimal("0.00500050"),
                fee_currency="USDT", is_maker=True, time=NOW - 3_000_000, serial=9001,
                contract_size=Decimal("0.001"), topic="fillsV2",
            )  # fmt: skip
            assert str(notice.fee) == "0.00500050"

    run(test)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"clOrderId": None}, "client_order_id", ""),
        ({"clOrderId": None, "clOrderID": "ours-9"}, "client_order_id", "ours-9"),
        ({"symbol": "ETHPFC"}, "symbol", "ETH-PERP"),
        ({"side": "MODE_SELL"}, "side", Side.SELL),
        ({"feeAmount": "-0.01"}, "fee", Decimal("-0.01")),
        ({"feeAmount": 1e-07}, "fee", Decimal("0.0000001")),
        ({"maker": "false"}, "is_maker", False),
        ({"contractSize": None}, "contract_size", None),
        ({"serialId": "77"}, "serial", 77),
    ],
)
def test_fills_are_read_in_all_their_shapes(changes: dict[str, Any], field: str, value: Any) -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            assert getattr(await account.hear(venue, "fillsV2", fill(**changes)), field) == value

    run(test)


def test_fills_are_told_as_often_as_they_come() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            await account.hear(venue, "fillsV2", [fill(), fill(tradeId="trade-2"), fill()])
            await until(lambda: len(account.notices) == 3)
            assert [each.trade_id for each in account.notices] == ["trade-1", "trade-2", "trade-1"]

    run(test)


def test_a_position() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            wallet = "ISOLATED@ETH-PERP-USDT"
            told = await account.hear(venue, "positionsV3", [position(activeWalletName=wallet)])
            assert told == PositionNotice(
                "ETH-PERP", "ETH-PERP-USDT", Decimal(-12), entry_price=Decimal("2500.25"), mark_price=Decimal(2490),
                liquidation_price=Decimal("3100.5"), is_isolated=True, leverage=Decimal(5), unrealized=Decimal("0.123"),
                is_liquidating=False, contract_size=Decimal("0.001"), time=NOW, topic="positionsV3", wallet=wallet,
            )  # fmt: skip

    run(test)


@pytest.mark.parametrize(
    ("changes", "contracts"),
    [
        ({"orderMode": 66, "orderModeName": "MODE_BUY", "positionDirection": "LONG"}, 12),
        ({"orderMode": None}, -12),
        ({"orderMode": None, "orderModeName": None, "positionDirection": "LONG"}, 12),
        ({"totalContracts": -12}, -12),
        ({"totalContracts": "12.0"}, -12),
    ],
)
def test_long_and_short(changes: dict[str, Any], contracts: int) -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            assert (await account.hear(venue, "allPositionV4", [position(**changes)])).contracts == contracts

    run(test)


def test_the_last_record_of_a_position_says_that_it_is_closed() -> None:
    async def test(venue: SmallVenue) -> None:
        last = {name: 0 if isinstance(value, int | float) else None for name, value in position().items()}
        last |= {"marketName": "ISOLATED@ETH-PERP-USD|7#2", "positionId": "ETH-PERP-USD|7#2"}
        async with Account(venue).running() as account:
            notice = await account.hear(venue, "positionsV3", [last])
            assert (notice.symbol, notice.position_id, notice.contracts) == (
                "ETH-PERP",
                "ETH-PERP-USD|7#2",
                0,
            )
            assert (notice.entry_price, notice.liquidation_price, notice.is_isolated) == (None, None, None)

    run(test)


@pytest.mark.parametrize(
    ("topic", "content"),
    [
        (NOTIFICATIONS, futures_order(status=None)),
        (NOTIFICATIONS, futures_order(side="SIDEWAYS")),
        (NOTIFICATIONS, futures_order(filledSize="many")),
        (NOTIFICATIONS, futures_order(totalFilledSize="NaN")),
        ("fillsV2", {name: value for name, value in fill().items() if name != "tradeId"}),
        ("fillsV2", fill(size="NaN")),
        ("fillsV2", fill(size="0")),
        ("fillsV2", fill(price="Infinity")),
        ("positionsV3", position(orderMode=0, orderModeName=None, positionDirection=None)),
        ("positionsV3", position(totalContracts=None)),
        ("positionsV3", "nothing"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_of_the_message_counts(topic: str, content: Any) -> None:
    async def test(venue: SmallVenue) -> None:
        good = {NOTIFICATIONS: futures_order(), "fillsV2": fill(), "positionsV3": position()}[topic]
        async with Account(venue).running() as account:
            await account.hear(venue, topic, [content, good])
            await until(lambda: len(account.notices) == 1 and len(account.unread) == 1)
            assert account.unread[0].startswith("futures: ")
            assert topic in account.unread[0]
            assert account.stream.unread == 1
            assert account.told == ["futures up"]

    run(test)


def test_broken_json_is_told_without_key_or_secret() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            await venue.last.send(f'{{"topic":"fillsV2","data":[{{"key":"{KEY}","secret":"{SECRET}"')
            await until(lambda: len(account.unread) == 1)
            assert "fillsV2" in account.unread[0]
            assert KEY not in account.unread[0]
            assert SECRET not in account.unread[0]

    run(test)


def test_news_of_other_topics_are_no_matter() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue).running() as account:
            await venue.last.send({"topic": "open-order:ETH-PERP-USDT", "data": [{"type": "SNAPSHOT"}]})
            await account.hear(venue, "fillsV2", fill())
            assert len(account.notices) == 1

    run(test)


def test_a_loss_is_told_once_and_everything_is_asked_for_again() -> None:
    async def test(venue: SmallVenue) -> None:
        async with Account(venue, ("spot", "futures")).running() as account:
            venue.of("/ws/futures").drop()
            await until(lambda: account.told[2:] == ["futures down", "futures up"])
            assert account.stream.is_up
            connection = venue.of("/ws/futures")
            assert [each["op"] for each in connection.heard][:2] == ["authKeyExpires", "subscribe"]
            assert sorted(connection.topics) == sorted(
                ["notificationApiV4", "fillsV2", "allPositionV4", "positionsV3"]
            )

    run(test)


def test_a_refused_login_ends_the_stream_and_names_no_secret() -> None:
    async def test(venue: SmallVenue) -> None:
        venue.login_success = False
        account = Account(venue)
        with pytest.raises(VenueError, match="refused the login") as caught:
            await account.stream.run()
        assert KEY not in str(caught.value)
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(vars(account.stream))

    run(test)


def test_a_product_that_does_not_exist_is_the_users_error() -> None:
    async def test(venue: SmallVenue) -> None:
        with pytest.raises(ConfigError, match="must be 'spot' or 'futures', was 'margin'"):
            Account(venue, ("margin",))

    run(test)
