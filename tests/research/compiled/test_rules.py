"""Risk rules in compiled runs: what they deny, shrink and halt is what they do in the event kernel."""

import pytest
from random_rules import MAKERS, check, plan_with_rules

HALTING = ["max_drawdown"]
SHRINKING = ["max_order_notional"]


def decided(records):
    """Return what rules did in these runs, as pairs of rule and action."""
    return {(one.rule, str(one.verdict)) for record in records for one in record.decisions}


@pytest.mark.parametrize("name", MAKERS)
def test_a_rule_does_what_it_does_in_the_event_kernel(name):
    records = [check(plan_with_rules(seed, [name])) for seed in range(24)]
    assert (name, "halt" if name in HALTING else "deny") in decided(records)


@pytest.mark.parametrize("name", HALTING)
def test_a_halt_cancels_denies_and_flattens(name):
    records = [check(plan_with_rules(seed, [name])) for seed in range(200, 240)]
    orders = [order for record in records for order in record.orders]
    canceled = {
        order.tag for order in orders if order.status == "canceled" and order.reason.startswith("halted")
    }
    assert "entry" in canceled
    assert canceled > {"entry"}
    assert any(order.status == "denied" and order.reason.startswith("halted") for order in orders)
    assert any(order.status == "filled" and order.tag.startswith(f"halted: {name}") for order in orders)


@pytest.mark.parametrize("name", SHRINKING)
def test_an_order_that_is_shrunk_goes_on_with_what_is_left(name):
    records = [check(plan_with_rules(seed, [name])) for seed in range(100, 124)]
    assert {(name, "deny"), (name, "shrink")} <= decided(records)
    reasons = [order.reason for record in records for order in record.orders]
    assert any("would be left" in reason for reason in reasons)
