"""Answers about money, positions and settings in the venue's published shapes, with values made up here."""

from decimal import Decimal
from typing import Any

import pytest
from scripted_venue import Says, ScriptedVenue, action, run

from hookline.errors import OrderError
from hookline.model import MarginMode, Side
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderKind, PositionModeName, PriceSource, TransferWallet
from hookline_lmex.errors import LmexRefused, LmexUnknown

FUTURES = "/futures/api/v2.3"
WALLET = "/spot/api/v3.2/user/wallet"
MS = 1_000_000

POSITION = {
    "marginType": 91, "entryPrice": 3105.5, "markPrice": 3101.02, "symbol": "ETH-PERP", "side": "SELL", "orderValue": 124.0408,
    "settleWithAsset": "USDT", "unrealizedProfitLoss": 0.1792, "totalMaintenanceMargin": 0.63, "size": 40,
    "liquidationPrice": 0, "isolatedLeverage": 0, "adlScoreBucket": 2, "contractSize": 0.001, "liquidationInProgress": False,
    "timestamp": 1772600830000, "takeProfitOrder": None, "stopLossOrder": None, "positionMode": "ONE_WAY",
    "positionDirection": None, "positionId": "ETH-PERP-USDT", "walletName": "CROSS@", "currentLeverage": 0.11,
    "minimumRequiredMargin": 0,
}  # fmt: skip
FUTURES_WALLET = {
    "trackingID": 0, "queryType": 0, "activeWalletName": "", "wallet": "CROSS@", "username": "somebody",
    "walletTotalValue": 1100.5, "totalValue": 1100.5, "marginBalance": 1100.68, "availableBalance": 1080.25,
    "unrealisedProfitLoss": 0.18, "maintenanceMargin": 0.63, "leverage": 0.11, "openMargin": 19.6,
    "assets": [{"balance": 1100.5, "assetPrice": 1, "currency": "USDT"}],
    "assetsInUse": [{"balance": 20.25, "assetPrice": 1, "currency": "USDT"}],
}  # fmt: skip


def changed(kind: int, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "ETH-PERP",
        "timestamp": 1772600840000,
        "status": 20,
        "type": kind,
        "message": "",
    } | changes


def test_spot_balances() -> None:
    rows = [
        {"currency": "USDT", "total": 812.5, "available": 700},
        {"currency": "SOL", "total": 5.6e-01, "available": 0},
    ]

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {WALLET}", rows)
        cash, coins = await client.spot.wallet()
        assert (cash.currency, cash.total, cash.available) == ("USDT", Decimal("812.5"), 700)
        assert coins.total == Decimal("0.56")

    run(test)


def test_wallet_histories_of_both_products() -> None:
    spot = {
        "amount": 20.5, "currency": "USDT", "description": "", "fees": 0, "orderId": "20260304000001", "status": "COMPLETED",
        "timestamp": 1772600700000, "type": "Transfer_Out", "username": "somebody", "wallet": "@SPOT", "txid": None,
        "currencyNetwork": None,
    }  # fmt: skip
    futures = spot | {"type": 110, "status": 10, "amount": -0.0123, "wallet": "CROSS@", "orderId": None}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {WALLET}_history", [spot | {"timestamp": 1772600800000}, spot])
        venue.will(f"GET {FUTURES}/user/wallet_history", [futures])
        earlier, later = await client.spot.wallet_history("USDT", start_ms=5)
        assert (earlier.time, later.time) == (1772600700000 * MS, 1772600800000 * MS)
        assert (earlier.kind, earlier.status, earlier.is_funding) == ("Transfer_Out", "COMPLETED", False)
        (funding,) = await client.futures.wallet_history(count=10)
        assert (funding.is_funding, funding.amount, funding.status) == (True, Decimal("-0.0123"), "10")
        assert venue.asked[-1].query == {"wallet": "CROSS@", "count": "10"}

    run(test)


