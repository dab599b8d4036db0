"""Each cause alone, and any fills at all: the parts sum to the whole."""

from __future__ import annotations

from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_accounts import SECOND, account, difference, only, order

from hookline.session.replaying_model import PARTS, Rates
from hookline.session.replaying_run import FundingPoint


def test_equal_runs_have_no_difference():
    live = account((order(1, 0), (1, 1000, 99.0, 0.05)))
    again = account((order(1, 0), (1, 1000, 99.0, 0.05)))
    found = difference(live, again)
    assert only(found) == {}
    assert found.gained_live == found.gained_again == pytest.approx(0.95)


def test_another_price_of_a_taker_is_slippage_with_the_fee_on_it():
    rates = Rates(0.0, 0.001)
    live = account((order(1, 0), (1, 1000, 101.0, 0.101)))
    again = account((order(1, 0), (1, 1000, 100.0, 0.1)))
    assert only(difference(live, again, rates=rates)) == {"slippage": -1.001}


def test_a_maker_that_fills_less_is_the_fill_model():
    live = account((order(1, 0, limit=99.0), (5, 400, 99.0, "maker")))
    again = account((order(1, 0, limit=99.0), (1, 1000, 99.0, "maker")))
    assert only(difference(live, again)) == {"queue": pytest.approx(-0.6)}


def test_an_order_that_took_here_and_rested_there_is_the_fill_model():
    live = account((order(1, 0, limit=99.0), (1, 1000, 98.5)))
    again = account((order(1, 0, limit=99.0), (9, 1000, 99.0, "maker")))
    assert only(difference(live, again)) == {"queue": 0.5}


def test_a_fee_at_another_rate_than_the_models_is_fees():
    rates = Rates(0.0001, 0.001)
    live = account((order(1, 0), (1, 1000, 100.0, 0.3)))
    again = account((order(1, 0), (1, 1000, 100.0, 0.1)))
    assert only(difference(live, again, rates=rates)) == {"fees": -0.2}


def test_funding_that_was_not_paid_as_the_rate_says_is_funding():
    points = [FundingPoint("PERP", 10 * SECOND, -0.02)]
    live = account((order(1, 0), (1, 1000, 100.0)), payments=[(10, "one", -0.05)])
    again = account((order(1, 0), (1, 1000, 100.0)), payments=[(10, "one", -0.02)])
    assert only(difference(live, again, points=points)) == {"funding": -0.03}


def test_funding_on_lots_that_only_one_run_holds_belongs_to_what_made_them():
    points = [FundingPoint("PERP", 10 * SECOND, -0.5)]
    live = account((order(1, 0, limit=100.0), (20, 1000, 100.0, "maker")))
    again = account((order(1, 0, limit=100.0), (1, 1000, 100.0, "maker")), payments=[(10, "one", -0.5)])
    assert only(difference(live, again, points=points)) == {"queue": 0.5}


def test_what_changes_with_latency_alone_is_latency():
    slow = account((order(1, 0), (2, 1000, 101.0)))
    prompt = account((order(1, 0), (1, 1000, 100.0)))
    assert only(difference(slow, slow, prompt)) == {"latency": -1.0}


def test_what_changes_with_complete_data_is_missed():
    late = account((order(1, 5), (5, 1000, 101.0)))
    prompt = account((order(1, 0), (1, 1000, 100.0)), order(2, 1, -1, limit=200.0))
    assert only(difference(late, late, late, prompt)) == {"missed": -1.0}


def test_an_order_of_one_run_only_is_logic_where_both_knew_of_the_same_fills():
    live = account((order(1, 0), (1, 1000, 100.0)), (order(2, 10, -1), (11, 500, 98.0)))
    again = account((order(1, 0), (1, 1000, 100.0)))
    found = difference(live, again)
    assert only(found) == {"logic": -1.0}
    assert [row.live.number for row in found.rows if row.again is None] == [2]


def test_an_order_that_only_the_simulator_makes_is_logic_likewise():
    live = account((order(1, 0), (1, 1000, 100.0)))
    again = account((order(1, 0), (1, 1000, 100.0)), (order(2, 10), (11, 500, 98.0)))
    assert only(difference(live, again)) == {"logic": -1.0}


