"""Figures against those of backtesting.py, for the same fills on the same daily bars.

Where definitions differ, the difference is written out: its yearly figures leave the first bar out, its Sortino ratio puts
the geometric yearly return over the risk where ours puts the mean return, its profit factor is one of returns.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from run_records import DAY, START, Run, series

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy

CASH = 100_000.0


class Cross(Strategy):
    """Long or short by a cross of two averages, ten units each."""

    def init(self):
        close = pd.Series(self.data.Close)
        self.fast = self.I(lambda: close.rolling(5).mean())
        self.slow = self.I(lambda: close.rolling(20).mean())

    def next(self):
        if self.fast[-1] > self.slow[-1] and not self.position.is_long:
            self.position.close()
            self.buy(size=10)
        elif self.fast[-1] < self.slow[-1] and not self.position.is_short:
            self.position.close()
            self.sell(size=10)


@pytest.fixture(scope="module")
def both():
    rng = np.random.default_rng(3)
    close = np.round(1000.0 * np.exp(np.cumsum(rng.normal(0.0005, 0.02, 700))), 2)
    bars = series(close, timeframe="1d")
    frame = bars.to_frame().rename(columns=str.capitalize).tz_localize(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = Backtest(frame, Cross, cash=CASH, finalize_trades=False).run()
    run = Run(bars, cash=CASH)
    trades = stats._trades
    rows = [(row.EntryBar, row.Size, row.EntryPrice) for row in trades.itertuples()]
    rows += [(row.ExitBar, -row.Size, row.ExitPrice) for row in trades.itertuples()]
    for bar, size, price in sorted(rows):
        run.fill(f"{bar} {'buy' if size > 0 else 'sell'} {abs(size)} @ {price}")
    # backtesting.py lists finished trades only; what is left open is in its equity, so the last bars are compared up to there.
    return stats, run.result(), int(trades.ExitBar.max())


def test_equity_is_the_same_bar_by_bar(both):
    stats, result, last = both
    assert len(stats._trades) > 20
    assert result.equity.value[:last] == pytest.approx(
        stats._equity_curve.Equity.to_numpy()[:last], rel=1e-12
    )


def test_round_trip_figures_are_the_same(both):
    stats, result, _ = both
    metrics = result.metrics
    assert metrics.round_trips == stats["# Trades"]
    assert metrics.win_rate * 100 == pytest.approx(stats["Win Rate [%]"])
    assert metrics.profit_factor == pytest.approx(
        stats._trades.PnL[stats._trades.PnL > 0].sum() / -stats._trades.PnL[stats._trades.PnL < 0].sum()
    )
    assert metrics.best_round_trip == pytest.approx(stats._trades.PnL.max())
    assert sorted(trip.profit for trip in result.round_trips) == pytest.approx(sorted(stats._trades.PnL))
    assert [trip.bars for trip in result.round_trips] == (
        stats._trades.ExitBar - stats._trades.EntryBar
    ).tolist()


def test_its_profit_factor_is_one_of_returns_and_ours_of_money(both):
    stats, result, _ = both
    fractions = result.trips.return_fraction
    assert stats["Profit Factor"] == pytest.approx(
        fractions[fractions > 0].sum() / -fractions[fractions < 0].sum()
    )


def test_curve_figures_agree_as_far_as_their_definitions_do():
    # No position is open at the end: it sells all on the last bars, so both curves are the same to the end.
    rng = np.random.default_rng(4)
    close = np.round(1000.0 * np.exp(np.cumsum(rng.normal(0.002, 0.02, 400))), 2)
    bars = series(close, timeframe="1d")

    class Once(Strategy):
        def init(self):
            pass

        def next(self):
            if len(self.data) == 20:
                self.buy(size=50)
            if len(self.data) == 390:
                self.position.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = bars.to_frame().rename(columns=str.capitalize).tz_localize(None)
        stats = Backtest(frame, Once, cash=CASH).run()
    result = (
        Run(bars, cash=CASH)
        .fill(f"20 buy 50 @ {bars.open[20]}")
        .fill(f"390 sell 50 @ {bars.open[390]}")
        .result()
    )
    metrics = result.metrics

    assert metrics.total_return * 100 == pytest.approx(stats["Return [%]"])
    assert metrics.final_equity == pytest.approx(stats["Equity Final [$]"])
    assert metrics.max_drawdown * 100 == pytest.approx(-stats["Max. Drawdown [%]"])
    # Its durations are between bars; ours from the end of the peak's bar: the same number of days.
    assert metrics.longest_drawdown_seconds == stats["Max. Drawdown Duration"].total_seconds()
    # The sale at the open of bar 390 ends our exposure there; it counts the whole bar.
    assert metrics.exposure * 400 == pytest.approx(stats["Exposure Time [%]"] * 4 - 1)
    # It counts the 399 days between the ends of the first and the last bar, we the 400 days that the bars cover.
    growth = 1.0 + metrics.total_return
    assert stats["Return (Ann.) [%]"] == pytest.approx((growth ** (365 / 399) - 1) * 100)
    assert metrics.cagr == pytest.approx(growth ** (365 / 400) - 1)
    assert stats["Calmar Ratio"] == pytest.approx((growth ** (365 / 399) - 1) / metrics.max_drawdown)
    assert metrics.calmar == pytest.approx(metrics.cagr / metrics.max_drawdown)
    assert stats["Sharpe Ratio"] == pytest.approx(stats["Return (Ann.) [%]"] / stats["Volatility (Ann.) [%]"])
    returns = result.returns.value
    assert metrics.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))
    downside = math.sqrt(np.mean(np.minimum(returns[1:], 0.0) ** 2) * 365)
    assert stats["Sortino Ratio"] == pytest.approx((growth ** (365 / 399) - 1) / downside)
    assert metrics.sortino == pytest.approx(returns.mean() * 365 / (downside * math.sqrt(399 / 400)))
    assert bars.start[0] == START
    assert result.end == START + 400 * DAY
