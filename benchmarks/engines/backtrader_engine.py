"""backtrader, with its own EMA."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pandas as pd
from workload import CASH, FAST, FEE_FRACTION, NEXT_OPEN, QUANTITY, SLOW, Arrays, Finals

__all__ = ["FILL", "prepare", "report", "run", "version"]

FILL = NEXT_OPEN
version = bt.__version__


class Cross(bt.Strategy):
    def __init__(self) -> None:
        self.fast = bt.indicators.EMA(self.data.close, period=FAST)
        self.slow = bt.indicators.EMA(self.data.close, period=SLOW)
        self.completed = 0

    def next(self) -> None:
        if self.fast[0] > self.slow[0]:
            if not self.position:
                self.buy(size=QUANTITY)
        elif self.position:
            self.close()

    def notify_order(self, order: Any) -> None:
        self.completed += order.status == order.Completed


def prepare(bars: Arrays) -> bt.feeds.PandasData:
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=pd.to_datetime(bars.start)))


def run(feed: bt.feeds.PandasData) -> bt.Cerebro:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed)
    cerebro.addstrategy(Cross)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=FEE_FRACTION)
    cerebro.run()
    return cerebro


def report(cerebro: bt.Cerebro) -> Finals:
    (strategy,) = cerebro.runstrats[0]
    return Finals(strategy.completed, cerebro.broker.getvalue())
