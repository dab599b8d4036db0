"""hookline, a pure decision on every bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engines import hookline_setup
from engines.hookline_setup import FILL, prepare, report, version
from workload import FAST, QUANTITY, SLOW

import hookline as hl

__all__ = ["FILL", "prepare", "report", "run", "version"]


@dataclass
class Signals(hl.SignalStrategy):
    name = "ema_signals"

    def columns(self, bars: Any) -> dict[str, hl.Column]:
        return {"fast": hl.ema(bars.close, FAST), "slow": hl.ema(bars.close, SLOW)}

    @staticmethod
    def decide(x: Any, held: hl.Held, p: Any) -> hl.Decision:
        return hl.long() if x.fast > x.slow else hl.flat()

    def sizer(self) -> hl.Sizer:
        return hl.FixedQuantity(float(QUANTITY))


def run(series: hl.BarSeries) -> hl.Result:
    return hookline_setup.run(Signals(), series)
