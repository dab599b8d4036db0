"""A pause after losses in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Fill, Ge, Gt, Order, RiskRule, deny, hookimpl
from hookline.clock import isoformat
from hookline.risk import Account, Verdict, closed_round_trip


@dataclass
class ConsecutiveLosses(RiskRule):
    """Deny a strategy's entries for a time after so many of its round trips in a row lost money, fees included.

    A round trip goes from flat to flat in one instrument; one that ends at its cost or above ends the row. After the pause the
    count begins anew.
    """

    name: ClassVar[str] = "consecutive_losses"

    limit: Annotated[int, Ge(1), Doc("losing round trips in a row")] = 3
    pause_seconds: Annotated[float, Gt(0)] = 86_400.0

    def check(self, order: Order, account: Account) -> Verdict | None:
        until = self.state.get("paused", {}).get(order.strategy, 0)
        if account.now < until:
            return deny(f"{self.limit} losses in a row, pausing until {isoformat(until)}")
        return None

    def on_fill(self, order: Order, fill: Fill, realized: float, account: Account) -> None:  # noqa: ARG002
        profit = closed_round_trip(self.state.setdefault("open", {}), fill, realized, account)
        if profit is None:
            return
        losses = self.state.setdefault("losses", {})
        losses[fill.strategy] = losses.get(fill.strategy, 0) + 1 if profit < 0.0 else 0
        if losses[fill.strategy] >= self.limit:
            until = account.now + round(self.pause_seconds * 1e9)
            self.state.setdefault("paused", {})[fill.strategy] = until
            losses[fill.strategy] = 0


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [ConsecutiveLosses]
