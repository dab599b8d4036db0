"""Confidence intervals by resampling."""

import re

import numpy as np
import pytest
from noise_series import autoregressive
from scipy import stats

from hookline.research.statistics import bootstrap_intervals


def sharpe(values, axis=-1):
    return values.mean(axis=axis) / values.std(axis=axis, ddof=1)


def deviation(values, axis=-1):
    return values.std(axis=axis, ddof=1)


def skewed(size=120):
    return np.random.default_rng(3).exponential(size=size) * 0.01 - 0.008


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize(
    ("figure", "statistic", "size"),
    [("mean_return", np.mean, 120), ("sharpe", sharpe, 120), ("volatility", deviation, 30)],
)
def test_without_blocks_intervals_are_those_of_scipy(method, figure, statistic, size):
    returns = skewed(size)
    expected = stats.bootstrap(
        (returns,), statistic, method=method, n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    found = bootstrap_intervals(
        returns, figures=[figure], method=method, block_length=1, samples=20_000, seed=2
    )[figure]
    width = expected.high - expected.low
    assert found.value == pytest.approx(statistic(returns))
    assert found.low == pytest.approx(expected.low, abs=0.03 * width)
    assert found.high == pytest.approx(expected.high, abs=0.03 * width)


def covered(make, figure, truth, confidence, **options):
    hits = []
    for seed in range(250):
        returns = make(np.random.default_rng(seed))
        found = bootstrap_intervals(
            returns, figures=[figure], confidence=confidence, samples=400, seed=seed, threads=1, **options
        )[figure]
        hits.append(found.low <= truth <= found.high)
    return np.mean(hits)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_hold_the_true_sharpe_ratio_as_often_as_they_say(method):
    share = covered(lambda rng: rng.normal(0.001, 0.01, 300), "sharpe", 0.1, 0.9, method=method)
    assert 0.85 < share < 0.95


def test_blocks_widen_intervals_where_returns_remember():
    def remembering(rng):
        return autoregressive(rng, 500, 0.5)

    single = covered(remembering, "mean_return", 0.0, 0.9, method="percentile", block_length=1)
    chosen = covered(remembering, "mean_return", 0.0, 0.9, method="percentile")
    assert single < 0.78
    assert chosen > 0.82


def test_bca_leans_the_way_the_returns_are_skewed():
    returns = skewed()
    plain = bootstrap_intervals(returns, figures=["mean_return"], method="percentile", block_length=1)
    corrected = bootstrap_intervals(returns, figures=["mean_return"], method="bca", block_length=1)
    assert corrected["mean_return"].low > plain["mean_return"].low
    assert corrected["mean_return"].high > plain["mean_return"].high


def test_a_higher_confidence_is_a_wider_interval_around_the_figure():
    returns = np.random.default_rng(1).normal(0.0005, 0.01, 400)
    narrow = bootstrap_intervals(returns, confidence=0.5, bars_per_year=365.0)
    wide = bootstrap_intervals(returns, confidence=0.99, bars_per_year=365.0)
    for figure in ("mean_return", "sharpe", "cagr"):
        ends = (wide[figure].low, narrow[figure].low, narrow[figure].high, wide[figure].high)
        assert list(ends) == sorted(ends)
        assert wide[figure].low < wide[figure].value < wide[figure].high
    assert 0.0 < wide["max_drawdown"].low < wide["max_drawdown"].high < 1.0


def test_drawdowns_are_given_by_percentiles_whatever_the_method():
    returns = np.random.default_rng(1).normal(0.0005, 0.01, 400)
    bca, percentile = (
        bootstrap_intervals(returns, figures=["max_drawdown"], method=method)["max_drawdown"]
        for method in ("bca", "percentile")
    )
    assert (bca.low, bca.high) == (percentile.low, percentile.high)
    assert bca.low == pytest.approx(np.quantile(bca.samples, 0.025))


def test_the_same_seed_gives_the_same_interval_on_any_number_of_threads():
    returns = np.random.default_rng(1).normal(size=200)
    one, four = (bootstrap_intervals(returns, seed=4, threads=n)["sharpe"] for n in (1, 4))
    other = bootstrap_intervals(returns, seed=5)["sharpe"]
    assert (one.low, one.high) == (four.low, four.high) != (other.low, other.high)


@pytest.mark.parametrize("returns", [[], [0.1]])
def test_fewer_than_two_returns_say_nothing(returns):
    found = bootstrap_intervals(returns)["mean_return"]
    assert np.isnan([found.value, found.low, found.high]).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_returns_that_do_not_vary_have_a_mean_but_no_sharpe_ratio(method):
    for value in (0.0, 0.01):
        found = bootstrap_intervals(np.full(30, value), method=method, samples=100)
        assert found["mean_return"].low == found["mean_return"].high == pytest.approx(value)
        assert np.isnan([found["sharpe"].value, found["sharpe"].low]).all()


def test_two_returns_are_enough_to_run():
    found = bootstrap_intervals([0.01, -0.01], samples=50)
    assert found["mean_return"].low <= found["mean_return"].high


def test_a_figure_that_many_samples_do_not_have_has_no_interval():
    # One trade: a third of all samples miss it.
    returns = np.zeros(100)
    returns[40] = 0.05
    found = bootstrap_intervals(returns, figures=["sharpe"], block_length=1)["sharpe"]
    assert np.isfinite(found.value)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"returns": [0.1, np.nan]}, "returns: must be finite, was nan at bar 1"),
        ({"figures": ["gain"]}, "figures: must be of mean_return,"),
        ({"method": "normal"}, "method: must be one of bca, percentile, was 'normal'"),
        ({"confidence": 95}, "confidence: must be above 0.0 and below 1.0, was 95"),
        ({"samples": 0}, "samples: must be at least 1, was 0"),
        ({"block_length": 0.5}, "block_length: must be at least 1, was 0.5"),
    ],
)
def test_what_cannot_be_resampled_is_named(change, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        bootstrap_intervals(**{"returns": [0.1, 0.2], **change})
