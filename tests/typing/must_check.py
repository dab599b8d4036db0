"""Code of a plugin author that must pass mypy strict."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import hookline as hl


@dataclass
class Signal(hl.SignalStrategy):
    name: ClassVar[str] = "signal"

    period: Annotated[int, hl.Ge(2), hl.Doc("bars")] = 20

    def columns(self, bars: hl.Bars) -> dict[str, hl.Column]:
        return {"above": bars.close > hl.sma(bars.close, self.period), "daily": bars.at("1d").close}

    @staticmethod
    def decide(x: Any, held: hl.Held, p: Any) -> hl.Decision:
        return hl.long(stop=x.daily) if x.above and held.exposure == 0 else hl.hold()


@dataclass
class Events(hl.Strategy):
    name: ClassVar[str] = "events"

    def on_start(self, ctx: hl.Context) -> None:
        self.average = ctx.use(hl.ema(ctx.bars().close, 9))
        ctx.every("24h", "daily")

    def on_bar(self, ctx: hl.Context, bar: hl.Bar) -> None:
        if bar.close > self.average.value and ctx.position(bar.symbol).is_flat:
            order: hl.Order = ctx.buy(bar.symbol, 1.0, limit=bar.close, stop_loss=bar.low - 1)
            ctx.log.info("sent %s", order.client_order_id)

    def on_fill(self, ctx: hl.Context, fill: hl.Fill) -> None:
        ctx.state["filled"] = fill.quantity * fill.price


@hl.hookimpl
def register_strategies() -> list[type[hl.Strategy]]:
    return [Signal, Events]


def study(bars: hl.BarSeries) -> float:
    result: hl.Result = hl.backtest([Signal(period=30), Events()], bars, cash=1_000, taker_fee_bps=5)
    return result.metrics.final_equity
