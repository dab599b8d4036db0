"""Models of the place in the queue."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hookline.simulation.queue import PessimisticQueue, ProportionalQueue


def test_pessimistic_cancels_stand_behind_us_until_too_little_is_left():
    model = PessimisticQueue()
    assert model.ahead(3.0, before=10.0, after=6.0, traded=0.0) == 3.0
    assert model.ahead(3.0, before=10.0, after=2.0, traded=0.0) == 2.0
    assert model.ahead(3.0, before=10.0, after=0.0, traded=0.0) == 0.0


def test_more_at_the_level_stands_behind_us():
    for model in (PessimisticQueue(), ProportionalQueue(), ProportionalQueue(3.0)):
        assert model.ahead(3.0, before=5.0, after=9.0, traded=0.0) == 3.0


def test_proportional_cancels_are_shared_by_what_stood_ahead_and_behind():
    # 3 of 10 stood ahead of us: of 4 that went, 1.2 were ahead.
    assert ProportionalQueue().ahead(3.0, before=10.0, after=6.0, traded=0.0) == pytest.approx(1.8)


def test_what_was_traded_is_not_counted_again():
    # Of 10, 4 were traded, which took our 7 ahead to 3. The level is down by just that: nobody canceled.
    assert ProportionalQueue().ahead(3.0, before=10.0, after=6.0, traded=4.0) == 3.0
    # One more went: 3 of the 6 left stood ahead.
    assert ProportionalQueue().ahead(3.0, before=10.0, after=5.0, traded=4.0) == 2.5


def test_the_last_in_the_queue_has_all_cancels_ahead_of_it():
    assert ProportionalQueue().ahead(10.0, before=10.0, after=6.0, traded=0.0) == 6.0


def test_a_higher_power_lets_the_longer_part_of_the_queue_cancel():
    # 9 / (9 + 49) of the 4 that went.
    assert ProportionalQueue(2.0).ahead(3.0, before=10.0, after=6.0, traded=0.0) == pytest.approx(
        3 - 4 * 9 / 58
    )


def test_more_cannot_leave_behind_us_than_stood_there():
    # 1 stood behind: of 9 that went at most 1 was there.
    assert ProportionalQueue(0.0).ahead(9.0, before=10.0, after=1.0, traded=0.0) == pytest.approx(1.0)


AMOUNT = st.floats(0, 1000)


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT, st.sampled_from([0.5, 1.0, 2.0]))
@example(4e-39, 954.2387025153232, 33.0, 33.0, 1.0)  # rounding
@example(5e-324, 5e-324, 0.0, 0.0, 2.0)  # underflow
def test_the_queue_never_grows_and_never_exceeds_the_level(ahead, before, after, traded, power):
    for model in (PessimisticQueue(), ProportionalQueue(power)):
        moved = model.ahead(ahead, before, after, traded)
        assert 0 <= moved <= min(ahead, after)


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT)
def test_pessimistic_is_never_ahead_of_proportional(ahead, before, after, traded):
    args = (ahead, before, after, traded)
    assert ProportionalQueue().ahead(*args) <= PessimisticQueue().ahead(*args)