def test_a_conversion_and_transfers_between_subaccounts() -> None:
    converted = {
        "amount": 15, "settlementAmount": 0.1054, "amountCurrency": "USDT", "settlementCurrency": "SOL", "rate": 142.3,
    }  # fmt: skip
    page = {
        "totalRows": 3, "pageSize": 1, "currentPage": 2, "totalPages": 3,
        "data": [{
            "timestamp": 1772600700000, "fromUser": "a", "receiver": "b", "currency": "USDT", "amount": "7.5",
        }],
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {WALLET}/convert", converted)
        venue.will(
            "GET /spot/api/v3.2/subaccount/wallet/history",
            {"code": 1, "msg": "Success", "time": 1, "success": True, "data": page},
        )
        done = await client.spot.convert(Decimal(15), "USDT", "SOL")
        assert (done.received, done.received_currency) == (Decimal("0.1054"), "SOL")
        assert venue.asked[-1].json == {"amount": "15", "fromAsset": "USDT", "toAsset": "SOL"}
        (record,), pages = await client.spot.subaccount_history(page=2, page_size=1)
        assert (record.sender, record.receiver, record.amount, pages) == ("a", "b", Decimal("7.5"), 3)

    run(test)


def test_a_one_way_position() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/user/positions", [POSITION, POSITION | {"size": 0, "positionId": "x"}])
        (found,) = await client.futures.positions("ETH-PERP")
        assert (found.side, found.contracts, found.signed_contracts) == (Side.SELL, 40, -40)
        assert (found.liquidation_price, found.margin_mode) == (None, MarginMode.CROSS)
        assert (found.position_id, found.wallet) == ("ETH-PERP-USDT", "CROSS@")
        assert (found.entry_price, found.mark_price) == (Decimal("3105.5"), Decimal("3101.02"))

    run(test)


def test_hedged_positions_go_by_their_direction() -> None:
    stop = {"orderId": "sl", "side": "SELL", "triggerPrice": 2900, "triggerUseLastPrice": True}
    long = POSITION | {
        "positionMode": "HEDGE", "positionDirection": "LONG", "positionId": "ETH-PERP-USDT|LONG", "marginType": 92,
        "isolatedLeverage": 5, "liquidationPrice": 2511.4, "stopLossOrder": stop, "side": "SELL",
    }  # fmt: skip
    short = long | {"positionDirection": "SHORT", "positionId": "ETH-PERP-USDT|SHORT", "side": "BUY"}

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/user/positions", [long, short])
        first, second = await client.futures.positions()
        assert (first.signed_contracts, second.signed_contracts) == (40, -40)
        assert (first.margin_mode, first.isolated_leverage) == (MarginMode.ISOLATED, 5)
        assert first.liquidation_price == Decimal("2511.4")
        assert first.stop_loss is not None
        assert first.stop_loss.uses_last_price

    run(test)


def test_a_position_whose_side_is_not_said_is_not_guessed() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/user/positions", [POSITION | {"side": None}])
        with pytest.raises(LmexUnknown, match="side: must be a side, was None"):
            await client.futures.positions()

    run(test, retries=0)


def test_positions_are_closed_and_guarded() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        closing = {
            name: value for name, value in action(status=4, orderType=77).items() if name != "filledSize"
        }
        venue.will(f"POST {FUTURES}/order/close_position", [closing], [action(status=15)])
        (closed,) = await client.futures.close_position("ETH-PERP", position_id="ETH-PERP-USDT|LONG")
        assert closed.is_final
        assert venue.asked[-1].json == {
            "symbol": "ETH-PERP", "type": "MARKET", "positionId": "ETH-PERP-USDT|LONG",
        }  # fmt: skip
        with pytest.raises(LmexRefused, match="rejected"):
            await client.futures.close_position("ETH-PERP", OrderKind.LIMIT, price=Decimal(3000))
        assert venue.asked[-1].json == {"symbol": "ETH-PERP", "type": "LIMIT", "price": 3000}
        with pytest.raises(OrderError, match="by a limit with a price"):
            await client.futures.close_position("ETH-PERP", OrderKind.LIMIT)

        guards = [
            action(status=9, orderType=77, trigger=True, price=0, triggerPrice=price)
            for price in (3300, 2900)
        ]
        venue.will(f"POST {FUTURES}/order/bind/tpsl", guards)
        target, stop = await client.futures.bind_tpsl(
            "ETH-PERP", side=Side.SELL, take_profit_price=Decimal(3300), stop_loss_price=Decimal(2900),
            stop_loss_source=PriceSource.LAST, position_mode=PositionModeName.HEDGE,
        )  # fmt: skip
        assert (target.trigger_price, stop.trigger_price) == (3300, 2900)
        assert venue.asked[-1].json == {
            "symbol": "ETH-PERP", "side": "SELL", "takeProfitPrice": 3300, "stopLossPrice": 2900,
            "stopLossTrigger": "lastPrice", "positionMode": "HEDGE",
        }  # fmt: skip
        with pytest.raises(OrderError, match="was neither"):
            await client.futures.bind_tpsl("ETH-PERP")

    run(test)


def test_settings_are_read() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        row = {"symbol": "ETH-PERP", "leverage": 7.5, "marginMode": "ISOLATED", "positionDirection": None}
        venue.will(f"GET {FUTURES}/leverage", [row], row)
        for _ in range(2):
            (leverage,) = await client.futures.leverage("ETH-PERP")
            assert (leverage.leverage, leverage.margin_mode) == (Decimal("7.5"), MarginMode.ISOLATED)
        venue.will(
            f"GET {FUTURES}/risk_limit", {"symbol": "ETH-PERP", "riskLimit": 250000, "riskLimitLevel": 1}
        )
        limit = await client.futures.risk_limit("ETH-PERP")
        assert (limit.notional_limit, limit.level) == (250000, 1)
        venue.will(f"GET {FUTURES}/position_mode", [{"symbol": "ETH-PERP", "positionMode": "HEDGE"}])
        assert (await client.futures.position_mode())[0].mode == "HEDGE"
        venue.will(
            f"GET {FUTURES}/user/fees", [{"symbol": "ETH-PERP", "makerFee": -1e-05, "takerFee": 0.0006}]
        )
        assert (await client.futures.fees("ETH-PERP"))[0].maker == Decimal("-0.00001")
        margins = {"symbol": "ETH-PERP", "initialMarginPercentage": 0.02, "maintenanceMarginPercentage": 0.01}
        venue.will(f"GET {FUTURES}/user/margin_setting", [margins])
        assert (await client.futures.margin_setting())[0].maintenance_margin == Decimal("0.01")

    run(test)


def test_fees_may_be_one_object() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(
            "GET /spot/api/v3.3/user/fees", {"symbol": "SOL-USDT", "makerFee": 0.0009, "takerFee": "0.0012"}
        )
        (fee,) = await client.spot.fees("SOL-USDT")
        assert (fee.maker, fee.taker) == (Decimal("0.0009"), Decimal("0.0012"))

    run(test)


def test_settings_are_changed_with_the_margin_mode_always_said() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {FUTURES}/leverage", changed(93))
        done = await client.futures.set_leverage("ETH-PERP", 8, MarginMode.CROSS)
        assert (done.status, done.time) == (20, 1772600840000 * MS)
        assert venue.asked[-1].json == {"symbol": "ETH-PERP", "leverage": 8, "marginMode": "CROSS"}
        venue.will(f"POST {FUTURES}/risk_limit", changed(94))
        await client.futures.set_risk_limit("ETH-PERP", 2)
        assert venue.asked[-1].json == {"symbol": "ETH-PERP", "riskLimitLevel": 2}
        venue.will(f"POST {FUTURES}/position_mode", changed(129))
        await client.futures.set_position_mode("ETH-PERP", PositionModeName.HEDGE)
        assert venue.asked[-1].json == {"symbol": "ETH-PERP", "positionMode": "HEDGE"}
        venue.will(f"POST {FUTURES}/settle_in", Says(text=""))
        await client.futures.settle_in("ETH-PERP", "USDC")
        assert venue.asked[-1].json == {"symbol": "ETH-PERP", "currency": "USDC"}

    run(test)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (8, LmexRefused),
        (13, LmexRefused),
        (64, LmexRefused),
        (135, LmexRefused),
        (131, LmexUnknown),
        (777, LmexUnknown),
    ],
)
def test_a_setting_that_was_not_changed_says_so(status: int, error: type[Exception]) -> None:
    message = '{"msgKey":"some.key","params":["a"],"default_msg":"Leverage is too high"}'

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {FUTURES}/leverage", changed(93, status=status, message=message))
        with pytest.raises(error, match="Leverage is too high"):
            await client.futures.set_leverage("ETH-PERP", 90, MarginMode.ISOLATED)
        assert len(venue.calls(f"POST {FUTURES}/leverage")) == 1

    run(test)


