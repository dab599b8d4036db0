"""Signal strategies: a pure decision on every bar.

``columns`` names what the decision reads and ``decide`` turns one row of values into a wanted exposure. ``decide`` is a
function of its arguments alone, written in scalar Python, so that the same source can be compiled for parameter sweeps.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import Bars, Column
    from hookline.kernel.sizing import Sizer

__all__ = [
    "Decision",
    "Held",
    "SignalStrategy",
    "check_columns",
    "check_decision",
    "flat",
    "hold",
    "long",
    "short",
]


class Decision(NamedTuple):
    """The exposure wanted from now on.

    ``acts`` is False for "leave the exposure as it is". ``exposure`` is signed, 1 is the full size of the sizing model.
    ``stop`` and ``target`` are prices, NaN to leave what is set (for a new position: none).
    """

    acts: bool
    exposure: float
    stop: float
    target: float


class Held(msgspec.Struct, frozen=True, gc=False):
    """What is held when ``decide`` is called.

    ``exposure`` is the signed share of the full size (0 flat), ``entry_price`` the average entry, ``stop`` the protective
    stop (NaN if none), ``since`` the time of the entry in seconds since the epoch, comparable with ``bars.time``.
    """

    exposure: float
    entry_price: float
    stop: float
    since: float


_HOLD = Decision(False, 0.0, math.nan, math.nan)
_FLAT = Decision(True, 0.0, math.nan, math.nan)
_LONG = Decision(True, 1.0, math.nan, math.nan)
_SHORT = Decision(True, -1.0, math.nan, math.nan)


def long(size: float = 1.0, stop: float = math.nan, target: float = math.nan) -> Decision:
    """Want to be long: enter, turn, or move the stop and target of a long already held."""
    if size == 1.0 and stop != stop and target != target:  # noqa: PLR0124  # no stop, no target
        return _LONG
    return Decision(True, size, stop, target)


def short(size: float = 1.0, stop: float = math.nan, target: float = math.nan) -> Decision:
    """Want to be short; where the instrument cannot be sold short this means flat."""
    if size == 1.0 and stop != stop and target != target:  # noqa: PLR0124  # no stop, no target
        return _SHORT
    return Decision(True, -size, stop, target)


def flat() -> Decision:
    """Want to hold nothing."""
    return _FLAT


def hold(stop: float = math.nan, target: float = math.nan) -> Decision:
    """Leave the exposure as it is; a stop or target given here replaces the one that is set."""
    if stop != stop and target != target:  # noqa: PLR0124  # both NaN, the usual call
        return _HOLD
    return Decision(False, 0.0, stop, target)


class SignalStrategy(Strategy):
    """Base of strategies that decide on closed bars alone. Subclasses are dataclasses and set ``name``."""

    @abstractmethod
    def columns(self, bars: Bars) -> dict[str, Column]:
        """Return the columns that ``decide`` reads, by the names it reads them under."""

    @staticmethod
    @abstractmethod
    def decide(x: Any, held: Held, p: Any) -> Decision:
        """Return the wanted exposure.

        Args:
            x: The columns' values at this bar, by name; flags are 1.0 or 0.0. Bars on which a value is not known
                (NaN) are skipped.
            held: What is held.
            p: The strategy's parameters, by name. ``allow_short: None`` arrives as what the instrument allows.
        """

    def sizer(self) -> Sizer:
        """Return the sizing model to use where the session file names none: the whole equity."""
        from hookline.kernel.sizing import EquityFraction

        return EquityFraction()


def check_columns(made: Any) -> dict[str, Column]:
    """Return what ``columns`` made if a decision can read it.

    Raises:
        TypeError: if it is not a mapping of names to columns.
    """
    from hookline.columns import Column

    if not isinstance(made, dict):
        raise TypeError(f"columns must return a dict of names and columns, returned {made!r}")
    for name, column in made.items():
        if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
            raise TypeError(f"columns must have names that can follow 'x.', had {name!r}")
        if not isinstance(column, Column):
            raise TypeError(f"columns: {name} must be a column such as bars.close, was {column!r}")
    return made


def check_decision(decision: Any) -> None:
    """Refuse what ``decide`` must not return.

    Raises:
        TypeError: if it is no decision.
        ValueError: if its size is not a finite number.
    """
    if not isinstance(decision, Decision):
        raise TypeError(f"decide must return long(), short(), flat() or hold(), returned {decision!r}")
    if not math.isfinite(decision.exposure):
        raise ValueError(f"decide must return a finite size, returned {decision!r}")
