"""Probabilistic and deflated Sharpe ratios, against the numbers of the papers and against simulation."""

import re
from math import isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from hookline.research.statistics import (
    SharpeMoments,
    deflated_sharpe,
    expected_maximum,
    independent_trials,
    minimum_backtest_years,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_moments,
)

# Bailey and Lopez de Prado (2012): two years of monthly returns of a hedge fund.
FUND = SharpeMoments(0.458, 24, -2.448, 10.164)
# Bailey and Lopez de Prado (2014): five years of daily returns, yearly ratio 2.5, best of 100 with a yearly variance of 1/2.
BEST = SharpeMoments(2.5 / sqrt(250), 1250, -3.0, 10.0)


def test_the_probabilistic_sharpe_ratio_of_the_paper():
    assert probabilistic_sharpe(SharpeMoments(0.458, 24)) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(FUND) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe(SharpeMoments(0.458, 36, -2.448, 10.164)) == pytest.approx(0.953, abs=6e-4)


@pytest.mark.parametrize(("bars_per_year", "years"), [(250, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_record_of_the_paper(bars_per_year, years):
    # A yearly ratio of 2 that is to be above 1.
    moments = SharpeMoments(2 / sqrt(bars_per_year), 10)
    found = minimum_track_record(moments, 1 / sqrt(bars_per_year)) / bars_per_year
    assert found == pytest.approx(years, abs=5e-3)


def test_the_minimum_track_record_of_a_fund_with_fat_tails_is_that_of_the_paper():
    found = minimum_track_record(SharpeMoments(2 / sqrt(12), 10, -0.72, 5.78), 1 / sqrt(12)) / 12
    assert found == pytest.approx(4.99, abs=5e-3)


def test_the_deflated_sharpe_ratio_of_the_paper():
    found = deflated_sharpe(BEST, 100, 0.5 / 250)
    assert found.threshold == pytest.approx(0.1132, abs=5e-5)
    assert found.probability == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(BEST, 46, 0.5 / 250).probability == pytest.approx(0.9505, abs=5e-5)
    normal = SharpeMoments(BEST.sharpe, 1250)
    assert deflated_sharpe(normal, 88, 0.5 / 250).probability == pytest.approx(0.9505, abs=5e-5)


def test_the_minimum_backtest_length_of_the_paper():
    # "If only five years of data are available, no more than forty-five" trials; the best of ten shows 1.57.
    assert expected_maximum(10) == pytest.approx(1.57, abs=5e-3)
    assert minimum_backtest_years(45) < 5.0 < minimum_backtest_years(46)
    assert minimum_backtest_years(45, sharpe=2.0) == pytest.approx(minimum_backtest_years(45) / 4)


@pytest.mark.parametrize(("trials", "off"), [(2, 0.09), (10, 0.03), (100, 0.02), (1000, 0.01)])
def test_the_expected_maximum_is_that_of_random_numbers(trials, off):
    draws = np.random.default_rng(1).normal(size=(4_000, trials)).max(axis=1).mean()
    assert expected_maximum(trials) == pytest.approx(draws, rel=off + 0.03)


def test_one_trial_is_not_deflated():
    assert expected_maximum(1) == expected_maximum(1.05) == 0.0
    assert deflated_sharpe(FUND, 1, float("nan")).probability == probabilistic_sharpe(FUND)


def test_more_trials_never_help():
    found = [deflated_sharpe(BEST, trials, 0.5 / 250).probability for trials in (1, 1.1, 1.5, 2, 5, 50, 5000)]
    assert found == sorted(found, reverse=True)


def test_at_the_minimum_track_record_one_is_just_as_sure_as_asked():
    bars = minimum_track_record(FUND, 0.1, confidence=0.9)
    at = SharpeMoments(FUND.sharpe, bars, FUND.skew, FUND.kurtosis)
    assert probabilistic_sharpe(at, 0.1) == pytest.approx(0.9)


def test_moments_are_those_of_scipy():
    returns = np.random.default_rng(3).standard_t(5, 400) * 0.01 + 0.001
    moments = sharpe_moments(returns)
    assert moments.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert moments.skew == pytest.approx(stats.skew(returns))
    assert moments.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))


def test_the_probability_is_right_as_often_as_it_says():
    # Without an edge it is uniform, for skewed and fat-tailed returns too.
    for draw in (lambda rng: rng.normal(size=400), lambda rng: rng.exponential(size=400) - 1.0):
        found = [probabilistic_sharpe(sharpe_moments(draw(np.random.default_rng(s)))) for s in range(600)]
        assert stats.kstest(found, "uniform").pvalue > 0.01


def test_the_best_of_many_noises_looks_sure_until_it_is_deflated():
    plain, deflated = [], []
    for seed in range(200):
        trials = np.random.default_rng(seed).normal(0, 0.01, (500, 100))
        ratios = trials.mean(axis=0) / trials.std(axis=0, ddof=1)
        best = sharpe_moments(trials[:, ratios.argmax()])
        plain.append(probabilistic_sharpe(best))
        deflated.append(deflated_sharpe(best, independent_trials(trials), ratios.var(ddof=1)).probability)
    assert np.mean(np.array(plain) > 0.95) > 0.95
    assert np.mean(np.array(deflated) > 0.95) < 0.10
    assert 0.35 < np.mean(deflated) < 0.65


def test_a_true_edge_survives_deflation():
    found = []
    for seed in range(50):
        trials = np.random.default_rng(seed).normal(0, 0.01, (1500, 100))
        trials[:, 7] += 0.002  # a ratio of 0.2 a bar
        ratios = trials.mean(axis=0) / trials.std(axis=0, ddof=1)
        assert ratios.argmax() == 7
        best = sharpe_moments(trials[:, 7])
        found.append(deflated_sharpe(best, 100, ratios.var(ddof=1)).probability)
    assert min(found) > 0.95


def test_independent_trials_are_counted_by_their_mean_correlation():
    rng = np.random.default_rng(1)
    market = rng.normal(size=(500, 1))
    trials = market + 0.5 * rng.normal(size=(500, 40))
    correlations = np.corrcoef(trials.T)[np.triu_indices(40, 1)]
    mean = correlations.mean()
    assert independent_trials(trials) == pytest.approx(mean + (1 - mean) * 40)
    assert independent_trials(np.repeat(market, 40, axis=1)) == pytest.approx(1.0)
    assert independent_trials(rng.normal(size=(5000, 40))) == pytest.approx(40, rel=0.02)


def test_trials_that_never_trade_are_not_counted():
    rng = np.random.default_rng(1)
    trials = np.column_stack([rng.normal(size=(4000, 3)), np.zeros((4000, 5))])
    assert independent_trials(trials) == pytest.approx(3, rel=0.03)
    assert independent_trials(np.zeros((100, 5))) == 1.0
    assert independent_trials(np.zeros((1, 5))) == 1.0


@pytest.mark.parametrize("returns", [[], [0.1], np.zeros(20), np.full(20, 0.01)])
def test_what_does_not_vary_has_no_probability(returns):
    moments = sharpe_moments(returns)
    assert isnan(moments.sharpe)
    assert isnan(probabilistic_sharpe(moments))
    assert isnan(deflated_sharpe(moments, 10, 0.01).probability)
    assert isnan(minimum_track_record(moments))


def test_no_length_proves_a_ratio_that_is_below_the_benchmark():
    assert isnan(minimum_track_record(SharpeMoments(0.05, 100), benchmark=0.05))


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: sharpe_moments([0.1, np.nan]), "returns: must be finite, was nan at bar 1"),
        (lambda: expected_maximum(0.5), "trials: must be at least 1.0, was 0.5"),
        (lambda: deflated_sharpe(FUND, 10, -1.0), "variance: must be at least 0.0, was -1.0"),
        (
            lambda: minimum_track_record(FUND, confidence=1.0),
            "confidence: must be above 0.0 and below 1.0, was 1.0",
        ),
        (lambda: minimum_backtest_years(10, 0.0), "sharpe: must be above 0, was 0.0"),
    ],
)
def test_what_cannot_be_computed_is_named(call, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        call()
