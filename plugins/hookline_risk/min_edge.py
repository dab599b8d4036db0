"""A target worth its fees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Ge, Gt, Order, OrderType, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict, is_part, reference_price

_TARGETS = frozenset({OrderType.LIMIT, OrderType.TAKE_PROFIT})


@dataclass
class MinEdge(RiskRule):
    """Deny an entry whose target is so near that costs eat the move.

    The move from the entry's price to its ``take_profit`` must be at least ``times`` the costs of a round trip: the taker fee and
    the slippage, twice. Parts of an order that an execution algorithm works pass: that order was judged.
    """

    name: ClassVar[str] = "min_edge"

    times: Annotated[float, Gt(0), Doc("costs of a round trip that the move must be worth")] = 2.0
    slippage_bps: Annotated[float, Ge(0), Doc("expected of each fill")] = 0.0
    without_target: Annotated[Literal["pass", "deny"], Doc("what becomes of entries without a target")] = (
        "pass"
    )

    def check(self, order: Order, account: Account) -> Verdict | None:
        if order.number or is_part(order):  # an amendment shows no target: it was judged as an entry
            return None
        targets = [child for child in order.children if child.type in _TARGETS]
        if not targets:
            return deny("no target to compare with the fees") if self.without_target == "deny" else None
        entry = reference_price(order, account)
        prices = [one.trigger_price if one.limit_price is None else one.limit_price for one in targets]
        distance = min(order.side * ((price or 0.0) - entry) for price in prices)
        move = distance / abs(entry) * 1e4 if entry else 0.0
        needed = self.times * 2.0 * (account.fee_rate * 1e4 + self.slippage_bps)
        if not move >= needed - 1e-9:  # the last digit of a difference is no edge
            return deny(
                f"target is {move:.1f} bps away, at least {needed:.1f} for {self.times:g} times the costs"
            )
        return None


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MinEdge]
