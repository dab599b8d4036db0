"""Bars of a market that is followed: what was, then what closes, each bar once and in order.

The venue has no topic for bars, so they are asked for. Rules of this file:

- A bar is closed when the venue has a newer one, or when ``grace_seconds`` have passed since its end by the venue's clock: a
  market without trades has no newer one. An open bar is never told.
- A bar without trades may be absent; after the grace time nothing is told for it.
- Every question begins with the last bar that was told: what was missed while the venue did not answer comes later, in order, and a
  bar that has changed since is counted and warned of.
- Bars that end together are told together: one waits for the others, but not for longer than ``patience_seconds``.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from hookline.clock import isoformat
from hookline.data.resample import bucket_start
from hookline.feed import BarRequest
from hookline.model import Bar, timeframe_ns
from hookline_lmex.errors import LmexError, LmexLimited, LmexRefused
from hookline_lmex.streams.times import Backoff

__all__ = ["Answer", "Ask", "BarFollower", "BarJoin", "BarRules", "FeedClock", "pause_after"]

_SECOND = 1_000_000_000
_SHORTEST_SECONDS = 0.02  # of a pause, however fast the venue's clock runs
_logger = logging.getLogger("hookline.lmex")


@dataclass(frozen=True)
class Answer:
    """What the venue has of a range.

    Args:
        bars: That have ended by its clock, oldest first.
        newest: Start of its latest bar, also of one that is open; 0 where it has none.
    """

    bars: list[Bar]
    newest: int = 0


Ask = Callable[[int, int], Awaitable[Answer]]
"""Asks for the bars that start in a range, nanoseconds UTC."""


class FeedClock(Protocol):
    """The venue's time."""

    @property
    def now(self) -> int:
        """Nanoseconds UTC."""

    def seconds_until(self, venue_ns: int, /) -> float:
        """Return how many seconds of ours it takes until the venue's clock shows a time."""


@dataclass(frozen=True)
class BarRules:
    """When bars are asked for; seconds are those of the venue.

    Args:
        delay_seconds: From a bar's end to the first question, and again as much at random.
        grace_seconds: From its end until it counts as closed though there is no newer one.
        patience_seconds: From its end until it is told though others that end with it are missing.
        again_seconds: Between questions for a bar that is not closed yet, at first; the pause doubles.
    """

    delay_seconds: float = 0.3
    grace_seconds: float = 3.0
    patience_seconds: float = 6.0
    again_seconds: float = 0.4


def pause_after(error: Exception, backoff: Backoff) -> float:
    """Return the seconds until the venue is asked again: as long as it wants, if it says so, but a minute at most."""
    wanted = min(error.retry_seconds, 60.0) if isinstance(error, LmexLimited) else 0.0
    return max(backoff.next(), wanted)


