"""Figures of reordered returns: the definitions are those of a run."""

import numpy as np
import pytest
from scipy import stats

from hookline.reporting.curve import Curve
from hookline.reporting.metrics import YEAR_NS, curve_metrics
from hookline.research.statistics.reordering import FIGURES, Earnings, figures_of

DAY = 86_400 * 10**9


def earnings(returns):
    returns = np.asarray(returns, float)
    return Earnings(returns[:, None], np.ones((len(returns), 1)), np.zeros(len(returns)))


def figures(returns, bars_per_year=365.0):
    found = figures_of(earnings(returns).actual(), len(returns), bars_per_year)
    return {name: values[0] for name, values in found.items()}


def test_figures_are_those_of_a_run_with_these_returns():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 500)
    equity = 1000.0 * np.cumprod(1 + returns)
    run = curve_metrics(Curve(np.arange(1, 501) * DAY, equity), 1000.0, 0)
    assert YEAR_NS == 365 * DAY
    found = figures(returns)
    for name in FIGURES:
        if name != "mean_return":
            assert found[name] == pytest.approx(getattr(run, name), rel=1e-9), name
    assert found["mean_return"] == pytest.approx(returns.mean())


def test_growth_beyond_the_range_of_floats_is_not_defined_but_its_yearly_rate_is():
    found = figures(np.full(100_000, 0.1))
    assert np.isnan(found["total_return"])
    assert found["cagr"] == pytest.approx(1.1**365 - 1)
    assert np.isnan(found["sharpe"])  # nothing varies
    falls = figures(np.full(100_000, -0.1), bars_per_year=1.0)
    assert (found["max_drawdown"], falls["total_return"]) == (0.0, -1.0)
    assert falls["cagr"] == pytest.approx(-0.1)


@pytest.mark.parametrize("value", [0.1, 0.007, 1 / 3, -0.013])
def test_rounding_errors_are_no_volatility(value):
    for bars in (7, 77, 777):
        found = figures(np.full(bars, value))
        assert found["volatility"] == 0.0
        assert np.isnan(found["sharpe"])


def test_losing_more_than_everything_leaves_nothing():
    found = figures([0.5, -1.5, 0.5])
    assert (found["total_return"], found["cagr"], found["max_drawdown"]) == (-1.0, -1.0, 1.0)


def test_permutations_are_uniform():
    # The bar that comes last is any of four, and so is the one before: 12 pairs, equally often.
    moves = np.array([0.1, 0.2, 0.3, 0.4])
    weights = Earnings(moves[:, None], np.array([[0.0], [0.0], [10.0], [1.0]]), np.zeros(4))
    sums = np.round(weights.shuffled(24_000, 1)[:, 0] * 4, 6)
    counts = np.unique(sums, return_counts=True)[1]
    assert len(counts) == 12
    assert stats.chisquare(counts).pvalue > 0.01


def test_variance_of_a_stationary_bootstrap_mean_is_the_published_one():
    # Politis and Romano (1994), lemma 1.
    values = np.cumsum(np.random.default_rng(2).normal(size=60)) * 0.01
    size, share = len(values), 1 / 8
    away = values - values.mean()
    circular = [(away * np.roll(away, lag)).mean() for lag in range(size)]
    weights = [
        (1 - lag / size) * (1 - share) ** lag + lag / size * (1 - share) ** (size - lag)
        for lag in range(1, size)
    ]
    expected = (circular[0] + np.dot(weights, circular[1:])) / size
    means = earnings(values).resampled(40_000, 5, 8.0)[:, 0]
    assert means.var() == pytest.approx(expected, rel=0.04)
    assert means.mean() == pytest.approx(values.mean(), abs=4 * np.sqrt(expected / 40_000))
