"""Both streams against the emulated venue, with its faults."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from small_venue import QUICK, no_tasks_left, until

from hookline.model import BookUpdate, MarketData, OrderBook, Quote, Trade
from hookline.params import PluginUse
from hookline_lmex.credentials import Credentials
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig
from hookline_lmex.settings import Settings
from hookline_lmex.streams import AccountStream, MarketStream

KEY, SECRET = "a-key-of-the-emulator", "a-secret-of-the-emulator"


def short(feed: PluginUse) -> PluginUse:
    """The feed of a default market with a few minutes of data."""
    return replace(feed, params={**feed.params, "book": {**feed.params["book"], "minutes": 10.0}})


@asynccontextmanager
async def emulated():
    accounts = [AccountConfig(key=KEY, secret=SECRET)]
    markets = [replace(market, feed=short(market.feed)) for market in EmulatorConfig().markets]
    config = EmulatorConfig(markets=markets, accounts=accounts, speed=None)
    async with asyncio.timeout(25):
        async with Emulator(config) as emulator:
            await emulator.step(5)
            settings = Settings(rest_url=emulator.rest_url, socket_url=emulator.socket_url)
            yield emulator, settings
        assert no_tasks_left()


@asynccontextmanager
async def following(stream, *arguments):
    task = asyncio.ensure_future(stream.run(*arguments))
    try:
        await until(lambda: task.done() or stream.is_up)
        yield
    finally:
        await stream.aclose()
        await task


def test_books_equal_the_emulators_after_gaps_crossings_and_drops() -> None:
    async def test() -> None:
        async with emulated() as (emulator, settings):
            states = emulator.exchange.states
            instruments = {symbol: state.setup.instrument for symbol, state in states.items()}
            books = {symbol: OrderBook(symbol) for symbol in instruments}
            events: list[Quote | Trade | BookUpdate] = []

            def put(event: Quote | Trade | BookUpdate) -> None:
                events.append(event)
                if isinstance(event, BookUpdate):
                    books[event.symbol].apply(event)

            stream = MarketStream(
                settings, emulator.shown_clock, instruments, times=replace(QUICK, resync_seconds=0.05)
            )
            wanted = dict.fromkeys(instruments, frozenset(set(MarketData)))
            async with following(stream, wanted, put):
                emulator.faults.set("sequence_gaps", probability=0.1)
                emulator.faults.set("crossed_books", probability=0.05)
                for number in range(300):
                    await emulator.step(3)
                    await asyncio.sleep(0.002)
                    if number in {100, 200}:
                        emulator.faults.set("drop_sockets")
                        await until(lambda: not stream.is_up)
                        emulator.faults.clear("drop_sockets")
                emulator.faults.clear()
                await until(lambda: stream.is_up and not stream.status().stale)
                await emulator.step(3)
                await until(lambda: all(not book_differs(books[name], states[name].book) for name in books))
                status = stream.status()
            assert status.gaps + status.crossings > 0
            assert status.resyncs > 0
            assert status.losses >= 4
            assert status.malformed == 0
            assert {type(event) for event in events} == {BookUpdate, Quote, Trade}
            assert all(book.gaps == 0 and book.crossings == 0 for book in books.values())
            times = [event.time for event in events]
            assert times == sorted(times)

    asyncio.run(test())


def book_differs(ours: OrderBook, theirs: OrderBook) -> bool:
    """Whether the best levels that a socket tells of are not the same."""
    return [ours.bids(50), ours.asks(50)] != [theirs.bids(50), theirs.asks(50)]


def test_the_emulator_lets_an_account_in() -> None:
    async def test() -> None:
        async with emulated() as (emulator, settings):
            told: list[str] = []
            stream = AccountStream(
                settings, Credentials(KEY, SECRET), emulator.shown_clock, ("spot", "futures"),
                told.append, told.append, told.append, told.append, lambda *_: told.append("down"), times=QUICK,
            )  # fmt: skip
            async with following(stream):
                assert sorted(told) == ["futures", "spot"]
                assert stream.missing("futures") == stream.missing("spot") == ()
                assert "notificationApiV4" in stream.sockets["futures"].accepted

    asyncio.run(test())
