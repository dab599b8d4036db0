"""Answers about orders in the venue's published shapes, those of older versions among them."""

from decimal import Decimal
from typing import Any

import pytest
from scripted_venue import Says, ScriptedVenue, action, run

from hookline.errors import OrderError
from hookline.model import Side
from hookline_lmex.client import LmexClient
from hookline_lmex.codes import OrderCode, OrderKind, TriggerKind
from hookline_lmex.errors import LmexNotFound, LmexUnknown
from hookline_lmex.requests import NewOrder

SPOT = "/spot/api/v3.3"
FUTURES = "/futures/api/v2.3"
ID = "5b1e7c1a-0000-4000-8000-000000000001"

SPOT_ACTION = {
    "status": 2, "symbol": "SOL-USDT", "orderType": 76, "price": 141.5, "side": "BUY", "orderID": ID,
    "timestamp": 1772600800500, "triggerPrice": 0, "stopPrice": None, "trigger": False, "message": "", "clOrderID": "hl-1",
    "stealth": 1, "deviation": 1, "postOnly": True, "orderDetailType": None, "originalOrderBaseSize": 0.75,
    "originalOrderQuoteSize": None, "currentOrderBaseSize": 0.75, "currentOrderQuoteSize": None,
    "remainingOrderBaseSize": 0.75, "remainingOrderQuoteSize": None, "filledBaseSize": 0, "totalFilledBaseSize": 0,
    "orderCurrency": "base", "avgFilledPrice": 0, "time_in_force": "GTC",
}  # fmt: skip
SPOT_STATE = {
    "orderID": ID, "orderType": 76, "price": 141.5, "side": "BUY", "orderValue": 106.125, "pegPriceMin": 0,
    "pegPriceMax": 0, "pegPriceDeviation": 0, "timestamp": 1772600800500, "triggerOrder": False, "triggerPrice": 0,
    "triggerOriginalPrice": 0, "triggerOrderType": 0, "triggerTrailingStopDeviation": 0, "triggerStopPrice": 0,
    "symbol": "SOL-USDT", "trailValue": 0, "trailValueType": "DISTANCE", "quote": "USDT", "clOrderID": "hl-1",
    "timeInForce": "GTC", "triggerUseLastPrice": False, "activationPrice": None, "activationPriceType": None,
    "currentPegPrice": 141.5, "originalOrderBaseSize": 0.75, "originalOrderQuoteSize": None, "currentOrderBaseSize": 0.75,
    "currentOrderQuoteSize": None, "remainingOrderBaseSize": 0.5, "remainingOrderQuoteSize": None,
    "totalFilledBaseSize": 0.25, "orderCurrency": "base", "avgFilledPrice": 141.5, "triggered": False, "wrapperOrder": False,
}  # fmt: skip
FUTURES_STATE = {
    "orderType": 76, "price": 3101.25, "originalOrderSize": 40, "currentOrderSize": 40, "totalFilledSize": 10,
    "remainingSize": 30, "side": "SELL", "orderValue": 124.05, "pegPriceMin": 0, "pegPriceMax": 0, "pegPriceDeviation": 1,
    "timestamp": 1772600800123, "orderID": ID, "stealth": 1, "triggerOrder": False, "triggered": False, "triggerPrice": 0,
    "triggerOriginalPrice": 0, "triggerOrderType": 0, "triggerTrailingStopDeviation": 0, "triggerStopPrice": 0,
    "symbol": "ETH-PERP", "trailValue": 0, "clOrderID": "hl-7", "reduceOnly": False, "triggerUseLastPrice": False,
    "avgFilledPrice": 3101.25, "contractSize": 0.001, "timeInForce": "GTC", "closeOrder": False,
}  # fmt: skip
OPEN = {
    "vendorName": None, "botID": None, "cancelDuration": 0, "orderState": "STATUS_ACTIVE", "orderDetailType": None,
    "takeProfitOrder": None, "stopLossOrder": None, "positionMode": "ONE_WAY", "positionDirection": None,
    "positionId": "ETH-PERP-USDT",
}  # fmt: skip


