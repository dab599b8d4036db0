"""Whatever is asked of the emulated exchange: it answers or refuses, and its books add up."""

import random
from collections import defaultdict
from decimal import Decimal

import pytest
from exchange_kit import HOUR, Floor, coin, on_bars, on_tape, perp

from hookline.model import FundingRate, MarkPrice, Side
from hookline_lmex.emulator import rest_account, rest_market, rest_orders, rest_settings
from hookline_lmex.emulator.refusals import Refused
from hookline_lmex.emulator.rest_calls import Call
from hookline_lmex.emulator.terms import Product

ENDPOINTS = [
    one
    for group in (rest_market, rest_orders, rest_account, rest_settings)
    for one in group.ENDPOINTS
    if "wallet/transfer" not in one.path and "withdraw" not in one.path and "convert" not in one.path
]
ORDERS = [one for one in ENDPOINTS if one.method == "POST" and one.path.endswith("/order")]
OPEN = {2, 5, 9, 10, 123}


def asked(draw, floor, endpoint):
    """Parameters that are mostly right."""
    futures = endpoint.product is not Product.SPOT
    symbol = draw.choice(["AAA-PERP", "BBB-PERP"] if futures else ["AAA-USDT"])
    ids = [one.order_id for one in floor.truth.orders[-30:]] or ["none"]
    price = round(draw.uniform(90, 110), draw.choice([2, 2, 2, 3]))
    body = {
        "symbol": symbol,
        "side": draw.choice(["BUY", "SELL"]),
        "type": draw.choice(["LIMIT", "LIMIT", "MARKET", "OCO", "PRICE", "SIZE", "ALL", "PEG"]),
        "size": draw.randrange(1, 3000) if futures else round(draw.uniform(0.001, 3), 4),
        "price": price,
        "triggerPrice": round(draw.uniform(90, 110), 2),
        "stopPrice": round(draw.uniform(90, 110), 2),
        "value": draw.choice([price, draw.randrange(1, 500)]),
        "orderPrice": round(draw.uniform(95, 105), 2),
        "txType": draw.choice(["LIMIT", "LIMIT", "LIMIT", "STOP", "TRIGGER"]),
        "time_in_force": draw.choice(["GTC", "GTC", "IOC", "FOK", "HALFMIN", "HOUR"]),
        "clOrderID": draw.choice(["a", "b", "c"]),
        "orderID": draw.choice(ids),
        "reduceOnly": draw.random() < 0.3,
        "postOnly": draw.random() < 0.2,
        "leverage": draw.choice([0, 1, 5, 20, 1000]),
        "marginMode": draw.choice(["CROSS", "ISOLATED"]),
        "positionMode": draw.choice(["ONE_WAY", "HEDGE"]),
        "timeout": draw.choice([0, 30_000]),
        "resolution": draw.choice([1, 60, 7]),
        "wallet": "CROSS@",
        "currency": "USDT",
        "trailValue": 1.5,
        "takeProfitPrice": 108.0,
        "stopLossPrice": 92.0,
        "deviation": draw.choice([-1, 1, 20]),
        "riskLimitLevel": draw.choice([1, 2, 9]),
    }
    needed = {"symbol", "side", "type", "size", "price"}
    rare = {"trailValue", "takeProfitPrice", "stopLossPrice", "positionMode"}
    return {
        name: value
        for name, value in body.items()
        if draw.random() < (0.95 if name in needed else 0.15 if name in rare else 0.5)
    }


def happen(draw, floor):
    """Let the market do something."""
    what, mid = draw.random(), 100 + draw.uniform(-6, 6)
    if what < 0.4:
        floor.quote(round(mid - 0.05, 2), round(mid + 0.05, 2), draw.uniform(1, 20))
    elif what < 0.6:
        floor.trade(round(mid, 2), draw.uniform(0.1, 20), draw.choice(list(Side)))
    elif what < 0.7:
        floor.quote(round(mid - 0.05, 2), round(mid + 0.05, 2), draw.uniform(1, 20), symbol="AAA-USDT")
    elif what < 0.75:
        time = floor.clock.now
        floor.exchange.handle([FundingRate("AAA-PERP", time, time, draw.uniform(-0.001, 0.001))])
    elif what < 0.8:
        floor.exchange.handle([MarkPrice("AAA-PERP", floor.clock.now, floor.clock.now, mid)])
    else:
        prices = sorted(round(100 + draw.uniform(-6, 6), 2) for _ in range(4))
        low, one, other, high = prices
        floor.bar(*draw.choice([(one, high, low, other), (other, high, low, one)]), symbol="BBB-PERP")


