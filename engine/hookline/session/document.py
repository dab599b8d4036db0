"""What a session file says, with the address of everything in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hookline.problems import Location, Problem

__all__ = ["Document"]

# Shorter values are too likely to be part of other words to be replaced in messages.
_SHORTEST_SECRET = 4


@dataclass
class Document:
    """Values, where each was written, and which of them came from the environment.

    Args:
        source: Name of the file in messages.
        data: The values, with references to the environment replaced.
        marks: Where a value (in a mapping: its key) begins, as ``session.yaml:3:5``.
        references: Text as written of the values that came from the environment, such as ``${API_KEY}``.
        secrets: The texts that came from the environment, and how they were written.
    """

    source: str
    data: Any = None
    marks: dict[Location, str] = field(default_factory=dict)
    references: dict[Location, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def refer(self, location: Location, text: str, value: str) -> None:
        """Remember that a value came from the environment and how it was written."""
        self.references[location] = text
        if len(value) >= _SHORTEST_SECRET and value != text:
            self.secrets[value] = text

    def mark(self, location: Location) -> str:
        """Return where a value is written; for one that is not there, where its nearest parent is."""
        while location and location not in self.marks:
            location = location[:-1]
        return self.marks.get(location, self.source)

    def report(self, problem: Problem) -> str:
        """Return the message of a problem: where, the rule and what was found; never a value from the environment."""
        location = problem.location
        if location in self.references and problem.found is not None:
            problem = dataclasses.replace(problem, found=repr(self.references[location]), hint="")
        elif self.references_below(location) and problem.found is not None:
            problem = dataclasses.replace(problem, found="a value with parts from the environment", hint="")
        mark = self.mark(location)
        return self.scrub(problem.at("") if not mark else f"{mark}: {problem.at('')}")

    def in_order(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems in the order in which the file writes what they are about."""
        order = {location: number for number, location in enumerate(self.marks)}

        def rank(problem: Problem) -> int:
            location = problem.location
            while location and location not in order:
                location = location[:-1]
            return order.get(location, 0)

        return sorted(problems, key=rank)

    def scrub(self, message: str) -> str:
        """Return a message with values from the environment replaced by the names of their variables."""
        for value, text in self.secrets.items():
            message = message.replace(value, text)
        return message

    def references_below(self, location: Location) -> dict[Location, str]:
        """Return the references inside a value, by their location relative to it."""
        depth = len(location)
        return {place[depth:]: text for place, text in self.references.items() if place[:depth] == location}

    def as_written(self, location: Location, value: Any) -> Any:
        """Return JSON-like data found at a location with its values from the environment as they were written."""
        for place, text in self.references_below(location).items():
            if not place:
                return text
            parent = value
            for part in place[:-1]:
                parent = parent[part]
            parent[place[-1]] = text
        return value

    def put(self, location: Location, other: Document, mark: str) -> None:
        """Put another document's value at a location whose parent exists, marked as coming from ``mark``."""
        for table in (self.marks, self.references):
            for place in [place for place in table if place[: len(location)] == location]:
                del table[place]
        parent = self.data
        for part in location[:-1]:
            parent = parent[part]
        parent[location[-1]] = other.data
        self.marks[location] = mark
        self.references |= {location + place: text for place, text in other.references.items()}
        self.secrets |= other.secrets

    def move(self, location: Location, destination: Location) -> None:
        """Keep the address of a value that is expanded from a shorthand."""
        if location in self.references:
            self.references[destination] = self.references.pop(location)
