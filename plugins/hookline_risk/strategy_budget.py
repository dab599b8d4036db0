"""A budget for each strategy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Order, RiskRule, deny, hookimpl, shrink
from hookline.risk import Account, Verdict, gross_if_filled, quantity_within_gross


@dataclass
class StrategyBudget(RiskRule):
    """Hold a strategy to what it may hold and lose; others go on.

    What it may hold is the value of its positions without their signs, the worst of the open orders filled. A strategy that has
    lost what it may opens and adds nothing more. At least one limit must be given.
    """

    name: ClassVar[str] = "strategy_budget"

    strategies: Annotated[list[str], Doc("ids that are held to it; empty: each of them")] = field(
        default_factory=list
    )
    max_notional: Annotated[float, Gt(0), Doc("the session's currency")] | None = None
    max_loss: (
        Annotated[float, Gt(0), Doc("fall of the strategy's equity below its start, the session's currency")]
        | None
    ) = None
    max_fraction: Annotated[float, Gt(0), Doc("notional as a fraction of the account's equity")] | None = None
    shrink: Annotated[bool, Doc("send what is within the budget, rather than nothing")] = False

    def __post_init__(self) -> None:
        if self.max_notional is None and self.max_loss is None and self.max_fraction is None:
            raise ValueError("one of max_notional, max_loss and max_fraction must be given")

    def check(self, order: Order, account: Account) -> Verdict | None:
        if self.strategies and order.strategy not in self.strategies:
            return None
        ledger = account.ledgers[order.strategy]
        if self.max_loss is not None:
            lost = ledger.start_cash - ledger.equity
            if not lost < self.max_loss:
                return deny(f"{order.strategy} has lost {lost:.2f}, at most {self.max_loss:.2f}")
        most = self._most(account)
        gross = gross_if_filled(ledger, account, order)
        if gross <= most:
            return None
        found = f"{order.strategy} could hold {gross:.2f}, at most {most:.2f}"
        if not self.shrink:
            return deny(found)
        return shrink(quantity_within_gross(order, account, [ledger], most), found)

    def _most(self, account: Account) -> float:
        limits = [float("inf")]
        if self.max_notional is not None:
            limits.append(self.max_notional)
        if self.max_fraction is not None:
            limits.append(self.max_fraction * max(0.0, account.equity))
        return min(limits)


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [StrategyBudget]
