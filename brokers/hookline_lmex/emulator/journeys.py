"""Requests and answers that are on their way while the venue's clock stands: they arrive as steps move the clock."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager

from hookline_lmex.emulator.venue_clock import VenueClock

__all__ = ["Journeys"]


class Journeys:
    """What travels in the venue's time.

    Args:
        clock: The venue's time.

    Attributes:
        travelling: How many requests and answers are on their way.
    """

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock
        self._ways: list[tuple[int, int, asyncio.Event]] = []
        self._number = self._visitors = self.travelling = 0

    @property
    def next_arrival(self) -> int | None:
        """When the next one arrives, nanoseconds UTC; None if nothing is on its way."""
        return self._ways[0][0] if self._ways else None

    @contextmanager
    def visit(self) -> Iterator[None]:
        """Count a request from when it is sent until its answer has arrived."""
        self._visitors += 1
        try:
            yield
        finally:
            self._visitors -= 1

    async def travel(self, nanoseconds: int) -> None:
        """Return once the clock has been moved so far."""
        arrived = asyncio.Event()
        self._number += 1
        heapq.heappush(self._ways, (self._clock.now + nanoseconds, self._number, arrived))
        self.travelling += 1
        try:
            await arrived.wait()
        finally:
            self.travelling -= 1

    async def arrive(self) -> None:
        """Move the clock to the next arrival, and let happen what comes of it here."""
        due, _, arrived = heapq.heappop(self._ways)
        self._clock.reach(due)
        arrived.set()
        await asyncio.sleep(0)
        while self.travelling < self._visitors:  # noqa: ASYNC110  # a request is handled in a few turns of the loop
            await asyncio.sleep(0)

    def hurry(self) -> None:
        """Let everything arrive now, whatever the clock says."""
        while self._ways:
            heapq.heappop(self._ways)[2].set()
