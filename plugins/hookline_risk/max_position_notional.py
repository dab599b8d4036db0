"""Limit of the value of one position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict
from hookline.risk.gate import reference_price


@dataclass
class MaxPositionNotional(RiskRule):
    """Deny an order that could make a strategy's position in one instrument worth more than a limit.

    Counted is what would be held if every open order on that side filled, protective ones apart, valued at the order's own
    price. A position that grows past the limit by itself is left alone. Orders that only reduce a position pass.
    """

    name: ClassVar[str] = "max_position_notional"

    limit: Annotated[float, Gt(0), Doc("quote currency")]

    def check(self, order: Order, account: Account) -> Verdict | None:
        held = account.ledgers[order.strategy].positions[order.symbol].lots
        waiting = sum(
            other.open_lots
            for other in account.open_orders(order.strategy, order.symbol)
            if other.side is order.side and not other.reduce_only
        )
        lots = order.side * held + waiting + order.lots
        notional = order.instrument.units(lots) * abs(reference_price(order, account))
        if not notional <= self.limit:
            return deny(f"position could be worth {notional:.2f}, at most {self.limit:.2f}")
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxPositionNotional]