def test_futures_wallets() -> None:
    unified = {
        "symbol": "ETH-PERP", "walletTotalValue": 2000.5, "walletTotalUnrealizedProfitLoss": 0.18,
        "futuresTotalAvailableBalance": 1980.1,
        "wallets": [{
            "activeWalletName": "CROSS@", "unrealisedProfitLoss": 0.18, "walletTotalValue": 2000.5, "marginBalance": 2000.68,
            "availableBalance": 1980.1, "maintenanceMargin": 0.63,
        }],
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {FUTURES}/user/wallet", [FUTURES_WALLET])
        (wallet,) = await client.futures.wallet()
        assert venue.asked[-1].query == {"wallet": "CROSS@"}
        assert (wallet.name, wallet.available, wallet.open_margin) == (
            "CROSS@", Decimal("1080.25"), Decimal("19.6"),
        )  # fmt: skip
        assert (wallet.assets[0].currency, wallet.in_use[0].balance) == ("USDT", Decimal("20.25"))
        venue.will(f"GET {FUTURES}/user/unifiedWallet/margin", unified)
        margin = await client.futures.unified_margin("ETH-PERP")
        assert (margin.available, margin.wallets[0].margin_balance) == (Decimal("1980.1"), Decimal("2000.68"))
        refusal = {"status": 400, "errorCode": -1042, "message": "unified wallet", "extraData": None}
        venue.will(f"GET {FUTURES}/user/margin", [FUTURES_WALLET], Says(refusal, 400))
        assert (await client.futures.margin("ETH-PERP"))[0] == wallet
        with pytest.raises(LmexRefused, match="unified wallet"):
            await client.futures.margin("ETH-PERP")

    run(test)


def test_transfers_between_own_wallets() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {FUTURES}/user/wallet/transfer", [FUTURES_WALLET])
        venue.will(
            f"POST {FUTURES}/subaccount/wallet/transfer", {"code": 1, "msg": "Success", "success": True}
        )
        await client.futures.transfer("USDT", Decimal("25.5"), TransferWallet.SPOT, TransferWallet.CROSS)
        assert venue.asked[-1].json == {
            "walletSrc": "", "walletSrcType": "SPOT", "walletDest": "", "walletDestType": "CROSS",
            "apiWallets": [{"currency": "USDT", "allBalance": False, "balance": 25.5}],
        }  # fmt: skip
        await client.futures.subaccount_transfer(
            "USDT", None, TransferWallet.CROSS, TransferWallet.CROSS, from_user="a", receiver="b"
        )
        body = venue.asked[-1].json
        assert (body["fromUser"], body["receiver"]) == ("a", "b")
        assert body["apiWallets"] == [{"currency": "USDT", "allBalance": True, "balance": 0}]
        with pytest.raises(OrderError, match="amount must be above 0, was -1"):
            await client.futures.transfer("USDT", Decimal(-1), TransferWallet.SPOT, TransferWallet.CROSS)

    run(test)
