"""Answers of the emulated exchange have the fields that the reference shows, with their types."""

import pytest
from exchange_kit import HOUR, Floor, coin, on_bars, on_tape, perp
from rest_kit import both, run

from hookline.model import FundingRate
from hookline.testing.market import random_bars
from hookline_lmex.emulator.terms import AccountSetup

SPOT, FUTURES = "spot", "futures"
NUM, INT, STR, BOOL, NONE = (int, float), int, str, bool, type(None)

SPOT_ACTION = {
    "status": INT, "symbol": STR, "orderType": INT, "price": NUM, "side": STR, "orderID": STR, "timestamp": INT,
    "triggerPrice": NUM, "stopPrice": (*NUM, NONE), "trigger": BOOL, "message": STR, "clOrderID": (STR, NONE),
    "stealth": NUM, "deviation": NUM, "postOnly": BOOL, "orderDetailType": NONE,
    "originalOrderBaseSize": (*NUM, NONE), "originalOrderQuoteSize": (*NUM, NONE),
    "currentOrderBaseSize": (*NUM, NONE), "currentOrderQuoteSize": (*NUM, NONE),
    "remainingOrderBaseSize": (*NUM, NONE), "remainingOrderQuoteSize": (*NUM, NONE), "filledBaseSize": NUM,
    "totalFilledBaseSize": NUM, "orderCurrency": STR, "avgFilledPrice": NUM, "time_in_force": STR,
}  # fmt: skip
SPOT_QUERY = {
    "orderID": STR, "orderType": INT, "price": NUM, "side": STR, "orderValue": NUM, "pegPriceMin": NUM,
    "pegPriceMax": NUM, "pegPriceDeviation": NUM, "timestamp": INT, "triggerOrder": BOOL, "triggerPrice": NUM,
    "triggerOriginalPrice": NUM, "triggerOrderType": INT, "triggerTrailingStopDeviation": NUM, "triggerStopPrice": NUM,
    "symbol": STR, "trailValue": NUM, "trailValueType": STR, "quote": STR, "clOrderID": (STR, NONE), "status": INT,
    "timeInForce": STR, "triggerUseLastPrice": BOOL, "activationPrice": NONE, "activationPriceType": NONE,
    "currentPegPrice": NUM, "originalOrderBaseSize": NUM, "originalOrderQuoteSize": NONE, "currentOrderBaseSize": NUM,
    "currentOrderQuoteSize": NONE, "remainingOrderBaseSize": NUM, "remainingOrderQuoteSize": NONE,
    "totalFilledBaseSize": NUM, "orderCurrency": STR, "avgFilledPrice": NUM, "triggered": BOOL, "wrapperOrder": BOOL,
}  # fmt: skip
SPOT_OPEN = {
    name: kind
    for name, kind in SPOT_QUERY.items()
    if name not in {"status", "trailValueType", "activationPrice", "activationPriceType", "currentPegPrice",
                    "wrapperOrder", "triggerUseLastPrice"}
} | {
    "orderState": STR, "requestId": INT, "vendorName": NONE, "botID": NONE, "cancelDuration": NUM,
    "orderDetailType": NONE, "orderDetail": NONE,
}  # fmt: skip
FUTURES_ACTION = {
    "status": INT, "symbol": STR, "orderType": INT, "price": NUM, "side": STR, "orderID": STR, "timestamp": INT,
    "triggerPrice": NUM, "trigger": BOOL, "deviation": NUM, "stealth": NUM, "message": STR, "avgFilledPrice": NUM,
    "clOrderID": STR, "originalOrderSize": INT, "currentOrderSize": INT, "filledSize": INT, "totalFilledSize": INT,
    "remainingSize": INT, "postOnly": BOOL, "orderDetailType": NONE, "positionMode": STR,
    "positionDirection": (STR, NONE), "positionId": STR, "time_in_force": STR,
}  # fmt: skip
FUTURES_QUERY = {
    "orderType": INT, "price": NUM, "originalOrderSize": INT, "currentOrderSize": INT, "totalFilledSize": INT,
    "remainingSize": INT, "side": STR, "orderValue": NUM, "pegPriceMin": NUM, "pegPriceMax": NUM,
    "pegPriceDeviation": NUM, "timestamp": INT, "orderID": STR, "stealth": NUM, "triggerOrder": BOOL, "triggered": BOOL,
    "triggerPrice": NUM, "triggerOriginalPrice": NUM, "triggerOrderType": INT, "triggerTrailingStopDeviation": NUM,
    "triggerStopPrice": NUM, "symbol": STR, "trailValue": NUM, "trailValueType": STR, "clOrderID": STR,
    "reduceOnly": BOOL, "status": INT, "triggerUseLastPrice": BOOL, "avgFilledPrice": NUM, "contractSize": NUM,
    "timeInForce": STR, "closeOrder": BOOL, "activationPrice": NONE, "activationPriceType": NONE,
    "currentPegPrice": NUM, "wrapperOrder": BOOL,
}  # fmt: skip
FUTURES_OPEN = {
    name: kind
    for name, kind in FUTURES_QUERY.items()
    if name not in {"status", "trailValueType", "activationPrice", "activationPriceType", "currentPegPrice",
                    "wrapperOrder"}
} | {
    "vendorName": NONE, "botID": NONE, "cancelDuration": NUM, "orderState": STR, "orderDetailType": NONE,
    "takeProfitOrder": (dict, NONE), "stopLossOrder": (dict, NONE), "positionMode": STR,
    "positionDirection": (STR, NONE), "positionId": STR,
}  # fmt: skip
SPOT_TRADE = {
    "tradeId": STR, "orderId": STR, "clOrderID": (STR, NONE), "username": STR, "side": STR, "orderType": INT,
    "triggerType": (INT, NONE), "price": NUM, "size": NUM, "filledPrice": NUM, "filledSize": NUM, "triggerPrice": NUM,
    "base": STR, "quote": STR, "symbol": STR, "feeCurrency": STR, "feeAmount": NUM, "wallet": STR, "realizedPnl": NUM,
    "total": NUM, "serialId": INT, "timestamp": INT, "avgFilledPrice": NUM,
}  # fmt: skip
FUTURES_TRADE = SPOT_TRADE | {
    "orderDetailType": NONE, "contractSize": NUM, "positionId": STR, "size": INT, "filledSize": INT,
}  # fmt: skip
POSITION = {
    "marginType": INT, "entryPrice": NUM, "markPrice": NUM, "symbol": STR, "side": STR, "orderValue": NUM,
    "settleWithAsset": STR, "unrealizedProfitLoss": NUM, "totalMaintenanceMargin": NUM, "size": INT,
    "liquidationPrice": NUM, "isolatedLeverage": NUM, "adlScoreBucket": INT, "contractSize": NUM,
    "liquidationInProgress": BOOL, "timestamp": INT, "takeProfitOrder": (dict, NONE), "stopLossOrder": (dict, NONE),
    "positionMode": STR, "positionDirection": (STR, NONE), "positionId": STR, "walletName": STR,
    "currentLeverage": NUM, "minimumRequiredMargin": NUM,
}  # fmt: skip
SUMMARY = {
    "symbol": STR, "last": NUM, "lowestAsk": NUM, "highestBid": NUM, "percentageChange": NUM, "volume": NUM,
    "high24Hr": NUM, "low24Hr": NUM, "base": STR, "quote": STR, "active": BOOL, "minValidPrice": NUM,
    "minPriceIncrement": NUM, "minOrderSize": NUM, "maxOrderSize": NUM, "minSizeIncrement": NUM, "openInterest": NUM,
    "openInterestUSD": NUM, "contractStart": INT, "contractEnd": INT, "timeBasedContract": BOOL, "openTime": INT,
    "closeTime": INT, "startMatching": INT, "inactiveTime": INT, "fundingRate": NUM, "contractSize": NUM,
    "maxPosition": NUM, "minRiskLimit": NUM, "maxRiskLimit": NUM,
}  # fmt: skip
SPOT_SUMMARY = SUMMARY | {
    "size": NUM, "availableSettlement": NONE, "futures": BOOL, "isMarketOpenToOtc": BOOL, "isMarketOpenToSpot": BOOL,
}  # fmt: skip
FUTURES_SUMMARY = SUMMARY | {"availableSettlement": list, "fundingIntervalMinutes": INT, "fundingTime": INT}
WALLET = {
    "trackingID": INT, "queryType": INT, "activeWalletName": STR, "wallet": STR, "username": STR,
    "walletTotalValue": NUM, "totalValue": NUM, "marginBalance": NUM, "availableBalance": NUM,
    "unrealisedProfitLoss": NUM, "maintenanceMargin": NUM, "leverage": NUM, "openMargin": NUM, "assets": list,
    "assetsInUse": list,
}  # fmt: skip
HISTORY = {
    "amount": NUM, "currency": STR, "description": STR, "fees": NUM, "orderId": STR, "status": (INT, STR),
    "timestamp": INT, "type": (INT, STR), "username": STR, "wallet": STR, "txid": NONE, "currencyNetwork": NONE,
}  # fmt: skip


