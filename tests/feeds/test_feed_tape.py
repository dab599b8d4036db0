"""The parquet feed's tapes, and bars of them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.data.tape import load_tape, save_tape
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import BookUpdate, MarketData, Trade
from hookline.plugins import build
from hookline.testing import bars
from hookline_feeds.parquet import ParquetFeed

SECOND = 10**9
ALL = frozenset({MarketData.BOOK, MarketData.TRADES, MarketData.QUOTES})
TRADES = frozenset({MarketData.TRADES})


@pytest.fixture
def folder(tmp_path):
    """A folder with two minutes of trades, one a second at rising prices, and a book that is told twice."""
    seconds = range(120)
    trades = {
        "ts": [second * SECOND for second in seconds],
        "price": [100.0 + second for second in seconds],
        "size": [1.0] * 120,
        "side": [1] * 120,
    }
    pq.write_table(pa.table(trades), tmp_path / "BTC-trades.parquet")
    book = {
        "ts": [0, 0, 50 * SECOND],
        "msg": [1, 1, 2],
        "is_snapshot": [True, True, False],
        "side": [1, -1, 1],
        "price": [99.0, 101.0, 98.0],
        "size": [1.0, 1.0, 5.0],
    }
    pq.write_table(pa.table(book), tmp_path / "BTC-book.parquet")
    return tmp_path


def feed_of(folder, **params):
    return build("feeds", "parquet", params, "feed", folder)


BOTH = {"book_path": "{symbol}-book.parquet", "trades_path": "{symbol}-trades.parquet"}


def test_a_tape_is_made_of_the_files_of_the_kinds_asked_for(folder):
    feed = feed_of(folder, **BOTH)
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    events = list(feed.tape(TapeRequest("BTC", kinds)).events())
    assert (events[0].symbol, len(events)) == ("BTC", 122)
    assert {type(event) for event in feed.tape(TapeRequest("BTC", TRADES)).events()} == {Trade}


def test_a_range_is_half_open_and_begins_with_the_book(folder):
    feed = feed_of(folder, **BOTH)
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    events = list(feed.tape(TapeRequest("BTC", kinds, 50 * SECOND, 52 * SECOND)).events())
    assert [type(event) for event in events] == [BookUpdate, BookUpdate, Trade, Trade]
    assert (events[0].is_snapshot, events[0].prices) == (True, [99.0, 101.0])


def test_symbols_may_have_other_names_in_files(folder):
    feed = feed_of(folder, **BOTH, symbols={"BTC-PERP": "BTC"})
    assert feed.tape(TapeRequest("BTC-PERP", TRADES)).symbol == "BTC-PERP"


def test_a_kind_without_a_file_says_which_parameter_is_missing(folder):
    with pytest.raises(ConfigError, match="quotes of BTC need 'quotes_path' or 'tape_path'"):
        feed_of(folder, **BOTH).tape(TapeRequest("BTC", ALL))


def test_a_range_without_messages_says_so(folder):
    with pytest.raises(DataError, match="no trades of BTC from 2001-09-09"):
        feed_of(folder, **BOTH).tape(TapeRequest("BTC", TRADES, since=10**18))


def test_a_recorded_tape_has_all_kinds(folder):
    tape = load_tape(folder / "BTC-book.parquet", folder / "BTC-trades.parquet", symbol="BTC")
    save_tape(tape, folder / "tape.parquet")
    assert feed_of(folder, tape_path="tape.parquet").tape(TapeRequest("BTC", ALL)).messages == 122


def test_without_a_path_bars_are_made_of_the_tape(folder):
    feed = feed_of(folder, **BOTH)
    series = feed.load(BarRequest("BTC", "1m"))
    assert (series.symbol, series.close.tolist(), series.volume.tolist()) == ("BTC", [159.0], [60.0])
    assert feed.load(BarRequest("BTC", "10s", 20 * SECOND, 40 * SECOND)).close.tolist() == [129.0, 139.0]


def test_a_tape_shorter_than_a_bar_has_no_bars(folder):
    with pytest.raises(DataError, match="no whole bars of BTC 1h; the tape has 1970-01-01T00:00:00Z to"):
        feed_of(folder, **BOTH).load(BarRequest("BTC", "1h"))


def test_a_path_of_bars_is_used_for_bars(folder):
    bars("10 11", symbol="BTC").to_frame().to_parquet(folder / "bars.parquet")
    feed = feed_of(folder, path="bars.parquet", **BOTH)
    assert feed.load(BarRequest("BTC", "1h")).close.tolist() == [10, 11]


def test_the_clock_may_be_set(folder):
    rows = {"ts": [10, 20], "ts_local": [4, 17], "price": [1.0, 2.0], "size": [1.0, 1.0], "side": [1, 1]}
    pq.write_table(pa.table(rows), folder / "late.parquet")
    path, request = folder / "late.parquet", TapeRequest("X", TRADES)
    assert ParquetFeed(trades_path=path).tape(request).time.tolist() == [10, 23]
    assert ParquetFeed(trades_path=path, clock_offset_seconds=1e-8).tape(request).time.tolist() == [14, 27]
    assert ParquetFeed(trades_path=path, least_latency_ms=1e-5).tape(request).time.tolist() == [20, 33]
