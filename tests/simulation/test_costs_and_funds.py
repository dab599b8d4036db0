"""Fees, slippage and what equity affords."""

from decimal import Decimal

import pytest
from venue_runs import PERP, SPOT, run

import hookline as hl
from hookline.simulation.fees import MakerTaker, NoFee
from hookline.simulation.slippage import BarSlippage, NoSlippage
from hookline.testing import bars, buy, sell

BAR = bars("10/14/6/10").bar(0)


def only_price(told):
    (fill,) = told.result.record.fills
    return fill.price


def test_fees_are_a_fraction_of_notional_and_leave_cash():
    told = run("10 10 12", {0: buy(2), 1: sell(2, limit=12)}, taker_fee_bps=10, maker_fee_bps=2)

    assert [fill.fee for fill in told.result.record.fills] == [2 * 10 * 0.001, 2 * 12 * 0.0002]
    assert told.result.metrics.final_equity == pytest.approx(10_000 - 20 + 24 - 0.02 - 0.0048, rel=1e-12)


def test_a_rebate_is_a_negative_fee():
    told = run("10 9", {0: buy(2, limit=9)}, maker_fee_bps=-1)

    assert told.result.record.fills[0].fee == pytest.approx(-2 * 9 * 0.0001)
    assert told.result.metrics.final_equity == pytest.approx(10_000 + 2 * 9 * 0.0001)


def test_fee_models_hold_fractions():
    assert MakerTaker.from_bps(-1, 5) == MakerTaker(-0.0001, 0.0005)
    assert (NoFee().maker, NoFee().taker) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("params", "bought", "sold"),
    [
        ({"slippage_ticks": 2}, 10.2, 9.8),
        ({"slippage_bps": 100}, 10.1, 9.9),
        ({"slippage_bps": 10}, 10.1, 9.9),  # a hundredth, rounded to the tick against the order
        ({"slippage_range_fraction": 0.1}, 10.8, 9.2),
        ({"slippage_ticks": 1, "slippage_bps": 100, "slippage_range_fraction": 0.1}, 11.0, 9.0),
    ],
)
def test_slippage_moves_a_market_order_against_itself(params, bought, sold):
    text = "10 10/14/6/10"

    assert only_price(run(text, {0: buy(1)}, **params)) == pytest.approx(bought)
    assert only_price(run(text, {0: sell(1)}, **params)) == pytest.approx(sold)


def test_slippage_moves_stops_and_take_profits_but_no_limits():
    stop = run("10 12", {0: buy(1, trigger=11)}, slippage_ticks=1)
    target = run("10 8", {0: buy(1, type="take_profit", trigger=9)}, slippage_ticks=1)
    limit = run("10 8", {0: buy(1, limit=9)}, slippage_ticks=1)
    stop_limit = run("10 12", {0: buy(1, trigger=11, limit=12)}, slippage_ticks=1)

    assert [only_price(told) for told in (stop, target, limit, stop_limit)] == [11.1, 9.1, 9, 11]


def test_slippage_at_a_negative_price_is_against_the_order_too():
    instrument = PERP

    assert BarSlippage(bps=100).price(instrument, hl.Side.BUY, -10.0, BAR) == -9.9
    assert BarSlippage(bps=100).price(instrument, hl.Side.SELL, -10.0, BAR) == -10.1


def test_a_price_off_the_grid_is_rounded_against_the_order():
    assert NoSlippage().price(PERP, hl.Side.BUY, 10.04, BAR) == 10.1
    assert NoSlippage().price(PERP, hl.Side.SELL, 10.06, BAR) == 10.0


def test_a_limit_is_rounded_in_the_strategys_favor():
    told = run("10 10", {0: [buy(1, limit=9.59), sell(1, limit=10.51)]})

    assert told.order(0).limit_price == 9.5
    assert told.order(1).limit_price == 10.6


def test_quantity_is_rounded_down_to_the_lot():
    instrument = hl.Instrument("TEST", lot_size=Decimal("0.1"))

    told = run("10 10", {0: buy(0.39)}, instrument=instrument)

    assert told.result.record.fills[0].quantity == 0.3