def test_a_spot_order_that_rests() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {SPOT}/order", [SPOT_ACTION])
        order = NewOrder(
            symbol="SOL-USDT", side=Side.BUY, size=Decimal("0.75"), price=Decimal("141.5"), post_only=True
        )
        (taken,) = await client.spot.create_order(order)
        assert taken.status is OrderCode.RESTING
        assert (taken.size, taken.remaining, taken.total_filled) == (Decimal("0.75"), Decimal("0.75"), 0)
        assert (taken.average_price, taken.trigger_price, taken.quote_size) == (None, None, None)
        assert taken.time == 1772600800500 * 1_000_000

    run(test)


def test_a_spot_buy_of_a_quote_amount_ends_partly_filled() -> None:
    row = SPOT_ACTION | {
        "status": 5, "orderType": 77, "price": 142.1, "clOrderID": None, "originalOrderBaseSize": None,
        "originalOrderQuoteSize": 80, "currentOrderBaseSize": None, "currentOrderQuoteSize": 80,
        "remainingOrderBaseSize": None, "remainingOrderQuoteSize": 0.0023, "filledBaseSize": 0.56297,
        "totalFilledBaseSize": 0.56297, "orderCurrency": "quote", "avgFilledPrice": 142.1,
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {SPOT}/order", [row])
        order = NewOrder(symbol="SOL-USDT", side=Side.BUY, kind=OrderKind.MARKET, quote_amount=Decimal(80))
        (taken,) = await client.spot.create_order(order)
        assert taken.is_final
        assert (taken.quote_size, taken.quote_remaining) == (80, Decimal("0.0023"))
        assert (taken.total_filled, taken.average_price) == (Decimal("0.56297"), Decimal("142.1"))
        assert venue.asked[-1].json == {"symbol": "SOL-USDT", "side": "BUY", "type": "MARKET", "price": 80}

    run(test)


def test_an_oco_has_two_legs() -> None:
    legs = [
        action(status=9, trigger=True, triggerPrice=2990, stopPrice=2985.5, remainingSize=0, orderID=ID),
        action(),
    ]

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {FUTURES}/order", legs)
        order = NewOrder(
            symbol="ETH-PERP", side=Side.SELL, kind=OrderKind.OCO, size=40, price=Decimal("3101.25"),
            trigger_price=Decimal(2990), stop_price=Decimal("2985.5"),
        )  # fmt: skip
        stop, limit = await client.futures.create_order(order)
        assert (stop.is_trigger, stop.trigger_price, stop.stop_price) == (True, 2990, Decimal("2985.5"))
        assert stop.is_open
        assert limit.is_open
        assert not limit.is_trigger

    run(test)


def test_an_amendment_says_the_price_before_on_spot() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"PUT {SPOT}/order", [SPOT_ACTION | {"status": 123, "price": 140, "originalPrice": 141.5}])
        (amended,) = await client.spot.amend_order("SOL-USDT", order_id=ID, price=Decimal(140))
        assert (amended.status, amended.price, amended.original_price) == (
            OrderCode.AMENDED, 140, Decimal("141.5"),
        )  # fmt: skip
        assert amended.is_open
        assert venue.asked[-1].json == {"symbol": "SOL-USDT", "orderID": ID, "type": "PRICE", "value": 140}

    run(test)


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: [row]])
def test_a_query_answers_one_order(wrap: Any) -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/order", wrap(SPOT_STATE | {"status": 5}))
        venue.will(f"GET {FUTURES}/order", wrap(FUTURES_STATE | {"status": 6}))
        spot = await client.spot.order(client_order_id="hl-1")
        assert venue.asked[-1].query == {"clOrderID": "hl-1"}
        assert (spot.status, spot.is_open, spot.total_filled) == (
            OrderCode.PARTIALLY_FILLED, True, Decimal("0.25"),
        )  # fmt: skip
        futures = await client.futures.order(order_id=ID, client_order_id="hl-7")
        assert venue.asked[-1].query == {"orderID": ID}
        assert (futures.is_final, futures.remaining, futures.contract_size) == (True, 30, Decimal("0.001"))
        assert type(futures.size) is int

    run(test)


