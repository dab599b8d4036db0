"""The feed's history, against an emulated venue that is reached over HTTP."""

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from feed_venue import FIRST, START, bar_markets, config, feed_of, in_thread
from typer.testing import CliRunner

from hookline.cli.data import app
from hookline.clock import to_ns
from hookline.data import Catalogue, load_external
from hookline.errors import ConfigError, DataError, VenueError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import InstrumentKind, MarketData
from hookline.testing import FeedContract
from hookline_feeds.synthetic import SyntheticFeed
from hookline_lmex.emulator import Emulator
from hookline_lmex.feed import LmexFeed, run_blocking

MINUTE = 60 * 10**9


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.fixture(scope="module")
def venue() -> Iterator[Emulator]:
    with in_thread(config()) as emulator:
        yield emulator


@pytest.fixture
def feed(venue):
    return feed_of(venue)


class TestContract(FeedContract):
    @pytest.fixture(autouse=True)
    def _venue(self, venue):
        self.venue = venue

    def make(self):
        return feed_of(self.venue)

    def request(self):
        return BarRequest("BTC-PERP", "5m", at("2024-03-01T02:40"), at("2024-03-02T10:00"))


def test_a_perpetual_has_the_terms_that_the_venue_says(feed):
    one = feed.instrument("BTC-PERP")
    assert (one.kind, one.tick_size, one.quote) == (InstrumentKind.PERPETUAL, Decimal("0.1"), "USDT")
    assert one.lot_size == one.contract_size
    assert one.min_notional == 5
    assert one.margin_tiers


def test_a_spot_market_has_no_contracts(feed):
    one = feed.instrument("ETH-USDT")
    assert (one.kind, one.contract_size, one.base) == (InstrumentKind.SPOT, None, "ETH")


def test_an_instrument_is_asked_for_once(venue, monkeypatch):
    feed = feed_of(venue)
    first = feed.instrument("BTC-PERP")
    monkeypatch.setattr(feed, "_settings", None)
    assert feed.instrument("BTC-PERP") is first


@pytest.mark.parametrize(
    "ask",
    [
        lambda feed: feed.instrument("BTX-PERP"),
        lambda feed: feed.load(BarRequest("BTX-PERP", "1m")),
        lambda feed: feed.funding("BTX-PERP", None, None),
    ],
)
def test_a_market_that_does_not_exist_is_named_with_one_that_does(feed, ask):
    with pytest.raises(ConfigError, match=r"LMEX has no market 'BTX-PERP'; did you mean 'BTC-PERP'\?"):
        ask(feed)


def test_bars_are_those_of_the_market_over_many_pages(feed):
    since, until = at("2024-03-01T04:00"), at("2024-03-02T11:59")
    series = feed.load(BarRequest("BTC-PERP", "1m", since, until))
    made = SyntheticFeed(seed=1, start=FIRST, tick_size=Decimal("0.1")).load(
        BarRequest("BTC-PERP", "1m", since, until)
    )
    assert len(series) > 5 * 300
    assert series.start.tolist() == made.start.tolist()
    for name in ("open", "high", "low", "close"):
        assert getattr(series, name).tolist() == getattr(made, name).tolist()
    assert np.allclose(series.volume, made.volume, rtol=0.02)


def test_longer_bars_are_the_venues(feed):
    series = feed.load(BarRequest("ETH-USDT", "1h", at("2024-03-02"), None))
    assert series.start.tolist() == [at(f"2024-03-02T{hour:02}:00") for hour in range(len(series))]
    assert len(series) >= 11


def test_a_bar_counts_as_closed_when_the_grace_time_is_over(venue):
    def last(grace):
        series = feed_of(venue, close_grace_seconds=grace).load(
            BarRequest("BTC-PERP", "1m", at("2024-03-02"))
        )
        return int(series.end[-1])

    assert last(0.0) == at(START)
    assert last(40.0) == at(START) - MINUTE


def test_without_a_since_all_there_is_comes(feed):
    series = feed.load(BarRequest("BTC-PERP", "15m"))
    assert series.start[0] < at("2024-03-01T03:00")
    assert int(series.end[-1]) >= at("2024-03-02T11:45")


@pytest.mark.parametrize(
    ("timeframe", "since", "until", "error", "text"),
    [
        ("2m", None, None, ConfigError, "BTC-PERP: timeframe must be one of 1m, 5m, .* at LMEX, was '2m'"),
        ("1m", "2023-01-01", "2023-01-02", DataError, "feed 'lmex': no bars of BTC-PERP 1m from 2023-01-01"),
        ("1m", "2025-01-01", None, DataError, "feed 'lmex': no bars of BTC-PERP 1m from 2025-01-01"),
    ],
)
def test_what_is_not_there_is_said(feed, timeframe, since, until, error, text):
    bounds = (None if moment is None else at(moment) for moment in (since, until))
    with pytest.raises(error, match=text):
        feed.load(BarRequest("BTC-PERP", timeframe, *bounds))


