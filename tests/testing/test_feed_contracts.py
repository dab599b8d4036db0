"""Our feeds keep the contract of feeds."""

import pytest

import hookline as hl
from hookline.feed import TapeRequest
from hookline.model import MarketData
from hookline.params import PluginUse
from hookline.testing import FeedContract
from hookline.testing.market import random_bars
from hookline_feeds.csv import CsvFeed
from hookline_feeds.frame import FrameFeed
from hookline_feeds.parquet import ParquetFeed
from hookline_feeds.replay import ReplayFeed
from hookline_feeds.synthetic import Book, SyntheticFeed


class OneHour(FeedContract):
    def request(self):
        return hl.BarRequest("TEST", "1h")


class TestSynthetic(OneHour):
    def make(self):
        return SyntheticFeed(seed=3, bars=90, start="2024-01-01")


class OneHourOfTape(FeedContract):
    def request(self):
        return hl.BarRequest("TEST", "1m")

    def tape_request(self):
        return TapeRequest("TEST", frozenset({MarketData.QUOTES, MarketData.TRADES, MarketData.BOOK}))


class TestSyntheticTape(OneHourOfTape):
    def make(self):
        return SyntheticFeed(seed=3, start="2024-01-01", book=Book(minutes=30.0, events_per_second=1.0))


class TestReplayOfTape(OneHourOfTape):
    def make(self):
        book = {"minutes": 30.0, "events_per_second": 1.0}
        return ReplayFeed(PluginUse("synthetic", {"seed": 3, "start": "2024-01-01", "book": book}))


class TestFrame(OneHour):
    def make(self):
        return FrameFeed(random_bars(count=90).to_frame())


class TestReplay(OneHour):
    def make(self):
        return ReplayFeed(PluginUse("synthetic", {"seed": 3, "bars": 90, "start": "2024-01-01"}))


class TestCsv(OneHour):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.path = tmp_path / "bars.csv"
        random_bars(count=90).to_frame().to_csv(self.path)

    def make(self):
        return CsvFeed(path=self.path)


class TestParquet(OneHour):
    @pytest.fixture(autouse=True)
    def _file(self, tmp_path):
        self.path = tmp_path / "bars.parquet"
        random_bars(count=90).to_frame().to_parquet(self.path)

    def make(self):
        return ParquetFeed(path=self.path)


class TestReplayOfFile(TestParquet):
    def make(self):
        return ReplayFeed(PluginUse("parquet", {"path": str(self.path)}), speed=1e12)
