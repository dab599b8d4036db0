"""Buy weakness in an uptrend. Replace it with your own idea."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from hookline import (
    Bars,
    Column,
    Decision,
    Doc,
    Ge,
    Held,
    Le,
    SignalStrategy,
    Strategy,
    ema,
    flat,
    hold,
    hookimpl,
    long,
    rsi,
)


@dataclass
class MyStrategy(SignalStrategy):
    """Buy weakness in an uptrend and sell the recovery.

    Idea: above its long average a market is bought back when it falls. Entry: close above the average, RSI low. Exit: RSI
    recovered, or close below the average. Fails when the trend turns: the fall it buys is then the first of many.
    """

    name = "my_strategy"

    # Fields are parameters: a session file sets them under `params`, within these bounds.
    trend: Annotated[int, Ge(2), Doc("bars of the average that tells the trend")] = 200
    period: Annotated[int, Ge(2), Doc("bars of the RSI")] = 14
    buy_below: Annotated[float, Ge(0), Le(100), Doc("RSI that is weak enough to buy")] = 35.0
    sell_above: Annotated[float, Ge(0), Le(100), Doc("RSI that has recovered")] = 60.0

    def columns(self, bars: Bars) -> dict[str, Column]:
        """Return what the decision reads, by name."""
        return {
            "close": bars.close,
            "trend": ema(bars.close, self.trend),
            "rsi": rsi(bars.close, self.period),
        }

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        """Return the wanted exposure from this bar's values `x`, what is held, and the parameters `p`."""
        if x.close < x.trend or x.rsi > p.sell_above:
            return flat()
        if held.exposure == 0.0 and x.rsi < p.buy_below:
            return long()
        return hold()


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategies of this module."""
    return [MyStrategy]
