"""Limit of the number of positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from hookline import Doc, Fill, Ge, Order, RiskRule, deny, hookimpl
from hookline.risk import Account, Verdict, position_of

_DAY = 86_400 * 10**9


@dataclass
class MaxTrades(RiskRule):
    """Deny an order that would open one position more than there may be at once, or may be opened in a day.

    A position counts from the order that opens it. Orders that add to a position pass. A day begins at midnight UTC.
    """

    name: ClassVar[str] = "max_trades"

    limit: Annotated[int, Ge(1), Doc("positions open at once")] = 3
    per_day: Annotated[int, Ge(1), Doc("positions opened in a day")] | None = None
    scope: Annotated[Literal["account", "strategy"], Doc("whose positions are counted together")] = "account"

    def check(self, order: Order, account: Account) -> Verdict | None:
        position = position_of(order, account)
        if position.lots * order.side > 0:
            return None
        busy = set(self._busy(order, account))
        place = (order.strategy, position.id)
        if place not in busy and len(busy) >= self.limit:
            return deny(f"{len(busy)} positions open or about to be, at most {self.limit}")
        if self.per_day is None:
            return None
        opening = sum(account.ledgers[strategy].positions[id_].lots == 0 for strategy, id_ in busy - {place})
        opened = self._opened(account, order.strategy) + opening
        if opened >= self.per_day:
            return deny(f"{opened} positions opened today, at most {self.per_day}")
        return None

    def on_fill(self, order: Order, fill: Fill, realized: float, account: Account) -> None:  # noqa: ARG002
        after = position_of(order, account).lots
        before = after - fill.side * fill.lots
        if after and before * after <= 0:
            opened = self._opened(account, fill.strategy)
            self.state.setdefault("opened", {})[self._key(fill.strategy)] = opened + 1

    def _busy(self, order: Order, account: Account) -> Iterator[tuple[str, str]]:
        """Yield where a position is held or an order that opens one is on its way."""
        for strategy, ledger in account.ledgers.items():
            if self.scope == "account" or strategy == order.strategy:
                for id_, position in ledger.positions.items():
                    if position.lots:
                        yield strategy, id_
        for other in account.open_orders(None if self.scope == "account" else order.strategy):
            if not other.reduce_only and other.number != order.number:
                yield other.strategy, other.position_id or other.symbol

    def _opened(self, account: Account, strategy: str) -> int:
        """Return how many positions were opened today."""
        day = account.now // _DAY
        if self.state.get("day") != day:
            self.state.update(day=day, opened={})
        return int(self.state["opened"].get(self._key(strategy), 0))

    def _key(self, strategy: str) -> str:
        return "" if self.scope == "account" else strategy


@hookimpl
def register_risk_rules() -> list[type[RiskRule]]:
    """Return the rule of this module."""
    return [MaxTrades]
