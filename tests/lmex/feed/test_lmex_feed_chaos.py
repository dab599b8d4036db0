"""The feed through faults at random: every bar once and in order, books without gaps, nothing left behind."""

import asyncio
import contextlib
import random

import pytest
from feed_venue import bar_markets, config, feed_of, tape_market
from test_lmex_feed_stream import MINUTE, TAPE, is_whole, made, of, told

from hookline.feed import BarRequest, TapeRequest
from hookline.model import Bar, BookUpdate, MarketEvent, Trade
from hookline_lmex.emulator import Emulator
from hookline_lmex.emulator.faults import Fault

FAULTS = [
    ("error_before", 503.0),
    ("error_before", "cut"),
    ("error_after", 500.0),
    ("malformed_json", "rest"),
    ("malformed_json", "socket"),
    ("rate_limit_storm", 1.0),
    ("drop_sockets", None),
    ("refuse_sockets", None),
    ("stall_sockets", None),
    ("sequence_gaps", None),
    ("crossed_books", None),
    ("slow_market_data", 1500.0),
]
BARS = 16


async def disturb(emulator: Emulator, rng: random.Random) -> None:
    """Switch faults on, each for a while, until canceled."""
    await asyncio.sleep(0.5)
    while True:
        name, value = rng.choice(FAULTS)
        chance, seconds = rng.choice([0.2, 1.0]), rng.uniform(0.1, 1.0)
        emulator.faults.put(Fault(name, value=value, probability=chance, seconds=seconds))
        await asyncio.sleep(rng.uniform(0.2, 0.8))


async def follow(seed: int) -> tuple[list[MarketEvent], int]:
    venue = config(speed=90.0, markets=[*bar_markets(), tape_market()], until="2024-03-02T12:30")
    async with asyncio.timeout(60), Emulator(venue) as emulator:
        feed = await asyncio.to_thread(feed_of, emulator, retries=1)
        for symbol in ("BTC-PERP", "ETH-USDT", "SOL-PERP"):
            await asyncio.to_thread(feed.instrument, symbol)
        now = emulator.clock.now
        since = now - now % MINUTE - 3 * MINUTE
        bars = [BarRequest(symbol, "1m", since, since + BARS * MINUTE) for symbol in ("BTC-PERP", "ETH-USDT")]
        events: list[MarketEvent] = []
        disturbing = asyncio.create_task(disturb(emulator, random.Random(seed)))
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(40),
                contextlib.aclosing(feed.stream([*bars, TapeRequest("SOL-PERP", TAPE, now)])) as stream,
            ):
                async for event in stream:
                    events.append(event)
                    if isinstance(event, Bar) and len(of(Bar, events)) == 2 * BARS:
                        break
        disturbing.cancel()
        await asyncio.gather(disturbing, return_exceptions=True)
        left = [task for task in asyncio.all_tasks() if "lmex" in task.get_name()]
        assert left == []
    return events, since


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12])
def test_every_bar_comes_once_in_order_and_books_have_no_gaps(seed):
    events, since = asyncio.run(follow(seed))
    for symbol, number in (("BTC-PERP", 1), ("ETH-USDT", 2)):
        expected = made(symbol, number, since, since + BARS * MINUTE)
        assert [one for one in told(events) if one[0] == symbol] == expected
    assert is_whole(events, "SOL-PERP")
    assert len(of(BookUpdate, events)) > 50
    assert len(of(Trade, events)) > 50
