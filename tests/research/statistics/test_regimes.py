"""Regimes: known before the bar, and figures of the bars in them."""

import re

import numpy as np
import pandas as pd
import pytest

from hookline.data.parquet_bars import read_parquet
from hookline.model import BarSeries
from hookline.research.statistics import regime_frame, regime_labels, regime_table
from hookline.testing import bars

DAY = 86_400 * 10**9


def of(table, kind):
    return {row.label: row for row in table if row.kind == kind}


def walk(days, seed=1, per_day=24):
    steps = np.random.default_rng(seed).normal(0, 0.01, days * per_day)
    return bars((100 * np.exp(np.cumsum(steps))).tolist(), timeframe="1h" if per_day == 24 else "1d")


def test_a_bar_after_a_close_above_the_mean_is_in_a_bull_market():
    series = bars("10 11 12 11 10 9 14", timeframe="1d")
    labels = regime_labels(series, trend_days=3)["trend"]
    # Means of three closes: 11 at 12, 11.33 at 11, 11 at 10, 10 at 9; each holds from the next day.
    assert labels.tolist() == ["unknown"] * 3 + ["bull", "bear", "bear", "bear"]


def test_a_close_at_the_mean_is_no_bull_market():
    assert regime_labels(bars("5 5 5 5", timeframe="1d"), trend_days=2)["trend"][-1] == "bear"


def test_volatility_is_high_above_its_own_median_so_far():
    # Daily returns alternate between nothing and something; deviations of two: 0 while calm.
    series = bars("100 100 100 110 100 100 100 100", timeframe="1d")
    labels = regime_labels(series, volatility_days=2)["volatility"]
    # Deviations from the third day on: 0, .0707, .135, .0643, 0, 0; the first median needs two of them.
    assert labels.tolist() == ["unknown"] * 4 + ["high", "high", "low", "low"]


def test_later_bars_change_no_label():
    series = walk(80)
    whole = regime_labels(series, trend_days=20, volatility_days=10)
    for cut in (500, 1013, 1500):
        part = regime_labels(series.slice(0, cut), trend_days=20, volatility_days=10)
        for kind, labels in part.items():
            assert labels.tolist() == whole[kind][:cut].tolist()


def test_a_day_has_one_label_and_its_own_bars_do_not_change_it():
    series = walk(60)
    spoiled = series.close.copy()
    spoiled[-24:] *= 3  # the whole of the last day
    other = BarSeries(
        "TEST",
        "1h",
        series.start,
        series.open,
        np.maximum(series.high, spoiled),
        series.low,
        spoiled,
        series.volume,
    )
    before, after = (regime_labels(one, trend_days=20, volatility_days=5) for one in (series, other))
    for kind in before:
        assert before[kind].tolist() == after[kind].tolist()
        assert len(set(before[kind][-24:])) == 1


def test_trend_and_volatility_are_those_of_pandas():
    series = walk(500)
    labels = regime_labels(series)
    index = pd.to_datetime(series.start, utc=True)
    close = pd.Series(series.close, index).resample("1D").last()
    bull = (close > close.rolling(200).mean()).shift(1)
    moved = close.pct_change().rolling(30).std()
    high = (moved > moved.expanding(30).median()).shift(1)
    days = index.floor("1D")
    known = np.arange(len(series)) >= 200 * 24
    assert ((labels["trend"] == "bull") == bull.reindex(days).to_numpy())[known].all()
    assert ((labels["volatility"] == "high") == high.reindex(days).to_numpy())[known].all()
    assert (labels["trend"][~known] == "unknown").all()
    assert set(labels["volatility"]) == {"high", "low", "unknown"}


def test_history_makes_the_first_bars_known():
    series = walk(300)
    late = series.slice(250 * 24)
    assert set(regime_labels(late)["trend"]) == {"unknown"}
    whole = regime_labels(series)
    found = regime_labels(late, history=series)
    for kind in whole:
        assert found[kind].tolist() == whole[kind][250 * 24 :].tolist()
    year = of(regime_table(np.zeros(len(late)), late, history=series), "year")["2024"]
    assert year.market_return == pytest.approx(late.close[-1] / series.close[250 * 24 - 1] - 1)


