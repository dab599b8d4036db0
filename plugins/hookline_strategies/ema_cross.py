"""Moving average cross with trend strength and volume filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from hookline import (
    Bars,
    Column,
    Decision,
    Doc,
    Ge,
    Gt,
    Held,
    Le,
    RiskByStop,
    SignalStrategy,
    Sizer,
    Strategy,
    adx,
    crossed_above,
    crossed_below,
    ema,
    flat,
    highest,
    hold,
    hookimpl,
    long,
    lowest,
    short,
    sma,
)


@dataclass
class EmaCross(SignalStrategy):
    """Hold the direction of a fast/slow EMA cross while the trend is strong.

    Idea: a fast average crossing a slow one marks the start of a trend. Wants trends: ADX(14) above 25, rising volume,
    1h to daily bars. Entry: long when the fast average crosses above the slow one, short (or flat) when it crosses below,
    if the filters pass at the cross. Exit: the opposite cross, filters or not, or the stop: the lowest low (highest high)
    of the last ``swing`` bars. Size: ``risk`` of equity lost at the stop. Killed by ranges, where every cross is late and
    reverses. Source: LMEX academy, Trend Following.
    """

    name: ClassVar[str] = "ema_cross"

    fast: Annotated[int, Ge(2), Doc("bars of the fast average")] = 9
    slow: Annotated[int, Ge(3), Doc("bars of the slow average; common pairs are 9/21, 20/50 and 50/200")] = 21
    adx_min: Annotated[
        float, Ge(0), Le(100), Doc("least ADX(14) at the cross, 0 to switch the filter off")
    ] = 25.0
    volume_filter: Annotated[bool, Doc("enter only on more volume than its average of 20 bars")] = False
    allow_short: Annotated[bool | None, Doc("sell short; left out: where the instrument allows it")] = None
    risk: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.01
    swing: Annotated[int, Ge(1), Doc("bars of the stop's lowest low and highest high")] = 10

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise ValueError(f"fast must be below slow ({self.slow!r}), was {self.fast!r}")

    def columns(self, bars: Bars) -> dict[str, Column]:
        fast, slow = ema(bars.close, self.fast), ema(bars.close, self.slow)
        return {
            "up": crossed_above(fast, slow),
            "down": crossed_below(fast, slow),
            "adx": adx(bars, 14),
            "busy": bars.volume > sma(bars.volume, 20),
            "low": lowest(bars.low, self.swing),
            "high": highest(bars.high, self.swing),
        }

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        passes = x.adx >= p.adx_min and (x.busy or not p.volume_filter)
        if x.up:
            if passes:
                return long(stop=x.low)
            return flat() if held.exposure < 0.0 else hold()
        if x.down:
            if passes and p.allow_short:
                return short(stop=x.high)
            return flat() if held.exposure > 0.0 else hold()
        return hold()

    def sizer(self) -> Sizer:
        return RiskByStop(self.risk)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [EmaCross]
