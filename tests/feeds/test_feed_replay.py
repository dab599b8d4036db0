"""The replay feed."""

import asyncio
import time

import pytest

from hookline.errors import ConfigError, DataError, PluginError
from hookline.feed import BarRequest
from hookline.model import Bar
from hookline.params import PluginUse
from hookline.plugins import build
from hookline.testing import bars
from hookline_feeds.replay import ReplayFeed

MINUTE = 60 * 10**9


def replay(speed: float = 0.0, max_wait_seconds: float | None = None, **series: object) -> ReplayFeed:
    frames = {symbol: one.to_frame() for symbol, one in series.items()}
    return ReplayFeed(PluginUse("frame", {"frame": frames}), speed, max_wait_seconds)


async def collect(feed: ReplayFeed, *requests: BarRequest) -> list[Bar]:
    return [bar async for bar in feed.stream(requests)]


class FakeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves only by sleeping."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def run_timed(feed: ReplayFeed, *requests: BarRequest, busy: float = 0.0) -> list[float]:
    """Seconds from the start at which each bar came, when handling each takes ``busy`` seconds."""
    loop = FakeLoop()

    async def watch() -> list[float]:
        begin, times = loop.time(), []
        async for _ in feed.stream(requests):
            times.append(round(loop.time() - begin, 9))
            loop.now += busy
        return times

    try:
        return loop.run_until_complete(watch())
    finally:
        loop.close()


def test_bars_come_by_end_time_then_in_the_order_of_the_requests():
    feed = replay(A=bars("1 2 3 4", "A", "1h"), B=bars("10 20", "B", "2h"))
    got = asyncio.run(collect(feed, BarRequest("B", "2h"), BarRequest("A", "1h")))
    assert [(bar.symbol, bar.close) for bar in got] == [
        ("A", 1),
        ("B", 10),
        ("A", 2),
        ("A", 3),
        ("B", 20),
        ("A", 4),
    ]


def test_a_streamed_bar_is_the_loaded_bar():
    series = bars("10/12/9/11@1.5 11 . 12")
    feed = replay(TEST=series)
    request = BarRequest("TEST", "1h")
    got = asyncio.run(collect(feed, request))
    loaded = feed.load(request)
    assert got == [loaded.bar(row) for row in range(len(loaded))]
    assert all(type(bar.start) is int and type(bar.close) is float for bar in got)


def test_speed_is_market_seconds_for_each_second():
    feed = replay(60.0, TEST=bars("1 2 3 . 4", timeframe="1m"))
    assert run_timed(feed, BarRequest("TEST", "1m")) == [0, 1, 2, 4]


def test_a_slow_handler_does_not_shift_what_follows():
    feed = replay(60.0, TEST=bars("1 2 3 4 5", timeframe="1m"))
    assert run_timed(feed, BarRequest("TEST", "1m"), busy=0.75) == [0, 1, 2, 3, 4]


def test_after_a_delay_the_next_bars_catch_up():
    feed = replay(60.0, TEST=bars("1 2 3 4 5 6", timeframe="1m"))
    loop = FakeLoop()

    async def watch() -> list[float]:
        times = []
        async for bar in feed.stream([BarRequest("TEST", "1m")]):
            times.append(loop.time() - 1000)
            if bar.close == 2:
                loop.now += 2.5
        return times

    assert loop.run_until_complete(watch()) == [0, 1, 3.5, 3.5, 4, 5]
    loop.close()


def test_a_long_gap_is_cut_short():
    feed = replay(1.0, max_wait_seconds=90.0, TEST=bars("1 2 . . . . . . . 3 4", timeframe="1m"))
    assert run_timed(feed, BarRequest("TEST", "1m")) == [0, 60, 150, 210]


def test_bars_with_equal_ends_come_together():
    feed = replay(60.0, A=bars("1 2", "A", "1m"), B=bars("3 4", "B", "1m"))
    assert run_timed(feed, BarRequest("A", "1m"), BarRequest("B", "1m")) == [0, 0, 1, 1]


def test_real_time_is_kept_by_the_real_clock():
    feed = replay(60.0 * 100, TEST=bars("1 2 3 4 5 6", timeframe="1m"))
    begin = time.monotonic()
    assert len(asyncio.run(collect(feed, BarRequest("TEST", "1m")))) == 6
    assert time.monotonic() - begin >= 0.049


def test_other_tasks_run_while_bars_come_as_fast_as_possible():
    feed = replay(TEST=bars([1.0] * 1000, timeframe="1m"))

    async def both() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await collect(feed, BarRequest("TEST", "1m"))
        task.cancel()
        return turns

    assert asyncio.run(both()) >= 10


def test_it_is_built_from_a_session_with_paths_beside_it(tmp_path):
    bars("1 2 3").to_frame().to_csv(tmp_path / "x.csv")
    params = {"source": {"use": "csv", "params": {"path": "x.csv"}}, "speed": 0}
    feed = build("feeds", "replay", params, "feed", tmp_path)
    assert len(asyncio.run(collect(feed, BarRequest("TEST", "1h")))) == 3


def test_it_knows_what_its_source_knows_of_instruments():
    feed = ReplayFeed(PluginUse("synthetic", {"tick_size": "0.5"}))
    instrument = feed.instrument("X")
    assert instrument is not None
    assert str(instrument.tick_size) == "0.5"
    assert replay(TEST=bars("1")).instrument("TEST") is None


def test_what_the_source_refuses_is_refused_before_the_first_bar():
    feed = replay(A=bars("1 2", "A"))
    with pytest.raises(DataError, match="no bars of 'B'"):
        asyncio.run(collect(feed, BarRequest("A", "1h"), BarRequest("B", "1h")))


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "feed.params.source"),
        ({"source": {"use": "synthetic"}, "speed": -1}, "feed.params.speed: must be at least 0"),
        (
            {"source": {"use": "synthetic"}, "max_wait_seconds": 0},
            "feed.params.max_wait_seconds: must be above 0",
        ),
        ({"source": {"use": "synthetc"}}, "no feed is called 'synthetc'; did you mean 'synthetic'"),
        ({"source": {"use": "synthetic", "params": {"sed": 1}}}, "source.params.sed: .*did you mean 'seed'"),
    ],
)
def test_wrong_parameters_are_refused(params, error):
    with pytest.raises((ConfigError, PluginError), match=error):
        build("feeds", "replay", params, "feed")
