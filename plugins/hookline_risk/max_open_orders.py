"""Limit of the number of open orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Ge, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict


@dataclass
class MaxOpenOrders(RiskRule):
    """Deny an order while a strategy has as many open as it may: the guard against an order sent again and again.

    Protective orders that wait for their entry count as open. Orders that only reduce a position pass, and count once open.
    """

    name: ClassVar[str] = "max_open_orders"

    limit: Annotated[int, Ge(1), Doc("orders of one strategy")] = 100

    def check(self, order: Order, account: Account) -> Verdict | None:
        if order.number:  # an amendment: it is open already
            return None
        count = len(account.open_orders(order.strategy))
        added = 1 + len(order.children)
        if count + added > self.limit:
            return deny(f"{count} orders open and {added} more, at most {self.limit}")
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxOpenOrders]
