"""Cuts of a history: nothing twice, nothing left out, nothing of the future in a choice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.errors import ConfigError
from hookline.research.splits import Window, split_at, starts_of, walk_forward_windows

STARTS = np.arange(0, 1000, 10)  # 100 bars


def test_one_cut():
    assert split_at(STARTS, 0.7) == Window(0, 700, 700, 991)


def test_an_embargo_shortens_what_is_chosen_on_and_not_what_is_judged():
    assert split_at(STARTS, 0.7, embargo=5) == Window(0, 650, 700, 991)


def test_rolling_windows_keep_their_length():
    assert walk_forward_windows(STARTS, "rolling", windows=3) == [
        Window(0, 400, 400, 600),
        Window(200, 600, 600, 800),
        Window(400, 800, 800, 991),
    ]


def test_expanding_windows_begin_with_the_history():
    assert walk_forward_windows(STARTS, "expanding", windows=3, embargo=2) == [
        Window(0, 380, 400, 600),
        Window(0, 580, 600, 800),
        Window(0, 780, 800, 991),
    ]


def test_windows_that_do_not_divide_evenly_differ_by_a_bar():
    windows = walk_forward_windows(np.arange(100), windows=7)
    assert sorted({one.test_until - one.test_since for one in windows}) == [8, 9]


def test_too_little_history_is_an_error():
    with pytest.raises(ConfigError, match="there are 10 bars for 6 windows"):
        walk_forward_windows(np.arange(10), windows=6)
    with pytest.raises(ConfigError, match="embargo of 69"):
        split_at(STARTS, 0.7, embargo=69)


@given(
    st.integers(40, 400),
    st.sampled_from(["rolling", "expanding"]),
    st.integers(2, 8),
    st.integers(0, 4),
    st.randoms(use_true_random=False),
)
def test_every_bar_after_the_first_choice_is_judged_once_and_was_chosen_on_never(
    size, kind, windows, embargo, random
):
    starts = np.cumsum([random.randint(1, 50) for _ in range(size)])
    made = walk_forward_windows(starts, kind, windows=windows, embargo=embargo)
    judged = [starts[(starts >= one.test_since) & (starts < one.test_until)] for one in made]
    assert np.concatenate(judged).tolist() == starts[round(size * 0.4) :].tolist()
    for one in made:
        chosen_on = starts[(starts >= one.train_since) & (starts < one.train_until)]
        before = starts[starts < one.test_since]
        assert chosen_on[-1] == before[-1 - embargo]
        if kind == "rolling":
            assert len(chosen_on) == round(size * 0.4) - embargo
        else:
            assert chosen_on[0] == starts[0]


def test_bars_of_several_instruments_are_one_history(series_pair):
    assert starts_of(series_pair).tolist() == sorted({*series_pair[0].start, *series_pair[1].start})


@pytest.fixture
def series_pair():
    from validation_markets import HOUR, START, series_of

    return series_of([1, 2, 3], "A"), series_of([1, 2, 3], "B", START + 2 * HOUR)