def test_figures_are_those_of_the_bars_in_a_regime():
    start = 1_703_980_800_000_000_000  # 2023-12-31
    series = bars("100 110 121 121", timeframe="1d", start=start)
    years = of(regime_table([0.10, 0.20, -0.50, 0.10], series), "year")
    assert list(years) == ["2023", "2024"]
    assert years["2023"].total_return == pytest.approx(0.10)
    assert np.isnan(years["2023"].sharpe)  # of a single bar
    assert years["2024"].bars == 3
    assert years["2024"].share == 0.75
    assert years["2024"].total_return == pytest.approx(1.2 * 0.5 * 1.1 - 1)
    assert years["2024"].max_drawdown == pytest.approx(0.5)
    assert years["2024"].market_return == pytest.approx(0.21)
    returns = np.array([0.20, -0.50, 0.10])
    assert years["2024"].volatility == pytest.approx(returns.std(ddof=1) * 365**0.5)
    assert years["2024"].sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5)


def test_every_bar_is_in_one_regime_of_each_kind():
    series = walk(400)
    returns = np.random.default_rng(2).normal(0, 0.01, len(series))
    table = regime_table(returns, series)
    for kind in ("year", "trend", "volatility"):
        rows = of(table, kind).values()
        assert sum(row.bars for row in rows) == len(series)
        assert np.prod([1 + row.total_return for row in rows]) == pytest.approx(np.prod(1 + returns))
        held = [1 + row.market_return for row in rows]
        assert np.prod(held) == pytest.approx(series.close[-1] / series.open[0])
    assert [row.label for row in table if row.kind == "trend"] == ["bull", "bear", "unknown"]


def test_a_strategy_that_earns_in_bull_markets_only_shows_it():
    series = walk(400)
    is_bull = regime_labels(series)["trend"] == "bull"
    noise = np.random.default_rng(2).normal(0, 0.001, len(series))
    trend = of(regime_table(noise + 0.001 * is_bull, series), "trend")
    assert trend["bull"].sharpe > 20
    assert abs(trend["bear"].sharpe) < 5


def test_a_frame_has_a_row_for_each_regime():
    series = walk(40)
    table = regime_table(np.zeros(len(series)), series)
    frame = regime_frame(table)
    assert frame["label"].tolist() == [row.label for row in table]
    assert frame["bars"].sum() == 3 * len(series)
    assert regime_frame(()).empty


def test_degenerate_series_have_figures_or_none():
    assert regime_table([], bars("10").slice(0, 0)) == ()
    one = regime_table([0.1], bars("10 11", timeframe="1d").slice(0, 1))
    assert [row.label for row in one] == ["2024", "unknown", "unknown"]
    flat = regime_table(np.zeros(500), bars([7.0] * 500, timeframe="1d"))
    assert all(np.isnan(row.sharpe) and row.total_return == 0 for row in flat)
    below = bars([-5.0, -4.0, 0.0, 3.0] * 60, timeframe="1d")
    assert len(regime_table(np.zeros(240), below)) > 3


@pytest.mark.parametrize(
    ("returns", "timeframe", "options", "complaint"),
    [
        ([0.1], "1h", {}, "returns: must have 2 values, had 1"),
        ([0.1, np.nan], "1h", {}, "returns: must be finite, was nan at bar 1"),
        ([0.1, 0.1], "1w", {}, "TEST: regimes need bars of a day at most, was 1w"),
        ([0.1, 0.1], "1h", {"trend_days": 1}, "trend_days: must be at least 2, was 1"),
        ([0.1, 0.1], "1h", {"volatility_days": 0}, "volatility_days: must be at least 2, was 0"),
    ],
)
def test_what_cannot_be_told_apart_is_named(returns, timeframe, options, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        regime_table(returns, bars("10 11", timeframe=timeframe), **options)


def test_bitcoin_had_its_bull_and_bear_years(real_data):
    series = read_parquet(real_data / "bars_1h" / "binance_spot_BTCUSDT_1h.parquet").series()
    held = np.append(0.0, np.diff(series.close) / series.close[:-1])
    labels = regime_labels(series)
    is_bull = labels["trend"] == "bull"
    share = {year: is_bull[labels["year"] == year].mean() for year in ("2020", "2022")}
    assert share["2020"] > 0.7
    assert share["2022"] < 0.1
    years = of(regime_table(held, series), "year")
    assert years["2022"].market_return == pytest.approx(years["2022"].total_return)
    assert -0.7 < years["2022"].total_return < -0.6
