"""Fills of the emulated exchange on bars equal those of a backtest with the same orders."""

import random
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest
from exchange_kit import Floor, on_bars, perp

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


def wire(terms):
    kind = terms["kind"]
    body = {"side": terms["side"], "size": terms["size"], "reduceOnly": terms["reduce"], "type": "MARKET"}
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
    desk, account = floor.desk(), floor.exchange.accounts["ann"]
    for index in range(len(bars)):
        bar = bars.bar(index)
        floor.clock.now = bar.end
        floor.exchange.handle([bar])
        # Requests come a little after the bar, as over a network.
        floor.clock.now = bar.end + 250 * 10**6
        for action, *rest in actions[index]:
            if action == "send":
                sent += floor.send(bars.symbol, **wire(rest[0]))
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


def compare(bars, actions, instrument, *, cash=20_000.0, funding=None):
    result = hl.backtest(
        Scripted(actions), bars, cash=cash, instruments=[instrument], leverage=1.0,
        funding=None if funding is None else {bars.symbol: funding}, **FEES,
    )  # fmt: skip
    floor = play(
        Floor(
            on_bars(instrument, funding=funding, **FEES),
            futures={"USDT": cash},
            now=int(bars.start[0]),
            spam_notional=0,
        ),
        bars,
        actions,
    )
    expected = [(one.side.name, one.lots, one.price, one.fee, one.is_maker) for one in result.record.fills]
    found = [(one.side, one.size, one.price, one.fee, one.is_maker) for one in floor.truth.fills]
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
