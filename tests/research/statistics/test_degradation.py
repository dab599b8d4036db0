"""What is left out of sample, and what it is called."""

from math import inf, isnan, nan

import pytest

from hookline.research.statistics import degradation, degradation_band


@pytest.mark.parametrize(
    ("ratio", "band"),
    [
        (1.3, "excellent"),
        (0.81, "excellent"),
        (0.8, "acceptable"),
        (0.5, "acceptable"),
        (0.49, "weak"),
        (0.2, "weak"),
        (0.19, "poor"),
        (0.0, "poor"),
        (-0.01, "failed"),
        (nan, "undefined"),
    ],
)
def test_bands(ratio, band):
    assert degradation_band(ratio) == band


def test_the_ratio_is_what_is_left():
    assert degradation(2.0, 1.5) == (0.75, "acceptable")
    assert degradation(2.0, -1.0) == (-0.5, "failed")


@pytest.mark.parametrize(("inside", "outside"), [(-1.0, -2.0), (-1.0, 1.0), (0.0, 1.0)])
def test_without_an_edge_in_sample_there_is_no_ratio(inside, outside):
    found = degradation(inside, outside)
    assert isnan(found.ratio)
    assert found.band == "no edge"


@pytest.mark.parametrize(("inside", "outside"), [(nan, 1.0), (1.0, nan), (inf, 1.0), (5e-324, 1e300)])
def test_unknown_figures_have_no_ratio(inside, outside):
    found = degradation(inside, outside)
    assert isnan(found.ratio)
    assert found.band == "undefined"
