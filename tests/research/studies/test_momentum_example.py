"""The example of a published rule: study and strategy agree, and the page tells the figures that come out."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hookline as hl

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def example():
    path = ROOT / "examples" / "studies" / "time_series_momentum.py"
    spec = importlib.util.spec_from_file_location("time_series_momentum", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def coins():
    """Three coins that follow a market, 500 days of each."""
    random = np.random.default_rng(8)
    index = pd.date_range("2022-01-01", periods=500, freq="D", tz="UTC")
    market = random.normal(0.0, 0.03, 500)
    frames = {}
    for symbol in ("ONE", "TWO", "THREE"):
        close = 50.0 * np.exp(np.cumsum(market + random.normal(0.0, 0.03, 500)))
        open_ = np.append(50.0, close[:-1])
        columns = {
            "open": open_, "high": np.maximum(open_, close) * 1.01, "low": np.minimum(open_, close) * 0.99,
            "close": close, "volume": 1.0,
        }  # fmt: skip
        frames[symbol] = pd.DataFrame(columns, index)
    return frames


def closes_of(bars):
    return pd.DataFrame({symbol: frame["close"] for symbol, frame in bars.items()})


def test_positions_are_decided_on_the_last_close_of_a_month_and_on_nothing_later(example, coins):
    closes = closes_of(coins)
    whole = example.positions(closes, 60, 30)
    before = example.positions(closes.iloc[:300], 60, 30)

    assert set((whole.index + pd.Timedelta(days=1)).day) == {1}
    pd.testing.assert_frame_equal(whole.loc[: closes.index[299]], before)
    one = closes["ONE"]
    month = whole.index[-2]
    volatility = one.pct_change().loc[:month].iloc[-30:].std() * 365**0.5
    past = np.sign(one.loc[month] / one.loc[:month].iloc[-61] - 1.0)
    assert whole.loc[month, "ONE"] == pytest.approx(past * min(4.0, 0.4 / volatility) / 3)


def test_study_strategy_chance_and_validation_in_one(example, coins):
    rules = {"permutations": 100, "resamples": 100, "windows": 2}
    vectorised, table, chance, passport = example.study(coins, (60, 90), **rules)

    row = table.frame.iloc[-1]
    assert row["strategies[0].params.lookback"] == 90
    assert row.final_equity == pytest.approx(vectorised.equity[-1], rel=1e-4)
    assert row.sharpe == pytest.approx(vectorised.metrics.sharpe, abs=1e-3)
    assert chance.scheme == "blocks"
    assert 0.0 < chance.p_value <= 1.0
    checks = {check.name: check for section in passport.sections for check in section.checks}
    assert checks
    unknown = [name for name, check in checks.items() if check.state == "unknown"]
    assert not unknown


def test_on_recorded_coins_the_page_tells_what_comes_out(example, real_data):
    bars = example.daily_bars(real_data / "bars_1h")
    closes = closes_of(bars)
    page = (ROOT / "docs" / "studies.md").read_text("utf-8")
    rows = re.findall(
        r"^\| (\d+) \| (-?[\d.]+) \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) \|$", page, re.MULTILINE
    )

    assert [int(row[0]) for row in rows] == [21, 63, 126, 252]
    for lookback, sharpe, volatility, drawdown, p_value in rows:
        study = hl.run_positions(closes, example.positions(closes, int(lookback)), fee_bps=5, slippage_bps=5)
        told = study.metrics
        assert f"{told.sharpe:.2f}" == sharpe
        assert f"{100 * told.volatility:.1f}" == volatility
        assert f"{100 * told.max_drawdown:.1f}" == drawdown
        assert f"{study.permutation_test(scheme='blocks').p_value:.2f}" == p_value


def test_on_recorded_coins_the_strategy_has_the_equity_of_the_study(example, real_data):
    bars = example.daily_bars(real_data / "bars_1h")
    closes = closes_of(bars)
    fine = [
        hl.Instrument(
            symbol,
            kind=hl.InstrumentKind.PERPETUAL,
            tick_size=example.Decimal("1e-9"),
            lot_size=example.Decimal("1e-9"),
        )
        for symbol in bars
    ]
    study = hl.run_positions(closes, example.positions(closes, 126), fee_bps=5, slippage_bps=5)
    result = hl.backtest(example.TimeSeriesMomentum(126), bars, instruments=fine, **example.COSTS)

    assert len(result.record.fills) > 400
    np.testing.assert_allclose(result.equity.value, study.equity, rtol=1e-8)
