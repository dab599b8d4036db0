"""Rules before orders.

A rule sees an order before it is sent and may deny it or halt the session. Orders that only reduce a position are never
stopped by a rule: getting out must always work. A halt cancels every open order; from then on only reducing orders pass.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple, Protocol

from hookline.model import Fill, Ledger, Order, OrderType

__all__ = ["Account", "Gate", "RiskRule", "Verdict", "deny", "halt", "reference_price"]


class Verdict(NamedTuple):
    """What a rule decides about an order, or about going on at all."""

    reason: str
    is_halt: bool = False
    flatten: bool = False


def deny(reason: str) -> Verdict:
    """Stop this order; the strategy sees it as denied."""
    return Verdict(reason)


def halt(reason: str) -> Verdict:
    """Stop this order, cancel all open ones and let only reducing orders pass from now on."""
    return Verdict(reason, is_halt=True)


class Account(Protocol):
    """What rules may look at."""

    @property
    def ledgers(self) -> Mapping[str, Ledger]:
        """Cash and positions of each strategy."""

    @property
    def equity(self) -> float:
        """Equity of all strategies together."""

    @property
    def start_equity(self) -> float:
        """Equity at the start of the session."""

    def open_orders(self, strategy: str | None = None, symbol: str | None = None) -> list[Order]:
        """Return the open orders, of one strategy or instrument if named."""


class RiskRule(ABC):
    """One rule. Subclasses are dataclasses, set ``name`` and override one method or both."""

    name: ClassVar[str]

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        """Judge an order that would open or add to a position; None lets it pass."""
        return None

    def watch(self, account: Account) -> Verdict | None:  # noqa: ARG002
        """Judge the account after every bar; a verdict other than None halts the session."""
        return None

    def on_fill(self, order: Order, fill: Fill, realized: float, account: Account) -> None:
        """Learn of an execution and of the profit it realized, before fees in quote currency."""


class Gate:
    """Applies the rules in order; the first verdict wins."""

    def __init__(self, rules: Sequence[RiskRule], account: Account) -> None:
        self._account = account
        self._checks = [rule for rule in rules if type(rule).check is not RiskRule.check]
        self.watches = [rule for rule in rules if type(rule).watch is not RiskRule.watch]
        self.halted = ""

    def judge(self, order: Order) -> Verdict | None:
        """Return why an order must not be sent, None if it may."""
        if not (self._checks or self.halted) or is_reducing(order, self._account):
            return None
        if self.halted:
            return deny(f"halted: {self.halted}")
        for rule in self._checks:
            verdict = rule.check(order, self._account)
            if verdict is not None:
                return Verdict(f"{rule.name}: {verdict.reason}", verdict.is_halt)
        return None

    def halt(self, reason: str) -> None:
        """Let only reducing orders pass from now on."""
        self.halted = reason

    def watch(self) -> Verdict | None:
        """Return why the session must halt, None if it may go on."""
        for rule in self.watches:
            verdict = rule.watch(self._account)
            if verdict is not None:
                return Verdict(f"{rule.name}: {verdict.reason}", is_halt=True)
        return None


def is_reducing(order: Order, account: Account) -> bool:
    """Return whether an order can only make a position smaller."""
    if order.reduce_only:
        return True
    held = account.ledgers[order.strategy].positions[order.symbol].lots
    return held * order.side < 0 and order.lots <= abs(held)


def reference_price(order: Order, account: Account) -> float:
    """Return the price to value an order at: its limit, its trigger, or the last price."""
    if order.limit_price is not None:
        return order.limit_price
    if order.trigger_price is not None and order.type is not OrderType.TRAILING_STOP:
        return order.trigger_price
    return account.ledgers[order.strategy].positions[order.symbol].market.last