def played(seed, requests=700):
    draw = random.Random(seed)
    floor = Floor(
        on_tape(), on_bars(perp("BBB-PERP", leverage=Decimal(10))), on_tape(coin()),
        spot={"USDT": 2000, "AAA": 10}, futures={"USDT": 3000},
    )  # fmt: skip
    answered, refusals = 0, []
    for _ in range(requests):
        if draw.random() < 0.5:
            happen(draw, floor)
        endpoint = draw.choice(ORDERS if draw.random() < 0.5 else ENDPOINTS)
        floor.clock.now += 10**6
        floor.exchange.pass_time()
        account = floor.exchange.accounts["ann"]
        product = endpoint.product or Product.SPOT
        call = Call(floor.exchange, product, asked(draw, floor, endpoint), floor.clock.now // 10**6, account)
        try:
            endpoint.act(call)
            answered += 1
        except Refused as refused:
            refusals.append((refused.status, bool(refused.text)))
    assert set(refusals) == {(400, True)}
    assert answered > requests / 4
    return floor


@pytest.mark.parametrize("seed", range(10))
def test_books_add_up_after_any_requests(seed):
    floor = played(seed)
    truth = floor.truth
    assert len(truth.fills) > 30
    check_orders(floor, truth)
    check_positions(floor, truth)
    check_money(floor, truth)


def check_orders(floor, truth):
    """What was told of each order is what became of it."""
    last, filled = {}, defaultdict(float)
    for notice in floor.ear.orders:
        last[notice.order_id] = notice
        filled[notice.order_id] += notice.filled
    fills = defaultdict(float)
    for fill in truth.fills:
        fills[fill.order_id] += fill.size
    for record in truth.orders:
        if not record.is_announced:
            continue
        notice = last[record.order_id]
        assert (notice.status in OPEN) is record.is_open or notice.quote_amount is not None
        assert filled[record.order_id] == pytest.approx(notice.total_filled)
        assert fills[record.order_id] == pytest.approx(notice.total_filled)
        assert notice.total_filled + notice.remaining == pytest.approx(notice.current)
    assert floor.ear.fills == list(truth.fills)
    assert len({fill.trade_id for fill in truth.fills}) == len(truth.fills)


def check_positions(floor, truth):
    """Positions are the sums of their fills."""
    held = defaultdict(int)
    for fill in truth.fills:
        if fill.contract_size:
            held[fill.position_id] += fill.size if fill.side == "BUY" else -fill.size
    shown = {one.position_id: one.contracts for one in floor.exchange.positions("ann")}
    assert {name: abs(size) for name, size in held.items() if size} == shown


def check_money(floor, truth):
    """Futures money is what was there, and profits and funding, less fees; coins are what was bought and sold, less fees."""
    desk = floor.desk()
    fees = sum(fill.fee for fill in truth.fills if fill.contract_size)
    realized = sum(fill.realized for fill in truth.fills)
    funding = sum(entry.amount for entry in desk.entries if entry.type == 110)
    assert truth.balances[Product.FUTURES, "USDT"] == pytest.approx(
        3000 + realized + funding - fees, abs=1e-6
    )
    coins, money = 10.0, 2000.0
    for fill in truth.fills:
        if not fill.contract_size:
            sign = 1 if fill.side == "BUY" else -1
            coins += sign * fill.size - (fill.fee if fill.fee_currency == "AAA" else 0)
            money -= sign * fill.size * fill.price + (fill.fee if fill.fee_currency == "USDT" else 0)
    assert truth.balances[Product.SPOT, "AAA"] == pytest.approx(coins, abs=1e-9)
    assert truth.balances[Product.SPOT, "USDT"] == pytest.approx(money, abs=1e-6)
    assert min(coins, money) > -1e-9


def test_the_same_requests_give_the_same_answers():
    first, second = (played(3, 300).ear.all for _ in range(2))
    assert first == second


def test_time_told_never_goes_back():
    floor = played(5, 400)
    times = [one.time for kind, one in floor.ear.all if kind != "position"]
    assert times == sorted(times)
    assert times[-1] - times[0] > HOUR
