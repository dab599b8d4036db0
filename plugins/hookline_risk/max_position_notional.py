"""Limit of the value of one position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict, reference_price


@dataclass
class MaxPositionNotional(RiskRule):
    """Deny an order that could make a strategy's position in one instrument worth more than a limit.

    Counted is what would be held if every open order on that side filled, those that only close an opposite position first,
    valued at the order's own price. A position that grows past the limit by itself is left alone. Orders that only reduce a
    position pass.
    """

    name: ClassVar[str] = "max_position_notional"

    limit: Annotated[float, Gt(0), Doc("quote currency")]

    def check(self, order: Order, account: Account) -> Verdict | None:
        held = order.side * account.ledgers[order.strategy].positions[order.symbol].lots
        for other in account.open_orders(order.strategy, order.symbol):
            if other.side is order.side:
                filled = held + other.open_lots
                # A reduce-only order goes no further than flat.
                held = max(held, min(filled, 0)) if other.reduce_only else filled
        lots = held + order.lots
        notional = order.instrument.units(lots) * abs(reference_price(order, account))
        if not notional <= self.limit:
            return deny(f"position could be worth {notional:.2f}, at most {self.limit:.2f}")
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxPositionNotional]
