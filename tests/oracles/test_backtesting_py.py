"""Market orders with stops and targets in hookline and in backtesting.py, on recorded bars.

Every new entry closes what is open before it (backtesting.py's ``exclusive_orders``), fills are at the next open, there is no
spread. Where the rules differ, a test says how, on a few bars.
"""

import random
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from oracle_desks import FEE, recorded, terms_of

import hookline as hl
from hookline.clock import to_ns
from hookline.testing import bars

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy

CASH = 10_000_000.0
SOURCES = {
    "BTC perpetual, hours": ("bars_1h/binance_usdm_BTCUSDT_1h.parquet", "1h", 4000, 3000),
    "ETH spot, hours with outages": ("bars_1h/binance_spot_ETHUSDT_1h.parquet", "1h", 500, 3000),
    "SPY, days": ("equity/us_SPY_1d.parquet", "1d", 0, 3000),
}


@dataclass
class Told:
    """Finished trades as (entry bar, size, entry price, exit bar, exit price), and the equity after every bar."""

    trades: list[tuple[float, ...]] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)


@dataclass
class Desk(hl.Strategy):
    """Follows a schedule of bar -> (size, stop, target), or of bar -> None to leave."""

    name = "desk"

    schedule: dict

    def on_start(self, ctx):
        self.index, self.open, self.told = -1, None, Told()

    def on_bar(self, ctx, bar):
        self.index += 1
        self.told.equity.append(ctx.equity)
        if self.index not in self.schedule:
            return
        ctx.close(bar.symbol)
        if self.schedule[self.index] is not None:
            size, terms = self.schedule[self.index]
            side = hl.Side.BUY if size > 0 else hl.Side.SELL
            entry = {"stop_loss": terms.get("sl"), "take_profit": terms.get("tp")}
            entry |= {"limit": terms.get("limit"), "trigger": terms.get("stop")}
            assert ctx.submit(bar.symbol, side, abs(size), **entry).status == "submitted"

    def on_fill(self, ctx, fill):
        bar = int(np.searchsorted(self.ends, to_ns(ctx.now)))
        if self.open is None:
            self.open = (bar, fill.side * fill.quantity, fill.price)
        else:
            self.told.trades.append((*self.open, bar, fill.price))
            self.open = None


def run_hookline(series, schedule, cash=CASH):
    desk = Desk(schedule)
    desk.ends = series.end
    bps = FEE * 1e4
    hl.backtest(
        desk,
        series,
        cash=cash,
        instruments=[terms_of(series, "1")],
        maker_fee_bps=bps,
        taker_fee_bps=bps,
    )
    return desk.told


