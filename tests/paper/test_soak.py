"""A session that runs for long needs no more memory than one that has just begun."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from dataclasses import replace

import pytest
from paper_sessions import HOUR, MARKET, Seat, Trend, plan_of

import hookline as hl
from hookline.feed import Feed
from hookline.model import Bar
from hookline.session.plan import JournalPlan
from hookline.session.session import Session

BARS = 12_000
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


class Quoting(hl.Strategy):
    """Sends and cancels orders on every bar."""

    name = "quoting"

    def on_bar(self, ctx, bar):
        ctx.cancel_all()
        ctx.buy("AAA", 0.1, limit=bar.close - 0.3)
        ctx.sell("AAA", 0.1, limit=bar.close + 0.3)


@pytest.mark.slow
def test_memory_levels_off(tmp_path):
    seats = [
        Seat("quoting", "quoting", Quoting(), ("AAA",), 10_000.0),
        Seat("trend", "trend", Trend(), ("AAA",), 10_000.0),
    ]
    journal = JournalPlan(tmp_path, max_bytes=8 * 2**20, record=tmp_path / "recording")
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