def check(row, shape):
    """Every field is there and of its kind; a bool is no number."""
    for name, kind in shape.items():
        assert name in row, f"{name} is missing"
        value, kinds = row[name], kind if isinstance(kind, tuple) else (kind,)
        fits = isinstance(value, bool) == (kind is BOOL) and isinstance(value, kinds)
        assert fits, f"{name} must be one of {kinds}, was {value!r}"


def plain():
    return both(unknown_fields=False)


def exactly(row, shape):
    check(row, shape)
    assert set(row) == set(shape)


def test_public_rows():
    floor = plain()

    async def act(venue):
        found = {}
        for product, version, symbol in ((SPOT, "v3.3", "AAA-USDT"), (FUTURES, "v2.3", "AAA-PERP")):
            for path in ("market_summary", "price", "orderbook", "orderbook/L2", "trades"):
                terms = {"listFullAttributes": "true"} if path == "market_summary" else {}
                answer = await venue.public(product, f"/api/{version}/{path}", symbol=symbol, **terms)
                assert answer.status == 200, answer.text
                found[product, path] = answer.body
        return found

    found = run(floor, act)
    exactly(found[SPOT, "market_summary"][0], SPOT_SUMMARY)
    exactly(found[FUTURES, "market_summary"][0], FUTURES_SUMMARY)
    for product in (SPOT, FUTURES):
        exactly(
            found[product, "price"][0], {"symbol": STR, "indexPrice": NUM, "lastPrice": NUM, "markPrice": NUM}
        )
        trade = {"price": NUM, "size": NUM, "side": STR, "symbol": STR, "serialId": INT, "timestamp": INT}
        exactly(found[product, "trades"][0], trade)
        book = {"symbol": STR, "buyQuote": list, "sellQuote": list, "timestamp": INT}
        exactly(found[product, "orderbook"], book)
        exactly(found[product, "orderbook/L2"], book | {"depth": INT})
    assert found[SPOT, "price"][0]["markPrice"] == 0
    assert found[SPOT, "orderbook"]["buyQuote"] == [{"price": "99.90", "size": "10.0000"}]
    assert found[FUTURES, "orderbook"]["sellQuote"] == [{"price": "100.10", "size": "1000"}]
    assert found[FUTURES, "trades"][0]["size"] == 150