def test_the_clock_is_the_venues(venue):
    feed = feed_of(venue)
    assert abs(feed.clock.now - venue.clock.now) < 120 * 10**9
    assert abs(feed.clock.now - at(START)) < 300 * 10**9


def test_there_are_no_marks_and_no_tape_of_the_past(feed):
    assert feed.mark(BarRequest("BTC-PERP", "1m")) is None
    with pytest.raises(ConfigError, match="LMEX has no recorded tape of BTC-PERP"):
        feed.tape(TapeRequest("BTC-PERP", frozenset({MarketData.TRADES})))


def test_it_may_be_asked_where_a_loop_runs_already(feed):
    async def ask():
        return feed.instrument("ETH-USDT").symbol

    assert asyncio.run(ask()) == "ETH-USDT"


def test_what_goes_wrong_inside_a_blocking_call_comes_out():
    async def fail():
        raise DataError("no")

    async def inside():
        run_blocking(fail)

    for run in (lambda: run_blocking(fail), lambda: asyncio.run(inside())):
        with pytest.raises(DataError, match="no"):
            run()


def test_a_venue_that_cannot_be_reached_is_one_error():
    feed = LmexFeed(rest_url="http://127.0.0.1:9", retries=0)
    for ask in (lambda: feed.clock, lambda: feed.instrument("BTC-PERP")):
        with pytest.raises(VenueError):
            ask()


def test_the_test_system_has_no_known_sockets():
    feed = LmexFeed(environment="test")

    async def follow():
        async for _ in feed.stream([TapeRequest("BTC-PERP", frozenset({MarketData.TRADES}))]):
            break

    with pytest.raises(ConfigError, match="socket_url: is required, the websockets of the test system"):
        asyncio.run(follow())


def test_a_url_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="rest_url: must begin with https:// or http://"):
        LmexFeed(rest_url="api.example")


@pytest.fixture(scope="module")
def played() -> Iterator[Emulator]:
    """A venue whose market has moved for three and a half hours."""
    with in_thread(config(speed=7200.0, until="2024-03-02T16:00:00", markets=bar_markets())) as emulator:
        for _ in range(400):
            if emulator.clock.now >= at("2024-03-02T15:30:00"):
                break
            time.sleep(0.02)
        yield emulator


class TestFunding:
    def test_rates_are_those_that_were_settled(self, played):
        rates = feed_of(played).funding("BTC-PERP", None, None)
        assert rates.time.tolist() == [at(f"2024-03-02T{hour}:00") for hour in (13, 14, 15)]
        assert rates.value.tolist() == [0.0001] * 3

    def test_a_range_has_its_first_and_not_its_last_moment(self, played):
        rates = feed_of(played).funding("BTC-PERP", at("2024-03-02T13:00"), at("2024-03-02T15:00"))
        assert rates.time.tolist() == [at("2024-03-02T13:00"), at("2024-03-02T14:00")]

    def test_spot_has_none(self, played):
        assert feed_of(played).funding("ETH-USDT", None, None) is None

    def test_bars_and_funding_are_downloaded_and_more_of_them_later(self, played, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        words = ["download", "--feed", "lmex", "--symbol", "BTC-PERP", "--timeframe", "1m", "--funding"]
        words += ["--set", f"rest_url={played.rest_url}", "--set", "clock_speed=7200"]
        for name in ("query_rate", "user_rate"):
            words += ["--set", f"{name}=10000"]
        outputs = []
        for since, until in (
            ("2024-03-02T06:00", "2024-03-02T13:30"),
            ("2024-03-02T06:00", "2024-03-02T15:00"),
        ):
            result = CliRunner().invoke(app, [*words, "--since", since, "--until", until])
            assert result.exception is None, result.output
            outputs.append(re.sub(r"\s+", " ", result.output))
        assert "BTC-PERP 1m: 450 bars added" in outputs[0]
        assert "BTC-PERP funding: 1 rates added" in outputs[0]
        assert "BTC-PERP 1m: 90 bars added" in outputs[1]
        assert "no problems" in outputs[1]
        assert len(Catalogue(tmp_path / "catalog").load(BarRequest("BTC-PERP", "1m"))) == 540
        rates = load_external(tmp_path / "catalog" / "BTC-PERP" / "external" / "funding.parquet", "rate")
        assert len(rates.time) == 2
