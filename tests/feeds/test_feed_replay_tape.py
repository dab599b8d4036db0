"""The replay feed with quotes, trades and books beside bars."""

import asyncio
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import Bar, BarSeries, Instrument, MarketData, Quote, TapeSeries, Trade
from hookline.params import PluginUse
from hookline.testing import bars
from hookline_feeds.replay import ReplayFeed

SECOND = 10**9
TRADES, QUOTES = frozenset({MarketData.TRADES}), frozenset({MarketData.QUOTES})
ALL = frozenset({MarketData.QUOTES, MarketData.TRADES, MarketData.BOOK})


def trades(symbol: str, *seconds: float) -> TapeSeries:
    """A tape of trades at 1, 2, 3 ... known at the given seconds."""
    time = np.array([round(one * SECOND) for one in seconds])
    one, none = np.ones(len(time)), np.full(len(time), -1)
    prices = np.arange(1.0, len(time) + 1)
    return TapeSeries(symbol, time, time, np.arange(len(time)), one, one, prices, one, none, none)


@dataclass
class Fixed(Feed):
    """Bars and tapes given by symbol."""

    name = "fixed"

    series: dict[str, BarSeries] = field(default_factory=dict)
    tapes: dict[str, TapeSeries] = field(default_factory=dict)

    def load(self, request: BarRequest) -> BarSeries:
        return self.series[request.symbol]

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self.tapes[request.symbol] if self.tapes else super().tape(request)

    def instrument(self, symbol: str) -> Instrument:
        return Instrument(symbol)


def replay(source: Feed, speed: float = 0.0) -> ReplayFeed:
    feed = ReplayFeed(PluginUse("synthetic", {}), speed)
    feed._feed = source
    return feed


def shown(*requests: BarRequest | TapeRequest, source: Feed) -> list[tuple[str, str, float]]:
    """Kind, symbol and second at which each event is known, in the order sent."""

    async def collect():
        return [event async for event in replay(source).stream(requests)]

    return [
        ("bar", event.symbol, event.end / SECOND)
        if isinstance(event, Bar)
        else ("trade", event.symbol, event.time / SECOND)
        for event in asyncio.run(collect())
    ]


MINUTES = bars("1 2", "A", "1m")  # end at 60 s and 120 s after its start
FIRST = int(MINUTES.start[0]) / SECOND


def test_bars_and_messages_come_by_the_time_at_which_they_are_known():
    source = Fixed({"A": MINUTES}, {"A": trades("A", FIRST + 1, FIRST + 61, FIRST + 121)})
    got = shown(BarRequest("A", "1m"), TapeRequest("A", TRADES), source=source)
    assert [(kind, second - FIRST) for kind, _, second in got] == [
        ("trade", 1),
        ("bar", 60),
        ("trade", 61),
        ("bar", 120),
        ("trade", 121),
    ]


def test_at_equal_times_bars_come_first_then_the_order_of_the_requests_holds():
    tapes = {name: trades(name, FIRST + 60, FIRST + 60) for name in "AB"}
    source = Fixed({"A": MINUTES.slice(0, 1), "B": bars("5", "B", "1m")}, tapes)
    requests = [
        TapeRequest("B", TRADES),
        BarRequest("B", "1m"),
        TapeRequest("A", TRADES),
        BarRequest("A", "1m"),
    ]
    assert [one[:2] for one in shown(*requests, source=source)] == [
        ("bar", "B"),
        ("bar", "A"),
        ("trade", "B"),
        ("trade", "B"),
        ("trade", "A"),
        ("trade", "A"),
    ]


def test_messages_are_those_of_the_tape():
    feed = ReplayFeed(PluginUse("synthetic", {"book": {"minutes": 5.0}}))
    request = TapeRequest("X", ALL)

    async def collect():
        return [event async for event in feed.stream([request])]

    sent = asyncio.run(collect())
    assert sent == list(feed.tape(request).events())
    assert {type(event) for event in sent} >= {Quote, Trade}


class FakeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only by sleeping."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def test_a_message_is_sent_when_as_much_time_has_passed():
    source = Fixed({"A": MINUTES}, {"A": trades("A", FIRST + 30, FIRST + 75)})
    feed, loop = replay(source, speed=15.0), FakeLoop()

    async def watch():
        requests = [BarRequest("A", "1m"), TapeRequest("A", TRADES)]
        return [round(loop.time() - 1000.0, 6) async for _ in feed.stream(requests)]

    # 30, 60, 75 and 120 seconds at fifteen times the speed.
    assert loop.run_until_complete(watch()) == [0, 2, 3, 6]
    loop.close()


def test_a_source_without_a_tape_is_refused_before_the_first_bar():
    with pytest.raises(ConfigError, match="feed 'fixed' has bars only, was asked for trades of A"):
        shown(BarRequest("A", "1m"), TapeRequest("A", TRADES), source=Fixed({"A": MINUTES}))


def test_funding_and_mark_are_those_of_the_source():
    params = {"perpetuals": {"X-PERP": {"of": "X"}}, "bars": 50, "start": "2024-01-01"}
    feed = ReplayFeed(PluginUse("synthetic", params))
    funding, mark = feed.funding("X-PERP", None, None), feed.mark(BarRequest("X-PERP", "1h"))
    assert funding is not None
    assert len(funding.time) > 100
    assert mark is not None
    assert len(mark) == 50
    assert feed.funding("X", None, None) is None


def test_half_a_million_messages_are_sent_within_seconds():
    feed = ReplayFeed(PluginUse("synthetic", {"book": {"minutes": 700.0}}))

    async def count() -> int:
        return len([None async for _ in feed.stream([BarRequest("X", "1m"), TapeRequest("X", ALL)])])

    begin = time.perf_counter()
    assert asyncio.run(count()) > 400_000
    assert time.perf_counter() - begin < 10
