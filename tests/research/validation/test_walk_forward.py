"""A walk forward does what somebody would do by hand: choose on the past, look at what came next."""

import numpy as np
import pytest
from validation_markets import FAST, SLOW, study_of

from hookline.errors import ConfigError
from hookline.research.ledger import uncounted
from hookline.research.plateau import find_plateau
from hookline.research.space import Space
from hookline.research.splits import starts_of, walk_forward_windows
from hookline.research.study import Job
from hookline.research.table import Objective
from hookline.research.walk_forward import Candidates, choose, figures_of, run_all, table_of, walk_forward

SPACE = Space.of({FAST: "4:8:2", SLOW: "20:40:10"})


@pytest.fixture(autouse=True)
def _no_trials():
    with uncounted():
        yield


@pytest.fixture(scope="module")
def walked():
    study = study_of()
    windows = walk_forward_windows(starts_of(list(study.series().values())), "rolling", windows=3)
    with uncounted():
        return study, windows, walk_forward(study, Candidates.of(SPACE), Objective(), "rolling", windows)


def test_each_choice_is_the_plateau_of_single_runs_on_the_training_stretch(walked):
    study, windows, found = walked
    candidates = Candidates.of(SPACE)
    for window, step in zip(windows, found.steps, strict=True):
        figures = [
            figures_of(study.run(Job(values, since=window.train_since, until=window.train_until)))
            for values in candidates.values
        ]
        own = step.choice.table.frame["sharpe"]
        assert own.to_numpy() == pytest.approx([one["sharpe"] for one in figures])
        row = find_plateau(step.choice.table).row
        assert step.choice.values == candidates.values[row]
        assert step.choice.how == "plateau"
        assert step.choice.metrics["sharpe"] == pytest.approx(figures[row]["sharpe"])


def test_each_test_stretch_is_a_single_run_of_what_was_chosen(walked):
    study, windows, found = walked
    for window, step in zip(windows, found.steps, strict=True):
        alone = study.run(Job(step.choice.values, since=window.test_since, until=window.test_until))
        assert step.result.record.fills == alone.record.fills
        assert step.result.start == window.test_since
        assert step.metrics == figures_of(alone)


def test_a_test_stretch_starts_flat_with_columns_that_are_warm(walked):
    study, windows, found = walked
    step = found.steps[1]
    first = step.result.record.fills[0]
    assert first.time > windows[1].test_since
    assert step.result.equity.value[0] == step.result.record.cash
    # A cold start would need its slow average to fill up first.
    whole = study.run(Job(step.choice.values, until=windows[1].test_until)).record.orders
    crosses = [order.time for order in whole if order.tag == "entry" and order.time > windows[1].test_since]
    assert step.result.record.orders[0].time == crosses[0]


def test_the_stitched_curve_chains_the_returns_of_the_test_stretches(walked):
    _, _, found = walked
    grown = np.prod([1.0 + step.metrics["total_return"] for step in found.steps])
    assert found.curve.value[-1] == pytest.approx(grown)
    assert found.metrics.total_return == pytest.approx(grown - 1.0)
    assert len(found.curve.time) == sum(step.metrics["bars"] for step in found.steps)
    assert (np.diff(found.curve.time) > 0).all()


def test_means_over_the_windows(walked):
    _, _, found = walked
    assert found.in_sample == pytest.approx(np.mean([one.choice.metrics["sharpe"] for one in found.steps]))
    assert found.out_of_sample == pytest.approx(np.mean([one.metrics["sharpe"] for one in found.steps]))
    won = [one.metrics["total_return"] > 0 for one in found.steps]
    assert found.profitable_fraction == pytest.approx(sum(won) / 3)


def test_where_less_is_better_the_least_is_chosen():
    study = study_of()
    space = Space.of({FAST: [4, 8]})
    chosen = choose(study, Candidates.of(space), Objective("max_drawdown"))
    assert chosen.metrics["max_drawdown"] == chosen.table.frame["max_drawdown"].min()


def test_without_a_space_the_session_itself_is_judged():
    study = study_of()
    chosen = choose(study, Candidates(), Objective())
    assert (chosen.values, chosen.how) == ((), "fixed")
    assert chosen.metrics["sharpe"] == pytest.approx(study.run(Job()).metrics.sharpe)


def test_a_random_space_is_drawn_from_with_its_seed():
    space = Space.of({FAST: "2..10"}, method="random", runs=4, seed=7)
    assert Candidates.of(space) == Candidates.of(space)
    assert len(Candidates.of(space)) == 4


def test_a_space_in_which_nothing_trades_is_an_error():
    study = study_of(until="2024-01-02")
    with pytest.raises(ConfigError, match="a variant must have a profit_factor"):
        choose(study, Candidates.of(Space.of({SLOW: [300, 400]})), Objective("profit_factor"))


def test_a_table_has_a_row_for_each_variant_in_their_order():
    study, candidates = study_of(), Candidates.of(SPACE)
    table = table_of("x", candidates, Objective(), run_all(study, candidates))
    assert table.frame[FAST].tolist() == [4, 4, 4, 6, 6, 6, 8, 8, 8]
    assert table.frame[SLOW].tolist() == [20, 30, 40] * 3
    assert table.total == 9
