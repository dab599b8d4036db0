"""What was held over each bar, and what it earned and cost, adds up to what the strategy made."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from validation_markets import HOUR, START, series_of, study_of

import hookline as hl
from hookline.data import read_file
from hookline.reporting.curve import Curve
from hookline.research.ledger import uncounted
from hookline.research.study import Job
from hookline.research.validating.holdings import holdings_of
from hookline.research.validating.returns import daily_returns, returns_by_day, thinned


@pytest.fixture(autouse=True)
def _no_trials():
    with uncounted():
        yield


@dataclass
class Script(hl.Strategy):
    """Buys and sells quantities at the ends of bars."""

    name = "script"

    def __init__(self, acts):
        self.acts, self.count = acts, 0

    def on_bar(self, ctx, bar):
        quantity = self.acts.get(self.count)
        self.count += 1
        if quantity:
            (ctx.buy if quantity > 0 else ctx.sell)(bar.symbol, abs(quantity))


def run(acts, prices, **broker):
    return hl.backtest(Script(acts), series_of(prices), cash=1000.0, **broker)


def test_a_position_counts_from_the_open_at_which_it_is_filled():
    # Bought at the end of bar 0, so filled at the open of bar 1, which is the close of bar 0; sold at the open of bar 3.
    held = holdings_of(run({0: 5.0, 2: -5.0}, [100, 110, 121, 100, 100]))
    assert held.moves[:, 0] == pytest.approx([0.0, 0.1, 0.1, 100 / 121 - 1, 0.0])
    assert held.positions[:, 0] == pytest.approx([0.0, 0.5, 550 / 1050, 0.0, 0.0])
    assert held.costs == pytest.approx(np.zeros(5), abs=1e-12)
    assert held.returns == pytest.approx([0.0, 0.05, 55 / 1050, 0.0, 0.0])
    assert held.equity == pytest.approx([1000.0, 1000.0, 1050.0, 1105.0, 1105.0])


def gapped():
    """Bars of a share: each night it opens elsewhere than it closed."""
    opens, closes = np.array([100.0, 110.0, 105.0, 120.0]), np.array([102.0, 108.0, 115.0, 118.0])
    low, high = np.minimum(opens, closes), np.maximum(opens, closes)
    return hl.BarSeries(
        "KO", "1d", START + 24 * HOUR * np.array([0, 1, 4, 5]), opens, high, low, closes, np.ones(4)
    )


def test_a_gap_is_met_by_what_was_held_over_it():
    held = holdings_of(hl.backtest(Script({0: 5.0, 2: -5.0}), gapped(), cash=1000.0))
    # Bought at 110 and sold at 120: the gap into the first open is not its own, those into the others are.
    assert held.moves[:, 0] == pytest.approx([110 / 100 - 1, 105 / 110 - 1, 120 / 105 - 1, 118 / 120 - 1])
    assert held.positions[:, 0] == pytest.approx([0.0, 0.55, 525 / 975, 0.0])
    assert held.costs == pytest.approx(np.zeros(4), abs=1e-12)
    assert np.prod(1.0 + held.returns) == pytest.approx(1.05)


def test_fills_at_closes_are_looked_at_from_close_to_close():
    held = holdings_of(hl.backtest(Script({0: 5.0, 2: -5.0}), gapped(), cash=1000.0, fill="close"))
    assert held.moves[:, 0] == pytest.approx([0.02, 108 / 102 - 1, 115 / 108 - 1, 118 / 115 - 1])
    assert held.positions[:, 0] == pytest.approx([0.0, 0.51, 540 / 1030, 0.0])
    assert held.costs == pytest.approx(np.zeros(4), abs=1e-12)


def test_fees_are_costs_of_the_row_at_whose_end_they_are_paid():
    held = holdings_of(run({0: 5.0, 2: -5.0}, [100, 110, 121, 100, 100], taker_fee_bps=100))
    assert held.costs[0] == pytest.approx(5.0 / 1000)
    assert held.costs[2] == pytest.approx(6.05 / (1000 - 5 + 50))
    assert held.costs[[1, 3, 4]] == pytest.approx(np.zeros(3), abs=1e-12)


def test_a_stop_inside_a_bar_ends_the_position_with_the_next_bar():
    @dataclass
    class Stopped(Script):
        name = "stopped"

        __init__ = Script.__init__

        def on_bar(self, ctx, bar):
            if self.count == 0:
                ctx.buy(bar.symbol, 5.0, stop_loss=95.0)
            self.count += 1

    held = holdings_of(hl.backtest(Stopped({}), series_of([100, 110, 90, 80]), cash=1000.0))
    assert (held.positions[:, 0] > 0).tolist() == [False, True, True, False]
    assert (held.positions * held.moves).sum(axis=1) - held.costs == pytest.approx(held.returns)


def test_whatever_happens_positions_and_costs_explain_every_return():
    session = {
        "symbols": ["ONE-PERP", "TWO-PERP"],
        "strategies": [{"use": "ema_cross", "params": {"fast": 4, "slow": 12, "adx_min": 0}}],
    }
    result = study_of(**session).run(Job())
    held = holdings_of(result)
    assert held.moves.shape == (len(result.equity.time), 2)
    assert (held.positions * held.moves).sum(axis=1) - held.costs == pytest.approx(held.returns, abs=1e-12)
    assert np.prod(1.0 + held.returns) == pytest.approx(1.0 + result.metrics.total_return)
    # What is not a price move is small: fees, slippage, and fills away from the open.
    assert np.abs(held.costs).mean() < 0.2 * np.abs(held.returns).mean()


@dataclass
class Averages(hl.SignalStrategy):
    """Long above an average, short below, with orders at the market alone."""

    name = "averages"

    def columns(self, bars):
        return {"close": bars.close, "mean": hl.sma(bars.close, 20)}

    @staticmethod
    def decide(x, held, p):
        return hl.long(0.5) if x.close > x.mean else hl.short(0.5)


REAL = {
    "equity/us_SPY_1h.parquet": "SPY",  # shut at night, and from 2010 to 2016
    "equity/us_AAPL_1d.parquet": "AAPL",
    "bars_1h/binance_spot_BTCUSDT_1h.parquet": "BTCUSDT",  # outages
}


@pytest.mark.parametrize("file", REAL)
@pytest.mark.parametrize("fill", ["open", "close"])
def test_on_recorded_bars_positions_earn_what_the_backtest_earned_before_fees(real_data, file, fill):
    series = read_file(real_data / file, REAL[file]).series()
    series = series.slice(0, min(len(series), 12_000))
    assert (np.diff(series.start) > series.duration).sum() > 5  # gaps
    result = hl.backtest(Averages(), series, cash=1e6, taker_fee_bps=3, fill=fill)
    assert result.metrics.round_trips > 100
    held = holdings_of(result)
    earned = (held.positions * held.moves)[:, 0] * held.equity
    fees = sum(one.fee for one in result.record.fills)
    net = result.equity.value[-1] - 1e6
    assert earned.sum() == pytest.approx(net + fees, rel=1e-9)
    assert held.costs @ held.equity == pytest.approx(fees, rel=1e-9)
    assert np.prod(1.0 + held.returns) == pytest.approx(1.0 + result.metrics.total_return, rel=1e-9)
    # The same, row by row, from fills and prices alone.
    marks = series.open if fill == "open" else np.append(series.open[0], series.close[:-1])
    times = series.start if fill == "open" else np.append(series.start[0], series.end[:-1])
    units = np.zeros(len(series))
    for one in result.record.fills:
        units[np.searchsorted(times, one.time) :] += int(one.side) * one.quantity
    assert earned == pytest.approx(units * np.diff(np.append(marks, series.close[-1])), abs=1e-4)


FINE = hl.Instrument("AAPL", kind="perpetual", tick_size=Decimal("0.0001"), lot_size=Decimal("0.0000001"))


@pytest.mark.parametrize("fill", ["open", "close"])
def test_studies_of_positions_have_the_same_rows(real_data, fill):
    series = read_file(real_data / "equity/us_AAPL_1d.parquet", "AAPL").series().slice(0, 2_000)
    weights = np.where(series.close > series.to_frame()["close"].rolling(20, min_periods=1).mean(), 0.5, -0.5)
    study = hl.run_positions(series, weights, fee_bps=3, fill=fill)

    @dataclass
    class Weights(hl.Strategy):
        name = "weights"

        def on_start(self, ctx):
            self.row = 0

        def on_bar(self, ctx, bar):
            quantity = weights[self.row] * ctx.equity / bar.close - ctx.position(bar.symbol).quantity
            (ctx.buy if quantity > 0 else ctx.sell)(bar.symbol, abs(quantity))
            self.row += 1

    result = hl.backtest(
        Weights(), series, cash=10_000, taker_fee_bps=3, fill=fill, leverage=10, instruments=[FINE]
    )
    held, earned = holdings_of(result), study.earned()
    size = len(earned.returns)
    rows = slice(0, size) if fill == "open" else slice(1, size + 1)
    assert held.moves[rows] == pytest.approx(earned.returns, abs=1e-12)
    assert held.positions[rows] == pytest.approx(earned.positions, abs=1e-6)


def test_equity_that_is_lost_cannot_be_looked_at_by_fractions():
    result = run({0: -300.0}, [100, 100, 200, 300], leverage=50)
    with pytest.raises(ValueError, match="equity must stay above zero"):
        holdings_of(result)


def test_days_end_with_their_last_bar():
    time = START + HOUR * np.array([20, 24, 25, 48, 50])
    found = returns_by_day(Curve(time, np.array([110.0, 120.0, 130.0, 150.0, 165.0])), 100.0)
    assert found.time.tolist() == [time[1], time[3], time[4]]
    assert found.value == pytest.approx([0.2, 0.25, 0.1])


def test_compiled_variants_bring_the_same_each_day_as_runs_of_their_own():
    study = study_of()
    jobs = [Job((("strategies[0].params.fast", fast),)) for fast in (4, 7)]
    found = daily_returns(study, jobs)
    for job, own in zip(jobs, found, strict=True):
        result = study.run(job)
        assert own == pytest.approx(returns_by_day(result.equity, result.record.cash).value)


def test_what_cannot_be_compiled_is_run():
    study = study_of(strategies=[{"use": "grid_arithmetic", "params": {"low": 1.0, "high": 1e6}}])
    (found,) = daily_returns(study, [Job()])
    assert len(found) == 60


def test_a_curve_is_thinned_to_its_ends():
    curve = Curve(np.arange(5000) * 10**6, np.arange(5000.0))
    few = thinned(curve, 11)
    assert (few["t"][0], few["t"][-1], len(few["t"])) == (0, 4999, 11)
    assert few["t"] == few["y"]