def test_the_fee_has_to_be_affordable_too():
    assert run("10 10", {0: buy(5)}, cash=50).fills == ["bar 1 open: buy 5 @ 10"]
    assert run("10 10", {0: buy(5)}, cash=50, taker_fee_bps=1).fills == ["bar 1 open: buy 4 @ 10"]


def test_leverage_multiplies_what_is_affordable():
    told = run("10 10", {0: buy(20)}, cash=50, leverage=3)

    assert told.fills == ["bar 1 open: buy 15 @ 10"]


def test_a_short_is_bounded_by_equity_as_a_long_is():
    assert run("10 10", {0: sell(20)}, cash=50).fills == ["bar 1 open: sell 5 @ 10"]


def test_turning_a_position_is_bounded_by_the_equity_at_the_fill():
    # Long 5 from 10; at 12 equity is 60: a short of 5 remains affordable.
    told = run("10 10 12/12/12/12", {0: buy(5), 1: sell(20)}, cash=50)

    assert told.fills[1:] == ["bar 2 open: sell 10 @ 12"]
    assert told.position == -5


def test_reducing_needs_no_funds():
    # Short 5 from 10 with 50: at 21 equity is -5, and the way out is open all the same.
    told = run("10 10 21/21/21/21", {0: sell(5), 1: buy(5)}, cash=50)

    assert told.position == 0


def test_each_strategy_trades_its_own_cash():
    one, other = run("10 10", {0: buy(5)}, cash=50).script, run("10 10", {0: buy(5)}, cash=50).script
    result = hl.backtest([one, other], bars("10 10"), cash=100, instruments=[PERP])

    assert [fill.lots for fill in result.record.fills] == [5, 5]
    alone = hl.backtest([one, other], bars("10 10"), cash=80, instruments=[PERP])
    assert [fill.lots for fill in alone.record.fills] == [4, 4]


def test_the_positions_in_other_instruments_use_up_the_funds():
    other = hl.Instrument("OTHER", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1))
    data = {"TEST": bars("10 10 10"), "OTHER": bars("10 10 10", "OTHER")}

    told = run(data, {0: buy(3), 1: buy(5, symbol="OTHER")}, instrument=(PERP, other), cash=50)

    assert [(fill.symbol, fill.lots) for fill in told.result.record.fills] == [("TEST", 3), ("OTHER", 2)]


def test_spot_sells_what_it_holds():
    told = run("10 10 11", {0: buy(2), 1: sell(2)}, instrument=SPOT)

    assert told.position == 0


def test_an_opening_order_at_a_price_of_zero_or_less_is_rejected():
    told = run("1 -1/0/-2/-1", {0: buy(1)})

    assert told.order(0).status == "rejected"


def test_a_position_can_be_left_at_a_negative_price_for_a_positive_fee():
    told = run("1 1 -1/0/-2/-1", {0: buy(1), 1: sell(1)}, taker_fee_bps=100)

    assert told.fills[1:] == ["bar 2 open: sell 1 @ -1"]
    assert told.result.record.fills[1].fee == 0.01


def test_fill_or_kill_fills_where_the_funds_are_just_enough():
    assert run("10 10", {0: buy(5, limit=10, time_in_force="fok")}, cash=50).position == 5


def test_turning_after_the_equity_is_gone_opens_nothing():
    # Short 5 from 10 with 50: at 21 the position is liquidated, at 20 where nothing is left.
    for bought in (10, 12):
        told = run("10 10 21/21/21/21", {0: sell(5), 1: buy(bought, label="turn")}, cash=50)

        assert told.fills == ["bar 1 open: sell 5 @ 10", "bar 2 open: buy 5 @ 20"]
        assert told.end("turn") == f"rejected: insufficient funds: 0.00 for {bought * 21:.2f}"


def test_leverage_counts_the_value_of_all_positions_against_the_equity():
    other = hl.Instrument("OTHER", kind=hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1))
    data = {"TEST": bars("10 10 10"), "OTHER": bars("10 10 10", "OTHER")}

    told = run(data, {0: buy(3), 1: buy(50, symbol="OTHER")}, instrument=(PERP, other), cash=50, leverage=2)

    assert [fill.lots for fill in told.result.record.fills] == [3, 7]


def test_nothing_is_opened_at_a_price_of_zero():
    assert run("1 0/0/0/0", {0: buy(1)}).order(0).status == "rejected"
