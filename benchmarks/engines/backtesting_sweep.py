"""backtesting.py's optimize; it gives the heat map of equity by parameters."""

from __future__ import annotations

import warnings
from multiprocessing.dummy import Pool

import backtesting
import pandas as pd
from engines.backtesting_engine import ema, prepare
from workload import CASH, FEE_FRACTION, QUANTITY

__all__ = ["prepare", "run", "version"]

version = backtesting.__version__


class Cross(backtesting.Strategy):
    fast = 9
    slow = 21

    def init(self) -> None:
        self.above = self.I(ema, self.data.Close, self.fast)
        self.below = self.I(ema, self.data.Close, self.slow)

    def next(self) -> None:
        if self.above[-1] > self.below[-1]:
            if not self.position:
                self.buy(size=QUANTITY)
        elif self.position:
            self.position.close()


def run(frame: pd.DataFrame, pairs: list[list[int]]) -> list[float]:
    backtesting.Pool = Pool  # threads: one core, as the others
    wanted = {tuple(pair) for pair in pairs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, found = backtesting.Backtest(frame, Cross, cash=CASH, commission=FEE_FRACTION).optimize(
            fast=sorted({fast for fast, _ in wanted}),
            slow=sorted({slow for _, slow in wanted}),
            constraint=lambda one: (one.fast, one.slow) in wanted,
            maximize="Equity Final [$]",
            return_heatmap=True,
        )
    return [float(found.loc[(fast, slow)]) for fast, slow in pairs]
