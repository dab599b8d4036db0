"""What holds in a shared account whatever strategies ask for; the sum is checked after every event (``netting_runs.Audited``)."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from netting_runs import PERP, SPOT, check_record, random_run, tape_run, told

from hookline.session.plan import JournalPlan

SEEDS, SIZES = st.integers(0, 2**32), st.integers(2, 60)


@pytest.mark.parametrize("instrument", [PERP, SPOT], ids=["perpetual", "spot"])
@pytest.mark.parametrize("cash", [1e6, 40.0], ids=["rich", "poor"])
@settings(max_examples=25)
@given(size=SIZES, seed=SEEDS)
@example(size=27, seed=678916291)  # an older order leaves less than an order wants whose amendment waits
@example(size=46, seed=1533574825)  # the same of spot
@example(size=49, seed=558366790)  # an amendment asks for the very quantity that its order was cut to
def test_strategies_always_add_up_to_the_account(instrument, cash, size, seed):
    session, record = random_run(size, seed, instrument=instrument, cash=cash)
    check_record(session, record)


@settings(max_examples=25)
@given(size=SIZES, seed=SEEDS)
def test_the_same_strategies_give_the_same_orders(size, seed):
    assert told(random_run(size, seed)[1]) == told(random_run(size, seed)[1])


@settings(max_examples=25)
@given(size=SIZES, seed=SEEDS)
def test_a_stream_gives_what_a_backtest_gives(size, seed):
    assert told(random_run(size, seed, mode="paper")[1]) == told(random_run(size, seed)[1])


@settings(max_examples=40)
@given(size=SIZES, seed=SEEDS)
@example(size=30, seed=1243467)  # a second amendment of a cut order while the first one waits
def test_a_strategy_alone_trades_as_it_would_in_an_account_of_its_own(size, seed):
    terms = {"count": 1, "plain": 1, "reduces": False}
    _, apart = random_run(size, seed, netted=False, **terms)
    _, netted = random_run(size, seed, **terms)
    assert told(netted)[1] == told(apart)[1]


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
def test_it_all_holds_on_a_tape(seed):
    session, record = tape_run(seed, minutes=4.0)
    check_record(session, record)
    assert len(record.fills) > 20


def test_a_tape_gives_the_same_orders_twice():
    assert told(tape_run(7, minutes=3.0)[1]) == told(tape_run(7, minutes=3.0)[1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_restarts_change_no_order_and_no_fill(tmp_path, seed):
    _, whole = random_run(40, seed, mode="paper", journal=JournalPlan(tmp_path / "whole"))
    for hours in (4, 5, 9, 16, 17, 30, None):
        _, parts = random_run(40, seed, mode="paper", journal=JournalPlan(tmp_path / "parts"), hours=hours)
    assert parts.fills == whole.fills
    assert [(o.number, o.status, o.reason) for o in parts.orders] == [
        (o.number, o.status, o.reason) for o in whole.orders
    ]
