"""Risk rules in compiled runs: what they deny, shrink and halt is what they do in the event kernel."""

from dataclasses import replace

import pytest
from random_rules import MAKERS, NEVER_DENYING, check, plan_with_rules
from random_runs import plan_of

from hookline import plugins
from hookline.research.compiled import CompiledRun, NotCompilable
from hookline_risk.daily_loss_limit import DailyLossLimit
from hookline_risk.max_drawdown import MaxDrawdown

HALTING = ["max_drawdown", "daily_loss_limit"]
SHRINKING = ["max_order_notional", "max_position", "max_position_notional", "max_leverage", "strategy_budget"]


def records_of(seeds, names):
    """Return the records of the runs with these rules that do not fail."""
    found = [check(plan_with_rules(seed, names)) for seed in seeds]
    assert found.count(None) < len(found) / 10
    return [one for one in found if one is not None]


def decided(records):
    """Return what rules did in these runs, as pairs of rule and action."""
    return {(one.rule, str(one.verdict)) for record in records for one in record.decisions}


@pytest.mark.parametrize("name", MAKERS)
def test_a_rule_does_what_it_does_in_the_event_kernel(name):
    records = records_of(range(24), [name])
    said = {verdict for rule, verdict in decided(records) if rule == name}
    assert bool(said & {"halt", "deny"}) == (name not in NEVER_DENYING)


@pytest.mark.parametrize("name", HALTING)
def test_a_halt_cancels_denies_and_flattens(name):
    records = records_of(range(200, 240), [name])
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
    records = records_of(range(100, 124), [name])
    assert {(name, "deny"), (name, "shrink")} <= decided(records)
    reasons = [order.reason for record in records for order in record.orders]
    assert any("would be left" in reason for reason in reasons)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_rules_together_are_asked_in_the_order_of_the_session(first):
    records = records_of(range(300 + first, 320 + first), list(MAKERS))
    rules = {rule for rule, verdict in decided(records) if verdict in {"deny", "halt"}}
    assert len(rules) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1400, 50))
def test_many_runs_with_rules_trade_as_in_the_event_kernel(first):
    records_of(range(first, first + 50), list(MAKERS))


def halts_of(record):
    """Return the rules that halted a run, and what the gate did last about halts."""
    said = [one for one in record.decisions if str(one.verdict) in {"halt", "resume"}]
    return [one.rule for one in said if one.rule], str(said[-1].verdict) if said else ""


def test_a_halt_that_somebody_must_end_replaces_one_until_the_next_day():
    rules = [DailyLossLimit(0.01, flatten=False), MaxDrawdown(0.03, flatten=False)]
    records = [check(replace(plan_of(seed), rules=rules)) for seed in range(500, 540)]
    found = [halts_of(one) for one in records if one is not None]
    assert (["daily_loss_limit", "max_drawdown"], "halt") in found
    assert any(last == "resume" for _, last in found)


def test_a_halt_that_closes_positions_replaces_one_that_does_not_and_does_not_end_it():
    rules = [MaxDrawdown(0.003, flatten=False), DailyLossLimit(0.01, flatten=True)]
    records = [check(replace(plan_of(seed), rules=rules)) for seed in range(540, 620)]
    replaced = [
        one
        for one in records
        if one is not None and halts_of(one) == (["max_drawdown", "daily_loss_limit"], "halt")
    ]
    assert len(replaced) >= 5
    # The order that closes the position lets a denial be told anew.
    assert any(sum("halted: max_drawdown" in order.reason for order in one.orders) >= 1 for one in replaced)
    assert any(sum("halted: daily_loss" in order.reason for order in one.orders) >= 1 for one in replaced)


class Other(MaxDrawdown):
    """A rule of a user's that goes by the name of a bundled one."""


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([("kill_switch", {"path": "STOP"})], "risk rule 'kill_switch': it looks at a file"),
        ([("spread_guard", {})], "risk rule 'spread_guard': it looks at quotes"),
        ([("liquidity_guard", {})], "risk rule 'liquidity_guard': it looks at books"),
        (
            [("max_order_rate", {"limit": 2, "window_seconds": 10_801})],
            "'max_order_rate': it counts orders over 4 bars, more than its limit of 2",
        ),
        ([("max_open_orders", {"limit": 5})] * 17, "at most 16 risk rules, were 17"),
    ],
)
def test_rules_that_cannot_be_compiled_say_why(rules, reason):
    built = [plugins.build("risk_rules", name, params, "risk") for name, params in rules]
    with pytest.raises(NotCompilable, match=reason):
        CompiledRun(replace(plan_of(1), rules=built))


def test_a_rule_of_others_is_not_taken_for_the_bundled_one_of_its_name():
    with pytest.raises(NotCompilable, match="risk rule 'max_drawdown': what it asks is not known"):
        CompiledRun(replace(plan_of(1), rules=[Other()]))


def test_sessions_without_rules_that_watch_pay_nothing_for_them():
    from hookline.research.compiled.graph import graph_of
    from hookline.research.compiled.source import Figures, Form, source_of

    figures = Figures(returns=False, downside=False, drawdown=False, mean=False)
    graph = graph_of({}, frozenset())
    plain, watching = (
        source_of("one", graph, Form((), figures, False, watches, False)) for watches in (False, True)
    )
    assert "oversee(" in watching
    assert "oversee(" not in plain
    assert "worth" not in plain
