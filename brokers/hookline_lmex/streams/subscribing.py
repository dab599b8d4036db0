"""Which topics a socket asks for, and which of them the venue accepted.

Rules of this file:

- One request is under way at a time: answers carry no number, so they are matched by operation and topics.
- An acknowledgement names what was accepted; what it leaves out was refused, unless data of it has come.
- A tuple of topics are spellings of one thing, best first. They are asked for one after the other: two held at once would tell
  everything twice, and an order-book socket is closed after too many refusals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from hookline_lmex.streams.frames import Frame

__all__ = ["Request", "Topic", "Topics", "chunks"]

_PROBES = 2

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
        probes: How often the venue was asked for what it had granted already.
        probes_answered: How often it answered that.
    """

    def __init__(self, wanted: Iterable[Topic]) -> None:
        self.accepted: set[str] = set()
        self.probes = self.probes_answered = 0
        self._groups = [[topic] if isinstance(topic, str) else list(topic) for topic in wanted]
        self._names = [group[0] for group in self._groups]
        self._reported: set[str] = set()

    @property
    def refused(self) -> list[str]:
        """The best spelling of everything that was refused on this connection in all its spellings."""
        pairs = zip(self._names, self._groups, strict=True)
        return [name for name, group in pairs if not self.accepted.intersection(group)]

    @property
    def may_probe(self) -> bool:
        """Whether an answer may be expected when topics are asked for once more; some venue may never give one."""
        return bool(self.accepted) and (self.probes_answered > 0 or self.probes < _PROBES)

    def forget(self) -> None:
        """Begin a new connection: nothing is held."""
        self.accepted.clear()

    def rounds(self) -> Iterator[list[str]]:
        """Yield what is to be asked for: a spelling of each thing, then the next one of what was refused, until none is left.

        The spelling that was accepted is the first to be tried on the next connection.
        """
        for number in range(max(map(len, self._groups), default=0)):
            asked = [group[number] for group in self._groups if self._is_open(group, number)]
            if asked:
                yield list(dict.fromkeys(asked))
        for group in self._groups:
            group.sort(key=lambda name: name not in self.accepted)

    def news(self) -> list[str]:
        """Return what was refused and has not been reported yet; from now on it has."""
        fresh = [name for name in self.refused if name not in self._reported]
        self._reported.update(fresh)
        return fresh

    def _is_open(self, group: list[str], number: int) -> bool:
        return number < len(group) and not self.accepted.intersection(group)
