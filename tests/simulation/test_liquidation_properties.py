"""Random positions on wild bars: nobody owes the venue, and every cent is a fill, a fee or a funding payment."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hookline.model.instrument import MarginMode, MarginTier, PositionMode, TierStyle
from hookline.testing import Scripted

HOUR = 3600 * 10**9
START = 1_704_067_200_000_000_000
TIERS = (
    MarginTier(Decimal(2_000), Decimal("0.005"), Decimal(100)),
    MarginTier(Decimal(8_000), Decimal("0.02"), Decimal(20)),
    MarginTier(None, Decimal("0.05"), Decimal(10)),
)
few = settings(max_examples=60)


def wild(rng: random.Random, symbol: str, size: int) -> hl.BarSeries:
    """Bars around 100 with wicks of up to a fifth and gaps of up to a third, on a grid of 0.01."""
    rows, close = [], 100.0
    for _ in range(size):
        open_ = close * (rng.choice([1.0, 1.0, 1.0, rng.uniform(0.7, 1.4)]))
        close = min(max(open_ * rng.uniform(0.9, 1.1), 20.0), 500.0)
        high, low = max(open_, close) * rng.uniform(1, 1.2), min(open_, close) * rng.uniform(0.8, 1)
        rows.append([round(price, 2) for price in (open_, high, low, close)])
        close = rows[-1][3]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return hl.BarSeries(symbol, "1h", START + HOUR * np.arange(size), *columns, np.ones(size))


@dataclass
class Gambler(Scripted):
    """Bets at random, and notes what it is worth after every bar."""

    script: dict[Any, Any] = field(default_factory=dict)
    seed: int = 0
    worth: list[float] = field(init=False, repr=False, default_factory=list)
    final: dict[str, float] = field(init=False, repr=False, default_factory=dict)

    def on_start(self, ctx):
        self.rng = random.Random(self.seed)

    def on_bar(self, ctx, bar):
        self.worth.append(ctx.equity)
        if self.rng.random() < 0.5:
            return
        terms = {}
        if ctx.instrument(bar.symbol).position_mode == PositionMode.HEDGE:
            terms["position"] = self.rng.choice(["long", "short"])
        kind = self.rng.random()
        if kind < 0.3:
            terms["limit"] = bar.close * self.rng.uniform(0.9, 1.1)
        elif kind < 0.5:
            terms["trigger"] = bar.close * self.rng.uniform(0.9, 1.1)
        ctx.submit(bar.symbol, self.rng.choice(list(hl.Side)), self.rng.choice([0.5, 5.0, 60.0]), **terms)

    def on_stop(self, ctx):
        self.final = {"cash": ctx.cash, "equity": ctx.equity}


@dataclass(frozen=True)
class Night:
    gambler: Gambler
    record: Any
    warnings: list[str]
    cash: float

    @property
    def liquidations(self):
        return [order for order in self.record.orders if order.tag == "liquidation"]


def night(seed: int, mode: str, style: str, leverage: int, intrabar: str, symbols: int = 2) -> Night:
    rng = random.Random(seed)
    terms = {
        "kind": hl.InstrumentKind.PERPETUAL,
        "lot_size": Decimal("0.1"),
        "margin_tiers": TIERS,
        "tier_style": TierStyle(style),
        "leverage": Decimal(leverage),
        "position_mode": PositionMode.HEDGE if mode == "hedge" else PositionMode.ONE_WAY,
        "margin_mode": MarginMode.ISOLATED if mode == "isolated" else MarginMode.CROSS,
    }
    names = ["AAA", "BBB"][:symbols]
    gambler = Gambler(seed=seed)
    result = hl.backtest(
        gambler,
        {name: wild(rng, name, 40) for name in names},
        cash=1_000.0,
        instruments=[hl.Instrument(name, **terms) for name in names],
        funding={
            name: hl.ExternalSeries(
                START + 8 * HOUR * np.arange(1, 5), np.array([rng.uniform(-0.002, 0.002) for _ in range(4)])
            )
            for name in names
        },
        taker_fee_bps=5,
        maker_fee_bps=-1,
        slippage_ticks=3,
        intrabar=intrabar,
    )
    return Night(gambler, result.record, list(result.warnings), 1_000.0)


nights = st.builds(
    night,
    seed=st.integers(0, 10**6),
    mode=st.sampled_from(["cross", "isolated", "hedge"]),
    style=st.sampled_from(["marginal", "flat"]),
    leverage=st.sampled_from([1, 3, 10, 50]),
    intrabar=st.sampled_from(["stop_first", "path"]),
    symbols=st.sampled_from([1, 2]),
)


@given(nights)
@few
def test_nobody_ever_owes_the_venue(outcome):
    # Funding is paid between bars; what it takes from the last margin is settled at the next open.
    slack = 1e-9 * 1_000 + sum(max(0.0, -amount) for *_, amount in outcome.record.funding)

    assert min(outcome.gambler.worth) >= -slack
    assert outcome.gambler.final["equity"] >= -slack


@given(nights)
@few
def test_cash_is_start_less_what_was_traded_and_paid(outcome):
    cash = flow = Fraction(outcome.cash)
    for fill in outcome.record.fills:
        notional = fill.lots * Fraction("0.1") * Fraction(Decimal(repr(fill.price)))
        cash -= fill.side * notional + Fraction(fill.fee)
        flow += notional
    cash += sum(Fraction(amount) for *_, amount in outcome.record.funding)

    assert outcome.gambler.final["cash"] == pytest.approx(float(cash), abs=1e-9 * float(flow))


@given(nights)
@few
def test_a_liquidation_closes_the_whole_position_once(outcome):
    held = defaultdict(int)
    orders = {order.number: order for order in outcome.record.orders}
    for fill in outcome.record.fills:
        key = fill.position_id or fill.symbol
        if orders[fill.order_number].tag == "liquidation":
            assert fill.side * held[key] == -fill.lots
        held[key] += fill.side * fill.lots
    assert all(order.status == "filled" and order.reduce_only for order in outcome.liquidations)


def test_the_nights_are_wild():
    # Properties of nights without liquidations would hold for the wrong reason.
    outcomes = [
        night(seed, mode, "marginal", 10, "stop_first")
        for seed in range(8)
        for mode in ("cross", "isolated", "hedge")
    ]

    assert sum(len(outcome.liquidations) for outcome in outcomes) > 20
    assert any("insurance" in text for outcome in outcomes for text in outcome.warnings)
