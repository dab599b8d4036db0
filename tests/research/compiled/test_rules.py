"""Risk rules in compiled runs: what they deny, shrink and halt is what they do in the event kernel."""

import pytest
from random_rules import MAKERS, check, plan_with_rules

SHRINKING = ["max_order_notional"]


def decided(records):
    """Return what rules did in these runs, as pairs of rule and action."""
    return {(one.rule, str(one.verdict)) for record in records for one in record.decisions}


@pytest.mark.parametrize("name", MAKERS)
def test_a_rule_does_what_it_does_in_the_event_kernel(name):
    records = [check(plan_with_rules(seed, [name])) for seed in range(24)]
    assert (name, "deny") in decided(records)


@pytest.mark.parametrize("name", SHRINKING)
def test_an_order_that_is_shrunk_goes_on_with_what_is_left(name):
    records = [check(plan_with_rules(seed, [name])) for seed in range(100, 124)]
    assert {(name, "deny"), (name, "shrink")} <= decided(records)
    reasons = [order.reason for record in records for order in record.orders]
    assert any("would be left" in reason for reason in reasons)
