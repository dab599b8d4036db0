"""What an examination finds: of a venue and an account there, or of a session that is about to trade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hookline.model import Instrument, OrderType, Side

__all__ = ["Finding", "PlannedOrder", "State", "listed", "plural", "worst"]

State = Literal["ok", "warn", "fail"]
_RANKS: dict[State, int] = {"ok": 0, "warn": 1, "fail": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Args:
        name: What was examined, in a word or two: ``clock``, ``BTC-PERP leverage``.
        state: ``warn`` for what may go wrong, ``fail`` for what keeps a session from trading.
        text: What was found.
        fix: What to do about it, empty where nothing is to be done.
    """

    name: str
    state: State
    text: str
    fix: str = ""


@dataclass(frozen=True)
class PlannedOrder:
    """An order that a strategy would place, as far as its past orders tell.

    Args:
        strategy: Id of the strategy.
        instrument: As the session trades it.
        side: Buy or sell.
        type: How it is executed.
        lots: Quantity.
        time: When it was placed, nanoseconds UTC.
        price: Of the market then.
        price_now: Of the market today.
        limit_price: None where it has none.
        trigger_price: None where it has none.
        post_only: Whether it must rest.
        reduce_only: Whether it only makes a position smaller.
    """

    strategy: str
    instrument: Instrument
    side: Side
    type: OrderType
    lots: int
    time: int
    price: float
    price_now: float
    limit_price: float | None = None
    trigger_price: float | None = None
    post_only: bool = False
    reduce_only: bool = False

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self.instrument.symbol

    @property
    def quantity(self) -> float:
        """In base units, without a sign."""
        return self.instrument.units(self.lots)

    @property
    def notional(self) -> float:
        """What it is worth today, in quote currency: its limit is taken to be as far from the market as it was."""
        worst_price = self.limit_price or self.trigger_price or self.price
        return self.quantity * self.price_now * worst_price / self.price


def worst(findings: Iterable[Finding]) -> State:
    """Return the worst state among findings, ``ok`` where there are none.

    >>> worst([Finding("clock", "ok", "right"), Finding("key", "warn", "none")])
    'warn'
    """
    return max((one.state for one in findings), key=_RANKS.__getitem__, default="ok")


def plural(count: int, word: str, words: str = "") -> str:
    """Return a count with its word.

    >>> plural(1, "order"), plural(1200, "order"), plural(2, "entry", "entries")
    ('1 order', '1,200 orders', '2 entries')
    """
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def listed(words: Sequence[str], most: int = 4) -> str:
    """Return words in a row, cut after the first few.

    >>> listed(["a", "b"]), listed(list("abcdef"))
    ('a, b', 'a, b, c, d and 2 more')
    """
    shown = ", ".join(words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"
