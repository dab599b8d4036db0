"""History of other lengths: what has settled, what never does, and orders that differ for lack of it."""

import math

import leaky_strategies as leaky
import numpy as np
import pytest
from leak_sessions import BARS, SESSION, plans

from hookline.errors import DataError
from hookline.research.study import Study
from hookline.research.warming import check_warm_up
from hookline.research.warming.columns import errors_of
from hookline.testing.market import random_bars


def check(make, **options):
    return check_warm_up(plans(make), **{"warmup_bars": 400, "starts": 2, **options})


def column(report, name):
    return next(one for one in report.columns if one.place.name == name)


def test_an_average_of_the_last_bars_is_exact_once_it_is_ready():
    found = column(check(leaky.Averages), "simple")
    assert (found.ready, found.settled) == (100, 100)
    assert "exact once it is ready, after 100 bars" in str(found)


def test_a_recursive_average_settles_as_its_weights_fade():
    found = column(check(leaky.Averages), "slow")
    # What it began with has weight (1 - 2/101) ** n after n bars; it is a few percent of the price off then.
    fade = 1.0 - 2.0 / 101.0
    soonest, latest = (math.log(1e-3 / off) / math.log(fade) for off in (0.01, 0.3))
    assert found.ready == 100
    assert soonest < found.settled - found.ready < latest
    offs = [error for _, error in found.remaining]
    assert offs == sorted(offs, reverse=True)
    assert offs[0] > 1e-3


def test_a_tighter_tolerance_takes_longer():
    loose, tight = (check(leaky.Averages, tolerance=one) for one in (1e-2, 1e-3))
    assert column(loose, "slow").settled < column(tight, "slow").settled
    assert loose.recommended <= tight.recommended


def test_the_recommended_history_is_enough_and_a_short_one_is_not():
    short = check(leaky.Averages, warmup_bars=10)
    assert not short.is_clean
    assert {one.kind for one in short.findings} == {"column", "order"}
    assert "averages: column 'slow' on ONE: needs" in "\n".join(short.lines)
    assert f"say stream: {{warmup_bars: {short.recommended}}}" in short.lines[-1]
    enough = check(leaky.Averages, warmup_bars=short.recommended)
    assert not [one for one in enough.findings if one.kind != "order"], enough.lines


def test_orders_that_differ_for_lack_of_history_are_shown():
    report = check(leaky.Averages, warmup_bars=105, starts=5)
    orders = [one for one in report.findings if one.kind == "order"]
    assert orders
    assert "with 105 bars before instead of all" in orders[0].text


def test_a_running_total_never_settles():
    report = check(leaky.Totals)
    assert column(report, "total").settled is None
    assert column(report, "total").is_endless
    assert "endless" in {one.kind for one in report.findings}
    assert "depends on where the data begins" in "\n".join(report.lines)


def test_an_average_longer_than_the_data_has_not_settled_but_will():
    report = check(leaky.Averages, tolerance=1e-6)
    found = column(report, "slow")
    assert (found.settled, found.is_endless) == (None, False)
    assert "column 'slow' on ONE: needs more than the" in "\n".join(report.lines)


def test_an_honest_strategy_on_two_timeframes_is_warm_in_time():
    report = check(leaky.Honest)
    assert report.is_clean, report.lines
    # Twenty bars of history of the base timeframe, and five of four hours.
    assert column(report, "trend").ready >= 20
    assert report.recommended <= 400


def test_the_history_of_the_session_is_judged_by_default():
    study = Study.of_mapping(
        {**SESSION, "strategies": [{"use": "ema_cross"}], "stream": {"warmup_bars": 123}}
    )
    assert check_warm_up(study, starts=1).warmup_bars == 123


def test_what_a_strategy_keeps_by_itself_is_told_and_not_judged():
    report = check(leaky.OwnMemory)
    assert report.is_clean
    (note,) = report.notes
    assert "of the orders of the second half are the same but for their sizes" in note


def test_several_instruments_have_columns_of_their_own():
    two = random_bars("TWO", 1_000, seed=12)
    report = check_warm_up(plans(leaky.Averages, bars={"ONE": BARS, "TWO": two}), starts=1)
    assert {one.place.symbol for one in report.columns} == {"ONE", "TWO"}


def test_differences_are_relative_to_the_value_or_to_its_spread():
    expected, found = np.array([100.0, 200.0, 1e-9]), np.array([101.0, 200.0, 1e-9 + 1.0])
    spread = np.std(expected)
    assert errors_of(expected, found) == pytest.approx([1 / 100, 0.0, 1 / spread])


def test_a_value_that_only_one_of_them_knows_is_a_difference():
    expected, found = np.array([1.0, 1.0, np.nan, 1.0]), np.array([np.nan, 1.0, 1.0, np.nan])
    assert np.isnan(errors_of(expected, found)[0])
    assert errors_of(expected, found)[1:].tolist() == [0.0, math.inf, math.inf]


def test_the_same_seed_gives_the_same_report():
    assert check(leaky.Averages).lines == check(leaky.Averages).lines


def test_too_few_bars_and_bad_numbers_are_refused():
    with pytest.raises(DataError, match="needs 20 bars or more"):
        check_warm_up(plans(leaky.Honest, bars={"ONE": BARS.slice(0, 10)}))
    with pytest.raises(ValueError, match="must be at least 1 and 0, were 0 and"):
        check(leaky.Honest, starts=0)


def test_progress_is_told():
    seen = []
    check(leaky.Averages, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 5) for number in range(1, 6)]


def test_a_window_is_ready_once_it_is_full():
    found = column(check(leaky.LongWindow), "ONE.close")
    assert (found.ready, found.settled) == (50, 50)


def test_flags_are_wrong_or_not():
    found = column(check(leaky.Averages), "above")
    assert found.remaining == ()
    assert found.settled >= found.ready == 100