def test_an_order_that_follows_from_another_fill_belongs_to_that_fill():
    live = account((order(1, 0, limit=99.0), (1, 1000, 99.0, "maker")), (order(2, 10, -1), (11, 1000, 103.0)))
    again = account(order(1, 0, limit=99.0))
    assert only(difference(live, again)) == {"queue": 4.0}


def test_what_another_strategy_has_filled_is_no_input():
    other = (order(7, 0, strategy="two", limit=99.0), (1, 1000, 99.0, "maker"))
    live = account(other, (order(8, 10, -1), (11, 1000, 103.0)))
    again = account(order(7, 0, strategy="two", limit=99.0))
    assert only(difference(live, again)) == {"queue": 1.0, "logic": 3.0}


def test_spot_that_left_as_a_fee_is_fees():
    live = account((order(1, 0), (1, 1000, 100.0)), (order(2, 1, -1, tag="fee in BTC", lots=1), (1, 1, 90.0)))
    again = account((order(1, 0), (1, 1000, 100.0)))
    assert only(difference(live, again)) == {"fees": -0.01}


# -- any runs at all ---------------------------------------------------------------------------------------------------

fills = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(1, 3000),
        st.floats(1.0, 1000.0),
        st.floats(-5.0, 5.0),
        st.sampled_from(["maker", "taker"]),
    ),
    max_size=4,
)


@st.composite
def accounts(draw):
    placed = []
    for number in range(1, draw(st.integers(0, 6)) + 1):
        limit = draw(st.sampled_from([None, 99.0, 100.0]))
        one = order(
            number, draw(st.integers(0, 300)), draw(st.sampled_from([1, -1])), draw(st.sampled_from([500, 1000])),
            limit=limit, strategy=draw(st.sampled_from(["one", "two"])), tag=draw(st.sampled_from(["", "fee in X"])),
        )  # fmt: skip
        placed.append((one, *draw(fills)))
    payments = draw(
        st.lists(
            st.tuples(st.integers(0, 400), st.sampled_from(["one", "two"]), st.floats(-9, 9)), max_size=3
        )
    )
    return account(*placed, payments=payments)


@given(
    accounts(),
    accounts(),
    accounts(),
    accounts(),
    st.lists(st.tuples(st.integers(0, 400), st.floats(-2.0, 2.0)), max_size=4),
)
@settings(max_examples=100)
def test_the_parts_of_any_runs_sum_to_the_whole(live, timed, received, complete, times):
    points = [FundingPoint("PERP", second * SECOND, amount) for second, amount in times]
    found = difference(
        live, timed, received, complete, last=123.0, points=points, rates=Rates(-0.0001, 0.0007)
    )
    assert fsum(found.parts.values()) == pytest.approx(found.total, abs=1e-6)
    assert fsum(row.total for row in found.rows) == pytest.approx(found.total, abs=1e-6)
    for row in found.rows:
        assert fsum(row.parts.values()) == pytest.approx(row.total, abs=1e-6)
    seen = [one.number for row in found.rows for one in row.orders[:1] if one is not None]
    assert sorted(seen) == [one.number for one in live.orders]
    assert set(found.parts) == set(PARTS)


@given(accounts())
@settings(max_examples=50)
def test_a_run_against_itself_has_no_parts(live):
    assert only(difference(live, live)) == {}


def test_the_worked_example_of_the_documentation():
    rates = Rates(0.0, 0.001)
    resting = {"limit": 99.0}
    live = account((order(1, 0), (2, 1000, 101.0, 0.202)), (order(2, 0, **resting), (5, 400, 99.0, "maker")))
    timed = account(
        (order(1, 0), (2, 1000, 100.5, 0.1005)), (order(2, 0, **resting), (5, 1000, 99.0, "maker"))
    )
    prompt = account((order(1, 0), (1, 1000, 100.0, 0.1)), (order(2, 0, **resting), (5, 1000, 99.0, "maker")))
    found = difference(live, timed, prompt, last=103.0, rates=rates)
    assert only(found) == {"latency": -0.5005, "queue": -2.4, "fees": -0.101, "slippage": -0.5005}
    assert (found.gained_live, found.gained_again) == (pytest.approx(3.398), pytest.approx(6.9))
    assert found.total == pytest.approx(-3.502)
