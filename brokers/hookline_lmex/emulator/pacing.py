"""Plays the events of the market to an exchange: as fast as the venue's clock runs, or one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from hookline.clock import stopwatch
from hookline.model import MarketEvent
from hookline_lmex.emulator.market_data import Group
from hookline_lmex.emulator.venue_clock import NEVER, VenueClock

__all__ = ["Pacer", "Played"]

_SLICE_SECONDS = 0.005  # of handling events, after which other tasks get their turn
_LONGEST_WAIT_SECONDS = 0.05  # until the exchange is asked again whether something is due


class Played(Protocol):
    """What events are played to: the exchange."""

    def handle(self, events: Sequence[MarketEvent]) -> None:
        """Take one message, or the bars that end together."""

    def pass_time(self) -> None:
        """Do what is due by now of its own: orders that expire, dead man's switches."""


class Pacer:
    """Events of the market and the exchange they are played to.

    Args:
        exchange: Takes the events.
        groups: The events, by time.
        clock: Time of the venue; the pacer keeps it from passing an event that is not handled yet.
        on_moved: Called after the exchange has been given time or events.
    """

    def __init__(
        self,
        exchange: Played,
        groups: Iterator[Group],
        clock: VenueClock,
        on_moved: Callable[[], None] | None = None,
    ) -> None:
        self._exchange, self._groups, self._clock = exchange, groups, clock
        self._on_moved = on_moved
        self._next: Group | None = None
        self._wake = asyncio.Event()
        self.handled = 0
        """Groups of events that were played."""
        self._fetch()

    @property
    def is_over(self) -> bool:
        """Whether there are no more events."""
        return self._next is None

    @property
    def next_time(self) -> int | None:
        """Time of the next events, nanoseconds UTC; None if there are none."""
        return None if self._next is None else self._next[0]

    def step(self) -> bool:
        """Play the next events at once, whatever the clock says; return whether there were any."""
        if self._next is None:
            return False
        time, events = self._next
        self._clock.reach(time)
        self._exchange.handle(events)
        self.handled += 1
        self._fetch()
        self._moved()
        return True

    def set_speed(self, speed: float | None) -> None:
        """Let the clock run at another speed, or stand."""
        self._clock.speed = speed
        self._wake.set()

    async def run(self) -> None:
        """Play for ever; once the events are over, the clock goes on and what the exchange itself has to do is done."""
        while True:
            self._wake.clear()
            if self._clock.speed is None:
                await self._wake.wait()
                continue
            delay = self._play(stopwatch() + _SLICE_SECONDS)
            if delay <= 0.0:
                await asyncio.sleep(0)
                continue
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _play(self, until: float) -> float:
        """Play what is due for a moment; return the seconds to wait for the next."""
        while self._next is not None and self._clock.wait_seconds(self._next[0]) <= 0.0:
            self.step()
            if stopwatch() > until:
                return 0.0
        self._exchange.pass_time()
        self._moved()
        if self._next is None:
            return _LONGEST_WAIT_SECONDS
        return min(self._clock.wait_seconds(self._next[0]), _LONGEST_WAIT_SECONDS)

    def _fetch(self) -> None:
        self._next = next(self._groups, None)
        self._clock.limit = NEVER if self._next is None else self._next[0]

    def _moved(self) -> None:
        if self._on_moved is not None:
            self._on_moved()
