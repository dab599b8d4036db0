"""Fees, funding, margin and liquidation of the emulated exchange against numbers worked out by hand."""

from decimal import Decimal

import numpy as np
import pytest
from exchange_kit import HOUR, START, Floor, coin, on_bars, on_tape, perp

from hookline.columns import ExternalSeries
from hookline.model import FundingRate, MarginMode, MarginTier, MarkPrice
from hookline.testing import bars
from hookline_lmex.emulator.refusals import Refused
from hookline_lmex.emulator.terms import Product

FREE = {"maker_fee_bps": 0.0, "taker_fee_bps": 0.0}


def test_a_taker_pays_six_and_a_maker_one_basis_point():
    floor = Floor(on_tape())
    floor.quote(99.0, 100.0)
    floor.send(size=200)  # two coins at 100
    floor.send(size=100, price=98.0)
    floor.quote(97.0, 98.0)
    taken, made = floor.truth.fills
    assert (taken.fee, taken.is_maker) == (pytest.approx(200 * 0.0006), False)
    assert (made.price, made.fee, made.is_maker) == (98.0, pytest.approx(98 * 0.0001), True)
    assert floor.truth.balances[Product.FUTURES, "USDT"] == pytest.approx(10_000 - 0.12 - 0.0098)


def test_a_spot_buyer_pays_in_coins_and_a_seller_in_money():
    floor = Floor(
        on_tape(coin(), maker_fee_bps=0, taker_fee_bps=10), spot={"USDT": 1000}, futures={"USDT": 1}
    )
    floor.quote(99.0, 100.0, symbol="AAA-USDT")
    floor.send("AAA-USDT", size=2)
    (bought,) = floor.truth.fills
    assert (bought.fee, bought.fee_currency) == (pytest.approx(0.002), "AAA")
    assert floor.truth.balances == {
        (Product.SPOT, "AAA"): pytest.approx(1.998),
        (Product.SPOT, "USDT"): pytest.approx(800.0),
        (Product.FUTURES, "USDT"): 1.0,
    }
    floor.send("AAA-USDT", side="SELL", size=1)
    sold = floor.truth.fills[1]
    assert (sold.fee, sold.fee_currency) == (pytest.approx(0.099), "USDT")
    assert floor.truth.balances[Product.SPOT, "USDT"] == pytest.approx(800 + 99 - 0.099)


def test_more_coins_than_the_fee_has_left_cannot_be_sold():
    floor = Floor(on_tape(coin(), maker_fee_bps=0, taker_fee_bps=10), spot={"USDT": 1000})
    floor.quote(99.0, 100.0, symbol="AAA-USDT")
    floor.send("AAA-USDT", size=2)
    with pytest.raises(Refused) as found:
        floor.send("AAA-USDT", side="SELL", size=2)
    assert found.value.code == 51523
    floor.send("AAA-USDT", side="SELL", size=1.998)
    assert floor.truth.balances[Product.SPOT, "AAA"] == pytest.approx(0.0, abs=1e-12)


def test_a_spot_buy_by_amount_spends_at_most_the_amount_and_leaves_a_crumb():
    floor = Floor(on_tape(coin(), **FREE), spot={"USDT": 1000})
    floor.quote(98.0, 99.0, symbol="AAA-USDT")
    (record,) = floor.send("AAA-USDT", type="MARKET", price=50)
    # 50 / 99 = 0.50505... buys 0.5050 in steps of 0.0001, for 49.995
    assert record.status == 5
    assert (record.order.filled_lots, record.quote_spent) == (5050, pytest.approx(49.995))
    assert not record.is_open


def test_a_spot_buy_by_amount_on_bars_is_sized_by_the_open_of_the_next_bar():
    floor = Floor(on_bars(coin(), **FREE), spot={"USDT": 1000})
    floor.bar(100, 101, 99, 100, symbol="AAA-USDT")
    (record,) = floor.send("AAA-USDT", type="MARKET", price=50)
    assert record.status == 2
    floor.bar(80, 101, 79, 100, symbol="AAA-USDT")
    assert (record.order.filled_lots, record.status) == (6250, 4)
    assert floor.truth.balances[Product.SPOT, "USDT"] == pytest.approx(950.0)


