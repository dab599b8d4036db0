"""Values equal those of TA-Lib, pandas or an independent reference, on a random walk and on recorded bars."""

from pathlib import Path

import numpy as np
import pytest
from columns_cases import CASES, Case
from columns_data import random_walk, recorded

from hookline.columns import Bars, Batch
from hookline.model import BarSeries


def check(case: Case, series: BarSeries) -> None:
    frame = series.to_frame()
    expected = [np.asarray(values, dtype=float) for values in case.oracle(frame)]
    columns = list(case.build(Bars()))
    assert len(columns) == len(expected)
    computed = Batch(series).compute(columns)
    for column, *pair in zip(columns, computed, expected, strict=True):
        found, wanted = (values[case.settled :] for values in pair)
        assert np.isfinite(wanted).any(), column
        # A share of the column's own scale: differences of prices carry the rounding of prices.
        scale = max(np.nanmax(np.abs(wanted)), frame.close.abs().max() * 1e-3)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9 * scale, err_msg=repr(column))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_on_a_random_walk_equal_the_oracle(case: Case) -> None:
    check(case, random_walk())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_values_on_recorded_bars_equal_the_oracle(case: Case, real_data: Path) -> None:
    check(case, recorded(real_data, 1500))
