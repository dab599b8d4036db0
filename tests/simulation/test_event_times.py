"""When things are said to have happened: at the open of a bar, or by its end."""

from datetime import timedelta

import pytest
from venue_runs import ORIGIN, STEP, run

import hookline as hl
from hookline.testing import amend, bars, buy, cancel, sell


def times(told, label):
    """Each step of an order with its time in bars since the origin."""
    number = told.order(label).number
    return [
        (str(update.status), (update.time - ORIGIN) / STEP)
        for update in told.result.record.updates
        if update.order_number == number
    ]


@pytest.mark.parametrize(
    ("text", "act", "steps"),
    [
        ("10 12", buy(1, label="a"), [("submitted", 1), ("filled", 1)]),
        ("10 10/10/8/9", buy(1, limit=9, label="a"), [("submitted", 1), ("accepted", 1), ("filled", 2)]),
        ("10 8/9/7/8", buy(1, limit=9, post_only=True, label="a"), [("submitted", 1), ("rejected", 1)]),
        ("10 10", buy(1, limit=9, time_in_force="ioc", label="a"), [("submitted", 1), ("canceled", 1)]),
        ("10 10", sell(1, limit=11, reduce_only=True, label="a"), [("submitted", 1), ("canceled", 1)]),
        (
            "10 11/13/11/13 12/12.5/11/12",
            buy(1, trigger=12, limit=11.5, label="a"),
            [("submitted", 1), ("accepted", 1), ("triggered", 2), ("filled", 3)],
        ),
        (
            "10 14/15/11/14",
            buy(1, trigger=12, limit=13, label="a"),
            [("submitted", 1), ("triggered", 1), ("filled", 2)],
        ),
        (
            "10 10 10",
            buy(1, limit=9, expire=timedelta(minutes=90), label="a"),
            [("submitted", 1), ("accepted", 1), ("expired", 2.5)],
        ),
    ],
)
def test_every_step_has_its_time(text, act, steps):
    assert times(run(text, {0: act}), "a") == steps


def test_along_the_path_a_stop_limit_is_triggered_by_the_end_of_the_bar():
    told = run("10 11/13/11/13 11.5", {0: buy(1, trigger=12, limit=11.5, label="a")}, intrabar="path")

    assert ("triggered", 2) in times(told, "a")


def test_an_order_expires_just_before_what_happens_at_its_time():
    script = {0: buy(1, limit=9, expire=timedelta(hours=1), label="a")}

    inside = run("10 10/11/9/10", script)
    at_the_open = run("10 10 8/9/7/8", script)

    assert inside.fills == ["bar 1 inside: buy 1 @ 9"]
    assert times(at_the_open, "a")[-1] == ("expired", 2)


def test_a_market_order_can_expire_over_a_gap():
    told = run("10 . . 10", {0: buy(1, expire=timedelta(hours=1), label="a")})

    assert told.fills == []
    assert times(told, "a") == [("submitted", 1), ("expired", 2)]


def test_the_switch_can_be_renewed_at_its_very_time_and_takes_what_is_sent_then():
    def switch(_, ctx):
        ctx.cancel_all_after(3600)

    bid = buy(1, limit=9, label="a")
    renewed = run("10 10 10 10/11/8/10", {0: [bid, switch], 1: switch, 2: switch})
    taken = run("10 10 10/11/8/10", {0: switch, 1: bid})

    assert renewed.fills == ["bar 3 inside: buy 1 @ 9"]
    assert times(taken, "a") == [("submitted", 2), ("canceled", 2)]


def test_what_is_canceled_or_amended_on_the_close_of_its_own_bar_is_so_at_once():
    seen = []

    def look(script, ctx):
        order = script.orders["a"]
        seen.append((str(order.status), order.limit_price))

    bid = buy(1, limit=9, label="a")
    run("10 10 10", {0: bid, 1: [amend("a", limit=8), look, cancel("a"), look]})
    run("10 10 10", {0: [bid, amend("a", limit=8), look, cancel("a"), look]})

    assert seen == [("accepted", 8.0), ("canceled", 8.0), ("submitted", 8.0), ("canceled", 8.0)]


def test_a_stop_whose_trigger_is_the_open_fills_there():
    told = run("10 12/13/12/12.5", {0: buy(1, trigger=12)})

    assert told.fills == ["bar 1 open: buy 1 @ 12"]


def test_a_stop_limit_that_takes_at_the_open_pays_the_taker_fee():
    told = run("10 12/13/12/12.5", {0: buy(1, trigger=12, limit=13)})

    assert told.liquidity == ["taker"]


def test_a_stop_limit_with_one_price_for_both_takes_at_it_along_the_path_too():
    script = {0: buy(1, trigger=12, limit=12)}

    for intrabar in ("stop_first", "path"):
        told = run("10 11/13/11/13", script, intrabar=intrabar)
        assert told.fills == ["bar 1 inside: buy 1 @ 12"]
        assert told.liquidity == ["taker"]


def test_a_close_at_the_moved_level_fills_a_trailing_stop():
    assert run("10 10/15/10/13", {0: sell(1, trail_amount=2)}).fills == ["bar 1 inside: sell 1 @ 13"]


def test_updates_and_fills_agree_on_the_time():
    told = run("10 10/10/8/9 9", {0: buy(1, limit=9), 1: sell(1)})
    filled = [one.time for one in told.result.record.updates if one.status == hl.OrderStatus.FILLED]

    assert filled == [fill.time for fill in told.result.record.fills]
    assert bars("10").end.tolist() == [ORIGIN + STEP]
