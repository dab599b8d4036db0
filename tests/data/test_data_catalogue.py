"""The catalogue of Parquet files."""

import numpy as np
import pytest

from hookline.data import Catalogue, read_parquet, write_parquet
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries
from hookline.testing import bars

START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9


def closes(catalogue: Catalogue, **request: object) -> list[float]:
    return catalogue.load(BarRequest("TEST", **{"timeframe": "1h", **request})).close.tolist()


@pytest.fixture
def catalogue(tmp_path):
    return Catalogue(tmp_path / "catalog")


def test_what_is_written_is_loaded(catalogue):
    series = bars("10/12/9/11@1.5 11 . 12")
    count = catalogue.write(series)
    assert count.path == catalogue.folder / "TEST" / "1h.parquet"
    loaded = catalogue.load(BarRequest("TEST", "1h"))
    for name in ("start", *BarSeries.COLUMNS):
        assert np.array_equal(getattr(loaded, name), getattr(series, name))


def test_a_range_is_half_open(catalogue):
    catalogue.write(bars("10 11 12 13 14"))
    assert closes(catalogue, since=START + HOUR, until=START + 3 * HOUR) == [11, 12]


@pytest.mark.parametrize(
    "symbol", ["BTC/USDT:USDT", "../../x", "..", ".hidden", "a b", "ä", "C:\\x", "BTC%2FUSDT"]
)
def test_any_symbol_is_one_folder_inside_the_catalogue(catalogue, symbol):
    path = catalogue.write(bars("10 11", symbol=symbol)).path
    assert path.parent.parent == catalogue.folder
    assert path.resolve().is_relative_to(catalogue.folder.resolve())
    assert [entry.symbol for entry in catalogue.info()] == [symbol]
    assert catalogue.load(BarRequest(symbol, "1h")).symbol == symbol


def test_different_symbols_never_share_a_folder(catalogue):
    symbols = ["BTC/USDT", "BTC%2FUSDT", "BTC_USDT", "..", "%2E%2E", ".", "a.b", "a%2Eb"]
    assert len({catalogue.path(symbol, "1h") for symbol in symbols}) == len(symbols)


def test_an_empty_symbol_is_refused(catalogue):
    with pytest.raises(ConfigError, match="symbol: must not be empty"):
        catalogue.path("", "1h")


def test_a_timeframe_cannot_lead_out_of_the_folder(catalogue):
    with pytest.raises(ValueError, match="a timeframe is a count"):
        catalogue.path("TEST", "../1h")


