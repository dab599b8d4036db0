"""Recorded market data and its traps: outages, daylight saving, negative prices, two sources of one series."""

import csv
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hookline.clock import from_ns, isoformat, to_ns
from hookline.data import (
    Catalogue,
    CsvFormat,
    check,
    check_file,
    file_symbols,
    infer_tick_size,
    load_external,
    read_csv,
    read_file,
    resample,
)
from hookline.errors import DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries

HOUR = 3600 * 10**9


def load(folder: Path, name: str, symbol: str | None = None) -> BarSeries:
    return read_file(folder / name, symbol).series()


def overlap(one: BarSeries, other: BarSeries) -> tuple[BarSeries, BarSeries]:
    since, until = max(one.start[0], other.start[0]), min(one.start[-1], other.start[-1])
    return one.between(int(since), int(until) + 1), other.between(int(since), int(until) + 1)


def documented(folder: Path) -> dict[str, dict[str, float]]:
    """What the data's own description counted in each file of bars, by the file's name."""
    found = {}
    for line in (folder / "README.md").read_text().splitlines():
        name = re.match(r"\| `(\w.*?\.parquet)`", line)
        gaps = re.search(r"gaps (\d+) \((\d+) bars missing\)", line)
        zero = re.search(r"zero-volume bars (\d+)", line)
        move = re.search(r"abs\. log return ([\d.]+)", line)
        if name and gaps and zero and move:
            found[name[1]] = {
                "gaps": int(gaps[1]),
                "missing": int(gaps[2]),
                "zero": int(zero[1]),
                "move": float(move[1]),
            }
    return found


def test_every_file_of_bars_has_the_gaps_and_moves_that_its_description_counts(real_data):
    counted = documented(real_data)
    files = [path for path in sorted(real_data.glob("bars_*/*.parquet")) if path.name in counted]
    assert len(files) >= 20
    for path in files:
        report = check_file(path)
        found = (len(report.gaps), report.missing, report.zero_volume)
        assert found == tuple(counted[path.name][key] for key in ("gaps", "missing", "zero")), path.name
        assert report.largest_move == pytest.approx(counted[path.name]["move"], abs=5.1e-4), path.name
        assert {finding.kind for finding in report.findings} <= {"gap"}, path.name


def test_the_longest_outage_is_the_one_of_february_2018(real_data):
    report = check_file(real_data / "bars_1h/binance_spot_BTCUSDT_1h.parquet")
    longest = report.longest_gap
    assert longest is not None
    assert (longest.missing, isoformat(longest.start)) == (33, "2018-02-08T01:00:00Z")
    assert isoformat(report.gaps[-1].start) == "2023-03-24T13:00:00Z"


def test_an_outage_stays_a_gap_when_bars_are_put_together(real_data):
    hours = load(real_data, "bars_1h/binance_spot_BTCUSDT_1h.parquet")
    made = resample(hours, "4h")
    since, until = to_ns(datetime(2018, 2, 8, tzinfo=UTC)), to_ns(datetime(2018, 2, 9, 12, tzinfo=UTC))
    assert [isoformat(int(time)) for time in made.between(since, until).start] == [
        "2018-02-08T00:00:00Z",
        "2018-02-09T08:00:00Z",
    ]
    assert made.volume.sum() == pytest.approx(
        hours.between(int(made.start[0]), int(made.end[-1])).volume.sum()
    )


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_5m_bars_add_up_to_the_hours_of_another_source(real_data, market, symbol):
    made = resample(load(real_data, f"bars_5m/binance_{market}_{symbol}_5m.parquet"), "1h")
    hours = load(real_data, f"bars_1h/binance_{market}_{symbol}_1h.parquet")
    made, hours = overlap(made, hours)
    assert len(made) > 8700
    for name in ("start", *BarSeries.PRICES):
        assert np.array_equal(getattr(made, name), getattr(hours, name)), name
    # In one hour the source of the 5m perpetual bars misses volume that the other one has, for both symbols.
    differs = [
        isoformat(int(time))
        for time in made.start[~np.isclose(made.volume, hours.volume, rtol=1e-9, atol=1e-6)]
    ]
    assert differs == (["2023-11-10T15:00:00Z"] if market == "usdm" else [])
    assert (made.volume <= hours.volume + 1e-6).all()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_1m_bars_add_up_to_the_hours_of_another_source(real_data, symbol):
    made = resample(load(real_data, f"bars_1m/binance_spot_{symbol}_1m.parquet"), "1h")
    hours = load(real_data, f"bars_1h/binance_spot_{symbol}_1h.parquet")
    made, hours = overlap(made, hours)
    assert len(made) == 719
    for name in ("start", *BarSeries.PRICES):
        assert np.array_equal(getattr(made, name), getattr(hours, name)), name
    assert np.allclose(made.volume, hours.volume, rtol=1e-9)


def test_hours_add_up_to_the_days_that_were_made_of_them(real_data):
    made = resample(load(real_data, "bars_1h/binance_spot_BTCUSDT_1h.parquet"), "1d")
    days = load(real_data, "bars_1d/binance_spot_BTCUSDT_1d.parquet")
    for name in ("start", *BarSeries.PRICES):
        assert np.array_equal(getattr(made, name), getattr(days, name)), name
    assert np.allclose(made.volume, days.volume, rtol=1e-9)


