"""The clock of an emulated venue."""

from __future__ import annotations

from collections.abc import Callable

from hookline.clock import stopwatch

__all__ = ["NEVER", "SkewedClock", "VenueClock"]

NEVER = 2**63 - 1
_MS = 10**6


class VenueClock:
    """Venue time that runs ``speed`` times as fast as a stopwatch, or stands between steps.

    It never shows less than before, and never more than the time of the next event of the market: an order that arrives
    before an event is handled has arrived before it, however late the event is. ``tick`` moves a standing clock by a
    millisecond, so that no two requests come at one time.

    Args:
        now: Where it begins, nanoseconds UTC.
        speed: Seconds of the venue in one; None for a clock that stands.
        timer: Seconds of a stopwatch.
    """

    def __init__(self, now: int, speed: float | None, timer: Callable[[], float] = stopwatch) -> None:
        self._timer = timer
        self._base, self._since = now, timer()
        self._speed = speed
        self._shown = now
        self.limit = NEVER
        """Time of the next event."""

    @property
    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        self._shown = max(self._shown, min(self._due(), self.limit))
        return self._shown

    @property
    def speed(self) -> float | None:
        """Seconds of the venue in one; None for a clock that stands."""
        return self._speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        self._base, self._since, self._speed = self.now, self._timer(), speed

    def wait_seconds(self, time: int) -> float:
        """Return the seconds of the stopwatch until a time of the venue; 0 if it is past, and of a clock that stands."""
        if self._speed is None:
            return 0.0
        return max(0.0, (time - self._due()) / self._speed / 1e9)

    def reach(self, time: int) -> None:
        """Show at least this time: that of an event that is being handled.

        A clock that stands goes on from there; one that runs keeps its schedule, so that delays do not add up.
        """
        self._shown = max(self._shown, time)
        if self._speed is None:
            self._base = self._shown

    def tick(self) -> None:
        """Move a clock that stands by a millisecond, not beyond the next event."""
        if self._speed is None:
            self._base = max(self._base, min(self._base + _MS, self.limit - 1))

    def _due(self) -> int:
        if self._speed is None:
            return self._base
        return self._base + int((self._timer() - self._since) * self._speed * 1e9)


class SkewedClock:
    """The clock that a venue shows to its clients: its own, and an offset that a fault may set.

    What it trades by stays as it is: orders are never matched at times that go back.
    """

    def __init__(self, clock: VenueClock) -> None:
        self._clock = clock
        self.skew_ms = 0.0

    @property
    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""
        return self._clock.now + round(self.skew_ms * _MS)
