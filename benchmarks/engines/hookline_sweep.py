"""hookline's compiled runs, on one core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workload import CASH, FEE_FRACTION, QUANTITY, SYMBOL, Arrays

import hookline as hl
from hookline import plugins
from hookline.feed import BarRequest, Feed
from hookline.research.compiled import CompiledRun
from hookline.session.plan import Plan, Seat

__all__ = ["prepare", "run", "version"]

version = hl.__version__
_METRICS = ("final_equity", "total_return", "round_trips")


@dataclass
class Cross(hl.SignalStrategy):
    name = "ema_sweep"

    fast: int = 9
    slow: int = 21

    def columns(self, bars: Any) -> dict[str, hl.Column]:
        return {"up": hl.ema(bars.close, self.fast) > hl.ema(bars.close, self.slow)}

    @staticmethod
    def decide(x: Any, held: hl.Held, p: Any) -> hl.Decision:
        return hl.long() if x.up else hl.flat()

    def sizer(self) -> hl.Sizer:
        return hl.FixedQuantity(float(QUANTITY))


class _NoFeed(Feed):
    name = "none"

    def load(self, request: BarRequest) -> hl.BarSeries:
        raise AssertionError("the plan holds the bars")


def prepare(bars: Arrays) -> CompiledRun:
    columns = (bars.start, bars.open, bars.high, bars.low, bars.close, bars.volume)
    request = BarRequest(SYMBOL, "1m")
    return CompiledRun(
        Plan(
            name="sweep",
            mode="backtest",
            currency="USDT",
            seed=0,
            timeframe="1m",
            feed=_NoFeed(),
            requests=[request],
            instruments={SYMBOL: hl.Instrument(SYMBOL)},
            broker=plugins.build("brokers", "paper", {"taker_fee_bps": FEE_FRACTION * 1e4}, "broker"),
            seats=[Seat("cross", "cross", Cross(), (SYMBOL,), CASH)],
            loaded={request: hl.BarSeries(SYMBOL, "1m", *columns)},
        )
    )


def run(compiled: CompiledRun, pairs: list[list[int]], metrics: tuple[str, ...] = _METRICS) -> list[float]:
    found = compiled.metrics([Cross(fast, slow) for fast, slow in pairs], metrics=metrics)
    return [one["final_equity"] for one in found]
