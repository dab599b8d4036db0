"""``hookline data`` on the command line."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hookline.cli import main
from hookline.cli.data import app
from hookline.data import Catalogue, write_parquet
from hookline.errors import HooklineError
from hookline.feed import BarRequest
from hookline.testing import bars

HEADER = "time,open,high,low,close,volume\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def run(*words: str) -> tuple[int, str]:
    """Exit code and output; an error of ours is raised."""
    result = CliRunner().invoke(app, list(words))
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.exit_code, " ".join(re.sub(r"\s+", " ", result.output).split())


def closes(symbol: str = "TEST", timeframe: str = "1h") -> list[float]:
    return Catalogue(Path("catalog")).load(BarRequest(symbol, timeframe)).close.tolist()


class TestImport:
    def test_csv_needs_a_symbol(self, tmp_path):
        (tmp_path / "x.csv").write_text(HEADER + "2024-01-01,1,2,1,2,1\n2024-01-02,2,3,2,3,1\n")
        with pytest.raises(HooklineError, match=r"x\.csv: names no symbol; say which it is: --symbol SYMBOL"):
            run("import", "x.csv")
        code, output = run("import", "x.csv", "--symbol", "TEST")
        assert (code, output) == (0, "symbol timeframe added there already replaced TEST 1d 2 0 0")
        assert closes(timeframe="1d") == [2, 3]

    def test_parquet_names_its_symbol(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10 11 12"))
        write_parquet(tmp_path / "b.parquet", bars("10 11 12 13"))
        code, output = run("import", "a.parquet", "b.parquet")
        assert code == 0
        assert output.endswith("TEST 1h 3 0 0 TEST 1h 1 3 0")
        assert closes() == [10, 11, 12, 13]

    def test_a_file_is_renamed_on_request(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10 11 12"))
        run("import", "a.parquet", "--symbol", "BTC-PERP")
        assert closes("BTC-PERP") == [10, 11, 12]

    def test_every_symbol_of_a_panel_or_one_of_them(self, tmp_path):
        rows = "A,2024-01-01,1,1,1,1\nB,2024-01-01,2,2,2,2\nA,2024-01-02,3,3,3,3\nB,2024-01-02,4,4,4,4\n"
        (tmp_path / "x.csv").write_text("symbol,time,open,high,low,close\n" + rows)
        run("import", "x.csv", "--symbol", "B")
        assert [entry.symbol for entry in Catalogue(tmp_path / "catalog").info()] == ["B"]
        run("import", "x.csv")
        assert closes("A", "1d") == [1, 3]
        assert closes("B", "1d") == [2, 4]

    def test_columns_label_and_times_of_a_file_are_told(self, tmp_path):
        (tmp_path / "x.csv").write_text(
            "junk\nwhen;O;H;L;C\n2024-01-01 20:00;3;4;3;4\n2024-01-01 19:00;1;2;1;2\n"
        )
        options = ["--column", "open=O", "--column", "high=H", "--column", "low=L", "--column", "close=C"]
        options += ["--time-column", "when", "--time-zone", "America/New_York", "--label", "close"]
        run("import", "x.csv", "--symbol", "TEST", *options, "--skip-lines", "1", "--newest-first")
        assert closes() == [2, 4]
        assert run("info")[1].split()[9:11] == ["2024-01-01T23:00:00Z", "2024-01-02T00:00:00Z"]

    def test_a_file_without_a_header(self, tmp_path):
        (tmp_path / "x.csv").write_text("1704067200000,1,2,1,2\n1704070800000,2,3,2,3\n")
        run("import", "x.csv", "--symbol", "TEST", "--column-names", "time, open, high, low, close")
        assert closes() == [2, 3]

    def test_different_bars_stop_it_unless_they_may_win(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10 11 12"))
        write_parquet(tmp_path / "b.parquet", bars("10 11 13"))
        run("import", "a.parquet")
        with pytest.raises(HooklineError, match=r"1 bars differ .* --replace"):
            run("import", "b.parquet")
        assert run("import", "b.parquet", "--replace")[1].endswith("TEST 1h 0 2 1")
        assert closes() == [10, 11, 13]

    def test_bad_bars_stop_it_and_name_the_command_that_lists_them(self, tmp_path):
        (tmp_path / "x.csv").write_text(HEADER + "2024-01-01,1,2,1,,1\n")
        with pytest.raises(
            HooklineError, match=r"x\.csv:2: .*finite number.*everything.*: hookline data check x\.csv"
        ):
            run("import", "x.csv", "--symbol", "TEST")
        assert not (tmp_path / "catalog").exists()

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            (["--column", "open"], "--column: must be such as open=Open, was 'open'"),
            (["--timeframe", "hour"], "a timeframe is a count and one of s m h d w"),
            (["--column", "opne=a"], r"columns\.opne: must be one of .*; did you mean 'open'"),
        ],
    )
    def test_options_that_make_no_sense(self, tmp_path, options, error):
        (tmp_path / "x.csv").write_text(HEADER + "2024-01-01,1,2,1,2,1\n")
        with pytest.raises(HooklineError, match=error):
            run("import", "x.csv", "--symbol", "TEST", *options)


class TestInfo:
    def test_no_catalogue(self):
        with pytest.raises(HooklineError, match="catalog: no such catalogue folder"):
            run("info")

    def test_an_empty_catalogue(self, tmp_path):
        (tmp_path / "catalog").mkdir()
        assert run("info") == (0, "catalog holds no bars")

    def test_what_is_there(self, tmp_path):
        Catalogue(tmp_path / "data").write(bars("10 11 12"))
        code, output = run("info", "--catalog", "data")
        assert code == 0
        assert "TEST 1h 3 2024-01-01T00:00:00Z 2024-01-01T02:00:00Z" in output

    def test_a_broken_file_is_named_and_is_exit_code_1(self, tmp_path):
        Catalogue(tmp_path / "catalog").write(bars("10 11 12"))
        (tmp_path / "catalog" / "TEST" / "4h.parquet").write_text("no")
        code, output = run("info")
        assert code == 1
        assert "TEST 4h unusable" in output
        assert "4h.parquet: not a Parquet file" in output


class TestCheck:
    def test_good_bars(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10 11 12"))
        code, output = run("check", "a.parquet")
        assert code == 0
        assert output.startswith("TEST 1h 3 bars, 2024-01-01T00:00:00Z to 2024-01-01T02:00:00Z (a.parquet)")
        assert output.endswith("no problems")

    def test_gaps_are_problems_unless_allowed(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10 . . 11 12 13"))
        code, output = run("check", "a.parquet")
        assert code == 1
        assert "2 bars missing, 2 of them from 2024-01-01T01:00:00Z" in output
        assert "gap: 1; a bar must follow every 1h 2 missing from 2024-01-01T01:00:00Z before" in output
        code, output = run("check", "a.parquet", "--allow", "gap")
        assert code == 0
        assert "gap: 1 (allowed)" in output

    def test_every_problem_of_a_csv_file_with_its_lines(self, tmp_path):
        rows = [
            "2024-01-01,1,2,1,2,1",
            "2024-01-02,1,2,1,,1",
            "2024-01-03,5,2,1,2,1",
            "2024-01-03,1,2,1,2,-1",
        ]
        rows += ["2024-01-04,1,2,0,2,1", "2024-01-02,1,2,1,2,1"]
        (tmp_path / "x.csv").write_text(HEADER + "\n".join(rows) + "\n")
        code, output = run("check", "x.csv")
        assert code == 1
        found = re.findall(r"(\w+): (\d+);", output)
        assert dict(found) == {
            "not_finite": "1",
            "high_low": "1",
            "negative_volume": "1",
            "non_positive": "1",
            "out_of_order": "1",
            "duplicate": "2",
        }
        assert "3 (2024-01-02T00:00:00Z): open 1.0, high 2.0, low 1.0, close nan, volume 1.0" in output

    def test_the_whole_catalogue(self, tmp_path):
        Catalogue(tmp_path / "catalog").write(bars("10 11 12", symbol="A"))
        Catalogue(tmp_path / "catalog").write(bars("10 . 12", symbol="B"))
        code, output = run("check")
        assert code == 1
        assert "A 1h 3 bars" in output
        assert "B 1h 2 bars" in output
        assert run("check", "--symbol", "A")[0] == 0
        with pytest.raises(HooklineError, match="no bars of 'C'"):
            run("check", "--symbol", "C")

    def test_one_bar(self, tmp_path):
        write_parquet(tmp_path / "a.parquet", bars("10"))
        assert run("check", "a.parquet")[0] == 0

    def test_an_unknown_kind_is_refused(self):
        with pytest.raises(HooklineError, match=r"--allow: must be one of not_finite, .*, was 'gaps'"):
            run("check", "x.csv", "--allow", "gaps")


class TestResample:
    def test_longer_bars_are_made_and_kept(self, tmp_path):
        Catalogue(tmp_path / "catalog").write(bars([float(n) for n in range(1, 10)], timeframe="15m"))
        code, output = run("resample", "TEST", "1h")
        assert code == 0
        assert output.endswith("TEST 1h 2 0 0")
        assert closes() == [4, 8]

    def test_of_a_timeframe_and_with_partial_bars_on_request(self, tmp_path):
        Catalogue(tmp_path / "catalog").write(bars([1.0] * 9, timeframe="15m"))
        Catalogue(tmp_path / "catalog").write(bars([2.0] * 5, timeframe="30m"))
        run("resample", "TEST", "1h", "--from", "15m", "--partial", "keep")
        assert closes() == [1, 1, 1]

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("NONE", "1d"), "no bars of 'NONE'; the catalogue has TEST"),
            (("TEST", "30m"), "no bars of 'TEST' to make 30m bars of; it has 1h"),
            (("TEST", "1d"), "the 1h bars of 'TEST' fill no bar of 1d"),
            (("TEST", "day"), "a timeframe is a count"),
        ],
    )
    def test_what_cannot_be_made(self, tmp_path, words, error):
        Catalogue(tmp_path / "catalog").write(bars("10 11 12"))
        with pytest.raises(HooklineError, match=error):
            run("resample", *words)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("none.parquet", None, "error: none.parquet: no such file"),
        ("empty.parquet", b"", "error: empty.parquet: the file is empty"),
        ("text.parquet", b"hello\n", "error: text.parquet: not a Parquet file"),
        ("empty.csv", b"", "error: empty.csv: the file is empty"),
        ("other.csv", b"a,b\nx,2\n", "error: other.csv: no column for 'open' among 'a', 'b'"),
    ],
)
def test_files_that_cannot_be_used_are_one_line_and_exit_code_2(tmp_path, capsys, name, content, error):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit) as caught:
        main(["data", "check", name])
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.err.startswith(error)
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_problems_are_exit_code_1_through_the_front_door(tmp_path, capsys):
    write_parquet(tmp_path / "a.parquet", bars("10 . 11 12"))
    with pytest.raises(SystemExit) as caught:
        main(["data", "check", "a.parquet"])
    assert caught.value.code == 1
    assert capsys.readouterr().err == ""
