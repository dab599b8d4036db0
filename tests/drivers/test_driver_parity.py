"""The same session through the backtest driver and the streaming driver."""

import numpy as np
import pytest
from driver_sessions import Breakout, Trend, order_lines, run_plan, save_bars

BARS = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory, real_data):
    return save_bars(tmp_path_factory.mktemp("bars"), real_data, BARS)


def assert_same(one, other):
    assert order_lines(one.record) == order_lines(other.record)
    assert one.record.fills == other.record.fills
    assert one.record.updates == other.record.updates
    assert one.record.warnings == other.record.warnings
    assert one.metrics.final_equity == other.metrics.final_equity
    for symbol, series in one.record.series.items():
        for name in ("start", *series.COLUMNS):
            assert np.array_equal(getattr(series, name), getattr(other.record.series[symbol], name))


@pytest.mark.parametrize("broker", [{}, {"intrabar": "path", "limit_fill": "through"}])
def test_two_strategies_on_two_instruments_trade_the_same_through_both_drivers(folder, broker):
    batch = [Breakout(), Trend()]
    stream = [Breakout(), Trend()]

    one = run_plan("backtest", folder, batch, **broker)
    other = run_plan("paper", folder, stream, **broker)

    assert len(one.record.fills) > 200
    assert {fill.strategy for fill in one.record.fills} == {"breakout-0", "trend-1"}
    assert {fill.symbol for fill in one.record.fills} == {"BTCUSDT", "ETHUSDT"}
    assert_same(one, other)
    assert batch[0].heard == stream[0].heard
    assert len(batch[0].heard) > 200


@pytest.mark.parametrize("make", [Breakout, Trend])
def test_one_strategy_on_one_instrument_trades_the_same_through_both_drivers(folder, make):
    one = run_plan("backtest", folder, [make()], symbols=("BTCUSDT",))
    other = run_plan("paper", folder, [make()], symbols=("BTCUSDT",))

    assert len(one.record.fills) > 30
    assert_same(one, other)


def test_a_second_strategy_does_not_change_what_the_first_one_does(folder):
    alone = run_plan("backtest", folder, [Breakout()])
    together = run_plan("backtest", folder, [Breakout(), Trend()])

    def told(result):
        return [fill[1:2] + fill[4:] for fill in result.record.fills if fill.strategy == "breakout-0"]

    assert told(alone) == told(together)
