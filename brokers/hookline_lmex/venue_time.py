"""The venue's clock, as it is known here.

Rules of this file:

- The venue's time is read in the middle of a round trip; of several the shortest is believed, its error is at most half of it.
- Between measurements time runs with a monotonic clock, so that corrections of the system's clock do not move it.
- Before the first measurement it is the system's time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hookline.clock import SystemClock, stopwatch

__all__ = ["VenueTime"]

_SECOND = 1_000_000_000


class VenueTime:
    """A clock that shows the venue's time, in nanoseconds UTC.

    Args:
        ask: Returns the venue's time, nanoseconds UTC.
        speed: Venue seconds in one second here; other than 1 for an accelerated emulator.

    Attributes:
        round_trip_seconds: Of the measurement that is believed; 0 before the first.
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
        best: tuple[float, int, float] | None = None
        for _ in range(samples):
            before = stopwatch()
            shown = await self._ask()
            after = stopwatch()
            if best is None or after - before < best[0]:
                best = (after - before, shown, (before + after) / 2)
        if best is not None:
            self.round_trip_seconds, self._base, self._base_watch = best
            self.is_measured = True
        return self.offset_seconds
