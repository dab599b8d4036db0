"""Limit of the rate of orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Ge, Gt, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict


@dataclass
class MaxOrderRate(RiskRule):
    """Deny an order when too many were sent shortly before: the guard against a strategy that answers itself.

    What counts is what came as far as this rule and passed it, amendments included; orders that only reduce a position pass and do
    not count. Put it last, so that orders that other rules deny do not count.
    """

    name: ClassVar[str] = "max_order_rate"

    limit: Annotated[int, Ge(1), Doc("orders in any window")] = 60
    window_seconds: Annotated[float, Gt(0)] = 60.0
    scope: Annotated[Literal["account", "strategy"], Doc("whose orders are counted together")] = "strategy"

    def check(self, order: Order, account: Account) -> Verdict | None:
        key = "" if self.scope == "account" else order.strategy
        since = account.now - round(self.window_seconds * 1e9)
        times = [time for time in self.state.get(key, ()) if time > since]
        self.state[key] = times
        if len(times) >= self.limit:
            return deny(f"{len(times)} orders in {self.window_seconds:g} seconds, at most {self.limit}")
        times.append(account.now)
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxOrderRate]
