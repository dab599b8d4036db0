"""Supertrend: follow a band that trails price by the average true range."""

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
    crossed_above,
    crossed_below,
    flat,
    hold,
    hookimpl,
    long,
    short,
    supertrend,
)


@dataclass
class Supertrend(SignalStrategy):
    """Hold the direction of Supertrend, with its band as the stop.

    Idea: a trend lasts until price gives back a few average true ranges. Wants trends: ADX(14) above 25, rising volume, 1h to
    daily bars. Entry: long when the trend turns up (a close above the upper band), short (or flat) when it turns down.
    Exit: the opposite turn. Stop: the band, moved with it on every bar; after a bar that reached the band without closing
    beyond it, the next turn is awaited. Size: ``risk`` of equity lost at the band. Killed by ranges as wide as the band,
    where every turn comes at the end of the move. Source: LMEX academy, Trend Following, with Wilder's average true range in
    place of its deviation of closes, and with the bands that ratchet, as in Seban's original.
    """

    name: ClassVar[str] = "supertrend"

    period: Annotated[int, Ge(1), Doc("bars of the average true range")] = 10
    multiplier: Annotated[float, Gt(0), Doc("distance of the bands in average true ranges")] = 3.0
    allow_short: Annotated[bool | None, Doc("sell short; left out: where the instrument allows it")] = None
    risk: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.01

    def columns(self, bars: Bars) -> dict[str, Column]:
        line, direction = supertrend(bars, self.period, self.multiplier)
        return {
            "up": crossed_above(direction, 0.0),
            "down": crossed_below(direction, 0.0),
            "direction": direction,
            "line": line,
        }

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        if x.up:
            return long(stop=x.line)
        if x.down:
            return short(stop=x.line) if p.allow_short else flat()
        if held.exposure * x.direction > 0.0:
            return hold(stop=x.line)
        return hold()

    def sizer(self) -> Sizer:
        return RiskByStop(self.risk)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [Supertrend]
