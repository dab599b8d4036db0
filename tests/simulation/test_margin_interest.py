"""Interest on borrowed spot: who pays, how much and when."""

from decimal import Decimal

import pytest

import hookline as hl
from hookline.simulation.funding import InterestSchedule, funding_payment, interest_payment

DAY = 86_400 * 10**9
BORROWED = hl.Instrument("A", borrow_limit=Decimal(10), borrow_rate=Decimal("0.0365"))


def test_what_is_borrowed_pays_a_365th_of_the_yearly_rate_a_day():
    assert interest_payment(-2.0, 100.0, 0.0365) == pytest.approx(-2 * 100 * 0.0001)
    assert interest_payment(-2.0, 100.0, 0.0365, 7 * DAY) == pytest.approx(-2 * 100 * 0.0007)


def test_what_is_held_pays_nothing():
    assert interest_payment(2.0, 100.0, 0.0365) == 0.0


def test_funding_goes_from_longs_to_shorts_while_the_rate_is_positive():
    assert funding_payment(2.0, 100.0, 0.001) == pytest.approx(-0.2)
    assert funding_payment(-2.0, 100.0, 0.001) == pytest.approx(0.2)


def test_it_is_due_at_every_midnight():
    schedule = InterestSchedule({"A": BORROWED, "B": hl.Instrument("B")})
    schedule.skip_before(3 * DAY - 1)

    assert [schedule.pop() for _ in range(2)] == [(3 * DAY, {"A": 0.0365}), (4 * DAY, {"A": 0.0365})]
    schedule.skip_before(9 * DAY)
    assert schedule.due == 9 * DAY


@pytest.mark.parametrize("terms", [{}, {"borrow_limit": Decimal(5)}, {"borrow_rate": Decimal("0.1")}])
def test_without_a_limit_or_a_rate_nothing_is_ever_due(terms):
    schedule = InterestSchedule({"B": hl.Instrument("B", **terms)})
    schedule.skip_before(5 * DAY)

    assert schedule.due == 2**63 - 1
