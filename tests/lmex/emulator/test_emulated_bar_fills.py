"""Fills of the emulated exchange on bars equal those of a backtest with the same orders."""

import random
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest
from exchange_kit import Floor, coin, on_bars, perp

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import BarSeries, MarginMode
from hookline.testing.market import random_bars, wild_bars
from hookline_lmex.emulator.changing import amend, cancel
from hookline_lmex.emulator.refusals import Refused

FEES = {"maker_fee_bps": 1.0, "taker_fee_bps": 6.0}


def script(bars, seed, orders_per_bar=0.4):
    """Actions by bar: what to send, cancel or amend after seeing it."""
    draw = random.Random(seed)
    actions, sent = [], 0
    for index in range(len(bars)):
        here = []
        close = float(bars.close[index])
        while draw.random() < orders_per_bar:
            here.append(("send", order_terms(draw, close)))
            sent += 1
        if sent and draw.random() < 0.2:
            here.append(("cancel", draw.randrange(sent)))
        if sent and draw.random() < 0.2:
            here.append(("amend", draw.randrange(sent), round(close * draw.uniform(0.97, 1.03), 2)))
        actions.append(here)
    return actions


def order_terms(draw, close):
    side = draw.choice(["BUY", "SELL"])
    kind = draw.choice(["market", "market", "limit", "limit", "post", "stop", "stop_limit", "trail", "ioc"])
    terms = {"side": side, "kind": kind, "size": draw.randrange(1, 400), "reduce": draw.random() < 0.2}
    sign = 1 if side == "BUY" else -1
    near = draw.uniform(-0.01, 0.02)
    terms["limit"] = round(close * (1 - sign * near), 2)
    terms["trigger"] = round(close * (1 + sign * abs(near)), 2)
    terms["trail"] = round(close * draw.uniform(0.005, 0.02), 2)
    return terms


@dataclass
class Scripted(hl.Strategy):
    name = "scripted"

    actions: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    seen: int = 0

    def on_bar(self, ctx, bar):
        for action, *rest in self.actions[self.seen]:
            if action == "send":
                self.sent.append(self.send(ctx, bar.symbol, rest[0]))
                continue
            order = self.sent[rest[0]]
            if not order.is_open:
                continue
            if action == "cancel":
                ctx.cancel(order)
            elif order.type is hl.OrderType.LIMIT:
                ctx.amend(order, limit=rest[1])
        self.seen += 1

    def send(self, ctx, symbol, terms):
        kind, more = terms["kind"], {}
        if kind in ("limit", "post", "stop_limit", "ioc"):
            more["limit"] = terms["limit"]
        if kind in ("stop", "stop_limit"):
            more["trigger"] = terms["trigger"]
        if kind == "trail":
            more["trail_amount"] = terms["trail"]
        if kind == "ioc":
            more["time_in_force"] = hl.TimeInForce.IOC
        return ctx.submit(
            symbol, hl.Side[terms["side"]], terms["size"] / 100,
            post_only=kind == "post", reduce_only=terms["reduce"], **more,
        )  # fmt: skip


def wire(terms, symbol):
    kind = terms["kind"]
    size = terms["size"] if symbol.endswith("PERP") else terms["size"] / 100
    body = {"side": terms["side"], "size": size, "reduceOnly": terms["reduce"], "type": "MARKET"}
    if kind in ("limit", "post", "stop_limit", "ioc"):
        body |= {"type": "LIMIT", "price": terms["limit"], "postOnly": kind == "post"}
    if kind in ("stop", "stop_limit"):
        body |= {"txType": "STOP", "triggerPrice": terms["trigger"]}
    if kind == "trail":
        body["trailValue"] = terms["trail"]
    if kind == "ioc":
        body["time_in_force"] = "IOC"
    return body