def test_equity_hours_shift_in_utc_with_daylight_saving_and_their_days_do_not(real_data):
    hours = load(real_data, "equity/us_SPY_1h.parquet")
    assert hours.timeframe == "1h"
    first = {}  # the first hour of each session, in UTC
    for time in hours.start.tolist():
        moment = from_ns(time)
        first.setdefault(moment.date(), moment)
    assert {moment.hour for moment in first.values()} == {13, 14}
    assert {moment.astimezone(ZoneInfo("America/New_York")).hour for moment in first.values()} == {9}
    days = resample(hours, "1d", partial="keep")
    assert len(days) == len(first)
    daily = load(real_data, "equity/us_SPY_1d.parquet")
    both = np.isin(daily.start, days.start)
    assert both.sum() == len(days)


def test_a_wall_clock_file_over_daylight_saving_gives_the_same_bars(real_data, tmp_path):
    hours = load(real_data, "equity/us_SPY_1h.parquet")
    frame = hours.slice(0, 3000).to_frame()
    frame.index = frame.index.tz_convert("America/New_York").tz_localize(None)
    frame.to_csv(tmp_path / "spy.csv", index_label="time")
    read = read_csv(tmp_path / "spy.csv", form=CsvFormat(time_zone="America/New_York")).series()
    assert np.array_equal(read.start, hours.start[:3000])


def test_negative_oil_prices_are_bars_and_are_reported(real_data):
    columns = dict.fromkeys(BarSeries.PRICES, "price")
    path = real_data / "macro/eia_wti_spot_daily.parquet"
    series = read_file(path, form=CsvFormat(columns=columns)).series()
    assert series.low.min() == -36.98
    report = check(series)
    negative = next(finding for finding in report.findings if finding.kind == "non_positive")
    prices = "open -36.98, high -36.98, low -36.98, close -36.98"
    assert (negative.count, negative.first) == (1, (f"row 8643 (2020-04-20T00:00:00Z): {prices}",))
    assert infer_tick_size(series) == Decimal("0.01")
    weeks = resample(series, "1w")
    assert weeks.low.min() == -36.98


def test_negative_futures_prices_load_as_a_series_with_their_publication_lag(real_data):
    series = load_external(real_data / "macro/futures_daily_close.parquet", "CL", lag_seconds=24 * 3600)
    time, value = series.time, series.value
    assert value.min() == -37.63
    assert isoformat(int(time[np.argmin(value)])) == "2020-04-21T00:00:00Z"


def test_funding_intervals_are_those_of_the_data(real_data):
    path = real_data / "panel_1h/binance_usdm_alts_funding.parquet"
    steps = {
        symbol: set(np.diff(load_external(path, "funding_rate", symbol=symbol).time) // HOUR)
        for symbol in ("XRPUSDT", "KASUSDT", "ONDOUSDT")
    }
    assert steps == {"XRPUSDT": {8}, "KASUSDT": {4}, "ONDOUSDT": {4}}


def test_a_panel_gives_each_symbol_its_own_bars(real_data):
    path = real_data / "panel_1h/binance_usdm_alts_1h.parquet"
    symbols = file_symbols(path)
    assert len(symbols) == 15
    assert sum(len(read_file(path, symbol).series()) for symbol in symbols) == 88_200


@pytest.mark.parametrize(
    ("name", "tick"),
    [
        ("bars_1h/binance_spot_BTCUSDT_1h.parquet", "0.01"),
        ("bars_1m/binance_usdm_BTCUSDT_1m.parquet", "0.1"),
        ("bars_1m/binance_usdm_XRPUSDT_1m.parquet", "0.0001"),
        ("bars_1m/binance_usdm_SOLUSDT_1m.parquet", "0.001"),
        ("bars_1h/binance_spot_DOGEUSDT_1h.parquet", "0.0000001"),
    ],
)
def test_tick_sizes_are_those_that_prices_need(real_data, name, tick):
    series = load(real_data, name)
    assert infer_tick_size(series) == Decimal(tick)
    steps = series.close / float(tick)
    assert np.allclose(steps, np.rint(steps), atol=1e-4)


def test_real_bars_come_back_from_the_catalogue_unchanged(real_data, tmp_path):
    series = load(real_data, "bars_5m/binance_usdm_ETHUSDT_5m.parquet")
    catalogue = Catalogue(tmp_path)
    catalogue.write(series.slice(0, 100_000))
    count = catalogue.write(series.slice(90_000))
    assert (count.added, count.same) == (len(series) - 100_000, 10_000)
    loaded = catalogue.load(BarRequest("ETHUSDT", "5m"))
    for name in ("start", *BarSeries.COLUMNS):
        assert np.array_equal(getattr(loaded, name), getattr(series, name)), name


@pytest.mark.parametrize(
    "name",
    [
        "macro/eia_wti_spot_daily.parquet",
        "trades/binance_spot_BTCUSDT_trades_2024-08-08.parquet",
        "MANIFEST.csv",
    ],
)
def test_files_that_hold_no_bars_say_what_they_hold(real_data, name):
    with pytest.raises(DataError, match="no column for 'open' among"):
        read_file(real_data / name)


def test_the_manifest_counts_the_rows_that_are_read(real_data):
    with (real_data / "MANIFEST.csv").open(newline="") as stream:
        rows = {row["file"]: int(row["rows"]) for row in csv.DictReader(stream)}
    for name in ("bars_1m/binance_spot_BTCUSDT_1m.parquet", "bars_1d/coinbase_spot_BTCUSD_1d.parquet"):
        assert len(load(real_data, name)) == rows[name]
