"""One test for each row of the table in ``hookline.simulation.fills``, by the row's name."""

import inspect
import re
import sys
from datetime import timedelta
from pathlib import Path

from venue_runs import ORIGIN, SPOT, STEP, run

from hookline import TimeInForce
from hookline.simulation import fills
from hookline.testing import amend, buy, cancel, sell


def test_M1_a_market_order_fills_at_the_next_open():
    told = run("10 12/13/11/12 14", {0: buy(2)})

    assert told.fills == ["bar 1 open: buy 2 @ 12"]


def test_L1_a_limit_fills_at_an_open_that_is_better():
    told = run("10 8/9/7/8", {0: buy(1, limit=9)})

    assert told.fills == ["bar 1 open: buy 1 @ 8"]


def test_L2_a_limit_fills_at_its_price_when_the_bar_touches_it():
    text, script = "10 10/11/9/10 10/11/8.9/10", {0: buy(1, limit=9)}

    assert run(text, script).fills == ["bar 1 inside: buy 1 @ 9"]
    assert run(text, script, limit_fill="through").fills == ["bar 2 inside: buy 1 @ 9"]


def test_L3_a_limit_pays_the_taker_fee_only_where_it_meets_its_price_on_arrival():
    fees = {"maker_fee_bps": 1, "taker_fee_bps": 10}

    arrived = run("10 8/9/7/8", {0: buy(1, limit=9)}, **fees)
    rested_inside = run("10 10/11/9/10", {0: buy(1, limit=9)}, **fees)
    rested_until_a_gap = run("10 10 8/9/7/8", {0: buy(1, limit=9)}, **fees)

    assert [told.liquidity for told in (arrived, rested_inside, rested_until_a_gap)] == [
        ["taker"],
        ["maker"],
        ["maker"],
    ]
    paid = [told.result.record.fills[0].fee for told in (arrived, rested_inside, rested_until_a_gap)]
    assert paid == [8 * 0.001, 9 * 0.0001, 8 * 0.0001]


def test_P1_a_post_only_order_is_rejected_where_it_would_take_and_pays_the_maker_fee_where_it_rests():
    taking = run("10 8/9/7/8", {0: buy(1, limit=9, post_only=True, label="bid")})
    resting = run("10 10/11/9/10", {0: buy(1, limit=9, post_only=True, label="bid")})

    assert taking.fills == []
    assert taking.end("bid") == "rejected: post-only: would take at 8.0"
    assert resting.fills == ["bar 1 inside: buy 1 @ 9"]
    assert resting.liquidity == ["maker"]


def test_A1_a_limit_amended_to_another_price_meets_the_market_anew():
    text = "10 10 10 10/11/9.5/10"

    taking = run(text, {0: buy(1, limit=5, label="bid"), 2: amend("bid", limit=10.5)})
    refused = run(text, {0: buy(1, limit=5, post_only=True, label="bid"), 2: amend("bid", limit=10.5)})
    resting = run(text, {0: buy(1, limit=5, label="bid"), 2: amend("bid", limit=9.5)})

    assert taking.fills == ["bar 3 open: buy 1 @ 10"]
    assert taking.liquidity == ["taker"]
    assert refused.end("bid") == "rejected: post-only: would take at 10.0"
    assert resting.fills == ["bar 3 inside: buy 1 @ 9.5"]
    assert resting.liquidity == ["maker"]


def test_S1_a_stop_fills_at_an_open_that_gaps_through_it():
    told = run("10 14/15/13/14", {0: buy(1, trigger=12)})

    assert told.fills == ["bar 1 open: buy 1 @ 14"]


def test_S2_a_stop_fills_at_its_trigger_inside_the_bar():
    told = run("10 11/12/11/11.5", {0: buy(1, trigger=12)})

    assert told.fills == ["bar 1 inside: buy 1 @ 12"]


def test_SL1_a_stop_limit_that_gaps_through_its_trigger_becomes_a_limit_at_the_open():
    script = {0: buy(1, trigger=12, limit=13, label="entry")}

    allowed = run("10 12.5/15/12/14", script)
    forbidden = run("10 14/15/13.5/14", script)
    forbidden_at_first = run("10 14/15/12/14", script)

    assert allowed.fills == ["bar 1 open: buy 1 @ 12.5"]
    assert forbidden.fills == []
    assert forbidden.end("entry") == "triggered"
    assert forbidden_at_first.fills == ["bar 1 inside: buy 1 @ 13"]
    assert forbidden_at_first.liquidity == ["maker"]


