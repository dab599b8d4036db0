"""Synthetic pairs, perpetuals, funding rates and mark prices."""

from decimal import Decimal

import numpy as np
import pytest

from hookline.errors import ConfigError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import BarSeries, InstrumentKind, MarketData, RowKind, TapeSeries
from hookline.plugins import build
from hookline_feeds.synthetic import Book, Pair, Perpetual, SyntheticFeed

HOUR = 3600 * 10**9
MINUTE = HOUR // 60
START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
FINE = Decimal("0.0001")  # ticks, so that rounding does not hide the spread
PAIR = {"B": Pair("A", beta=0.8, spread_half_life_bars=20.0, spread_volatility=0.01)}
PERPETUAL = {"X-PERP": Perpetual("X")}


def feed(**params: object) -> SyntheticFeed:
    return SyntheticFeed(**{"bars": 5000, "tick_size": FINE, "start": "2024-01-01", **params})


def bars(symbol: str, timeframe: str = "1h", **params: object) -> BarSeries:
    return feed(**params).load(BarRequest(symbol, timeframe))


def equal(one: BarSeries, other: BarSeries) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BarSeries.COLUMNS)


def autoregression(values: np.ndarray) -> float:
    """Coefficient of a value on the one before, both from their mean; 1 for a random walk, in the limit."""
    centered = values - values.mean()
    return float((centered[1:] @ centered[:-1]) / (centered[:-1] @ centered[:-1]))


class TestPairs:
    def spread(self, timeframe: str = "1h", beta: float = 0.8, **params: object) -> np.ndarray:
        one, other = (bars(symbol, timeframe, pairs=PAIR, **params) for symbol in "AB")
        return np.log(other.close / 100) - beta * np.log(one.close / 100)

    def test_the_spread_reverts_with_its_half_life_and_has_its_volatility(self):
        spread = self.spread(bars=20_000)
        assert autoregression(spread) == pytest.approx(0.5 ** (1 / 20), abs=0.006)
        assert spread.std() == pytest.approx(0.01, rel=0.15)
        assert abs(spread.mean()) < 0.001

    def test_with_another_beta_it_does_not(self):
        assert autoregression(self.spread(beta=0.0)) > 0.99
        assert self.spread(beta=0.0).std() > 3 * self.spread().std()

    def test_the_half_life_is_in_bars_of_any_timeframe(self):
        assert autoregression(self.spread("1m", bars=20_000)) == pytest.approx(0.966, abs=0.006)

    def test_the_leader_is_what_it_is_without_a_follower(self):
        assert equal(bars("A", pairs=PAIR), bars("A"))

    def test_more_bars_never_change_earlier_ones(self):
        assert equal(bars("B", pairs=PAIR).slice(0, 777), bars("B", pairs=PAIR, bars=777))

    def test_it_begins_at_a_price_of_its_own(self):
        pairs = {"B": Pair("A", start_price=7.0, spread_volatility=0.0)}
        series = bars("B", pairs=pairs, tick_size=Decimal("0.000001"))
        assert np.allclose(series.close / 7, bars("A").close / 100, rtol=2e-6)

    def test_a_follower_may_be_followed(self):
        pairs = {"B": Pair("A", spread_volatility=0.0), "C": Pair("B", beta=-1.0, spread_volatility=0.0)}
        product = bars("C", pairs=pairs).close * bars("A", pairs=pairs).close
        assert np.allclose(product, 100.0**2, rtol=1e-5)


