"""A session that runs for long needs no more memory than one that has just begun."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from paper_sessions import HOUR, MARKET, Seat, Trend, plan_of

import hookline as hl
from hookline.feed import Feed
from hookline.journal import read_journal
from hookline.model import Bar, Quote
from hookline.session.assembly import tapes_of
from hookline.session.plan import JournalPlan
from hookline.session.session import Session

BARS = 6_000
QUOTES = 240_000
MINUTE = HOUR // 60


class EndlessFeed(Feed):
    """Bars of a price that swings, made one by one; memory is measured on the way."""

    name = "endless"

    def __init__(self):
        self.used = []

    def load(self, request):
        raise NotImplementedError

    async def stream(self, requests):
        begin = 1_704_067_200 * 10**9
        for index in range(BARS):
            price = 100.0 + (index * 7 % 97) / 20 + (index // 200 % 5)
            start = begin + index * MINUTE
            yield Bar("AAA", start, start + MINUTE, price, price + 0.4, price - 0.4, price + 0.2, 5.0)
            if index % (BARS // 6) == BARS // 6 - 1:
                await asyncio.sleep(0)
                gc.collect()
                self.used.append(tracemalloc.get_traced_memory()[0])


@dataclass
class Quoting(hl.Strategy):
    """Sends and cancels orders on every bar."""

    name = "quoting"

    def on_bar(self, ctx, bar):
        ctx.cancel_all()
        ctx.buy("AAA", 0.1, limit=bar.close - 0.3)
        ctx.sell("AAA", 0.1, limit=bar.close + 0.3)


def resident() -> int:
    """Kilobytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


class TickingFeed(Feed):
    """Quotes, one by one; the memory of the process is measured on the way, in kilobytes."""

    name = "ticking"

    def __init__(self):
        self.used = []

    def load(self, request):
        raise NotImplementedError

    async def stream(self, requests):
        begin = 1_704_067_200 * 10**9
        for index in range(QUOTES):
            price, time = 100.0 + index * 7 % 97 / 20, begin + index * 10**7
            yield Quote("AAA", time, time, price, 2.0 + index % 5, price + 0.1, 3.0)
            if index % (QUOTES // 6) == QUOTES // 6 - 1:
                await asyncio.sleep(0)
                gc.collect()
                self.used.append(resident())


@dataclass
class Following(hl.Strategy):
    """Hears every quote, and trades now and then."""

    name = "following"

    def on_quote(self, ctx, quote):
        count = ctx.state["count"] = ctx.state.get("count", 0) + 1
        if count % 500 == 0:
            ctx.cancel_all()
            ctx.buy("AAA", 0.1, limit=quote.bid_price)
            ctx.target("AAA", 1.0 if count % 1000 else -1.0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system tells no size of a process")
def test_memory_levels_off_on_the_tape(tmp_path):
    seats = [Seat("following", "following", Following(), ("AAA",), 10_000.0)]
    feed = TickingFeed()
    record = JournalPlan(tmp_path, record=tmp_path / "recording")
    plan = plan_of(tmp_path, market={"AAA": MARKET["AAA"]}, seats=seats, funding={}, rules=(), journal=record)
    tapes = tapes_of(seats, ["AAA"])
    Session(replace(plan, feed=feed, tapes=tapes)).run()
    assert len(read_journal(tmp_path).fills) > 200
    assert feed.used[-1] < feed.used[2] + 16 * 1024


@pytest.mark.slow
def test_memory_levels_off(tmp_path):
    seats = [
        Seat("quoting", "quoting", Quoting(), ("AAA",), 10_000.0),
        Seat("trend", "trend", Trend(), ("AAA",), 10_000.0),
    ]
    journal = JournalPlan(tmp_path, max_bytes=4 * 2**20, record=tmp_path / "recording")
    plan = plan_of(tmp_path, market={"AAA": MARKET["AAA"]}, seats=seats, funding={}, journal=journal)
    feed = EndlessFeed()
    plan = replace(plan, feed=feed, timeframe="1m")
    tracemalloc.start()
    try:
        Session(plan).run()
    finally:
        tracemalloc.stop()
    assert len(list(tmp_path.glob("journal*.sqlite"))) > 1
    begin, *_, end = feed.used
    assert end < 1.25 * begin + 2**20
