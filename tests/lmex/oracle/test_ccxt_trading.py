"""Private calls: ccxt signs and trades, and what it reads back is what is so at the exchange."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("ccxt")

import ccxt as ccxt_module
from ccxt_venue import COIN, KEY, LABEL, PERP, SECRET, START, Venue, oracle, oracle_config, serving

from hookline_lmex.emulator import AccountConfig
from hookline_lmex.emulator.terms import Permission, Product


@pytest.fixture
def venue() -> Iterator[Venue]:
    with serving() as served:
        yield served


@pytest.fixture
def ccxt(venue: Venue) -> Iterator[Any]:
    with oracle(venue) as client:
        yield client


def futures(client: Any, **body: Any) -> dict[str, Any]:
    """Place an order on the perpetual and return it as ccxt reads it."""
    rows = client.privatePostFuturesApiV23Order({"symbol": "BTC-PERP"} | body)
    assert len(rows) == 1
    return read(client, rows[0], PERP)


def spot(client: Any, **body: Any) -> dict[str, Any]:
    """Place an order on spot and return it as ccxt reads it."""
    rows = client.privatePostSpotApiV33Order({"symbol": "BTC-USDT"} | body)
    assert len(rows) == 1
    return read(client, rows[0], COIN)


def read(client: Any, row: dict[str, Any], market: str) -> dict[str, Any]:
    found: dict[str, Any] = client.parse_order(row, client.market(market))
    return found


def test_a_limit_order_rests_and_is_read_back_alike_everywhere(ccxt: Any, venue: Venue) -> None:
    placed = futures(ccxt, side="BUY", type="LIMIT", price=98.5, size=60, clOrderID="rests-1")
    (true,) = venue.truth.open_orders
    assert (true.order_id, true.client_order_id, true.order.lots) == (placed["id"], "rests-1", 60)
    (listed,) = ccxt.privateGetFuturesApiV23UserOpenOrders({"symbol": "BTC-PERP"})
    queried = ccxt.privateGetFuturesApiV23Order({"clOrderID": "rests-1"})
    for order in (placed, read(ccxt, listed, PERP), read(ccxt, queried, PERP)):
        assert (order["id"], order["clientOrderId"]) == (true.order_id, "rests-1")
        assert (order["status"], order["type"], order["side"]) == ("open", "limit", "buy")
        assert (order["timeInForce"], order["symbol"]) == ("GTC", PERP)
        assert (order["price"], order["amount"], order["filled"], order["remaining"]) == (98.5, 60, 0, 60)
        assert order["timestamp"] == true.received // 10**6


def test_a_market_order_walks_the_book_and_its_fills_add_up(ccxt: Any, venue: Venue) -> None:
    order = futures(ccxt, side="BUY", type="MARKET", size=1500, clOrderID="walks")
    assert (order["status"], order["filled"], order["remaining"]) == ("closed", 1500, 0)
    rows = ccxt.privateGetFuturesApiV23UserTradeHistory({"clOrderID": "walks"})
    fills = ccxt.parse_trades(rows, ccxt.market(PERP))
    truth = venue.truth.fills
    assert sorted(one["id"] for one in fills) == sorted(one.trade_id for one in truth)
    assert sorted((one["price"], one["amount"]) for one in fills) == [(100.5, 1000.0), (101.0, 500.0)]
    assert order["average"] == pytest.approx(sum(one["cost"] for one in fills) / 1.5)
    assert sum(one["fee"]["cost"] for one in fills) == pytest.approx(0.0005 * (100.5 + 0.5 * 101.0))
    assert {one["fee"]["currency"] for one in fills} == {"USDT"}
    assert all(one["order"] == order["id"] for one in fills)
    paid = 100_000 - venue.truth.balances[Product.FUTURES, "USDT"]
    assert paid == pytest.approx(sum(one["fee"]["cost"] for one in fills))


def test_positions_are_those_of_the_exchange(ccxt: Any, venue: Venue) -> None:
    futures(ccxt, side="SELL", type="MARKET", size=400)
    (position,) = ccxt.parse_positions(ccxt.privateGetFuturesApiV23UserPositions({"symbol": "BTC-PERP"}))
    assert venue.truth.positions == {"BTC-PERP": -400}
    (true,) = venue.ask(lambda: venue.emulator.exchange.positions(LABEL))
    assert (position["symbol"], position["side"], position["contracts"]) == (PERP, "short", 400)
    assert (position["entryPrice"], position["markPrice"]) == (99.5, 100.5)
    assert position["contracts"] * position["contractSize"] == 0.4
    assert position["unrealizedPnl"] == pytest.approx(-0.4)
    assert position["notional"] == pytest.approx(0.4 * 100.5)
    assert position["maintenanceMargin"] == pytest.approx(true.maintenance_margin)
    assert (position["id"], position["marginMode"], position["hedged"]) == ("BTC-PERP-USDT", "cross", False)
    # ccxt shows the leverage in effect; the reference calls that currentLeverage as well, and keeps the setting apart.
    assert position["leverage"] == pytest.approx(true.current_leverage)


def test_an_isolated_position_has_a_price_of_liquidation(ccxt: Any, venue: Venue) -> None:
    answer = ccxt.privatePostFuturesApiV23Leverage(
        {"symbol": "BTC-PERP", "leverage": 10, "marginMode": "ISOLATED"}
    )
    assert (answer["status"], answer["type"]) == (20, 93)
    (setting,) = ccxt.privateGetFuturesApiV23Leverage({"symbol": "BTC-PERP"})
    assert (setting["leverage"], setting["marginMode"]) == (10, "ISOLATED")
    futures(ccxt, side="BUY", type="MARKET", size=500)
    (position,) = ccxt.parse_positions(ccxt.privateGetFuturesApiV23UserPositions())
    (true,) = venue.ask(lambda: venue.emulator.exchange.positions(LABEL))
    assert position["marginMode"] == "isolated"
    assert position["liquidationPrice"] == pytest.approx(true.liquidation_price)
    assert 100.5 * 0.90 < position["liquidationPrice"] < 100.5 * 0.92


def test_wallets_are_those_of_the_exchange(ccxt: Any, venue: Venue) -> None:
    futures(ccxt, side="BUY", type="MARKET", size=1000)
    spot(ccxt, side="SELL", type="LIMIT", price=105, size=0.5)
    truth = venue.truth.balances
    margin = ccxt.fetch_balance({"type": "swap"})
    (wallet,) = margin["info"]
    assert margin["USDT"]["total"] == pytest.approx(truth[Product.FUTURES, "USDT"])
    assert margin["USDT"]["used"] == pytest.approx(wallet["openMargin"])
    # ccxt calls free what no margin is set aside of; what a position has lost so far is not available either, and the reference's
    # availableBalance leaves that out.
    lost = wallet["unrealisedProfitLoss"]
    assert lost <= 0
    assert margin["USDT"]["free"] + lost == pytest.approx(wallet["availableBalance"])
    coins = ccxt.parse_balance(ccxt.privateGetSpotApiV32UserWallet())
    assert coins["BTC"] == {"total": 2.0, "free": 1.5, "used": 0.5}
    assert coins["USDT"]["total"] == truth[Product.SPOT, "USDT"] == 5000.0


def test_spot_takes_its_fee_from_what_is_received(ccxt: Any, venue: Venue) -> None:
    bought = spot(ccxt, side="BUY", type="MARKET", price=60, clOrderID="coin")
    # A price without a size is an amount of money. Such an order ends with status 5, for a crumb of it remains; ccxt has seen that
    # too, and calls it closed as the reference does. It has no amount of coins but for what is filled.
    assert (bought["info"]["status"], bought["status"]) == (5, "closed")
    assert (bought["type"], bought["clientOrderId"]) == ("market", "coin")
    assert bought["info"]["orderCurrency"] == "quote"
    assert bought["filled"] == 0.597  # of coins at 100.5
    sold = spot(ccxt, side="SELL", type="MARKET", size=0.25)
    assert (sold["amount"], sold["filled"], sold["average"]) == (0.25, 0.25, 99.5)
    rows = ccxt.privateGetSpotApiV33UserTradeHistory({"symbol": "BTC-USDT"})
    fills = {one["side"]: one for one in ccxt.parse_trades(rows, ccxt.market(COIN))}
    assert (fills["buy"]["fee"]["currency"], fills["sell"]["fee"]["currency"]) == ("BTC", "USDT")
    assert fills["buy"]["fee"]["cost"] == pytest.approx(0.0009 * fills["buy"]["amount"])
    assert fills["sell"]["fee"]["cost"] == pytest.approx(0.0009 * 0.25 * 99.5)
    change = fills["buy"]["amount"] - fills["buy"]["fee"]["cost"] - 0.25
    assert venue.truth.balances[Product.SPOT, "BTC"] == pytest.approx(2.0 + change)


def test_amendments_keep_the_id(ccxt: Any, venue: Venue) -> None:
    placed = futures(ccxt, side="BUY", type="LIMIT", price=98, size=100, clOrderID="moves")
    for body, terms in (
        ({"type": "PRICE", "value": 97.5}, (97.5, 100)),
        ({"type": "SIZE", "value": 70}, (97.5, 70)),
        ({"type": "ALL", "orderPrice": 97, "orderSize": 80}, (97.0, 80)),
    ):
        (row,) = ccxt.privatePutFuturesApiV23Order({"symbol": "BTC-PERP", "clOrderID": "moves"} | body)
        order = read(ccxt, row, PERP)
        assert (order["id"], order["status"]) == (placed["id"], "open")
        assert (order["price"], order["amount"]) == terms
        (true,) = venue.truth.open_orders
        assert (true.order_id, true.price, true.order.lots) == (placed["id"], *terms)
    placed = spot(ccxt, side="SELL", type="LIMIT", price=110, size=0.2)
    (row,) = ccxt.privatePutSpotApiV33Order(
        {"symbol": "BTC-USDT", "orderID": placed["id"], "type": "PRICE", "value": 111.5}
    )
    assert (read(ccxt, row, COIN)["price"], row["originalPrice"], row["status"]) == (111.5, 110, 123)


def test_orders_are_canceled_by_either_id_and_all_at_once(ccxt: Any, venue: Venue) -> None:
    placed = [
        futures(ccxt, side="BUY", type="LIMIT", price=90 + step, size=60, clOrderID=f"gone-{step}")
        for step in range(4)
    ]
    by_ours = ccxt.privateDeleteFuturesApiV23Order({"symbol": "BTC-PERP", "clOrderID": "gone-0"})
    by_theirs = ccxt.privateDeleteFuturesApiV23Order({"symbol": "BTC-PERP", "orderID": placed[1]["id"]})
    for rows, one in ((by_ours, placed[0]), (by_theirs, placed[1])):
        order = read(ccxt, rows[0], PERP)
        assert (order["id"], order["status"], order["remaining"]) == (one["id"], "canceled", 60)
    spot(ccxt, side="SELL", type="LIMIT", price=105, size=0.1)
    rest = ccxt.cancel_all_orders(PERP)  # this one still goes the way of version 2.3
    assert {one["id"] for one in rest} == {one["id"] for one in placed[2:]}
    assert [one.symbol for one in venue.truth.open_orders] == ["BTC-USDT"]
    queried = read(ccxt, ccxt.privateGetFuturesApiV23Order({"orderID": placed[0]["id"]}), PERP)
    assert queried["status"] == "canceled"


def test_triggers_wait_and_fire(ccxt: Any, venue: Venue) -> None:
    futures(ccxt, side="BUY", type="MARKET", size=300)
    stop = futures(
        ccxt, side="SELL", type="MARKET", size=300, txType="STOP", triggerPrice=95, reduceOnly=True
    )
    assert (stop["info"]["status"], stop["triggerPrice"], stop["info"]["trigger"]) == (9, 95.0, True)
    (row,) = ccxt.privateGetFuturesApiV23UserOpenOrders()
    # ccxt takes STATUS_INACTIVE for canceled. The list holds what is open, and what waits for its trigger is open: the reference
    # is right, and ccxt itself says "open" of the number 9 in the answer before.
    assert row["orderState"] == "STATUS_INACTIVE"
    assert read(ccxt, row, PERP)["status"] == "canceled"
    assert [one.order_id for one in venue.truth.open_orders] == [stop["id"]]
    (attached,) = ccxt.privatePostFuturesApiV23OrderBindTpsl(
        {"symbol": "BTC-PERP", "side": "SELL", "takeProfitPrice": 120}
    )
    assert (attached["status"], attached["orderType"], attached["triggerPrice"]) == (9, 77, 120)
    (position,) = ccxt.parse_positions(ccxt.privateGetFuturesApiV23UserPositions())
    assert position["takeProfitPrice"] == 120.0


def test_an_oco_pair_is_two_orders(ccxt: Any, venue: Venue) -> None:
    terms = {"symbol": "BTC-USDT", "side": "SELL", "type": "OCO", "size": 0.5, "clOrderID": "pair"}
    rows = ccxt.privatePostSpotApiV33Order(terms | {"price": 110, "triggerPrice": 90, "stopPrice": 89.5})
    limit, stop = (read(ccxt, row, COIN) for row in rows)
    assert [limit["info"]["status"], stop["info"]["status"]] == [2, 9]
    assert limit["id"] != stop["id"]
    assert (limit["price"], stop["triggerPrice"]) == (110.0, 90.0)
    assert {one.order_id for one in venue.truth.with_client_id("pair")} == {limit["id"], stop["id"]}


def test_a_position_is_closed_and_gone(ccxt: Any, venue: Venue) -> None:
    futures(ccxt, side="BUY", type="MARKET", size=300)
    (row,) = ccxt.privatePostFuturesApiV23OrderClosePosition({"symbol": "BTC-PERP", "type": "MARKET"})
    closed = read(ccxt, row, PERP)
    assert (closed["status"], closed["side"], closed["filled"]) == ("closed", "sell", 300)
    assert ccxt.privateGetFuturesApiV23UserPositions() == []
    assert venue.truth.positions == {}
    rows = ccxt.privateGetFuturesApiV23UserTradeHistory()
    assert sum(ccxt.safe_number(row, "realizedPnl") for row in rows) == pytest.approx(-0.3)
    assert venue.truth.balances[Product.FUTURES, "USDT"] == pytest.approx(
        100_000 + sum(ccxt.safe_number(row, "total") for row in rows)
    )


def test_fees_and_modes_are_read(ccxt: Any) -> None:
    fees = ccxt.fetch_trading_fees({"type": "swap"})["BTC-PERP"]
    assert (fees["maker"], fees["taker"]) == (0.0001, 0.0005)
    (row,) = ccxt.privateGetSpotApiV33UserFees({"symbol": "BTC-USDT"})
    assert (row["makerFee"], row["takerFee"]) == (0.0008, 0.0009)
    assert ccxt.privateGetFuturesApiV23PositionMode({"symbol": "BTC-PERP"})[0]["positionMode"] == "ONE_WAY"
    answer = ccxt.privatePostFuturesApiV23PositionMode({"symbol": "BTC-PERP", "positionMode": "HEDGE"})
    assert answer["status"] == 20
    assert ccxt.privateGetFuturesApiV23PositionMode({"symbol": "BTC-PERP"})[0]["positionMode"] == "HEDGE"


def test_hedge_mode_has_two_positions(ccxt: Any, venue: Venue) -> None:
    ccxt.privatePostFuturesApiV23PositionMode({"symbol": "BTC-PERP", "positionMode": "HEDGE"})
    futures(ccxt, side="BUY", type="MARKET", size=200, positionMode="HEDGE")
    futures(ccxt, side="SELL", type="MARKET", size=100, positionMode="HEDGE")
    positions = ccxt.parse_positions(ccxt.privateGetFuturesApiV23UserPositions())
    assert {(one["side"], one["contracts"]) for one in positions} == {("long", 200.0), ("short", 100.0)}
    assert all(one["hedged"] and one["symbol"] == PERP for one in positions)
    assert venue.truth.positions == {"BTC-PERP|long": 200, "BTC-PERP|short": -100}


def test_a_dead_mans_switch_is_taken(ccxt: Any, venue: Venue) -> None:
    futures(ccxt, side="BUY", type="LIMIT", price=98, size=60)
    ccxt.privatePostFuturesApiV23OrderCancelAllAfter({"timeout": 1500})
    account = venue.emulator.exchange.accounts[LABEL]
    now = venue.emulator.clock.now
    assert 0 < venue.ask(lambda: account.switch_due(Product.FUTURES)) - now <= 1_500_000_000
    venue.step(8)  # two seconds of two markets, and more
    assert venue.truth.open_orders == ()


REFUSED = [
    ({"size": 60, "price": 98.3}, "InvalidOrder", "302"),
    ({"size": 10**8, "price": 98}, "InvalidOrder", "4051"),
    ({"size": 2_000_000, "price": 98}, "InsufficientFunds", "33199101"),
    ({"size": 60, "price": 98, "reduceOnly": True}, "InvalidOrder", "33199120"),
]


@pytest.mark.parametrize(("terms", "error", "code"), REFUSED)
def test_refusals_are_errors_that_ccxt_knows(
    ccxt: Any, venue: Venue, terms: dict[str, Any], error: str, code: str
) -> None:
    ccxt.privatePostFuturesApiV23Leverage({"symbol": "BTC-PERP", "leverage": 1, "marginMode": "ISOLATED"})
    with pytest.raises(getattr(ccxt_module, error), match=code):
        futures(ccxt, side="BUY", type="LIMIT", **terms)
    assert not venue.truth.open_orders


def test_an_unknown_order_is_not_found(ccxt: Any) -> None:
    with pytest.raises(ccxt_module.OrderNotFound):
        ccxt.privateDeleteFuturesApiV23Order({"symbol": "BTC-PERP", "clOrderID": "never"})
    with pytest.raises(ccxt_module.OrderNotFound):
        ccxt.privateGetFuturesApiV23Order({"clOrderID": "never"})


def test_a_wrong_secret_is_refused(ccxt: Any) -> None:
    ccxt.secret = "another-secret"
    for call in (ccxt.privateGetFuturesApiV23UserPositions, ccxt.privateGetSpotApiV32UserWallet):
        with pytest.raises(ccxt_module.AuthenticationError):
            call()


def test_an_old_nonce_is_refused(ccxt: Any) -> None:
    ccxt.nonce = lambda: START // 10**6 - 61_000
    # ccxt looks at the code first, which is that of every failed authentication; the reference tells nonces apart by the text.
    with pytest.raises(ccxt_module.AuthenticationError, match="Invalid nonce"):
        ccxt.privateGetFuturesApiV23UserPositions()


def test_a_key_that_may_only_read_cannot_trade() -> None:
    reads = AccountConfig(LABEL, KEY, SECRET, permissions=[Permission.READ])
    with serving(oracle_config(accounts=[reads])) as venue, oracle(venue) as ccxt:
        assert ccxt.privateGetFuturesApiV23UserPositions() == []
        with pytest.raises(ccxt_module.ExchangeError, match="403"):
            futures(ccxt, side="BUY", type="LIMIT", price=98, size=60)
        assert venue.truth.orders == ()