class TestPerpetuals:
    def basis(self, timeframe: str = "1h", **params: object) -> np.ndarray:
        spot, perpetual = (bars(one, timeframe, perpetuals=PERPETUAL, **params) for one in ("X", "X-PERP"))
        return np.log(perpetual.close / spot.close)

    def test_the_basis_has_its_mean_its_volatility_and_its_half_life(self):
        basis = self.basis(bars=40_000) * 1e4
        assert basis.mean() == pytest.approx(5.0, abs=1.0)
        assert basis.std() == pytest.approx(8.0 * np.sqrt(1.04), rel=0.1)
        assert autoregression(basis) == pytest.approx(0.5 ** (1 / 24) / 1.04, abs=0.01)

    def test_it_is_one_basis_on_all_timeframes(self):
        # Noise of minutes aside: 0.2 of 8 bps on the minutes, averaged here over the hour.
        minutes = self.basis("1m", bars=500 * 60).reshape(-1, 60).mean(axis=1)
        hours = self.basis("1h", bars=500)
        assert np.corrcoef(minutes, hours)[0, 1] > 0.9

    def test_more_bars_never_change_earlier_ones(self):
        whole = bars("X-PERP", "15m", perpetuals=PERPETUAL)
        assert equal(whole.slice(0, 777), bars("X-PERP", "15m", perpetuals=PERPETUAL, bars=777))

    def test_the_instrument_is_a_perpetual_whatever_its_name(self):
        named = feed(perpetuals={"FUTURE": Perpetual("X")})
        assert named.instrument("FUTURE").kind is InstrumentKind.PERPETUAL
        assert named.instrument("X").kind is InstrumentKind.SPOT


class TestFunding:
    def funding(self, since=None, until=START + 1000 * 24 * HOUR, **perpetual: object):
        perpetuals = {"X-PERP": Perpetual("X", **perpetual)}
        return feed(perpetuals=perpetuals).funding("X-PERP", since, until)

    def test_it_is_paid_every_eight_hours_from_midnight(self):
        times = self.funding().time
        assert times[0] == START + 8 * HOUR
        assert set(np.diff(times)) == {8 * HOUR}
        assert times[-1] < START + 1000 * 24 * HOUR <= times[-1] + 8 * HOUR

    def test_a_rate_follows_the_mean_basis_of_its_interval(self):
        params = {"perpetuals": PERPETUAL, "bars": 8000}
        basis = np.log(bars("X-PERP", **params).close / bars("X", **params).close)
        premium = basis.reshape(-1, 8).mean(axis=1)
        rate = feed(**params).funding("X-PERP", None, START + 8000 * HOUR + 1).value
        assert len(rate) == len(premium) == 1000
        assert np.corrcoef(premium, rate)[0, 1] > 0.85
        # Far from the damper of 5 bps the rate is the premium less 5 bps, and has its sign; noise of 2 bps an hour stays.
        far = np.abs(premium) > 8e-4
        assert far.sum() > 100
        assert (np.sign(rate[far]) == np.sign(premium[far])).all()
        assert np.abs(rate[far] - (premium[far] - np.sign(premium[far]) * 5e-4)).max() < 3e-4

    @pytest.mark.parametrize(
        ("basis_bps", "hours", "expected"),
        [
            (0.0, 8, 1e-4),  # P + (I - P): the interest
            (5.0, 8, 1e-4),
            (-4.0, 8, 1e-4),
            (20.0, 8, 15e-4),  # P - 5 bps
            (-20.0, 8, -15e-4),
            (20.0, 4, 7.5e-4),  # half the time, half the rate
            (400.0, 8, 75e-4),  # the limit
            (-400.0, 8, -75e-4),
        ],
    )
    def test_of_a_steady_basis_the_rates_are_these(self, basis_bps, hours, expected):
        rates = self.funding(basis_bps=basis_bps, basis_volatility_bps=0.0, funding_hours=hours).value
        # The basis is a difference of logs: 20 bps are a premium of 20.02 bps.
        assert np.allclose(rates, expected, atol=3e-6)

    def test_a_longer_series_begins_with_the_shorter_one(self):
        short = self.funding(until=START + 100 * 24 * HOUR)
        assert np.array_equal(self.funding().value[: len(short.value)], short.value)

    def test_a_later_since_gives_the_rest(self):
        later = self.funding(since=START + 24 * HOUR)
        assert later.time[0] == START + 24 * HOUR
        assert np.array_equal(later.value, self.funding().value[2:])

    def test_without_an_until_there_are_enough(self):
        assert self.funding(until=None).time[-1] >= START + 5000 * 24 * HOUR

    def test_a_history_that_begins_within_an_interval_pays_at_its_end(self):
        perpetuals = {"X-PERP": Perpetual("X")}
        some = SyntheticFeed(perpetuals=perpetuals).funding("X-PERP", START + 90 * MINUTE, START + 9 * HOUR)
        assert some.time.tolist() == [START + 8 * HOUR]
        assert np.isfinite(some.value).all()

    def test_nothing_is_known_of_other_symbols(self):
        assert feed(perpetuals=PERPETUAL).funding("X", None, None) is None
        assert feed().funding("BTC-PERP", None, None) is None
        assert feed().mark(BarRequest("BTC-PERP", "1h")) is None


