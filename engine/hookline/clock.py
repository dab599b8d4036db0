"""The only reader of the system's time.

Inside, time is an int of nanoseconds since the Unix epoch, UTC; at the API it is an aware datetime.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "EventClock", "SteadyClock", "SystemClock", "from_ns", "isoformat", "stopwatch", "to_ns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What the kernel asks for the time."""

    @property
    def now(self) -> int:
        """Return nanoseconds since the Unix epoch."""


class EventClock:
    """A clock that shows the time of the event being handled."""

    __slots__ = ("now",)

    def __init__(self, now: int = 0) -> None:
        self.now = now


class SteadyClock(EventClock):
    """A clock that shows the latest time of all events handled: those of a market that is followed live come a little out of order."""

    __slots__ = ("_latest",)

    def __init__(self, now: int = 0) -> None:
        self._latest = now

    @property
    def now(self) -> int:
        return self._latest

    @now.setter
    def now(self, now: int) -> None:
        self._latest = max(self._latest, now)


class SystemClock:
    """The system's clock."""

    __slots__ = ()

    @property
    def now(self) -> int:
        return time.time_ns()


def stopwatch() -> float:
    """Return seconds on a monotonic clock, for measuring how long something took."""
    return time.perf_counter()


def from_ns(ns: int) -> datetime:
    """Return the aware datetime of nanoseconds since the epoch, cut to microseconds.

    >>> from_ns(1_700_000_000_000_000_000).isoformat()
    '2023-11-14T22:13:20+00:00'
    """
    return _EPOCH + timedelta(microseconds=ns // 1000)


def to_ns(moment: datetime) -> int:
    """Return nanoseconds since the epoch of an aware datetime.

    Raises:
        ValueError: if the datetime has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a time zone, was {moment!r}")
    delta = moment - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


def isoformat(ns: int) -> str:
    """Return an ISO 8601 time in UTC, with fractions only where there are any.

    >>> isoformat(1_700_000_000_000_000_000)
    '2023-11-14T22:13:20Z'
    """
    return from_ns(ns).isoformat().replace("+00:00", "Z")
