"""No market orders into a wide spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Gt, Order, OrderType, RiskRule, deny, hookimpl, warn
from hookline.risk import Account, Verdict


@dataclass
class SpreadGuard(RiskRule):
    """Deny market orders while best bid and ask are far apart, crossed, or one of them is missing from the book.

    Where neither quotes nor books are followed, ``unknown`` says what to do; ``warn`` does so once for each instrument.
    """

    name: ClassVar[str] = "spread_guard"

    max_spread_bps: Annotated[float, Gt(0), Doc("of the mid")] = 20.0
    unknown: Annotated[
        Literal["pass", "warn", "deny"], Doc("what becomes of orders where no quote is known")
    ] = "warn"

    def check(self, order: Order, account: Account) -> Verdict | None:
        if order.type is not OrderType.MARKET:
            return None
        market = account.market(order.symbol)
        book = market.book
        if book is not None and not book.is_usable:
            return deny("the book is stale, crossed or one-sided")
        bid, ask = market.bid, market.ask
        spread = (ask - bid) / abs(ask + bid) * 2e4 if ask + bid else float("nan")
        if 0.0 <= spread <= self.max_spread_bps:
            return None
        if spread == spread:  # noqa: PLR0124
            return deny(f"spread is {spread:.1f} bps, at most {self.max_spread_bps:g}")
        if self.unknown == "deny":
            return deny("no quote is known")
        if self.unknown == "pass" or order.symbol in self.state:
            return None
        self.state[order.symbol] = True
        return warn(f"no quote of {order.symbol} is known, its spread is not looked at")


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [SpreadGuard]