def test_SL2_a_stop_limit_triggered_inside_the_bar_takes_at_its_trigger():
    told = run("10 11/14/11/14", {0: buy(1, trigger=12, limit=13)})

    assert told.fills == ["bar 1 inside: buy 1 @ 12"]
    assert told.liquidity == ["taker"]


def test_SL3_a_stop_limit_whose_trigger_is_past_its_limit_fills_where_the_close_proves_it():
    script = {0: buy(1, trigger=12, limit=11.5, label="entry")}

    came_back = run("10 11/13/10.5/11", script)
    stayed = run("10 11/13/10.5/12 12/12.5/11.5/12", script)

    assert came_back.fills == ["bar 1 inside: buy 1 @ 11.5"]
    assert came_back.liquidity == ["maker"]
    assert stayed.fills == ["bar 2 inside: buy 1 @ 11.5"]
    assert stayed.story("entry") == ["submitted", "accepted", "triggered", "filled"]


def test_T1_a_take_profit_fills_at_an_open_beyond_its_trigger():
    told = run("10 10 13/14/12/13", {0: buy(1), 1: sell(1, type="take_profit", trigger=12)})

    assert told.fills == ["bar 1 open: buy 1 @ 10", "bar 2 open: sell 1 @ 13"]
    assert told.liquidity == ["taker", "taker"]


def test_T2_a_take_profit_fills_at_its_trigger_inside_the_bar():
    told = run("10 10 10/12/10/11", {0: buy(1), 1: sell(1, type="take_profit", trigger=12)})

    assert told.fills[1:] == ["bar 2 inside: sell 1 @ 12"]
    assert told.liquidity == ["taker", "taker"]


def test_TR1_a_trailing_stop_is_tested_at_the_level_that_the_bars_before_have_set():
    # It arrives at the open 10 with its level at 8; bar 1 moves it to 13, which bar 2 reaches and bar 3 gaps through.
    reached = run("10 10/15/10/15 15/15/12/15", {0: sell(1, trail_amount=2)})
    gapped = run("10 10/15/10/15 12/12.5/11/12", {0: sell(1, trail_amount=2)})

    assert reached.fills == ["bar 2 inside: sell 1 @ 13"]
    assert gapped.fills == ["bar 2 open: sell 1 @ 12"]


def test_TR2_a_level_moved_by_the_bar_fills_only_where_the_close_is_beyond_it():
    beyond = run("10 10/15/10/12", {0: sell(1, trail_amount=2)})
    short_of_it = run("10 10/15/10/13.1 13.5", {0: sell(1, trail_amount=2, label="trail")})

    assert beyond.fills == ["bar 1 inside: sell 1 @ 13"]
    assert short_of_it.fills == []
    assert short_of_it.order("trail").trigger_price == 13.0


def test_B1_a_bar_that_reaches_stop_and_target_takes_the_stop_unless_the_path_is_walked():
    text, script = "10 10 10.5/12/8/9", {0: buy(1, stop_loss=9, take_profit=11)}

    assert run(text, script).fills[1:] == ["bar 2 inside: sell 1 @ 9"]
    assert run(text, script, intrabar="path").fills[1:] == ["bar 2 inside: sell 1 @ 11"]


def test_B2_the_stop_and_the_target_of_an_entry_at_the_open_are_tested_on_the_rest_of_its_bar():
    script = {0: buy(1, stop_loss=9, take_profit=12)}

    assert run("10 10/11/9/10", script).fills == ["bar 1 open: buy 1 @ 10", "bar 1 inside: sell 1 @ 9"]
    assert run("10 10/12/9.5/10", script).fills == ["bar 1 open: buy 1 @ 10", "bar 1 inside: sell 1 @ 12"]


def test_B3_of_an_entry_inside_the_bar_the_stop_counts_on_the_same_bar_and_the_target_from_the_next():
    script = {0: buy(1, limit=10, stop_loss=9, take_profit=12)}

    stopped = run("11 11/12/9/10", script)
    not_yet = run("11 11/12/9.5/10 10/12/10/11", script)

    assert stopped.fills == ["bar 1 inside: buy 1 @ 10", "bar 1 inside: sell 1 @ 9"]
    assert not_yet.fills == ["bar 1 inside: buy 1 @ 10", "bar 2 inside: sell 1 @ 12"]


