"""The emulated venue's messages have the published fields, each of the published kind, whatever our own client reads of them."""

import asyncio

import pytest
from emulated import play, venue, visit

NUMBER, TEXT, FLAG, WHOLE, NOTHING = "number", "text", "flag", "whole", "nothing"

ORDER = {
    TEXT: "symbol orderID side clOrderID time_in_force",
    NUMBER: "price triggerPrice pegPriceDeviation stealth avgFilledPrice",
    WHOLE: "orderType status timestamp",
    FLAG: "maker postOnly orderUserInitiated",
}
SHAPES = {
    "notificationApiV4": ORDER | {
        "more whole": "type originalOrderSize currentOrderSize filledSize totalFilledSize remainingSize",
        "more text": "positionId",
        NOTHING: "orderDetailType",
    },
    "notificationApiV3": ORDER | {
        "more whole": "txType",
        "more text": "orderCurrency",
        "more number": "originalOrderBaseSize originalOrderQuoteSize currentOrderBaseSize currentOrderQuoteSize filledBaseSize "
        "totalFilledBaseSize remainingBaseSize remainingQuoteSize",
    },
    "fillsV2": {
        TEXT: "orderId clOrderId type symbol side price size feeAmount feeCurrency base quote tradeId",
        WHOLE: "serialId timestamp",
        FLAG: "maker",
        NUMBER: "contractSize",
    },
    "fills": {
        TEXT: "orderId clOrderId type symbol side price size feeAmount feeCurrency base quote tradeId",
        WHOLE: "serialId timestamp",
        FLAG: "maker",
    },
    "positionsV3": {
        TEXT: "username marketName orderTypeName orderModeName marginTypeName positionId activeWalletName positionMode "
        "positionDirection settleWithNonUSDAsset",
        WHOLE: "requestId orderType orderMode status marginType totalContracts adlScoreBucket serviceType",
        NUMBER: "originalAmount maxPriceHeld pegPriceMin stealth maxStealthDisplayAmount sellExchangeRate triggerPrice "
        "dbBaseBalHeld dbQuoteBalHeld entryPrice liquidationPrice markedPrice marginHeld unrealizedProfitLoss "
        "totalMaintenanceMargin marginChargedLongOpen marginChargedShortOpen unchargedMarginLongOpen unchargedMarginShortOpen "
        "isolatedLeverage totalFees totalValue adlScorePercentile currentLeverage contractSize minimumRequiredMargin filledSize "
        "avgFilledPrice",
        FLAG: "quoteCurrencyFiat closeOrder isFuture liquidationInProgress future",
        NOTHING: "userCurrency baseCurrency quoteCurrency parents makerFeesRatio orderID vendorName botID tag isolatedCurrency "
        "takeProfitOrder stopLossOrder",
        "list": "takerFeesRatio",
    },
    "tradeHistoryApiV3:BTC-PERP": {TEXT: "symbol side", WHOLE: "size tradeId timestamp", NUMBER: "price"},
    "tradeHistoryApi:BTC-USDT": {TEXT: "symbol side", WHOLE: "tradeId timestamp", NUMBER: "price size"},
    "update:BTC-PERP_0": {TEXT: "type symbol", WHOLE: "seqNum prevSeqNum timestamp", "list": "bids asks"},
    "snapshotL1:BTC-PERP_0": {TEXT: "type symbol", WHOLE: "timestamp", "list": "bids asks"},
}  # fmt: skip


def kind_of(value):
    """Return the kind of a JSON value; a whole number counts as a number too."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return FLAG
    return {str: TEXT, int: WHOLE, float: NUMBER, list: "list"}[type(value)]


@pytest.fixture(scope="module")
def messages():
    """The first message of each topic, of orders, fills, positions, trades and books."""
    heard = {}

    async def run():
        async with visit(venue()) as client:
            await play(client, 1)
            ears = [
                await client.open(
                    "/ws/futures", "notificationApiV4", "fillsV2", "positionsV3", "tradeHistoryApiV3:BTC-PERP", login=True
                ),
                await client.open("/ws/spot", "notificationApiV3", "fills", "tradeHistoryApi:BTC-USDT", login=True),
                await client.open("/ws/oss/futures", "update:BTC-PERP_0", "snapshotL1:BTC-PERP_0"),
            ]  # fmt: skip
            await play(client, 5)
            await client.order("BUY", 10, clOrderID="mine")
            body = {"symbol": "BTC-USDT", "side": "BUY", "type": "MARKET", "size": 0.5}
            await client.call("POST", "/spot/api/v3.3/order", body)
            for ear in ears:
                while not await ear.hears_nothing_more():
                    message = ear.kept[-1]
                    heard.setdefault(message.get("topic"), message)

    asyncio.run(run())
    return heard


@pytest.mark.parametrize("topic", SHAPES)
def test_a_message_has_the_published_fields_and_no_others(messages, topic):
    data = messages[topic]["data"]
    row = data[0] if isinstance(data, list) else data
    expected = {
        name: kind.removeprefix("more ") for kind, names in SHAPES[topic].items() for name in names.split()
    }
    assert row.keys() == expected.keys()
    for name, kind in expected.items():
        found = kind_of(row[name])
        assert found == kind or (kind, found) == (NUMBER, WHOLE), name


def test_only_spot_notifications_and_books_are_no_lists(messages):
    single = {topic for topic in SHAPES if not isinstance(messages[topic]["data"], list)}
    assert single == {"notificationApiV3", "update:BTC-PERP_0", "snapshotL1:BTC-PERP_0"}
    assert messages["fillsV2"]["id"] == ""
