"""Permutation tests on arrays and frames."""

import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline.research.statistics.permutation import permutation_test as plain_test


@pytest.fixture(scope="module")
def returns():
    return np.random.default_rng(11).normal(0.0, 0.01, 600)


def lucky(returns, share=0.6, seed=2):
    """Positions that are right about a share of the bars."""
    random = np.random.default_rng(seed)
    return np.where(random.random(len(returns)) < share, np.sign(returns), -np.sign(returns))


def test_an_edge_is_found_and_guessing_is_not(returns):
    edge = hl.permutation_test(returns, lucky(returns), permutations=999)
    guess = hl.permutation_test(returns, np.sign(np.random.default_rng(5).normal(size=600)), permutations=999)

    assert edge.p_value < 0.005
    assert edge.band == "highly significant"
    assert guess.p_value > 0.1


@pytest.mark.parametrize("scheme", ["returns", "blocks", "shifts"])
def test_it_is_the_test_of_the_statistics_with_what_changes_of_positions_cost(returns, scheme):
    positions = lucky(returns)
    found = hl.permutation_test(returns, positions, fee_bps=20, scheme=scheme, permutations=200, seed=3)
    costs = np.abs(np.diff(positions, prepend=0.0)) * 0.002
    expected = plain_test(returns, positions, costs, scheme=scheme, permutations=200, seed=3)

    assert (found.actual, found.p_value) == (expected.actual, expected.p_value)
    np.testing.assert_array_equal(found.null, expected.null)


def test_costs_count_where_an_edge_is_smaller_than_they_are(returns):
    free = hl.permutation_test(returns, lucky(returns), permutations=200, objective="total_return")
    dear = hl.permutation_test(
        returns, lucky(returns), permutations=200, objective="total_return", fee_bps=50
    )

    assert dear.actual < free.actual
    # The same costs in every order: the rank of the true one stays about what it was.
    assert dear.p_value == pytest.approx(free.p_value, abs=0.05)


def test_rows_that_are_not_known_at_the_beginning_are_left_out(returns):
    index = pd.date_range("2024-01-01", periods=600, freq="D")
    moves = pd.Series(returns, index)
    held = pd.Series(lucky(returns), index).shift(1)

    found = hl.permutation_test(moves, held, permutations=100)

    assert found.bars == 599
    # Of daily rows: a year has 365.
    gained = (moves * held).iloc[1:]
    assert found.actual == pytest.approx(gained.mean() / gained.std() * np.sqrt(365.0))


def test_several_instruments_in_any_order_of_columns(returns):
    moves = pd.DataFrame({"A": returns, "B": -0.5 * returns})
    held = pd.DataFrame({"B": lucky(returns, seed=4), "A": lucky(returns)})

    swapped = hl.permutation_test(moves, held, permutations=100)
    arrays = hl.permutation_test(moves.to_numpy(), held[["A", "B"]].to_numpy(), permutations=100)

    assert swapped.p_value == arrays.p_value


def test_a_result_shows_itself(returns):
    found = hl.permutation_test(returns, lucky(returns), permutations=500)
    counts, edges = found.histogram(20)

    assert counts.sum() == 500
    assert len(edges) == 21
    assert edges[0] <= found.actual <= edges[-1]
    assert "p = 0.001996, highly significant\n500 other orders (returns) of 600 bars" in str(found)
    assert "<svg" in found._repr_html_()
    assert found._repr_html_().count("<rect") == 48


def test_a_test_without_variance_says_that_it_is_undefined():
    found = hl.permutation_test(np.zeros(50), np.ones(50), permutations=100)

    assert found.band == "undefined"
    assert "undefined" in str(found)
    assert "<div>" in found._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (([0.1, 0.2], [1.0]), {}, hl.DataError, "positions: must have the shape"),
        (([0.1, np.nan, 0.2], [1, 1, 1]), {}, hl.DataError, "after the first known row 0, row 1 was not"),
        (([np.nan, np.nan], [1, 1]), {}, hl.DataError, "was none"),
        (([0.1, 0.2], [1, 1], [0.0]), {}, hl.DataError, "costs: must have one value for each of 2 bars"),
        (([0.1, 0.2], [1, 1], [0, 0]), {"fee_bps": 5}, hl.ConfigError, "cannot both be given"),
        (([0.1, 0.2], [1, 1]), {"objective": "sharp"}, hl.ConfigError, "did you mean 'sharpe'"),
        ((pd.Series([0.1, 0.2]), pd.Series([1, 1], [1, 2])), {}, hl.DataError, "must have the index"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, options, error, text):
    with pytest.raises(error, match=text):
        hl.permutation_test(*arguments, **options)


def test_a_study_of_positions_is_tested_with_the_costs_that_it_had():
    random = np.random.default_rng(7)
    closes = 100.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, 800)))
    following = np.sign(np.append(np.diff(closes), 0.0))  # knows the next bar
    blind = np.sign(random.normal(size=800))

    knowing = hl.run_positions(closes, following, fee_bps=5).permutation_test(permutations=400)
    guessing = hl.run_positions(closes, blind, fee_bps=5).permutation_test(permutations=400)

    assert knowing.p_value == 1 / 401
    assert guessing.p_value > 0.05
    assert guessing.actual < 0.0
