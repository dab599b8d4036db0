"""Positions on prices: what pandas and the event kernel make of the same, and what cannot be used."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hookline as hl
from hookline.model import BarSeries

DAY = 86_400 * 10**9
START = 1_640_995_200 * 10**9  # 2022-01-01


def market(symbol, bars=250, seed=1, volatility=0.03):
    random = np.random.default_rng([seed, *symbol.encode()])
    close = 100.0 * np.exp(np.cumsum(random.normal(0.001, volatility, bars)))
    open_ = np.append(100.0, close[:-1]) * np.exp(random.normal(0.0, 0.004, bars))
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    start = START + DAY * np.arange(bars, dtype=np.int64)
    return BarSeries(symbol, "1d", start, open_, high, low, close, np.ones(bars))


def weights(bars, columns, seed=5, trades=1.0):
    """Random positions; a share of the rows trades, on the others everything is left as it is."""
    random = np.random.default_rng(seed)
    found = random.uniform(-0.6, 0.6, (bars, columns)) / columns
    found[random.random(bars) >= trades] = np.nan
    return found


@dataclass
class Following(hl.Strategy):
    """Sends the orders that positions ask for, once all bars of a time are there."""

    name = "following"

    wanted: Any
    closes: dict[str, float] = field(default_factory=dict, init=False)
    bar: int = field(default=0, init=False)

    def on_bar(self, ctx, bar):
        self.closes[bar.symbol] = bar.close
        if len(self.closes) < len(ctx.symbols):
            return
        equity = ctx.equity
        for symbol, share in zip(ctx.symbols, self.wanted[self.bar], strict=True):
            if not np.isnan(share):
                ctx.target(symbol, share * equity / self.closes[symbol])
        self.closes.clear()
        self.bar += 1


def backtest(series, wanted, **broker):
    fine = [
        hl.Instrument(
            symbol, kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("1e-10"), lot_size=Decimal("1e-11")
        )
        for symbol in series
    ]
    return hl.backtest(Following(wanted), series, instruments=fine, leverage=5, **broker)


@pytest.mark.parametrize("symbols", ["A", "ABC"])
def test_without_costs_it_is_the_product_that_pandas_makes(symbols):
    closes = pd.DataFrame({symbol: market(symbol).close for symbol in symbols})
    wanted = pd.DataFrame(weights(len(closes), len(symbols)), columns=list(symbols))

    study = hl.run_positions(closes, wanted)

    gained = (wanted.shift(1) * closes.pct_change()).sum(axis=1)
    np.testing.assert_allclose(study.equity, 10_000.0 * (1.0 + gained).cumprod(), rtol=1e-12)
    np.testing.assert_allclose(study.positions, wanted, rtol=1e-9, atol=1e-12)
    assert study.costs.sum() == 0.0


@pytest.mark.parametrize("fill", ["close", "open"])
@pytest.mark.parametrize("symbols", ["A", "AB"])
@pytest.mark.parametrize("trades", [1.0, 0.1])
def test_the_event_kernel_gives_the_same_equity(fill, symbols, trades):
    series = {symbol: market(symbol) for symbol in symbols}
    wanted = weights(250, len(symbols), trades=trades)

    study = hl.run_positions(series, wanted, fee_bps=7, slippage_bps=3, fill=fill)
    result = backtest(series, wanted, taker_fee_bps=7, slippage_bps=3, fill=fill)

    assert len(result.record.fills) > 15
    np.testing.assert_allclose(study.equity, result.equity.value, rtol=1e-9)
    assert study.metrics.sharpe == pytest.approx(result.metrics.sharpe, rel=1e-6)
    assert study.metrics.cagr == pytest.approx(result.metrics.cagr, rel=1e-6)
    assert study.traded.sum() == pytest.approx(result.metrics.traded_notional, rel=1e-7)


def test_a_cost_is_paid_for_what_is_traded_at_the_price_that_slippage_has_moved():
    # 10,000 bought at 100: one percent against it makes 101 for each, and the fee is ten basis points of 10,100.
    study = hl.run_positions([100.0, 100.0, 100.0], [1.0, np.nan, 0.0], fee_bps=10, slippage_bps=100)

    assert study.costs.tolist() == pytest.approx([100.0 + 10.1, 0.0, 100.0 + 9.9])
    assert study.equity[-1] == pytest.approx(10_000.0 - 220.0)


def test_units_that_are_left_alone_drift_with_the_price():
    study = hl.run_positions([100.0, 200.0, 100.0], [0.5, np.nan, np.nan])

    assert study.units[:, 0].tolist() == [50.0, 50.0, 50.0]
    assert study.equity.tolist() == [10_000.0, 15_000.0, 10_000.0]
    assert study.positions[1, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("fill", ["close", "open"])
def test_nothing_is_traded_once_everything_is_lost(fill):
    closes = np.array([100.0, 100.0, 250.0, 100.0, 50.0])
    bars = BarSeries(
        "A", "1d", START + DAY * np.arange(5), closes, closes * 1.01, closes * 0.99, closes, np.ones(5)
    )

    study = hl.run_positions(bars, np.full(5, -1.0), fill=fill)

    assert study.equity[2] <= 0.0
    assert study.units[3:].tolist() == [[0.0], [0.0]]
    assert study.equity[3] == study.equity[4]
    assert np.isnan(study.metrics.sharpe)


@pytest.mark.parametrize("fill", ["close", "open"])
def test_what_was_earned_adds_up_to_the_returns(fill):
    series = {symbol: market(symbol) for symbol in "AB"}
    study = hl.run_positions(series, weights(250, 2), fee_bps=5, slippage_bps=5, fill=fill)
    earned = study.earned()

    gains = (earned.returns * earned.positions).sum(axis=1) - earned.costs

    if fill == "close":
        np.testing.assert_allclose(gains, study.returns[1:], rtol=1e-9, atol=1e-15)
    # From the first open to the last, and the rest of the last bar from there to its close.
    rest = study.units[-1] @ (study.prices.close[-1] - study.prices.open[-1]) if fill == "open" else 0.0
    begin = study.equity[0] if fill == "close" else study.cash
    assert begin * np.prod(1.0 + gains) == pytest.approx(study.equity[-1] - rest)


def test_rows_that_positions_lack_trade_nothing_whatever_their_zone():
    daily = pd.date_range("2022-01-01", periods=60, freq="D")
    closes = pd.Series(np.linspace(100.0, 160.0, 60), daily)
    monthly = pd.Series([0.5, 0.0], pd.DatetimeIndex(["2022-01-10", "2022-02-10"], tz="UTC"))

    study = hl.run_positions(closes, monthly)

    assert np.flatnonzero(study.traded).tolist() == [9, 40]
    assert study.frame.index.equals(daily)
    assert list(study.frame.columns) == ["equity", "returns", "costs", "traded"]


def test_an_instrument_may_begin_later_and_columns_come_in_any_order():
    series = {"A": market("A", 100), "B": market("B", 100).slice(50, None)}
    wanted = pd.DataFrame({"B": np.nan, "A": 0.5}, index=pd.to_datetime(series["A"].start, utc=True))
    wanted.iloc[60, 0] = 0.2

    study = hl.run_positions(series, wanted)

    assert np.isnan(study.prices.close[:50, 1]).all()
    assert study.units[59, 1] == 0.0
    assert study.positions[60].tolist() == pytest.approx([0.5, 0.2])
    assert len(study.earned().returns) == 100 - 50 - 1


def test_a_year_is_what_the_times_tell_else_days():
    closes = market("A").close
    wanted = weights(250, 1)[:, 0]
    hourly = pd.Series(closes, pd.date_range("2022-01-01", periods=250, freq="h"))

    plain = hl.run_positions(closes, wanted).metrics
    timed = hl.run_positions(hourly, wanted).metrics
    told = hl.run_positions(closes, wanted, bars_per_year=8760).metrics

    assert timed.sharpe == pytest.approx(plain.sharpe * np.sqrt(24.0))
    assert told.sharpe == pytest.approx(timed.sharpe)


def test_a_study_shows_itself():
    study = hl.run_positions(market("A"), weights(250, 1), fill="open")

    assert str(study).startswith("A: 250 bars, fills at the open\nFinal equity")
    assert "Turnover" in study._repr_html_()
    assert repr(study) == "PositionStudy(A, 250 bars)"


@pytest.mark.parametrize(
    ("prices", "positions", "options", "error", "text"),
    [
        ([1.0, 2.0], [1.0], {}, hl.DataError, r"positions: must have the shape of the prices \(2, 1\)"),
        ([1.0, np.nan], [1.0, 1.0], {}, hl.DataError, "asset0: must be above zero .* row 1 was nan"),
        ([1.0, -2.0], [1.0, 1.0], {}, hl.DataError, "row 1 was -2.0"),
        ([1.0, 2.0], [np.inf, 0.0], {}, hl.DataError, "must be finite or NaN, row 0 was not"),
        ([np.nan, 2.0], [1.0, 1.0], {}, hl.DataError, "asset0: must be zero before the first price, row 0"),
        ([1.0, 2.0], [1.0, 1.0], {"fill": "open"}, hl.ConfigError, "fill: open needs prices with opens"),
        ([1.0, 2.0], [1.0, 1.0], {"fill": "next"}, hl.ConfigError, "fill: must be open or close, was 'next'"),
        ([1.0, 2.0], [1.0, 1.0], {"fee_bps": -1}, hl.ConfigError, "fee_bps: must be 0 or more"),
        ([1.0, 2.0], [1.0, 1.0], {"cash": 0}, hl.ConfigError, "cash: must be above 0, was 0"),
        ([], [], {}, hl.DataError, "prices: must have one or two dimensions and a row"),
        (pd.Series([1.0, 2.0]), pd.Series([1.0], [7]), {}, hl.DataError, "positions: there is no price at 7"),
        (
            pd.DataFrame({"A": [1.0], "B": [1.0]}),
            pd.DataFrame({"A": [1.0], "C": [1.0]}),
            {},
            hl.DataError,
            "positions: must be of A, B, were of A, C",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(prices, positions, options, error, text):
    with pytest.raises(error, match=text):
        hl.run_positions(prices, positions, **options)


def test_positions_that_lost_everything_cannot_be_judged_by_permutations():
    with pytest.raises(hl.DataError, match="must keep some equity"):
        hl.run_positions([100.0, 300.0, 300.0], [-1.0, 0.0, 0.0]).permutation_test()


@dataclass
class Crossing(hl.SignalStrategy):
    """Long above, short below."""

    name = "crossing"

    def columns(self, bars):
        return {"fast": hl.sma(bars.close, 3), "slow": hl.sma(bars.close, 12)}

    @staticmethod
    def decide(x, held, p):
        return hl.long() if x.fast > x.slow else hl.short()


@pytest.mark.parametrize("fill", ["close", "open"])
def test_a_signal_strategy_is_the_study_that_trades_when_its_signal_turns(fill):
    series = market("A", 600)
    close = pd.Series(series.close, pd.to_datetime(series.start, utc=True))
    above = close.rolling(3).mean() > close.rolling(12).mean()
    signal = (2.0 * above - 1.0).where(close.rolling(12).mean().notna())
    fine = hl.Instrument(
        "A", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("1e-10"), lot_size=Decimal("1e-11")
    )

    # Twice the equity may be held, so that no entry at a gap is cut.
    study = hl.run_positions(series, 0.8 * signal[signal != signal.shift(1)], fill=fill)
    result = hl.backtest(
        Crossing(), series, instruments=[fine], sizer=hl.EquityFraction(0.8), leverage=2, fill=fill
    )

    assert result.metrics.round_trips > 30
    np.testing.assert_allclose(result.equity.value, study.equity, rtol=1e-9)
