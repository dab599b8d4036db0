"""Long columns are worked on part by part: nothing changes at the seams."""

from dataclasses import asdict

import numpy as np
import pytest
from run_records import DAY, START

from hookline.api import backtest
from hookline.reporting import curve as curves
from hookline.reporting.curve import Curve, blocks
from hookline.reporting.metrics import curve_metrics
from hookline.testing import bars
from hookline_strategies.donchian_breakout import DonchianBreakout

WHOLE, SHORT = 10**9, 7


def at_both_sizes(monkeypatch, work):
    """Return what some work gives in one part, and in many."""
    found = []
    for size in (WHOLE, SHORT):
        monkeypatch.setattr(curves, "_BLOCK", size)
        found.append(work())
    return found


def test_parts_follow_each_other_and_end_with_the_column(monkeypatch):
    monkeypatch.setattr(curves, "_BLOCK", 3)
    assert [(part.start, part.stop) for part in blocks(7)] == [(0, 3), (3, 6), (6, 7)]
    assert list(blocks(0)) == []


def test_equity_is_the_same_to_the_last_bit_in_one_part_and_in_many(monkeypatch):
    walk = np.round(100.0 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.0, 0.02, 300))), 2)
    result = backtest(DonchianBreakout(5, 3), bars(walk.tolist()), taker_fee_bps=5)
    assert len(result.record.fills) > 20

    whole, parts = at_both_sizes(
        monkeypatch, lambda: curves.equity_curve(result.book, result.equity.time, result.record.cash).value
    )

    assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_the_same_in_one_part_and_in_many(monkeypatch, seed):
    value = 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.03, 100)))
    curve = Curve(START + DAY * np.arange(1, 101), value)

    whole, parts = at_both_sizes(monkeypatch, lambda: asdict(curve_metrics(curve, 100.0, START)))

    assert parts == pytest.approx(whole, rel=1e-12)
    assert parts["max_drawdown"] == whole["max_drawdown"] > 0.1
    assert parts["longest_drawdown_seconds"] == whole["longest_drawdown_seconds"]


def test_a_drawdown_across_a_seam_has_the_peak_before_the_seam(monkeypatch):
    monkeypatch.setattr(curves, "_BLOCK", 2)
    found = curve_metrics(
        Curve(START + DAY * np.arange(1, 6), np.array([110.0, 120, 90, 60, 80])), 100.0, START
    )
    assert found.max_drawdown == 0.5
    assert found.max_drawdown_seconds == 3 * 86_400


def test_lost_equity_in_a_later_part_leaves_ratios_without_a_value(monkeypatch):
    monkeypatch.setattr(curves, "_BLOCK", 2)
    found = curve_metrics(
        Curve(START + DAY * np.arange(1, 6), np.array([110.0, 120, 90, -1, 0])), 100.0, START
    )
    assert np.isnan([found.sharpe, found.sortino, found.volatility]).all()
