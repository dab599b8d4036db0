"""Timers of strategies and of what works for them, in event time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count
from operator import itemgetter
from typing import Any

__all__ = ["NEVER", "Timers"]

NEVER = 2**63 - 1


class Timers:
    """Timers by due time, then in the order in which they were set; ``due`` is when the next one fires."""

    __slots__ = ("_heap", "_numbers", "due")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Any, str, int]] = []
        self._numbers = count()
        self.due = NEVER

    def every(self, period: int, now: int, target: Any, timer: str) -> None:
        """Add a timer that is first due at the next multiple of its period (nanoseconds) after ``now``."""
        self._push((now // period + 1) * period, target, timer, period)

    def at(self, due: int, target: Any, timer: str) -> None:
        """Add a timer that fires once."""
        self._push(due, target, timer, 0)

    def pop(self) -> tuple[int, Any, str]:
        """Return the next timer as ``(due, target, timer)``; one that repeats is set again."""
        due, number, target, timer, period = self._heap[0]
        if period:
            heapq.heapreplace(self._heap, (due + period, number, target, timer, period))
        else:
            heapq.heappop(self._heap)
        self.due = self._heap[0][0] if self._heap else NEVER
        return due, target, timer

    def rows(self) -> list[tuple[int, Any, str, int]]:
        """Return the timers as ``(due, target, timer, period)`` in the order in which they were set; a period of 0 fires once."""
        by_number = sorted(self._heap, key=itemgetter(1))
        return [(due, target, timer, period) for due, _, target, timer, period in by_number]

    def replace(self, rows: Iterable[tuple[int, Any, str, int]]) -> None:
        """Take these timers, in their order, instead of those that are set."""
        self._heap, self.due = [], NEVER
        for due, target, timer, period in rows:
            self._push(due, target, timer, period)

    def _push(self, due: int, target: Any, timer: str, period: int) -> None:
        # Numbers are unique, so that targets are never compared.
        heapq.heappush(self._heap, (due, next(self._numbers), target, timer, period))
        self.due = self._heap[0][0]
