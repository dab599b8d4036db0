"""Timers of strategies, in event time."""

from __future__ import annotations

import heapq

__all__ = ["NEVER", "Timers"]

NEVER = 2**63 - 1


class Timers:
    """Repeating timers, due at whole multiples of their period since the epoch."""

    __slots__ = ("_heap", "due")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str, str, int]] = []
        self.due = NEVER

    def every(self, period: int, now: int, strategy: str, timer: str) -> None:
        """Add a timer that is first due at the next multiple of its period (nanoseconds) after ``now``."""
        first = (now // period + 1) * period
        heapq.heappush(self._heap, (first, len(self._heap), strategy, timer, period))
        self.due = self._heap[0][0]

    def pop(self) -> tuple[int, str, str]:
        """Return the next timer as ``(due, strategy, timer)`` and set it again."""
        due, sequence, strategy, timer, period = self._heap[0]
        heapq.heapreplace(self._heap, (due + period, sequence, strategy, timer, period))
        self.due = self._heap[0][0]
        return due, strategy, timer
