"""Random decisions on random bars: a strategy that does what it is told, and plans of every kind that is compiled."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar

import numpy as np

from hookline import (
    EquityFraction,
    ExternalSeries,
    FixedNotional,
    FixedQuantity,
    Instrument,
    InstrumentKind,
    RiskByStop,
    SignalStrategy,
    VolatilityTarget,
    external,
    flat,
    hold,
    long,
    short,
)
from hookline.feed import BarRequest, Feed
from hookline.model import BarSeries, MarginMode, MarginTier, TierStyle
from hookline.risk import RequireStop
from hookline.session.plan import Plan, Seat
from hookline_paper.broker import PaperBroker

HOUR = 3600 * 10**9
START = 1_704_067_200 * 10**9
SIZERS = (
    EquityFraction(1.0),
    EquityFraction(2.5),
    FixedQuantity(3.3),
    FixedNotional(400.0),
    EquityFraction(20.0),
    RiskByStop(0.02, 1.5),
    VolatilityTarget(0.8, 2.0, 12),
)
STEPS = ("0.01", "0.3", "25", "0.5", "0.07")


class SeriesFeed(Feed):
    """Bars that are in the plan already."""

    name = "series"

    def load(self, request):
        raise AssertionError("the plan has the bars")


@dataclass
class Told(SignalStrategy):
    """Does what external series say: 0 hold, 1 flat, 2 long, 3 short, each with prices where they are known."""

    name: ClassVar[str] = "told"

    offset: float = 0.0

    def columns(self, bars):
        names = ("what", "size", "stop", "target", "with_stop", "with_target")
        return {name: external(name) for name in names} | {"close": bars.close + self.offset}

    @staticmethod
    def decide(x, held, p):
        stop = x.close * x.stop
        target = x.close * x.target
        if held.exposure < 0.0 or (held.exposure == 0.0 and x.what == 3.0):
            stop, target = x.close * (2.0 - x.stop), x.close * (2.0 - x.target)
        if x.what == 1.0:
            return flat()
        if x.what == 0.0:
            if x.with_stop and x.with_target:
                return hold(stop=stop, target=target)
            if x.with_stop:
                return hold(stop=stop)
            return hold(target=target) if x.with_target else hold()
        if x.what == 4.0:
            # What is held already, or a little more or less of it.
            size = abs(held.exposure) * (1.0 + x.size - 0.9)
            if held.exposure > 0.0:
                return long(size, stop=held.stop)
            return short(size, stop=held.stop) if held.exposure < 0.0 else hold()
        if x.what == 2.0:
            if x.with_stop and x.with_target:
                return long(x.size, stop=stop, target=target)
            if x.with_stop:
                return long(x.size, stop=stop)
            return long(x.size, target=target) if x.with_target else long(x.size)
        if x.with_stop and x.with_target:
            return short(x.size, stop=stop, target=target)
        if x.with_stop:
            return short(x.size, stop=stop)
        return short(x.size, target=target) if x.with_target else short(x.size)


def bars_of(rng, count, tick):
    """Return a walk with gaps between bars, in price and sometimes in time, on the grid or off it."""
    wild = rng.choice([0.003, 0.02, 0.08])
    step = rng.normal(0.0, wild, (count, 2)) * (rng.choice([0.1, 0.5]), 1.0)
    level = 1000.0 * np.exp(np.cumsum(step.ravel())).reshape(count, 2)
    if rng.random() < 0.8:
        level = np.maximum(np.rint(level / tick), 1.0) * tick
    top = level.max(axis=1) * (1.0 + np.abs(rng.normal(0.0, wild / 2, count)) * (rng.random(count) < 0.8))
    bottom = level.min(axis=1) * np.exp(-np.abs(rng.normal(0.0, wild / 2, count)) * (rng.random(count) < 0.8))
    start = START + HOUR * np.cumsum(1 + (rng.random(count) < 0.03) * 3)
    return BarSeries("ONE", "1h", start, level[:, 0], top, bottom, level[:, 1], np.ones(count))


def told_of(rng, end):
    """Return the external series of random decisions."""
    count = len(end)
    busy = rng.choice([0.1, 0.4, 0.9])
    values = {
        "what": np.where(rng.random(count) < busy, rng.integers(0, 5, count), 0).astype(float),
        "size": rng.choice([1.0, 1.0, 0.5, 0.25, 0.8, 1.7], count),
        "stop": 1.0 - rng.choice([0.001, 0.01, 0.05, 0.2, -0.01], count),
        "target": 1.0 + rng.choice([0.001, 0.01, 0.05, 0.2, -0.01], count),
        "with_stop": (rng.random(count) < rng.choice([0.0, 0.3, 0.9])).astype(float),
        "with_target": (rng.random(count) < rng.choice([0.0, 0.3])).astype(float),
    }
    return {name: ExternalSeries(end, value) for name, value in values.items()}


def instrument_of(rng):
    """Return an instrument with random steps and terms."""
    tick, lot = Decimal(rng.choice(STEPS)), Decimal(rng.choice(["0.001", "0.03", "1", "0.25"]))
    minimum = Decimal(int(rng.choice([0, 0, 2]))) * lot
    notional = Decimal(int(rng.choice([0, 0, 50])))
    common = {"tick_size": tick, "lot_size": lot, "min_quantity": minimum, "min_notional": notional}
    if rng.random() < 0.4:
        borrow = Decimal(int(rng.choice([0, 0, 5])))
        rate = Decimal("0.5") if borrow and rng.random() < 0.5 else Decimal(0)
        return Instrument("ONE", borrow_limit=borrow, borrow_rate=rate, **common)
    leverage = None if rng.random() < 0.7 else Decimal(int(rng.choice([2, 20, 50])))
    return Instrument("ONE", InstrumentKind.PERPETUAL, leverage=leverage, **common)


def tiered(rng, instrument):
    """Return an instrument with random margin tiers, whose borders positions of 10,000 and more cross."""
    borders = sorted(
        rng.choice([3_000, 9_000, 11_000, 25_000, 60_000, 150_000], rng.integers(1, 5), replace=False)
    )
    ends = [*map(Decimal, map(int, borders)), *([None] if rng.random() < 0.7 else [])]
    leverage = sorted(rng.choice([2, 3, 5, 10, 25, 60], len(ends)), reverse=True)
    leverage[0] = max(leverage[0], int(instrument.leverage or 0))
    tiers = [
        MarginTier(end, Decimal(int(most)) ** -1 * Decimal("0.5"), Decimal(int(most)))
        for end, most in zip(ends, leverage, strict=True)
    ]
    style = TierStyle.FLAT if rng.random() < 0.4 else TierStyle.MARGINAL
    return replace(instrument, margin_tiers=tuple(tiers), tier_style=style)


def marks_of(rng, series):
    """Return mark prices near a series, once an hour or more or less often, with gaps, sometimes from later on."""
    timeframe, step, each = [("1h", HOUR, 1), ("30m", HOUR // 2, 2), ("4h", 4 * HOUR, 1)][rng.integers(3)]
    bars = np.repeat(np.arange(len(series)), each)
    start = series.start[bars] + np.tile(np.arange(each) * step, len(series))
    keep = (rng.random(len(start)) < 0.85) & (start >= series.start[0] + int(rng.choice([0, 0, 30])) * HOUR)
    keep &= (start - START) % step == 0
    near = np.exp(rng.normal(0.0, rng.choice([0.0005, 0.01, 0.05]), len(start)))
    prices = [getattr(series, name)[bars] * near for name in ("open", "high", "low", "close")]
    return BarSeries("ONE", timeframe, *(column[keep] for column in (start, *prices)), np.ones(keep.sum()))


def plan_of(seed, count=120):
    """Return a random plan; the same seed gives the same one, and every fourth one is close to liquidation."""
    rng = np.random.default_rng(seed)
    is_harsh = seed % 4 == 3
    instrument = instrument_of(rng)
    if is_harsh:
        instrument = replace(
            instrument, kind=InstrumentKind.PERPETUAL, borrow_limit=Decimal(0), borrow_rate=Decimal(0)
        )
    series = bars_of(rng, count, float(instrument.tick_size))
    broker = PaperBroker(
        maker_fee_bps=float(rng.choice([0.0, 2.0, -1.0])),
        taker_fee_bps=float(rng.choice([0.0, 5.0, 30.0])),
        slippage_bps=float(rng.choice([0.0, 0.0, 3.0])),
        slippage_ticks=int(rng.choice([0, 0, 1])),
        slippage_range_fraction=float(rng.choice([0.0, 0.0, 0.1])),
        leverage=float(rng.choice([1.0, 1.0, 0.5, 5.0, 50.0, 50.0])),
        limit_fill=str(rng.choice(["touch", "through"])),
    )
    if is_harsh:
        broker = replace(broker, leverage=float(rng.choice([20.0, 50.0])))
    more = np.random.default_rng([seed, 2])
    if more.random() < 0.3:
        broker = replace(broker, fill="close")
    if instrument.kind is InstrumentKind.PERPETUAL and more.random() < 0.5:
        instrument = tiered(more, instrument)
    if instrument.kind is InstrumentKind.PERPETUAL and more.random() < 0.4:
        instrument = replace(instrument, margin_mode=MarginMode.ISOLATED)
    funding = {}
    if instrument.kind is InstrumentKind.PERPETUAL and rng.random() < 0.5:
        time = series.start[0] + HOUR * np.arange(-3, 2 * count, int(rng.choice([1, 8])))
        time = time + int(rng.choice([0, 0, HOUR // 3]))
        funding = {"ONE": ExternalSeries(time, rng.normal(0.0, 0.002, len(time)))}
    sizer = (
        EquityFraction(float(rng.choice([3.0, 8.0, 20.0]))) if is_harsh else SIZERS[rng.integers(len(SIZERS))]
    )
    marks = {"ONE": marks_of(more, series)} if more.random() < 0.3 else {}
    request = BarRequest("ONE", "1h")
    return Plan(
        name="random",
        mode="backtest",
        currency="USDT",
        seed=0,
        timeframe="1h",
        feed=SeriesFeed(),
        requests=[request],
        instruments={"ONE": instrument},
        broker=broker,
        seats=[Seat("told", "told", Told(), ("ONE",), 10_000.0, sizer)],
        rules=[RequireStop()] if rng.random() < 0.3 and not is_harsh else [],
        external=told_of(rng, series.end),
        funding=funding,
        marks=marks,
        loaded={request: series},
        begin=int(series.start[17]) if rng.random() < 0.3 else None,
    )
