"""The future is changed at some times: what knew it is caught, and named."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import leaky_strategies as leaky
import numpy as np
import pandas as pd
import pytest
from leak_sessions import BARS, HOUR, as_external, frame, plans, write_csv

import hookline as hl
from hookline import FixedQuantity
from hookline.errors import DataError, StrategyError
from hookline.research.peeking import check_look_ahead
from hookline.research.study import Study
from hookline.testing.market import random_bars


def check(make, **session):
    return check_look_ahead(plans(make, **session), cuts=4)


def kinds(report):
    return {one.kind for one in report.findings}


@pytest.mark.parametrize("strategy", [leaky.NextBar, leaky.Centred, leaky.Standardized])
def test_a_frame_that_is_given_as_a_parameter_and_looked_at_too_far(strategy):
    report = check(lambda: strategy(frame=frame()))
    assert "order" in kinds(report)
    assert not report.is_clean
    text = "\n".join(report.lines)
    assert f"{strategy.name}: orders" in text
    assert "with the data in frame changed as well" in text


def test_the_same_frame_looked_at_no_further_than_the_bar():
    report = check(lambda: leaky.LastBar(frame=frame()))
    assert report.is_clean, report.lines
    assert report.runs == 2 + 4 * 3


def test_a_leak_of_one_bar_shows_at_a_single_cut():
    report = check_look_ahead(plans(lambda: leaky.NextBar(frame=frame())), cuts=1)
    assert "order" in kinds(report)


def test_higher_bars_joined_at_their_starts(tmp_path):
    path = write_csv(tmp_path / "bars.csv")
    report = check(lambda: leaky.FourHourStart(path=path))
    assert "order" in kinds(report)
    assert "four_hour_start: with the data in path changed as well" in "\n".join(report.lines)


def test_higher_bars_joined_at_their_ends(tmp_path):
    path = write_csv(tmp_path / "bars.csv")
    report = check(lambda: leaky.FourHourEnd(path=path))
    assert report.is_clean, report.lines


def four_hour_frame():
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return frame().resample("4h").agg(how)


def test_a_table_of_higher_bars_is_known_as_the_bars_end():
    report = check(lambda: leaky.HigherFrame(hours=frame(), frame=four_hour_frame()))
    assert "order" in kinds(report)


def test_higher_closes_that_nothing_tells_to_be_those_of_bars_show_in_the_orders():
    report = check(lambda: leaky.HigherSeries(hours=frame(), closes=four_hour_frame()["close"]))
    (found,) = report.findings
    assert found.kind == "foresight"
    assert found.where == "higher_series: orders on ONE"


def test_a_file_is_left_as_it_is(tmp_path):
    path = write_csv(tmp_path / "bars.csv")
    before = path.read_bytes()
    check(lambda: leaky.FourHourEnd(path=path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_orders_that_are_only_amended_with_the_future():
    report = check(lambda: leaky.FutureStop(frame=frame()))
    (found,) = [one for one in report.findings if one.kind == "order"]
    assert "amend" in found.text
    assert "future_stop" in found.where


def test_the_column_that_is_scaled_over_the_whole_sample_is_named():
    report = check(lambda: leaky.WholeSampleColumn(frame=frame()))
    (found,) = [one for one in report.findings if one.kind == "column"]
    assert found.where == "whole_sample_column: column 'score' on ONE"
    assert "whole sample" in found.text
    assert found.is_proof


def test_an_array_beside_the_bars_that_is_read_one_further():
    report = check(lambda: leaky.ArrayBesideBars(prices=BARS.close.copy()))
    assert "order" in kinds(report)


def test_a_strategy_that_raises_without_the_future():
    report = check(lambda: leaky.Impatient(frame=frame()))
    (found,) = report.findings
    assert (found.kind, found.where) == ("error", "strategy 'impatient'")
    assert "is deleted" in found.text


def test_a_strategy_that_does_not_repeat_itself():
    report = check(leaky.Moody)
    assert "unsteady" in kinds(report)
    assert "ctx.rng" in report.findings[0].text


def test_the_leaking_one_of_two_instruments_is_named():
    two = random_bars("TWO", 1_000, seed=12, gaps=False)
    report = check(lambda: leaky.WholeSampleColumn(frame=frame()), bars={"ONE": BARS, "TWO": two})
    named = {one.where for one in report.findings if one.kind == "column"}
    assert "whole_sample_column: column 'score' on TWO" in named


@pytest.mark.parametrize(
    ("bars", "values"),
    [
        (1, np.append(BARS.close[1:], np.nan)),
        (1, np.append(np.diff(np.log(BARS.close)), np.nan)),
        (1, np.append(np.sign(np.diff(BARS.close)), np.nan)),
        (5, np.convolve(BARS.close, np.ones(11) / 11, "same")),
        (3, np.append(BARS.volume[3:], [np.nan] * 3)),
    ],
    ids=["next close", "next return", "next direction", "centred mean", "later volume"],
)
def test_an_external_series_that_was_made_with_the_future(bars, values):
    series = as_external(values, BARS.end)
    report = check(leaky.ReadsExternal, external={"score": series})
    (found,) = [one for one in report.findings if one.where == "external series 'score'"]
    assert found.kind == "foresight"
    assert not found.is_proof
    assert abs(found.bars - bars) <= 3
    assert "of ONE" in found.text


def four_hour_closes(lag_hours):
    """The closes of four-hour bars, known so many hours after their start."""
    count = len(BARS) // 4
    return hl.columns.ExternalSeries(
        BARS.start[: count * 4 : 4] + lag_hours * HOUR, BARS.close[3 : count * 4 : 4]
    )


def test_higher_bars_as_an_external_series_without_a_lag():
    report = check(leaky.ReadsExternal, external={"score": four_hour_closes(0)})
    (found,) = [one for one in report.findings if one.where == "external series 'score'"]
    assert found.bars == 4
    assert "the close of the bar that ends 4 bars later" in found.text


def test_higher_bars_as_an_external_series_with_their_lag():
    report = check(leaky.ReadsExternal, external={"score": four_hour_closes(4)})
    assert report.is_clean, report.lines


@pytest.mark.parametrize("name", ["standardized", "to a range"])
def test_an_external_series_scaled_over_the_whole_sample(name):
    values = np.random.default_rng(1).standard_normal(1_000).cumsum()
    low, high = values.min(), values.max()
    values = (
        (values - values.mean()) / values.std() if name == "standardized" else (values - low) / (high - low)
    )
    report = check(leaky.ReadsExternal, external={"score": as_external(values, BARS.end)})
    assert kinds(report) == {"scale"}
    named = [one.where for one in report.findings]
    assert named == ["external series 'score'", "reads_external: column 'score' on ONE"]
    assert "whole sample" in report.findings[0].text


def test_an_honest_external_series():
    values = np.random.default_rng(1).standard_normal(1_000).cumsum()
    report = check(leaky.ReadsExternal, external={"score": as_external(values, BARS.end)})
    assert report.is_clean, report.lines


def test_a_table_in_the_code_of_an_indicator(monkeypatch):
    monkeypatch.setattr(leaky, "TABLE", np.append(BARS.close[1:], BARS.close[-1]))
    report = check(leaky.TableInOp)
    (found,) = [one for one in report.findings if one.where == "table_in_op: column 'table' on ONE"]
    assert found.kind == "foresight"


def test_a_file_that_no_parameter_names_is_told_of_and_shows_in_the_orders(tmp_path):
    path = write_csv(tmp_path / "secret.csv")
    report = check(lambda: leaky.HiddenFile(where=lambda: path))
    assert any(f"{path} was read by a strategy itself" in line for line in report.unseen)
    assert "hidden_file: parameter where (of type function) is no table with times" in "\n".join(report.lines)
    (found,) = report.findings
    assert found.kind == "foresight"
    assert "the next bar goes as they say 9" in found.text


def read_with_ours(path):
    from hookline.data import read_file

    return read_file(path, "ONE").series().to_frame()


@pytest.mark.parametrize("read", [read_with_ours, pd.read_parquet], ids=["ours", "pandas"])
def test_a_parquet_file_that_is_read_from_a_path_of_its_own_is_told_of(tmp_path, monkeypatch, read):
    path = tmp_path / "secret.parquet"
    frame().to_parquet(path)
    monkeypatch.setenv("SECRET", str(path))

    class Parquet(leaky.HiddenFile):
        def signal(self):
            close = read(Path(os.environ["SECRET"]))["close"]
            return close.shift(1) - close

    report = check(Parquet)
    assert any(line.startswith(f"{path} was read by a strategy itself") for line in report.unseen)


class Adjusted:
    """A feed that scales all of its bars so that the last close is 100, as prices adjusted backwards are."""

    name = "adjusted"
    is_live = False

    def load(self, request):
        series = BARS.between(request.since, request.until)
        factor = 100.0 / series.close[-1]
        columns = (getattr(series, name) * factor for name in series.PRICES)
        return hl.BarSeries(series.symbol, series.timeframe, series.start, *columns, series.volume)


def test_a_feed_whose_bars_depend_on_how_many_follow():
    report = check(leaky.Honest, feed=Adjusted(), bars={"ONE": Adjusted().load(hl.BarRequest("ONE", "1h"))})
    (found,) = report.findings
    assert (found.kind, found.where) == ("feed", "feed 'adjusted': ONE")


def test_an_instrument_whose_bars_are_labelled_too_early():
    early = hl.BarSeries("TWO", "1h", BARS.start[:-1], *(getattr(BARS, name)[1:] for name in BARS.COLUMNS))
    report = check(leaky.Honest, bars={"ONE": BARS, "TWO": early})
    (found,) = report.findings
    assert found.where == "bars of TWO"
    assert "the close of the bar that ends 1 bar later of ONE" in found.text


def test_an_honest_strategy_on_two_timeframes_and_instruments():
    two = random_bars("TWO", 1_000, seed=12)
    report = check(leaky.Honest, bars={"ONE": BARS, "TWO": two})
    assert report.is_clean, report.lines
    assert report.lines[0].endswith("no look-ahead found (4 cuts, 14 runs)")


def test_the_same_seed_makes_the_same_cuts_and_another_one_others():
    made = [check_look_ahead(plans(leaky.Honest), cuts=3, seed=seed).cuts for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_progress_is_told():
    seen = []
    check_look_ahead(plans(leaky.Honest), cuts=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 8) for number in range(1, 9)]


def test_too_few_bars_and_no_cuts_are_refused():
    with pytest.raises(DataError, match="needs 20 bars or more"):
        check_look_ahead(plans(leaky.Honest, bars={"ONE": BARS.slice(0, 10)}))
    with pytest.raises(ValueError, match="cuts: must be at least 1"):
        check_look_ahead(plans(leaky.Honest), cuts=0)


def test_a_strategy_that_raises_on_the_data_as_it_is_is_a_bug():
    class Broken(leaky.Moody):
        def on_bar(self, ctx, bar):
            raise RuntimeError("no idea")

    with pytest.raises(StrategyError, match="no idea"):
        check(Broken)


def test_a_study_can_be_checked():
    from leak_sessions import SESSION

    report = check_look_ahead(Study.of_mapping({**SESSION, "strategies": [{"use": "ema_cross"}]}), cuts=2)
    assert report.is_clean, report.lines


def test_an_instrument_and_a_series_that_begin_late():
    late = random_bars("TWO", 1_000, seed=12, gaps=False).slice(800)
    values = np.where(np.arange(1_000) < 900, np.nan, np.arange(1_000.0) % 7)
    series = as_external(values, BARS.end)
    report = check(leaky.ReadsExternal, bars={"ONE": BARS, "TWO": late}, external={"score": series})
    assert report.is_clean, report.lines
    assert min(report.cuts) >= late.end[0]


def test_marks_and_funding_have_another_future_too():
    session = {
        "symbols": ["ONE", "ONE-PERP"],
        "timeframe": "1h",
        "since": "2024-01-01",
        "until": "2024-02-01",
        "feed": {"use": "synthetic", "params": {"seed": 3, "perpetuals": {"ONE-PERP": {"of": "ONE"}}}},
        "broker": {"use": "paper"},
        "strategies": [{"use": "ema_cross", "symbols": ["ONE-PERP"], "params": {"adx_min": 0}}],
    }
    study = Study.of_mapping(session)
    from hookline.research.study import Job

    assert study.plan(Job()).marks
    assert study.plan(Job()).funding
    report = check_look_ahead(study, cuts=4)
    assert report.is_clean, report.lines


@dataclass
class KnowsTheMean(FixedQuantity):
    """Buys one, and two below the mean of all closes that there will be."""

    name = "knows_the_mean"
    frame: Any = None

    def quantity(self, equity, price, stop, volatility):
        return 2.0 if price < self.frame["close"].mean() else 1.0


def test_a_sizing_model_that_knows_the_whole_sample():
    made = plans(leaky.Honest)

    def plan():
        one = made()
        seats = [replace(seat, sizer=KnowsTheMean(1.0, frame=frame())) for seat in one.seats]
        return replace(one, seats=seats)

    report = check_look_ahead(plan, cuts=10)
    assert kinds(report) == {"order"}
    assert "sizer of honest: with the data in frame changed as well" in "\n".join(report.lines)


def test_a_strategy_that_remembers_the_last_run():
    report = check(leaky.Remembers)
    del leaky.Remembers.known
    assert "unsteady" in kinds(report)


def test_orders_that_are_filled_at_the_close_they_were_decided_on():
    from leak_sessions import SESSION

    session = {**SESSION, "broker": {"use": "paper", "params": {"fill": "close"}}}
    session["strategies"] = [{"use": "ema_cross", "params": {"adx_min": 0}}]
    report = check_look_ahead(Study.of_mapping(session), cuts=4)
    assert report.is_clean, report.lines
    assert not report.checked[0].startswith("0 requests")
