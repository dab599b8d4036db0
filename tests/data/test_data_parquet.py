"""Parquet files of bars."""

import os
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.data import parquet_file, read_parquet, write_parquet
from hookline.errors import ConfigError, DataError
from hookline.model import BarSeries
from hookline.testing import bars

HOUR = 3600 * 10**9


def table(series: BarSeries, **more: object) -> dict[str, object]:
    columns = {name: getattr(series, name) for name in BarSeries.COLUMNS}
    return {"ts": series.start} | columns | more


def same(one: BarSeries, other: BarSeries) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("start", *BarSeries.COLUMNS)
    )


def test_what_is_written_is_read(tmp_path):
    series = bars("10/12/9/11@1.5 11 . 12", symbol="BTC/USDT", timeframe="4h")
    write_parquet(tmp_path / "x.parquet", series)
    read = read_parquet(tmp_path / "x.parquet").series()
    assert (read.symbol, read.timeframe) == ("BTC/USDT", "4h")
    assert same(read, series)


def test_columns_are_float64_that_can_be_written(tmp_path):
    series = bars("10 11 12")
    columns = table(series) | {name: getattr(series, name).astype(np.int32) for name in BarSeries.COLUMNS}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    read = read_parquet(tmp_path / "x.parquet")
    assert all(getattr(read, name).dtype == np.float64 for name in BarSeries.COLUMNS)
    assert all(getattr(read, name).flags.writeable for name in ("start", *BarSeries.COLUMNS))
    assert same(read.series(), series)


