from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from run_records import DAY, HOUR, START, Run, series

from hookline.reporting.curve import Curve
from hookline.reporting.metrics import YEAR_NS, curve_metrics


def curve(*values: float, step: int = DAY) -> Curve:
    return Curve(START + step * np.arange(1, len(values) + 1), np.array(values, dtype=np.float64))


def test_a_curve_worked_by_hand():
    # Returns: 0.1, -0.5, 1.0 from 100. Mean 0.2; deviations -0.1, -0.7, 0.8; variance 1.14 / 2.
    found = curve_metrics(curve(110, 55, 110), 100.0, START)
    assert found.total_return == pytest.approx(0.1)
    assert found.cagr == pytest.approx(1.1 ** (365 / 3) - 1)
    assert found.volatility == pytest.approx(math.sqrt(0.57) * math.sqrt(365))
    assert found.sharpe == pytest.approx(0.2 / math.sqrt(0.57) * math.sqrt(365))
    assert found.sortino == pytest.approx(0.2 / math.sqrt(0.25 / 3) * math.sqrt(365))
    assert found.max_drawdown == pytest.approx(0.5)
    assert found.calmar == pytest.approx(found.cagr / 0.5)
    assert found.max_drawdown_seconds == 2 * 86_400  # from 110 down and back at 110
    assert (found.bars, found.period_seconds) == (3, 3 * 86_400)


def test_bars_per_year_are_those_of_the_period_so_that_gaps_count():
    # Five daily bars a week over 52 weeks: 260 in 364 days, not 365 and not 252.
    days = np.array([week * 7 + day for week in range(52) for day in range(5)])
    rng = np.random.default_rng(1)
    value = 100.0 * np.cumprod(1.0 + rng.normal(0.001, 0.01, len(days)))
    time = START + (days + 1) * DAY
    found = curve_metrics(Curve(time, value), 100.0, START)
    returns = pd.Series(np.append(100.0, value)).pct_change().dropna()
    years = (time[-1] - START) / YEAR_NS
    assert found.sharpe == pytest.approx(returns.mean() / returns.std() * math.sqrt(260 / years))
    assert found.volatility == pytest.approx(returns.std() * math.sqrt(260 / years))


def test_figures_equal_the_pandas_formulas_on_a_random_walk():
    rng = np.random.default_rng(7)
    value = 1000.0 * np.cumprod(1.0 + rng.normal(0.0002, 0.01, 5000))
    found = curve_metrics(curve(*value, step=HOUR), 1000.0, START)
    equity = pd.Series(
        np.append(1000.0, value), index=pd.to_datetime(START + HOUR * np.arange(5001), utc=True)
    )
    returns = equity.pct_change().dropna()
    fall = 1 - equity / equity.cummax()
    trough = fall.idxmax()
    peak = equity[:trough].idxmax()
    after = equity[trough:]
    back = after[after >= equity[peak]]
    end = back.index[0] if len(back) else equity.index[-1]
    scale = math.sqrt(365 * 24)
    assert found.sharpe == pytest.approx(returns.mean() / returns.std() * scale)
    assert found.sortino == pytest.approx(
        returns.mean() / math.sqrt((returns.clip(upper=0) ** 2).mean()) * scale
    )
    assert found.max_drawdown == pytest.approx(fall.max())
    assert found.max_drawdown_seconds == (end - peak).total_seconds()


def test_a_drawdown_that_never_recovers_lasts_to_the_end_and_the_longest_is_not_the_deepest():
    found = curve_metrics(curve(100, 99, 98, 99, 100, 120, 60, 70), 100.0, START)
    assert found.max_drawdown == pytest.approx(0.5)
    assert found.max_drawdown_seconds == 2 * 86_400
    assert found.longest_drawdown_seconds == 4 * 86_400


def test_a_loss_from_the_first_bar_is_measured_from_the_start():
    found = curve_metrics(curve(90, 95), 100.0, START)
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.max_drawdown_seconds == 2 * 86_400


def test_no_variance_has_no_ratios():
    found = curve_metrics(curve(100, 100, 100), 100.0, START)
    assert (found.total_return, found.volatility, found.max_drawdown) == (0.0, 0.0, 0.0)
    assert math.isnan(found.sharpe)
    assert math.isnan(found.sortino)
    assert math.isnan(found.calmar)


def test_one_bar_has_no_annualised_figures():
    found = curve_metrics(curve(101), 100.0, START)
    assert found.total_return == pytest.approx(0.01)
    for value in (found.cagr, found.volatility, found.sharpe, found.sortino, found.calmar):
        assert math.isnan(value)


def test_a_gain_within_minutes_is_not_an_infinite_yearly_rate():
    found = curve_metrics(curve(100, 150, step=60 * 10**9), 100.0, START)
    assert math.isnan(found.cagr)


