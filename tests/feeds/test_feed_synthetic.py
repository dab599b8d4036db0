"""The synthetic feed."""

import hashlib
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.clock import to_ns
from hookline.data import check, infer_tick_size
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, InstrumentKind
from hookline.plugins import build
from hookline_feeds.synthetic import SyntheticFeed

MINUTE = 60 * 10**9
START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC


def load(symbol: str = "BTC-PERP", timeframe: str = "1m", **params: object) -> BarSeries:
    return SyntheticFeed(**params).load(BarRequest(symbol, timeframe))


def digest(series: BarSeries) -> str:
    columns = (getattr(series, name).tobytes() for name in ("start", *BarSeries.COLUMNS))
    return hashlib.sha256(b"".join(columns)).hexdigest()[:16]


def equal(one: BarSeries, other: BarSeries) -> bool:
    return digest(one) == digest(other)


def returns(series: BarSeries) -> np.ndarray:
    return np.diff(np.log(series.close))


class TestDeterminism:
    def test_the_bars_of_a_seed_are_these(self):
        assert digest(load(bars=5000)) == "b97393f0c61679c6"
        assert digest(load(bars=5000, seed=2)) == "e243e2dc6e98c4d2"
        assert digest(load("ETHUSDT", "1h", bars=5000)) == "e2742116f4a446a9"

    def test_another_process_makes_the_same_bars(self):
        code = (
            "from hookline_feeds.synthetic import SyntheticFeed; from hookline.feed import BarRequest\n"
            "print(SyntheticFeed(bars=500).load(BarRequest('X', '1m')).close.tobytes().hex())"
        )
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": "7"},
        )
        assert run.stdout.strip() == load("X", bars=500).close.tobytes().hex()

    def test_seed_symbol_and_timeframe_each_make_other_bars(self):
        closes = [
            load(bars=100).close,
            load(bars=100, seed=2).close,
            load("ETH-PERP", bars=100).close,
            load(timeframe="5m", bars=100).close,
        ]
        assert len({column.tobytes() for column in closes}) == 4

    @settings(max_examples=25)
    @given(few=st.integers(1, 3000), more=st.integers(1, 3000), timeframe=st.sampled_from(["1m", "1h", "1d"]))
    def test_more_bars_never_change_earlier_ones(self, few, more, timeframe):
        long = load(timeframe=timeframe, bars=few + more)
        assert equal(long.slice(0, few), load(timeframe=timeframe, bars=few))

    def test_more_bars_never_change_earlier_ones_across_blocks(self):
        assert equal(load(bars=140_001).slice(0, 65_600), load(bars=65_600))

    def test_a_window_of_a_series_with_a_start_is_part_of_the_whole(self):
        feed = SyntheticFeed(start="2024-01-01", bars=1000)
        whole = feed.load(BarRequest("X", "1m"))
        since, until = START + 100 * MINUTE, START + 300 * MINUTE
        assert equal(feed.load(BarRequest("X", "1m", since, until)), whole.between(since, until))


