"""The parquet and csv feeds."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.data import Catalogue, write_parquet
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries
from hookline.params import check_params
from hookline.plugins import build
from hookline.testing import bars
from hookline_feeds.csv import CsvFeed
from hookline_feeds.parquet import ParquetFeed

START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9


@pytest.fixture(params=["parquet", "csv"])
def write(request, tmp_path):
    """Write a series without saying whose bars they are, and return the feed class and the path."""

    def to_file(series: BarSeries, name: str = "x"):
        path = tmp_path / f"{name}.{request.param}"
        if request.param == "csv":
            series.to_frame().to_csv(path)
            return CsvFeed, path
        columns = {name: getattr(series, name) for name in ("start", *BarSeries.COLUMNS)}
        pq.write_table(pa.table(columns), path)
        return ParquetFeed, path

    return to_file


def test_a_file_is_loaded(write):
    series = bars("10/12/9/11@1.5 11 . 12")
    feed, path = write(series)
    loaded = feed(path).load(BarRequest("TEST", "1h"))
    for name in ("start", *BarSeries.COLUMNS):
        assert np.array_equal(getattr(loaded, name), getattr(series, name))


def test_a_request_is_half_open(write):
    feed, path = write(bars("10 11 12 13 14"))
    loaded = feed(path).load(BarRequest("TEST", "1h", START + HOUR, START + 3 * HOUR))
    assert loaded.close.tolist() == [11, 12]


def test_longer_bars_are_made_and_the_range_is_of_their_starts(write):
    feed, path = write(bars([float(n) for n in range(1, 25)], timeframe="15m"))
    loaded = feed(path).load(BarRequest("TEST", "1h", START + HOUR // 2, START + 4 * HOUR + 1))
    assert loaded.timeframe == "1h"
    assert loaded.close.tolist() == [8, 12, 16, 20]


@pytest.mark.parametrize("timeframe", ["5m", "20m"])
def test_bars_that_cannot_be_made_are_refused(write, timeframe):
    feed, path = write(bars("1 2 3 4", timeframe="15m"))
    with pytest.raises(DataError, match=f"holds bars of 15m, of which bars of {timeframe} cannot be made"):
        feed(path).load(BarRequest("TEST", timeframe))


def test_bars_with_more_gaps_than_neighbors_need_their_timeframe(write):
    feed, path = write(bars("1 . . 2 . . 3 . . 4", timeframe="1m"))
    with pytest.raises(DataError, match=r"holds bars of 3m.*say so with 'timeframe'"):
        feed(path).load(BarRequest("TEST", "1m"))
    assert len(feed(path, timeframe="1m").load(BarRequest("TEST", "1m"))) == 4


def test_one_bar_is_of_the_timeframe_asked_for(write):
    feed, path = write(bars("10", timeframe="4h"))
    assert feed(path).load(BarRequest("TEST", "4h")).close.tolist() == [10]


def test_two_symbols_do_not_share_a_file_that_names_none(write):
    feed, path = write(bars("10 11"))
    one = feed(path)
    one.load(BarRequest("BTC", "1h"))
    one.load(BarRequest("BTC", "1h"))
    with pytest.raises(
        ConfigError, match=r"must hold bars of one symbol, was asked for 'BTC' and 'ETH'.*\{symbol\}"
    ):
        one.load(BarRequest("ETH", "1h"))


def test_each_symbol_has_its_file_by_the_pattern(write):
    feed, path = write(bars("10 11"), "BTC-1h")
    write(bars("20 21"), "ETH%2FUSDT-1h")
    one = feed(path.with_stem("{symbol}-{timeframe}"))
    assert one.load(BarRequest("BTC", "1h")).close.tolist() == [10, 11]
    assert one.load(BarRequest("ETH/USDT", "1h")).close.tolist() == [20, 21]
    with pytest.raises(DataError, match=r"BTC-4h.*no such file"):
        one.load(BarRequest("BTC", "4h"))


def test_symbols_may_have_other_names_in_files(write, tmp_path):
    feed, path = write(bars("10 11"), "BTCUSDT")
    one = feed(path.with_stem("{symbol}"), symbols={"BTC-PERP": "BTCUSDT"})
    loaded = one.load(BarRequest("BTC-PERP", "1h"))
    assert (loaded.symbol, loaded.close.tolist()) == ("BTC-PERP", [10, 11])


def test_a_range_without_bars_says_what_is_there(write):
    feed, path = write(bars("10 11"))
    with pytest.raises(
        DataError, match=r"no bars from 2033-05-18T03:33:20Z; .*2024-01-01T00:00:00Z to 2024-01-01T01"
    ):
        feed(path).load(BarRequest("TEST", "1h", since=2 * 10**18))


def test_bars_too_few_for_one_longer_bar_are_no_bars(write):
    feed, path = write(bars("10 11", timeframe="15m"))
    with pytest.raises(DataError, match="no bars of TEST 1h"):
        feed(path).load(BarRequest("TEST", "1h"))


def test_a_bad_bar_inside_the_range_is_named_by_its_line(tmp_path):
    (tmp_path / "x.csv").write_text("time,open,high,low,close\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,\n")
    feed = CsvFeed(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"x\.csv:3: X 1d: bar 1 .*close must be a finite number"):
        feed.load(BarRequest("X", "1d"))
    with pytest.raises(DataError, match=r"x\.csv:3: X 1d: bar 0 .*close must be a finite number"):
        feed.load(BarRequest("X", "1d", since=START + 24 * HOUR))


def test_a_catalogue_folder_is_a_source(tmp_path):
    Catalogue(tmp_path / "catalog").write(bars("10 11 12", symbol="BTC/USDT"))
    feed = ParquetFeed(tmp_path / "catalog", symbols={"BTC": "BTC/USDT"})
    loaded = feed.load(BarRequest("BTC", "1h"))
    assert (loaded.symbol, loaded.close.tolist()) == ("BTC", [10, 11, 12])


def test_a_parquet_file_that_names_another_symbol_is_refused(tmp_path):
    write_parquet(tmp_path / "x.parquet", bars("10 11", symbol="BTCUSDT"))
    with pytest.raises(DataError, match=r"symbols: \{ETH: BTCUSDT\}"):
        ParquetFeed(tmp_path / "x.parquet").load(BarRequest("ETH", "1h"))


def test_history_only_feeds_say_how_to_stream(tmp_path):
    with pytest.raises(ConfigError, match="feed 'csv' has history only; wrap it: use 'replay'"):
        CsvFeed(tmp_path / "x.csv").stream([])


@pytest.mark.parametrize(
    ("use", "params", "error"),
    [
        ("parquet", {}, "feed.params.path"),
        ("parquet", {"path": "x", "time_unit": "h"}, "feed.params.time_unit"),
        ("csv", {"path": "x", "label": "end"}, "feed.params.label"),
        ("csv", {"path": "x", "skip_lines": -1}, "feed.params.skip_lines: must be at least 0, was -1"),
        ("csv", {"path": "x", "timezone": "UTC"}, "feed.params.timezone: .*did you mean 'time_zone'"),
    ],
)
def test_parameters_are_checked_with_their_address(use, params, error):
    with pytest.raises(ConfigError, match=error):
        build("feeds", use, params, "feed")


def test_paths_are_relative_to_the_session_file(tmp_path):
    write_parquet(tmp_path / "x.parquet", bars("10 11"))
    feed = build("feeds", "parquet", {"path": "x.parquet"}, "feed", tmp_path)
    assert len(feed.load(BarRequest("TEST", "1h"))) == 2


def test_feeds_made_in_python_hold_to_the_same_rules(tmp_path):
    check_params(ParquetFeed(tmp_path))
    with pytest.raises(ConfigError, match=r"CsvFeed\.skip_lines"):
        check_params(CsvFeed(tmp_path, skip_lines=-1))
