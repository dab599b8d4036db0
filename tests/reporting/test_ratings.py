from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from run_records import Run, series

from hookline.reporting.ratings import rate, warnings_of


@pytest.fixture(scope="module")
def metrics():
    """Figures of a run with one losing round trip, to change one by one."""
    return Run("10 10 9").fill("1 buy 1 @ 10").fill("2 sell 1 @ 9").result().metrics


@pytest.mark.parametrize(
    ("name", "value", "rating"),
    [
        ("sharpe", 2.01, "good"),
        ("sharpe", 2.0, "acceptable"),
        ("sharpe", 1.0, "acceptable"),
        ("sharpe", 0.99, "warning"),
        ("max_drawdown", 0.0999, "good"),
        ("max_drawdown", 0.10, "acceptable"),
        ("max_drawdown", 0.25, "warning"),
        ("win_rate", 0.56, "good"),
        ("win_rate", 0.55, "acceptable"),
        ("win_rate", 0.45, "warning"),
        ("profit_factor", 1.51, "good"),
        ("profit_factor", 1.5, "acceptable"),
        ("profit_factor", 1.1, "warning"),
        ("round_trips", 101, "good"),
        ("round_trips", 100, "acceptable"),
        ("round_trips", 30, "warning"),
    ],
)
def test_bands(metrics, name, value, rating):
    assert rate(replace(metrics, **{name: value}))[name] == rating


def test_what_is_not_defined_is_not_rated(metrics):
    assert "profit_factor" not in rate(replace(metrics, profit_factor=float("nan")))


def test_a_run_without_fills_is_not_praised_for_its_drawdown():
    assert Run("10 11 12").result().ratings == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sharpe": 4.1, "round_trips": 31}, "Sharpe 4.1 over 31 round trips"),
        ({"round_trips": 20, "win_rate": 1.0}, "none of 20 round trips lost"),
        ({"profit_factor": 5.1, "round_trips": 30}, "profit factor 5.1 over 30 round trips"),
        ({"max_drawdown": 0.009, "total_return": 0.51}, "51% return with a drawdown of 0.90%"),
    ],
)
def test_too_good_to_believe_is_said_with_its_reason(metrics, changes, reason):
    record = Run("10").record()
    (warning,) = [text for text in warnings_of(record, replace(metrics, **changes)) if "too good" in text]
    assert reason in warning


@pytest.mark.parametrize(
    "changes",
    [
        {"sharpe": 4.1, "round_trips": 30},
        {"sharpe": 4.0, "round_trips": 500},
        {"round_trips": 19, "win_rate": 1.0},
        {"profit_factor": 5.0, "round_trips": 300},
        {"max_drawdown": 0.01, "total_return": 0.6},
    ],
)
def test_good_is_not_yet_too_good(metrics, changes):
    record = Run("10").record()
    assert not [text for text in warnings_of(record, replace(metrics, **changes)) if "too good" in text]


def test_looking_ahead_is_found_too_good():
    # Buys before every rise of a random walk: what a strategy with look-ahead does.
    rng = np.random.default_rng(5)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 400))), 2)
    run = Run(series(close))
    for bar in range(1, 399):
        if close[bar] > close[bar - 1]:
            run.fill(f"{bar} buy 1 @ {close[bar - 1]}").fill(f"{bar + 1} sell 1 @ {close[bar]}")
    assert any("Looks too good" in warning for warning in run.result().warnings)


def test_halts_interruptions_and_the_records_own_warnings_are_told_gravest_first():
    result = Run("10 11").result(halted="max_drawdown: fell 26 %", interrupted=True, warnings=["BTC: 3 gaps"])
    assert result.warnings == [
        "Halted before the end: max_drawdown: fell 26 %",
        "Interrupted: figures cover the bars up to the interruption",
        "No order was filled",
        "BTC: 3 gaps",
    ]


def test_a_short_period_is_pointed_out():
    result = Run("10 10 9").fill("1 buy 1 @ 10").result()
    assert "The period is 0.1 days: figures for a year are extrapolated from it" in result.warnings
    days = Run(series(np.full(90, 10.0), timeframe="1d")).fill("1 buy 1 @ 10").result()
    assert not any("extrapolated" in warning for warning in days.warnings)


def test_ruin_is_pointed_out():
    result = Run("10 10 200", cash=100.0).fill("1 sell 1 @ 10").result()
    assert any(warning.startswith("Equity fell to zero or below") for warning in result.warnings)
