"""How long a socket waits for what, and how it comes back after a loss."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ["Backoff", "SocketTimes"]


@dataclass(frozen=True)
class SocketTimes:
    """Intervals of a socket, all in seconds.

    Args:
        ping_seconds: Between the text pings that keep it open.
        silence_seconds: Without anything heard, after which it counts as dead.
        connect_seconds: For a connection to be made.
        login_seconds: For the answer to a login, before the other spelling of it is tried.
        answer_seconds: For the acknowledgement of a subscription.
        backoff_seconds: Longest wait before the first try again; it doubles with each.
        backoff_most_seconds: Longest wait before any try.
        stable_seconds: How long it must have been up for its next loss to be the first one again.
        refused_seconds: Shortest wait after the venue refused the connection with HTTP 400, as it does for ten minutes to whoever
            asked too much.
        resync_seconds: For a new snapshot of a book, before it is asked for again; also the first pause between two
            resynchronisations of one book, doubled while they do not help.
        resync_most_seconds: Longest such pause.
        quiet_seconds: Without any data, after which the venue has to acknowledge the subscriptions once more.
        old_news_seconds: After subscribing, for which trades that are older than the subscription are taken for history.
    """

    ping_seconds: float = 15.0
    silence_seconds: float = 60.0
    connect_seconds: float = 10.0
    login_seconds: float = 4.0
    answer_seconds: float = 10.0
    backoff_seconds: float = 0.5
    backoff_most_seconds: float = 60.0
    stable_seconds: float = 10.0
    refused_seconds: float = 60.0
    resync_seconds: float = 5.0
    resync_most_seconds: float = 60.0
    quiet_seconds: float = 60.0
    old_news_seconds: float = 10.0


class Backoff:
    """Waits between tries: exponential with full jitter, so that clients that lost the venue together do not come back together.

    >>> waits = Backoff(random.Random(1), first=1.0, most=4.0)
    >>> [waits.next() <= limit for limit in (1, 2, 4, 4)]
    [True, True, True, True]
    """

    def __init__(self, rng: random.Random, first: float, most: float) -> None:
        self._rng = rng
        self._first = first
        self._most = most
        self._tries = 0

    def next(self) -> float:
        """Return the seconds to wait before the next try."""
        limit = min(self._most, self._first * 2.0 ** min(self._tries, 30))
        self._tries += 1
        return self._rng.uniform(0.0, limit)

    def reset(self) -> None:
        """Begin again with short waits."""
        self._tries = 0
