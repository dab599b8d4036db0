"""Limit of the value of one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl, shrink
from hookline.risk import Account, Verdict, lots_within, notional_of, reference_price


@dataclass
class MaxOrderNotional(RiskRule):
    """Deny or shrink an order that is worth more than a limit: the guard against a slip of the decimal point.

    An order is valued at its limit, its trigger, or the last price. Orders that only reduce a position pass.
    """

    name: ClassVar[str] = "max_order_notional"

    limit: Annotated[float, Gt(0), Doc("quote currency")]
    shrink: Annotated[bool, Doc("send what is within the limit, rather than nothing")] = False

    def check(self, order: Order, account: Account) -> Verdict | None:
        notional = notional_of(order, account)
        # "Not at most" and not "above": an order that cannot be valued does not pass.
        if notional <= self.limit:
            return None
        found = f"order worth {notional:.2f}, at most {self.limit:.2f}"
        if not self.shrink:
            return deny(found)
        instrument = order.instrument
        lots = lots_within(instrument, self.limit, reference_price(order, account))
        return shrink(instrument.units(lots), found)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxOrderNotional]