def test_funding_is_paid_at_the_mark_by_longs_while_the_rate_is_positive():
    floor = Floor(on_tape(**FREE))
    floor.quote(99.0, 100.0)
    floor.send(size=200)
    floor.exchange.handle([MarkPrice("AAA-PERP", START + HOUR, START + HOUR, 110.0)])
    floor.exchange.handle([FundingRate("AAA-PERP", START + HOUR, START + HOUR, 0.001)])
    # 2 coins * 110 * 0.001
    (entry,) = floor.desk().entries
    assert (entry.type, entry.amount, entry.currency) == (110, pytest.approx(-0.22), "USDT")
    assert floor.truth.balances[Product.FUTURES, "USDT"] == pytest.approx(9_999.78)


def test_funding_of_a_schedule_is_paid_after_the_bar_that_ends_then():
    times = np.array([START + 2 * HOUR])
    floor = Floor(on_bars(funding=ExternalSeries(times, np.array([0.01])), **FREE))
    floor.bar(100, 101, 99, 100)
    floor.send(size=100)
    floor.bar(100, 121, 99, 120)
    (entry,) = floor.desk().entries
    # Bought at 100 by this bar, paid for at its close of 120: one coin * 120 * 0.01.
    assert (entry.time, entry.amount) == (START + 2 * HOUR, pytest.approx(-1.2))


def test_profit_is_realized_when_a_position_shrinks():
    floor = Floor(on_tape(**FREE))
    floor.quote(99.0, 100.0)
    floor.send(size=200)
    floor.quote(109.0, 110.0)
    floor.send(size=50, side="SELL")
    assert [one.realized for one in floor.truth.fills] == [0.0, pytest.approx(4.5)]
    (entry,) = floor.desk().entries
    assert (entry.type, entry.amount) == (108, pytest.approx(4.5))
    assert floor.truth.balances[Product.FUTURES, "USDT"] == pytest.approx(10_004.5)


def test_an_isolated_long_is_liquidated_where_its_margin_ends():
    tiers = (MarginTier(None, Decimal("0.02"), Decimal(20)),)
    instrument = perp(margin_tiers=tiers, leverage=Decimal(10), margin_mode=MarginMode.ISOLATED)
    floor = Floor(on_bars(instrument, **FREE), liquidation_fee_bps=0.0)
    floor.bar(100, 101, 99, 100)
    floor.send(size=100)
    floor.bar(100, 101, 99, 100)
    # p = (q * e - M) / (q * (1 - m)) with q = 1, e = 100, M = 10, m = 0.02
    level = 90.0 / 0.98
    (position,) = floor.exchange.positions("ann")
    assert position.liquidation_price == pytest.approx(level)
    assert (position.is_isolated, position.margin) == (True, pytest.approx(10.0))
    floor.bar(100, 100, 91, 91)
    closed = floor.truth.orders[-1]
    assert (closed.status, closed.is_user_initiated) == (1003, False)
    assert [one.status for one in floor.ear.orders[-2:]] == [1003, 1003]
    assert floor.ear.orders[-1].filled == 100
    assert floor.truth.fills[-1].price == pytest.approx(level, abs=0.01)
    assert floor.ear.positions[-1].contracts == 0
    assert floor.desk().entries[-1].type == 106


