"""CSV files of bars."""

import numpy as np
import pytest

from hookline.clock import isoformat
from hookline.data import CsvFormat, RawBars, csv_bars, read_csv
from hookline.errors import ConfigError, DataError
from hookline.model import BarSeries
from hookline.testing import bars

HEADER = "time,open,high,low,close,volume\n"


@pytest.fixture
def csv(tmp_path):
    def read(text: str, symbol: str | None = None, timeframe: str | None = None, **form: object) -> RawBars:
        (tmp_path / "x.csv").write_text(text, encoding="utf-8")
        return read_csv(tmp_path / "x.csv", symbol, CsvFormat(**form), timeframe=timeframe)

    return read


def starts(raw: RawBars) -> list[str]:
    return [isoformat(int(time)) for time in raw.start]


def rows(*times: object) -> str:
    return "".join(f"{time},10,12,9,11,5\n" for time in times)


def test_what_pandas_writes_is_read(tmp_path):
    series = bars("10/12/9/11@1.5 11 . 12", timeframe="4h")
    series.to_frame().to_csv(tmp_path / "x.csv")
    read = read_csv(tmp_path / "x.csv", "TEST").series()
    assert read.timeframe == "4h"
    for name in ("start", *BarSeries.COLUMNS):
        assert np.array_equal(getattr(read, name), getattr(series, name))


@pytest.mark.parametrize(
    "times",
    [
        (1704067200, 1704070800),
        (1704067200000, 1704070800000),
        (1704067200000000, 1704070800000000),
        (1704067200000000000, 1704070800000000000),
        ("1704067200.0", "1704070800.0"),
        ("2024-01-01", "2024-01-01 01:00"),
        ("2024-01-01 00:00:00", "2024-01-01 01:00:00"),
        ("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"),
        ("2024-01-01T00:00:00.000Z", "2024-01-01T01:00:00.000Z"),
        ("2024-01-01 02:00:00+02:00", "2024-01-01 03:00:00+02:00"),
    ],
)
def test_the_unit_of_times_is_seen(csv, times):
    raw = csv(HEADER + rows(*times))
    assert starts(raw) == ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"]
    assert raw.timeframe == "1h"


def test_the_unit_of_times_can_be_said(csv):
    assert starts(csv(HEADER + rows(0, 3600), time_unit="s")) == [
        "1970-01-01T00:00:00Z",
        "1970-01-01T01:00:00Z",
    ]


def test_float_seconds_keep_their_milliseconds(csv):
    assert csv(HEADER + rows("1704067200.125", "1704070800.125")).start[0] == 1704067200125000000


