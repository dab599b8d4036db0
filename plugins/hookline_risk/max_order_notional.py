"""Limit of the value of one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict, reference_price


@dataclass
class MaxOrderNotional(RiskRule):
    """Deny an order that is worth more than a limit: the guard against a slip of the decimal point.

    An order is valued at its limit, its trigger, or the last price. Orders that only reduce a position pass.
    """

    name: ClassVar[str] = "max_order_notional"

    limit: Annotated[float, Gt(0), Doc("quote currency")]

    def check(self, order: Order, account: Account) -> Verdict | None:
        notional = order.quantity * abs(reference_price(order, account))
        # "Not at most" and not "above": an order that cannot be valued does not pass.
        if not notional <= self.limit:
            return deny(f"order worth {notional:.2f}, at most {self.limit:.2f}")
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxOrderNotional]
