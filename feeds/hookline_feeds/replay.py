"""History as if it happened now: paper trading without a venue, and rehearsals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Annotated

from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.hookspecs import hookimpl
from hookline.model import Bar, BarSeries, Instrument, MarketEvent, TapeSeries
from hookline.params import Doc, Ge, Gt, PluginUse
from hookline.plugins import build_use

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["ReplayFeed", "register_feeds"]

_SECOND = 10**9
_Keyed = tuple[int, int, MarketEvent]
_BREATH = 64  # events after which other tasks get their turn, when there is no need to wait


@dataclass
class ReplayFeed(Feed):
    """The bars and the tape of another feed, streamed at a pace.

    A bar is known at its end, a quote, trade or book update at its time. An event is sent when as much time has passed since
    the first one as lies between them, divided by ``speed``. At equal times bars come first, for they tell of what was
    before, then the messages, each in the order of the requests. The schedule is kept against a monotonic clock, so that
    delays do not add up: after a late event the next ones catch up.
    """

    name = "replay"

    source: Annotated[PluginUse, Doc("feed to replay: {use: parquet, params: {path: ...}}")]
    speed: Annotated[
        float, Ge(0), Doc("1 for real time, 60 for a minute each second, 0 for as fast as possible")
    ] = 0.0
    max_wait_seconds: Annotated[
        float | None, Gt(0), Doc("longest wait between two events, such as over a gap")
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

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return the messages of a request, as the source has them.

        Raises:
            ConfigError: if the source has only bars.
            DataError: if there are none or they cannot be trusted.
        """
        return self._feed.tape(request)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return what the source knows of an instrument."""
        return self._feed.instrument(symbol)

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
        """Return the funding rates that the source knows.

        Raises:
            DataError: if they cannot be trusted.
        """
        return self._feed.funding(symbol, since, until)

    def mark(self, request: BarRequest) -> BarSeries | None:
        """Return bars of the mark price, as the source has them.

        Raises:
            DataError: if they cannot be trusted.
        """
        return self._feed.mark(request)

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        """Yield what the requests ask for by the time at which it is known, bars first, then in the order of the requests.

        Raises:
            ConfigError: if a tape is asked for and the source has only bars.
            DataError: if there are none or they cannot be trusted.
        """
        events = _by_time(
            [
                self.tape(request) if isinstance(request, TapeRequest) else self.load(request)
                for request in requests
            ]
        )
        loop = asyncio.get_running_loop()
        due = loop.time()
        latest: int | None = None
        for number, (time, _, event) in enumerate(events):
            delay = 0.0
            if self.speed:
                if latest is not None:
                    due += self._wait(time - latest)
                latest = time
                delay = due - loop.time()
            if delay > 0 or number % _BREATH == 0:
                await asyncio.sleep(max(delay, 0.0))
            yield event

    def _wait(self, between: int) -> float:
        """Return the seconds that replaying a number of nanoseconds takes."""
        seconds = between / _SECOND / self.speed
        return seconds if self.max_wait_seconds is None else min(seconds, self.max_wait_seconds)


def _by_time(series: Sequence[BarSeries | TapeSeries]) -> Iterator[_Keyed]:
    # Each stream has a number of its own, so that two events are never compared themselves.
    bars_first = sorted(series, key=lambda one: isinstance(one, TapeSeries))
    return merge(
        *(
            _messages(one, order) if isinstance(one, TapeSeries) else _bars(one, order)
            for order, one in enumerate(bars_first)
        )
    )


def _messages(tape: TapeSeries, order: int) -> Iterator[_Keyed]:
    for event in tape.events():
        yield event.time, order, event


def _bars(series: BarSeries, order: int) -> Iterator[_Keyed]:
    columns = (getattr(series, name) for name in ("start", *BarSeries.COLUMNS))
    for start, *prices in zip(*(memoryview(column) for column in columns), strict=True):
        end = start + series.duration
        yield end, order, Bar(series.symbol, start, end, *prices)


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [ReplayFeed]
