"""Accumulation on a schedule against markets written by hand."""

import logging
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import talib
from pair_markets import START, closes
from strategy_runs import real_bars

import hookline as hl
from hand_venue import Hand
from hookline.model import BarSeries
from hookline_strategies.smart_dca import SmartDca, rsi_multiplier

DAY = 86_400 * 10**9


def days(prices):
    return closes("TEST", prices, "1d")


def run(strategy, series, cash=10_000.0, kind="spot", least=5, **options):
    steps = {"tick_size": Decimal("0.01"), "lot_size": Decimal("0.001"), "min_notional": Decimal(least)}
    instrument = hl.Instrument("TEST", hl.InstrumentKind(kind), **steps)
    return hl.backtest(strategy, series, cash=cash, instruments=[instrument], **options)


def orders(result):
    """Each order as day, quantity, price and what became of it."""
    lines = []
    for order in result.record.orders:
        fills = [fill for fill in result.record.fills if fill.order_number == order.number]
        shown = " ".join(f"{fill.price:g}" for fill in fills) or f"{order.status.value}: {order.reason}"
        lines.append(f"{(order.time - START) / DAY:g} {order.quantity:g} -> {shown}")
    return lines


@pytest.mark.parametrize(
    ("strength", "factor"),
    [
        (0, 3), (24.99, 3), (25, 2), (34.99, 2), (35, 1), (50, 1), (65, 1), (65.01, 0.5), (75, 0.5), (75.01, 0),
        (100, 0),
    ],
)  # fmt: skip
def test_the_table_of_factors(strength, factor):
    assert rsi_multiplier(strength) == factor


def test_a_plain_market_is_bought_once_a_day_with_the_factor_of_its_rsi():
    # RSI(2) is known after three days. Averages of gains and losses are smoothed as (before + now) / 2.
    #   day 3: +2, -2: gain 1, loss 1, RSI 50: 50 / 100 = 0.5
    #   day 4: +8: gain 4.5, loss 0.5, RSI 90: nothing
    #   day 5: -3: gain 2.25, loss 1.75, RSI 56.25: 50 / 105 = 0.476
    #   day 6: -15: gain 1.125, loss 8.375, RSI 11.8: 150 / 90 = 1.666
    #   day 7: +2: gain 1.5625, loss 4.1875, RSI 27.2: 100 / 92 = 1.086
    #   day 8: +6: gain 3.78125, loss 2.09375, RSI 64.4: 50 / 98 = 0.510
    #   day 9: +1: gain 2.390625, loss 1.046875, RSI 69.5: 25 / 99 = 0.252
    result = run(SmartDca(rsi=2), days([100, 102, 100, 108, 105, 90, 92, 98, 99, 99]))
    assert orders(result)[:6] == [
        "3 0.5 -> 100",
        "5 0.476 -> 105",
        "6 1.666 -> 90",
        "7 1.086 -> 92",
        "8 0.51 -> 98",
        "9 0.252 -> 99",
    ]


def test_on_hours_it_buys_at_midnight_by_the_rsi_of_closed_days():
    hours = np.repeat([100.0, 102.0, 100.0, 100.0], 24)
    result = run(SmartDca(rsi=2), closes("TEST", hours))
    assert [(order.time - START) / DAY for order in result.record.orders] == [3.0, 4.0]
    assert [fill.time for fill in result.record.fills] == [START + 3 * DAY]


def test_the_interval_may_be_shorter_than_a_day():
    hours = np.repeat([100.0, 102.0, 100.0, 100.0], 24)
    result = run(SmartDca(rsi=2, interval="6h"), closes("TEST", hours))
    assert [(order.time - START) / DAY for order in result.record.orders] == [3.0, 3.25, 3.5, 3.75, 4.0]


