"""What was recorded, as a feed."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from hookline import plugins
from hookline.columns import ExternalSeries
from hookline.errors import ConfigError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import BookUpdate, FundingRate, MarketData, MarkPrice, Trade
from hookline.session.market_recorder import MarketRecorder
from hookline.testing import FeedContract
from hookline.testing.market import random_bars
from hookline_feeds.recording import RecordingFeed
from hookline_feeds.synthetic import Book, SyntheticFeed

SECOND = 10**9
KINDS = frozenset({MarketData.BOOK, MarketData.TRADES})
SYNTHETIC = SyntheticFeed(seed=5, start="2024-01-01", book=Book())
TAPE = SYNTHETIC.tape(TapeRequest("AAA", KINDS, None, 1_704_067_200 * SECOND + 60 * SECOND))
BARS = SYNTHETIC.load(BarRequest("AAA", "1s", None, 1_704_067_200 * SECOND + 60 * SECOND))


def written(folder, *, follows):
    """Record a minute of bars of a second, book and trades; one that was followed live has marks and funding."""
    recorder = MarketRecorder(folder, "1s", follows=follows)
    bars = [BARS.bar(number) for number in range(len(BARS))]
    if follows:
        recorder.began(bars[0].start)
        recorder.warmed([bars.pop(0)])
    for event in TAPE.events():
        while bars and bars[0].end <= event.time:
            bar = bars.pop(0)
            recorder.keep([bar])
            if follows:
                recorder.keep_note(MarkPrice("AAA", bar.end, bar.end, bar.close))
        recorder.keep_message(event)
    if follows:
        time = int(BARS.start[30])
        recorder.keep_note(FundingRate("AAA", time, time, 0.0001))
    recorder.close()
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return written(tmp_path_factory.mktemp("followed"), follows=True)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    return written(tmp_path_factory.mktemp("history"), follows=False)


class TestRecordingFeed(FeedContract):
    @pytest.fixture(autouse=True)
    def folder(self, history):
        self.path = history

    def make(self):
        return RecordingFeed(self.path)

    def request(self):
        return BarRequest("AAA", "1s")

    def tape_request(self):
        # A book that is cut begins with a snapshot, so it has other rows than the whole.
        return TapeRequest("AAA", frozenset({MarketData.TRADES}))


def streamed(feed, requests):
    async def collect():
        return [event async for event in feed.stream(requests)]

    return asyncio.run(collect())


def test_the_stream_is_in_the_order_in_which_it_was_handled_with_marks_and_funding(recording):
    feed = RecordingFeed(recording)
    events = streamed(feed, [BarRequest("AAA", "1s"), TapeRequest("AAA", KINDS)])
    tape = [event for event in events if isinstance(event, BookUpdate | Trade)]
    assert tape == list(TAPE.events())
    assert sum(isinstance(event, MarkPrice) for event in events) > 50
    assert isinstance(events[-1], FundingRate)
    assert feed.clock.now >= tape[-1].time


def test_only_what_is_asked_for_comes(recording):
    events = streamed(RecordingFeed(recording), [TapeRequest("AAA", frozenset({MarketData.TRADES}))])
    assert {type(event) for event in events} == {Trade, MarkPrice, FundingRate}


def test_a_market_that_was_followed_is_followed_again(recording):
    feed = RecordingFeed(recording)
    assert feed.is_live
    assert feed.clock.now == int(BARS.start[0])
    assert not RecordingFeed.is_live


def test_funding_that_came_is_history_for_who_asks(recording):
    series = RecordingFeed(recording).funding("AAA", None, None)
    assert isinstance(series, ExternalSeries)
    assert series.value.tolist() == [0.0001]
    assert len(RecordingFeed(recording).funding("AAA", int(series.time[0]) + 1, None).time) == 0


def test_another_timeframe_is_refused(recording):
    with pytest.raises(ConfigError, match="has bars of 1s, was asked for 1m"):
        RecordingFeed(recording).load(BarRequest("AAA", "1m"))


def test_a_folder_without_a_recording_is_refused_with_its_name(tmp_path):
    with pytest.raises(ConfigError, match="no recording"):
        plugins.build("feeds", "recording", {"path": str(tmp_path)}, "feed")


def test_bars_alone_are_read_while_they_are_recorded(tmp_path):
    series = random_bars("AAA", 12, gaps=False)
    recorder = MarketRecorder(tmp_path, series.timeframe, part_events=5)
    for number in range(len(series)):
        recorder.keep([series.bar(number)])
        recorder.committed()
    found = RecordingFeed(tmp_path).load(BarRequest("AAA", series.timeframe))
    assert np.array_equal(found.close, series.close)
    assert not RecordingFeed(tmp_path).is_live
    recorder.close()
