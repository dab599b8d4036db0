"""A state machine over the venue on bars: whatever is asked of it and whatever the market does, what must hold holds.

Each run drives two kernels step by step. One goes on, the other is restarted from what a journal keeps of it now and then;
both must tell the same. Of the restarted one, fills and payments are added up again in whole lots and Decimals.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from machine_asks import ASKS, INSTRUMENTS, PERPETUAL, Asking, price
from machine_replay import Replay
from machine_track import Track
from machine_worlds import HOUR, START, Setting, World

import hookline as hl
from hookline.model import OrderType

DAY = 24 * HOUR
MOVES = st.integers(-6, 6)
# What bars do; see ``next_bars``.
HOURS = st.tuples(
    st.sampled_from([2, 2, 2, 2, 1, 6]), st.integers(0, 7),
    st.lists(st.tuples(st.booleans(), MOVES, MOVES, MOVES, MOVES), min_size=3, max_size=3),
)  # fmt: skip


def marks_of(symbol: str, rng: random.Random) -> hl.BarSeries:
    """Mark prices by the hour, on the grid."""
    size, rows = 60, []
    for _ in range(size):
        low, one, other, high = sorted(rng.randint(20, 40) for _ in range(4))
        rows.append([price(symbol, ticks) for ticks in (one, high, low, other)])
    starts = START + HOUR * np.arange(size)
    return hl.BarSeries(symbol, "1h", starts, *np.array(rows).T, np.ones(size))


def funding_of(rng: random.Random) -> hl.ExternalSeries:
    times = START + 4 * HOUR * np.arange(1, 40) + rng.choice([0, HOUR // 4])
    return hl.ExternalSeries(times, np.array([rng.uniform(-0.02, 0.02) for _ in times]))


def setting_of(instruments: list[hl.Instrument], seed: int) -> Setting:
    rng = random.Random(seed)
    broker = {
        "maker_fee_bps": rng.choice([0.0, -2.0, 10.0]),
        "taker_fee_bps": rng.choice([0.0, 7.5, 100.0]),
        "liquidation_fee_bps": rng.choice([0.0, 50.0]),
        "leverage": rng.choice([1.0, 5.0]),
        "limit_fill": rng.choice(["touch", "through"]),
        "intrabar": rng.choice(["stop_first", "path"]),
    }
    perpetuals = [one.symbol for one in instruments if one.kind is PERPETUAL]
    return Setting(
        {one.symbol: one for one in instruments},
        broker,
        {"a": rng.choice([30.0, 400.0]), "b": rng.choice([100.0, 1e6])},
        {symbol: funding_of(rng) for symbol in perpetuals if rng.random() < 0.7},
        {symbol: marks_of(symbol, rng) for symbol in perpetuals if rng.random() < 0.3},
    )


class BarMachine(Asking):
    """Anything that a strategy may ask for, anything that bars may do, in any order."""

    @initialize(
        names=st.lists(
            st.sampled_from([one.symbol for one in INSTRUMENTS]), min_size=1, max_size=3, unique=True
        ),
        seed=st.integers(0, 10**6),
    )
    def begin(self, names, seed):
        self.setting = setting_of([one for one in INSTRUMENTS if one.symbol in names], seed)
        self.worlds = [World(self.setting), World(self.setting)]
        self.replay, self.track = Replay(self.setting), Track()
        self.bars: dict[str, hl.Bar] = {}
        self.now = START
        self.doomed: set[int] = set()
        self.due = self._payments()

    def _payments(self):
        """Funding and interest of the whole run, as time, symbol and rate, in order."""
        funding = [
            (time, 0, number, symbol, rate)
            for number, (symbol, one) in enumerate(self.setting.funding.items())
            for time, rate in zip(one.time.tolist(), one.value.tolist(), strict=True)
        ]
        interest = [
            (START + day * DAY, 1, number, symbol, float(one.borrow_rate) / 365)
            for day in range(10)
            for number, (symbol, one) in enumerate(self.setting.instruments.items())
            if one.borrow_rate
        ]
        return [(time, symbol, rate) for time, _, _, symbol, rate in sorted([*funding, *interest])]

    @rule(asks=st.lists(ASKS, max_size=4), hours=st.lists(HOURS, max_size=4))
    def trade(self, asks, hours):
        for ask in asks:
            self.submit(*ask)
        for hour in hours:
            self.next_bars(*hour)

    @rule(asks=st.lists(ASKS, min_size=2, max_size=5), hour=HOURS)
    def trade_much(self, asks, hour):
        self.trade(asks, [hour])

    # -- the market --------------------------------------------------------------------------------------------------------

    def next_bars(self, wait, which, shapes):
        end = self.now + wait * HOUR // 2
        symbols = list(self.setting.instruments)
        ready = [one for one in symbols if one not in self.bars or self.bars[one].end <= end - HOUR]
        chosen = [one for number, one in enumerate(ready) if which >> number & 1] or ready
        if not chosen:
            return
        self._pay_before(end)
        bars = [self._bar(symbol, end, *shape) for symbol, shape in zip(chosen, shapes, strict=False)]
        self.bars |= {bar.symbol: bar for bar in bars}
        self.now = end
        for world in self.worlds:
            world.bars(bars)
        self._look(chosen)

    def _bar(self, symbol, end, is_calm, *moves):
        tick = float(self.setting.instruments[symbol].tick_size)
        last = round(self.bars[symbol].close / tick) if is_calm and symbol in self.bars else 30
        scale = 1 if is_calm else 3
        begin, one, other, stop = (min(45, max(12, last + scale * move)) for move in moves)
        ticks = [begin, max(begin, one, other, stop), min(begin, one, other, stop), stop]
        return hl.Bar(symbol, end - HOUR, end, *(price(symbol, n) for n in ticks), 1.0)

    def _pay_before(self, end):
        """What is to be paid before a time: at the mark then known, else at the last close."""
        now = [one for one in self.due if one[0] < end]
        self.due = self.due[len(now) :]
        self.payments = [(time, symbol, rate, self._price_at(symbol, time)) for time, symbol, rate in now]

    def _price_at(self, symbol, time):
        marks = self.setting.marks.get(symbol)
        known = 0 if marks is None else int(np.searchsorted(marks.end, time, "right"))
        if marks is not None and known:
            return float(marks.close[known - 1])
        return self.bars[symbol].close if symbol in self.bars else float("nan")

    # -- the session --------------------------------------------------------------------------------------------------------

    def _halted(self):
        orders = self.worlds[0].orders
        self.doomed |= {n for n, order in orders.items() if order.is_open and not order.reduce_only}

    @rule()
    def restart(self):
        before = self.worlds[1].state()
        self.worlds[1] = self.worlds[1].restarted()
        after = self.worlds[1].state()
        assert after == before
        self._look()

    # -- what must hold ----------------------------------------------------------------------------------------------------------

    def _look(self, moved=()):
        """Take what has happened; both worlds must tell the same, and it must be allowed."""
        steady, news = (world.news() for world in self.worlds)
        assert news.fills == steady.fills
        assert news.updates == steady.updates
        assert news.payments == steady.payments
        assert [one.number for one in news.orders] == [one.number for one in steady.orders]
        self.track.take(news)
        self.replay.pay(news.payments, self.payments if moved else [])
        for fill in news.fills:
            order = self.worlds[1].orders[fill.order_number]
            terms = self.worlds[1].watching.terms[fill.number]
            self.replay.fill(fill, order, terms.limit)
            self._check_price(fill, order, terms.trigger, moved)
        if moved:
            left = {n for n in self.doomed if self.worlds[1].orders[n].is_open}
            assert not any(self.worlds[1].orders[n].symbol in moved for n in left), (
                "a halt ends what could open"
            )
            self.doomed = left

    def _check_price(self, fill, order, trigger, moved):
        """A fill is at a price that its bar has traded, after the order was sent, and no better than its trigger allows."""
        assert moved, "without a bar nothing trades"
        bar, one = self.bars[fill.symbol], self.setting.instruments[fill.symbol]
        assert one.on_grid(fill.price) == fill.price
        if order.tag == "liquidation":
            worst = bar.low if order.side < 0 else bar.high
            assert order.side * (worst - fill.price) >= 0
            return
        assert fill.symbol in moved
        assert bar.low <= fill.price <= bar.high
        assert fill.time in (bar.start, bar.end)
        assert (order.parent or order).time <= bar.start
        if fill.time == bar.start:
            assert fill.price == bar.open
        if order.type is OrderType.MARKET:
            assert fill.time == bar.start
        if order.type in (OrderType.STOP, OrderType.TRAILING_STOP):
            assert order.side * (fill.price - trigger) >= 0
        if order.type is OrderType.TAKE_PROFIT:
            assert order.side * (trigger - fill.price) >= 0

    @invariant()
    def books_balance(self):
        if hasattr(self, "worlds"):
            self.replay.check(self.worlds[1])

    @invariant()
    def orders_are_where_they_belong(self):
        if hasattr(self, "worlds"):
            for world in self.worlds:
                self.track.check(world)
                self.track.check_queues(world, world.kernel.broker._bars)


TestBarMachine = pytest.mark.slow(BarMachine.TestCase)
TestBarMachine.settings = settings(max_examples=60, stateful_step_count=40, print_blob=True)
