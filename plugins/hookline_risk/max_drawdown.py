"""Limit of the fall of equity from its highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Lt, RiskRule, halt, hookimpl
from hookline.risk import Account, Verdict


@dataclass
class MaxDrawdown(RiskRule):
    """Halt the session when equity has fallen too far from its highest.

    The equity of all strategies together is looked at between bars. A halt cancels every order that is not reduce-only;
    from then on only orders that reduce a position pass. Positions are kept: closing them is the strategies' decision.
    """

    name: ClassVar[str] = "max_drawdown"

    max_fraction: Annotated[float, Gt(0), Lt(1), Doc("fall from the highest equity, as a fraction of it")] = (
        0.25
    )

    def __post_init__(self) -> None:
        self._account: Account | None = None
        self._highest = 0.0

    def watch(self, account: Account) -> Verdict | None:
        equity = account.equity
        if account is not self._account:  # the rule may serve one session after another
            self._account, self._highest = account, account.start_equity
        self._highest = max(self._highest, equity)
        fall = 1.0 - equity / self._highest
        if fall > self.max_fraction:
            return halt(f"equity fell {fall:.1%} from {self._highest:.2f}, at most {self.max_fraction:.1%}")
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxDrawdown]