def test_a_query_may_say_not_found_or_nothing_certain_in_an_answer_of_200() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/order", {"status": 16, "message": "gone"})
        with pytest.raises(LmexNotFound, match="gone"):
            await client.spot.order(order_id=ID)
        venue.will(f"GET {SPOT}/order", {"status": -1, "message": None})
        with pytest.raises(LmexUnknown, match="timed out"):
            await client.spot.order(order_id=ID)
        gone = {"code": 400, "msg": "BAD_REQUEST: order doesn't exist", "success": False, "data": None}
        venue.will(f"GET {SPOT}/order", Says(gone, 400))
        with pytest.raises(LmexNotFound):
            await client.spot.order(order_id=ID)

    run(test, retries=1)


def test_open_orders_have_no_status_so_it_follows_from_what_they_have() -> None:
    request_id = 2**62 + 12345
    spot = SPOT_STATE | {"orderState": "STATUS_ACTIVE", "requestId": request_id, "vendorName": None}
    waiting = FUTURES_STATE | OPEN | {
        "orderState": "STATUS_INACTIVE", "triggerOrder": True, "triggerOriginalPrice": 3000.5, "triggerOrderType": 1001,
        "totalFilledSize": 0, "triggerUseLastPrice": True, "reduceOnly": True, "orderID": ID + "9",
    }  # fmt: skip
    attached = FUTURES_STATE | OPEN | {
        "totalFilledSize": 0,
        "takeProfitOrder": {"orderId": "tp", "side": "BUY", "triggerPrice": 2800.25, "triggerUseLastPrice": False},
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/user/open_orders", [spot])
        venue.will(f"GET {FUTURES}/user/open_orders", [waiting, attached])
        (first,) = await client.spot.open_orders()
        assert (first.status, first.request_id) == (OrderCode.PARTIALLY_FILLED, request_id)
        stop, limit = await client.futures.open_orders("ETH-PERP")
        assert (stop.status, stop.trigger_kind) == (OrderCode.TRIGGER_WAITING, TriggerKind.STOP_LOSS)
        assert (stop.trigger_price, stop.original_trigger_price) == (Decimal("3000.5"), Decimal("3000.5"))
        assert stop.uses_last_price
        assert stop.reduce_only
        assert limit.status is OrderCode.RESTING
        assert limit.take_profit is not None
        assert (limit.take_profit.side, limit.take_profit.trigger_price) == (Side.BUY, Decimal("2800.25"))
        assert limit.position_id == "ETH-PERP-USDT"

    run(test)


def test_own_trades() -> None:
    spot = {
        "tradeId": "t-1", "orderId": ID, "clOrderID": None, "username": "somebody", "side": "BUY", "orderType": 77,
        "triggerType": 0, "price": 142.1, "size": 80, "filledPrice": 142.1, "filledSize": 0.56297, "triggerPrice": 0,
        "base": "SOL", "quote": "USDT", "symbol": "SOL-USDT", "feeCurrency": "SOL", "feeAmount": 5.6297e-04, "wallet": "SPOT@",
        "realizedPnl": 0, "total": 0, "serialId": 81, "timestamp": 1772600801500, "avgFilledPrice": 142.1,
    }  # fmt: skip
    futures = {
        "tradeId": "t-2", "orderId": ID, "username": "somebody", "side": "SELL", "orderType": 77, "triggerType": 1001,
        "price": 0, "size": 40, "filledPrice": 3100.75, "filledSize": 10, "triggerPrice": 0, "base": "ETH", "quote": "USDT",
        "symbol": "ETH-PERP", "feeCurrency": "USDT", "feeAmount": -0.00031, "wallet": "CROSS@", "realizedPnl": 1.25,
        "total": 1.25031, "serialId": 82, "timestamp": 1772600802500, "orderDetailType": None, "contractSize": 0.001,
        "clOrderID": "hl-7", "positionId": "ETH-PERP-USDT", "avgFilledPrice": 3100.75,
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"GET {SPOT}/user/trade_history", [spot])
        venue.will(f"GET {FUTURES}/user/trade_history", [futures])
        (first,) = await client.spot.trade_history("SOL-USDT")
        assert (first.price, first.size) == (Decimal("142.1"), Decimal("0.56297"))
        assert (first.fee, first.fee_currency) == (Decimal("0.00056297"), "SOL")
        assert (first.client_order_id, first.order_size) == ("", 80)
        (second,) = await client.futures.trade_history("ETH-PERP", client_order_id="hl-7")
        assert (second.price, second.size, second.fee) == (Decimal("3100.75"), 10, Decimal("-0.00031"))
        assert (second.trigger_kind, second.realized) == (TriggerKind.STOP_LOSS, Decimal("1.25"))
        assert venue.asked[-1].query["clOrderID"] == "hl-7"

    run(test)


def test_answers_of_older_versions_name_the_total_as_the_event_is_named_now() -> None:
    renamed = {
        "originalSize": 40, "size": 35, "fillSize": 4, "filledSize": 14, "remainingSize": 21,
        "averageFillPrice": "3101.5", "userCurrency": "USDT",
    }  # fmt: skip
    current = ("originalOrderSize", "currentOrderSize", "totalFilledSize", "filledSize", "avgFilledPrice")
    row = {name: value for name, value in action(status=5).items() if name not in current} | renamed

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"DELETE {FUTURES}/order", [row], [action(status=5, filledSize=4, totalFilledSize=14)])
        old = (await client.futures.cancel_order("ETH-PERP", order_id=ID))[0]
        new = (await client.futures.cancel_order("ETH-PERP", order_id=ID))[0]
        assert (old.filled, old.total_filled) == (new.filled, new.total_filled) == (4, 14)
        assert (old.original_size, old.size, old.remaining) == (40, 35, 21)
        assert old.average_price == Decimal("3101.5")

    run(test)


