"""What waits between the sockets and the session.

Rules of this file:

- Nothing is reordered. While more than ``crowded`` events wait, a new quote or mark price takes the place of the waiting one of
  its symbol: only the latest counts.
- Trades and book updates are never lost silently. At ``capacity`` a book gives up what waits of it and is asked for anew, so that
  the session sees a snapshot; anything else ends the stream with a ``DataError``.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from hookline.errors import DataError
from hookline.model import BookUpdate, MarketEvent, MarkPrice, Quote

__all__ = ["EventQueue"]

_Key = tuple[type, str]


class EventQueue:
    """Events that wait for the session, oldest first.

    Args:
        resync: Asks for a fresh snapshot of a symbol's book.
        crowded: Waiting events above which quotes and mark prices are conflated.
        capacity: The most that may wait.

    Attributes:
        conflated: How many quotes and mark prices a later one took the place of.
        resynced: How often a book was given up.
    """

    def __init__(self, resync: Callable[[str], None], crowded: int = 1_000, capacity: int = 100_000) -> None:
        self.conflated = self.resynced = 0
        self._resync = resync
        self._crowded = crowded
        self._capacity = capacity
        self._waiting: deque[list[MarketEvent | None]] = deque()
        self._count = 0
        self._latest: dict[_Key, list[MarketEvent | None]] = {}
        self._given_up: set[str] = set()
        self._filled = asyncio.Event()
        self._error: Exception | None = None
        self._is_over = False

    def __len__(self) -> int:
        return self._count

    def put(self, event: MarketEvent) -> None:
        """Add an event; when there is no room the stream ends with a ``DataError``, or the book begins anew."""
        if isinstance(event, BookUpdate):
            if event.symbol in self._given_up:
                if not event.is_snapshot:
                    return
                self._given_up.discard(event.symbol)
            elif self._count >= self._capacity:
                self._give_up(event.symbol)
                return
        entry: list[MarketEvent | None] = [event]
        if isinstance(event, Quote | MarkPrice):
            key = (type(event), event.symbol)
            before = self._latest.get(key)
            if before is not None and self._count > self._crowded and before[0] is not None:
                before[0] = None
                self._count -= 1
                self.conflated += 1
            self._latest[key] = entry
        if self._count >= self._capacity:
            name = type(event).__name__.lower()
            self.fail(
                DataError(
                    f"{event.symbol}: the session is too slow for the market: {self._count:,} events wait, a {name} would be lost"
                )
            )
            return
        self._waiting.append(entry)
        self._count += 1
        if len(self._waiting) > 2 * self._count + self._crowded:  # mostly places of what was conflated
            self._waiting = deque(one for one in self._waiting if one[0] is not None)
        self._filled.set()

    def fail(self, error: Exception) -> None:
        """End the stream with an error, at once: what waits is not trusted any more."""
        if self._error is None:
            self._error = error
        self._filled.set()

    def finish(self) -> None:
        """End the stream once everything was taken."""
        self._is_over = True
        self._filled.set()

    async def get(self) -> MarketEvent | None:
        """Return the next event, None at the end.

        Raises:
            Exception: with which the stream failed.
        """
        while True:
            if self._error is not None:
                raise self._error
            while self._waiting:
                event = self._waiting.popleft()[0]
                if event is not None:
                    self._count -= 1
                    return event
            if self._is_over:
                return None
            self._filled.clear()
            await self._filled.wait()

    def _give_up(self, symbol: str) -> None:
        """Drop the waiting updates of a book and ask for a snapshot."""
        self.resynced += 1
        self._given_up.add(symbol)
        kept = deque(one for one in self._waiting if not _is_book_of(one[0], symbol) and one[0] is not None)
        self._count, self._waiting = len(kept), kept
        self._resync(symbol)


def _is_book_of(event: MarketEvent | None, symbol: str) -> bool:
    return isinstance(event, BookUpdate) and event.symbol == symbol
