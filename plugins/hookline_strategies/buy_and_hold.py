"""The baseline that every report compares with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from hookline import (
    Bars,
    Column,
    Decision,
    Doc,
    EquityFraction,
    Gt,
    Held,
    Le,
    SignalStrategy,
    Sizer,
    Strategy,
    hold,
    hookimpl,
    long,
)


@dataclass
class BuyAndHold(SignalStrategy):
    """Buy at the first chance and never sell.

    Idea: what a strategy earns counts only beyond what holding the instrument earns. Wants a market that rises. Entry: the
    second bar's open. Exit and stop: none. Size: ``weight`` of equity. Killed by a long fall: the whole drawdown is
    borne. Source: the baseline of the field.
    """

    name: ClassVar[str] = "buy_and_hold"

    weight: Annotated[float, Gt(0), Le(1), Doc("share of equity to hold")] = 1.0

    def columns(self, bars: Bars) -> dict[str, Column]:
        return {"close": bars.close}

    @staticmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:  # noqa: ARG004
        if held.exposure == 0.0:
            return long()
        return hold()

    def sizer(self) -> Sizer:
        return EquityFraction(self.weight)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [BuyAndHold]