class TestMark:
    @pytest.mark.parametrize("book", [None, Book(minutes=600.0)])
    def test_it_lies_near_the_traded_price_and_starts_with_it(self, book):
        some = feed(perpetuals=PERPETUAL, book=book, tick_size=Decimal("0.01"), bars=600)
        mark = some.mark(BarRequest("X-PERP", "1m"))
        traded = some.load(BarRequest("X-PERP", "1m"))
        assert np.array_equal(mark.start, traded.start)
        assert np.abs(np.log(mark.close / traded.close)).max() < 0.004
        assert (mark.volume == 0).all()

    def test_it_is_the_spot_where_the_basis_is_nothing(self):
        perpetuals = {"X-PERP": Perpetual("X", basis_bps=0.0, basis_volatility_bps=0.0)}
        mark = feed(perpetuals=perpetuals).mark(BarRequest("X-PERP", "1h"))
        spot = bars("X")
        for name in BarSeries.PRICES:
            assert np.array_equal(getattr(mark, name), getattr(spot, name))

    def test_a_window_is_part_of_the_whole(self):
        some = feed(perpetuals=PERPETUAL)
        window = BarRequest("X-PERP", "1h", START + 10 * HOUR, START + 20 * HOUR)
        assert equal(some.mark(window), some.mark(BarRequest("X-PERP", "1h")).slice(10, 20))


class TestBooks:
    def mids(self, symbol: str, some: SyntheticFeed) -> np.ndarray:
        """The mid price at the end of each minute."""
        tape: TapeSeries = some.tape(TapeRequest(symbol, frozenset({MarketData.QUOTES})))
        assert set(tape.kind) == {RowKind.QUOTE}
        mid, time = tape.price.reshape(-1, 2).mean(axis=1), tape.time[::2]
        ends = START + MINUTE * np.arange(1, 601)
        return np.log(mid[np.searchsorted(time, ends) - 1])

    def test_the_book_of_a_follower_follows(self):
        pairs = {"B": Pair("A", beta=1.0, spread_half_life_bars=60.0, spread_volatility=0.001)}
        some = feed(pairs=pairs, book=Book(minutes=600.0), tick_size=Decimal("0.01"))
        one, other, alone = (self.mids(symbol, some) for symbol in ("A", "B", "C"))
        assert (other - one).std() < 0.002
        assert (alone - one).std() > 2 * (other - one).std()
        assert autoregression(other - one) < 0.9

    def test_the_book_of_a_perpetual_has_its_basis(self):
        perpetuals = {"X-PERP": Perpetual("X", basis_bps=50.0, basis_volatility_bps=5.0)}
        some = feed(perpetuals=perpetuals, book=Book(minutes=600.0), tick_size=Decimal("0.01"))
        basis = self.mids("X-PERP", some) - self.mids("X", some)
        assert basis.mean() == pytest.approx(0.005, abs=0.0015)


class TestRefusals:
    @pytest.mark.parametrize(
        ("params", "error"),
        [
            ({"pairs": {"A": {"of": "A"}}}, "pairs: no symbol may follow itself, was A of A"),
            (
                {"pairs": {"A": {"of": "B"}}, "perpetuals": {"B": {"of": "A"}}},
                "no symbol may follow itself, was A of B of A",
            ),
            (
                {"pairs": {"A": {"of": "X"}}, "perpetuals": {"A": {"of": "X"}}},
                "pairs: A must not be among the perpetuals too",
            ),
            ({"pairs": {"A": {}}}, "feed.params.pairs.A.of: is required"),
            ({"pairs": {"A": {"of": "B", "bta": 1}}}, "pairs.A.bta: .*did you mean 'beta'"),
            (
                {"perpetuals": {"A": {"of": "B", "basis_bps": 900}}},
                "perpetuals.A.basis_bps: must be at most 500",
            ),
        ],
    )
    def test_wrong_parameters_are_refused(self, params, error):
        with pytest.raises(ConfigError, match=error):
            build("feeds", "synthetic", params, "feed")