def test_B4_a_trailing_stop_of_an_entry_inside_the_bar_is_moved_by_the_close_alone():
    # The high of 20 came before or after the entry at 10: nobody knows, so it must not lift the stop to 19.
    script = {0: buy(1, limit=10, stop_loss_trail=1)}

    moved = run("11 11/20/9.9/12 12/12/10.9/11", script)
    tested = run("11 11/20/8.9/12", script)

    assert moved.fills == ["bar 1 inside: buy 1 @ 10", "bar 2 inside: sell 1 @ 11"]
    assert tested.fills == ["bar 1 inside: buy 1 @ 10", "bar 1 inside: sell 1 @ 9"]


def test_O1_a_fill_cancels_the_other_orders_of_its_group_in_the_same_bar_too():
    script = {0: [buy(1, trigger=12, label="break"), buy(1, limit=9, oco="break", label="dip")]}

    told = run("10 10/13/8/10 10", script)

    assert told.fills == ["bar 1 inside: buy 1 @ 12"]
    assert told.end("dip") == "canceled: one cancels other: scripted-1"


def test_I1_an_immediate_order_fills_at_the_first_open_or_is_canceled():
    for time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        script = {0: buy(1, limit=9, time_in_force=time_in_force, label="bid")}
        filled = run("10 8/9/7/8", script)
        canceled = run("10 10/11/8/10 8", script)

        assert filled.fills == ["bar 1 open: buy 1 @ 8"]
        assert canceled.fills == []
        assert canceled.end("bid") == "canceled: nothing to match at once"


def test_G1_an_order_that_expires_counts_up_to_the_open_of_the_bar_that_holds_its_time():
    script = {0: buy(1, limit=9, expire=timedelta(minutes=90), label="bid")}

    before = run("10 10/11/9/10 10", script)
    at_the_open = run("10 10 8/9/7/8", script)
    after_the_open = run("10 10 10/11/8/10 8", script)

    assert before.fills == ["bar 1 inside: buy 1 @ 9"]
    assert at_the_open.fills == ["bar 2 open: buy 1 @ 8"]
    assert after_the_open.fills == []
    assert after_the_open.end("bid") == "expired"
    expired = after_the_open.result.record.updates[-1]
    assert expired.time - after_the_open.order("bid").time == 90 * 60 * 10**9


def test_R1_a_reduce_only_order_is_cut_to_the_position_and_canceled_when_there_is_nothing_to_reduce():
    cut = run("10 10 10 10", {0: buy(2), 1: sell(5, reduce_only=True, label="exit")})
    useless = run("10 10", {0: sell(1, limit=12, reduce_only=True, label="exit")})
    left_over = run(
        "10 10 10 10 12",
        {0: buy(1), 1: sell(1, trigger=9, reduce_only=True, label="stop"), 2: sell(1)},
    )

    assert cut.fills == ["bar 1 open: buy 2 @ 10", "bar 2 open: sell 2 @ 10"]
    assert cut.end("exit") == "canceled: reduce-only: position closed"
    assert useless.end("exit") == "canceled: reduce-only: nothing to reduce"
    assert left_over.position == 0
    assert left_over.end("stop") == "canceled: reduce-only: position closed"


def test_F1_an_order_beyond_the_funds_is_cut_and_rejected_where_nothing_is_left_or_all_is_asked_for():
    told = run("10 10 10", {0: buy(8, label="cut"), 1: buy(1, label="nothing left")}, cash=55)
    all_or_none = run("10 10", {0: buy(8, time_in_force=TimeInForce.FOK, label="all")}, cash=55)

    assert told.fills == ["bar 1 open: buy 5 @ 10"]
    assert told.end("cut") == "canceled: insufficient funds for the rest"
    assert told.end("nothing left") == "rejected: insufficient funds: 55.00 for 10.00"
    assert all_or_none.end("all") == "rejected: insufficient funds: 55.00 for 80.00"


def test_F2_spot_cannot_sell_more_than_is_held():
    told = run(
        "10 10 10",
        {0: [buy(2), sell(1, trigger=9)], 1: sell(3, label="too much")},
        instrument=SPOT,
    )

    assert told.fills == ["bar 1 open: buy 2 @ 10"]
    assert told.end("too much") == "rejected: spot: cannot sell 3, 2 held"


def test_D1_cancel_all_after_cancels_at_its_time_what_was_sent_up_to_then_unless_renewed():
    def switch(minutes):
        return lambda script, ctx: ctx.cancel_all_after(minutes * 60)

    text = "10 10 10/11/8/10 10/11/8/10"
    passed = run(text, {0: [buy(1, limit=9, label="bid"), switch(90)]})
    renewed = run(text, {0: [buy(1, limit=9, label="bid"), switch(90)], 1: switch(90)})
    sent_later = run(text, {0: switch(30), 2: buy(1, limit=9, label="bid")})

    assert passed.fills == []
    assert passed.end("bid") == "canceled: cancel-all-after: not renewed in time"
    assert renewed.fills == ["bar 2 inside: buy 1 @ 9"]
    assert sent_later.fills == ["bar 3 inside: buy 1 @ 9"]


