"""A session that is stopped and started again works its orders and leg groups as if nothing had happened."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

import hookline as hl
from hookline import plugins
from hookline.feed import BarRequest
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.testing.market import random_bars
from hookline.testing.recording import SeriesFeed
from hookline_algorithms.twap import Twap

HOUR = 3600 * 10**9
HOURS = 200
MARKET = {symbol: random_bars(symbol) for symbol in "AB"}


@dataclass
class Busy(hl.Strategy):
    """Opens pairs by resting orders, closes them after a while, and works orders beside them."""

    name = "busy"

    def on_bar(self, ctx, bar):
        if bar.symbol != "B":
            return
        count = ctx.state["count"] = ctx.state.get("count", 0) + 1
        if count % 13 == 1 and not ctx.groups:
            legs = [
                hl.Leg("A", hl.Side.BUY, 3.0, limit=ctx.last("A") * 0.998),
                hl.Leg("B", hl.Side.SELL, 2.0, limit=ctx.last("B") * 1.002),
            ]
            ctx.open_legs(legs, timeout="5h", tag="pair")
        if count % 13 == 11:
            for group in ctx.groups:
                group.close("time is up")
        if count % 40 == 5:
            side = hl.Side.BUY if count % 80 == 5 else hl.Side.SELL
            ctx.work("A", side, 1.0, Twap(duration="20h", slices=7, randomize=0.7))


def run(folder, hours):
    """Run the first hours of the market, from where the folder's journal stands."""
    begin = int(MARKET["A"].start[0])
    series = {symbol: one.between(None, begin + hours * HOUR) for symbol, one in MARKET.items()}
    kind, lot = hl.InstrumentKind.PERPETUAL, Decimal("0.001")
    plan = Plan(
        name="busy",
        mode="paper",
        currency="USDT",
        seed=3,
        timeframe="1h",
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, "1h") for symbol in series],
        instruments={symbol: hl.Instrument(symbol, kind, lot_size=lot) for symbol in series},
        broker=plugins.build("brokers", "paper", {"taker_fee_bps": 5}, "broker"),
        seats=[Seat("busy", "busy", Busy(), tuple(series), 10_000.0)],
        journal=JournalPlan(folder=folder),
    )
    return Session(plan).run().record


def told(record):
    orders = [
        (o.number, o.time, o.symbol, o.side, o.lots, o.limit_price, o.tag, o.status, o.reason)
        for o in record.orders
    ]
    return orders, record.fills


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return told(run(tmp_path_factory.mktemp("whole"), HOURS))


def test_the_market_has_everything_in_it(whole):
    tags = {order[6] for order in whole[0]}
    assert {"pair", "pair close", "pair unwind", "twap 1/7", "twap 7/7"} <= tags
    assert hl.OrderStatus.CANCELED in {order[7] for order in whole[0]}


@pytest.mark.parametrize("hours", [3, 16, 31, 54, 88, 121, 170])
def test_one_restart_changes_no_order_and_no_fill(whole, tmp_path, hours):
    run(tmp_path, hours)
    assert told(run(tmp_path, HOURS)) == whole


def test_many_restarts_change_no_order_and_no_fill(whole, tmp_path):
    for hours in range(4, HOURS, 9):
        run(tmp_path, hours)
    assert told(run(tmp_path, HOURS)) == whole
