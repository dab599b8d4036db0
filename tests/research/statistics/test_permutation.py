"""Permutation tests: how often chance does as well."""

import re

import numpy as np
import pytest
from noise_series import autoregressive, held_for
from scipy import stats

from hookline.research.statistics import p_value_band, permutation_test, permutation_tests

SCHEMES = ["returns", "blocks", "shifts"]
SEEDS = 500


def p_values(make, scheme, objective="sharpe", seeds=SEEDS, **options):
    """Return the p-value of each of many strategies that know nothing."""
    found = []
    for seed in range(seeds):
        returns, positions = make(np.random.default_rng(1_000_000 + seed))
        test = permutation_test(
            returns,
            positions,
            scheme=scheme,
            objective=objective,
            permutations=199,
            seed=seed,
            threads=1,
            **options,
        )
        found.append(test.p_value)
    return np.array(found)


def is_uniform(values):
    return stats.kstest(values, "uniform").pvalue > 0.01


def white_noise(rng):
    return rng.normal(0, 0.01, 300), held_for(rng, 300, 10)


def remembering_noise(rng):
    return 0.01 * autoregressive(rng, 400, 0.5), held_for(rng, 400, 10)


def rising_and_fat_tailed(rng):
    # A drift that any long position earns is no skill of timing.
    return 0.001 + 0.01 * rng.standard_t(4, 300), (autoregressive(rng, 300, 0.9) > -0.5) * 1.0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("objective", ["sharpe", "total_return"])
def test_p_values_of_noise_are_uniform(scheme, objective):
    assert is_uniform(p_values(white_noise, scheme, objective))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_p_values_are_uniform_where_the_instrument_rises_and_positions_are_mostly_long(scheme):
    assert is_uniform(p_values(rising_and_fat_tailed, scheme))


@pytest.mark.parametrize("scheme", ["blocks", "shifts"])
def test_blocks_and_shifts_keep_their_size_where_returns_remember(scheme):
    found = p_values(remembering_noise, scheme)
    assert is_uniform(found)
    assert (found <= 0.05).mean() < 0.08


def test_single_returns_cry_wolf_where_returns_remember():
    found = p_values(remembering_noise, "returns")
    assert not is_uniform(found)
    assert (found <= 0.05).mean() > 0.10


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("objective", ["mean_return", "total_return", "sharpe", "sortino", "calmar"])
def test_a_planted_edge_is_found(scheme, objective):
    rng = np.random.default_rng(5)
    returns = rng.normal(0, 0.01, 2000)
    is_right = rng.random(2000) < 0.58
    positions = np.where(is_right, np.sign(returns), -np.sign(returns))
    test = permutation_test(returns, positions, scheme=scheme, objective=objective, permutations=999)
    assert test.p_value < 0.01
    assert test.band == "highly significant"


def test_a_planted_edge_against_the_market_is_worse_than_chance():
    returns = np.random.default_rng(5).normal(0, 0.01, 500)
    assert permutation_test(returns, -np.sign(returns), permutations=99).p_value == 1.0
    drawdown = permutation_test(returns, np.sign(returns), objective="max_drawdown", permutations=99)
    assert drawdown.p_value == 0.01  # less is better


def test_costs_are_the_same_in_every_order():
    rng = np.random.default_rng(1)
    returns, positions = white_noise(rng)
    costs = np.abs(np.diff(positions, prepend=0.0)) * 0.0005
    for scheme in SCHEMES:
        free = permutation_test(returns, positions, objective="mean_return", scheme=scheme, seed=4)
        paid = permutation_test(returns, positions, costs, objective="mean_return", scheme=scheme, seed=4)
        assert paid.null == pytest.approx(free.null - costs.mean(), abs=1e-15)
        assert paid.p_value == free.p_value


def test_every_return_is_used_once_in_every_order():
    returns = np.random.default_rng(2).normal(0, 0.01, 101)
    for scheme in SCHEMES:
        always = permutation_test(
            returns, np.ones(101), objective="total_return", scheme=scheme, block_length=7
        )
        assert always.null == pytest.approx(np.full(len(always.null), np.prod(1 + returns) - 1))
        assert always.p_value == 1.0  # no order of returns changes what holding on gives


