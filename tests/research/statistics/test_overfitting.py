"""The probability of backtest overfitting, by combinatorially symmetric cross-validation."""

import re
from itertools import combinations
from math import comb, log

import numpy as np
import pytest

from hookline.research.statistics import (
    overfitting_of_parts,
    part_sums,
    probability_of_overfitting,
)


def noise(seed, bars=800, trials=40):
    return np.random.default_rng(seed).normal(0, 0.01, (bars, trials))


def sharpe(returns):
    return returns.mean(axis=0) / returns.std(axis=0, ddof=1)


def test_all_combinations_worked_out_one_by_one():
    returns = noise(1, bars=46, trials=5)
    pieces = np.array_split(returns, 6)
    logits, inside, outside, chosen = [], [], [], []
    for halves in combinations(range(6), 3):
        seen = sharpe(np.concatenate([pieces[k] for k in halves]))
        unseen = sharpe(np.concatenate([pieces[k] for k in range(6) if k not in halves]))
        best = int(seen.argmax())
        rank = (1 + (unseen < unseen[best]).sum()) / 6
        logits.append(log(rank / (1 - rank)))
        inside.append(seen[best])
        outside.append(unseen[best])
        chosen.append(best)
    found = probability_of_overfitting(returns, parts=6)
    assert found.logits == pytest.approx(np.array(logits))
    assert found.in_sample == pytest.approx(np.array(inside))
    assert found.out_of_sample == pytest.approx(np.array(outside))
    assert found.chosen.tolist() == chosen
    assert found.probability == pytest.approx(np.mean(np.array(logits) <= 0))
    assert found.loss_probability == pytest.approx(np.mean(np.array(outside) < 0))
    slope, intercept = np.polyfit(inside, outside, 1)
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept))
    assert found.r_squared == pytest.approx(np.corrcoef(inside, outside)[0, 1] ** 2)


def test_every_combination_is_tried():
    found = probability_of_overfitting(noise(1))
    assert len(found.logits) == comb(16, 8) == 12_870
    assert (found.trials, found.parts) == (40, 16)


def test_choosing_among_noise_is_overfitting():
    found = [probability_of_overfitting(noise(seed), parts=10) for seed in range(60)]
    assert 0.45 < np.mean([one.probability for one in found]) < 0.7
    assert np.mean([one.loss_probability for one in found]) > 0.4
    # What one half of the noise has more of, the other has less of.
    assert np.mean([one.slope for one in found]) < 0


def test_choosing_a_true_edge_is_not():
    for seed in range(10):
        returns = noise(seed)
        returns[:, 3] += 0.003
        found = probability_of_overfitting(returns, parts=12)
        assert found.probability < 0.05
        assert found.loss_probability < 0.05
        assert (found.chosen == 3).mean() > 0.95


def test_an_edge_that_lasts_half_of_the_time_does_not_pass_for_one():
    returns = noise(2, trials=20)
    for trial in range(20):  # each has its lucky twentieth
        returns[trial * 40 : trial * 40 + 40, trial] += 0.01
    assert probability_of_overfitting(returns).probability > 0.5


def test_trials_may_be_summed_up_one_by_one():
    returns = noise(3, trials=7)
    joined = np.concatenate([part_sums(returns[:, trial], 8) for trial in range(7)], axis=2)
    assert np.array_equal(overfitting_of_parts(joined).logits, probability_of_overfitting(returns, 8).logits)


def test_many_trials_are_compared_a_few_combinations_at_a_time(monkeypatch):
    returns = noise(3, trials=7)
    whole = probability_of_overfitting(returns, 8)
    monkeypatch.setattr("hookline.research.statistics.overfitting._BATCH", 40)
    assert np.array_equal(probability_of_overfitting(returns, 8).logits, whole.logits)


def test_means_may_be_compared_instead():
    returns = noise(4, trials=10)
    returns[:, 2] = returns[:, 2] * 5 + 0.005  # earns most, at five times the risk
    returns[:, 6] += 0.004
    assert (probability_of_overfitting(returns).chosen == 6).all()
    assert (probability_of_overfitting(returns, statistic="mean_return").chosen == 2).mean() > 0.5


def test_trials_that_never_trade_are_worth_nothing():
    losing = noise(5, trials=3) - 0.01
    found = probability_of_overfitting(np.column_stack([losing, np.zeros(800)]))
    assert (found.chosen == 3).all()
    assert (found.in_sample == 0).all()
    assert np.isnan(found.slope)  # one point is no line


def test_equal_trials_share_the_middle_rank():
    found = probability_of_overfitting(np.zeros((100, 4)), parts=4)
    assert found.logits == pytest.approx(np.zeros(6))
    assert found.probability == 1.0  # nothing is better than the median


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"parts": 5}, "parts: must be even, from 2 to 20, was 5"),
        ({"parts": 22}, "parts: must be even, from 2 to 20, was 22"),
        ({"returns": np.zeros((31, 3))}, "bars: must be at least 32, was 31"),
        ({"returns": np.zeros((40, 1))}, "trials: must be at least 2, was 1"),
        ({"returns": np.zeros(40)}, "trials: must be at least 2, was 1"),
        ({"returns": np.full((40, 2), np.nan)}, "returns: must be finite, was nan at bar 0"),
        ({"statistic": "calmar"}, "statistic: must be one of sharpe, mean_return, was 'calmar'"),
    ],
)
def test_what_cannot_be_compared_is_named(change, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        probability_of_overfitting(**{"returns": np.zeros((40, 3)), **change})
