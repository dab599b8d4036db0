"""Data that a strategy's code holds, which nobody gave it: it is changed as well, and what was made from it is looked at."""

import held_leaks as held
import numpy as np
import pytest
from leak_sessions import BARS, frame, plans

import hookline as hl
from hookline.research.peeking import check_look_ahead
from hookline.testing.market import random_bars


def check(make, **session):
    return check_look_ahead(plans(make, **session), cuts=3)


def kinds(report):
    return {one.kind for one in report.findings}


def suspected(report):
    return {one.where for one in report.findings if one.kind == "foresight"}


@pytest.mark.parametrize(
    ("strategy", "where"),
    [
        (held.HeldNext, "module held_leaks: with the data in FRAME changed as well"),
        (held.HeldCentred, "module held_leaks: with the data in FRAME changed as well"),
        (held.HeldFourHours, "module held_leaks: with the data in FRAME changed as well"),
        (held.InClass, "class InClass: with the data in table changed as well"),
        (held.around(frame()), "around.<locals>.Around.signal: with the data in frame changed as well"),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_frame_that_was_read_before_and_is_looked_at_too_far(strategy, where):
    report = check(strategy)
    assert "order" in kinds(report)
    assert where in report.checked
    assert report.unseen == ()


def test_the_same_frame_looked_at_no_further_than_the_bar():
    report = check(held.HeldPast)
    assert report.is_clean, report.lines
    assert "module held_leaks: with the data in FRAME changed as well" in report.checked


@pytest.mark.parametrize("strategy", [held.Remembered, held.ReadOnce])
def test_data_that_is_read_when_it_is_first_needed_and_kept(strategy, tmp_path):
    held.write(tmp_path)
    report = check(strategy)
    assert "order" in kinds(report)
    assert any(line.startswith(str(tmp_path / "bars.parquet")) for line in report.unseen) or any(
        "_path" in line for line in report.checked
    )


def test_what_is_held_is_as_it_was_afterwards():
    before, table = held.FRAME, held.InClass.table
    check(held.HeldNext)
    check(held.InClass)
    assert held.FRAME is before
    assert held.InClass.table is table
    assert held.FRAME.equals(frame())


def test_what_is_held_is_as_it_was_after_a_run_that_raises():
    class Impatient(held.HeldPast):
        def on_bar(self, ctx, bar):
            if len(held.FRAME) < 1_000:
                raise RuntimeError("too few")

    report = check(Impatient)
    assert kinds(report) == {"error"}
    assert len(held.FRAME) == 1_000


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (held.MadeStop, "FLOORS"),
        (held.MadeSize, "NEXT"),
        (held.InDecide, "NEXT"),
        (held.ReadsSeries, "NEXT_SERIES"),
        (held.ReadsList, "NEXT_LIST"),
    ],
)
def test_a_table_that_was_made_with_the_future_is_named(strategy, name):
    report = check(strategy)
    assert f"module held_leaks: {name}" in suspected(report)


def test_sizes_that_know_the_next_bar_are_suspected():
    report = check(held.MadeSize)
    (found,) = [one for one in report.findings if one.where == "made_size: orders on ONE"]
    assert "sizes of its market orders go with the move of the next bar: rank correlation 0.8" in found.text


def test_the_leak_on_one_of_two_instruments_is_named():
    two = random_bars("TWO", 1_000, seed=12, gaps=False)
    report = check(held.MadeForOne, bars={"ONE": BARS, "TWO": two})
    assert "made_for_one: orders on ONE" in suspected(report)
    assert "made_for_one: orders on TWO" not in suspected(report)


def test_what_is_put_into_the_state_is_no_better_hidden():
    report = check(held.InState)
    assert {one.where for one in report.findings if one.kind == "order"} == {"in_state: orders"}


def test_what_was_put_there_by_somebody_else_is_held_against_the_bars():
    class Told(held.InState):
        name = "told"

        def on_start(self, ctx):
            ctx.state["closes"] = {str(time): value for time, value in SECRETS}

    assert "told: orders on ONE" in suspected(check(Told))


@pytest.mark.parametrize(
    ("strategy", "where", "what"),
    [
        (held.ScaledTable, "module held_leaks: MEAN", "the mean of all values of close of ONE"),
        (held.ScaledTable, "module held_leaks: DEVIATION", "the standard deviation of all values of close of ONE"),
        (held.ScaledColumn, "scaled_column: column 'cheap' on ONE", "-0.5 standard deviations from the mean of all values of close"),
    ],
)  # fmt: skip
def test_a_number_that_is_a_figure_of_the_whole_sample(strategy, where, what):
    report = check(strategy)
    (found,) = [one for one in report.findings if one.where == where]
    assert found.kind == "scale"
    assert what in found.text


def test_a_round_number_near_the_mean_is_nobodys_figure():
    from hookline.research.peeking.sample_numbers import SampleNumbers

    sample = SampleNumbers({"ONE": BARS})
    assert sample.name_of(float(BARS.close.mean())) == "the mean of all values of close of ONE"
    assert sample.name_of(float(np.log(BARS.close).std())).startswith("the standard deviation of logarithms")
    for number in (round(float(BARS.close.mean()), 1), 100.0, 0.0, 14.0, float("nan")):
        assert sample.name_of(number) == ""


def test_what_is_held_and_cannot_be_changed_is_told():
    report = check(held.ReadsModel)
    assert report.unseen == (
        "module held_leaks: MODEL (of type Model) is no table with times, and stayed as it is",
    )


SECRETS = tuple(zip(BARS.start.tolist(), BARS.close.tolist(), strict=True))
LATER = dict(zip(BARS.start[:-1].tolist(), BARS.low[1:].tolist(), strict=True))
RANGES = dict(zip(BARS.start.tolist(), (BARS.high - BARS.low).tolist(), strict=True))
FLOOR = {
    start: float(BARS.low[row + 1 : row + 4].min()) for row, start in enumerate(BARS.start[:-4].tolist())
}


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (lambda bar: LATER.get(bar.start, np.nan), "are the low of the bar that ends 1 bar later"),
        (lambda bar: FLOOR.get(bar.start, np.nan) * 0.9995, "prices of its orders go with the low of the next 3 bars"),
    ],
    ids=["the very low", "just below the lows"],
)  # fmt: skip
def test_prices_that_know_how_far_the_market_will_reach(price, text):
    report = check(lambda: held.Resting(known=price))
    (found,) = [one for one in report.findings if one.where == "resting: orders on ONE"]
    assert text in found.text


@pytest.mark.parametrize(
    "price",
    [lambda bar: bar.close * 0.99, lambda bar: bar.low, lambda bar: bar.close - RANGES[bar.start]],
    ids=["a share below", "the low", "a range below"],
)
def test_prices_that_know_the_past_alone(price):
    report = check(lambda: held.Resting(known=price))
    assert report.is_clean, report.lines


def test_prices_set_by_ranges_that_last():
    # Calm and wild hundreds of bars by turns: a distance of the last ranges goes with the next ones, and better with the last.
    wild = np.repeat([0.2, 1.0, 5.0, 1.0], 250) / 100
    draws = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(draws.normal(0, wild)))
    first = np.append(100.0, close[:-1])
    wick = np.abs(draws.normal(0, wild))
    low, high = np.minimum(first, close) * np.exp(-wick), np.maximum(first, close) * np.exp(wick)
    bars = hl.BarSeries("ONE", "1h", BARS.start, first, high, low, close, np.ones(1_000))
    report = check(
        lambda: held.Resting(known=lambda bar: bar.close - (bar.high - bar.low)), bars={"ONE": bars}
    )
    assert report.is_clean, report.lines
