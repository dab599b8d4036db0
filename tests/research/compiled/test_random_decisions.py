"""Random decisions on random bars, compiled and through the event kernel."""

import pytest
from random_runs import Told, plan_of
from same_runs import assert_same_figures, assert_same_record

from hookline.research.compiled import CompiledRun
from hookline.session import Session


def check(seed):
    event = Session(plan_of(seed)).run()
    run = CompiledRun(plan_of(seed))
    assert_same_record(run.record(Told()), event.record)
    assert_same_figures(run.metrics([Told()])[0], event)
    return event.record


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_random_decisions_trade_as_in_the_event_kernel(first):
    for seed in range(first, first + 10):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 400, 50))
def test_many_random_decisions_trade_as_in_the_event_kernel(first):
    for seed in range(first, first + 50):
        check(seed)


def test_random_decisions_meet_every_kind_of_order():
    records = [check(seed) for seed in range(60, 90)]
    seen = {(order.tag, str(order.type), str(order.status)) for one in records for order in one.orders}
    assert {
        ("entry", "market", "filled"),
        ("entry", "market", "canceled"),
        ("entry", "market", "rejected"),
        ("entry", "market", "denied"),
        ("entry", "stop", "filled"),
        ("entry", "stop", "canceled"),
        ("entry", "limit", "filled"),
        ("exit", "market", "filled"),
        ("reduce", "market", "filled"),
        ("protect", "stop", "filled"),
        ("protect", "limit", "filled"),
        ("liquidation", "market", "filled"),
    } <= seen
