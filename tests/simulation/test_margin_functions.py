"""Margin arithmetic against its rules, and liquidation prices against a search that knows no formula."""

import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hookline.model.instrument import MarginTier, TierStyle
from hookline.simulation.margin import (
    initial_margin,
    liquidation_price,
    maintenance_margin,
    max_leverage,
    tiers_of,
)

D = Decimal
ROWS = [
    MarginTier(D(10_000), D("0.004"), D(125)),
    MarginTier(D(50_000), D("0.01"), D(50)),
    MarginTier(D(200_000), D("0.025"), D(20)),
    MarginTier(None, D("0.05"), D(10)),
]
MARGINAL, FLAT = tiers_of(ROWS), tiers_of(ROWS, TierStyle.FLAT)
notionals = st.floats(0, 1e6)


@given(notionals)
def test_marginal_maintenance_adds_each_rate_for_the_part_inside_its_tier(notional):
    lower, total = D(0), D(0)
    for tier in ROWS:
        upper = D(notional) if tier.up_to is None else min(tier.up_to, D(notional))
        total += max(D(0), upper - lower) * tier.maintenance
        lower = upper

    assert maintenance_margin(notional, MARGINAL) == pytest.approx(float(total), rel=1e-9, abs=1e-9)


def test_flat_maintenance_takes_one_rate_for_all_and_jumps_at_the_border():
    assert maintenance_margin(10_000, FLAT) == pytest.approx(40)
    assert maintenance_margin(10_001, FLAT) == pytest.approx(100.01)
    assert maintenance_margin(10_001, MARGINAL) == pytest.approx(40.01)


@pytest.mark.parametrize(
    ("notional", "most"), [(1, 125), (10_000, 125), (10_001, 50), (200_000, 20), (10**9, 10)]
)
def test_leverage_is_limited_by_the_tier(notional, most):
    assert max_leverage(notional, MARGINAL) == most
    assert initial_margin(notional, 1_000, MARGINAL) == pytest.approx(notional / most)
    assert initial_margin(notional, 5, MARGINAL) == pytest.approx(notional / 5)


def test_beyond_the_last_tier_nothing_can_be_opened_and_its_rate_goes_on():
    ending = tiers_of([MarginTier(D(1_000), D("0.01"), D(20))])

    assert max_leverage(1_001, ending) == 0
    assert initial_margin(1_001, 5, ending) == math.inf
    assert maintenance_margin(2_000, ending) == pytest.approx(20)


def excess(price, start, equity, long, short, tiers, fee):
    """What is left above maintenance and the fee of closing."""
    needed = sum(
        maintenance_margin(quantity * price, tiers) + fee * quantity * price
        for quantity in (long, short)
        if quantity
    )
    return equity + (long - short) * (price - start) - needed


def probes(step, long, short, start, tiers):
    """Prices on the way, a thousandth apart, and on both sides of every border that a side of the position crosses."""
    borders = [border / quantity for quantity in (long, short) if quantity for border in tiers.up_to[:-1]]
    near = [border * (1 + nudge) for border in borders for nudge in (1e-11, -1e-11)]
    steps = [start * (1 + step * 0.001) ** count for count in range(1, 9_300)]
    return sorted(
        (price for price in (*steps, *near) if (price - start) * step > 0 and price < start * 1e4),
        reverse=step < 0,
    )


def searched(step, long, short, start, equity, tiers, fee):
    """The first price on the way without any formula: try every probe, then halve the last stretch."""
    near = start
    for far in probes(step, long, short, start, tiers):
        if excess(far, start, equity, long, short, tiers, fee) <= 0:
            break
        near = far
    else:
        return math.nan
    for _ in range(100):
        middle = (near + far) / 2
        if excess(middle, start, equity, long, short, tiers, fee) > 0:
            near = middle
        else:
            far = middle
    return far


@given(
    step=st.sampled_from([1, -1]),
    long=st.sampled_from([0.0, 0.3, 1.0, 7.0, 40.0]),
    short=st.sampled_from([0.0, 0.5, 1.0, 12.0]),
    start=st.sampled_from([100.0, 5_000.0, 20_000.0]),
    share=st.floats(0.02, 1.5),
    tiers=st.sampled_from([MARGINAL, FLAT]),
    fee=st.sampled_from([0.0, 0.0005]),
)
def test_liquidation_price_is_where_a_search_finds_it(step, long, short, start, share, tiers, fee):
    equity = share * (long + short) * start
    assume(long + short > 0)
    assume(excess(start, start, equity, long, short, tiers, fee) > 0)

    found = liquidation_price(step, long, short, start, equity, tiers, fee)
    expected = searched(step, long, short, start, equity, tiers, fee)

    if math.isnan(expected):
        assert math.isnan(found) or not start * 1.1e-4 < found < start * 0.9e4
    else:
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_position_that_is_due_already_is_liquidated_at_the_price_it_starts_from():
    assert liquidation_price(-1, 1.0, 0.0, 100.0, 0.1, MARGINAL) == 100.0
    assert math.isnan(liquidation_price(1, 1.0, 0.0, 100.0, 50.0, MARGINAL))
