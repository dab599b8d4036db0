"""Brackets, one-cancels-other groups and reduce-only orders through the life of a position."""

import pytest
from venue_runs import run

from hookline.testing import amend, buy, cancel, sell


def test_an_entry_at_an_open_past_its_stop_leaves_at_that_open():
    told = run("10 8/9/7/8 12", {0: buy(1, stop_loss=9, take_profit=11)})

    assert told.fills == ["bar 1 open: buy 1 @ 8", "bar 1 open: sell 1 @ 8"]


def test_an_entry_at_an_open_past_its_target_takes_the_profit_at_that_open():
    told = run("10 12/12/12/12 12", {0: buy(1, stop_loss=9, take_profit=11)})

    assert told.fills == ["bar 1 open: buy 1 @ 12", "bar 1 open: sell 1 @ 12"]
    assert told.liquidity == ["taker", "taker"]


def test_a_short_bracket_mirrors_a_long_one():
    script = {0: sell(1, stop_loss=11, take_profit=8)}

    stopped = run("10 10 10/11/8/9", script)
    gained = run("10 10 10/10.5/8/9", script)

    assert stopped.fills[1:] == ["bar 2 inside: buy 1 @ 11"]
    assert gained.fills[1:] == ["bar 2 inside: buy 1 @ 8"]


def test_the_fill_of_one_child_cancels_the_other():
    told = run("10 10 12", {0: buy(1, stop_loss=9, take_profit=11)})

    stop, target = told.order(0).children
    assert target.status == "filled"
    assert (stop.status, stop.reason) == ("canceled", f"one cancels other: {target.client_order_id}")


def test_children_rest_from_the_fill_of_an_entry_inside_the_bar_so_a_gap_pays_the_maker_fee():
    told = run("11 11/11.5/9.5/10 13/13/13/13", {0: buy(1, limit=10, stop_loss=9, take_profit=12)})

    stop, target = told.order(0).children
    assert told.fills[1:] == ["bar 2 open: sell 1 @ 13"]
    assert told.liquidity == ["maker", "maker"]
    assert target.status == "filled"
    assert stop.status == "canceled"


def test_children_are_as_large_as_what_was_filled_of_the_entry():
    told = run("10 10 12", {0: buy(8, stop_loss=9, take_profit=11)}, cash=55)

    assert told.fills == ["bar 1 open: buy 5 @ 10", "bar 2 inside: sell 5 @ 11"]


def test_a_canceled_or_rejected_entry_cancels_its_children():
    canceled = run("10 10 10", {0: buy(1, limit=9, stop_loss=8, label="entry"), 1: cancel("entry")})
    rejected = run("10 8/8/8/8", {0: buy(1, limit=9, stop_loss=7, post_only=True, label="entry")})

    for told, status in ((canceled, "canceled"), (rejected, "rejected")):
        (stop,) = told.order("entry").children
        assert (stop.status, stop.reason) == ("canceled", f"entry {status}")


def test_a_child_canceled_while_it_waits_stays_canceled_when_the_entry_fills():
    def drop_the_stop(script, ctx):
        ctx.cancel(script.orders["entry"].children[0])

    told = run(
        "10 10 9 8 12", {0: buy(1, limit=9, stop_loss=8, take_profit=11, label="entry"), 1: drop_the_stop}
    )

    assert told.fills == ["bar 2 inside: buy 1 @ 9", "bar 4 inside: sell 1 @ 11"]


def test_a_child_amended_while_it_waits_uses_its_new_price():
    def tighten(script, ctx):
        ctx.amend(script.orders["entry"].children[0], trigger=8.5)

    told = run("10 10 9/9.2/8.4/9", {0: buy(1, limit=9, stop_loss=8, label="entry"), 1: tighten})

    assert told.fills == ["bar 2 open: buy 1 @ 9", "bar 2 inside: sell 1 @ 8.5"]


def test_an_entry_that_only_closes_an_opposite_position_leaves_no_children_behind():
    told = run("10 10 10 13", {0: sell(2), 1: buy(2, stop_loss=9, take_profit=12, label="entry")})

    assert told.position == 0
    assert [child.status for child in told.order("entry").children] == ["canceled", "canceled"]


def test_an_entry_that_turns_the_position_cancels_what_protected_the_old_one():
    # The old stop would otherwise wait and cut into the next long position.
    script = {
        0: buy(2, stop_loss=8, take_profit=14, label="long"),
        1: sell(5, stop_loss=12, take_profit=5, label="short"),
    }
    told = run("10 10 10 10", script)

    assert told.position == -3
    assert [child.status for child in told.order("long").children] == ["canceled", "canceled"]
    assert [child.status for child in told.order("short").children] == ["accepted", "accepted"]


