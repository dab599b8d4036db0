"""Equity worked out after the run against the equity that the strategy itself saw, at every bar."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from run_records import instrument

from hookline.api import backtest
from hookline.clock import to_ns
from hookline.model import BarSeries, Instrument, InstrumentKind
from hookline.reporting import Result
from hookline.strategy import Strategy


@dataclass
class Everything(Strategy):
    """Market, limit, stop and trailing orders on every instrument, and a note of equity at every bar."""

    name = "everything"

    def on_start(self, ctx):
        self.equity = {}
        self.heard = {}
        self.bars = dict.fromkeys(ctx.symbols, 0)

    def on_fill(self, ctx, fill):
        self.heard[fill.number] = to_ns(ctx.now)

    def on_bar(self, ctx, bar):
        # The last instrument to speak at one time has seen the bars of all.
        self.equity[bar.end] = ctx.equity
        self.bars[bar.symbol] += 1
        step, symbol = self.bars[bar.symbol] % 12, bar.symbol
        held = ctx.position(symbol).quantity
        size = 0.1 * ctx.equity / bar.close
        if step == 1:
            ctx.buy(symbol, size)
        elif step == 3 and held > 0:
            ctx.sell(symbol, held, limit=bar.close * 1.004, reduce_only=True)
            ctx.sell(symbol, held, trigger=bar.close * 0.996, reduce_only=True)
        elif step == 6:
            ctx.sell(symbol, size / 2, trail_fraction=0.004)
        elif step == 11:
            for order in ctx.open_orders(symbol):
                ctx.cancel(order)
            if held:
                ctx.close(symbol)


def walk(seed: int, size: int, symbol: str, missing: tuple[int, ...] = ()) -> BarSeries:
    rng = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.004, size))), 2)
    open_ = np.round(np.append(100.0, close[:-1]) * (1.0 + rng.normal(0.0, 0.001, size)), 2)
    high = np.round(np.maximum(open_, close) + rng.uniform(0.0, 0.4, size), 2)
    low = np.round(np.minimum(open_, close) - rng.uniform(0.0, 0.4, size), 2)
    start = 1_704_067_200_000_000_000 + 3600 * 10**9 * np.arange(size)
    columns = (start, open_, high, low, close, np.full(size, 1000.0))
    return BarSeries(symbol, "1h", *(np.delete(column, missing) for column in columns))


def run(series: dict[str, BarSeries], instruments: list[Instrument]) -> tuple[Everything, Result]:
    strategy = Everything()
    result = backtest(
        strategy,
        series,
        cash=100_000.0,
        instruments=instruments,
        taker_fee_bps=5,
        maker_fee_bps=1,
        slippage_bps=1.0,
    )
    kinds = {order.type.value for order in result.record.orders if order.filled_lots}
    assert kinds == {"market", "limit", "stop", "trailing_stop"}
    assert result.equity.time.tolist() == list(strategy.equity)
    return strategy, result


def check(series: dict[str, BarSeries], instruments: list[Instrument]) -> None:
    strategy, result = run(series, instruments)
    exact = Result(replace(result.record, seen=[strategy.heard[fill.number] for fill in result.record.fills]))
    assert exact.equity.value == pytest.approx(np.array(list(strategy.equity.values())), rel=1e-12)
    assert exact.metrics.final_equity - 100_000.0 == pytest.approx(exact.trips.profit.sum(), rel=1e-9)


def test_one_instrument():
    check({"BTC": walk(1, 3000, "BTC")}, [instrument("BTC")])


def test_several_instruments_with_gaps():
    series = {
        "BTC": walk(2, 2000, "BTC", missing=(0, 1, 2, 500, 501)),
        "ETH": walk(3, 2000, "ETH", missing=(700, 1999)),
    }
    check(series, [instrument("BTC"), instrument("ETH")])


def test_recorded_bars_with_outages(real_data: Path):
    table = pq.read_table(real_data / "bars_1h" / "binance_spot_BTCUSDT_1h.parquet").slice(0, 20_000)
    names = ("ts", "open", "high", "low", "close", "volume")
    bars = BarSeries("BTCUSDT", "1h", *(table[name].to_numpy() for name in names))
    assert (np.diff(bars.start) > bars.duration).any()
    perpetual = Instrument("BTCUSDT", InstrumentKind.PERPETUAL, Decimal("0.01"), Decimal("0.000001"))
    check({"BTCUSDT": bars}, [perpetual])


def test_without_the_times_of_sight_few_bars_differ_and_the_end_does_not():
    strategy, result = run({"BTC": walk(1, 3000, "BTC")}, [instrument("BTC")])
    inferred = Result(replace(result.record, seen=[]))
    seen = np.array(list(strategy.equity.values()))
    differs = np.abs(inferred.equity.value - seen) > 1e-6
    assert differs.sum() <= 0.003 * len(seen)
    assert inferred.equity.value[-1] == pytest.approx(seen[-1], rel=1e-12)
