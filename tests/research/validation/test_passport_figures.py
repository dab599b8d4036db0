"""Figures of a passport, worked out again from fills and closes with pandas and scipy, and nothing of ours."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from validation_markets import FAST, SLOW, study_of

from hookline.research.ledger import Ledger
from hookline.research.ledger.data import data_set_of
from hookline.research.space import Space
from hookline.research.study import Job
from hookline.research.validating import validate_study
from hookline.session.validation_rules import ValidationRules

YEAR = pd.Timedelta(days=365)
CASH = 10_000.0
RULES = ValidationRules(permutations=1_500, resamples=400, windows=3)


def fills_of(record, series):
    """Signed units, what they cost with their fee, the bar in which each fill counts, and whether it was at its open."""
    rows = [
        (int(one.side) * one.quantity, int(one.side) * one.quantity * one.price + one.fee, one.time)
        for one in record.fills
    ]
    units, paid, time = np.array(rows).reshape(-1, 3).T
    bar = np.searchsorted(series.end, record.seen)
    return units, paid, bar, time <= series.start[bar]


def equity_of(study, job):
    """Equity at each close from fills alone: cash paid and received, and what is held at the close."""
    record = study.run(job).record
    (series,) = record.series.values()
    units, paid, bar, _ = fills_of(record, series)
    size = len(series)
    gone = np.bincount(bar, weights=paid, minlength=size).cumsum()
    held = np.bincount(bar, weights=units, minlength=size).cumsum()
    return pd.Series(record.cash - gone + held * series.close, pd.to_datetime(series.end, utc=True)), series


def returns_of(equity):
    return equity / equity.shift(1, fill_value=CASH) - 1.0


def sharpe_of_year(returns, series):
    years = pd.Timedelta(int(series.end[-1] - series.start[0]), "ns") / YEAR
    return returns.mean() / returns.std() * np.sqrt(len(returns) / years)


def days_of(equity):
    ends = equity.copy()
    ends.index = ends.index - pd.Timedelta(1, "ns")
    return returns_of(ends.resample("1D").last().dropna())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        study = study_of()
        passport = validate_study(study, Space.of({FAST: "4:8:2", SLOW: "20:40:10"}), rules=RULES)
        trials = Ledger().trials([data_set_of(one) for one in study.series().values()])
        equity, series = equity_of(study, Job())
        yield study, passport, equity, series, trials


def test_the_equity_made_here_is_that_of_the_backtest(made):
    study, _, equity, _, _ = made
    assert equity.to_numpy() == pytest.approx(study.run(Job()).equity.value, rel=1e-9)


def test_sharpe_ratio_and_degradation(made):
    study, passport, equity, series, _ = made
    seen = passport.section("bootstrap")["intervals"]["sharpe"]
    assert seen["value"] == pytest.approx(sharpe_of_year(returns_of(equity), series), rel=1e-6)
    assert seen["low"] < seen["value"] < seen["high"]
    data = passport.section("split")
    cut = round(0.7 * len(series))
    job = Job(tuple(data["chosen"]["values"].items()), until=int(series.start[cut]))
    before = sharpe_of_year(returns_of(equity_of(study, job)[0]), series.slice(0, cut))
    job = Job(tuple(data["chosen"]["values"].items()), since=int(series.start[cut]))
    after, rest = equity_of(study, job)
    assert len(rest) == len(series) - cut
    chosen = data["chosen"]
    assert chosen["in_sample"]["sharpe"] == pytest.approx(before, rel=1e-6)
    assert chosen["out_of_sample"]["sharpe"] == pytest.approx(
        sharpe_of_year(returns_of(after), rest), rel=1e-6
    )
    if before > 0.0:
        assert chosen["ratio"] == pytest.approx(chosen["out_of_sample"]["sharpe"] / before)


def test_shifted_positions(made):
    """There are fewer shifts than permutations, so all are made, and each can be made again."""
    study, passport, _, series, _ = made
    units, paid, bar, is_at_open = fills_of(study.run(Job()).record, series)
    row, size = np.where(is_at_open, bar, bar + 1), len(series)
    held = np.bincount(row, weights=units, minlength=size + 1).cumsum()
    flow = np.bincount(row, weights=paid, minlength=size + 1)
    marks = np.append(series.open, series.close[-1])
    equity = CASH - flow.cumsum() + held * marks
    moves, base = marks[1:] / marks[:-1] - 1.0, equity[:-1]
    positions = held[:-1] * marks[:-1] / base
    returns = equity[1:] / base - 1.0
    costs = positions * moves - returns
    null = np.array([np.roll(moves, shift) * positions - costs for shift in range(1, len(moves))])
    ratios = null.mean(axis=1) / null.std(axis=1, ddof=1)
    actual = returns.mean() / returns.std(ddof=1)
    found = passport.section("permutation")["shifts"]
    assert found["permutations"] == len(moves) - 1
    assert found["p_value"] == pytest.approx(
        (1 + (ratios >= actual - 1e-12).sum()) / (1 + len(ratios)), abs=0.003
    )


def test_deflated_sharpe_ratio(made):
    study, passport, equity, _, trials = made
    days = days_of(equity)
    data = passport.section("trials")
    ratio = days.mean() / days.std()
    error = np.sqrt(
        (1 - stats.skew(days) * ratio + (stats.kurtosis(days, fisher=False) - 1) / 4 * ratio**2)
        / (len(days) - 1)
    )
    assert data["days"] == len(days)
    assert data["sharpe_of_a_day"] == pytest.approx(ratio, rel=1e-6)
    assert data["probabilistic"] == pytest.approx(stats.norm.cdf(ratio / error), rel=1e-6)
    assert data["trials"] == len(trials) == 10
    variants = variants_of(study)
    alike = variants.corr().to_numpy()[np.triu_indices(9, 1)].mean()
    independent = max(alike, 0.0) + (1 - max(alike, 0.0)) * 10
    assert data["independent"] == pytest.approx(independent, rel=1e-6)
    spread = np.sqrt(data["variance"])
    assert spread == pytest.approx(spread_of(study, variants, data["variance_of"]), rel=1e-6)
    euler = 0.5772156649015329
    luckiest = spread * (
        (1 - euler) * stats.norm.ppf(1 - 1 / independent)
        + euler * stats.norm.ppf(1 - 1 / (independent * np.e))
    )
    assert data["deflated"] == pytest.approx(stats.norm.cdf((ratio - luckiest) / error), rel=1e-6)


def spread_of(study, variants, per):
    """Deviation of the trials' Sharpe ratios of a day; a sweep may know those of bars only, and then the session's own is left out."""
    jobs = [(), *variants.columns] if per == "day" else list(variants.columns)
    found = [
        days_of(one) if per == "day" else returns_of(one)
        for one in (equity_of(study, Job(job))[0] for job in jobs)
    ]
    return np.std([one.mean() / one.std() for one in found], ddof=1) * (1.0 if per == "day" else np.sqrt(24))


def variants_of(study):
    return pd.DataFrame(
        {
            job: days_of(equity_of(study, Job(job))[0]).to_numpy()
            for job in (((FAST, fast), (SLOW, slow)) for fast in (4, 6, 8) for slow in (20, 30, 40))
        }
    )


def test_probability_of_overfitting(made):
    study, passport, _, _, _ = made
    data = passport.section("overfitting")
    parts = np.array_split(variants_of(study).to_numpy(), data["parts"])
    below = lost = count = 0
    for chosen in combinations(range(len(parts)), len(parts) // 2):
        inside = np.concatenate([parts[one] for one in chosen])
        outside = np.concatenate([parts[one] for one in range(len(parts)) if one not in chosen])
        best = int(np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1)))
        ratios = outside.mean(axis=0) / outside.std(axis=0, ddof=1)
        below += stats.rankdata(ratios)[best] / (len(ratios) + 1) <= 0.5
        lost += ratios[best] < 0.0
        count += 1
    assert data["probability"] == pytest.approx(below / count, abs=0.01)
    assert data["loss_probability"] == pytest.approx(lost / count, abs=0.01)


def test_what_each_regime_brought(made):
    _, passport, equity, series, _ = made
    (row,) = [one for one in passport.section("regimes")["rows"] if one["kind"] == "year"]
    assert row["label"] == "2024"
    assert row["total_return"] == pytest.approx(equity.iloc[-1] / CASH - 1.0)
    assert row["market_return"] == pytest.approx(series.close[-1] / series.open[0] - 1.0)
    fall = 1.0 - equity / equity.cummax().clip(lower=CASH)
    assert row["max_drawdown"] == pytest.approx(fall.max())
