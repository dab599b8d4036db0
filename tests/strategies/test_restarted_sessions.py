"""Sessions of the strategies that remember things, stopped and started again from their journals."""

import pytest
from pair_markets import HOUR, carried, cointegrated, isolated, perpetual, spot

import hookline as hl
from hookline import plugins
from hookline.feed import BarRequest
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.testing.market import random_bars
from hookline.testing.recording import SeriesFeed
from hookline_strategies.funding_arb import FundingArb
from hookline_strategies.pairs_trading import PairsTrading
from hookline_strategies.smart_dca import SmartDca

HOURS = 420
SPOT, PAYMENTS = carried(HOURS)


def pairs():
    strategy = PairsTrading(
        window=30, entry=1.5, calibration=40, max_hold="12h", retest="9h", coint_p_open=0.1
    )
    return strategy, cointegrated(HOURS), [perpetual("A"), perpetual("B")], {}


def funding():
    strategy = FundingArb(inventory=5.0, min_rate=0.0002, max_basis=0.002, horizon="10d")
    return strategy, SPOT, [spot(), isolated()], PAYMENTS


def dca():
    strategy = SmartDca(base_quote=200, interval="6h", rsi=3, max_asset_fraction=0.8, pause_drawdown=0.05)
    return strategy, {"S": random_bars("S", HOURS)}, [spot()], {}


MAKERS = {"pairs_trading": pairs, "funding_arb": funding, "smart_dca": dca}


def run(name, folder, hours=HOURS):
    """Run the first hours of the market, from where the folder's journal stands; return its orders and fills."""
    strategy, market, instruments, rates = MAKERS[name]()
    begin = min(int(one.start[0]) for one in market.values())
    series = {symbol: one.between(None, begin + hours * HOUR) for symbol, one in market.items()}
    plan = Plan(
        name=name,
        mode="paper",
        currency="USDT",
        seed=3,
        timeframe="1h",
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, "1h") for symbol in series],
        instruments={one.symbol: one for one in instruments},
        broker=plugins.build("brokers", "paper", {"taker_fee_bps": 5}, "broker"),
        seats=[Seat(name, name, strategy, tuple(series), 10_000.0)],
        journal=JournalPlan(folder=folder),
        funding=rates,
    )
    record = hl.Session(plan).run().record
    orders = [(o.number, o.time, o.symbol, o.side, o.lots, o.tag, o.status, o.reason) for o in record.orders]
    return orders, record.fills, record.funding


@pytest.fixture(scope="module", params=MAKERS)
def whole(request, tmp_path_factory):
    found = run(request.param, tmp_path_factory.mktemp("whole"))
    assert len(found[1]) > 10
    return request.param, found


@pytest.mark.parametrize("hours", [30, 101, 150, 222, 333])
def test_one_restart_changes_no_order_no_fill_and_no_payment(whole, tmp_path, hours):
    name, expected = whole
    run(name, tmp_path, hours)
    assert run(name, tmp_path) == expected


def test_many_restarts_change_nothing_either(whole, tmp_path):
    name, expected = whole
    for hours in range(20, HOURS, 37):
        run(name, tmp_path, hours)
    assert run(name, tmp_path) == expected
