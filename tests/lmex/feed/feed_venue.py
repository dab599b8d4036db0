"""An emulated venue with made-up bars for the tests of the feed, in this loop or in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from hookline.model import MarketData
from hookline.params import PluginUse
from hookline_lmex.emulator import Emulator, EmulatorConfig, MarketConfig
from hookline_lmex.emulator.rest_limits import RateRules
from hookline_lmex.feed import LmexFeed

START = "2024-03-02T12:00:00"
FIRST = "2024-03-01"
BOOK = {"level_quantity": 0.5, "levels": 10, "events_per_second": 4.0, "minutes": 30.0}


def synthetic(seed: int, **more: Any) -> PluginUse:
    return PluginUse("synthetic", {"seed": seed, "start": FIRST, "tick_size": "0.1", **more})


def bar_markets() -> list[MarketConfig]:
    """Return a perpetual that pays funding every hour and a spot market, of one-minute bars that end an hour after the start."""
    return [
        MarketConfig("BTC-PERP", feed=synthetic(1), funding_hours=1, funding_rate=Decimal("0.0001")),
        MarketConfig("ETH-USDT", feed=synthetic(2)),
    ]


def tape_market() -> MarketConfig:
    """Return a perpetual with a book and trades that begin with the emulator."""
    params = {"seed": 3, "start": START, "tick_size": "0.1", "book": BOOK, "start_price": 100.0}
    feed = PluginUse("synthetic", params)
    return MarketConfig("SOL-PERP", feed=feed, tape=[MarketData.BOOK, MarketData.TRADES])


def config(**changes: Any) -> EmulatorConfig:
    """Return a venue that stands still until it is stepped or given a speed, and does not limit rates."""
    said = {
        "markets": bar_markets(),
        "start": START,
        "until": "2024-03-02T15:00:00",
        "history_bars": 2000,
        "speed": None,
        "limits": RateRules(is_enforced=False),
    }
    return EmulatorConfig(**{**said, **changes})


def feed_of(emulator: Emulator, **params: Any) -> LmexFeed:
    """Return a feed of an emulator, as fast as that."""
    said = {
        "rest_url": emulator.rest_url,
        "socket_url": emulator.socket_url,
        "clock_speed": emulator.config.speed or 1.0,
        "query_rate": 10_000.0,
        "user_rate": 10_000.0,
        "retries": 1,
    }
    return LmexFeed(**{**said, **params})


@contextmanager
def in_thread(emulated: EmulatorConfig) -> Iterator[Emulator]:
    """Run an emulator in a thread, so that this one may ask it and wait."""
    emulator, loop = Emulator(emulated), asyncio.new_event_loop()
    up, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with emulator:
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(20)
    try:
        yield emulator
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
