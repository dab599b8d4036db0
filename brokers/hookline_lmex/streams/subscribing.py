"""Which topics a socket asks for, and which of them the venue accepted.

Rules of this file:

- One request is under way at a time: answers carry no number, so they are matched by operation and topics.
- An acknowledgement names what was accepted; what it leaves out was refused, unless data of it has come.
- A tuple of topics are spellings of one thing, best first: all are asked for, the best one accepted is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from hookline_lmex.streams.frames import Frame

__all__ = ["Request", "Topic", "Topics", "chunks"]

Topic = str | tuple[str, ...]


def chunks(topics: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield topics in lists of at most ``size``.

    >>> list(chunks("abc", 2))
    [['a', 'b'], ['c']]
    """
    left = list(topics)
    for start in range(0, len(left), size):
        yield left[start : start + size]


class Request:
    """A subscription asked for, and what has been said of it."""

    def __init__(self, op: str, topics: Iterable[str]) -> None:
        self.op = op
        self.topics = frozenset(topics)
        self.accepted: set[str] = set()
        self.refused: set[str] = set()
        self.done = asyncio.Event()

    def saw(self, topic: str) -> None:
        """Learn that data of a topic came."""
        if topic in self.topics:
            self.accepted.add(topic)

    def refuse(self, topic: str) -> None:
        """Learn of an error that is about a topic."""
        if topic in self.topics:
            self.refused.add(topic)
            if self.refused | self.accepted >= self.topics:
                self.done.set()

    def answer(self, frame: Frame) -> None:
        """Learn of an acknowledgement."""
        named = set(frame.channel or ())
        if frame.event == self.op and (not named or named & self.topics):
            self.accepted |= named & self.topics
            self.refused -= self.accepted
            self.done.set()


class Topics:
    """The topics of a socket.

    Args:
        wanted: What to ask for on every connection; a tuple for spellings of one thing, best first.

    Attributes:
        accepted: What is held on this connection.
        dropped: Accepted, but not the best spelling: its messages are not wanted.
    """

    def __init__(self, wanted: Iterable[Topic]) -> None:
        self.groups: list[tuple[str, ...]] = [
            (topic,) if isinstance(topic, str) else tuple(topic) for topic in wanted
        ]
        self.accepted: set[str] = set()
        self.dropped: set[str] = set()
        self._reported: set[str] = set()

    @property
    def names(self) -> list[str]:
        """Every topic that is asked for, each once."""
        return list(dict.fromkeys(name for group in self.groups for name in group))

    @property
    def refused(self) -> list[str]:
        """The best spelling of everything that was refused on this connection."""
        return [group[0] for group in self.groups if not self.accepted.intersection(group)]

    def forget(self) -> None:
        """Begin a new connection: nothing is held."""
        self.accepted.clear()
        self.dropped.clear()

    def choose(self) -> list[str]:
        """Return what is to be unsubscribed: the lesser spellings among those accepted."""
        for group in self.groups:
            held = [name for name in group if name in self.accepted]
            self.dropped.update(held[1:])
        self.accepted -= self.dropped
        return sorted(self.dropped)

    def news(self) -> list[str]:
        """Return what was refused and has not been reported yet; from now on it has."""
        fresh = [name for name in self.refused if name not in self._reported]
        self._reported.update(fresh)
        return fresh
