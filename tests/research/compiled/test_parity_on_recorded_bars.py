"""Bundled strategies on recorded bars of several timeframes: compiled runs trade as the event kernel does."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import pytest
from random_runs import SeriesFeed
from same_runs import assert_same_figures, assert_same_record

from hookline import EquityFraction, ExternalSeries, Instrument, InstrumentKind, plugins
from hookline.feed import BarRequest
from hookline.model import BarSeries, MarginMode, MarginTier, TierStyle
from hookline.research.compiled import CompiledRun
from hookline.risk import RequireStop
from hookline.session import Session
from hookline.session.plan import Plan, Seat
from hookline_paper.broker import PaperBroker

STRATEGIES = {
    "ema_cross": {"fast": 4, "slow": 35, "adx_min": 10.0},
    "supertrend": {"period": 8, "multiplier": 2.0},
    "donchian_breakout": {"entry_n": 12, "exit_n": 6},
    "bollinger_reversion": {"adx_max": 60.0, "max_bandwidth": 1.0},
    "buy_and_hold": {},
}
DAILY = ("1d", "bars_1d/binance_spot_BTCUSDT_1d.parquet", slice(None))
SPOT_HOURS = ("1h", "bars_1h/binance_spot_ETHUSDT_1h.parquet", slice(20_000, 28_760))
PERPETUAL_HOURS = ("1h", "bars_1h/binance_usdm_BTCUSDT_1h.parquet", slice(1_000, 9_760))
MINUTES = ("1m", "bars_1m/binance_usdm_XRPUSDT_1m.parquet", slice(30_000, 36_000))
FUNDING = "funding/binance_usdm_BTCUSDT_funding.parquet"


def series_of(folder, timeframe, file, rows):
    table = pq.read_table(folder / file)
    columns = [table[name].to_numpy()[rows] for name in ("ts", "open", "high", "low", "close", "volume")]
    return BarSeries("ONE", timeframe, *columns)


def plan_of(folder, data, name, params, begin=None):
    series = series_of(folder, *data)
    is_spot = "spot" in data[1]
    funding = {}
    if data is PERPETUAL_HOURS:
        table = pq.read_table(folder / FUNDING)
        funding = {"ONE": ExternalSeries(table["ts"].to_numpy(), table["funding_rate"].to_numpy())}
    kind = InstrumentKind.SPOT if is_spot else InstrumentKind.PERPETUAL
    tick = Decimal("0.0001") if data is MINUTES else Decimal("0.01")
    instrument = Instrument("ONE", kind, tick_size=tick, lot_size=Decimal("0.00001"), min_notional=Decimal(5))
    strategy = plugins.build("strategies", name, params, "strategies[0]")
    request = BarRequest("ONE", series.timeframe)
    return Plan(
        name="recorded",
        mode="backtest",
        currency="USDT",
        seed=0,
        timeframe=series.timeframe,
        feed=SeriesFeed(),
        requests=[request],
        instruments={"ONE": instrument},
        broker=PaperBroker(maker_fee_bps=2.0, taker_fee_bps=5.0, slippage_bps=1.0, leverage=1.0 if is_spot else 3.0),
        seats=[Seat(name, name, strategy, ("ONE",), 10_000.0)],
        rules=[RequireStop()],
        funding=funding,
        loaded={request: series},
        begin=None if begin is None else int(series.start[begin]),
    )  # fmt: skip


@pytest.mark.parametrize("data", [DAILY, SPOT_HOURS, PERPETUAL_HOURS, MINUTES], ids=lambda one: one[1])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_bundled_strategy_trades_recorded_bars_as_in_the_event_kernel(real_data, name, data):
    event = Session(plan_of(real_data, data, name, STRATEGIES[name], begin=400)).run()
    run = CompiledRun(plan_of(real_data, data, name, STRATEGIES[name], begin=400))
    strategy = run.plan.seats[0].strategy
    assert len(event.record.fills) >= (1 if name == "buy_and_hold" else 20)
    assert_same_record(run.record(strategy), event.record)
    assert_same_figures(run.metrics([strategy])[0], event)


@pytest.mark.parametrize("data", [DAILY, PERPETUAL_HOURS], ids=lambda one: one[1])
@pytest.mark.parametrize("name", ["supertrend", "bollinger_reversion"])
def test_market_orders_fill_at_recorded_closes_as_in_the_event_kernel(real_data, name, data):
    def plan():
        one = plan_of(real_data, data, name, STRATEGIES[name], begin=400)
        return replace(one, broker=replace(one.broker, fill="close"))

    event = Session(plan()).run()
    run = CompiledRun(plan())
    strategy = run.plan.seats[0].strategy
    assert len(event.record.fills) >= 20
    assert event.record.fills[0].time == event.record.orders[0].time
    assert_same_record(run.record(strategy), event.record)
    assert_same_figures(run.metrics([strategy])[0], event)


TIERS = (
    MarginTier(Decimal(40_000), Decimal("0.004"), Decimal(50)),
    MarginTier(Decimal(90_000), Decimal("0.02"), Decimal(20)),
    MarginTier(None, Decimal("0.05"), Decimal(9)),
)
MARGINS = {
    "tiers": {"margin_tiers": TIERS},
    "isolated": {"margin_mode": MarginMode.ISOLATED, "margin_tiers": TIERS[-1:], "leverage": Decimal(9)},
    "isolated, tiers": {"margin_mode": MarginMode.ISOLATED, "margin_tiers": TIERS},
    "flat tiers": {"margin_tiers": TIERS, "tier_style": TierStyle.FLAT},
}
MARKS = "mark/binance_usdm_BTCUSDT_mark_1h.parquet"


def marks_of(folder, series):
    table = pq.read_table(folder / MARKS)
    prices = (table[name].to_numpy() for name in ("open", "high", "low", "close"))
    marks = BarSeries("ONE", "1h", table["ts"].to_numpy(), *prices, np.ones(len(table)))
    return marks.between(int(series.start[0]), int(series.end[-1]))


@pytest.mark.parametrize("marked", [False, True], ids=["traded price", "mark price"])
@pytest.mark.parametrize("terms", MARGINS)
@pytest.mark.parametrize("name", ["supertrend", "donchian_breakout"])
def test_leveraged_positions_are_liquidated_on_recorded_bars_as_in_the_event_kernel(
    real_data, name, terms, marked
):
    def plan():
        one = plan_of(real_data, PERPETUAL_HOURS, name, STRATEGIES[name], begin=400)
        seats = [replace(one.seats[0], sizer=EquityFraction(15.0))]
        instruments = {"ONE": replace(one.instruments["ONE"], **MARGINS[terms])}
        marks = {"ONE": marks_of(real_data, *one.loaded.values())} if marked else {}
        broker = replace(one.broker, leverage=30.0)
        return replace(one, rules=[], seats=seats, instruments=instruments, broker=broker, marks=marks)

    event = Session(plan()).run()
    run = CompiledRun(plan())
    strategy = run.plan.seats[0].strategy
    assert any(order.tag == "liquidation" for order in event.record.orders)
    assert_same_record(run.record(strategy), event.record)
    assert_same_figures(run.metrics([strategy])[0], event)


def test_all_variants_of_a_sweep_have_the_figures_of_their_own_event_backtests(real_data):
    variants = [
        {"fast": fast, "slow": slow, "swing": swing}
        for fast in (3, 9)
        for slow in (21, 60)
        for swing in (5, 12)
    ]
    plan = plan_of(real_data, DAILY, "ema_cross", {"adx_min": 0.0})
    strategies = [plugins.build("strategies", "ema_cross", {"adx_min": 0.0, **one}, "x") for one in variants]
    found = CompiledRun(plan).metrics(strategies)
    for one, figures in zip(variants, found, strict=True):
        assert_same_figures(
            figures, Session(plan_of(real_data, DAILY, "ema_cross", {"adx_min": 0.0, **one})).run()
        )
    assert len({one["final_equity"] for one in found}) == len(variants)


def test_volatility_targets_use_their_own_column(real_data):
    from hookline import VolatilityTarget

    def plan():
        one = plan_of(real_data, DAILY, "buy_and_hold", {})
        return replace(one, rules=[], seats=[replace(one.seats[0], sizer=VolatilityTarget(0.3, 2.0, 30))])

    event = Session(plan()).run()
    run = CompiledRun(plan())
    assert_same_record(run.record(run.plan.seats[0].strategy), event.record)
    assert not np.isnan(run.metrics([run.plan.seats[0].strategy])[0]["sharpe"])
