"""Limit of the fall of equity from its highest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Doc, Gt, Lt, Order, RiskRule, halt, hookimpl
from hookline.risk import Account, Verdict, fall_of


@dataclass
class MaxDrawdown(RiskRule):
    """Halt the session when equity has fallen too far from its highest.

    The equity of all strategies together is looked at after every event and before every order. A halt cancels every order
    that is not reduce-only; from then on only orders that reduce a position pass, until somebody resumes the session: the
    fall is then measured from the equity of that moment. Positions are kept unless ``flatten`` says otherwise.
    """

    name: ClassVar[str] = "max_drawdown"

    max_fraction: Annotated[float, Gt(0), Lt(1), Doc("fall from the highest equity, as a fraction of it")] = (
        0.10
    )
    flatten: Annotated[bool | None, Doc("close every position on a halt; left out: as the session says")] = (
        None
    )

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        return self.watch(account)

    def watch(self, account: Account) -> Verdict | None:
        equity = account.equity
        highest = max(self.state.get("highest", account.start_equity), equity)
        self.state["highest"] = highest
        fall = fall_of(equity, highest)
        if fall > self.max_fraction:
            found = f"equity fell {fall:.1%} from {highest:.2f}, at most {self.max_fraction:.1%}"
            return halt(found, flatten=self.flatten)
        return None

    def on_resume(self, account: Account) -> None:
        self.state["highest"] = account.equity


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxDrawdown]
