"""A market with strong trends goes on as it went: what follows it is right far too often, and yet knows nothing."""

from dataclasses import dataclass

import leaky_strategies as leaky
import numpy as np
import pytest
from leak_sessions import plans

import hookline as hl
from hookline.columns import ExternalSeries
from hookline.model import BarSeries
from hookline.research.peeking import check_look_ahead
from hookline.research.peeking.foresight import foresight_of
from hookline.research.peeking.order_foresight import foresight_of_orders
from hookline.research.peeking.runs import trace
from hookline_strategies.ema_cross import EmaCross
from hookline_strategies.supertrend import Supertrend

HOUR = 3_600 * 10**9


def trending(drift, size=3_000):
    """Bars that rise and fall by turns of 80 to 260 bars."""
    draws = np.random.default_rng(1)
    lengths = draws.integers(80, 260, size // 80 + 2)
    turns = np.repeat(np.resize([1, -1], len(lengths)), lengths)[:size]
    close = 100 * np.exp(np.cumsum(drift * turns + draws.normal(0, 0.006, size)))
    first = np.append(close[:1], close[:-1])
    times = 1_672_531_200 * 10**9 + HOUR * np.arange(size)
    return BarSeries(
        "ONE", "1h", times, first, np.maximum(first, close), np.minimum(first, close), close, np.ones(size)
    )


MARKET = trending(0.003)


def check(make, bars=MARKET, **session):
    return check_look_ahead(plans(make, bars={"ONE": bars}, **session), cuts=2)


@dataclass
class Follows(hl.Strategy):
    """Goes with the last day, in a callback."""

    name = "follows"

    def on_start(self, ctx):
        self.closes = []

    def on_bar(self, ctx, bar):
        self.closes.append(bar.close)
        rises = len(self.closes) > 24 and bar.close > np.mean(self.closes[-24:])
        ctx.target(bar.symbol, 1.0 if rises else -1.0)


@dataclass
class Flips(hl.SignalStrategy):
    """Goes with the slope of an average, with orders all the time."""

    name = "flips"

    def columns(self, bars):
        return {"up": hl.ema(bars.close, 12) > hl.ema(bars.close, 24), "time": bars.time}

    @staticmethod
    def decide(x, held, p):
        if x.time % 7200.0 < 1.0:
            return hl.flat()
        return hl.long() if x.up else hl.short()


@pytest.mark.parametrize("drift", [0.002, 0.005])
@pytest.mark.parametrize(
    "make", [leaky.Honest, leaky.LongWindow, EmaCross, Supertrend, Follows, Flips], ids=lambda one: one.name
)
def test_columns_of_bars_alone_and_closed_code_are_no_suspects(make, drift):
    report = check(make, trending(drift))
    assert report.is_clean, report.lines


def test_the_same_values_and_orders_would_be_suspects_without_that():
    average = MARKET.to_frame()["close"].ewm(span=20).mean().to_numpy()
    assert foresight_of(average, MARKET) is not None
    orders = trace(plans(Flips, bars={"ONE": MARKET})()).orders
    assert len(orders) > 1_000
    assert foresight_of_orders(orders, MARKET) is not None


def test_values_that_came_from_elsewhere_stay_suspects():
    average = MARKET.to_frame()["close"].ewm(span=20).mean().to_numpy()
    report = check(leaky.ReadsExternal, external={"score": ExternalSeries(MARKET.end, average)})
    named = {one.where for one in report.findings}
    assert named == {"external series 'score'", "reads_external: column 'score' on ONE"}


def test_an_op_with_a_table_of_its_own_stays_a_suspect(monkeypatch):
    monkeypatch.setattr(leaky, "TABLE", np.append(MARKET.close[1:], MARKET.close[-1]))
    report = check(leaky.TableInOp)
    assert "table_in_op: column 'table' on ONE" in {one.where for one in report.findings}


def test_orders_of_a_strategy_that_may_know_more_stay_suspects():
    class Flipping(Flips):
        name = "flipping"

        @staticmethod
        def decide(x, held, p):
            return Flips.decide(x, held, p) if MARKET.close[0] else hl.flat()

    assert "flipping: orders on ONE" in {one.where for one in check(Flipping).findings}