class BarFollower:
    """The bars of one symbol and timeframe.

    Args:
        request: Which; without a ``since`` from the bar that is open now.
        ask: Asks the venue.
        clock: The venue's time.
        rules: When it is asked.
        rng: For the jitter.

    Attributes:
        settled: Time up to which everything was told; nanoseconds UTC.
        changed: How many bars the venue changed after they were told.
        failures: How many questions it did not answer.
    """

    def __init__(
        self, request: BarRequest, ask: Ask, clock: FeedClock, rules: BarRules, rng: random.Random
    ) -> None:
        self.request = request
        self.duration = timeframe_ns(request.timeframe)
        self.changed = self.failures = 0
        self._ask = ask
        self._clock = clock
        self._rules = rules
        self._rng = rng
        self._last: Bar | None = None
        self._has_begun = False
        since = self._bucket(clock.now) if request.since is None else request.since
        self.settled = self._first = self._bucket(since + self.duration - 1)

    @property
    def is_over(self) -> bool:
        """Whether every bar of the request was told."""
        return self.request.until is not None and self.settled >= self.request.until

    async def run(self, tell: Callable[[int, list[Bar]], None]) -> None:
        """Follow the bars until the request is over, or forever.

        Args:
            tell: Given the time up to which everything is settled, and the bars that are new, oldest first.

        Raises:
            LmexRefused: if the venue refuses the first question: there is no such market.
        """
        rules = self._rules
        tell(*await self._asked())
        while not self.is_over:
            delay = rules.delay_seconds * (1 + self._rng.random())
            await self._sleep_until(self.settled + self.duration, delay)
            pause, begun = rules.again_seconds, self.settled
            while True:
                tell(*await self._asked())
                if self.settled > begun:
                    break
                pause_until = self._clock.now + round(pause * _SECOND)
                await asyncio.sleep(max(self._clock.seconds_until(pause_until), _SHORTEST_SECONDS))
                pause = min(pause * 2, rules.grace_seconds)

    async def _asked(self) -> tuple[int, list[Bar]]:
        """Ask until there is an answer; return what is settled with it, and what is new."""
        backoff = Backoff(self._rng, self._rules.again_seconds, 30.0)
        while True:
            asked_at = self._clock.now
            try:
                answer = await self._ask(self.settled - self.duration, asked_at + 1)
            except LmexError as error:
                if isinstance(error, LmexRefused) and error.status == 400 and not self._has_begun:
                    raise
                self.failures += 1
                pause = pause_after(error, backoff)
                _logger.warning(
                    "%s %s: no bars, asked again in %.1f s: %s",
                    self.request.symbol, self.request.timeframe, pause, error,
                )  # fmt: skip
                await asyncio.sleep(pause)
            else:
                self._has_begun = True
                return self._taken(answer, asked_at)

    def _taken(self, answer: Answer, asked_at: int) -> tuple[int, list[Bar]]:
        """Return the time up to which bars are settled, and those that are new."""
        # A bar that has not begun by the clock proves nothing yet: the one before it is not in the answer.
        newest = answer.newest if answer.newest <= asked_at else 0
        graced = self._bucket(asked_at - round(self._rules.grace_seconds * _SECOND))
        settled, until = max(self.settled, newest, graced), self.request.until
        if until is not None:
            settled = min(settled, self._bucket(until - 1) + self.duration)
        bars = []
        for row in answer.bars:
            if self._last is not None and row.start <= self._last.start:
                self._compare(row)
            elif row.end <= settled and row.start >= self._first:
                self._last, self._first = row, row.end
                bars.append(row)
        self.settled = settled
        return settled, bars

    def _compare(self, row: Bar) -> None:
        last = self._last
        if last is None or row.start != last.start or row == last:
            return
        self.changed += 1
        _logger.warning(
            "%s %s: the bar of %s was changed by the venue after it was told: %r, now %r",
            row.symbol, self.request.timeframe, isoformat(row.start), last, row,
        )  # fmt: skip
        self._last = row

    def _bucket(self, time: int) -> int:
        return bucket_start(time, self.request.timeframe)

    async def _sleep_until(self, time: int, delay_seconds: float) -> None:
        due = time + round(delay_seconds * _SECOND)
        # In steps, because the venue's clock may be measured anew meanwhile.
        while (seconds := self._clock.seconds_until(due)) > 0:  # noqa: ASYNC110 - a time tells no events
            await asyncio.sleep(min(seconds, 60.0))


class BarJoin:
    """Brings the bars of several followers into one order: by their ends, then in the order of the requests.

    Args:
        followers: In the order of the requests.
        clock: The venue's time.
        rules: How long bars wait for others.
        put: Takes the bars.

    Attributes:
        has_begun: Set when every follower has told what was.
    """

    def __init__(
        self,
        followers: list[BarFollower],
        clock: FeedClock,
        rules: BarRules,
        put: Callable[[Bar], None],
    ) -> None:
        self.has_begun = asyncio.Event()
        self._followers = followers
        self._clock = clock
        self._patience = round(rules.patience_seconds * _SECOND)
        self._put = put
        self._heap: list[tuple[int, int, Bar]] = []
        self._silent = set(range(len(followers)))
        self._timer: asyncio.TimerHandle | None = None
        if not followers:
            self.has_begun.set()

    async def run(self) -> None:
        """Follow all bars until the requests are over, or forever.

        Raises:
            LmexRefused: if there is no such market.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for number, follower in enumerate(self._followers):
                    group.create_task(follower.run(self._teller(number)))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _teller(self, number: int) -> Callable[[int, list[Bar]], None]:
        def tell(_: int, bars: list[Bar]) -> None:
            for bar in bars:
                heapq.heappush(self._heap, (bar.end, number, bar))
            self._silent.discard(number)
            if not self._silent:
                self._release()
                self.has_begun.set()

        return tell

    def _release(self) -> None:
        """Pass on the bars before which no other can come any more, and those that have waited long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_ends = [one.settled + one.duration for one in self._followers if not one.is_over]
        horizon = min(next_ends, default=None)
        patient = self._clock.now - self._patience
        heap = self._heap
        while heap and (horizon is None or heap[0][0] < horizon or heap[0][0] <= patient):
            self._put(heapq.heappop(heap)[2])
        if heap:
            seconds = self._clock.seconds_until(heap[0][0] + self._patience)
            self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.01), self._release)
