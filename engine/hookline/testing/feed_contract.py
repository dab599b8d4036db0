"""The contract of feeds: tests that every feed must pass.

Inherit it and say how to make yours::

    from hookline.testing import FeedContract

    class TestMyFeed(FeedContract):
        def make(self):
            return MyFeed(path="bars.bin")

        def request(self):
            return BarRequest("BTCUSDT", "1h")
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from hookline.clock import isoformat
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import Bar, BarSeries, MarketData, MarketEvent, RowKind, TapeSeries

__all__ = ["FeedContract"]

_KINDS = {
    RowKind.QUOTE: MarketData.QUOTES,
    RowKind.TRADE: MarketData.TRADES,
    RowKind.BOOK: MarketData.BOOK,
    RowKind.SNAPSHOT: MarketData.BOOK,
}


class FeedContract:
    """What holds for every feed: it answers the same twice, and with what it was asked for.

    Override ``make`` and ``request``; ``tape_request`` too where the feed has quotes, trades or books.
    """

    def make(self) -> Feed:
        """Return a new instance."""
        raise NotImplementedError(f"{type(self).__name__}.make: must return the feed to test")

    def request(self) -> BarRequest:
        """Return a request that the feed can answer with ten bars or more."""
        raise NotImplementedError(
            f"{type(self).__name__}.request: must return a request with ten bars or more"
        )

    def tape_request(self) -> TapeRequest | None:
        """Return a request that the feed can answer with thirty messages or more; None if it has only bars."""
        return None

    def test_it_gives_what_was_asked_for(self) -> None:
        request, series = self.request(), self.make().load(self.request())
        assert (series.symbol, series.timeframe) == (request.symbol, request.timeframe)
        assert len(series) >= 10, f"must be ten bars or more, was {len(series)}"

    def test_it_gives_the_same_bars_twice(self) -> None:
        feed, request = self.make(), self.request()
        first = feed.load(request)
        _assert_same_bars(first, feed.load(request))
        _assert_same_bars(first, self.make().load(request))

    def test_a_narrower_range_gives_the_bars_inside_it(self) -> None:
        feed, request = self.make(), self.request()
        series = feed.load(request)
        begin, stop = len(series) // 3, 2 * len(series) // 3
        for since, until in ((begin, stop), (begin, None), (None, stop)):
            bounds = [None if index is None else int(series.start[index]) for index in (since, until)]
            narrow = feed.load(BarRequest(request.symbol, request.timeframe, *bounds))
            _assert_same_bars(series.slice(since, until), narrow.between(None, int(series.end[-1])))

    def test_a_range_without_bars_is_refused(self) -> None:
        feed, request = self.make(), self.request()
        series = feed.load(request)
        since, until = int(series.start[0]) - 2 * series.duration, int(series.start[0]) - series.duration
        try:
            found = feed.load(BarRequest(request.symbol, request.timeframe, since, until))
        except DataError:
            return
        raise AssertionError(
            f"no bars must raise DataError, gave {len(found)} from {isoformat(int(found.start[0]))}"
        )

    def test_a_stream_sends_the_bars_of_the_history(self) -> None:
        feed, request = self.make(), self.request()

        if type(feed).stream is Feed.stream:
            return
        sent = _streamed(feed, [request])
        series = feed.load(request)
        expected = [series.bar(index) for index in range(len(series))]
        assert sent == expected, f"must send the {len(expected)} bars of its history, sent {len(sent)}"

    def test_a_tape_holds_what_was_asked_for(self) -> None:
        feed, request = self.make(), self.tape_request()
        if request is None:
            _assert_has_bars_only(feed, self.request().symbol)
            return
        tape = feed.tape(request)
        assert tape.symbol == request.symbol
        assert tape.messages >= 30, f"must be thirty messages or more, was {tape.messages}"
        _assert_of_kinds(tape, request.kinds)
        for kind in request.kinds:
            _assert_of_kinds(feed.tape(replace(request, kinds=frozenset({kind}))), {kind})
        inside = tape.between(request.since, request.until)
        assert len(inside) == len(tape), "must hold no message from outside the range asked for"

    def test_it_gives_the_same_tape_twice(self) -> None:
        feed, request = self.make(), self.tape_request()
        if request is None:
            return
        first = feed.tape(request)
        _assert_same_tape(first, feed.tape(request))
        _assert_same_tape(first, self.make().tape(request))

    def test_a_narrower_range_gives_the_messages_inside_it(self) -> None:
        feed, request = self.make(), self.tape_request()
        if request is None:
            return
        tape = feed.tape(request)
        since, until = (int(tape.time[len(tape) * part // 3]) for part in (1, 2))
        for bounds in ((since, until), (since, request.until), (request.since, until)):
            narrow = feed.tape(TapeRequest(request.symbol, request.kinds, *bounds))
            _assert_same_tape(tape.between(*bounds), narrow)

    def test_a_range_without_messages_is_refused(self) -> None:
        feed, request = self.make(), self.tape_request()
        if request is None:
            return
        first = int(feed.tape(request).time[0])
        try:
            found = feed.tape(TapeRequest(request.symbol, request.kinds, first - 10**13, first - 10**12))
        except DataError:
            return
        raise AssertionError(f"no messages must raise DataError, gave {found.messages}")

    def test_a_stream_sends_bars_and_messages_by_time(self) -> None:
        feed, tape_request = self.make(), self.tape_request()
        if type(feed).stream is Feed.stream or tape_request is None:
            return
        series, tape = feed.load(self.request()), feed.tape(tape_request)
        expected: list[MarketEvent] = [series.bar(index) for index in range(len(series))]
        expected = sorted([*expected, *tape.events()], key=_known)
        sent = _streamed(feed, [tape_request, self.request()])
        assert sent == expected, f"must send {len(expected)} bars and messages, sent {len(sent)}"


def _streamed(feed: Feed, requests: Sequence[BarRequest | TapeRequest]) -> list[MarketEvent]:
    async def collect() -> list[MarketEvent]:
        return [event async for event in feed.stream(requests)]

    return asyncio.run(collect())


def _known(event: MarketEvent) -> tuple[int, bool]:
    """Return when an event is known, bars before messages."""
    return (event.end, False) if isinstance(event, Bar) else (event.time, True)


def _assert_same_bars(first: BarSeries, second: BarSeries) -> None:
    assert len(first) == len(second), f"must be the same {len(first)} bars, were {len(second)}"
    for name in ("start", *BarSeries.COLUMNS):
        differs = np.flatnonzero(getattr(first, name) != getattr(second, name))
        assert not len(differs), f"must be the same bars, {name} differs first at bar {differs[0]}"


def _assert_has_bars_only(feed: Feed, symbol: str) -> None:
    try:
        found = feed.tape(TapeRequest(symbol, frozenset({MarketData.TRADES})))
    except ConfigError:
        return
    raise AssertionError(
        f"a feed with {found.messages} messages must be tested with them: override tape_request()"
    )


def _assert_of_kinds(tape: TapeSeries, kinds: AbstractSet[MarketData]) -> None:
    found = {_KINDS[RowKind(kind)] for kind in np.unique(tape.kind).tolist()}
    assert found == kinds, f"must hold {sorted(kinds)}, held {sorted(found)}"


def _assert_same_tape(first: TapeSeries, second: TapeSeries) -> None:
    """Compare all but the message numbers, which may begin anywhere."""
    assert len(first) == len(second), f"must be the same {len(first)} rows, were {len(second)}"
    assert np.array_equal(first.starts(), second.starts()), "must be the same messages"
    for name in TapeSeries.COLUMNS:
        if name != "message":
            one, other = getattr(first, name), getattr(second, name)
            differs = np.flatnonzero((one != other) & ~(np.isnan(one) & np.isnan(other)))
            assert not len(differs), f"must be the same messages, {name} differs first at row {differs[0]}"
