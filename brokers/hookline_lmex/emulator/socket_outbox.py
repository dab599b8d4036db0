"""What waits to be sent on one socket."""

from __future__ import annotations

import asyncio
from collections import deque
from heapq import heappop, heappush
from itertools import count

__all__ = ["Outbox"]


class Outbox:
    """Messages by the time at which they go out; those of one time in their order. Answers to pings go before all others.

    Args:
        most: Messages that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._urgent: deque[str] = deque()
        self._waiting: list[tuple[float, int, str, str]] = []
        self._numbers = count()
        self._changed = asyncio.Event()
        self._is_held = False

    @property
    def is_full(self) -> bool:
        """Whether more wait than may."""
        return len(self._waiting) > self._most

    def put(self, text: str, topic: str, due: float) -> None:
        """Add a message that goes out at a time of the event loop."""
        heappush(self._waiting, (due, next(self._numbers), text, topic))
        self._changed.set()

    def put_urgent(self, text: str) -> None:
        """Add the answer to a ping."""
        self._urgent.append(text)
        self._changed.set()

    def hold(self, held: bool) -> None:
        """Keep everything but answers to pings, or let it go."""
        self._is_held = held
        self._changed.set()

    async def get(self) -> tuple[str, str]:
        """Return the next message that is due, and its topic; wait until there is one."""
        while True:
            if self._urgent:
                return self._urgent.popleft(), ""
            delay = self._delay()
            if delay is not None and delay <= 0.0:
                _, _, text, topic = heappop(self._waiting)
                return text, topic
            self._changed.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _delay(self) -> float | None:
        if self._is_held or not self._waiting:
            return None
        return self._waiting[0][0] - asyncio.get_running_loop().time()
