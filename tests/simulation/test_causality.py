"""What a strategy does at a time never reaches back before it, whichever instrument it is about."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from venue_runs import ORIGIN, STEP, run

import hookline as hl
from hookline.testing import amend, bars, buy, cancel, sell


def perp(symbol):
    return hl.Instrument(
        symbol, kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.1"), lot_size=Decimal(1)
    )


def run_two(a, b, script, *, b_starts=0, **params):
    """Run a script on instruments A and B; the bars of B start some minutes later."""
    data = {"A": bars(a, "A"), "B": bars(b, "B", start=ORIGIN + b_starts * 60 * 10**9)}
    return run(data, script, instrument=(perp("A"), perp("B")), **params)


def starts(told, symbol):
    """The start, in bars since the origin, of each fill at an open; inside fills carry the end."""
    return [(fill.time - ORIGIN) / STEP for fill in told.result.record.fills if fill.symbol == symbol]


def test_an_order_on_the_other_instrument_waits_for_its_next_bar_when_both_end_together():
    # B's bar of the same hour has been matched when A's callback sends the order.
    told = run_two("10 10 10", "20 20/30/1/20 25/26/24/25", {("A", 1): buy(1, symbol="B", label="b")})

    (fill,) = told.result.record.fills
    assert (fill.price, fill.time) == (25.0, told.order("b").time)


def test_a_limit_on_the_other_instrument_does_not_see_the_bar_that_is_ending():
    told = run_two("10 10 10", "20 20/20/5/20 20", {("A", 1): buy(1, symbol="B", limit=6, label="b")})

    assert told.fills == []
    assert told.end("b") == "accepted"


@pytest.mark.parametrize("minutes", [1, 15, 30, 59])
def test_an_order_sent_while_a_bar_of_the_other_instrument_is_under_way_waits_for_the_next_one(minutes):
    # At the end of A's bar 1 (02:00), B's bar that started at 01:MM is half over.
    told = run_two(
        "10 10 10 10",
        "20 21/40/2/21 22/22/22/22 23",
        {("A", 1): [buy(1, symbol="B"), sell(1, symbol="B", limit=30)]},
        b_starts=minutes,
    )

    assert [fill.price for fill in told.result.record.fills] == [22.0]
    assert starts(told, "B") == [2 + minutes / 60]


def test_an_order_cannot_be_taken_back_after_the_bar_that_filled_it():
    # B falls through the bid before 02:00; what A shows at 02:00 must not undo that.
    script = {("A", 0): buy(1, symbol="B", limit=15, label="bid"), ("A", 1): cancel("bid")}

    told = run_two("10 10 5", "20 20/20/10/11 11", script)

    assert [fill.price for fill in told.result.record.fills] == [15.0]


def test_an_order_cannot_be_amended_into_a_bar_that_is_over():
    script = {("A", 0): buy(1, symbol="B", limit=5, label="bid"), ("A", 1): amend("bid", limit=10.5)}

    told = run_two("10 10 10", "20 20/20/10/20 20", script)

    assert told.fills == []
    assert told.order("bid").limit_price == 10.5


def test_an_order_canceled_in_time_is_canceled_once_the_bar_has_passed_it_by():
    script = {("A", 0): buy(1, symbol="B", limit=5, label="bid"), ("A", 1): cancel("bid")}

    told = run_two("10 10 10", "20 20/20/10/20 5", script)

    assert told.fills == []
    assert told.end("bid") == "canceled"
    assert told.order("bid").update_time == ORIGIN + 2 * STEP


def test_an_order_sent_and_canceled_at_once_never_trades():
    script = {("A", 0): [buy(1, symbol="B", label="b"), cancel("b")]}

    told = run_two("10 10 10", "20 20 20", script)

    assert told.fills == []
    assert told.story("b") == ["submitted", "canceled"]


def test_a_cancel_between_two_bars_of_the_other_instrument_counts_at_once_for_its_next_bar():
    # B pauses; the cancel at 02:00 comes before its next bar starts.
    script = {("A", 0): buy(1, symbol="B", limit=15, label="bid"), ("A", 1): cancel("bid")}

    told = run_two("10 10 10 10 10", "20 . . . 10", script)

    assert told.fills == []
    assert told.end("bid") == "canceled"


def test_a_cancel_counts_for_a_bar_that_starts_at_its_time():
    script = {("A", 0): buy(1, symbol="B", limit=15, label="bid"), ("A", 1): cancel("bid")}

    told = run_two("10 10 10", "20 . 10/10/10/10", script)

    assert told.fills == []
    assert told.end("bid") == "canceled"


def test_a_cancel_on_the_close_of_another_instrument_counts_at_once():
    seen = []
    script = {
        ("A", 0): buy(1, symbol="B", limit=5, label="bid"),
        ("A", 1): [cancel("bid"), lambda _, ctx: seen.append(len(ctx.open_orders("B")))],
        ("B", 1): lambda _, ctx: seen.append(len(ctx.open_orders("B"))),
    }

    run_two("10 10 10", "20 20 20", script)

    assert seen == [0, 0]


def test_the_stop_of_an_entry_cannot_be_loosened_after_the_bar_that_filled_both():
    refused = []

    def loosen(script, ctx):
        (stop,) = script.orders["entry"].children
        with pytest.raises(hl.OrderError) as error:
            ctx.amend(stop, trigger=1)
        refused.append(str(error.value))

    script = {("A", 0): buy(1, symbol="B", limit=15, stop_loss=12, label="entry"), ("A", 1): loosen}

    told = run_two("10 10 10", "20 20/20/11/20 20", script)

    assert refused == ["order scripted-2: cannot amend, it is filled"]
    assert told.fills == ["bar 1 inside: buy 1 @ 15", "bar 1 inside: sell 1 @ 12"]


def test_the_dead_mans_switch_leaves_the_opens_before_its_time_alone():
    # The switch is due at 01:30; A is matched first and must not take B's order from its open at 01:00.
    script = {
        ("A", 0): [
            buy(1, limit=1),
            buy(1, symbol="B", label="b"),
            lambda _, ctx: ctx.cancel_all_after(30 * 60),
        ]
    }

    told = run_two("10 10 10", "20 20 20", script)

    assert told.fills == ["bar 1 open: buy 1 @ 20"]
    assert told.end(0) == "canceled: cancel-all-after: not renewed in time"


def test_renewing_the_switch_too_late_does_not_revive_what_it_canceled():
    def switch(_, ctx):
        ctx.cancel_all_after(30 * 60)

    script = {("A", 0): [buy(1, symbol="B", limit=15, label="b"), switch], ("A", 1): switch}

    told = run_two("10 10 10", "20 20/20/10/20 20", script)

    assert told.fills == []
    assert told.end("b") == "canceled: cancel-all-after: not renewed in time"


def test_every_fill_comes_after_its_order():
    script = {
        (symbol, index): [buy(1, symbol=other), sell(1, symbol=other, limit=11)]
        for symbol, other in (("A", "B"), ("B", "A"))
        for index in range(8)
    }

    told = run_two(
        "10 12/13/9/11 . 10 11/14/8/9 9 10 12", "10 8/13/7/11 10 . . 11/14/8/9 9 10 12", script, b_starts=20
    )

    orders = {order.number: order for order in told.result.record.orders}
    fills = told.result.record.fills
    assert len(fills) > 10
    assert all(fill.time >= orders[fill.order_number].time for fill in fills)


def test_bars_that_end_together_are_matched_before_a_strategy_sees_the_first():
    # Stated in docs/fills.md: what B's bar fills is known on A's, and its cash is free at the same open.
    held = []
    script = {
        0: buy(5, symbol="B"),
        ("A", 1): [lambda _, ctx: held.append(ctx.position("B").lots), sell(5, symbol="B"), buy(5)],
        ("B", 1): lambda _, ctx: held.append(ctx.position("B").lots),
    }

    told = run_two("10 10 10 10", "10 10 10 10", script, cash=50)

    assert held == [5, 5]
    assert [(fill.symbol, fill.side.name) for fill in told.result.record.fills] == [
        ("B", "BUY"),
        ("B", "SELL"),
        ("A", "BUY"),
    ]


def test_opens_of_one_time_fill_in_the_order_in_which_orders_were_sent():
    script = {0: buy(5, symbol="B"), ("A", 1): [buy(5, label="early"), sell(5, symbol="B")]}

    told = run_two("10 10 10 10", "10 10 10 10", script, cash=50)

    assert told.end("early") == "rejected: insufficient funds: 50.00 for 50.00"


def test_a_second_amendment_while_one_waits_counts_in_full():
    # A timer at 01:30 asks twice, and the second wish is the price that the order has now.
    @dataclass
    class Twice(hl.Strategy):
        name = "twice"

        def on_start(self, ctx):
            ctx.every("90m")

        def on_bar(self, ctx, bar):
            if not ctx.open_orders():
                self.bid = ctx.buy("TEST", 1, limit=5)

        def on_timer(self, ctx, timer):
            ctx.amend(self.bid, limit=8)
            ctx.amend(self.bid, limit=5)

    twice = Twice()
    result = hl.backtest(twice, bars("10 10/10/9/10 10/10/7/10"), instruments=[perp("TEST")], cash=1000)

    assert result.record.fills == []
    assert twice.bid.limit_price == 5.0
