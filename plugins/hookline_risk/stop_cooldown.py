"""A pause after a stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Fill, Gt, Order, OrderType, RiskRule, deny, hookimpl
from hookline.clock import isoformat
from hookline.risk import Account, Verdict, reduces

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


@dataclass
class StopCooldown(RiskRule):
    """Deny a strategy's entries in an instrument for a time after a stop closed a position, or a part of it, there."""

    name: ClassVar[str] = "stop_cooldown"

    cooldown_seconds: Annotated[float, Gt(0)] = 3600.0
    only_losses: Annotated[bool, Doc("let stops that took a profit be")] = False

    def check(self, order: Order, account: Account) -> Verdict | None:
        until = self.state.get(f"{order.strategy} {order.symbol}", 0)
        if account.now < until:
            return deny(f"stopped out of {order.symbol}, cooling down until {isoformat(until)}")
        return None

    def on_fill(self, order: Order, fill: Fill, realized: float, account: Account) -> None:
        if order.type not in _STOPS or not reduces(fill, account) or (self.only_losses and realized >= 0.0):
            return
        until = account.now + round(self.cooldown_seconds * 1e9)
        self.state[f"{fill.strategy} {fill.symbol}"] = until


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [StopCooldown]