def test_shifts_are_all_rotations_where_there_are_few_enough():
    rng = np.random.default_rng(3)
    returns, positions = rng.normal(size=40), rng.normal(size=40)
    test = permutation_test(returns, positions, scheme="shifts", objective="mean_return")
    expected = [(positions * np.roll(returns, -shift)).mean() for shift in range(1, 40)]
    assert test.null == pytest.approx(np.array(expected))
    assert test.p_value == (1 + sum(one >= test.actual for one in expected)) / 40


def test_costs_stay_at_their_bars():
    rng = np.random.default_rng(3)
    returns, positions, costs = rng.normal(size=40), rng.normal(size=40), rng.random(40)
    test = permutation_test(returns, positions, costs, scheme="shifts")
    gains = np.array([positions * np.roll(returns, -shift) - costs for shift in range(1, 40)])
    assert test.null == pytest.approx(gains.mean(axis=1) / gains.std(axis=1, ddof=1))


def test_few_shifts_of_many_differ_from_one_another():
    rng = np.random.default_rng(3)
    test = permutation_test(rng.normal(size=500), rng.normal(size=500), scheme="shifts", permutations=50)
    assert len(np.unique(test.null)) == 50


def test_blocks_stay_together():
    # Up and down in turn: only whole pairs leave the pattern as it is.
    returns, positions = np.tile([0.01, -0.01], 50), np.tile([1.0, -1.0], 50)
    test = permutation_test(returns, positions, scheme="blocks", block_length=2, objective="mean_return")
    assert test.block_length == 2
    assert np.isin(np.round(test.null, 6), [0.01, -0.01]).all()  # cut at an even or at an odd bar
    assert 0.45 < (test.null > 0).mean() < 0.55


def test_a_block_of_one_bar_is_a_single_return():
    rng = np.random.default_rng(8)
    returns, positions = white_noise(rng)
    blocks = permutation_test(returns, positions, scheme="blocks", block_length=1, seed=2)
    assert np.array_equal(blocks.null, permutation_test(returns, positions, seed=2).null)


def test_blocks_are_as_long_as_memory_asks_for():
    rng = np.random.default_rng(4)
    white = permutation_test(*white_noise(rng), scheme="blocks", permutations=9)
    remembering = permutation_test(
        autoregressive(rng, 3000, 0.8), held_for(rng, 3000, 50), scheme="blocks", permutations=9
    )
    assert white.block_length < 12
    assert remembering.block_length > 20


def test_blocks_are_as_long_as_the_memory_of_returns_or_of_timing():
    rng = np.random.default_rng(4)
    size = 3000
    restless = rng.choice([-1.0, 1.0], size=size)
    of_returns = permutation_test(autoregressive(rng, size, 0.8), restless, scheme="blocks", permutations=9)
    # White returns, and positions that are right for a while and then wrong for a while.
    returns = rng.normal(size=size)
    spells = np.sign(returns) * held_for(rng, size, 50)
    of_timing = permutation_test(returns, spells, scheme="blocks", permutations=9)
    assert of_returns.block_length > 20
    assert of_timing.block_length > 20


def test_p_values_are_those_of_scipy():
    rng = np.random.default_rng(6)
    returns, positions = rng.normal(size=7), rng.normal(size=7)
    exact = stats.permutation_test(
        (returns,),
        lambda moves: (moves * positions).mean(),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=np.inf,
    )
    ours = permutation_test(returns, positions, objective="mean_return", permutations=40_000)
    assert len(exact.null_distribution) == 5040
    assert ours.p_value == pytest.approx(exact.pvalue, abs=0.01)


def test_rows_of_several_instruments_move_together():
    rng = np.random.default_rng(7)
    market = rng.normal(0, 0.01, 200)
    returns = np.column_stack([market, market])
    hedged = np.column_stack([held_for(rng, 200, 10), np.zeros(200)])
    hedged[:, 1] = -hedged[:, 0]
    test = permutation_test(returns, hedged, objective="mean_return", permutations=99)
    assert test.null == pytest.approx(np.zeros(99))


