"""Limit of the value of one position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl, shrink
from hookline.risk import Account, Verdict, lots_if_filled, lots_within, reference_price


@dataclass
class MaxPositionNotional(RiskRule):
    """Deny or shrink an order that could make a strategy's position in one instrument worth more than a limit.

    Counted is what would be held if every open order on that side filled, those that only close an opposite position first,
    valued at the order's own price. A position that grows past the limit by itself is left alone. Orders that only reduce a
    position pass.
    """

    name: ClassVar[str] = "max_position_notional"

    limit: Annotated[float, Gt(0), Doc("quote currency")]
    shrink: Annotated[bool, Doc("send what is within the limit, rather than nothing")] = False

    def check(self, order: Order, account: Account) -> Verdict | None:
        lots = lots_if_filled(order, account)
        price = abs(reference_price(order, account))
        notional = order.instrument.units(lots) * price
        if notional <= self.limit:
            return None
        found = f"position could be worth {notional:.2f}, at most {self.limit:.2f}"
        if not self.shrink:
            return deny(found)
        excess = lots - lots_within(order.instrument, self.limit, price)
        return shrink(order.instrument.units(max(0, order.lots - excess)), found)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxPositionNotional]
