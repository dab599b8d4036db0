"""Liquidation on bars: when, at which price, with which fee, and what becomes of the rest of the wallet."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import pytest
from venue_runs import ORIGIN, SPOT, STEP, Told, run

import hookline as hl
from hookline.model.instrument import MarginMode, MarginTier, PositionMode
from hookline.testing import bars, buy, sell
from hookline_paper.broker import PaperBroker

CROSS = hl.Instrument(
    "TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.01"), lot_size=Decimal(1)
)
ISOLATED = replace(CROSS, margin_mode=MarginMode.ISOLATED)
HEDGE = replace(CROSS, position_mode=PositionMode.HEDGE)
# Long 100 at 10 with 100 behind it: equity is the maintenance of 0.5 % at (1000 - 100) / 99.5 = 9.0452.
LONG = {0: buy(100)}


def leveraged(text, script, instrument=CROSS, cash=100, **params):
    return run(
        text, script, instrument=instrument, cash=cash, **{"leverage": 10, "liquidation_fee_bps": 0} | params
    )


def ends(told):
    return told.result.metrics.final_equity


def liquidations(told):
    return [order for order in told.result.record.orders if order.tag == "liquidation"]


# -- when and where ------------------------------------------------------------------------------------------------------


def test_a_long_is_closed_where_a_bar_reaches_its_liquidation_price():
    told = leveraged("10 10 10/10/9.04/9.5", LONG)

    assert told.fills == ["bar 1 open: buy 100 @ 10", "bar 2 inside: sell 100 @ 9.04"]
    assert ends(told) == pytest.approx(100 - 100 * 0.96)


def test_a_bar_that_stays_above_it_leaves_the_long_alone():
    assert leveraged("10 10 10/10/9.05/9.5", LONG).fills == ["bar 1 open: buy 100 @ 10"]


def test_a_short_is_closed_above():
    # (1000 + 100) / 100.5 = 10.9453, bought a tick higher
    told = leveraged("10 10 10/10.95/10/10 10", {0: sell(100)})

    assert told.fills == ["bar 1 open: sell 100 @ 10", "bar 2 inside: buy 100 @ 10.95"]


def test_a_gap_through_the_level_is_closed_at_the_open():
    told = leveraged("10 10 9.02/9.5/9.02/9.5", LONG)

    assert told.fills[1:] == ["bar 2 open: sell 100 @ 9.02"]


def test_an_entry_at_the_open_is_tested_on_the_same_bar():
    assert leveraged("10 10/10/9/9.5", LONG).fills[1:] == ["bar 1 inside: sell 100 @ 9.04"]


def test_an_entry_inside_a_bar_is_tested_on_the_same_bar():
    # at 9.5 only 105 are affordable with 100: (105 * 9.5 - 100) / (105 * 0.995) = 8.5905
    told = leveraged("10 10/10/8/9", {0: buy(105, limit=9.5)})

    assert told.fills == ["bar 1 inside: buy 105 @ 9.5", "bar 1 inside: sell 105 @ 8.59"]


def test_slippage_moves_the_closing_price_and_the_taker_fee_moves_the_level():
    slipped = leveraged("10 10 10/10/8.9/9.5", LONG, cash=110, slippage_ticks=2)
    charged = leveraged("10 10 10/10/9/9.5", LONG, cash=102, taker_fee_bps=10)

    # bought at 10.02: (1002 - 110) / 99.5 = 8.9648, and two ticks
    assert slipped.fills[1:] == ["bar 2 inside: sell 100 @ 8.94"]
    # equity 101 after the fee of 1: (1000 - 101) / (100 * (1 - 0.005 - 0.001)) = 9.0443
    assert charged.fills[1:] == ["bar 2 inside: sell 100 @ 9.04"]
    assert charged.result.record.fills[1].fee == pytest.approx(904 * 0.001)


# -- fee, cap and record -------------------------------------------------------------------------------------------------


def test_the_liquidation_fee_is_paid_beside_the_taker_fee():
    told = leveraged("10 10 10/10/9/9.5", LONG, liquidation_fee_bps=20)

    assert told.result.record.fills[1].fee == pytest.approx(904 * 0.002)
    assert ends(told) == pytest.approx(4 - 904 * 0.002)


def test_the_fee_takes_no_more_than_what_is_left():
    told = leveraged("10 10 10/10/9/9.5", LONG, liquidation_fee_bps=100)

    assert told.result.record.fills[1].fee == pytest.approx(4)
    assert ends(told) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("side", "text", "price"), [(buy, "10 10 5/5/5/5", 9), (sell, "10 10 20/20/20/20", 11)]
)
def test_beyond_bankruptcy_the_insurance_fund_pays(side, text, price):
    told = leveraged(text, {0: side(100)}, liquidation_fee_bps=50)

    assert told.result.record.fills[1].price == price
    assert ends(told) == pytest.approx(0, abs=1e-9)
    assert [text for text in told.result.warnings if "insurance" in text] == [
        "scripted: TEST liquidated beyond its margin: the insurance fund of the venue took the rest"
    ]


def test_the_venues_order_is_recorded_like_any_other():
    told = leveraged("10 10 10/10/9/9.5", LONG)
    (order,) = liquidations(told)

    assert (order.status, order.type, order.reduce_only, order.number) == ("filled", "market", True, 2)
    assert [one.status for one in told.result.record.updates if one.order_number == 2] == [
        "submitted",
        "accepted",
        "filled",
    ]
    assert "scripted: TEST liquidated" in told.result.warnings


# -- orders around it ----------------------------------------------------------------------------------------------------


def test_the_open_orders_of_the_position_are_canceled():
    told = leveraged("10 10 10/10/9/9.5", {0: [buy(100), sell(100, limit=12, label="target")]})

    assert told.end("target") == "canceled: position liquidated"


def test_a_stop_before_the_level_is_faster():
    told = leveraged("10 10 10/10/8/9", {0: buy(100, stop_loss=9.5)})

    assert told.fills[1:] == ["bar 2 inside: sell 100 @ 9.5"]
    assert liquidations(told) == []


def test_a_stop_behind_the_level_is_too_late():
    told = leveraged("10 10 10/10/8/9", {0: buy(100, stop_loss=8.5)})

    assert told.fills[1:] == ["bar 2 inside: sell 100 @ 9.04"]


def test_a_gap_through_stop_and_level_liquidates():
    told = leveraged("10 10 9/9/8/9", {0: buy(100, stop_loss=9.5)})

    assert told.fills[1:] == ["bar 2 open: sell 100 @ 9"]
    assert len(liquidations(told)) == 1


def test_a_bar_that_reaches_target_and_level_liquidates_unless_its_path_meets_the_target_first():
    script = {0: buy(100, take_profit=10.5)}
    text = "10 10 10/10.6/9/9.5"  # the high is nearer to the open

    assert leveraged(text, script).fills[1:] == ["bar 2 inside: sell 100 @ 9.04"]
    assert leveraged(text, script, intrabar="path").fills[1:] == ["bar 2 inside: sell 100 @ 10.5"]


def test_a_path_that_meets_the_level_first_liquidates():
    told = leveraged("10 10 10/11.5/9/11", {0: buy(100, take_profit=11)}, intrabar="path")

    assert told.fills[1:] == ["bar 2 inside: sell 100 @ 9.04"]


def test_a_purchase_on_the_way_down_moves_the_level():
    # 50 are due at (500 - 100) / 49.75 = 8.0402. Equity of 75 affords 28 more at 9.5: (766 - 100) / 77.61 = 8.5813.
    told = leveraged("10 10 10/10/8.5/9", {0: [buy(50), buy(50, limit=9.5)]})

    assert told.fills[1:] == ["bar 2 inside: buy 28 @ 9.5", "bar 2 inside: sell 78 @ 8.58"]


def test_a_stop_behind_the_level_of_its_own_bars_entry_is_too_late():
    # short 100 at 9.9 with 100: (990 + 100) / 100.5 = 10.8458
    told = leveraged("10 10/12/9/11", {0: [sell(100, trigger=9.9), buy(100, trigger=11.5, reduce_only=True)]})

    assert told.fills == ["bar 1 inside: sell 100 @ 9.9", "bar 1 inside: buy 100 @ 10.85"]


# -- isolated and cross --------------------------------------------------------------------------------------------------


def test_an_isolated_position_loses_its_margin_and_no_more():
    told = leveraged("10 10 5/5/5/5", LONG, ISOLATED, cash=1000)

    assert told.fills[1:] == ["bar 2 open: sell 100 @ 9"]
    assert ends(told) == pytest.approx(900)


def test_a_cross_position_has_the_whole_wallet_behind_it():
    told = leveraged("10 10 5/5/5/5", LONG, CROSS, cash=1000)

    assert liquidations(told) == []
    assert ends(told) == pytest.approx(500)


def test_isolated_margin_is_notional_by_leverage():
    # five times: margin 200, (1000 - 200) / 99.5 = 8.0402
    told = leveraged("10 10 10/10/8/9", LONG, replace(ISOLATED, leverage=Decimal(5)), cash=1000, leverage=1)

    assert told.fills[1:] == ["bar 2 inside: sell 100 @ 8.04"]


def test_isolated_orders_are_cut_to_the_margin_that_is_free():
    five = replace(ISOLATED, leverage=Decimal(5))

    assert leveraged("10 10", {0: buy(1000)}, five, leverage=1).position == 50
    assert leveraged("10 10 10", {0: buy(40), 1: buy(40)}, five, leverage=1).position == 50
    # turning frees the margin first: short 50 after closing 30
    assert leveraged("10 10 10", {0: buy(30), 1: sell(1000)}, five, leverage=1).position == -50


def test_leverage_is_limited_by_the_tier_of_the_position():
    tiers = (
        MarginTier(Decimal(500), Decimal("0.01"), Decimal(10)),
        MarginTier(None, Decimal("0.05"), Decimal(4)),
    )
    tiered = replace(CROSS, margin_tiers=tiers)

    assert leveraged("10 10", {0: buy(1000)}, tiered).position == 50  # 100 * 4 is less than tier 1 holds
    assert leveraged("10 10", {0: buy(1000)}, tiered, cash=200).position == 80


def test_a_cross_liquidation_closes_all_cross_positions_of_the_wallet():
    other = replace(CROSS, symbol="OTHER")
    data = {"TEST": bars("10 10 10/10/5/5"), "OTHER": bars("10 10 10", "OTHER")}
    script = {0: [buy(50), buy(40, symbol="OTHER")]}

    told = leveraged(data, script, (CROSS, other))

    # 900 of notional on 100: TEST is due at (500 - (100 - 40 * 10 * 0.005)) / (50 * 0.995) = 8.0804
    assert sorted((order.symbol, order.average_price) for order in liquidations(told)) == [
        ("OTHER", 10.0),
        ("TEST", 8.08),
    ]


def test_an_isolated_position_is_not_closed_with_the_others():
    other = replace(ISOLATED, symbol="OTHER")
    data = {"TEST": bars("10 10 10/10/5/5"), "OTHER": bars("10 10 10", "OTHER")}
    script = {0: [buy(50), buy(40, symbol="OTHER")]}

    told = leveraged(data, script, (CROSS, other))

    # 40 are set aside for OTHER: (500 - 60) / (50 * 0.995) = 8.8442
    assert [(order.symbol, order.average_price) for order in liquidations(told)] == [("TEST", 8.84)]


def test_two_slow_losses_of_one_wallet_add_up():
    other = replace(CROSS, symbol="OTHER")
    text = "10 10 9.9 9.8 9.7 9.6 9.5 9.4 9.3 9.2 9.1 9.0 8.9 8.8"
    data = {"TEST": bars(text), "OTHER": bars(text, "OTHER")}

    told = leveraged(data, {0: [buy(50), buy(50, symbol="OTHER")]}, (CROSS, other))

    # Bars that end together: OTHER counts at its close of 9, TEST is due at (500 - 50 + 2.25) / 49.75 = 9.0905 then.
    assert [(order.symbol, order.average_price) for order in liquidations(told)] == [
        ("TEST", 9.09),
        ("OTHER", 9.0),
    ]


# -- hedge mode ----------------------------------------------------------------------------------------------------------


def test_both_sides_of_a_hedge_need_margin():
    script = {0: [buy(60, position="long"), sell(60, position="short")]}

    told = leveraged("10 10", script, HEDGE)

    assert [fill.lots for fill in told.result.record.fills] == [60, 40]


def test_both_sides_of_a_hedge_are_liquidated_together():
    # net long 40: 100 + 40 * (p - 10) = 0.005 * 100 * p, so 300 / 39.5 = 7.5949
    script = {0: [buy(70, position="long"), sell(30, position="short")]}

    told = leveraged("10 10 10/10/7/8", script, HEDGE)

    assert [(order.side, order.lots, round(order.average_price, 9)) for order in liquidations(told)] == [
        (hl.Side.BUY, 30, 7.6),
        (hl.Side.SELL, 70, 7.59),
    ]


# -- funding, mark price, spot -------------------------------------------------------------------------------------------


def with_funding(instrument, rate, text="10 10 10/10/9.05/9.5"):
    told = Told({0: buy(100)})
    series = {"TEST": hl.ExternalSeries(np.array([ORIGIN + 2 * STEP]), np.array([rate]))}
    params = {"leverage": 10, "liquidation_fee_bps": 0}
    hl.backtest(told, bars(text), cash=102, instruments=[instrument], funding=series, **params)
    return told.heard[1:]


@pytest.mark.parametrize("instrument", [CROSS, ISOLATED])
def test_funding_paid_brings_the_level_nearer(instrument):
    # Cross: 102 less 10 leave 92: (1000 - 92) / 99.5 = 9.1256. Isolated: 100 less 10: (1000 - 90) / 99.5 = 9.1457.
    level = {CROSS: "9.12", ISOLATED: "9.14"}[instrument]

    assert with_funding(instrument, 0.0) == []
    assert with_funding(instrument, 0.01) == [f"sell 100 @ {level}"]


def test_funding_alone_can_liquidate():
    # It takes 96 of 102: 6 is more than the maintenance of 5. With 98 it is not, and the next open is too late.
    assert with_funding(CROSS, 0.096, "10 10 10") == []
    assert with_funding(CROSS, 0.098, "10 10 10") == ["sell 100 @ 10"]


def test_funding_received_keeps_an_isolated_position_alive():
    # margin 100 + 10: (1000 - 110) / 99.5 = 8.9447
    assert with_funding(ISOLATED, -0.01, "10 10 10/10/8.95/9.5") == []
    assert with_funding(ISOLATED, 0.0, "10 10 10/10/8.95/9.5") == ["sell 100 @ 9.04"]


@dataclass
class Marked(PaperBroker):
    """A paper broker that knows a mark price."""

    marks: dict = field(default_factory=dict)

    def follow(self, tapes, marks):
        super().follow(tapes, self.marks)


def marked(text, mark, script=LONG):
    told = Told(dict(script))
    broker = Marked(leverage=10, liquidation_fee_bps=0, marks={"TEST": bars(mark)})
    hl.backtest(told, bars(text), cash=100, instruments=[CROSS], broker=broker)
    return told.heard[1:]


def test_a_wick_of_the_last_price_liquidates_nobody_while_the_mark_price_holds():
    assert marked("10 10 10/10/8/10", "10 10 10/10/9.2/10") == []
    assert marked("10 10 8/10/8/10", "10 10 9.5/10/9.2/10") == []


def test_the_mark_price_liquidates_at_a_traded_price():
    assert marked("10 10 10/10/9.3/10", "10 10 10/10/9/10") == ["sell 100 @ 9.3"]
    assert marked("10 10 10/10/8/10", "10 10 10/10/9/10") == ["sell 100 @ 9.04"]


def test_spot_that_is_not_held_is_sold_only_as_far_as_it_can_be_borrowed():
    lending = replace(SPOT, borrow_limit=Decimal(3))

    assert run("10 10", {0: sell(1)}, instrument=SPOT).end(0) == "rejected: spot: cannot sell 1, 0 held"
    assert run("10 10", {0: sell(3)}, instrument=lending).position == -3
    told = run("10 10 10", {0: buy(2), 1: sell(6)}, instrument=lending)
    assert told.end(1) == "rejected: spot: cannot sell 6, 2 held and 3 can be borrowed"


def test_borrowed_spot_is_liquidated_when_its_price_rises_too_far():
    lending = replace(SPOT, borrow_limit=Decimal(100))

    # (1000 + 1000) / 100.5 = 19.9005, bought a tick higher
    told = run("10 10 10/25/10/25", {0: sell(100)}, instrument=lending, cash=1000)

    assert told.fills[1:] == ["bar 2 inside: buy 100 @ 20"]


def test_spot_bought_from_cash_is_never_liquidated():
    told = run("10 10 0.1", {0: buy(100)}, instrument=SPOT, cash=1000)

    assert told.fills == ["bar 1 open: buy 100 @ 10"]
