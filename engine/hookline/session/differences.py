"""Where we and a venue differ, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from hookline.notifier import Level

__all__ = ["Difference", "DifferenceAction", "DifferenceKind", "Reconciliation"]


class DifferenceKind(StrEnum):
    """What differs."""

    ORDER_MISSING = "order missing"
    """Open here, not open at the venue."""
    ORDER_STATUS = "order status"
    """Open at the venue; here it waits for its entry, or nobody knows yet whether it has arrived."""
    ORDER_FILLS = "order fills"
    """Filled to another quantity."""
    ORDER_TERMS = "order terms"
    """Open on both sides with other quantity or prices."""
    ORDER_UNEXPECTED = "order unexpected"
    """Carries our id and is open at the venue, not here."""
    ORDER_FOREIGN = "foreign order"
    """Open at the venue and none of ours."""
    POSITION = "position"
    """Held to another quantity than the strategies hold together."""
    POSITION_MODE = "position mode"
    """Held in a mode (one way, hedge) that the session does not trade in."""
    BASE_FEES = "fees in base currency"
    """The venue holds a little less spot than was bought, as it does where it takes fees in what was bought."""
    BALANCE = "balance"
    """The venue holds less money than the strategies have."""
    LEVERAGE = "leverage"
    MARGIN_MODE = "margin mode"


class DifferenceAction(StrEnum):
    """What was done about a difference."""

    NOTED = "noted"
    WAITED = "looks again"
    """Nothing yet: it may be under way, and must be there at the next look too."""
    ASKED = "asked about"
    """The venue is asked what became of the order."""
    UNKNOWN = "outcome unknown"
    """The order counts as unknown now."""
    REJECTED = "counts as rejected"
    """The order has certainly not arrived, and counts as rejected now."""
    CLOSED = "counts as canceled"
    """The order is gone from the venue without a trace, and counts as canceled now."""
    ADOPTED = "adopted"
    """The venue's truth is ours now."""
    CANCELED = "to be canceled"
    """The order is to be canceled at the venue."""
    IGNORED = "ignored"
    REFUSED = "refused"
    """The session does not trade until somebody has looked."""


_QUIET = frozenset({DifferenceAction.WAITED, DifferenceAction.ASKED, DifferenceAction.NOTED})
_LOUD = frozenset(
    {DifferenceKind.BALANCE, DifferenceKind.LEVERAGE, DifferenceKind.MARGIN_MODE, DifferenceKind.ORDER_FILLS}
)


@dataclass(frozen=True)
class Difference:
    """One difference between what we believe and what the venue says.

    Args:
        kind: What differs.
        symbol: Name of the instrument, or of the currency for a balance.
        subject: What it is about: a client order id, a venue order id, a position id or a currency.
        ours: What we believe, for a person to read.
        venues: What the venue says, likewise.
        action: What was done.
        text: All of it in a sentence, with what to do where somebody has to.
        mark: Equal for the same difference seen again, whatever else has moved.
        strategy: Id of the strategy it concerns, empty where it is not one's.
        order_number: Of our order, 0 where it is about none.
    """

    kind: DifferenceKind
    symbol: str
    subject: str
    ours: str
    venues: str
    action: DifferenceAction
    text: str
    mark: str
    strategy: str = ""
    order_number: int = 0

    @property
    def level(self) -> Level:
        """How loudly it is told."""
        if self.action is DifferenceAction.REFUSED:
            return "error"
        if self.action is DifferenceAction.NOTED and self.kind in _LOUD:
            return "warning"
        return "info" if self.action in _QUIET else "warning"

    def plain(self) -> dict[str, Any]:
        """Return it as values that JSON can hold."""
        fields = asdict(self) | {"kind": str(self.kind), "action": str(self.action), "level": self.level}
        del fields["mark"]
        return fields


@dataclass(frozen=True)
class Reconciliation:
    """What one comparison found.

    Args:
        time: When the venue was asked, nanoseconds UTC.
        check: Number of the comparison, counted over restarts.
        differences: In the order orders, positions, balances, settings.
        cancel: Venue order ids of orders that are to be canceled at the venue.
        is_stale: Whether our side has moved while the venue was asked; nothing was compared then.
    """

    time: int
    check: int
    differences: tuple[Difference, ...] = ()
    cancel: tuple[str, ...] = ()
    is_stale: bool = False

    def of(self, *actions: DifferenceAction) -> list[Difference]:
        """Return the differences about which one of some things was done."""
        return [one for one in self.differences if one.action in actions]

    @property
    def refusals(self) -> list[Difference]:
        """What keeps the session from trading."""
        return self.of(DifferenceAction.REFUSED)

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to be looked at again before it can be decided."""
        waiting = (DifferenceAction.WAITED, DifferenceAction.ASKED, DifferenceAction.UNKNOWN)
        return not (self.is_stale or self.of(*waiting))


def refusal(differences: Iterable[Difference]) -> str:
    """Return why a session does not trade, in one text."""
    return "; ".join(one.text for one in differences)
