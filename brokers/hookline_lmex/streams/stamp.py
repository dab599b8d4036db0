"""The two times of an event that has just come in."""

from __future__ import annotations

from hookline.clock import Clock

__all__ = ["Stamp"]

_AHEAD_NS = 60_000_000_000


class Stamp:
    """Gives events their times: when they are known here, which never goes back, and when they happened at the venue.

    Args:
        clock: The venue's time as it is known here.
        clock_speed: Venue seconds in one second here.

    Attributes:
        ahead: How many messages were more than a minute ahead of the clock; their own time is not believed.
    """

    def __init__(self, clock: Clock, clock_speed: float = 1.0) -> None:
        self.ahead = 0
        self._clock = clock
        self._most_ahead = int(_AHEAD_NS * max(1.0, clock_speed))
        self._last = 0

    def of(self, timestamp_ms: int) -> tuple[int, int]:
        """Return ``time`` and ``venue_time`` of a message that carries a time in milliseconds; nothing is known before it happened."""
        now, venue_time = self._clock.now, timestamp_ms * 1_000_000
        if venue_time > now + self._most_ahead:
            self.ahead += 1
            venue_time = now
        self._last = time = max(now, venue_time, self._last)
        return time, venue_time
