"""Statistics of pairs against statsmodels, numpy and pandas on the same values."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.tsa.stattools import adfuller, coint

from hookline.statistics import (
    adf_p_value,
    engle_granger_p_value,
    hedge_ratio,
    rolling_hedge_ratio,
    zscore,
)


def walks(seed, count=200, beta=1.7, noise=1.0):
    """A random walk around 100 and a series that is tied to it."""
    draws = np.random.default_rng(seed)
    x = 100 + np.cumsum(draws.normal(size=count))
    return 20 + beta * x + noise * draws.normal(size=count), x


@pytest.mark.parametrize("seed", range(5))
def test_the_hedge_ratio_is_the_slope_of_least_squares(seed):
    y, x = walks(seed)
    fitted = sm.OLS(y, sm.add_constant(x)).fit()
    assert hedge_ratio(y, x) == pytest.approx(fitted.params[1], rel=1e-12)
    assert hedge_ratio(y, x) == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)


def test_each_rolling_ratio_knows_its_own_window_only():
    y, x = walks(1, 120)
    found = rolling_hedge_ratio(y, x, 30)
    assert np.isnan(found[:29]).all()
    wanted = [hedge_ratio(y[end - 30 : end], x[end - 30 : end]) for end in range(30, 121)]
    np.testing.assert_allclose(found[29:], wanted, rtol=1e-12)
    covariance = pd.Series(y).rolling(30).cov(pd.Series(x))
    np.testing.assert_allclose(found, covariance / pd.Series(x).rolling(30).var(), rtol=1e-8)
    changed = rolling_hedge_ratio([*y[:80], *(y[80:] + 50)], x, 30)
    np.testing.assert_array_equal(found[:80], changed[:80])


def test_ratios_at_large_prices_keep_their_digits():
    x = 1e8 + np.arange(50.0)
    assert hedge_ratio(3.0 * np.arange(50.0), x) == pytest.approx(3.0, rel=1e-9)


def test_a_series_that_does_not_move_has_no_ratio_and_no_score():
    still, moving = np.full(30, 100.1), np.arange(30.0)
    assert np.isnan(hedge_ratio(moving, still))
    assert hedge_ratio(still, moving) == 0.0
    assert np.isnan(zscore(still))
    assert np.isnan(hedge_ratio([], []))
    assert np.isnan(zscore([1.0]))


def test_unknown_values_stay_unknown():
    y, x = walks(2, 60)
    y[10] = np.nan
    found = rolling_hedge_ratio(y, x, 20)
    assert np.isnan(found[:30]).all()
    assert np.isfinite(found[30:]).all()
    assert np.isnan([zscore(y), engle_granger_p_value(y, x), adf_p_value(y)]).all()


def test_the_zscore_is_that_of_pandas():
    y, _ = walks(3, 80)
    series = pd.Series(y)
    rolling = (series - series.rolling(25).mean()) / series.rolling(25).std()
    assert zscore(y[-25:]) == pytest.approx(rolling.iloc[-1], rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_the_tests_are_those_of_statsmodels(seed):
    y, x = walks(seed, noise=20.0)
    assert engle_granger_p_value(y, x) == coint(y, x)[1]
    assert adf_p_value(y) == adfuller(y, result_object=True).pvalue


def test_a_pair_is_told_from_two_walks():
    y, x = walks(1)
    other = np.cumsum(np.random.default_rng(9).normal(size=200))
    assert engle_granger_p_value(y, x) < 0.001
    assert engle_granger_p_value(y, other) > 0.2
    assert adf_p_value(y - 1.7 * x) < 0.001
    assert adf_p_value(x) > 0.2


def test_what_cannot_be_tested_has_no_p_value():
    y, x = walks(1, 50)
    assert np.isnan(engle_granger_p_value(np.full(50, 3.0), x))
    assert np.isnan(engle_granger_p_value(x, np.full(50, 3.0)))
    assert np.isnan(engle_granger_p_value(2.0 * x + 7.0, x)), "one is a multiple of the other"
    assert np.isnan(engle_granger_p_value(y[:29], x[:29]))
    assert np.isnan(adf_p_value(np.full(50, 3.0)))
    assert np.isnan(adf_p_value([1.0, 2.0, 3.0]))


def test_short_samples_are_tested_without_a_warning():
    y, x = walks(1, 30)
    assert 0.0 <= engle_granger_p_value(y, x) <= 1.0
    assert 0.0 <= adf_p_value(y) <= 1.0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"y and x must be of one length, were \(3,\) and \(2,\)"):
        hedge_ratio([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="window: must be at least 2, was 1"):
        rolling_hedge_ratio([1, 2, 3], [1, 2, 3], 1)


def test_importing_the_module_loads_no_statsmodels():
    code = "import sys, hookline.statistics; print('statsmodels' in sys.modules, 'pandas' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
