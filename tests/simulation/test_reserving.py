"""What resting orders reserve, and what a venue therefore does not take."""

from decimal import Decimal

import pytest
from venue_runs import run

import hookline as hl
from hookline.testing import buy, sell

SPOT = hl.Instrument("TEST", tick_size=Decimal("0.1"), lot_size=Decimal(1))
FLAT = "100 100 100 100 100"


def ends(script, *, cash=1000, count=2, **options):
    told = run(FLAT, script, cash=cash, **options)
    return [told.end(number).partition(":")[0] for number in range(count)]


def test_buys_that_cash_covers_together_rest():
    assert ends({0: [buy(5, limit=90), buy(6, limit=90)]}) == ["accepted", "accepted"]


def test_the_fee_is_reserved_too():
    assert ends({0: [buy(5, limit=90), buy(6, limit=90)]}, maker_fee_bps=200) == ["accepted", "rejected"]


def test_what_is_canceled_or_filled_reserves_nothing_more():
    script = {0: buy(9, limit=95), 1: lambda script, ctx: ctx.cancel(script.orders[0]), 2: buy(9, limit=95)}

    assert ends(script) == ["canceled", "accepted"]


def test_leverage_lets_more_rest():
    script = {0: [buy(9, limit=95), buy(9, limit=95)]}

    assert ends(script) == ["accepted", "rejected"]
    assert ends(script, leverage=2) == ["accepted", "accepted"]


def test_of_opposite_sides_of_a_perpetual_the_dearer_counts():
    assert ends({0: [buy(9, limit=95), sell(9, limit=105)]}) == ["accepted", "accepted"]
    assert ends({0: [buy(9, limit=95), sell(10, limit=105)]}) == ["accepted", "rejected"]


def test_what_closes_a_position_needs_no_funds():
    assert ends({0: buy(10), 1: sell(10, limit=105)}) == ["filled", "accepted"]


def test_a_stop_and_what_only_reduces_reserve_nothing():
    script = {0: [buy(10, limit=95), buy(10, trigger=120)], 1: buy(5, limit=90, reduce_only=True)}

    assert ends(script) == ["accepted", "accepted"]


def test_spot_can_be_offered_once():
    script = {0: buy(5), 1: [sell(3, limit=110), sell(3, limit=120)]}

    told = run(FLAT, script, instrument=SPOT, cash=1000)

    assert told.end(1) == "accepted"
    assert told.end(2) == "rejected: spot: cannot offer 6, 5 held"


def test_one_cancels_other_offers_the_same_coins_twice():
    script = {
        0: buy(5),
        1: [sell(5, limit=110, label="target"), sell(5, limit=120, oco="target", label="far")],
    }

    told = run(FLAT, script, instrument=SPOT, cash=1000)

    assert (told.end("target"), told.end("far")) == ("accepted", "accepted")


@pytest.mark.parametrize(("cash", "end"), [(855, "accepted"), (854, "rejected")])
def test_the_last_coin_is_enough(cash, end):
    assert ends({0: buy(9, limit=95)}, cash=cash, count=1) == [end]


def test_a_leverage_below_one_demands_more_than_the_price():
    assert ends({0: buy(5, limit=90)}, leverage=0.5, cash=899, count=1) == ["rejected"]
    assert ends({0: buy(5, limit=90)}, leverage=0.5, cash=900, count=1) == ["accepted"]
