"""Rules before orders: what a rule is asked, what it may answer and what it may look at."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol

from hookline.model import Fill, Ledger, Market, Order

__all__ = ["Account", "Action", "Decision", "RiskRule", "Verdict", "deny", "halt", "shrink", "warn"]


class Action(StrEnum):
    """What the gate does about an order or the session; ``RESUME`` ends a halt."""

    DENY = "deny"
    SHRINK = "shrink"
    WARN = "warn"
    HALT = "halt"
    RESUME = "resume"


class Verdict(NamedTuple):
    """What a rule decides about an order, or about going on at all.

    Args:
        reason: What the rule found, and what should hold.
        action: What follows from it.
        quantity: What a shrunk order keeps, in base units.
        flatten: Whether a halt closes every position; None leaves it to the session.
        until: When a halt ends by itself, nanoseconds UTC; None for a halt that somebody must end.
    """

    reason: str
    action: Action = Action.DENY
    quantity: float = 0.0
    flatten: bool | None = None
    until: int | None = None

    @property
    def is_halt(self) -> bool:
        """Whether the session must halt."""
        return self.action is Action.HALT


def deny(reason: str) -> Verdict:
    """Stop this order; the strategy sees it as denied."""
    return Verdict(reason)


def shrink(quantity: float, reason: str) -> Verdict:
    """Send less: at most this quantity in base units, rounded down to the lot.

    The order's protective children shrink with it, and the rules that follow judge what is left. What is left below the
    instrument's minimum is denied.
    """
    return Verdict(reason, Action.SHRINK, quantity)


def warn(reason: str) -> Verdict:
    """Let the order pass, and put the reason on record."""
    return Verdict(reason, Action.WARN)


def halt(reason: str, flatten: bool | None = None, until: int | None = None) -> Verdict:
    """Stop this order, cancel all open ones and let only reducing orders pass from now on.

    Args:
        reason: What the rule found.
        flatten: Whether to close every position at the market; None leaves it to the session.
        until: When the halt ends by itself, nanoseconds UTC; None for a halt that somebody must end.
    """
    return Verdict(reason, Action.HALT, flatten=flatten, until=until)


class Decision(NamedTuple):
    """One decision of the gate, as the record of a run keeps it.

    ``time`` is nanoseconds UTC. ``rule`` is empty where no rule decided, such as for a resumption; ``strategy`` and ``symbol``
    are empty and ``order_number`` is 0 where no order was judged.
    """

    time: int
    rule: str
    verdict: Action
    strategy: str
    symbol: str
    order_number: int
    reason: str


class Account(Protocol):
    """What rules may look at."""

    @property
    def now(self) -> int:
        """Time of the event, nanoseconds UTC."""

    @property
    def ledgers(self) -> Mapping[str, Ledger]:
        """Cash and positions of each strategy."""

    @property
    def equity(self) -> float:
        """Equity of all strategies together, in the session's currency."""

    @property
    def start_equity(self) -> float:
        """Equity at the start of the session."""

    @property
    def fee_rate(self) -> float:
        """Taker fee as a fraction of notional."""

    @property
    def order_count(self) -> int:
        """Orders that were recorded so far."""

    def market(self, symbol: str) -> Market:
        """Return what is known of an instrument: last price, bid, ask, book."""

    def open_orders(self, strategy: str | None = None, symbol: str | None = None) -> list[Order]:
        """Return the open orders, oldest first, of one strategy or instrument if named."""


class RiskRule(ABC):
    """One rule. Subclasses are dataclasses, set ``name`` and override ``check``, ``watch`` or both.

    Attributes:
        state: What the rule remembers, as values that JSON can hold; the gate empties it when a session begins and the
            journal carries it over a restart. What can be worked out again need not be in it.
    """

    name: ClassVar[str]
    state: dict[str, Any]

    def check(self, order: Order, account: Account) -> Verdict | None:  # noqa: ARG002
        """Judge an order that would open or add to a position; None lets it pass."""
        return None

    def watch(self, account: Account) -> Verdict | None:  # noqa: ARG002
        """Judge the account after every event; only a halt is listened to, and it must not depend on being asked often."""
        return None

    def on_fill(self, order: Order, fill: Fill, realized: float, account: Account) -> None:  # noqa: ARG002
        """Learn of a fill, after it was booked; ``realized`` is the profit it realized before fees, in quote currency."""
        return

    def on_resume(self, account: Account) -> None:  # noqa: ARG002
        """Learn that somebody has ended a halt that this rule asked for; it should not ask again at once for the same."""
        return

    def reset(self) -> None:
        """Forget everything: a rule may serve one session after another."""
        self.state = {}

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        return dict(self.state)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned before a restart."""
        self.state = dict(state)
