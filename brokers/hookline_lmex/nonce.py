"""Nonces: milliseconds of the venue's clock, strictly increasing for each key in the whole process.

Two processes with one key can still collide; give each process a key of its own.
"""

from __future__ import annotations

import threading

__all__ = ["NonceSource", "nonces_of"]

# A clock that was further ahead than this is believed to have been wrong; less is the count of a burst of calls.
_WRONG_MS = 1000


class NonceSource:
    """The nonces of one key."""

    __slots__ = ("_last", "_lock")

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self, now_ms: int) -> int:
        """Return a nonce that was never returned before: the time, or the last one plus one."""
        with self._lock:
            self._last = max(now_ms, self._last + 1)
            return self._last

    def rewind(self, now_ms: int) -> None:
        """Begin again at a clock that was measured anew, where nonces had run ahead of it.

        Only after the venue has refused a nonce: else nonces from a clock that was ahead would be refused until it is reached.
        One that repeats after that is refused, not executed.
        """
        with self._lock:
            if self._last - now_ms > _WRONG_MS:
                self._last = now_ms


_lock = threading.Lock()
# The one piece of state that outlives a client: a venue refuses a nonce that another client of this process has used.
_sources: dict[tuple[str, str], NonceSource] = {}


def nonces_of(url: str, key: str) -> NonceSource:
    """Return the nonces of a key at a venue, the same object for every client in this process."""
    with _lock:
        return _sources.setdefault((url, key), NonceSource())
