"""History as if it happened now: paper trading without a venue, and rehearsals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from operator import itemgetter
from typing import Annotated

from hookline.feed import BarRequest, Feed
from hookline.hookspecs import hookimpl
from hookline.model import Bar, BarSeries, Instrument
from hookline.params import Doc, Ge, Gt, PluginUse
from hookline.plugins import build_use

__all__ = ["ReplayFeed", "register_feeds"]

_SECOND = 10**9
_BREATH = 64  # bars after which other tasks get their turn, when there is no need to wait


@dataclass
class ReplayFeed(Feed):
    """The bars of another feed, streamed at a pace.

    A bar is sent when as much time has passed since the first one as lies between their ends, divided by ``speed``. The
    schedule is kept against a monotonic clock, so that delays do not add up: after a late bar the next ones catch up.
    """

    name = "replay"

    source: Annotated[PluginUse, Doc("feed to replay: {use: parquet, params: {path: ...}}")]
    speed: Annotated[
        float, Ge(0), Doc("1 for real time, 60 for a minute each second, 0 for as fast as possible")
    ] = 0.0
    max_wait_seconds: Annotated[
        float | None, Gt(0), Doc("longest wait between two bars, such as over a gap")
    ] = None
    _feed: Feed = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the feed to replay.

        Raises:
            ConfigError: if its parameters break a rule.
            PluginError: if there is no such feed.
        """
        self._feed = build_use("feeds", self.source, "source")

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request, as the source has them.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        return self._feed.load(request)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return what the source knows of an instrument."""
        return self._feed.instrument(symbol)

    async def stream(self, requests: Sequence[BarRequest]) -> AsyncIterator[Bar]:
        """Yield the bars of all requests by end time, then in the order of the requests.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        bars = _by_end([self.load(request) for request in requests])
        loop = asyncio.get_running_loop()
        due = loop.time()
        latest: int | None = None
        for number, bar in enumerate(bars):
            if latest is not None:
                due += self._wait(bar.end - latest)
            latest = bar.end
            delay = due - loop.time() if self.speed else 0.0
            if delay > 0 or number % _BREATH == 0:
                await asyncio.sleep(max(delay, 0.0))
            yield bar

    def _wait(self, between: int) -> float:
        """Return the seconds that replaying a number of nanoseconds takes."""
        if not self.speed:
            return 0.0
        seconds = between / _SECOND / self.speed
        return seconds if self.max_wait_seconds is None else min(seconds, self.max_wait_seconds)


def _by_end(series: Sequence[BarSeries]) -> Iterator[Bar]:
    # Keys are unique, so that two bars are never compared themselves.
    streams = [_keyed(one, order) for order, one in enumerate(series)]
    return (bar for _, _, bar in merge(*streams, key=itemgetter(0, 1)))


def _keyed(series: BarSeries, order: int) -> Iterator[tuple[int, int, Bar]]:
    columns = (getattr(series, name) for name in ("start", *BarSeries.COLUMNS))
    for start, *prices in zip(*(memoryview(column) for column in columns), strict=True):
        end = start + series.duration
        yield end, order, Bar(series.symbol, start, end, *prices)


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [ReplayFeed]