def play(floor, bars, actions):
    """Do to the exchange what the script says, after each bar."""
    sent = []
    desk, account = floor.desk(floor.exchange.states[bars.symbol].product), floor.exchange.accounts["ann"]
    for index in range(len(bars)):
        bar = bars.bar(index)
        floor.clock.now = bar.end
        floor.exchange.handle([bar])
        # Requests come a little after the bar, as over a network.
        floor.clock.now = bar.end + 250 * 10**6
        for action, *rest in actions[index]:
            if action == "send":
                sent += floor.send(bars.symbol, **wire(rest[0], bars.symbol))
                continue
            record = sent[rest[0]]
            if not record.is_open:
                continue
            named = {"symbol": bars.symbol, "orderID": record.order_id}
            if action == "cancel":
                assert cancel(floor.exchange, desk, named) == [record]
            elif record.order.type is hl.OrderType.LIMIT:
                amend(floor.exchange, desk, named | {"type": "PRICE", "value": rest[1]})
    assert [one for one in account.truth().orders if one.is_user_initiated] == sent
    return floor


def compare(bars, actions, instrument, *, cash=20_000.0, funding=None, fees=FEES):
    result = hl.backtest(
        Scripted(actions), bars, cash=cash, instruments=[instrument], leverage=1.0,
        funding=None if funding is None else {bars.symbol: funding}, **fees,
    )  # fmt: skip
    floor = play(
        Floor(
            on_bars(instrument, funding=funding, **fees),
            futures={"USDT": cash},
            spot={"USDT": cash},
            now=int(bars.start[0]),
            spam_notional=0,
        ),
        bars,
        actions,
    )
    expected = [(one.side.name, one.lots, one.price, one.fee, one.is_maker) for one in result.record.fills]
    found = [
        (one.side, round(one.size * (100 if one.product == "spot" else 1)), one.price, one.fee, one.is_maker)
        for one in floor.truth.fills
    ]
    assert found == expected
    return result, floor


def leveraged(**terms):
    return perp(leverage=Decimal(3), **terms)