def test_closing_a_position_that_its_stop_has_just_closed_does_not_open_another():
    # On the close of bar 2 the strategy leaves; bar 3 gaps through the stop, which is the older order.
    told = run("10 10 10 7/7/7/7", {0: buy(2, stop_loss=9), 2: lambda _, ctx: ctx.close("TEST")})

    assert told.fills == ["bar 1 open: buy 2 @ 10", "bar 3 open: sell 2 @ 7"]


def test_reducing_to_a_target_that_a_stop_has_just_passed_does_not_turn_the_position():
    told = run("10 10 10 7/7/7/7", {0: buy(5, stop_loss=9), 2: lambda _, ctx: ctx.target("TEST", 2)})

    assert told.position == 0


def test_closing_what_is_still_on_its_way_works():
    told = run("10 10", {0: [buy(2), lambda _, ctx: ctx.close("TEST")]})

    assert told.fills == ["bar 1 open: buy 2 @ 10", "bar 1 open: sell 2 @ 10"]


def test_a_reduce_only_order_on_its_way_survives_the_close_of_the_position_before_it():
    told = run(
        "10 10 10 10",
        {0: buy(2), 1: [sell(2), buy(3), sell(3, limit=12, reduce_only=True, label="target")]},
    )

    assert told.position == 3
    assert told.end("target") == "accepted"


def test_a_reduce_only_order_never_adds():
    told = run("10 10 10", {0: buy(2), 1: buy(1, reduce_only=True, label="add")})

    assert told.position == 2
    assert told.end("add") == "canceled: reduce-only: nothing to reduce"


def test_two_brackets_on_one_position_protect_their_own_parts():
    told = run(
        "10 10 10 8.9 7.9",
        {0: buy(2, stop_loss=9), 1: buy(3, stop_loss=8)},
    )

    assert told.fills[2:] == ["bar 3 inside: sell 2 @ 9", "bar 4 inside: sell 3 @ 8"]


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (buy(1, stop_loss=11), "stop on the wrong side: 11.0 with the entry at 10.0"),
        (buy(1, stop_loss=10), "stop on the wrong side: 10.0 with the entry at 10.0"),
        (buy(1, take_profit=9), "target on the wrong side: 9.0 with the entry at 10.0"),
        (sell(1, stop_loss=9), "stop on the wrong side: 9.0 with the entry at 10.0"),
        (buy(1, limit=8, stop_loss=9), "stop on the wrong side: 9.0 with the entry at 8.0"),
    ],
)
def test_protection_on_the_wrong_side_is_denied(act, reason):
    told = run("10 10", {0: act})

    assert told.end(0) == f"denied: {reason}"
    assert told.fills == []


def test_three_orders_can_cancel_one_another():
    script = {
        0: [
            buy(1, limit=9, label="a"),
            buy(1, limit=8, oco="a", label="b"),
            buy(1, trigger=11, oco="b", label="c"),
        ]
    }
    told = run("10 11.5 8", script)

    assert told.fills == ["bar 1 inside: buy 1 @ 11"]
    assert [told.order(label).status for label in "abc"] == ["canceled", "canceled", "filled"]


def test_the_entry_of_a_group_cut_by_funds_cancels_the_others_too():
    told = run(
        "10 10 8",
        {0: [buy(9, label="now"), buy(1, limit=9, oco="now", label="later")]},
        cash=50,
    )

    assert told.fills == ["bar 1 open: buy 5 @ 10"]
    assert told.order("later").status == "canceled"


def test_amending_an_order_below_its_filled_quantity_cancels_it():
    told = run("10 10", {0: [buy(2, limit=9, label="bid"), amend("bid", quantity=0)]})

    assert told.end("bid") == "canceled: amended to its filled quantity"


def test_an_order_linked_to_a_child_that_still_waits_cancels_it():
    def link(script, ctx):
        stop, _ = script.orders["entry"].children
        ctx.buy("TEST", 1, trigger=11, oco=stop)

    told = run(
        "10 10 11.5 9 13",
        {0: buy(1, limit=9.5, stop_loss=8, take_profit=12, label="entry"), 1: link},
    )

    assert told.fills == ["bar 2 inside: buy 1 @ 11", "bar 3 inside: buy 1 @ 9.5"]
    assert [child.status for child in told.order("entry").children] == ["canceled", "canceled"]