class TestRange:
    def test_by_default_it_begins_with_2024(self):
        series = load(bars=10)
        assert (int(series.start[0]), len(series)) == (START, 10)

    def test_the_request_sets_both_ends(self):
        series = SyntheticFeed().load(BarRequest("X", "1h", START + 1, START + 600 * MINUTE))
        assert int(series.start[0]) == START + 60 * MINUTE
        assert int(series.end[-1]) == START + 600 * MINUTE

    def test_bars_lie_on_the_grid_weeks_too(self):
        series = load(timeframe="1w", bars=3)
        assert datetime.fromtimestamp(series.start[0] / 1e9, UTC).strftime("%a %Y-%m-%d") == "Mon 2024-01-01"

    def test_a_request_before_the_start_is_refused(self):
        feed = SyntheticFeed(start="2024-02-01")
        with pytest.raises(DataError, match="bars begin at 2024-02-01T00:00:00Z, was asked from 2024-01-01"):
            feed.load(BarRequest("X", "1m", since=START))

    def test_an_empty_range_is_refused(self):
        with pytest.raises(DataError, match="no bars of X 1m"):
            SyntheticFeed().load(BarRequest("X", "1m", START, START))
        with pytest.raises(DataError, match="no bars of X 1m"):
            SyntheticFeed(start="2024-01-01", bars=10).load(BarRequest("X", "1m", since=START + 10 * MINUTE))

    @pytest.mark.parametrize("start", ["soon", "2024-13-01", ""])
    def test_a_start_that_is_no_time_is_refused(self, start):
        with pytest.raises(ConfigError, match="start: must be an ISO date or time"):
            SyntheticFeed(start=start).load(BarRequest("X", "1m"))

    def test_a_start_may_name_a_zone(self):
        series = load(start="2024-01-01T02:00:00+02:00", bars=1)
        assert int(series.start[0]) == to_ns(datetime(2024, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module", params=["1m", "1h"])
def series(request):
    return load(timeframe=request.param, bars=200_000 if request.param == "1m" else 60_000)


class TestStatistics:
    def test_tails_are_fat(self, series):
        moves = returns(series)
        assert ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2 > 4

    def test_volatility_is_clustered(self, series):
        sizes = np.abs(returns(series))
        for lag in (1, 5, 20):
            assert np.corrcoef(sizes[:-lag], sizes[lag:])[0, 1] > 0.03

    def test_volatility_is_about_the_one_asked_for(self, series):
        annual = returns(series).std() * np.sqrt(365 * 86_400e9 / series.duration)
        assert 0.5 < annual < 0.75

    def test_volume_goes_with_moves_and_has_the_mean_asked_for(self, series):
        assert np.corrcoef(np.abs(returns(series)), series.volume[1:])[0, 1] > 0.2
        assert series.volume.mean() / (series.duration / MINUTE) == pytest.approx(20, rel=0.1)

    def test_the_afternoon_is_livelier_than_the_night(self, series):
        hours = (series.start // (60 * MINUTE)) % 24
        afternoon, night = np.isin(hours, (13, 14)), np.isin(hours, (1, 2))
        assert series.volume[afternoon].mean() > 1.5 * series.volume[night].mean()
        ranges = np.log(series.high / series.low)
        assert ranges[afternoon].mean() > 1.2 * ranges[night].mean()

    def test_bars_are_good_bars_without_gaps(self, series):
        assert check(series).findings == ()
        assert (series.high > series.low).mean() > 0.95

    def test_trends_are_there_and_can_be_taken_away(self):
        def sum_variance(moves: np.ndarray, count: int) -> float:
            sums = moves[: len(moves) // count * count].reshape(-1, count).sum(axis=1)
            return float(sums.var() / (count * moves.var()))

        calm = {"jumps_per_year": 0.0, "regime_bars": 200, "timeframe": "1h", "bars": 60_000}
        trending = sum_variance(returns(load(trend_strength=4.0, **calm)), 50)
        ranging = sum_variance(returns(load(trend_strength=0.0, **calm)), 50)
        assert trending > 1.2 > 0.9 > ranging

    def test_jumps_open_with_a_gap(self):
        def largest_gap(**params: object) -> float:
            series = load(timeframe="1h", bars=20_000, **params)
            return float(np.abs(np.log(series.open[1:] / series.close[:-1])).max())

        assert largest_gap(jumps_per_year=50.0) > 0.03
        assert largest_gap(jumps_per_year=0.0) < 0.01


class TestPrices:
    @pytest.mark.parametrize("tick", ["0.01", "0.5", "0.25", "5", "0.03"])
    def test_prices_lie_on_the_tick_grid(self, tick):
        series = load(bars=2000, tick_size=Decimal(tick), start_price=500.0)
        for name in BarSeries.PRICES:
            prices = [Decimal(repr(price)) for price in getattr(series, name).tolist()]
            if tick != "0.03":
                assert all(price % Decimal(tick) == 0 for price in prices)
            steps = getattr(series, name) / float(tick)
            assert np.allclose(steps, np.rint(steps), atol=1e-9)

    def test_the_tick_size_is_found_again(self):
        assert infer_tick_size(load(bars=2000, tick_size=Decimal("0.5"), start_price=5000.0)) == Decimal(
            "0.5"
        )

    def test_a_century_of_days_stays_in_range(self):
        series = load(timeframe="1d", bars=60_000)
        assert series.low.min() > 1
        assert series.high.max() < 20_000

    def test_bars_end_before_nanoseconds_run_out(self):
        with pytest.raises(
            DataError, match="100,000 bars of 1d from 2024-01-01T00:00:00Z must end before 2200-"
        ):
            load(timeframe="1d", bars=100_000)

    def test_prices_stay_above_zero(self):
        series = load(timeframe="1d", bars=5000, annual_volatility=5.0, start_price=0.05)
        assert series.low.min() >= 0.01


def test_a_million_bars_take_a_few_seconds():
    begin = time.perf_counter()
    assert len(load(bars=1_000_000)) == 1_000_000
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("BTC-PERP", InstrumentKind.PERPETUAL),
        ("btc-perp", InstrumentKind.PERPETUAL),
        ("BTCUSDT", InstrumentKind.SPOT),
    ],
)
def test_instruments_have_the_tick_size_and_the_kind_of_their_symbol(symbol, kind):
    instrument = SyntheticFeed(tick_size=Decimal("0.5")).instrument(symbol)
    assert (instrument.kind, instrument.tick_size) == (kind, Decimal("0.5"))


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"bars": 0}, "feed.params.bars: must be at least 1, was 0"),
        ({"tick_size": 0}, "feed.params.tick_size: must be above 0"),
        ({"annual_volatility": 60}, "feed.params.annual_volatility: must be at most 5"),
        ({"seeds": 3}, "did you mean 'seed'"),
    ],
)
def test_wrong_parameters_are_refused(params, error):
    with pytest.raises(ConfigError, match=error):
        build("feeds", "synthetic", params, "feed")
