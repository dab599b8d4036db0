"""Limit of the quantity of one position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl, shrink
from hookline.risk import Account, Verdict, lots_if_filled


@dataclass
class MaxPosition(RiskRule):
    """Deny or shrink an order that could make a strategy's position in one instrument larger than a quantity.

    Counted is what would be held if every open order on that side filled, those that only close an opposite position first.
    Orders that only reduce a position pass.
    """

    name: ClassVar[str] = "max_position"

    limit: Annotated[float, Gt(0), Doc("base units")]
    symbols: Annotated[list[str], Doc("instruments that are held to it; empty: all")] = field(
        default_factory=list
    )
    shrink: Annotated[bool, Doc("send what is within the limit, rather than nothing")] = False

    def check(self, order: Order, account: Account) -> Verdict | None:
        if self.symbols and order.symbol not in self.symbols:
            return None
        instrument = order.instrument
        lots, most = lots_if_filled(order, account), instrument.lots(self.limit)
        if lots <= most:
            return None
        found = f"position could be {instrument.units(lots):g}, at most {self.limit:g}"
        if not self.shrink:
            return deny(found)
        return shrink(instrument.units(max(0, order.lots - (lots - most))), found)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxPosition]
