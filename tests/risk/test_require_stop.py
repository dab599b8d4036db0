"""No leverage without a stop."""

import pytest

import hookline as hl
from hookline.risk import RequireStop


def test_up_to_the_equity_no_stop_is_needed(stage):
    it = stage(RequireStop())
    assert it.buy(10).is_open
    assert it.buy(0.1).reason == (
        "require_stop: position could be worth 1010.00 with 1000.00 of equity: it needs a stop, stops cover 0 of 10.1"
    )


@pytest.mark.parametrize("stop", [{"stop_loss": 95}, {"stop_loss_trail": 5}])
def test_an_entry_with_a_stop_passes(stage, stop):
    assert stage(RequireStop()).buy(30, **stop).is_open


def test_a_target_is_no_stop(stage):
    assert stage(RequireStop()).buy(30, take_profit=120).reason


def test_a_stop_that_is_open_must_cover_the_whole_position(stage):
    it = stage(RequireStop())
    it.buy(10)
    it.show("100")
    it.sell(10, trigger=95, reduce_only=True)
    it.show("100")
    assert it.buy(5).reason.endswith("stops cover 10 of 15")
    it.sell(5, trigger=95, reduce_only=True)
    assert it.buy(5).is_open


def test_an_exit_that_may_not_fill_is_no_stop(stage):
    it = stage(RequireStop())
    it.buy(10)
    it.show("100")
    it.sell(15, trigger=95, limit=95, reduce_only=True)
    it.sell(15, limit=105, reduce_only=True)
    it.sell(15, trigger=95)
    assert it.buy(5).reason.endswith("stops cover 0 of 15")


def test_stops_of_entries_on_their_way_cover_what_they_will_open(stage):
    it = stage(RequireStop())
    it.buy(15, limit=99, stop_loss=90)
    order = it.buy(5, limit=99, stop_loss=90)
    it.ctx.amend(order, limit=98)
    it.show("100")
    assert order.limit_price == 98
    assert it.buy(1, limit=99).reason.endswith("stops cover 20 of 21")


def test_resting_orders_count_at_their_own_price(stage):
    it = stage(RequireStop())
    assert all(it.buy(1, limit=price).is_open for price in range(85, 96))
    assert it.buy(1, limit=94).reason


def test_a_breakout_counts_at_the_last_price(stage):
    it = stage(RequireStop())
    assert it.buy(10, trigger=110).is_open
    assert it.sell(10, limit=110).is_open


def test_turning_counts_what_is_left_after_the_turn(stage):
    it = stage(RequireStop())
    it.buy(10)
    it.show("100")
    it.ctx.close("TEST")
    assert it.sell(10).is_open
    it.show("100")
    assert it.buy(20).is_open
    assert it.buy(1).reason


def test_the_threshold_may_be_another(stage):
    assert stage(RequireStop(3)).buy(30).is_open
    assert stage(RequireStop(3)).buy(30.1).reason
    assert stage(RequireStop(0)).buy(0.1).reason


def test_each_strategy_is_held_to_its_own_equity(stage):
    it = stage(RequireStop(), strategies={"one": 100.0, "two": 1900.0})
    assert it.buy(2).reason
    assert it.desks["two"].buy("TEST", 19).is_open


def test_spot_needs_none(stage):
    it = stage(RequireStop(), kind=hl.InstrumentKind.SPOT)
    assert it.buy(30).is_open


def test_what_execution_algorithms_send_was_judged_with_their_parent(stage):
    class Works:
        id = "works"
        parent = object()

    it = stage(RequireStop())
    order = it.buy(1, limit=90)
    order.handler = Works()
    order.lots = 90_000
    assert it.gate.judge(order) is None
