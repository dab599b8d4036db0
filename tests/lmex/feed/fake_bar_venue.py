"""A venue that has bars and nothing else, and a clock that runs much faster than ours."""

from __future__ import annotations

import asyncio
import contextlib
import random

from hookline.feed import BarRequest
from hookline.model import Bar
from hookline_lmex.errors import LmexRefused, LmexUnknown
from hookline_lmex.feed_bars import Answer, BarFollower, BarJoin, BarRules

SECOND = 10**9
MINUTE = 60 * SECOND
T0 = 1_767_225_600 * SECOND  # 2026-01-01


class FastClock:
    """Venue time that runs ``speed`` times as fast as the loop's."""

    def __init__(self, begin: int, speed: float = 600.0) -> None:
        self.begin, self.speed = begin, speed
        self._loop = asyncio.get_running_loop()
        self._base = self._loop.time()

    @property
    def now(self) -> int:
        return self.begin + int((self._loop.time() - self._base) * self.speed * SECOND)

    def seconds_until(self, venue_ns: int) -> float:
        return max(0.0, (venue_ns - self.now) / SECOND / self.speed)


def bar(symbol: str, start: int, close: float = 10.0, minutes: int = 1) -> Bar:
    return Bar(symbol, start, start + minutes * MINUTE, close, close, close, close, 1.0)


class Venue:
    """Answers with the bars that have begun; some may be absent, and it may be down for a while."""

    def __init__(self, clock: FastClock) -> None:
        self.clock = clock
        self.absent: set[tuple[str, int]] = set()
        self.changes: dict[tuple[str, int], tuple[int, float]] = {}  # close from a time on
        self.down: list[tuple[int, int]] = []
        self.questions: list[tuple[str, int]] = []
        self.unknown: set[str] = set()
        self.junk: list[int] = []

    def ask(self, symbol: str, minutes: int = 1):
        async def answer(since: int, until: int) -> Answer:
            await asyncio.sleep(0)
            now = self.clock.now
            self.questions.append((symbol, now))
            if symbol in self.unknown:
                raise LmexRefused("GET ohlcv", "no such market", code=-2, status=400)
            if any(begin <= now < end for begin, end in self.down):
                raise LmexUnknown("GET ohlcv", "no answer", status=503)
            step = minutes * MINUTE
            starts = [
                start
                for start in range(-(-since // step) * step, min(until, now + 1), step)
                if (symbol, start) not in self.absent
            ]
            bars = [self._bar(symbol, start, minutes, now) for start in starts if start + step <= now]
            return Answer(bars, max([*starts, *self.junk], default=0))

        return answer

    def _bar(self, symbol: str, start: int, minutes: int, now: int) -> Bar:
        close = 10.0
        since, other = self.changes.get((symbol, start), (now + 1, 0.0))
        if now >= since:
            close = other
        return bar(symbol, start, close, minutes)


async def follow(
    venue: Venue, requests: list[BarRequest], seconds: float, rules: BarRules | None = None
) -> tuple[list[tuple[int, Bar]], list[BarFollower]]:
    """Return the bars that were told, with the venue's time of it, and the followers."""
    rules = rules or BarRules()
    followers = [
        BarFollower(one, venue.ask(one.symbol, int(one.timeframe[:-1])), venue.clock, rules, random.Random(7))
        for one in requests
    ]
    told: list[tuple[int, Bar]] = []
    join = BarJoin(followers, venue.clock, rules, lambda one: told.append((venue.clock.now, one)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await join.run()
    return told, followers
