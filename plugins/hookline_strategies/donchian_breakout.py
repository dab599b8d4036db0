"""Breakout from the range of the last bars, as the Turtles traded it."""

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
    atr,
    donchian,
    flat,
    hold,
    hookimpl,
    long,
    short,
)


@dataclass
class DonchianBreakout(SignalStrategy):
    """Follow a close beyond the range of the last bars until a close beyond a shorter range the other way.

    Idea: a new extreme tends to be followed by more of it. Wants trends: ADX(14) above 25, rising volume, 4h to daily bars.
    Entry: long on a close at or above the highest high of the ``entry_n`` bars before, short on one at or below their
    lowest low. Exit: a close at or beyond the opposite extreme of the ``exit_n`` bars before; where it is an entry the other
    way too, turn. Neither range holds the bar that is compared with it. Stop: ``stop_atr`` average true ranges from the
    close of the entry, not moved. Size: ``risk`` of equity lost at the stop, so one unit moves equity by
    ``risk / stop_atr`` for each average true range: with 0.02 and 2 the Turtles' one percent. Killed by ranges, whose
    edges are false breakouts. Source: LMEX academy, Trend Following; stop and unit: the Turtle rules.
    """

    name: ClassVar[str] = "donchian_breakout"

    entry_n: Annotated[int, Ge(1), Doc("bars of the range to break out of")] = 20
    exit_n: Annotated[int, Ge(1), Doc("bars of the range that ends a position")] = 10
    atr_n: Annotated[int, Ge(1), Doc("bars of the average true range")] = 20
    stop_atr: Annotated[float, Gt(0), Doc("distance of the stop in average true ranges")] = 2.0
    allow_short: Annotated[bool | None, Doc("sell short; left out: where the instrument allows it")] = None
    risk: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.02

    def columns(self, bars: Bars) -> dict[str, Column]:
        entry, exit_ = donchian(bars, self.entry_n), donchian(bars, self.exit_n)
        return {
            "close": bars.close,
            "top": entry.upper.shift(1),
            "bottom": entry.lower.shift(1),
            "exit_high": exit_.upper.shift(1),
            "exit_low": exit_.lower.shift(1),
            "atr": atr(bars, self.atr_n),
        }

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        if held.exposure > 0.0 and x.close > x.exit_low:
            return hold()
        if held.exposure < 0.0 and x.close < x.exit_high:
            return hold()
        # A range without height has no outside: its only price is its top and its bottom.
        if x.top > x.bottom:
            if x.close >= x.top:
                return long(stop=x.close - p.stop_atr * x.atr)
            if x.close <= x.bottom and p.allow_short:
                return short(stop=x.close + p.stop_atr * x.atr)
        return flat() if held.exposure != 0.0 else hold()

    def sizer(self) -> Sizer:
        return RiskByStop(self.risk)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [DonchianBreakout]
