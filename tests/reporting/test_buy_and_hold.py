from __future__ import annotations

import pytest
from run_records import HOUR, START, Run, series

from hookline.reporting.buy_and_hold import taker_fee


def test_cash_is_invested_at_the_second_bars_open():
    bars = series("10 12 15")
    bars.open[1] = 11.0
    held = Run(bars, cash=1100.0).result().buy_and_hold
    assert held.equity.value.tolist() == pytest.approx([1100, 1200, 1500])
    assert held.metrics.total_return == pytest.approx(1500 / 1100 - 1)
    assert held.metrics.final_equity == pytest.approx(1500)


def test_the_taker_fee_comes_out_of_the_cash():
    run = Run("10 10 10", cash=1000.0)
    held = run.result(config={"broker": {"use": "paper", "params": {"taker_fee_bps": 100}}}).buy_and_hold
    assert held.equity.value.tolist() == pytest.approx([1000, 1000 / 1.01, 1000 / 1.01])


@pytest.mark.parametrize(
    "config",
    [{}, {"broker": "paper"}, {"broker": {"use": "paper"}}, {"broker": {"params": {"taker_fee_bps": None}}}],
)
def test_without_a_stated_fee_there_is_none(config):
    assert taker_fee(config) == 0.0


def test_several_symbols_get_equal_parts_each_from_its_own_second_bar():
    early, late = series("10 10 20 20"), series("5 5 10", "ETH", start=START + HOUR)
    held = Run(early, late).result().buy_and_hold
    assert held.equity.value.tolist() == pytest.approx([1000, 1000, 1500, 2000])


@pytest.mark.parametrize(
    "bars", [series("10"), series([-5.0, -5.0, -4.0])], ids=["one bar", "negative price"]
)
def test_what_cannot_be_bought_stays_in_cash(bars):
    held = Run(bars).result().buy_and_hold
    assert set(held.equity.value.tolist()) == {1000.0}


def test_no_bars_give_an_empty_comparison():
    held = Run().result().buy_and_hold
    assert len(held.equity.value) == 0
    assert held.metrics.final_equity == 1000.0