def test_the_time_is_told_in_seconds_and_as_text_with_milliseconds():
    async def act(venue):
        return await venue.public(SPOT, "/api/v3.3/time")

    floor = plain()
    floor.clock.now += 123 * 10**6
    answer = run(floor, act)
    assert answer.body == {"iso": "2024-01-01T00:00:04.123Z", "epoch": 1_704_067_204}


def test_candles_are_newest_first_in_seconds_and_begin_with_the_open_one():
    bars = random_bars("AAA-PERP", 400, gaps=False)
    floor = Floor(on_bars(perp(), history=bars), now=int(bars.end[-1]) + 60 * 10**9)

    async def act(venue):
        hours = await venue.public(FUTURES, "/api/v2.3/ohlcv", symbol="AAA-PERP", resolution=60)
        end = int(bars.end[99]) // 10**6 - 1
        span = {"start": int(bars.start[92]) // 10**6, "end": end}
        days = await venue.public(FUTURES, "/api/v2.3/ohlcv", symbol="AAA-PERP", resolution="240", **span)
        return hours.body, days.body

    hours, fours = run(floor, act)
    assert len(hours) == 300
    last = float(bars.close[-1])
    assert hours[0] == [int(bars.end[-1]) // 10**9, last, last, last, last, 0]
    assert hours[1][:5] == [
        int(bars.start[-1]) // 10**9,
        *(float(one[-1]) for one in (bars.open, bars.high, bars.low)),
        last,
    ]
    typical = (bars.high[-1] + bars.low[-1] + bars.close[-1]) / 3
    assert hours[1][5] == pytest.approx(float(bars.volume[-1] * typical))
    assert [row[0] for row in fours] == [int(bars.start[96]) // 10**9, int(bars.start[92]) // 10**9]
    newest = fours[0]
    assert newest[1:5] == [bars.open[96], bars.high[96:100].max(), bars.low[96:100].min(), bars.close[99]]


def test_spot_orders():
    floor = plain()

    async def act(venue):
        order = {
            "symbol": "AAA-USDT",
            "side": "BUY",
            "type": "LIMIT",
            "price": 90.0,
            "size": 1,
            "clOrderID": "mine",
        }
        (made,) = (await venue.post(SPOT, "/api/v3.3/order", **order)).body
        query = (await venue.get(SPOT, "/api/v3.3/order", clOrderID="mine")).body
        (shown,) = (await venue.get(SPOT, "/api/v3.3/user/open_orders")).body
        amend = {"symbol": "AAA-USDT", "orderID": made["orderID"], "type": "PRICE", "value": 91.0}
        (amended,) = (await venue.put(SPOT, "/api/v3.3/order", **amend)).body
        (canceled,) = (await venue.delete(SPOT, "/api/v3.3/order", symbol="AAA-USDT")).body
        market = {"symbol": "AAA-USDT", "side": "BUY", "type": "MARKET", "price": 50}
        (bought,) = (await venue.post(SPOT, "/api/v3.3/order", **market)).body
        history = (await venue.get(SPOT, "/api/v3.3/user/trade_history", symbol="AAA-USDT")).body
        return made, query, shown, amended, canceled, bought, history

    made, query, shown, amended, canceled, bought, history = run(floor, act)
    exactly(made, SPOT_ACTION)
    exactly(query, SPOT_QUERY)
    exactly(shown, SPOT_OPEN)
    exactly(amended, SPOT_ACTION | {"originalPrice": NUM})
    exactly(canceled, SPOT_ACTION)
    assert [row["status"] for row in (made, amended, canceled)] == [2, 123, 6]
    assert (amended["originalPrice"], amended["price"], amended["orderID"]) == (90, 91, made["orderID"])
    exactly(bought, SPOT_ACTION)
    assert (bought["status"], bought["orderCurrency"], bought["originalOrderBaseSize"]) == (5, "quote", None)
    # 50 / 100.1 = 0.4995...: 0.4995 in steps of 0.0001, for 49.99995
    assert (bought["totalFilledBaseSize"], bought["remainingOrderQuoteSize"]) == (0.4995, 0.00005)
    exactly(history[0], SPOT_TRADE)
    assert (history[0]["size"], history[0]["filledSize"], history[0]["feeCurrency"]) == (50, 0.4995, "AAA")


def test_futures_orders():
    floor = plain()

    async def act(venue):
        order = {
            "symbol": "AAA-PERP",
            "side": "BUY",
            "type": "LIMIT",
            "price": 100.1,
            "size": 1500,
            "clOrderID": "f",
        }
        (made,) = (await venue.post(FUTURES, "/api/v2.3/order", **order)).body
        query = (await venue.get(FUTURES, "/api/v2.3/order", orderID=made["orderID"])).body
        (shown,) = (await venue.get(FUTURES, "/api/v2.3/user/open_orders", clOrderID="f")).body
        amend = {
            "symbol": "AAA-PERP",
            "clOrderID": "f",
            "type": "ALL",
            "orderPrice": 100.0,
            "orderSize": 1400,
        }
        (amended,) = (await venue.put(FUTURES, "/api/v2.3/order", **amend)).body
        named = {"symbol": "AAA-PERP", "clOrderID": "f"}
        (canceled,) = (await venue.delete(FUTURES, "/api/v2.3/order", **named)).body
        history = (await venue.get(FUTURES, "/api/v2.3/user/trade_history")).body
        position = (await venue.get(FUTURES, "/api/v2.3/user/positions")).body
        tpsl = {"symbol": "AAA-PERP", "takeProfitPrice": 120.0, "stopLossPrice": 80.0}
        bound = (await venue.post(FUTURES, "/api/v2.3/order/bind/tpsl", **tpsl)).body
        protected = (await venue.get(FUTURES, "/api/v2.3/user/positions")).body
        close = {"symbol": "AAA-PERP", "type": "MARKET"}
        (closed,) = (await venue.post(FUTURES, "/api/v2.3/order/close_position", **close)).body
        (empty,) = (await venue.post(FUTURES, "/api/v2.3/order/close_position", **close)).body
        return made, query, shown, amended, canceled, history, position, bound, protected, closed, empty

    made, query, shown, amended, canceled, history, position, bound, protected, closed, empty = run(
        floor, act
    )
    for row in (made, amended, canceled, *bound):
        exactly(row, FUTURES_ACTION)
    exactly(query, FUTURES_QUERY)
    exactly(shown, FUTURES_OPEN)
    exactly(history[0], FUTURES_TRADE)
    exactly(position[0], POSITION)
    without = {name: kind for name, kind in FUTURES_ACTION.items() if name != "filledSize"}
    exactly(closed, without)
    exactly(empty, without)
    assert (made["status"], query["status"], amended["status"], canceled["status"]) == (5, 5, 123, 6)
    assert (canceled["originalOrderSize"], canceled["currentOrderSize"], canceled["remainingSize"]) == (
        1500,
        1400,
        400,
    )
    assert (position[0]["size"], position[0]["side"], position[0]["positionId"]) == (
        1000,
        "BUY",
        "AAA-PERP-USDT",
    )
    assert [(one["status"], one["orderType"], one["trigger"], one["price"]) for one in bound] == [
        (9, 77, True, 0)
    ] * 2
    assert set(protected[0]["takeProfitOrder"]) == {"orderId", "side", "triggerPrice", "triggerUseLastPrice"}
    assert protected[0]["stopLossOrder"]["triggerPrice"] == 80
    assert (closed["status"], empty["status"]) == (4, 15)
    assert history[0]["total"] == pytest.approx(-history[0]["feeAmount"])


def test_an_oco_pair_on_futures_begins_with_its_stop():
    async def act(venue):
        body = {"symbol": "AAA-PERP", "side": "SELL", "type": "OCO", "size": 10, "price": 110.0}
        body |= {"triggerPrice": 95.0, "stopPrice": 94.0, "clOrderID": "pair"}
        return (await venue.post(FUTURES, "/api/v2.3/order", **body)).body

    stop, limit = run(plain(), act)
    for row in (stop, limit):
        exactly(row, FUTURES_ACTION)
    assert (stop["status"], stop["trigger"], stop["remainingSize"]) == (9, True, 0)
    assert (limit["status"], limit["trigger"], limit["remainingSize"]) == (2, False, 10)
    assert stop["orderID"] != limit["orderID"]
    assert stop["clOrderID"] == limit["clOrderID"] == "pair"


def test_peg_orders():
    async def act(venue):
        futures = {
            "symbol": "AAA-PERP",
            "side": "BUY",
            "size": 10,
            "price": 99.0,
            "deviation": -2,
            "stealth": 50,
        }
        spot = {"symbol": "AAA-USDT", "side": "BUY", "type": "PEG", "size": 1, "price": 99.0, "deviation": -2}
        first = (await venue.post(FUTURES, "/api/v2.3/order/peg", **futures)).body
        return first, (await venue.post(SPOT, "/api/v3.3/order/peg", **spot)).body

    (futures,), (spot,) = run(plain(), act)
    exactly(futures, FUTURES_ACTION)
    exactly(spot, SPOT_ACTION)
    assert (futures["orderType"], futures["deviation"], futures["stealth"]) == (80, -2, 50)
    assert spot["orderType"] == 80


def test_settings():
    floor = plain()

    async def act(venue):
        leverage = (await venue.get(FUTURES, "/api/v2.3/leverage", symbol="AAA-PERP")).body
        post = {"symbol": "AAA-PERP", "leverage": 8, "marginMode": "CROSS"}
        cross = (await venue.post(FUTURES, "/api/v2.3/leverage", **post)).body
        isolated = (await venue.post(FUTURES, "/api/v2.3/leverage", symbol="AAA-PERP", leverage=5)).body
        much = (await venue.post(FUTURES, "/api/v2.3/leverage", symbol="AAA-PERP", leverage=500)).body
        after = (await venue.get(FUTURES, "/api/v2.3/leverage", symbol="AAA-PERP")).body
        limit = (await venue.get(FUTURES, "/api/v2.3/risk_limit", symbol="AAA-PERP")).body
        level = (await venue.post(FUTURES, "/api/v2.3/risk_limit", symbol="AAA-PERP", riskLimitLevel=2)).body
        none = (await venue.post(FUTURES, "/api/v2.3/risk_limit", symbol="AAA-PERP", riskLimit=1)).body
        margin = (await venue.get(FUTURES, "/api/v2.3/user/margin_setting", symbol="AAA-PERP")).body
        settle = await venue.post(FUTURES, "/api/v2.3/settle_in", symbol="AAA-PERP", currency="USD")
        return leverage, cross, isolated, much, after, limit, level, none, margin, settle

    leverage, cross, isolated, much, after, limit, level, none, margin, settle = run(floor, act)
    assert leverage == [
        {"symbol": "AAA-PERP", "leverage": 0, "marginMode": "CROSS", "positionDirection": None}
    ]
    result = {"symbol": STR, "timestamp": INT, "status": INT, "type": INT, "message": STR}
    for row, status, kind in (
        (cross, 20, 93),
        (isolated, 20, 93),
        (much, 13, 93),
        (level, 20, 94),
        (none, 41, 94),
    ):
        exactly(row, result)
        assert (row["status"], row["type"]) == (status, kind)
    # Isolated is what leaving the mode out means.
    assert after == [
        {"symbol": "AAA-PERP", "leverage": 5, "marginMode": "ISOLATED", "positionDirection": None}
    ]
    assert limit == {"symbol": "AAA-PERP", "riskLimit": 50_000, "riskLimitLevel": 1}
    assert margin == [
        {"symbol": "AAA-PERP", "initialMarginPercentage": 0.2, "maintenanceMarginPercentage": 0.005}
    ]
    assert (settle.status, settle.text) == (200, "")


def test_position_mode_cannot_change_while_there_is_an_order():
    async def act(venue):
        path = "/api/v2.3/position_mode"
        before = (await venue.get(FUTURES, path)).body
        order = {"symbol": "AAA-PERP", "side": "BUY", "type": "LIMIT", "price": 90.0, "size": 10}
        await venue.post(FUTURES, "/api/v2.3/order", **order)
        refused = await venue.post(FUTURES, path, symbol="AAA-PERP", positionMode="HEDGE")
        await venue.delete(FUTURES, "/api/v2.3/order", symbol="AAA-PERP")
        changed = (await venue.post(FUTURES, path, symbol="AAA-PERP", positionMode="HEDGE")).body
        (made,) = (await venue.post(FUTURES, "/api/v2.3/order", **order, positionMode="HEDGE")).body
        return before, refused, changed, made, (await venue.get(FUTURES, path, symbol="AAA-PERP")).body

    before, refused, changed, made, after = run(plain(), act)
    assert before == [{"symbol": "AAA-PERP", "positionMode": "ONE_WAY"}]
    assert (refused.status, refused.code) == (400, 134)
    assert (changed["status"], changed["type"]) == (20, 129)
    assert after == [{"symbol": "AAA-PERP", "positionMode": "HEDGE"}]
    assert (made["positionMode"], made["positionDirection"]) == ("HEDGE", "LONG")
    assert made["positionId"] == "AAA-PERP-USDT|LONG"


def test_risk_limits_come_in_an_envelope():
    async def act(venue):
        good = await venue.public(FUTURES, "/api/v2.3/market/risk_limit", symbol="AAA-PERP")
        bad = await venue.public(FUTURES, "/api/v2.3/market/risk_limit", symbol="NONE-PERP")
        return good.body, bad.status, bad.body

    good, status, bad = run(plain(), act)
    assert (good["code"], good["msg"], good["success"]) == (1, "Success", True)
    first, second = good["data"]
    exactly(
        first,
        {
            "symbol": STR, "riskLevel": INT, "riskLimitValue": NUM, "initialMarginRate": NUM,
            "maintenanceMarginRate": NUM, "maxLeverage": NUM,
        },
    )  # fmt: skip
    assert (first["riskLimitValue"], first["maxLeverage"], second["riskLevel"]) == (50_000, 100, 2)
    assert status == 400
    assert bad | {"time": 0} == {
        "code": -2, "msg": "Invalid request parameters", "time": 0, "data": None, "success": False,
    }  # fmt: skip


def test_funding_history_is_keyed_by_symbol_and_in_seconds():
    floor = plain()
    for number, rate in enumerate((0.0001, 0.0002)):
        time = floor.clock.now + number * HOUR
        floor.exchange.handle([FundingRate("AAA-PERP", time, time, rate)])
    floor.clock.now += 2 * HOUR

    async def act(venue):
        everything = (await venue.public(FUTURES, "/api/v2.3/funding_history", symbol="AAA-PERP")).body
        one = (await venue.public(FUTURES, "/api/v2.3/funding_history", symbol="AAA-PERP", count=1)).body
        return everything, one

    everything, one = run(floor, act)
    first = floor.clock.now - 2 * HOUR
    assert everything["AAA-PERP"] == [
        {"time": (first + HOUR) // 10**9, "rate": 0.0002, "symbol": "AAA-PERP"},
        {"time": first // 10**9, "rate": 0.0001, "symbol": "AAA-PERP"},
    ]
    assert one["AAA-PERP"] == everything["AAA-PERP"][:1]


def test_wallets_and_transfers():
    floor = plain()

    async def act(venue):
        spot = (await venue.get(SPOT, "/api/v3.2/user/wallet")).body
        body = {"walletSrc": "", "walletSrcType": "SPOT", "walletDest": "", "walletDestType": "CROSS"}
        rows = [{"currency": "USDT", "allBalance": False, "balance": 25}]
        moved = (await venue.post(FUTURES, "/api/v2.3/user/wallet/transfer", **body, apiWallets=rows)).body
        rows[0]["balance"] = 1e9
        beyond = await venue.post(FUTURES, "/api/v2.3/user/wallet/transfer", **body, apiWallets=rows)
        futures = (await venue.get(FUTURES, "/api/v2.3/user/wallet", wallet="CROSS@")).body
        unified = (await venue.get(FUTURES, "/api/v2.3/user/unifiedWallet/margin", symbol="AAA-PERP")).body
        old = await venue.get(FUTURES, "/api/v2.3/user/margin", symbol="AAA-PERP")
        history = (await venue.get(FUTURES, "/api/v2.3/user/wallet_history", wallet="CROSS@")).body
        spots = (await venue.get(SPOT, "/api/v3.2/user/wallet_history", currency="USDT")).body
        after = (await venue.get(SPOT, "/api/v3.2/user/wallet")).body
        return spot, moved, beyond, futures, unified, old, history, spots, after

    spot, moved, beyond, futures, unified, old, history, spots, after = run(floor, act)
    assert spot == [
        {"currency": "AAA", "total": 20, "available": 20},
        {"currency": "USDT", "total": 5000, "available": 5000},
    ]
    exactly(moved[0], WALLET)
    exactly(futures[0], WALLET)
    assert futures[0]["assets"] == [{"balance": 10_025, "assetPrice": 1, "currency": "USDT"}]
    assert (beyond.status, beyond.code) == (400, 33199101)
    assert after[1] == {"currency": "USDT", "total": 4975, "available": 4975}
    exactly(history[0], HISTORY)
    exactly(spots[0], HISTORY)
    assert (history[0]["type"], history[0]["status"], history[0]["amount"]) == (105, 10, 25)
    assert (spots[0]["type"], spots[0]["status"], spots[0]["amount"]) == ("Transfer_Out", "COMPLETED", 25)
    names = {
        "symbol",
        "walletTotalValue",
        "walletTotalUnrealizedProfitLoss",
        "futuresTotalAvailableBalance",
        "wallets",
    }
    assert set(unified) == names
    assert old.status == 400


def test_a_position_shows_in_the_wallet():
    floor = plain()

    async def act(venue):
        body = {"symbol": "AAA-PERP", "side": "BUY", "type": "MARKET", "size": 100}
        await venue.post(FUTURES, "/api/v2.3/order", **body)
        floor.quote(109.9, 110.1)
        floor.trade(110.0)
        (wallet,) = (await venue.get(FUTURES, "/api/v2.3/user/wallet", wallet="CROSS@")).body
        (position,) = (await venue.get(FUTURES, "/api/v2.3/user/positions")).body
        return wallet, position

    wallet, position = run(floor, act)
    # One coin from 100.1 to 110, with 0.06006 paid in fees.
    assert position["unrealizedProfitLoss"] == pytest.approx(9.9)
    assert wallet["unrealisedProfitLoss"] == pytest.approx(9.9)
    assert wallet["marginBalance"] == pytest.approx(10_000 - 0.06006 + 9.9)
    assert wallet["availableBalance"] == pytest.approx(wallet["marginBalance"] - 1.1)
    assert wallet["maintenanceMargin"] == pytest.approx(0.55)


def test_the_margin_of_an_isolated_position_is_in_a_wallet_of_its_own():
    floor = plain()

    async def act(venue):
        await venue.post(FUTURES, "/api/v2.3/leverage", symbol="AAA-PERP", leverage=5)
        body = {"symbol": "AAA-PERP", "side": "BUY", "type": "MARKET", "size": 100}
        await venue.post(FUTURES, "/api/v2.3/order", **body)
        (position,) = (await venue.get(FUTURES, "/api/v2.3/user/positions")).body
        path = "/api/v2.3/user/wallet"
        (shared,) = (await venue.get(FUTURES, path, wallet="CROSS@")).body
        (own,) = (await venue.get(FUTURES, path, wallet=position["walletName"])).body
        return position, shared, own

    position, shared, own = run(floor, act)
    # One coin at 100.1 with a fifth of it as margin, and 0.06006 paid in fees.
    assert (position["marginType"], position["isolatedLeverage"]) == (92, 5)
    assert position["walletName"] == "ISOLATED@AAA-PERP-USDT"
    assert own["assets"][0]["balance"] == pytest.approx(20.02)
    assert shared["assets"][0]["balance"] == pytest.approx(10_000 - 0.06006 - 20.02)
    assert shared["availableBalance"] == shared["assets"][0]["balance"]


def test_other_calls_of_the_spot_wallet():
    floor = Floor(
        on_tape(coin()),
        accounts=[
            AccountSetup("ann", "ann-key", "ann-secret", spot={"USDT": 100, "AAA": 2}),
            AccountSetup("bob", "bob-key", "bob-secret"),
        ],
    )  # fmt: skip
    floor.quote(99.9, 100.1, symbol="AAA-USDT")
    floor.trade(100.0, symbol="AAA-USDT")

    async def act(venue):
        convert = {"amount": "1", "fromAsset": "AAA", "toAsset": "USDT"}
        found = [(await venue.post(SPOT, "/api/v3.2/user/wallet/convert", **convert)).body]
        send = {
            "amount": "30",
            "asset": "USDT",
            "toUser": "bob",
            "toUserMail": "",
            "useNewSymbolNaming": False,
        }
        found.append((await venue.post(SPOT, "/api/v3.3/user/wallet/transfer", **send)).body)
        found.append(
            (await venue.get(SPOT, "/api/v3.3/user/wallet/address", currency="AAA", network="X")).body
        )
        dust = {
            "currency": "AAA-X",
            "address": "y",
            "tag": "",
            "amount": "0.123456789",
            "includeWithdrawFee": True,
        }
        found.append((await venue.post(SPOT, "/api/v3.3/user/wallet/withdraw", **dust)).code)
        out = dust | {"amount": "0.5"}
        found.append((await venue.post(SPOT, "/api/v3.3/user/wallet/withdraw", **out)).body)
        found.append((await venue.get(SPOT, "/api/v3.2/subaccount/wallet/history")).body)
        found.append((await venue.public(SPOT, "/api/v3.2/availableCurrencies", action="CONVERT")).body)
        rate = {"baseCurrency": "AAA", "amount": 1, "quoteCurrency": "USDT"}
        found.append(
            (await venue._send("GET", "/public-api/wallet/v1/assets/exchangeRate", rate, b"", {})).body
        )
        return found

    converted, sent, address, dust, withdrawn, history, currencies, rate = run(floor, act)
    assert converted["settlementAmount"] == 100
    assert sent["toUser"] == "bob"
    assert set(address[0]) == {"address", "created"}
    assert dust == 3506
    assert set(withdrawn) == {"withdrawId"}
    assert history["data"]["data"] == []
    assert currencies == ["AAA", "USDT"]
    assert rate["data"] == {"rate": "100.000000"}
    truth = floor.truth.balances
    assert (truth[SPOT, "USDT"], truth[SPOT, "AAA"]) == (pytest.approx(170.0), pytest.approx(0.5))
    assert floor.exchange.truth("bob").balances[SPOT, "USDT"] == pytest.approx(30.0)


def test_trade_history_is_newest_first_cut_to_a_week_and_pages_by_serial():
    floor = plain()

    async def act(venue):
        for side in ("BUY", "SELL") * 3:
            body = {"symbol": "AAA-PERP", "side": side, "type": "MARKET", "size": 10, "clOrderID": side}
            await venue.post(FUTURES, "/api/v2.3/order", **body)
            floor.clock.now += HOUR
        path = "/api/v2.3/user/trade_history"
        whole = (await venue.get(FUTURES, path, count=500)).body
        two = (await venue.get(FUTURES, path, count=2)).body
        older = (await venue.get(FUTURES, path, beforeSerialId=two[-1]["serialId"])).body
        buys = (await venue.get(FUTURES, path, clOrderID="BUY")).body
        floor.clock.now += 7 * 24 * HOUR - 3 * HOUR - 10**9
        recent = (await venue.get(FUTURES, path, startTime=1)).body
        many = await venue.get(FUTURES, path, count=501)
        return whole, two, older, buys, recent, many.status

    whole, two, older, buys, recent, many = run(floor, act)
    assert [row["side"] for row in whole] == ["SELL", "BUY"] * 3
    assert whole == sorted(whole, key=lambda row: -row["serialId"])
    assert two + older == whole
    assert {row["side"] for row in buys} == {"BUY"}
    assert recent == whole[:3]
    assert many == 400
    assert len({row["tradeId"] for row in whole}) == 6


def test_the_dead_mans_switch_is_armed_and_disarmed():
    floor = plain()

    async def act(venue):
        path = "/api/v2.3/order/cancelAllAfter"
        order = {"symbol": "AAA-PERP", "side": "BUY", "type": "LIMIT", "price": 90.0, "size": 10}
        await venue.post(FUTURES, "/api/v2.3/order", **order)
        armed = (await venue.post(FUTURES, path, timeout=60_000)).status
        await venue.post(FUTURES, path, timeout=0)
        floor.clock.now += 61 * 10**9
        there = len((await venue.get(FUTURES, "/api/v2.3/user/open_orders")).body)
        await venue.post(FUTURES, path, timeout=60_000)
        floor.clock.now += 61 * 10**9
        gone = len((await venue.get(FUTURES, "/api/v2.3/user/open_orders")).body)
        missing = (await venue.post(FUTURES, path)).status
        return armed, there, gone, missing

    assert run(floor, act) == (200, 1, 0, 400)
