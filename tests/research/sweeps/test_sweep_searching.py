"""Ways through a space: every combination, some at random, or where earlier runs were good."""

import sys

import numpy as np
import pytest

from hookline.errors import ConfigError
from hookline.research.searching import sample, search_of
from hookline.research.space import Space


def walk(space, score=lambda *values: 0.0):
    """Go a search to its end and return what it asked for."""
    search = search_of(space)
    asked = []
    while batch := search.ask():
        asked += batch
        search.tell(batch, [score(*values) for values in batch])
    assert len(asked) <= search.total
    return asked


def test_a_grid_tries_every_combination_the_last_parameter_varying_fastest():
    space = Space.of({"a.x": "1:2:1", "a.y": "a,b,c"})
    assert walk(space) == [(1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "b"), (2, "c")]


def test_random_search_repeats_nothing_and_follows_its_seed():
    parameters = {"a.x": "1:30:1", "a.y": "1:30:1"}
    found = walk(Space.of(parameters, method="random", runs=300, seed=3))
    assert len(set(found)) == 300
    assert found == walk(Space.of(parameters, method="random", runs=300, seed=3))
    assert found != walk(Space.of(parameters, method="random", runs=300, seed=4))


def test_random_search_of_a_small_space_tries_all_of_it():
    space = Space.of({"a.x": "1:3:1", "a.y": "1:3:1"}, method="random", runs=50, constraints=("x < y",))
    assert sorted(walk(space)) == [(1, 2), (1, 3), (2, 3)]


def test_random_search_draws_evenly():
    space = Space.of({"a.x": "1:1000:1", "a.y": "1:1000:1"}, method="random", runs=4000, seed=1)
    values = np.array(sample(space))  # too many to list, so they are drawn and looked up
    assert len(np.unique(values, axis=0)) == 4000
    # The mean of 4,000 draws of 1 to 1,000 lies within four standard errors, 4.6 each.
    assert abs(values.mean(axis=0) - 500.5).max() < 18.3


def test_continuous_values_are_between_their_ends():
    space = Space.of({"a.x": "0.5..3", "a.n": "2..4", "a.l": "0.001..1@log"}, method="random", runs=2000)
    x, n, log = np.array(sample(space)).T
    assert 0.5 <= x.min() < 0.51
    assert 2.99 < x.max() <= 3
    assert np.bincount(n.astype(int))[2:].min() > 550
    assert all(isinstance(values[1], int) for values in sample(space))
    # Each power of ten is as likely as another.
    decades = np.histogram(np.log10(log), [-3, -2, -1, 0])[0]
    assert decades.sum() == 2000
    assert decades.min() > 580


def test_whole_numbers_on_a_log_scale_reach_both_ends():
    found = {values[0] for values in sample(Space.of({"a.n": "1..8@log"}, method="random", runs=50))}
    assert found == set(range(1, 9))


def test_bayesian_search_comes_closer_than_chance():
    def score(x, y):
        return -((x - 0.3) ** 2) - (y - 12) ** 2 / 400

    parameters = {"a.x": "0..1.0", "a.y": "1:40:1"}
    best = {
        method: np.mean(
            [
                max(
                    score(*values)
                    for values in walk(Space.of(parameters, method=method, runs=60, seed=seed), score)
                )
                for seed in range(3)
            ]
        )
        for method in ("random", "bayes")
    }
    assert best["bayes"] > best["random"]


def test_bayesian_search_follows_its_seed_and_what_it_is_told():
    parameters = {"a.x": "1:40:1", "a.y": "0..1.0"}

    def found(seed, sign):
        space = Space.of(parameters, method="bayes", runs=32, seed=seed)
        return walk(space, lambda x, y: sign * x * y)

    assert found(1, 1) == found(1, 1)
    assert found(1, 1) != found(2, 1)
    assert found(1, 1) != found(1, -1)


def test_bayesian_search_repeats_nothing_and_ends_with_the_space():
    space = Space.of({"a.x": "1:5:1", "a.y": "a,b"}, method="bayes", runs=100, constraints=("x != 3",))
    found = walk(space, lambda x, y: x)
    assert sorted(found) == sorted((x, y) for x in (1, 2, 4, 5) for y in ("a", "b"))


def test_bayesian_search_goes_on_where_scores_are_not_known():
    space = Space.of({"a.x": "1:40:1"}, method="bayes", runs=20)
    assert len(set(walk(space, lambda x: float("nan")))) == 20


def test_bayesian_search_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(
        ConfigError, match=r"method: bayes needs the extra 'bayes': pip install 'hookline\[bayes\]'"
    ):
        search_of(Space.of({"a.x": "1:5:1"}, method="bayes"))


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_constraints_that_leave_nothing_are_told(method):
    space = Space.of({"a.x": "1:5:1"}, method=method, constraints=("x > 5",))
    with pytest.raises(ConfigError, match="constraint 'x > 5': must leave a combination to try"):
        walk(space)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "gird"}, "method: must be grid, random or bayes, was 'gird'; did you mean 'grid'?"),
        ({"runs": 10}, "runs: must be left out of a grid"),
        ({"runs": 0, "method": "random"}, "runs: must be at least 1, was 0"),
        ({"constraints": ("z < 1",)}, "nothing that varies is called 'z'"),
    ],
)
def test_what_is_wrong_with_a_space_is_told(change, message):
    with pytest.raises(ConfigError) as told:
        Space.of({"a.x": "1:5:1"}, **change)
    assert message in str(told.value)


def test_a_grid_needs_steps():
    with pytest.raises(ConfigError, match=r"a\.x: a grid needs steps, was 1\.\.5; write first:last:step"):
        Space.of({"a.x": "1..5"})


def test_a_parameter_varies_once_and_there_is_one():
    with pytest.raises(ConfigError, match=r"a\.x: must vary once"):
        Space.of({"a.x": "1:5:1", "a['x']": "1:5:1"})
    with pytest.raises(ConfigError, match="must have a parameter that varies"):
        Space(())


def test_a_grid_that_is_far_too_large_is_refused_before_it_is_listed():
    with pytest.raises(ConfigError, match="at most 10,000,000 combinations, has 1,000,000,000"):
        Space.of({"a.x": "1:1000:1", "a.y": "1:1000:1", "a.z": "1:1000:1"})
