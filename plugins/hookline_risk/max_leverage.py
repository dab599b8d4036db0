"""Limit of leverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl, shrink, warn
from hookline.risk import Account, Verdict, gross_if_filled, quantity_within_gross


@dataclass
class MaxLeverage(RiskRule):
    """Deny or shrink an order that could leverage a strategy, or all of them together, too far; warn before that.

    Leverage is the value of all positions without their signs over equity, the worst of the open orders filled. Leverage that
    rises by itself, because equity falls, is left alone.
    """

    name: ClassVar[str] = "max_leverage"

    limit: Annotated[float, Gt(0), Doc("notional over equity")] = 10.0
    warn_above: Annotated[float, Gt(0), Doc("leverage to warn of; null: never")] | None = 5.0
    scope: Annotated[Literal["account", "strategy"], Doc("whose positions and equity are taken together")] = (
        "strategy"
    )
    shrink: Annotated[bool, Doc("send what is within the limit, rather than nothing")] = False

    def check(self, order: Order, account: Account) -> Verdict | None:
        own = account.ledgers[order.strategy]
        ledgers = list(account.ledgers.values()) if self.scope == "account" else [own]
        equity = sum(ledger.equity for ledger in ledgers)
        gross = sum(gross_if_filled(ledger, account, order) for ledger in ledgers)
        if gross <= self.limit * equity:
            if self.warn_above is not None and gross > self.warn_above * equity:
                return warn(f"leverage could be {gross / equity:.2f}, above {self.warn_above:g}")
            return None
        if not equity > 0.0:
            return deny(f"leverage needs equity, there is {equity:.2f}")
        found = f"leverage could be {gross / equity:.2f}, at most {self.limit:g}"
        if not self.shrink:
            return deny(found)
        return shrink(quantity_within_gross(order, account, ledgers, self.limit * equity), found)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxLeverage]
