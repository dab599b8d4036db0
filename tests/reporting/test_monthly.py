from __future__ import annotations

import numpy as np
import pytest
from run_records import DAY, START, Run, series

from hookline.reporting.curve import Curve
from hookline.reporting.monthly import monthly_returns


def test_a_bar_that_ends_at_midnight_on_the_first_belongs_to_the_month_before():
    days = np.array([31, 60, 91])  # ends of January, February (2024 has a 29th) and March
    months = monthly_returns(Curve(START + days * DAY, np.array([110.0, 99.0, 198.0])), 100.0)
    assert [(row.year, row.month) for row in months] == [(2024, 1), (2024, 2), (2024, 3)]
    assert [row.return_fraction for row in months] == pytest.approx([0.1, -0.1, 1.0])


def test_months_multiply_to_the_total_return():
    bars = series(np.linspace(100.0, 300.0, 500), timeframe="1d")
    result = Run(bars).fill("1 buy 5 @ 100").result()
    whole = np.prod([1 + row.return_fraction for row in result.monthly_returns]) - 1
    assert whole == pytest.approx(result.metrics.total_return)
    assert len(result.monthly_returns) == 17


def test_a_month_after_ruin_is_not_defined():
    months = monthly_returns(Curve(START + np.array([31, 60]) * DAY, np.array([-5.0, 10.0])), 100.0)
    assert months[0].return_fraction == pytest.approx(-1.05)
    assert np.isnan(months[1].return_fraction)


def test_no_bars_no_months():
    assert Run().result().monthly_returns == []
