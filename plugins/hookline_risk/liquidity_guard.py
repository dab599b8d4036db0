"""No market orders into a thin book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Gt, Order, OrderType, RiskRule, Side, deny, hookimpl, shrink, warn
from hookline.risk import Account, Verdict


@dataclass
class LiquidityGuard(RiskRule):
    """Deny or shrink market orders that are large beside what the book shows near the mid on the side they take from.

    Where no book is followed, ``unknown`` says what to do; ``warn`` does so once for each instrument.
    """

    name: ClassVar[str] = "liquidity_guard"

    within_bps: Annotated[float, Gt(0), Doc("distance from the mid up to which depth counts")] = 10.0
    multiple: Annotated[float, Gt(0), Doc("depth must be at least this many times the order")] = 2.0
    shrink: Annotated[bool, Doc("send what the depth allows, rather than nothing")] = False
    unknown: Annotated[
        Literal["pass", "warn", "deny"], Doc("what becomes of orders where no book is known")
    ] = "warn"

    def check(self, order: Order, account: Account) -> Verdict | None:
        if order.type is not OrderType.MARKET:
            return None
        book = account.market(order.symbol).book
        if book is None:
            return self._unknown(order)
        if not book.is_usable:
            return deny("the book is stale, crossed or one-sided")
        depth = book.depth_within(Side(-order.side), self.within_bps)
        if order.quantity * self.multiple <= depth:
            return None
        found = f"{depth:g} within {self.within_bps:g} bps of the mid, at least {self.multiple:g} times {order.quantity:g}"
        if not self.shrink:
            return deny(found)
        instrument = order.instrument
        lots = instrument.lots(depth / self.multiple)
        while lots and instrument.units(lots) * self.multiple > depth:
            lots -= 1
        return shrink(instrument.units(lots), found)

    def _unknown(self, order: Order) -> Verdict | None:
        if self.unknown == "deny":
            return deny("no book is known")
        if self.unknown == "pass" or order.symbol in self.state:
            return None
        self.state[order.symbol] = True
        return warn(f"no book of {order.symbol} is known, its depth is not looked at")


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [LiquidityGuard]