def test_nothing_was_open_when_all_was_canceled() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"DELETE {SPOT}/order", [])
        assert await client.spot.cancel_all("SOL-USDT") == []
        assert venue.asked[-1].query == {"symbol": "SOL-USDT"}

    run(test)


def test_one_cancel_never_becomes_a_cancel_of_all() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        before = len(venue.asked)
        with pytest.raises(OrderError, match="needs an order_id or a client_order_id"):
            await client.spot.cancel_order("SOL-USDT")
        with pytest.raises(OrderError, match="needs a symbol"):
            await client.spot.cancel_all("")
        assert len(venue.asked) == before

    run(test)


def test_fractions_of_a_contract_in_an_answer_are_not_rounded_away() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"DELETE {FUTURES}/order", [action(status=6, remainingSize=1.5)])
        with pytest.raises(LmexUnknown, match="must be a whole number"):
            await client.futures.cancel_order("ETH-PERP", order_id=ID)

    run(test, retries=0)


def test_the_dead_mans_switch_takes_any_answer_that_is_no_failure() -> None:
    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        for reply in ({}, [], Says(text=""), {"status": 20, "message": ""}, "ok"):
            venue.will(f"POST {SPOT}/order/cancelAllAfter", reply)
            await client.spot.cancel_all_after(60_000)
        assert venue.asked[-1].json == {"timeout": 60000}

    run(test)


def test_a_peg_has_its_own_path_and_on_futures_no_type() -> None:
    peg = {
        "side": Side.BUY, "kind": OrderKind.PEG, "price": Decimal(150), "stealth_percent": Decimal(20),
        "deviation_percent": Decimal("-0.5"),
    }  # fmt: skip

    async def test(venue: ScriptedVenue, client: LmexClient) -> None:
        venue.will(f"POST {SPOT}/order/peg", [SPOT_ACTION | {"orderType": 80}])
        venue.will(f"POST {FUTURES}/order/peg", [action(orderType=80)])
        (taken,) = await client.spot.peg_order(NewOrder(symbol="SOL-USDT", size=Decimal(1), **peg))  # type: ignore[arg-type]
        assert taken.kind is OrderKind.PEG
        assert venue.asked[-1].json["type"] == "PEG"
        await client.futures.peg_order(NewOrder(symbol="SOL-PERP", size=10, **peg))  # type: ignore[arg-type]
        assert venue.asked[-1].json == {
            "symbol": "SOL-PERP", "side": "BUY", "price": 150, "size": 10, "stealth": 20, "deviation": -0.5,
        }  # fmt: skip

    run(test)
