"""Trailing stops: levels, sides, rounding, brackets."""

from decimal import Decimal

from venue_runs import PERP, run

import hookline as hl
from hookline.testing import amend, buy, sell


def test_a_level_follows_the_highs_and_never_goes_back():
    levels = []
    script = {0: sell(1, trail_amount=3, label="trail")}
    script |= {bar: lambda one, _: levels.append(one.orders["trail"].trigger_price) for bar in (1, 2, 3, 4)}

    run("10 10/11/9/11 11/14/11/13 13/13.5/12/12 12/16/12/16", script)

    assert levels == [8, 11, 11, 13]


def test_a_trailing_stop_to_buy_follows_the_lows():
    told = run("10 10/10/6/7 7/8/7/8", {0: buy(1, trail_amount=2)})

    assert told.fills == ["bar 2 inside: buy 1 @ 8"]


def test_a_fraction_is_of_the_extreme():
    told = run("100 100/200/100/200 200/200/180/190", {0: sell(1, trail_fraction=0.1)})

    assert told.fills == ["bar 2 inside: sell 1 @ 180"]


def test_a_level_is_rounded_away_from_the_price():
    coarse = hl.Instrument(
        "TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal(1)
    )
    selling = run("10 10", {0: sell(1, trail_amount=1.3, label="trail")}, instrument=coarse)
    buying = run("10 10", {0: buy(1, trail_amount=1.3, label="trail")}, instrument=coarse)

    assert selling.order("trail").trigger_price == 8.5
    assert buying.order("trail").trigger_price == 11.5


def test_the_first_level_comes_from_the_open_it_arrives_at():
    told = run("10 20/20/18/19", {0: sell(1, trail_amount=2)})

    assert told.fills == ["bar 1 inside: sell 1 @ 18"]


def test_a_trailing_child_of_an_entry_at_the_open_starts_behind_its_price():
    told = run("10 12/13/11/11.5", {0: buy(1, stop_loss_trail=1)})

    assert told.fills == ["bar 1 open: buy 1 @ 12", "bar 1 inside: sell 1 @ 11"]


def test_a_trailing_child_and_a_target_cancel_each_other():
    told = run("10 10/10.5/10/10.5 10.5/13/10.5/13", {0: buy(1, stop_loss_trail=2, take_profit=12)})

    assert told.fills[1:] == ["bar 2 inside: sell 1 @ 12"]


def test_an_amended_level_counts_until_the_market_moves_it_on():
    script = {0: sell(1, trail_amount=3, label="trail"), 1: amend("trail", trigger=9)}

    told = run("10 10 10/10.5/8.9/9", script)

    assert told.fills == ["bar 2 inside: sell 1 @ 9"]


def test_along_the_path_a_level_moves_with_every_leg():
    # Open 10, low 9.5 (nearer), high 14 (level 12), close 11: the stop fills at 12 on the way to the close.
    told = run("10 10/14/9.5/11", {0: sell(1, trail_amount=2)}, intrabar="path", instrument=PERP)

    assert told.fills == ["bar 1 inside: sell 1 @ 12"]


def test_along_the_path_the_high_comes_first_where_it_is_nearer():
    # Open 10, high 10.5 (level 8.5), low 8, close 9: filled on the way down, at the level of the high.
    told = run("10 10/10.5/8/9", {0: sell(1, trail_amount=2)}, intrabar="path")

    assert told.fills == ["bar 1 inside: sell 1 @ 8.5"]