@pytest.mark.parametrize("seed", range(12))
def test_fills_of_scripted_orders_equal_those_of_a_backtest(seed):
    bars = random_bars("AAA-PERP", 400, seed=seed)
    result, floor = compare(bars, script(bars, seed), leveraged())
    assert len(result.record.fills) > 40
    money = floor.truth.balances["futures", "USDT"]
    held = floor.desk().ledger.positions["AAA-PERP"]
    assert money + held.unrealized == pytest.approx(result.metrics.final_equity, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_fills_on_spot_equal_those_of_a_backtest_where_no_fee_is_taken_in_coins(seed):
    bars = random_bars("AAA-USDT", 400, seed=seed)
    actions = script(bars, seed)
    for action in (one for here in actions for one in here):
        if action[0] == "send":
            action[1]["reduce"] = False
    instrument = coin(lot_size=Decimal("0.01"))
    free = {"maker_fee_bps": 0.0, "taker_fee_bps": 0.0}
    result, floor = compare(bars, actions, instrument, cash=3000.0, fees=free)
    assert len(result.record.fills) > 30
    balances = floor.truth.balances
    worth = balances["spot", "USDT"] + balances.get(("spot", "AAA"), 0.0) * float(bars.close[-1])
    assert worth == pytest.approx(result.metrics.final_equity)


@dataclass
class Pair(hl.Strategy):
    """Turns a long and a short of two instruments over every few bars."""

    name = "pair"

    count: int = 0

    def on_bar(self, ctx, bar):
        self.count += 1
        if bar.symbol == "BBB-PERP" and self.count % 8 == 0:
            sign = 1 if self.count % 16 else -1
            ctx.target("AAA-PERP", sign * 80.0)
            ctx.target("BBB-PERP", -sign * 90.0)


def test_orders_on_two_markets_whose_bars_end_together_fill_as_in_a_backtest():
    series = {symbol: random_bars(symbol, 200, seed=7, gaps=False) for symbol in ("AAA-PERP", "BBB-PERP")}
    instruments = [leveraged(symbol=symbol) for symbol in series]
    result = hl.backtest(Pair(), series, cash=8000.0, instruments=instruments, leverage=1.0, **FEES)
    orders = {}
    for order in result.record.orders:
        orders.setdefault(order.time, []).append(order)
    first = next(iter(series.values()))
    setups = [on_bars(one, **FEES) for one in instruments]
    floor = Floor(*setups, futures={"USDT": 8000}, now=int(first.start[0]), spam_notional=0)
    for index in range(len(first)):
        floor.clock.now = int(first.end[index])
        floor.exchange.handle([one.bar(index) for one in series.values()])
        floor.clock.now += 250 * 10**6
        for order in orders.get(int(first.end[index]), ()):
            floor.send(order.symbol, side=order.side.name, size=order.lots, reduceOnly=order.reduce_only)
    expected = [(one.symbol, one.side.name, one.lots, one.price, one.fee) for one in result.record.fills]
    assert [(one.symbol, one.side, one.size, one.price, one.fee) for one in floor.truth.fills] == expected
    assert len(expected) > 40


@pytest.mark.parametrize("mode", list(MarginMode))
def test_liquidations_equal_those_of_a_backtest(mode):
    bars = wild_bars("AAA-PERP", 300, seed=3)
    result, floor = compare(bars, script(bars, 5), leveraged(margin_mode=mode))
    expected = [order for order in result.record.orders if order.tag == "liquidation"]
    found = [one for one in floor.truth.orders if one.status == 1003]
    assert len(found) == len(expected) > 0


def test_funding_is_paid_as_in_a_backtest():
    bars = random_bars("AAA-PERP", 300, seed=4, gaps=False)
    times = np.arange(int(bars.start[0]), int(bars.end[-1]), 8 * 3600 * 10**9)
    rates = np.where(np.arange(len(times)) % 2, 0.0003, -0.0001)
    result, floor = compare(bars, script(bars, 9), leveraged(), funding=ExternalSeries(times, rates))
    paid = [(entry.time, entry.amount) for entry in floor.desk().entries if entry.type == 110]
    expected = [(time, amount) for time, _, _, amount in result.record.funding]
    # A payment at the very end of the last bar comes after a backtest is over.
    assert paid[: len(expected)] == expected
    assert len(expected) > 10


def test_fills_on_recorded_bars_equal_those_of_a_backtest(real_data):
    table = pq.read_table(real_data / "bars_1m" / "binance_usdm_BTCUSDT_1m.parquet").slice(2000, 1500)
    columns = [table[name].to_numpy() for name in ("ts", "open", "high", "low", "close", "volume")]
    bars = BarSeries("BTC-PERP", "1m", *columns)
    instrument = leveraged(symbol="BTC-PERP", tick_size=Decimal("0.1"))
    actions = script(bars, 1)
    for here in actions:
        for action in here:
            if action[0] == "send":
                terms = action[1]
                for name in ("limit", "trigger", "trail"):
                    terms[name] = round(terms[name], 1)
    actions = [
        [(*action[:-1], round(action[-1], 1)) if action[0] == "amend" else action for action in here]
        for here in actions
    ]
    result, _ = compare(bars, actions, instrument, cash=400_000.0)
    assert len(result.record.fills) > 100


def test_an_order_that_arrives_late_after_a_bar_waits_one_bar_more_where_that_is_configured():
    floor = Floor(on_bars(), bar_grace_seconds=60)
    floor.bar(100, 101, 99, 100)
    floor.clock.now += 90 * 10**9
    floor.send(size=10)
    floor.clock.now = floor.clock.now // (3600 * 10**9) * 3600 * 10**9
    floor.bar(101, 102, 100, 101)
    assert floor.truth.fills == ()
    floor.bar(103, 104, 102, 103)
    assert [fill.price for fill in floor.truth.fills] == [103]


def test_an_unknown_order_is_refused_and_nothing_is_canceled():
    floor = Floor(on_bars())
    floor.bar(100, 101, 99, 100)
    floor.send(size=10, price=90.0)
    with pytest.raises(Refused):
        cancel(floor.exchange, floor.desk(), {"symbol": "AAA-PERP", "orderID": "no-such-order"})
    assert len(floor.truth.open_orders) == 1
