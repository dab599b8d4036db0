"""backtesting.py, with averages computed ahead by pandas, as its users do."""

from __future__ import annotations

import backtesting
import numpy as np
import pandas as pd
from workload import CASH, FAST, FEE_FRACTION, NEXT_OPEN, QUANTITY, SLOW, Arrays, Finals

__all__ = ["FILL", "prepare", "report", "run", "version"]

FILL = NEXT_OPEN
version = backtesting.__version__


def ema(values: np.ndarray, period: int) -> np.ndarray:
    return pd.Series(values).ewm(span=period, adjust=False).mean().to_numpy()


class Cross(backtesting.Strategy):
    def init(self) -> None:
        self.fast = self.I(ema, self.data.Close, FAST)
        self.slow = self.I(ema, self.data.Close, SLOW)

    def next(self) -> None:
        if self.fast[-1] > self.slow[-1]:
            if not self.position:
                self.buy(size=QUANTITY)
        elif self.position:
            self.position.close()


def prepare(bars: Arrays) -> pd.DataFrame:
    columns = {name.title(): getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.to_datetime(bars.start))


def run(frame: pd.DataFrame) -> pd.Series:
    return backtesting.Backtest(frame, Cross, cash=CASH, commission=FEE_FRACTION).run()


def report(stats: pd.Series) -> Finals:
    trades = stats["_trades"]
    is_open = len(stats["_strategy"].trades)
    return Finals(2 * len(trades) + is_open, float(stats["Equity Final [$]"]))
