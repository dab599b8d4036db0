"""What is wrong with data that a person wrote: addresses, rules and guesses at what was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Location", "Problem", "did_you_mean", "join", "read_location", "shown"]

Location = tuple[str | int, ...]

_PLAIN_KEY = re.compile(r"[\w-]+")
_PART = re.compile(
    r"""\.?(?P<key>[^.:\[\]='"\s]+)|\[(?P<index>\d+)\]|\[(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\]"""
)
_LONGEST = 80


@dataclass(frozen=True)
class Problem:
    """One rule that the data breaks: where (below the data's root), the rule, and what was found.

    ``found`` is None where there is nothing to show, as for a missing field; ``hint`` follows what was found.
    """

    location: Location
    rule: str
    found: str | None = None
    hint: str = ""

    @property
    def text(self) -> str:
        """The rule, what was found and what was probably meant."""
        return f"{self.rule}{'' if self.found is None else f', was {self.found}'}{self.hint}"

    def at(self, where: str) -> str:
        """Return the message with its address below ``where``."""
        address = join(where, self.location)
        return f"{address}: {self.text}" if address else self.text


def join(where: str, location: Location) -> str:
    """Return the address of a location below another address.

    >>> join("strategies[0]", ("params", "levels", 2, "a b"))
    "strategies[0].params.levels[2]['a b']"
    """
    for part in location:
        if isinstance(part, int):
            where += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            where += f".{part}" if where else part
        else:
            where += f"[{part!r}]"
    return where


def read_location(text: str) -> tuple[Location, str]:
    """Return the location that a text begins with, and the rest of the text; the inverse of :func:`join`.

    >>> read_location("strategies[0].params.fast=12")
    (('strategies', 0, 'params', 'fast'), '=12')
    """
    location: list[str | int] = []
    position = 0
    while match := _PART.match(text, position):
        if match["index"] is not None:
            location.append(int(match["index"]))
        else:
            location.append(match["key"] if match["key"] is not None else match["quoted"])
        position = match.end()
    return tuple(location), text[position:]


def did_you_mean(name: object, candidates: Iterable[str]) -> str:
    """Return ``"; did you mean 'fast'?"`` for the candidate nearest to a name, an empty text if none is near.

    >>> did_you_mean("fats", ["fast", "slow"])
    "; did you mean 'fast'?"
    """
    folded = {candidate.casefold(): candidate for candidate in candidates}
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def shown(value: object) -> str:
    """Return a value as a message shows it: as YAML spells it where Python differs, and not endlessly long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