def test_Q1_what_a_timer_cancels_or_amends_inside_a_bar_has_met_its_open():
    def inside_bar_1(act):
        def on_timer(script, ctx):
            if ctx.now.hour == 1 and ctx.now.minute == 30:
                act(script, ctx)

        return on_timer

    def after(act, text):
        return run(text, {0: buy(1, limit=9, label="bid")}, timer=("30m", inside_bar_1(act)))

    canceled = after(cancel("bid"), "10 10/11/8/10 8")
    too_late = after(cancel("bid"), "10 8/9/8/9 8")
    amended = after(amend("bid", limit=8), "10 10/11/8/10 10/11/8/10")
    amended_too_late = after(amend("bid", limit=8), "10 10/11/9/10 10")

    assert canceled.fills == []
    assert canceled.end("bid") == "canceled"
    assert too_late.fills == ["bar 1 open: buy 1 @ 8"]
    assert amended_too_late.fills == amended.fills == ["bar 1 inside: buy 1 @ 9"]


def test_C1_an_order_sent_on_a_close_never_fills_before_the_next_bar_starts():
    # The close is the low: an engine that filled at this close would buy at 8.
    told = run("10 10/10/8/8 . . 12/13/11/12", {1: [buy(1), buy(1, limit=8, label="bid")]})

    assert told.fills == ["bar 4 open: buy 1 @ 12"]
    assert told.end("bid") == "accepted"


def test_C2_with_fill_close_a_market_order_fills_at_the_close_that_it_was_sent_on():
    text = "10/13/9/12 14/15/13/14 16/17/15/16"
    half_past = (
        "30m",
        lambda script, ctx: ctx.buy("TEST", 1) if ctx.now.minute == 30 and ctx.now.hour == 1 else None,
    )

    told = run(text, {0: buy(2), 1: sell(2)}, fill="close")
    sent_inside = run(text, {}, timer=half_past, fill="close")

    assert told.fills == ["bar 0 inside: buy 2 @ 12", "bar 1 inside: sell 2 @ 14"]
    assert told.liquidity == ["taker", "taker"]
    assert [(fill.time - ORIGIN) / STEP for fill in told.result.record.fills] == [1, 2]
    assert sent_inside.fills == ["bar 2 open: buy 1 @ 16"]


def test_F3_a_limit_that_the_free_funds_do_not_cover_is_rejected_on_arrival():
    told = run("100 100 100 100", {0: [buy(6, limit=90), buy(6, limit=80, label="second")]}, cash=1000)

    assert told.end(0) == "accepted"
    assert (
        told.end("second") == "rejected: insufficient funds: 1000.00 free, resting orders would need 1020.00"
    )


def test_LQ1_a_position_is_liquidated_at_the_worse_of_its_level_and_the_open():
    # 100 of cash and 900 borrowed hold 10 bought at 100: at 90.45 half a percent is left of what they are worth.
    inside = run("100 100/100/85/95", {0: buy(10)}, cash=100, leverage=10, liquidation_fee_bps=0)
    gapped = run("100 100 90/92/89/91", {0: buy(10)}, cash=100, leverage=10, liquidation_fee_bps=0)

    assert inside.fills[1].startswith("bar 1 inside: sell 10 @ 90.4")
    assert gapped.fills[1].startswith("bar 2 open: sell 10 @ 90")


ROWS = re.findall(r"^([A-Z]+\d)  ", fills.__doc__, re.MULTILINE)
PAGE = Path(__file__).parents[2] / "docs" / "fills.md"


def test_every_row_of_the_table_has_a_test_and_every_test_a_row():
    named = [
        re.match(r"test_([A-Z]+\d)_", name)
        for name, _ in inspect.getmembers(sys.modules[__name__], inspect.isfunction)
    ]

    assert ROWS
    assert len(ROWS) == len(set(ROWS))
    assert sorted(ROWS) == sorted(match[1] for match in named if match)


def test_the_page_on_fills_gives_the_reason_of_every_row():
    explained = []
    for cell in re.findall(r"^\| ([A-Z]+\d[^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE):
        first, _, last = cell.partition(" to ")
        begin = ROWS.index(first.split(", ")[0])
        explained += ROWS[begin : ROWS.index(last) + 1] if last else first.split(", ")

    assert sorted(explained) == sorted(ROWS)
