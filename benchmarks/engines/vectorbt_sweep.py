"""vectorbt: all combinations as columns of one frame, as its documentation does it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from workload import CASH, FEE_FRACTION, QUANTITY, Arrays

__all__ = ["prepare", "run", "version"]

version = vbt.__version__


def prepare(bars: Arrays) -> pd.DataFrame:
    index = pd.to_datetime(bars.start)
    return pd.DataFrame({"open": bars.open, "close": bars.close}, index=index)


def run(frame: pd.DataFrame, pairs: list[list[int]]) -> list[float]:
    fast = vbt.MA.run(frame["close"], [one for one, _ in pairs], ewm=True, short_name="fast")
    slow = vbt.MA.run(frame["close"], [one for _, one in pairs], ewm=True, short_name="slow")
    rising = fast.ma.to_numpy() > slow.ma.to_numpy()
    # Decided on a close, traded at the next open.
    held = np.vstack([np.zeros((1, len(pairs)), np.bool_), rising[:-1]])
    portfolio = vbt.Portfolio.from_signals(
        frame["close"],
        entries=held,
        exits=~held,
        price=frame["open"],
        size=float(QUANTITY),
        init_cash=CASH,
        fees=FEE_FRACTION,
        freq="1min",
    )
    return list(np.asarray(portfolio.final_value()).ravel())
