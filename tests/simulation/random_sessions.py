"""Random bars and random streams of orders, for properties that hold whatever is traded.

hypothesis draws the size and the seed, and a generator of that seed the rest: drawing every price would cost more than
the sessions themselves.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

import hookline as hl
from hookline.clock import to_ns
from hookline.testing import Scripted

HOUR = 3600 * 10**9
START = 1_704_067_200_000_000_000

PERP = hl.Instrument(
    "PERP", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.1")
)
SPOT = hl.Instrument("SPOT", tick_size=Decimal("0.3"), lot_size=Decimal("0.003"), min_notional=Decimal("0.2"))
INSTRUMENTS = {one.symbol: one for one in (PERP, SPOT)}


def price_of(symbol: str, ticks: int) -> float:
    return float(INSTRUMENTS[symbol].tick_size * ticks)


def random_series(rng: random.Random, symbol: str, size: int, starts: int) -> hl.BarSeries:
    """Bars on the grid: flat ones, gaps in price, gaps in time; prices from 15 to 45 ticks."""
    rows, times, time = [], [], START + starts
    for _ in range(size):
        low, one, other, high = sorted(rng.randint(15, 45) for _ in range(4))
        open_, close = rng.sample([one, other], 2)
        rows.append([one] * 4 if rng.random() < 0.2 else [open_, high, low, close])
        times.append(time)
        time += HOUR * rng.choice([1, 1, 1, 1, 3])
    columns = [np.array([price_of(symbol, ticks) for ticks in column]) for column in zip(*rows, strict=True)]
    return hl.BarSeries(symbol, "1h", np.array(times), *columns, np.ones(size))


@dataclass
class Trader(Scripted):
    """Asks for anything at random, and notes when it heard of each fill and what it holds at the end."""

    script: dict[Any, Any] = field(default_factory=dict)
    seed: int = 0
    heard: list[tuple[int, hl.Fill]] = field(init=False, repr=False, default_factory=list)
    final: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def on_start(self, ctx):
        self.rng = random.Random(self.seed)

    def on_bar(self, ctx, bar):
        for _ in range(self.rng.choice([0, 0, 1, 1, 2, 3])):
            symbol = self.rng.choice([bar.symbol, bar.symbol, bar.symbol, *ctx.symbols])
            asks = (self._order, self._order, self._order, self._bracket, self._change, self._target)
            self.rng.choice(asks)(ctx, symbol)

    def on_fill(self, ctx, fill):
        self.heard.append((to_ns(ctx.now), fill))

    def on_stop(self, ctx):
        positions = {symbol: ctx.position(symbol) for symbol in ctx.symbols}
        self.final = {
            "cash": ctx.cash,
            "equity": ctx.equity,
            "lots": {symbol: one.lots for symbol, one in positions.items()},
            "pending": {symbol: one.pending for symbol, one in positions.items()},
            "last": {symbol: ctx.last(symbol) for symbol in ctx.symbols},
        }

    def _quantity(self, symbol):
        return self.rng.randint(1, 60) * float(INSTRUMENTS[symbol].lot_size)

    def _order(self, ctx, symbol):
        price, other = (price_of(symbol, self.rng.randint(15, 45)) for _ in range(2))
        terms = self.rng.choice(
            [
                {},
                {},
                {"limit": price},
                {"limit": price, "post_only": True},
                {"limit": price, "time_in_force": "ioc"},
                {"limit": price, "time_in_force": "fok"},
                {"limit": price, "expire": timedelta(minutes=150)},
                {"trigger": price},
                {"trigger": price, "limit": other},
                {"trigger": price, "limit": other, "time_in_force": "ioc"},
                {"type": "take_profit", "trigger": price},
                {"trail_amount": other / 10},
                {"trail_fraction": 0.07},
            ]
        )
        linked = ctx.open_orders(symbol) if self.rng.random() < 0.2 else []
        ctx.submit(
            symbol,
            self.rng.choice(list(hl.Side)),
            self._quantity(symbol),
            reduce_only=self.rng.random() < 0.25,
            oco=self.rng.choice(linked) if linked else None,
            **terms,
        )

    def _bracket(self, ctx, symbol):
        side, at = self.rng.choice(list(hl.Side)), self.rng.choice([None, "limit", "trigger"])
        base = price_of(symbol, self.rng.randint(15, 45)) if at else ctx.last(symbol)
        if not base > 0:  # no bar of it yet
            return
        away, gain = (price_of(symbol, self.rng.randint(1, 12)) for _ in range(2))
        terms = {at: base} if at else {}
        terms |= {"stop_loss_trail": away} if self.rng.random() < 0.3 else {"stop_loss": base - side * away}
        terms |= {"take_profit": base + side * gain} if self.rng.random() < 0.6 else {}
        ctx.submit(symbol, side, self._quantity(symbol), **terms)

    def _change(self, ctx, symbol):
        orders = [one for one in ctx.open_orders(symbol) if one.type != hl.OrderType.MARKET]
        if not orders:
            return
        order, price = self.rng.choice(orders), price_of(symbol, self.rng.randint(15, 45))
        if self.rng.random() < 0.4:
            ctx.cancel(order)
        else:
            ctx.amend(
                order,
                quantity=self._quantity(symbol) if self.rng.random() < 0.5 else None,
                limit=None if order.limit_price is None else price,
                trigger=None if order.trigger_price is None else price,
            )

    def _target(self, ctx, symbol):
        ctx.target(symbol, self.rng.choice([0, 0, 1, -1]) * self._quantity(symbol))


@dataclass
class Outcome:
    """A random session that was run."""

    traders: dict[str, Trader]
    series: dict[str, hl.BarSeries]
    params: dict[str, Any]
    cash: float
    result: Any

    def __repr__(self) -> str:
        return f"Outcome({self.params}, {self.cash:g})"

    @property
    def record(self):
        return self.result.record

    @property
    def orders(self):
        return {order.number: order for order in self.record.orders}

    def bar_heard(self, symbol, time):
        """The bar of a symbol that ended at a time."""
        one = self.series[symbol]
        return one.bar(int(np.searchsorted(one.end, time)))


def random_session(size: int, seed: int, *, slips: bool = False) -> Outcome:
    """Run two traders on two instruments at a venue with random costs and rules."""
    rng = random.Random(seed)
    data = {
        "PERP": random_series(rng, "PERP", size, 0),
        "SPOT": random_series(rng, "SPOT", size, rng.choice([0, 0, HOUR // 2])),
    }
    params = {
        "maker_fee_bps": rng.choice([0.0, -2.0, 10.0]),
        "taker_fee_bps": rng.choice([0.0, 7.5, 100.0]),
        "leverage": rng.choice([1.0, 5.0]),
        "limit_fill": rng.choice(["touch", "through"]),
        "intrabar": rng.choice(["stop_first", "path"]),
        "fill": rng.choice(["open", "open", "close"]),
    }
    if slips:
        params |= {"slippage_ticks": 1, "slippage_bps": 20.0, "slippage_range_fraction": 0.1}
    traders = [Trader(seed=rng.randrange(10**6)) for _ in range(2)]
    cash = rng.choice([50.0, 400.0, 1e6])
    result = hl.backtest(traders, data, cash=2 * cash, instruments=list(INSTRUMENTS.values()), **params)
    ids = [one.id for one in result.record.strategies]
    return Outcome(dict(zip(ids, traders, strict=True)), data, params, cash, result)


def sessions(*, slips: bool = False) -> st.SearchStrategy[Outcome]:
    sizes, seeds = st.integers(1, 60), st.integers(0, 2**32)
    return st.builds(lambda size, seed: random_session(size, seed, slips=slips), sizes, seeds)
