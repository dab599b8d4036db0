"""Random risk rules for the random plans, with limits that are met often."""

from dataclasses import replace

import numpy as np
from random_runs import Told, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline.research.compiled import CompiledRun
from hookline.risk import RequireStop
from hookline.session import Session
from hookline_risk.max_drawdown import MaxDrawdown
from hookline_risk.max_order_notional import MaxOrderNotional
from hookline_risk.min_edge import MinEdge


def _order_notional(rng):
    return MaxOrderNotional(float(rng.choice([300.0, 3000.0, 12_000.0, 9999.0])), bool(rng.random() < 0.5))


def _drawdown(rng):
    return MaxDrawdown(float(rng.choice([0.01, 0.05, 0.2])), [None, True, False][rng.integers(3)])


def _edge(rng):
    return MinEdge(float(rng.choice([1.0, 5.0, 30.0])), 1.0, str(rng.choice(["pass", "deny"])))


MAKERS = {
    "require_stop": lambda rng: RequireStop(float(rng.choice([0.0, 0.5, 1.0]))),
    "max_order_notional": _order_notional,
    "max_drawdown": _drawdown,
    "min_edge": _edge,
}


def plan_with_rules(seed, names=tuple(MAKERS), count=120):
    """Return a random plan with some of the rules, in random order; the same seed gives the same one."""
    rng = np.random.default_rng([seed, 1])
    chosen = rng.choice(names, rng.integers(1, min(4, len(names)) + 1), replace=False)
    rules = [MAKERS[str(name)](rng) for name in chosen]
    return replace(plan_of(seed, count), rules=rules, flatten_on_halt=bool(rng.random() < 0.3))


def gate_says(order):
    """Return what the gate has to do with an order: its tag, and its reason where it comes from a rule."""
    is_ruled = order.reason.split(":")[0] in {"halted", *MAKERS}
    return order.number, order.tag, order.reason if is_ruled else ""


def check(plan):
    """Run a plan compiled and through the event kernel, compare all there is, and return the event kernel's record."""
    event = Session(plan).run()
    run = CompiledRun(plan)
    record = run.record(Told())
    assert_same_record(record, event.record)
    assert [gate_says(one) for one in record.orders] == [gate_says(one) for one in event.record.orders]
    assert record.halted == event.record.halted
    assert_same_figures(run.metrics([Told()])[0], event)
    return event.record