def test_one_column_is_what_a_plain_series_is():
    returns, positions = white_noise(np.random.default_rng(7))
    assert np.array_equal(
        permutation_test(returns, positions).null, permutation_test(returns[:, None], positions[:, None]).null
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_number_of_threads_changes_nothing(scheme):
    returns, positions = white_noise(np.random.default_rng(7))
    one, many = (permutation_test(returns, positions, scheme=scheme, seed=3, threads=n) for n in (1, 4))
    assert np.array_equal(one.null, many.null)


def test_seeds_change_orders_but_hardly_the_p_value():
    returns, positions = white_noise(np.random.default_rng(7))
    first, second = (permutation_test(returns, positions, seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.null, second.null)
    assert first.p_value == pytest.approx(second.p_value, abs=0.02)


def test_several_objectives_are_of_the_same_orders():
    returns, positions = white_noise(np.random.default_rng(7))
    both = permutation_tests(returns, positions, objectives=("sharpe", "total_return"), seed=1)
    assert list(both) == ["sharpe", "total_return"]
    assert both["sharpe"].p_value == permutation_test(returns, positions, seed=1).p_value


def test_a_year_scales_figures_and_not_p_values():
    returns, positions = white_noise(np.random.default_rng(7))
    bar = permutation_test(returns, positions)
    year = permutation_test(returns, positions, bars_per_year=365.0)
    assert year.actual == pytest.approx(bar.actual * 365**0.5)
    assert year.p_value == bar.p_value


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_size_of_positions_and_returns_does_not_matter(scheme):
    returns, positions = white_noise(np.random.default_rng(7))
    small = permutation_test(returns, positions, scheme=scheme)
    large = permutation_test(returns * 64, positions / 1024, scheme=scheme)
    assert large.p_value == small.p_value
    assert large.null == pytest.approx(small.null)


def test_no_position_is_no_better_than_chance():
    test = permutation_tests(np.random.default_rng(1).normal(size=50), np.zeros(50))
    assert test["total_return"].p_value == 1.0
    assert np.isnan(test["sharpe"].p_value)  # nothing varies
    assert test["sharpe"].band == "undefined"


def test_returns_of_zero_and_constant_returns_have_no_edge():
    for returns in (np.zeros(50), np.full(50, 0.01)):
        tests = permutation_tests(returns, held_for(np.random.default_rng(1), 50, 5))
        assert tests["total_return"].p_value == 1.0


@pytest.mark.parametrize("bars", [0, 1])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_fewer_than_two_bars_say_nothing(bars, scheme):
    test = permutation_test(np.zeros(bars), np.ones(bars), scheme=scheme)
    assert np.isnan(test.p_value)
    assert test.bars == bars


@pytest.mark.parametrize("scheme", SCHEMES)
def test_two_bars_are_enough_to_run(scheme):
    assert 0 < permutation_test([0.01, -0.02], [1, -1], scheme=scheme, objective="mean_return").p_value <= 1


def test_losing_everything_is_no_crash():
    test = permutation_tests(
        np.array([0.1, -2.0, 0.1, 0.2]), np.ones(4), objectives=("total_return", "max_drawdown")
    )
    assert test["total_return"].actual == -1.0
    assert test["max_drawdown"].actual == 1.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"returns": [0.1, np.nan]}, "returns: must be finite, was nan at bar 1"),
        ({"positions": [np.inf, 0.0]}, "positions: must be finite, was inf at bar 0"),
        ({"positions": [1.0]}, "positions: must have the shape (2, 1), had (1, 1)"),
        ({"costs": [1.0]}, "costs: must have 2 values, had 1"),
        ({"objective": "sharp"}, "was 'sharp'; did you mean 'sharpe'?"),
        ({"scheme": "bars"}, "scheme: must be one of returns, blocks, shifts, was 'bars'"),
        ({"permutations": 0}, "permutations: must be at least 1, was 0"),
        ({"scheme": "blocks", "block_length": 0}, "block_length: must be at least 1, was 0"),
    ],
)
def test_what_cannot_be_tested_is_named(change, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        permutation_test(**{"returns": [0.1, 0.2], "positions": [1.0, 0.0], **change})


def test_the_names_of_p_values():
    named = {
        0.005: "highly significant",
        0.01: "significant",
        0.05: "borderline",
        0.1: "borderline",
        0.11: "not significant",
    }
    assert {p: p_value_band(p) for p in named} == named
