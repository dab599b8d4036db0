"""Tapes in a backtest: their messages, merged by time, in between the bars.

Strategies see a message at its ``time``. A broker that lives in the venue's time is shown it at its ``venue_time``, ahead of
them, so that orders meet the market as it is when they arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from hookline.kernel.kernel import Kernel, Lane, TapeEvent
from hookline.kernel.timers import NEVER
from hookline.model import TapeSeries

__all__ = ["TapeReel"]

_CHUNK = 8192


class TapeReel:
    """Runs messages of any number of tapes through the kernel, by time and then in the order of the tapes.

    ``due`` is the time of the next message.
    """

    def __init__(self, kernel: Kernel, lanes: Mapping[str, Lane], tapes: Sequence[TapeSeries]) -> None:
        self._kernel = kernel
        self._lanes = [lanes[tape.symbol] for tape in tapes]
        self._events = [tape.events() for tape in tapes]
        self._owners, self._times = _merged(tapes, [tape.time[tape.starts()] for tape in tapes])
        self._next = 0
        self._leads = kernel.broker.has_own_time
        self._at_venue = _at_venue(tapes) if self._leads else iter(())
        self._ahead = next(self._at_venue, None)
        self.due = self._due()

    def run_until(self, until: int | None, interrupted: Callable[[], bool]) -> None:
        """Run the messages before a time, all that are left for None; an interrupt ends it between two messages."""
        stop = len(self._times) if until is None else int(np.searchsorted(self._times, until))
        run = self._run_leading if self._leads else self._run
        while self._next < stop and not interrupted():
            part = min(stop, self._next + _CHUNK)
            run(self._next, part)
            self._next = part
        self.due = self._due()

    def _due(self) -> int:
        return int(self._times[self._next]) if self._next < len(self._times) else NEVER

    def _run(self, begin: int, stop: int) -> None:
        """Run messages, those of one tape that follow each other at once."""
        owners = self._owners[begin:stop]
        bounds = np.concatenate(([0], np.flatnonzero(np.diff(owners)) + 1, [len(owners)])).tolist()
        for first, last in pairwise(bounds):
            owner = int(owners[first])
            self._kernel.run_tape(self._lanes[owner], islice(self._events[owner], last - first))

    def _run_leading(self, begin: int, stop: int) -> None:
        kernel = self._kernel
        for owner in self._owners[begin:stop].tolist():
            event = next(self._events[owner])
            while self._ahead is not None and self._ahead.venue_time <= event.time:
                kernel.venue_sees(self._ahead)
                self._ahead = next(self._at_venue, None)
            kernel.run_tape(self._lanes[owner], (event,), seen=True)


def _merged(
    tapes: Sequence[TapeSeries], times: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which tape each message belongs to and when it comes, by time and then in the order of the tapes."""
    if not tapes:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    owner = np.repeat(np.arange(len(tapes)), [len(time) for time in times])
    joined = np.concatenate(times)
    order = np.lexsort((owner, joined))
    return owner[order], joined[order]


def _at_venue(tapes: Sequence[TapeSeries]) -> Iterator[TapeEvent]:
    """Yield the messages of all tapes by the time at which they happened."""
    events = [list(tape.events()) for tape in tapes]
    keyed = [
        (event.venue_time, owner, number)
        for owner, messages in enumerate(events)
        for number, event in enumerate(messages)
    ]
    keyed.sort()
    for _, owner, number in keyed:
        yield events[owner][number]