def test_times_at_the_close_are_shifted_by_one_bar(csv):
    assert starts(csv(HEADER + rows("2024-01-01 01:00", "2024-01-01 02:00"), label="close")) == [
        "2024-01-01T00:00:00Z",
        "2024-01-01T01:00:00Z",
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_seen(csv, delimiter):
    raw = csv((HEADER + rows("2024-01-01")).replace(",", delimiter))
    assert raw.high.tolist() == [12]


def test_names_match_in_any_case_and_order_and_with_a_mark_of_encoding(csv):
    raw = csv("\ufeffClose,Date,Low,HIGH,Open\n11,2024-01-01,9,12,10\n")
    assert [float(getattr(raw, name)[0]) for name in BarSeries.COLUMNS] == [10, 12, 9, 11, 0]


def test_columns_are_found_by_the_mapping(csv):
    raw = csv("when,O,H,L,C,Volume BTC\n2024-01-01,10,12,9,11,5\n", time_column="when", columns={
        "open": "O", "high": "H", "low": "L", "close": "C", "volume": "Volume BTC",
    })  # fmt: skip
    assert (raw.high[0], raw.volume[0]) == (12, 5)


def test_a_file_without_a_header_is_read_with_names(csv):
    text = "1704067200000,10,12,9,11,5,x\n"
    with pytest.raises(
        DataError, match=r"x\.csv:1: must be a header line, was '1704067200000,.*column_names"
    ):
        csv("1704067200000,10,12,9,11,5\n")
    raw = csv(text, column_names=["time", "open", "high", "low", "close", "volume", "note"])
    assert raw.close.tolist() == [11]
    with pytest.raises(ConfigError, match="has 7 columns, 2 were named"):
        csv(text, column_names=["time", "open"])


def test_lines_before_the_header_are_skipped_and_counted(csv):
    raw = csv("# from somewhere\n" + HEADER + rows("2024-01-01", "2024-01-02"), skip_lines=1)
    assert len(raw) == 2
    with pytest.raises(DataError, match=r"x\.csv:4: column 'close' must hold numbers, was 'x'"):
        csv("# from somewhere\n" + HEADER + rows("2024-01-01") + "2024-01-02,1,1,1,x,1\n", skip_lines=1)


def test_the_newest_may_come_first(csv):
    text = HEADER + rows("2024-01-03", "2024-01-02", "2024-01-01")
    with pytest.raises(DataError, match=r"x\.csv:3: .*time must rise"):
        csv(text).series()
    raw = csv(text, newest_first=True)
    assert raw.series().start.tolist() == sorted(raw.start.tolist())
    assert raw.where(0).endswith(":4")


def test_a_symbol_column_selects_rows(csv):
    text = (
        "symbol,time,open,high,low,close\nA,1704067200,1,1,1,1\nB,1704067200,2,2,2,2\nA,1704070800,3,3,3,3\n"
    )
    assert csv(text, "A").close.tolist() == [1, 3]
    assert csv(text, "A").where(1).endswith(":4")
    with pytest.raises(DataError, match="holds A, B; none was named"):
        csv(text)


def test_the_symbols_of_a_file_are_listed(tmp_path):
    (tmp_path / "x.csv").write_text("symbol,time,open,high,low,close\nB,1,1,1,1,1\nA,1,2,2,2,2\n")
    assert csv_bars.csv_symbols(tmp_path / "x.csv") == ["A", "B"]
    (tmp_path / "x.csv").write_text(HEADER + rows("2024-01-01"))
    assert csv_bars.csv_symbols(tmp_path / "x.csv") == []


class TestTimeZones:
    def test_wall_clock_times_become_utc(self, csv):
        summer_and_winter = rows("2024-03-08 09:30", "2024-03-11 09:30")
        raw = csv(HEADER + summer_and_winter, time_zone="America/New_York")
        assert starts(raw) == ["2024-03-08T14:30:00Z", "2024-03-11T13:30:00Z"]

    def test_an_hour_that_happens_twice_is_told_apart_by_order(self, csv):
        hours = ["2024-11-03 00:00", "2024-11-03 01:00", "2024-11-03 01:00", "2024-11-03 02:00"]
        raw = csv(HEADER + rows(*hours), time_zone="America/New_York")
        assert starts(raw) == [f"2024-11-03T0{hour}:00:00Z" for hour in (4, 5, 6, 7)]

    def test_an_hour_that_happens_twice_and_is_there_once_is_refused(self, csv):
        with pytest.raises(DataError, match="do not fit the time zone 'America/New_York'"):
            csv(
                HEADER + rows("2024-11-03 00:00", "2024-11-03 01:00", "2024-11-03 02:00"),
                time_zone="America/New_York",
            )

    def test_an_hour_that_does_not_happen_is_refused(self, csv):
        with pytest.raises(DataError, match="do not fit the time zone 'America/New_York'"):
            csv(HEADER + rows("2024-03-10 02:30"), time_zone="America/New_York")

    def test_a_zone_in_the_text_wins(self, csv):
        assert starts(csv(HEADER + rows("2024-01-01T00:00:00Z"), time_zone="Asia/Tokyo")) == [
            "2024-01-01T00:00:00Z"
        ]

    def test_an_unknown_zone_is_refused(self, csv):
        with pytest.raises(
            ConfigError, match="time_zone: must be a name such as 'America/New_York', was 'New York'"
        ):
            csv(HEADER + rows("2024-01-01"), time_zone="New York")


class TestUnusableFiles:
    def test_missing(self, tmp_path):
        with pytest.raises(DataError, match=r"x\.csv: no such file"):
            read_csv(tmp_path / "x.csv")

    @pytest.mark.parametrize("text", ["", "\n\n"])
    def test_empty(self, csv, text):
        with pytest.raises(DataError, match=r"x\.csv: the file is empty"):
            csv(text)

    def test_only_a_header(self, csv):
        with pytest.raises(DataError, match="a header and no rows"):
            csv(HEADER)

    def test_binary(self, tmp_path):
        (tmp_path / "x.csv").write_bytes(b"PAR1\0\0\0\1\n")
        with pytest.raises(DataError, match="holds binary data"):
            read_csv(tmp_path / "x.csv")

    def test_not_bars(self, csv):
        with pytest.raises(DataError, match="no column for 'open' among 'name', 'age'"):
            csv("name,age\nx,1\n")

    @pytest.mark.parametrize(
        ("line", "error"),
        [
            ("2024-01-01 02:00,10,12,9,eleven,5", "x.csv:4: column 'close' must hold numbers, was 'eleven'"),
            ("2024-01-01 02:00,10,12,9", "x.csv:4: a line must have 6 fields, had 4"),
            ("2024-01-01 02:00,10,12,9,11,5,7", "x.csv:4: a line must have 6 fields, had 7"),
            (",10,12,9,11,5", "x.csv:4: a bar needs a time, was empty"),
            (
                "2024-13-01,10,12,9,11,5",
                "x.csv:4: a time must be a number or ISO 8601 text, was '2024-13-01'",
            ),
            ("soon,10,12,9,11,5", "x.csv:4: a time must be a number or ISO 8601 text, was 'soon'"),
            (
                "2024-01-01 02:00,10,12,9,,5",
                "x.csv:4: .*bar 2 .*close must be a finite number, was close nan",
            ),
            ("2024-01-01 02:00,10,12,9,nan,5", "x.csv:4: .*close must be a finite number"),
            ("2024-01-01 02:00,10,9,12,11,5", "x.csv:4: .*open and close must lie between low and high"),
            ("2024-01-01 00:30,10,12,9,11,5", "x.csv:4: .*time must rise"),
            ("2024-01-01 01:00,10,12,9,11,5", "x.csv:4: .*time must rise"),
            ("2024-01-01 02:00,10,12,9,11,-5", "x.csv:4: .*volume must be zero or more"),
        ],
    )
    def test_the_line_is_named(self, csv, line, error):
        with pytest.raises(DataError, match=error):
            csv(HEADER + rows("2024-01-01 00:00", "2024-01-01 01:00") + line + "\n").series()

    def test_the_line_is_right_after_empty_lines(self, csv):
        with pytest.raises(DataError, match=r"x\.csv:5: column 'open' must hold numbers"):
            csv(HEADER + rows("2024-01-01") + "\n\n2024-01-02,?,1,1,1,1\n")

    def test_text_that_is_not_utf8(self, tmp_path):
        (tmp_path / "x.csv").write_bytes(HEADER.encode() + b"\xff\xfe,1,1,1,1,1\n")
        with pytest.raises(DataError, match=r"x\.csv:2: column 'time' must be UTF-8 text"):
            read_csv(tmp_path / "x.csv")
