"""Values that know too much are told from those that are lucky."""

import numpy as np
import pytest
from leak_sessions import BARS

from hookline.columns import ExternalSeries
from hookline.research.peeking.foresight import (
    foresight_of,
    hit_rate,
    rank_correlation,
    scale_of,
    values_at,
)
from hookline.testing.market import random_bars

HOUR = 3_600 * 10**9


def test_chance_is_not_suspected():
    found = []
    for seed in range(60):
        draws = np.random.default_rng(seed)
        bars = random_bars("ONE", 600, seed=seed)
        size = len(bars)
        noise, walk = draws.standard_normal(size), draws.standard_normal(size).cumsum()
        past = np.append(0.0, np.diff(bars.close))
        flags = (draws.random(size) < 0.2).astype(float)
        found += [foresight_of(values, bars) for values in (noise, walk, past, flags, bars.close, bars.open)]
    assert found == [None] * 360


def test_a_value_that_foresees_a_tenth_is_luck_or_skill_and_one_that_foresees_all_is_neither():
    later = np.append(np.diff(np.log(BARS.close)), np.nan)
    noise = np.random.default_rng(1).standard_normal(1_000) * np.nanstd(later)
    assert foresight_of(0.1 * later + noise, BARS) is None
    found = foresight_of(3.0 * later + noise, BARS)
    assert found is not None
    assert found.bars == 1
    assert found.strength > 0.8


def test_little_is_said_of_few_values():
    values = np.full(1_000, np.nan)
    values[:50] = BARS.close[1:51]
    assert foresight_of(values, BARS) is None


def test_only_bars_on_which_something_was_new_count():
    series = ExternalSeries(BARS.end[::4] + HOUR // 2, np.arange(250.0))
    values = values_at(series, BARS)
    assert np.flatnonzero(~np.isnan(values)).tolist() == list(range(1, 1_000, 4))
    assert values[5] == 1.0


def test_a_price_known_within_a_bar_is_compared_at_its_end():
    # Known every half hour: what is known at a bar's end is the close itself, which foresees nothing.
    times = np.sort(np.concatenate((BARS.end - HOUR // 2, BARS.end)))
    prices = np.repeat(BARS.close, 2)
    assert foresight_of(values_at(ExternalSeries(times, prices), BARS), BARS) is None


def test_flags_before_rises():
    rises = np.append(BARS.close[1:] > BARS.open[1:], False)
    rows = np.flatnonzero(rises)[:60]
    flags = np.zeros(1_000)
    flags[rows] = 1.0
    found = foresight_of(flags, BARS)
    assert found is not None
    assert "the next bar goes up 100% of 60 times" in found.text
    assert hit_rate(rows[:20], BARS, "few") is None


def test_sides_are_proved_right_or_wrong():
    rows = np.arange(0, 900, 5)
    sides = np.sign(BARS.close[rows + 1] - BARS.open[rows + 1]).astype(np.int64)
    found = hit_rate(rows, BARS, "orders", sides)
    assert found is not None
    assert found.strength == 1.0
    # Always wrong is no foresight: such a strategy loses.
    assert hit_rate(rows, BARS, "orders", -sides) is None


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 2, 3, 4] * 10, [10, 20, 30, 40] * 10, 1.0), ([1, 2, 3, 4] * 10, [4, 3, 2, 1] * 10, -1.0), ([1] * 40, [1, 2] * 20, 0.0)],
)  # fmt: skip
def test_rank_correlation_by_hand(first, second, expected):
    assert rank_correlation(np.array(first, float), np.array(second, float)) == pytest.approx(expected)


def test_rank_correlation_is_scipys():
    from scipy.stats import spearmanr

    draws = np.random.default_rng(2)
    one = np.round(draws.standard_normal(300), 1)
    other = np.round(one + draws.standard_normal(300), 1)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)


def test_scales_of_the_whole_sample():
    values = np.random.default_rng(3).standard_normal(500)
    assert scale_of(values) == ""
    assert "standardized" in scale_of((values - values.mean()) / values.std(ddof=1))
    assert "range" in scale_of((values - values.min()) / np.ptp(values))
    # An oscillator that touches its bounds again and again is not scaled to them.
    assert scale_of(np.clip(values, 0.0, 1.0)) == ""
    assert scale_of(np.array([0.0, 1.0] * 250)) == ""