def test_equity_of_zero_or_less_has_no_return_figures_but_a_drawdown():
    found = curve_metrics(curve(50, -10, 5), 100.0, START)
    assert found.max_drawdown == pytest.approx(1.1)
    assert math.isnan(found.sharpe)
    assert found.total_return == pytest.approx(-0.95)
    assert curve_metrics(curve(50, -10), 100.0, START).cagr == -1.0


@pytest.mark.parametrize("run", [Run(), Run("10"), Run("10 11 12")], ids=["no bars", "one bar", "no fills"])
def test_runs_without_round_trips_have_finite_or_undefined_figures_only(run):
    metrics = run.result().metrics
    assert not any(math.isinf(value) for value in vars(metrics).values())
    assert metrics.final_equity == 1000.0
    assert (metrics.round_trips, metrics.fees, metrics.fills) == (0, 0.0, 0)
    assert math.isnan(metrics.win_rate)


def test_round_trip_figures_by_hand():
    run = Run("10 10 10 10 10 10 10 10")
    for bar, side, price in (
        (1, "buy", 10),
        (2, "sell", 13),
        (3, "sell", 10),
        (4, "buy", 12),
        (5, "buy", 10),
        (6, "sell", 11),
    ):
        run.fill(f"{bar} {side} 1 @ {price}", fee=0.25)
    metrics = run.result().metrics
    # Profits: 3 - 0.5, -2 - 0.5, 1 - 0.5.
    assert metrics.round_trips == 3
    assert metrics.win_rate == pytest.approx(2 / 3)
    assert metrics.profit_factor == pytest.approx(3.0 / 2.5)
    assert metrics.expectancy == pytest.approx(0.5 / 3)
    assert metrics.expectancy_fraction == pytest.approx(0.05 / 3)
    assert metrics.payoff == pytest.approx(1.5 / 2.5)
    assert (metrics.average_win, metrics.average_loss) == (pytest.approx(1.5), pytest.approx(2.5))
    assert (metrics.best_round_trip, metrics.worst_round_trip) == (pytest.approx(2.5), pytest.approx(-2.5))
    assert metrics.fees == pytest.approx(1.5)
    assert metrics.traded_notional == pytest.approx(66)
    assert metrics.turnover == pytest.approx(66 / np.mean(run.result().equity.value))
    assert metrics.exposure == pytest.approx(3 / 8)
    assert metrics.average_bars == 1.0


def test_without_a_losing_round_trip_profit_factor_and_payoff_are_not_defined():
    metrics = Run("10 10 12").fill("1 buy 1 @ 10").fill("2 sell 1 @ 12").result().metrics
    assert metrics.win_rate == 1.0
    assert math.isnan(metrics.profit_factor)
    assert math.isnan(metrics.payoff)


def test_a_round_trip_that_only_loses_its_fees_is_no_win():
    metrics = Run("10 10 10").fill("1 buy 1 @ 10", fee=0.1).fill("2 sell 1 @ 10", fee=0.1).result().metrics
    assert metrics.win_rate == 0.0
    assert metrics.profit_factor == 0.0


def test_exposure_counts_overlapping_holdings_once():
    run = Run(series("10 10 10 10 10 10 10 10 10 10"), series("5 5 5 5 5 5 5 5 5 5", "ETH"))
    run.fill("1 buy 1 @ 10", symbol="BTC").fill("2 buy 1 @ 5", symbol="ETH")
    run.fill("3 sell 1 @ 5", symbol="ETH").fill("4 sell 1 @ 10", symbol="BTC").fill(
        "8 buy 1 @ 10", symbol="BTC"
    )
    assert run.result().metrics.exposure == pytest.approx((3 + 2) / 10)


def test_funding_is_received_less_paid():
    run = Run("10 10 10 10").fill("1 buy 1 @ 10")
    run.funding = [(START + 2 * HOUR, "s", "BTC", 0.5), (START + 3 * HOUR, "s", "BTC", -0.75)]
    metrics = run.result().metrics
    assert metrics.funding == pytest.approx(-0.25)
    assert metrics.final_equity == pytest.approx(999.75)


def test_figures_of_a_strategy_are_measured_against_its_own_cash():
    run = Run("10 10 10 10", strategies=("a", "b")).fill("1 buy 5 @ 10", strategy="a", fee=1.0)
    run.fill("2 sell 5 @ 20", strategy="a", fee=1.0)
    result = run.result()
    alone, idle = result.metrics_of("a"), result.metrics_of("b")
    assert alone.total_return == pytest.approx(48 / 500)
    assert (alone.round_trips, alone.orders, alone.fills, alone.fees) == (1, 2, 2, 2.0)
    assert (idle.total_return, idle.round_trips, idle.orders, idle.fees) == (0.0, 0, 0, 0.0)
    assert result.metrics.total_return == pytest.approx(48 / 1000)
