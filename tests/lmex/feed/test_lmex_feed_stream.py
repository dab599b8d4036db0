"""The market as it moves: one stream of bars, tape, marks and funding, through whatever goes wrong."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from feed_venue import FIRST, bar_markets, config, feed_of, tape_market

from hookline.clock import to_ns
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import (
    Bar,
    BookUpdate,
    FundingRate,
    MarketData,
    MarketEvent,
    MarkPrice,
    OrderBook,
    Quote,
    Trade,
)
from hookline_feeds.synthetic import SyntheticFeed
from hookline_lmex.client import LmexClient
from hookline_lmex.emulator import Emulator
from hookline_lmex.emulator.faults import Fault
from hookline_lmex.feed_bars import BarRules
from hookline_lmex.feed_live import LiveRules, LiveStream

MINUTE, SECOND = 60 * 10**9, 10**9
TAPE = frozenset({MarketData.BOOK, MarketData.TRADES, MarketData.QUOTES})


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


async def collect(
    emulator: Emulator,
    requests: list[BarRequest | TapeRequest],
    seconds: float = 10.0,
    enough: Callable[[list[MarketEvent]], bool] = lambda _: False,
    **params,
) -> list[MarketEvent]:
    """Return what a stream tells until it ends, is enough, or time is up."""
    events: list[MarketEvent] = []
    feed = await asyncio.to_thread(feed_of, emulator, **params)
    try:
        async with asyncio.timeout(seconds), aclosing(feed.stream(requests)) as stream:
            async for event in stream:
                events.append(event)
                if enough(events):
                    break
    except TimeoutError:
        pass
    return events


def played(scenario, seconds: float = 20.0, **changes):
    async def bounded():
        async with asyncio.timeout(seconds), Emulator(config(**changes)) as emulator:
            return await scenario(emulator)

    return asyncio.run(bounded())


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def made(symbol: str, seed: int, since: int, until: int) -> list[tuple[str, int, float]]:
    feed = SyntheticFeed(seed=seed, start=FIRST, tick_size=Decimal("0.1"))
    series = feed.load(BarRequest(symbol, "1m", since, until))
    return [
        (symbol, int(start), float(close)) for start, close in zip(series.start, series.close, strict=True)
    ]


def told(events):
    return [(one.symbol, one.start, one.close) for one in of(Bar, events)]


def test_history_and_live_bars_are_joined_over_both_products():
    since, until = at("2024-03-02T11:40"), at("2024-03-02T12:06")

    async def scenario(emulator):
        requests = [BarRequest(symbol, "1m", since, until) for symbol in ("ETH-USDT", "BTC-PERP")]
        return await collect(emulator, requests)

    events = played(scenario, speed=300.0)
    perp, spot = made("BTC-PERP", 1, since, until), made("ETH-USDT", 2, since, until)
    assert told(events) == [one for pair in zip(spot, perp, strict=True) for one in pair]
    assert len(perp) == 26


def test_an_open_bar_is_never_told():
    since, until = at("2024-03-02T11:59"), at("2024-03-02T12:05")

    async def scenario(emulator):
        late = []

        def look(events):
            if isinstance(events[-1], Bar):
                late.append(emulator.clock.now - events[-1].end)
            return False

        await collect(emulator, [BarRequest("BTC-PERP", "1m", since, until)], enough=look)
        return late

    late = played(scenario, speed=180.0)
    assert len(late) == 6
    assert min(late) >= 0


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error_before", value=503.0, only="ohlcv"),
        pytest.param(Fault("error_before", value="cut", only="ohlcv"), marks=pytest.mark.slow),
        pytest.param(Fault("malformed_json", value="rest"), marks=pytest.mark.slow),
        pytest.param(Fault("maintenance"), marks=pytest.mark.slow),
    ],
    ids=["503", "cut", "malformed", "maintenance"],
)
def test_bars_that_were_missed_while_the_venue_was_away_come_later_in_order(fault):
    since, until = at("2024-03-02T11:58"), at("2024-03-02T12:12")

    async def scenario(emulator):
        async def disturb():
            await asyncio.sleep(0.3)
            emulator.faults.put(fault)
            await asyncio.sleep(0.8)
            emulator.faults.clear()

        disturbing = asyncio.create_task(disturb())
        events = await collect(emulator, [BarRequest("BTC-PERP", "1m", since, until)], retries=0)
        await disturbing
        return events

    events = played(scenario, speed=400.0)
    assert told(events) == made("BTC-PERP", 1, since, until)


def test_marks_and_funding_of_perpetuals_come_beside():
    async def scenario(emulator):
        request = BarRequest("BTC-PERP", "5m", at("2024-03-02T11:00"))
        return await collect(emulator, [request], enough=lambda events: len(of(FundingRate, events)) == 2)

    events = played(scenario, speed=3600.0, markets=bar_markets())
    rates = of(FundingRate, events)
    assert [(one.venue_time, one.rate) for one in rates] == [
        (at("2024-03-02T13:00"), 0.0001),
        (at("2024-03-02T14:00"), 0.0001),
    ]
    assert all(one.time >= one.venue_time for one in rates)
    marks = of(MarkPrice, events)
    assert len(marks) > 5
    assert {one.symbol for one in marks} == {"BTC-PERP"}
    assert isinstance(events[0], Bar)


def test_marks_are_left_out_on_request():
    async def scenario(emulator):
        request = BarRequest("BTC-PERP", "1m", at("2024-03-02T11:00"), at("2024-03-02T12:10"))
        return await collect(emulator, [request], mark_seconds=0.0)

    assert of(MarkPrice, played(scenario, speed=600.0)) == []


@pytest.mark.slow
def test_marks_do_not_hide_that_nothing_else_comes():
    async def scenario(emulator):
        now = emulator.clock.now
        requests = [TapeRequest("SOL-PERP", frozenset({MarketData.BOOK}), now)]
        feed = await asyncio.to_thread(feed_of, emulator)
        silent = []
        async with asyncio.timeout(8), aclosing(feed.stream(requests)) as stream:
            async for event in stream:
                if isinstance(event, MarkPrice):
                    break
            emulator.faults.put(Fault("refuse_sockets"))
            emulator.faults.put(Fault("drop_sockets", count=1))
            with contextlib.suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(0.8):
                        silent.append(await anext(stream))
        return silent

    events = played(scenario, speed=30.0, markets=[tape_market()], until="2024-03-02T12:30")
    assert len(events) < 500


def is_whole(events: list[MarketEvent], symbol: str) -> bool:
    """Whether a book that is kept from the updates never has a gap and is never crossed."""
    book = OrderBook(symbol)
    return all(book.apply(update) and book.is_usable for update in of(BookUpdate, events))


@pytest.mark.slow
def test_the_tape_begins_with_a_snapshot_and_goes_on_through_lost_sockets():
    async def scenario(emulator):
        async def disturb():
            for _ in range(3):
                await asyncio.sleep(0.7)
                emulator.faults.put(Fault("drop_sockets", count=1))

        disturbing = asyncio.create_task(disturb())
        now = emulator.clock.now
        request = BarRequest("SOL-PERP", "1m", now - now % MINUTE)
        events = await collect(emulator, [TapeRequest("SOL-PERP", TAPE, now), request], 4.0)
        await disturbing
        return events

    events = played(scenario, speed=45.0, markets=[tape_market()], until="2024-03-02T12:30")
    updates = of(BookUpdate, events)
    assert updates[0].is_snapshot
    assert sum(update.is_snapshot for update in updates) >= 2
    assert is_whole(events, "SOL-PERP")
    assert len(of(Trade, events)) > 10
    assert len(of(Quote, events)) > 10
    bars = of(Bar, events)
    assert len(bars) >= 2
    assert [one.end - two.end for one, two in zip(bars[1:], bars, strict=False)] == [MINUTE] * (len(bars) - 1)
    times = [event.time for event in events if isinstance(event, BookUpdate | Trade | Quote)]
    assert times == sorted(times)


def test_a_tape_ends_with_its_request():
    async def scenario(emulator):
        now = emulator.clock.now
        request = TapeRequest("SOL-PERP", frozenset({MarketData.TRADES}), now, now + 40 * SECOND)
        return await collect(emulator, [request], 8.0, mark_seconds=0.0), now

    events, now = played(scenario, speed=30.0, markets=[tape_market()], until="2024-03-02T12:30")
    assert events
    assert {type(event) for event in events} == {Trade}
    assert all(event.time < now + 40 * SECOND for event in events)


def test_a_market_that_does_not_exist_ends_the_stream():
    async def scenario(emulator):
        await collect(emulator, [BarRequest("BTX-PERP", "1m")])

    with pytest.raises(ConfigError, match="LMEX has no market 'BTX-PERP'"):
        played(scenario)


def test_nothing_is_left_behind_when_a_stream_is_closed():
    async def scenario(emulator):
        before = asyncio.all_tasks()
        now = emulator.clock.now
        requests = [BarRequest("SOL-PERP", "1m", now - 5 * MINUTE), TapeRequest("SOL-PERP", TAPE, now)]
        events = await collect(emulator, requests, 5.0, lambda events: len(events) > 50)
        await asyncio.sleep(0.2)
        return events, {task.get_name() for task in asyncio.all_tasks() - before if "lmex" in task.get_name()}

    events, left = played(scenario, speed=30.0, markets=[tape_market()], until="2024-03-02T12:30")
    assert len(events) > 50
    assert left == set()


@pytest.mark.slow
def test_a_session_that_is_too_slow_gets_a_fresh_book_or_an_error(caplog):
    async def follow(emulator, kinds, capacity):
        now = emulator.clock.now
        feed = feed_of(emulator)
        instrument = await asyncio.to_thread(feed.instrument, "SOL-PERP")
        rules = LiveRules(BarRules(), mark_seconds=0.0, capacity=capacity)
        events = []
        async with LmexClient(feed._settings) as client:
            live = LiveStream(client, [TapeRequest("SOL-PERP", kinds, now)], {"SOL-PERP": instrument}, rules)
            async with aclosing(live.events()) as stream:
                async for event in stream:
                    events.append(event)
                    if len(events) == 3:
                        await asyncio.sleep(0.8)
                    if len(events) > 100:
                        break
            return live.queue, events

    market = tape_market()
    venue = {"speed": 40.0, "markets": [market], "until": "2024-03-02T12:30"}
    with caplog.at_level(logging.WARNING, "hookline.lmex"):
        queue, events = played(lambda emulator: follow(emulator, frozenset({MarketData.BOOK}), 30), **venue)
    assert queue.resynced >= 1
    assert "SOL-PERP: the session is too slow for the book, it begins anew" in caplog.text
    assert sum(update.is_snapshot for update in of(BookUpdate, events)) >= 2
    assert is_whole(events, "SOL-PERP")
    with pytest.raises(DataError, match="SOL-PERP: the session is too slow for the market"):
        played(lambda emulator: follow(emulator, frozenset({MarketData.TRADES}), 20), **venue)