def run_backtesting_py(series, schedule, cash=CASH):
    class Follow(Strategy):
        def init(self):
            pass

        def next(self):
            index = len(self.data) - 1
            if index not in schedule:
                return
            if schedule[index] is None:
                self.position.close()
                return
            size, terms = schedule[index]
            (self.buy if size > 0 else self.sell)(size=abs(size), **terms)

    frame = series.to_frame().rename(columns=str.capitalize).tz_localize(None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = Backtest(
            frame, Follow, cash=cash, commission=FEE, spread=0, exclusive_orders=True, finalize_trades=False
        ).run()
    names = ("EntryBar", "Size", "EntryPrice", "ExitBar", "ExitPrice")
    rows = sorted(stats._trades[list(names)].itertuples(index=False, name=None))
    return Told([tuple(map(float, row)) for row in rows], stats._equity_curve.Equity.tolist())


def protected(series, instrument, rng, index, far):
    """A side and prices around the last close; sometimes only a stop, or only a target, or nothing."""
    side, width = rng.choice([1, -1]), float(np.median(series.high - series.low))
    close = float(series.close[index])
    stop = instrument.on_grid(close - side * rng.uniform(0.3, far) * width)
    target = instrument.on_grid(close + side * rng.uniform(0.3, far) * width)
    kept = rng.choice([("sl", "tp"), ("sl", "tp"), ("sl",), ("tp",), ()])
    return side, {name: price for name, price in (("sl", stop), ("tp", target)) if name in kept}


def the_open_decides(series, index, side, terms):
    """Whether a bar opens past the target and then reaches the stop: that is read differently."""
    if len(terms) < 2:
        return False
    for bar in range(index + 1, len(series)):
        worst, best = (series.low[bar], series.high[bar]) if side > 0 else (series.high[bar], series.low[bar])
        if side * (series.open[bar] - terms["tp"]) >= 0:
            return side * (terms["sl"] - worst) >= 0
        if side * (terms["sl"] - worst) >= 0 or side * (best - terms["tp"]) >= 0:
            return False
    return False


def drawn(series, instrument, seed, far):
    rng, schedule, different = random.Random(seed), {}, 0
    for index in range(1, len(series) - 1):
        if rng.random() < 0.05:
            schedule[index] = None
        elif rng.random() < 0.15:
            side, terms = protected(series, instrument, rng, index, far)
            if the_open_decides(series, index, side, terms):
                different += 1
                continue
            schedule[index] = (side * rng.randint(1, 20), terms)
    assert different < 10
    return schedule


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(("seed", "far"), [(1, 3.0), (2, 1.0)])
def test_entries_with_stops_and_targets_trade_alike(real_data, name, seed, far):
    file, timeframe, begin, size = SOURCES[name]
    series = recorded(real_data, file, name, timeframe, begin, size)
    schedule = drawn(series, terms_of(series, "1"), seed, far)

    one, other = run_hookline(series, schedule), run_backtesting_py(series, schedule)

    assert len(one.trades) == len(other.trades) > 250
    assert np.allclose(one.trades, other.trades, rtol=1e-9, atol=0)
    assert np.allclose(one.equity, other.equity, rtol=1e-12, atol=0)


# -- where the rules differ ------------------------------------------------------------------------------------------


def both(text, terms, size=1, cash=CASH):
    series, schedule = bars(text), {1: (size, terms)}
    return run_hookline(series, schedule, cash).trades, run_backtesting_py(series, schedule, cash).trades


def test_the_stop_of_an_entry_inside_the_bar_counts_at_once_in_hookline_and_from_the_next_bar_in_backtesting_py():
    text = "10 10 10/10.5/8/9 9/9.5/8.4/9"

    one, other = both(text, {"limit": 9.5, "sl": 8.5})

    assert one == [(2, 1.0, 9.5, 2, 8.5)]
    assert other == [(2, 1.0, 9.5, 3, 8.5)]


def test_a_bar_that_opens_past_the_target_takes_it_in_hookline_and_the_stop_first_in_backtesting_py():
    text = "10 10 10 12.5/13/8/9"

    one, other = both(text, {"sl": 9, "tp": 12})

    assert one == [(2, 1.0, 10.0, 3, 12.5)]
    assert other == [(2, 1.0, 10.0, 3, 9.0)]


def test_an_entry_beyond_the_funds_is_cut_in_hookline_and_dropped_in_backtesting_py():
    text = "10 10 10 12/12/12/12"

    one, other = both(text, {"tp": 11}, size=8, cash=55)

    assert one == [(2, 5.0, 10.0, 3, 12.0)]
    assert other == []


def test_a_limit_reached_by_the_bar_that_triggers_it_waits_in_both_unless_the_close_proves_the_fill():
    # A stop-limit whose limit lies behind its trigger: backtesting.py waits for the next bar whatever the close says.
    text = "10 10 10/12/10/10.5 11.5/12/10.8/11 12"

    one = run_hookline(bars(text), {1: (1, {"stop": 11.5, "limit": 11}), 3: None}).trades
    other = run_backtesting_py(bars(text), {1: (1, {"stop": 11.5, "limit": 11}), 3: None}).trades

    assert one == [(2, 1.0, 11.0, 4, 11.0)]
    assert other == [(3, 1.0, 11.0, 4, 11.0)]