def test_a_gap_or_downtime_of_many_intervals_is_one_purchase():
    series = days([100, 102, 100, 101, 100, 101, 100, 101, 100, 101, 100, 101])
    kept = np.ones(12, bool)
    kept[4:10] = False
    gone = BarSeries("TEST", "1d", *(getattr(series, name)[kept] for name in ("start", *BarSeries.COLUMNS)))
    bought = [(order.time - START) // DAY for order in run(SmartDca(rsi=2), gone).record.orders]
    assert bought == [3, 4, 11, 12]


def test_it_stops_where_the_holding_reaches_its_share_of_equity():
    # 1,000 of cash, at most a tenth of it: 50 on day 3, then the other 50, as the price has not moved; then nothing.
    # (A market that stands still has no RSI, so it moves by a cent.)
    prices = [100, 100.01, 100, 100, 100, 100, 100, 100]
    result = run(SmartDca(rsi=2, max_asset_fraction=0.1), days(prices), cash=1000.0)
    held = sum(fill.quantity for fill in result.record.fills)
    assert held * 100 == pytest.approx(100, abs=0.2)
    assert all(fill.price == 100 for fill in result.record.fills)


@pytest.mark.parametrize("kind", ["spot", "perpetual"])
def test_it_is_never_levered(kind):
    # Five times leverage would be there, but 1,000 of cash buy 909.09 and pay the fee of a tenth of it.
    strategy = SmartDca(base_quote=2000, rsi=2, max_asset_fraction=1)
    prices = np.resize([100.0, 101.0], 20)
    result = run(strategy, days(prices), cash=1000.0, kind=kind, leverage=5, taker_fee_bps=1000)
    spent = sum(fill.quantity * fill.price + fill.fee for fill in result.record.fills)
    assert 999 < spent <= 1000


def test_an_order_that_is_still_on_its_way_makes_the_next_purchase_wait():
    strategy = SmartDca()
    hand = Hand(strategy=strategy, lot_size=Decimal("0.001"))
    strategy._rsi.value = 50.0

    def bar(day):
        end = START + day * DAY
        strategy.on_bar(hand.ctx, hl.Bar("TEST", end - DAY, end, 100.0, 100.0, 100.0, 100.0, 1.0))

    for day in (1, 2, 3):
        bar(day)
    assert [order.quantity for order in hand.sent] == [0.5]
    hand.fill(hand.sent[0])
    bar(3)
    bar(3)
    assert len(hand.sent) == 2, "one for all the days that it waited"


def test_below_the_minimum_order_nothing_is_sent_and_the_reason_is_kept():
    result = run(SmartDca(base_quote=8, rsi=2), days([100, 102, 101, 102, 101.5]), least=50)
    # RSI 66.7: half of 8 at 101. That it repeats is counted in a warning.
    assert orders(result) == ["3 0.039 -> denied: notional below the minimum: 3.94 of 50"]
    assert not result.record.fills


class Watched(SmartDca):
    """Writes down what it remembers after each bar, and may be started anew in between with other parameters."""

    def on_start(self, ctx):
        super().on_start(ctx)
        self.seen = []
        self.told = []
        self.ctx = ctx
        tell = ctx.notify
        ctx.notify = lambda text, level="warning": (self.told.append((level, text)), tell(text, level))

    def on_bar(self, ctx, bar):
        super().on_bar(ctx, bar)
        self.seen.append(dict(ctx.state))


FALL = [100, 101, 100, 101, 100, 60, 55, 39, 38, 39, 38, 70, 71, 70]


def test_the_cost_basis_is_what_was_paid_for_a_unit_with_fees():
    strategy = Watched(rsi=2)
    result = run(strategy, days(FALL), taker_fee_bps=100)
    fills = result.record.fills
    paid = sum(fill.quantity * fill.price * 1.01 for fill in fills)
    state = strategy.seen[-1]
    assert state["cost"] == pytest.approx(paid)
    assert state["quantity"] == pytest.approx(sum(fill.quantity for fill in fills))


def test_far_below_its_cost_basis_it_pauses_and_tells_a_person_once():
    strategy = Watched(rsi=2, pause_drawdown=0.4)
    result = run(strategy, days(FALL))
    basis = [state["cost"] / state["quantity"] if state["quantity"] else 0.0 for state in strategy.seen]
    closes_ = FALL[-len(basis) :]
    paused = next(
        place
        for place, (one, price) in enumerate(zip(basis, closes_, strict=True))
        if one and price <= 0.6 * one
    )
    (level, text), *more = strategy.told
    assert (level, more) == ("warning", [])
    fall = 1 - closes_[paused] / basis[paused]
    assert text.startswith(
        f"TEST is {fall:.0%} below its cost basis of {basis[paused]:.8g}; no more is bought."
    )
    last = (result.record.orders[-1].time - START) // DAY
    assert last < len(FALL) - len(basis) + paused + 1, (
        "nothing is bought from then on, also after the price is back"
    )


def test_a_larger_pause_drawdown_goes_on():
    class Raised(Watched):
        """Is started again with another parameter after the price is back."""

        def on_bar(self, ctx, bar):
            if bar.close == 70 and self.pause_drawdown < 0.5:
                self.pause_drawdown = 0.5
            super().on_bar(ctx, bar)

    strategy = Raised(rsi=2, pause_drawdown=0.4)
    run(strategy, days(FALL))
    assert [state["paused_at"] for state in strategy.seen][-4:] == [0.4, 0.0, 0.0, 0.0]
    assert strategy.seen[-1]["quantity"] >= strategy.seen[-4]["quantity"]


def test_what_others_sell_leaves_the_basis_of_the_rest():
    class Trimmed(Watched):
        """Sells half of what it holds at the fourth purchase's time, and everything a day later."""

        def on_bar(self, ctx, bar):
            super().on_bar(ctx, bar)
            if len(self.seen) in {4, 5}:
                ctx.cancel_all()
                held = ctx.position("TEST").quantity
                ctx.sell("TEST", held / 2 if len(self.seen) == 4 else held)

    strategy = Trimmed(rsi=2, base_quote=1000, max_asset_fraction=0.9)
    run(strategy, days([100, 101, 100, 101, 100, 101, 100, 101]), taker_fee_bps=100)
    before, after, empty = strategy.seen[3], strategy.seen[4], strategy.seen[5]
    assert before["quantity"] > 0
    assert after["quantity"] == pytest.approx(before["quantity"] / 2, abs=0.001)
    assert after["cost"] / after["quantity"] == pytest.approx(before["cost"] / before["quantity"])
    assert (empty["quantity"], empty["cost"]) == (0.0, 0.0)


def test_on_recorded_days_the_factors_are_those_of_talib(real_data):
    series = replace(real_bars(real_data, "binance_spot_BTCUSDT", 20_000, 24 * 200), symbol="TEST")
    strategy = SmartDca(base_quote=50, max_asset_fraction=1, pause_drawdown=0.99)
    result = run(strategy, series, cash=1e6, least=0)
    frame = (
        pd.Series(series.close, pd.to_datetime(series.start, utc=True)).resample("1D").agg(["last", "size"])
    )
    whole = frame[frame["size"].cumsum() > 0]["last"]
    first = int(series.start[0])
    if first % DAY:
        whole = whole.iloc[1:]
    strength = pd.Series(talib.RSI(whole.to_numpy(), 14), whole.index + pd.Timedelta("1D")).dropna()
    wanted = {
        int(time.value): 50 * rsi_multiplier(value) / whole[time - pd.Timedelta("1D")]
        for time, value in strength.items()
        if rsi_multiplier(value) and time.value <= series.end[-1]
    }
    found = {order.time: order.quantity for order in result.record.orders}
    assert len(found) > 100
    assert found.keys() == wanted.keys()
    for time, quantity in found.items():
        assert quantity == pytest.approx(wanted[time], abs=0.001)


def test_the_interval_must_be_a_duration():
    with pytest.raises(ValueError, match="was 'daily'"):
        SmartDca(interval="daily")


def test_each_order_says_its_factor_and_a_verbose_log_why(caplog):
    # The holding counts at the last price: 0.5 at 108, then at 105, of an equity of 10,004 and 10,002.50.
    with caplog.at_level(logging.DEBUG, "hookline"):
        result = run(SmartDca(rsi=2), days([100, 102, 100, 108, 105, 90]))
    told = [one.getMessage() for one in caplog.records if one.name == "hookline.strategies.smart_dca"]
    assert told[:3] == [
        "RSI 50.0: 1 times the base, room for 2000",
        "RSI 90.0: 0 times the base, room for 1946.8",
        "RSI 56.2: 1 times the base, room for 1948",
    ]
    assert [order.tag for order in result.record.orders] == ["dca 1x", "dca 1x", "dca 3x"]
