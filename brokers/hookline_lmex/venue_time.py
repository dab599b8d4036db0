"""The venue's clock, as it is known here.

Rules of this file:

- The venue's time is read in the middle of a round trip; of several the shortest is believed, its error is at most half of it.
- Between measurements time runs with a monotonic clock, so that corrections of the system's clock do not move it.
- Before the first measurement it is the system's time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hookline.clock import SystemClock, stopwatch

__all__ = ["VenueTime"]

_SECOND = 1_000_000_000
# How far two clocks may drift apart in a second; that of a computer without correction does not get near it.
_DRIFT = 1e-4


class _Reading(NamedTuple):
    """A venue's time, nanoseconds UTC, read in the middle of a round trip."""

    round_trip: float
    shown: int
    watch: float


class VenueTime:
    """A clock that shows the venue's time, in nanoseconds UTC.

    Args:
        ask: Returns the venue's time, nanoseconds UTC.
        speed: Venue seconds in one second here; other than 1 for an accelerated emulator.

    Attributes:
        round_trip_seconds: Of the measurement that is believed; 0 before the first.
        is_measured: Whether there was one.
    """

    def __init__(self, ask: Callable[[], Awaitable[int]], speed: float = 1.0) -> None:
        self._ask = ask
        self._speed = speed
        self._base = SystemClock().now
        self._base_watch = stopwatch()
        self.round_trip_seconds = 0.0
        self.is_measured = False

    @property
    def now(self) -> int:
        """The venue's time, nanoseconds UTC."""
        return self._base + int((stopwatch() - self._base_watch) * self._speed * _SECOND)

    @property
    def now_ms(self) -> int:
        """The venue's time in milliseconds, as nonces and requests have it."""
        return self.now // 1_000_000

    @property
    def offset_seconds(self) -> float:
        """How far the venue's clock is ahead of the system's."""
        return (self.now - SystemClock().now) / _SECOND

    def seconds_until(self, venue_ns: int) -> float:
        """Return how many seconds of ours it takes until the venue's clock shows a time; 0 if it is past."""
        return max(0.0, (venue_ns - self.now) / _SECOND / self._speed)

    async def measure(self, samples: int = 5) -> float:
        """Read the venue's clock several times and follow the best reading; return ``offset_seconds``.

        Raises:
            LmexError: if the venue does not answer.
        """
        best: _Reading | None = None
        for _ in range(samples):
            reading = await self._read()
            if best is None or reading.round_trip < best.round_trip:
                best = reading
        if best is not None:
            self._follow(best)
        return self.offset_seconds

    async def refine(self) -> None:
        """Read the venue's clock once and follow that if it is better than what is known, or contradicts it.

        Raises:
            LmexError: if the venue does not answer.
        """
        reading = await self._read()
        age = reading.watch - self._base_watch
        error_now = self.round_trip_seconds / 2 + age * _DRIFT
        error_then = reading.round_trip / 2
        expected = self._base + int(age * self._speed * _SECOND)
        apart = abs(reading.shown - expected) / _SECOND / self._speed
        if not self.is_measured or error_then <= error_now or apart > error_then + error_now:
            self._follow(reading)

    async def _read(self) -> _Reading:
        before = stopwatch()
        shown = await self._ask()
        after = stopwatch()
        return _Reading(after - before, shown, (before + after) / 2)

    def _follow(self, reading: _Reading) -> None:
        self.round_trip_seconds, self._base, self._base_watch = reading
        self.is_measured = True
