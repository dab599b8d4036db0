"""Returns by day: a day ends with the last bar that ends in it, midnight included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.reporting.curve import Curve
from hookline.reporting.daily import ends_of_days, returns_by_day

HOUR = 3600 * 10**9
DAY = 24 * HOUR


def test_a_bar_that_ends_at_midnight_belongs_to_the_day_before():
    curve = Curve(np.array([12, 24, 36, 48]) * HOUR, np.array([90.0, 110.0, 100.0, 121.0]))
    found = returns_by_day(curve, 100.0)
    assert found.time.tolist() == [DAY, 2 * DAY]
    assert found.value.tolist() == pytest.approx([0.1, 0.1])


def test_days_without_bars_bring_nothing_and_longer_bars_are_their_own():
    curve = Curve(np.array([7, 14, 21]) * DAY, np.array([110.0, 121.0, 121.0]))
    assert returns_by_day(curve, 100.0).value.tolist() == pytest.approx([0.1, 0.1, 0.0])


def test_without_bars_there_is_no_day():
    assert len(returns_by_day(Curve(np.empty(0, np.int64), np.empty(0)), 100.0).time) == 0


@given(st.lists(st.integers(1, 5 * 24 * 60), min_size=1, max_size=60), st.integers(-1000, 30_000))
def test_every_bar_is_of_the_day_that_its_last_moment_is_of(minutes, first_day):
    time = np.cumsum(minutes) * 60 * 10**9 + first_day * DAY
    day = (time - 1) // DAY
    expected = [index for index in range(len(day)) if index + 1 == len(day) or day[index + 1] != day[index]]
    assert ends_of_days(time).tolist() == expected