@pytest.mark.parametrize(
    "times",
    [
        lambda start: pa.array(start, pa.timestamp("ns", tz="UTC")),
        lambda start: pa.array(start // 10**6, pa.timestamp("ms")),
        lambda start: pa.array(start, pa.timestamp("ns", tz="America/New_York")),
        lambda start: pa.array(start // 10**9, pa.timestamp("s", tz="+02:00")),
        lambda start: pa.array(pd.to_datetime(start).strftime("%Y-%m-%dT%H:%M:%SZ")),
    ],
)
def test_timestamps_of_any_kind_are_instants(tmp_path, times):
    series = bars("10 11 12")
    pq.write_table(pa.table(table(series, ts=times(series.start))), tmp_path / "x.parquet")
    assert same(read_parquet(tmp_path / "x.parquet").series(), series)


def test_dates_are_days_in_utc(tmp_path):
    series = bars("10 11 12", timeframe="1d")
    dates = pd.to_datetime(series.start).date
    pq.write_table(pa.table(table(series, ts=pa.array(dates, pa.date32()))), tmp_path / "x.parquet")
    read = read_parquet(tmp_path / "x.parquet")
    assert read.timeframe == "1d"
    assert same(read.series(), series)


def test_a_frame_saved_by_pandas_is_read_by_its_index(tmp_path):
    series = bars("10 11 12")
    frame = series.to_frame().rename(columns=str.capitalize)
    frame.index.name = None
    frame.to_parquet(tmp_path / "x.parquet")
    assert same(read_parquet(tmp_path / "x.parquet").series(), series)


def test_volume_may_be_absent(tmp_path):
    columns = table(bars("10 11"))
    del columns["volume"]
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    assert read_parquet(tmp_path / "x.parquet").volume.tolist() == [0, 0]


def test_columns_are_found_by_the_mapping(tmp_path):
    series = bars("10 11 12")
    columns = table(series, close=np.zeros(3), settle=series.close, vol=series.volume * 2)
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    read = read_parquet(tmp_path / "x.parquet", columns={"close": "settle", "volume": "vol"})
    assert read.close.tolist() == [10, 11, 12]
    assert read.volume.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("columns", "error"), [({"clos": "settle"}, "did you mean 'close'"), ({"open": "O"}, "'O'")]
)
def test_a_wrong_mapping_is_refused(tmp_path, columns, error):
    write_parquet(tmp_path / "x.parquet", bars("10 11"))
    with pytest.raises((ConfigError, DataError), match=error):
        read_parquet(tmp_path / "x.parquet", columns=columns)


def test_a_range_is_half_open_and_skips_the_rest_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setitem(parquet_file._ENCODING, "row_group_size", 10)
    series = bars([float(n) for n in range(1, 101)])
    write_parquet(tmp_path / "x.parquet", series)
    start = int(series.start[0])
    read = read_parquet(tmp_path / "x.parquet", since=start + 33 * HOUR, until=start + 47 * HOUR)
    assert read.close.tolist() == [float(n) for n in range(34, 48)]
    assert read.where(0).endswith("row 33")
    groups = pq.ParquetFile(tmp_path / "x.parquet").num_row_groups
    assert groups == 10


def test_a_range_outside_the_file_says_what_is_there(tmp_path):
    write_parquet(tmp_path / "x.parquet", bars("10 11"))
    with pytest.raises(
        DataError, match="no bars from 2033-05-18T03:33:20Z; the file has 2024-01-01T00:00:00Z to"
    ):
        read_parquet(tmp_path / "x.parquet", since=2 * 10**18)


@pytest.fixture
def panel(tmp_path):
    one, other = bars("10 11 12"), bars("20 21 22")
    columns = {
        name: np.concatenate((getattr(one, name), getattr(other, name)))
        for name in ("start", *BarSeries.COLUMNS)
    }
    pq.write_table(pa.table(columns | {"symbol": ["AAA"] * 3 + ["BBB"] * 3}), tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def test_a_panel_gives_the_bars_of_one_symbol(panel):
    assert read_parquet(panel, "BBB").series().close.tolist() == [20, 21, 22]
    assert read_parquet(panel, "BBB").where(1).endswith("row 4")


@pytest.mark.parametrize(("symbol", "error"), [(None, "none was named"), ("AAB", "did you mean 'AAA'")])
def test_a_panel_without_the_symbol_lists_its_symbols(panel, symbol, error):
    with pytest.raises(DataError, match=f"holds AAA, BBB; .*{error}"):
        read_parquet(panel, symbol)


def test_a_panel_is_read_across_row_groups(tmp_path, panel):
    pq.write_table(pq.read_table(panel), tmp_path / "y.parquet", row_group_size=2)
    for symbol, closes in (("AAA", [10, 11, 12]), ("BBB", [20, 21, 22])):
        assert read_parquet(tmp_path / "y.parquet", symbol).close.tolist() == closes


def test_a_file_that_says_it_holds_another_symbol_is_refused(tmp_path):
    write_parquet(tmp_path / "x.parquet", bars("10 11", symbol="BTCUSDT"))
    with pytest.raises(DataError, match=re.escape("symbols: {ETHUSDT: BTCUSDT}")):
        read_parquet(tmp_path / "x.parquet", "ETHUSDT")


def test_milliseconds_are_not_taken_for_nanoseconds(tmp_path):
    series = bars("10 11 12")
    pq.write_table(pa.table(table(series, ts=series.start // 10**6)), tmp_path / "x.parquet")
    with pytest.raises(
        DataError, match=r"must be nanoseconds, the first one reads as 1970-01-01.*; set time_unit: ms"
    ):
        read_parquet(tmp_path / "x.parquet", timeframe="1h")
    assert same(read_parquet(tmp_path / "x.parquet", time_unit="ms").series(), series)


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    write_parquet(path, bars("10 11"))

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_parquet(path, bars("20 21"))
    assert read_parquet(path).close.tolist() == [10, 11]
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]


class TestUnusableFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(DataError, match=r"x\.parquet: no such file"):
            read_parquet(tmp_path / "x.parquet")

    def test_folder(self, tmp_path):
        with pytest.raises(DataError, match="was a folder"):
            read_parquet(tmp_path)

    def test_empty(self, tmp_path):
        (tmp_path / "x.parquet").touch()
        with pytest.raises(DataError, match=r"x\.parquet: the file is empty"):
            read_parquet(tmp_path / "x.parquet")

    def test_not_parquet(self, tmp_path):
        (tmp_path / "x.parquet").write_text("ts,open\n1,2\n" * 100)
        with pytest.raises(DataError, match=r"x\.parquet: not a Parquet file"):
            read_parquet(tmp_path / "x.parquet")

    def test_cut_off(self, tmp_path):
        write_parquet(tmp_path / "x.parquet", bars("10 11"))
        (tmp_path / "x.parquet").write_bytes((tmp_path / "x.parquet").read_bytes()[:-20])
        with pytest.raises(DataError, match="not a Parquet file"):
            read_parquet(tmp_path / "x.parquet")

    def test_no_rows(self, tmp_path):
        write_parquet(tmp_path / "x.parquet", bars(""))
        with pytest.raises(DataError, match="the file has no rows"):
            read_parquet(tmp_path / "x.parquet")

    def test_not_bars(self, tmp_path):
        pq.write_table(pa.table({"ts": [1], "price": [2.0]}), tmp_path / "x.parquet")
        with pytest.raises(
            DataError, match=r"no column for 'open' among 'ts', 'price'; name it: columns: \{open: ...\}"
        ):
            read_parquet(tmp_path / "x.parquet")

    def test_no_time(self, tmp_path):
        columns = table(bars("10 11"))
        del columns["ts"]
        pq.write_table(pa.table(columns), tmp_path / "x.parquet")
        with pytest.raises(DataError, match="no column for 'time'"):
            read_parquet(tmp_path / "x.parquet")

    def test_a_time_is_missing(self, tmp_path):
        columns = table(bars("10 11 12"), ts=pa.array([0, None, HOUR], pa.int64()))
        pq.write_table(pa.table(columns), tmp_path / "x.parquet")
        with pytest.raises(DataError, match=r"x\.parquet: row 1: a bar needs a time, was empty"):
            read_parquet(tmp_path / "x.parquet")

    def test_text_for_prices(self, tmp_path):
        pq.write_table(pa.table(table(bars("10 11"), close=["ten", "eleven"])), tmp_path / "x.parquet")
        with pytest.raises(DataError, match="column 'close' must hold numbers, was of type 'string'"):
            read_parquet(tmp_path / "x.parquet")

    @pytest.mark.parametrize(
        ("column", "values", "error"),
        [
            (
                "close",
                [10, float("nan"), 12],
                r"row 1: .*bar 1 \(2024-01-01T01:00:00Z\): close must be a finite number",
            ),
            ("close", pa.array([10, None, 12], pa.float64()), "row 1: .*close must be a finite number"),
            ("high", [10, 11, 5], "row 2: .*open and close must lie between low and high"),
            (
                "ts",
                [0, 2 * HOUR, HOUR],
                "row 2: .*time must rise, was 1970-01-01T01:00:00Z after 1970-01-01T02:00:00Z",
            ),
            ("ts", [0, HOUR, HOUR], "row 2: .*time must rise"),
        ],
    )
    def test_bars_that_cannot_be_trusted(self, tmp_path, column, values, error):
        pq.write_table(pa.table(table(bars("10 11 12"), **{column: values})), tmp_path / "x.parquet")
        with pytest.raises(DataError, match=error):
            read_parquet(tmp_path / "x.parquet", timeframe="1h").series()