class TestMerge:
    def test_new_bars_are_added_before_between_and_after(self, catalogue):
        catalogue.write(bars("11 . 13", start=START + HOUR))
        count = catalogue.write(bars("10/10/10/10 . 11/12/11/12 . 14"))
        assert (count.added, count.same, count.replaced) == (3, 0, 0)
        assert closes(catalogue) == [10, 11, 12, 13, 14]

    def test_the_same_bars_again_change_nothing(self, catalogue):
        catalogue.write(bars("10 11 12"))
        before = catalogue.path("TEST", "1h").stat()
        count = catalogue.write(bars("10 11 12"))
        assert (count.added, count.same, count.replaced) == (0, 3, 0)
        assert catalogue.path("TEST", "1h").stat().st_ino == before.st_ino

    def test_different_bars_are_listed_and_nothing_is_written(self, catalogue):
        catalogue.write(bars("10 11 12"))
        with pytest.raises(DataError) as caught:
            catalogue.write(bars("10 11 12/13/12/13@7 13"))
        first, line = str(caught.value).splitlines()
        assert "1 bars differ from those already there" in first
        assert line == (
            "  2024-01-01T02:00:00Z: open 11.0 there, 12.0 new; high 12.0 there, 13.0 new; "
            "low 11.0 there, 12.0 new; close 12.0 there, 13.0 new; volume 1.0 there, 7.0 new"
        )
        assert closes(catalogue) == [10, 11, 12]

    def test_a_long_list_of_differences_is_cut(self, catalogue):
        catalogue.write(bars("10 11 12 13 14 15 16"))
        with pytest.raises(DataError, match=r"7 bars differ(.*\n){6}  and 2 more"):
            catalogue.write(bars("20 21 22 23 24 25 26"))

    def test_different_bars_win_on_request(self, catalogue):
        catalogue.write(bars("10 11 12"))
        count = catalogue.write(bars("10 11 13 14"), replace=True)
        assert (count.added, count.same, count.replaced) == (1, 2, 1)
        assert closes(catalogue) == [10, 11, 13, 14]

    def test_without_merging_the_old_bars_go(self, catalogue):
        catalogue.write(bars("10 11 12"))
        catalogue.write(bars("20"), merge=False)
        assert closes(catalogue) == [20]

    def test_bars_that_would_overlap_are_refused(self, catalogue):
        catalogue.write(bars("10 11"))
        with pytest.raises(DataError, match="bars of 1h must not overlap"):
            catalogue.write(bars("12", start=START + HOUR // 2))
        assert closes(catalogue) == [10, 11]

    def test_nothing_is_not_written(self, catalogue):
        with pytest.raises(DataError, match="nothing to write"):
            catalogue.write(bars(""))


class TestMissing:
    def test_longer_bars_are_made_of_the_longest_that_fit(self, catalogue):
        catalogue.write(bars([1.0] * 96, timeframe="15m"))
        catalogue.write(bars([2.0] * 24, timeframe="1h"))
        catalogue.write(bars([3.0] * 16, timeframe="90m"))
        assert closes(catalogue, timeframe="4h") == [2] * 6
        assert closes(catalogue, timeframe="30m") == [1] * 48

    def test_a_range_of_longer_bars_is_made_of_whole_ones(self, catalogue):
        catalogue.write(bars([float(n) for n in range(1, 97)], timeframe="15m"))
        whole = catalogue.load(BarRequest("TEST", "1h"))
        since, until = START + 2 * HOUR + HOUR // 2, START + 5 * HOUR + HOUR // 4
        part = catalogue.load(BarRequest("TEST", "1h", since, until))
        wanted = whole.between(since, until)
        assert part.start.tolist() == wanted.start.tolist()
        assert part.close.tolist() == wanted.close.tolist()

    def test_shorter_bars_cannot_be_made(self, catalogue):
        catalogue.write(bars("10 11"))
        with pytest.raises(DataError, match="no bars of 'TEST' to make 15m bars of; it has 1h"):
            closes(catalogue, timeframe="15m")

    def test_an_unknown_symbol_lists_the_known_ones(self, catalogue):
        catalogue.write(bars("10", symbol="BTC/USDT"))
        with pytest.raises(DataError, match="no bars of 'TEST'; the catalogue has BTC/USDT"):
            closes(catalogue)

    def test_a_folder_that_is_not_there_has_none(self, catalogue):
        with pytest.raises(DataError, match="the catalogue has none at all"):
            closes(catalogue)
        with pytest.raises(DataError, match="no such catalogue folder"):
            catalogue.info()

    def test_a_file_under_another_symbol_is_refused(self, catalogue):
        write_parquet(catalogue.path("TEST", "1h"), bars("10", symbol="OTHER"))
        with pytest.raises(DataError, match="must hold bars of 'TEST', its metadata says 'OTHER'"):
            closes(catalogue)


def test_info_lists_files_by_symbol_and_length_of_bar(catalogue):
    for symbol, timeframe in (("B", "4h"), ("B", "1d"), ("B", "30m"), ("A", "1h")):
        catalogue.write(bars("10 11 12", symbol=symbol, timeframe=timeframe))
    entries = catalogue.info()
    assert [(e.symbol, e.timeframe) for e in entries] == [("A", "1h"), ("B", "30m"), ("B", "4h"), ("B", "1d")]
    assert (entries[0].bars, entries[0].first, entries[0].last) == (3, START, START + 2 * HOUR)
    assert entries[0].size_bytes == entries[0].path.stat().st_size


def test_info_says_which_files_cannot_be_used(catalogue):
    catalogue.write(bars("10 11"))
    (catalogue.folder / "TEST" / "4h.parquet").write_text("nothing")
    (catalogue.folder / "TEST" / "notes.parquet").touch()
    problems = {entry.timeframe: entry.problem for entry in catalogue.info()}
    assert problems["1h"] == ""
    assert "not a Parquet file" in problems["4h"]
    assert problems["notes"] == "'notes' is no timeframe"


def test_files_of_the_catalogue_are_small(catalogue):
    series = bars([100 + n % 50 / 100 for n in range(10_000)], timeframe="1m")
    assert catalogue.write(series).path.stat().st_size < 10_000 * 6 * 8 / 4
    assert len(read_parquet(catalogue.path("TEST", "1m"))) == 10_000
