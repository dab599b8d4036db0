"""Downloads into the catalogue: resumed, interrupted, never a bar twice, never an open one."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hookline.cli.data import app
from hookline.clock import to_ns
from hookline.data import Catalogue, load_external
from hookline.data.download import DownloadCount, PartDone, download_bars, missing_parts
from hookline.errors import ConfigError, DataError, HooklineError, VenueError
from hookline.feed import BarRequest
from hookline.model import BarSeries
from hookline_feeds.synthetic import SyntheticFeed

HOUR = 3600 * 10**9


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


class Source:
    """History of hourly bars from June 2023 on, and a clock; it remembers what it was asked for.

    It sends the bar that is still open too, as venues do.
    """

    def __init__(self, now: str = "2024-05-10T12:30", begins: str = "2023-06-15") -> None:
        self.now, self.begins = at(now), at(begins)
        self.absent: list[tuple[int, int]] = []
        self.asked: list[tuple[str, str]] = []
        self.fails_at: int | None = None
        self.shift = 0.0

    def load(self, request: BarRequest) -> BarSeries:
        if self.fails_at is not None and len(self.asked) == self.fails_at:
            raise KeyboardInterrupt
        self.asked.append((day(request.since), day(request.until)))
        start = np.arange(self.begins, self.now + 1, HOUR)
        for begin, end in self.absent:
            start = start[(start < begin) | (start >= end)]
        close = 100 + (start // HOUR % 97) + self.shift
        series = BarSeries(
            request.symbol, request.timeframe, start, close, close + 1, close - 1, close, np.ones(len(start))
        ).between(request.since, request.until)
        if len(series) == 0:
            raise DataError("the source has no such bars")
        return series

    def bring(self, folder: Path, since: str | None = "2024-01-01", until: str | None = None, **options):
        bounds = (None if text is None else at(text) for text in (since, until))
        request = BarRequest("TEST", "1h", *bounds)
        return download_bars(self.load, request, Catalogue(folder), self.now, **options)


def day(time: int | None) -> str:
    return "" if time is None else str(np.datetime64(time, "ns").astype("datetime64[h]"))


def stored(folder: Path) -> BarSeries:
    return Catalogue(folder).load(BarRequest("TEST", "1h"))


def columns(series: BarSeries) -> list[list[float]]:
    return [getattr(series, name).tolist() for name in ("start", *BarSeries.COLUMNS)]


def test_every_closed_bar_comes_once_and_no_open_one(tmp_path):
    source = Source(now="2024-05-10T12:30")
    count = source.bring(tmp_path)
    expected = np.arange(at("2024-01-01"), at("2024-05-10T12:00"), HOUR)
    assert stored(tmp_path).start.tolist() == expected.tolist()
    assert (count.added, count.replaced, count.missed) == (len(expected), 0, ())


def test_it_asks_month_by_month_and_keeps_each_month_as_it_comes(tmp_path):
    source, kept = Source(now="2024-03-10"), []

    def look(done: PartDone) -> None:
        kept.append((len(stored(tmp_path)), done.added, round(done.done_fraction, 3)))

    source.bring(tmp_path, on_part=look)
    assert source.asked == [
        ("2024-01-01T00", "2024-02-01T00"),
        ("2024-02-01T00", "2024-03-01T00"),
        ("2024-03-01T00", "2024-03-10T00"),
    ]
    assert kept == [(744, 744, 0.333), (744 + 696, 696, 0.667), (744 + 696 + 216, 216, 1.0)]


@pytest.mark.parametrize("parts", range(5))
def test_an_interrupted_download_goes_on_where_it_was_and_ends_equal(tmp_path, parts):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    Source().bring(whole)
    source = Source()
    source.fails_at = parts
    with pytest.raises(KeyboardInterrupt):
        source.bring(cut)
    before = len(source.asked)
    source.fails_at = None
    source.bring(cut)
    assert columns(stored(cut)) == columns(stored(whole))
    assert len(source.asked) - before == 5 - parts


@pytest.mark.parametrize("parts", range(4))
def test_a_missing_beginning_is_filled_backwards_and_survives_an_interrupt(tmp_path, parts):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    Source().bring(whole, "2023-11-01")
    source = Source()
    source.bring(cut, "2024-02-01")
    source.asked.clear()
    source.fails_at = parts
    if parts < 3:
        with pytest.raises(KeyboardInterrupt):
            source.bring(cut, "2023-11-01")
        steps = np.diff(stored(cut).start)
        assert (steps == HOUR).all()
    source.fails_at = None
    source.bring(cut, "2023-11-01")
    assert columns(stored(cut)) == columns(stored(whole))


def test_a_beginning_before_the_history_ends_the_search(tmp_path):
    source = Source(begins="2024-01-10")
    source.bring(tmp_path, "2024-02-01", "2024-03-01")
    source.asked.clear()
    count = source.bring(tmp_path, "2020-01-01", "2024-03-01")
    assert source.asked[-1] == ("2023-12-01T00", "2024-01-01T00")
    assert stored(tmp_path).start[0] == at("2024-01-10")
    assert [day(missed.part.since) for missed in count.missed] == ["2023-12-01T00"]


def test_months_before_the_first_bar_are_told_and_the_rest_comes(tmp_path):
    count = Source(begins="2024-02-10").bring(tmp_path, "2023-12-01", "2024-03-01")
    assert [missed.reason for missed in count.missed] == ["the source has no such bars"] * 2
    assert stored(tmp_path).start[0] == at("2024-02-10")


def test_a_resumed_download_asks_for_the_last_bar_again_and_refuses_another_source(tmp_path):
    source = Source(now="2024-01-20")
    source.bring(tmp_path)
    source.now, source.shift = at("2024-01-21"), 0.5
    before = columns(stored(tmp_path))
    with pytest.raises(DataError, match=r"1 bars differ .*--replace"):
        source.bring(tmp_path)
    assert columns(stored(tmp_path)) == before
    count = source.bring(tmp_path, overwrite=True)
    assert (count.added, count.replaced) == (24, 1)


def test_nothing_is_asked_for_when_all_is_there(tmp_path):
    source = Source(now="2024-02-10T05:59")
    source.bring(tmp_path)
    asked = len(source.asked)
    assert source.bring(tmp_path) == DownloadCount(Catalogue(tmp_path).path("TEST", "1h"))
    assert len(source.asked) == asked


def test_without_a_beginning_it_goes_on_from_what_is_stored(tmp_path):
    with pytest.raises(ConfigError, match=r"TEST 1h: nothing is stored yet.*--since"):
        Source().bring(tmp_path, None)
    Source(now="2024-02-10").bring(tmp_path)
    assert Source(now="2024-02-11").bring(tmp_path, None).added == 24


def test_a_range_apart_from_what_is_stored_leaves_no_hole(tmp_path):
    source = Source()
    source.bring(tmp_path, "2024-02-01", "2024-02-10")
    source.bring(tmp_path, "2024-03-01", "2024-03-05")
    source.bring(tmp_path, "2024-01-01", "2024-01-05")
    start = stored(tmp_path).start
    assert (start[0], start[-1]) == (at("2024-01-01"), at("2024-03-04T23:00"))
    assert (np.diff(start) == HOUR).all()


def test_gaps_are_asked_for_again_only_on_request(tmp_path):
    source = Source(now="2024-04-01")
    source.absent = [(at("2024-02-03"), at("2024-02-04"))]
    source.bring(tmp_path)
    source.absent.clear()
    source.asked.clear()
    assert source.bring(tmp_path).added == 0
    assert source.bring(tmp_path, refill=True).added == 24
    assert source.asked == [("2024-02-01T00", "2024-03-01T00")]
    assert (np.diff(stored(tmp_path).start) == HOUR).all()


def test_bars_off_the_grid_that_are_open_are_left_out(tmp_path):
    source = Source(now="2024-01-02T12:10", begins="2023-06-15T00:30")
    source.bring(tmp_path)
    assert stored(tmp_path).end[-1] == at("2024-01-02T11:30")


def test_a_range_without_closed_bars_is_refused(tmp_path):
    source = Source(now="2024-01-01T00:59")
    with pytest.raises(ConfigError, match="TEST 1h: no bar is closed from 2024-01-01"):
        source.bring(tmp_path)
    assert source.asked == []


def test_a_source_without_any_bars_says_why(tmp_path):
    with pytest.raises(DataError, match="no bars of TEST 1h were found: the source has no such bars"):
        Source().bring(tmp_path, "2023-01-01", "2023-03-01")


def test_a_venue_that_fails_stops_it_and_keeps_what_came(tmp_path):
    source = Source()

    def load(request):
        if len(source.asked) == 2:
            raise VenueError("no answer")
        return source.load(request)

    request = BarRequest("TEST", "1h", at("2024-01-01"), None)
    with pytest.raises(VenueError, match="no answer"):
        download_bars(load, request, Catalogue(tmp_path), source.now)
    assert stored(tmp_path).end[-1] == at("2024-03-01")


@pytest.mark.parametrize(("timeframe", "parts"), [("1m", 12), ("1h", 12), ("4h", 4), ("1d", 1), ("1w", 1)])
def test_months_of_long_bars_are_asked_for_together(timeframe, parts):
    request = BarRequest("TEST", timeframe, at("2023-01-01"), at("2024-01-01"))
    found = missing_parts(request, None)
    assert len(found) == parts
    assert [part.since for part in found[1:]] == [part.until for part in found[:-1]]
    assert (found[0].since, found[-1].until) == (request.since, request.until)


class TestCommand:
    """``hookline data download`` with the synthetic feed."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")

    def run(self, *words: str) -> tuple[int, str]:
        fixed = ["download", "--feed", "synthetic", "--symbol", "BTC-PERP", "--set", "start=2024-01-10"]
        result = CliRunner().invoke(app, [*fixed, *words])
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.exit_code, " ".join(re.sub(r"\s+", " ", result.output).split())

    def test_it_tells_what_came_what_did_not_and_whether_bars_are_missing(self, tmp_path):
        code, output = self.run("--since", "2023-12-01", "--until", "2024-02-03")
        assert code == 0
        assert "nothing from 2023-12-01T00:00:00Z to 2024-01-01T00:00:00Z: synthetic: bars begin" in output
        assert "BTC-PERP 1h 48 bars, 2024-02-01T00:00:00Z to 2024-02-02T23:00:00Z" in output
        code, output = self.run("--since", "2024-01-10", "--until", "2024-02-03", "--catalogue", "catalog")
        assert "BTC-PERP 1h: 528 bars added BTC-PERP 1h 576 bars" in output
        assert output.endswith("no problems")

    def test_gaps_are_shown_and_are_no_failure(self, tmp_path):
        self.run("--since", "2024-01-10", "--until", "2024-01-12")
        series = Catalogue(tmp_path / "catalog").load(BarRequest("BTC-PERP", "1h"))
        kept = np.r_[0:10, 15:48]
        holed = BarSeries(
            "BTC-PERP", "1h", *(getattr(series, n)[kept] for n in ("start", *BarSeries.COLUMNS))
        )
        Catalogue(tmp_path / "catalog").write(holed, merge=False)
        code, output = self.run("--since", "2024-01-10", "--until", "2024-01-12")
        assert code == 0
        assert "5 bars missing" in output
        assert "5 bars added" in self.run("--refill", "--since", "2024-01-10", "--until", "2024-01-12")[1]

    def test_funding_comes_too_and_only_once(self, tmp_path):
        words = ["--since", "2024-01-10", "--funding", "--set", "perpetuals={BTC-PERP: {of: BTC}}"]
        assert "BTC-PERP funding: 5 rates added" in self.run(*words, "--until", "2024-01-12")[1]
        assert "BTC-PERP funding: 3 rates added" in self.run(*words, "--until", "2024-01-13")[1]
        assert "BTC-PERP funding: 0 rates added" in self.run(*words, "--until", "2024-01-13")[1]
        rates = load_external(tmp_path / "catalog" / "BTC-PERP" / "external" / "funding.parquet", "rate")
        assert np.diff(rates.time).tolist() == [8 * HOUR] * 7
        info = CliRunner().invoke(app, ["info"])
        assert (info.exit_code, info.output.count("BTC-PERP")) == (0, 1)

    def test_an_interrupt_is_told_what_it_did_not_lose(self, tmp_path, monkeypatch):
        load, calls = SyntheticFeed.load, []

        def interrupted(feed, request):
            calls.append(request)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return load(feed, request)

        monkeypatch.setattr(SyntheticFeed, "load", interrupted)
        words = ["download", "--feed", "synthetic", "--symbol", "BTC-PERP", "--since", "2024-01-01"]
        result = CliRunner().invoke(app, [*words, "--until", "2024-03-01"])
        assert result.exit_code == 130
        assert "what came is kept; the same command goes on there" in result.output
        assert len(Catalogue(tmp_path / "catalog").load(BarRequest("BTC-PERP", "1h"))) == 744

    def test_a_feed_without_funding_says_so(self):
        output = self.run("--since", "2024-01-10", "--until", "2024-01-12", "--funding")[1]
        assert output.endswith("BTC-PERP: feed 'synthetic' knows no funding of it")

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("--timeframe", "hour"), "--timeframe: a timeframe is a count"),
            (("--since", "yesterday"), "--since: must be an ISO date or time such as .*, was 'yesterday'"),
            (("--since", "2024-02-01", "--until", "2024-01-01"), "--until: must be after --since 2024-02-01"),
            (("--set", "seed"), "--set seed: must be an address, = and a value"),
            (("--set", "sed=1"), "params.sed: SyntheticFeed has no such parameter; did you mean 'seed'"),
            (("--set", "seed=1", "--set", "seed.a=1"), "--set seed.a=1: seed was set to a value before"),
        ],
    )
    def test_options_that_make_no_sense(self, words, error):
        with pytest.raises(HooklineError, match=error):
            self.run(*words)
