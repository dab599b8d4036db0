"""hookline, event-driven: a Python callback on every bar."""

from __future__ import annotations

from dataclasses import dataclass

from engines import hookline_setup
from engines.hookline_setup import FILL, prepare, report, version
from workload import FAST, QUANTITY, SLOW, SYMBOL

import hookline as hl

__all__ = ["FILL", "prepare", "report", "run", "version"]


@dataclass
class OnBar(hl.Strategy):
    name = "ema_on_bar"

    def on_start(self, ctx: hl.Context) -> None:
        close = ctx.bars().close
        self.fast = ctx.use(hl.ema(close, FAST))
        self.slow = ctx.use(hl.ema(close, SLOW))
        self.position = ctx.position(SYMBOL)

    def on_bar(self, ctx: hl.Context, bar: hl.Bar) -> None:
        if self.fast.value > self.slow.value:
            if not self.position.quantity:
                ctx.buy(bar.symbol, QUANTITY)
        elif self.position.quantity:
            ctx.close(bar.symbol)


def run(series: hl.BarSeries) -> hl.Result:
    return hookline_setup.run(OnBar(), series)
