"""Automatic block lengths."""

import numpy as np
import pytest
from noise_series import autoregressive

from hookline.research.statistics import optimal_block_length
from hookline.research.statistics.block_length import _autocovariances, _lengths


def test_lengths_for_a_known_number_of_lags_are_those_of_an_independent_implementation():
    # The arch package publishes these two for this series; it counts lags up to 6, one step further than the rule of the paper.
    noise = np.random.RandomState(0).standard_normal(10_100)
    for i in range(1, len(noise)):
        noise[i] += 0.3 * noise[i - 1]
    lengths = _lengths(_autocovariances(noise[100:], 6), 10_000, 6)
    assert lengths == pytest.approx((13.635665, 15.60894), rel=1e-6)
    assert optimal_block_length(noise[100:]) == pytest.approx(lengths, rel=0.1)


@pytest.mark.parametrize("memory", [0.3, 0.6, -0.4])
def test_lengths_come_near_the_best_ones_of_an_autoregressive_series(memory):
    # For AR(1), G / g(0) of the paper is 2 * memory / (1 - memory**2).
    size = 20_000
    ratio = (2 * memory / (1 - memory**2)) ** 2 * size
    found = [optimal_block_length(autoregressive(np.random.default_rng(s), size, memory)) for s in range(40)]
    assert np.mean([one.stationary for one in found]) == pytest.approx(ratio ** (1 / 3), rel=0.2)
    assert np.mean([one.circular for one in found]) == pytest.approx((1.5 * ratio) ** (1 / 3), rel=0.2)


def test_noise_without_memory_needs_short_blocks():
    found = [optimal_block_length(np.random.default_rng(s).normal(size=2000)).circular for s in range(50)]
    assert np.mean(found) < 8


def test_autocovariances_are_those_of_statsmodels():
    from statsmodels.tsa.stattools import acovf

    values = autoregressive(np.random.default_rng(1), 300, 0.7)
    assert _autocovariances(values, 20) == pytest.approx(acovf(values, nlag=20))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 1.0], np.zeros(50), np.full(50, 3.7)])
def test_too_few_or_constant_values_need_no_blocks(values):
    assert optimal_block_length(values) == (1.0, 1.0)


def test_a_trend_gets_long_blocks_but_not_all_of_it():
    assert 20 < optimal_block_length(np.arange(300.0)).stationary <= np.ceil(3 * np.sqrt(300))
    assert 5 < optimal_block_length(np.arange(30.0)).circular <= 10.0


def test_unknown_values_are_named():
    with pytest.raises(ValueError, match="values: must be finite, was nan at bar 2"):
        optimal_block_length([1.0, 2.0, np.nan])