def test_on_a_tape_the_mark_liquidates_and_the_book_is_the_price():
    tiers = (MarginTier(None, Decimal("0.02"), Decimal(20)),)
    instrument = perp(margin_tiers=tiers, leverage=Decimal(10), margin_mode=MarginMode.ISOLATED)
    floor = Floor(on_tape(instrument, **FREE), liquidation_fee_bps=0.0)
    floor.quote(99.9, 100.0)
    floor.send(size=100)
    (resting,) = floor.send(size=100, side="SELL", price=130.0, reduceOnly=True)
    floor.exchange.handle([MarkPrice("AAA-PERP", floor.clock.now, floor.clock.now, 91.0)])
    floor.trade(91.5)
    assert floor.truth.positions == {}
    assert resting.status == 6
    closed = floor.truth.orders[-1]
    assert (closed.status, closed.order.average_price) == (1003, 99.9)
    assert [one.status for one in floor.ear.orders[-2:]] == [1003, 1003]


@pytest.mark.parametrize(("mark", "held"), [("100 100 100 100", 100), ("100 100 100 80", 0)])
def test_on_bars_the_mark_decides_on_liquidation_where_it_is_known(mark, held):
    tiers = (MarginTier(None, Decimal("0.02"), Decimal(20)),)
    instrument = perp(margin_tiers=tiers, leverage=Decimal(10), margin_mode=MarginMode.ISOLATED)
    marks = bars(mark, "AAA-PERP", start=START)
    floor = Floor(on_bars(instrument, marks=marks, **FREE))
    floor.bar(100, 101, 99, 100)
    floor.send(size=100)
    floor.bar(100, 101, 99, 100)
    floor.bar(100, 100, 85, 95)
    assert floor.truth.positions == {"AAA-PERP": 100}
    floor.bar(95, 96, 85, 95)
    assert floor.truth.positions.get("AAA-PERP", 0) == held
    (position,) = floor.exchange.positions("ann") or [None]
    assert position is None or position.mark_price == 100


def test_the_orders_of_a_liquidated_position_are_canceled():
    tiers = (MarginTier(None, Decimal("0.02"), Decimal(20)),)
    instrument = perp(margin_tiers=tiers, leverage=Decimal(10), margin_mode=MarginMode.ISOLATED)
    floor = Floor(on_bars(instrument, **FREE))
    floor.bar(100, 101, 99, 100)
    floor.send(size=100)
    floor.bar(100, 101, 99, 100)
    (target,) = floor.send(size=100, side="SELL", price=120.0, reduceOnly=True)
    floor.bar(100, 100, 80, 80)
    assert target.status == 6
    assert floor.truth.open_orders == ()


def test_what_is_free_is_less_by_margin_and_resting_orders():
    floor = Floor(on_tape(perp(leverage=Decimal(10)), **FREE))
    floor.quote(99.0, 100.0)
    floor.trade(100.0, 1.0)
    floor.send(size=1000)  # 10 coins at 100: margin 100
    floor.send(size=500, price=90.0)  # 5 coins at 90: margin 45
    assert floor.desk().available()["USDT"] == pytest.approx(10_000 - 100 - 45)


def test_resting_spot_orders_reserve_money_and_coins():
    floor = Floor(on_tape(coin(), **FREE), spot={"USDT": 1000, "AAA": 3})
    floor.quote(99.0, 100.0, symbol="AAA-USDT")
    floor.send("AAA-USDT", size=2, price=90)
    floor.send("AAA-USDT", side="SELL", size=1, price=120)
    assert floor.desk(Product.SPOT).available() == {"USDT": pytest.approx(820.0), "AAA": pytest.approx(2.0)}


@pytest.mark.parametrize(("how", "status"), [("http", 8), ("status", 8)])
def test_an_order_beyond_the_funds_is_refused_as_configured(how, status):
    floor = Floor(on_tape(perp(leverage=Decimal(1))), futures={"USDT": 100}, refuse_unfunded=how)
    floor.quote(99.0, 100.0)
    if how == "http":
        with pytest.raises(Refused) as found:
            floor.send(size=500, price=99.0)
        assert found.value.code == 33199101
    else:
        (record,) = floor.send(size=500, price=99.0)
        assert record.status == status
    assert floor.truth.open_orders == ()
    assert floor.truth.orders[0].status == status
