"""A state machine over the venue on the tape: whatever is asked of it and whatever the tape tells, what must hold holds.

Books, quotes and trades of one or two symbols come at a venue that is at hand, or behind a latency. Restarts lose what nobody had
heard of, and the book with it. Fills and payments are added up again in whole lots and Decimals.
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
from hookline.model import BookUpdate, MarketData, OrderType, Quote, Trade
from hookline_paper.latency import Latency

SECOND = 10**9
LAG = SECOND // 2
ALL = frozenset({MarketData.QUOTES, MarketData.TRADES, MarketData.BOOK})
QUANTITIES = st.integers(0, 12)
# What the tape tells; see ``tell``: how long after the event before, of which symbol, what, from which price on, of which side, how much.
EVENTS = st.tuples(
    st.sampled_from([0, 1, 1, 60, 7200]), st.integers(0, 1),
    st.sampled_from(["trade", "trade", "level", "level", "levels", "snapshot", "snapshot", "quote"]),
    st.integers(-6, 6), st.sampled_from(list(hl.Side)), st.lists(QUANTITIES, min_size=3, max_size=3),
)  # fmt: skip


def setting_of(instruments: list[hl.Instrument], seed: int, *, is_late: bool) -> Setting:
    rng = random.Random(seed)
    late = (
        {"latency": Latency(entry_ms=rng.choice([1, 700]), response_ms=rng.choice([1, 700]))}
        if is_late
        else {}
    )
    times = START + HOUR // 2 * np.arange(1, 60)
    rates = {
        one.symbol: hl.ExternalSeries(times, np.array([rng.uniform(-0.02, 0.02) for _ in times]))
        for one in instruments
        if one.kind is PERPETUAL
    }
    return Setting(
        {one.symbol: one for one in instruments},
        {
            "maker_fee_bps": rng.choice([0.0, -2.0, 10.0]),
            "taker_fee_bps": rng.choice([0.0, 7.5, 100.0]),
            "leverage": rng.choice([1.0, 5.0]),
            "queue": rng.choice(["pessimistic", "proportional"]),
        }
        | late,
        {"a": rng.choice([30.0, 400.0]), "b": rng.choice([100.0, 1e6])},
        rates,
        tapes={one.symbol: ALL for one in instruments},
    )


def _is_of(row, payment) -> bool:
    """Whether a payment that was made is of one that is due."""
    return (row[0], row[2].partition("|")[0]) == (payment[0], payment[1])


class TapeMachine(Asking):
    """Anything that a strategy may ask for, anything that a tape may tell, in any order."""

    is_late = False

    @initialize(
        names=st.lists(
            st.sampled_from([one.symbol for one in INSTRUMENTS]), min_size=1, max_size=2, unique=True
        ),
        seed=st.integers(0, 10**6),
    )
    def begin(self, names, seed):
        chosen = [one for one in INSTRUMENTS if one.symbol in names]
        self.setting = setting_of(chosen, seed, is_late=self.is_late)
        self.worlds = [World(self.setting)]
        self.replay, self.track = Replay(self.setting), Track()
        self.now = START
        self.middle = dict.fromkeys(self.setting.instruments, 30)
        self.trade: dict[str, float] = {}
        self.seen: dict[str, dict[float, int]] = {symbol: {} for symbol in self.setting.instruments}
        self.fresh = set(self.setting.instruments)
        funding = [
            (time, 0, number, symbol, rate)
            for number, (symbol, one) in enumerate(self.setting.funding.items())
            for time, rate in zip(one.time.tolist(), one.value.tolist(), strict=True)
        ]
        interest = [
            (START + day * 24 * HOUR, 1, number, symbol, float(one.borrow_rate) / 365)
            for number, (symbol, one) in enumerate(self.setting.instruments.items())
            for day in range(100)
            if one.borrow_rate
        ]
        self.due = [(time, symbol, rate) for time, _, _, symbol, rate in sorted([*funding, *interest])]

    @property
    def world(self):
        return self.worlds[0]

    @property
    def venue(self):
        tape = self.world.kernel.broker._tape
        return tape.venue if self.is_late else tape

    # -- the tape ----------------------------------------------------------------------------------------------------------

    @rule(asks=st.lists(ASKS, max_size=4), events=st.lists(EVENTS, max_size=6))
    def go_on(self, asks, events):
        for event in events[::2]:
            self.tell(*event)
        for ask in asks:
            self.submit(*ask)
        for event in events[1::2]:
            self.tell(*event)

    @rule(asks=st.lists(ASKS, min_size=2, max_size=4), events=st.lists(EVENTS, min_size=4, max_size=8))
    def go_on_long(self, asks, events):
        self.go_on(asks, events)

    def tell(self, wait, which, kind, move, side, quantities):
        symbols = list(self.setting.instruments)
        symbol = symbols[which % len(symbols)]
        if symbol in self.fresh:
            self.fresh.discard(symbol)
            kind = "snapshot"
        self.now += wait * SECOND
        event = self._event(symbol, kind, move, side, quantities)
        known = {one: self.world.kernel.markets[one].last for one in symbols}
        paid = [one for one in self.due if one[0] < event.time]
        self.due = self.due[len(paid) :]
        self._hand_over(event)
        self._note_shown()
        if kind == "trade":
            self.seen[symbol][event.price] = self.now
        self._look([(time, one, rate, known[one]) for time, one, rate in paid], event)

    def _hand_over(self, event):
        kernel, lane = self.world.kernel, self.world.lanes[event.symbol]
        if self.is_late:
            kernel.venue_sees(event)
            self._note_shown()
        kernel.run_tape(lane, (event,), seen=self.is_late)
        self.now = max(self.now, event.time)

    def _event(self, symbol, kind, move, side, quantities):
        venue_time, time = self.now, self.now + (LAG if self.is_late else 0)
        times = (symbol, time, venue_time)
        if kind == "snapshot":
            self.middle[symbol] = min(45, max(15, self.middle[symbol] + move))
        at, lot = self.middle[symbol], float(self.setting.instruments[symbol].lot_size)
        units = [lot * one for one in quantities]
        if kind == "trade":
            return Trade(*times, price(symbol, at + move), units[0] + lot, side)
        if kind == "quote":
            return Quote(
                *times, price(symbol, at - 1), units[0], price(symbol, at + 1 + abs(move) // 3), units[1]
            )
        if kind == "snapshot":
            sides, steps = [1, 1, 1, -1, -1, -1], [-1, -2, -3, 1, 2, 3]
            prices = [price(symbol, at + step) for step in steps]
            return BookUpdate(*times, True, sides, prices, [lot + units[n % 3] * 4 for n in range(6)])
        count = 1 if kind == "level" else 3
        # Mostly on its own side of the middle, at times across it: a crossed book.
        prices = [price(symbol, at - side * (abs(move) + n if move < 5 else -n)) for n in range(count)]
        return BookUpdate(*times, False, [int(side)] * count, prices, units[:count])

    def _note_shown(self):
        for symbol, seen in self.seen.items():
            book = self.venue.book(symbol)
            for side in hl.Side:
                seen.update((at, self.now) for at, _ in book.levels(side))

    # -- the session ---------------------------------------------------------------------------------------------------------

    def _halted(self):
        if not self.is_late:
            assert all(order.reduce_only for order in self.world.orders.values() if order.is_open)

    @rule()
    def restart(self):
        self.worlds[0] = self.world.restarted()
        self.fresh = set(self.setting.instruments)
        self._look()

    # -- what must hold --------------------------------------------------------------------------------------------------------

    def _look(self, paid=(), event=None):
        self._note_shown()
        news = self.world.news()
        self.track.take(news)
        heard = list(zip(news.seen, news.fills, strict=True))
        for one in paid:
            # What arrives until then counts.
            before = [fill for time, fill in heard if time <= one[0]]
            heard = heard[len(before) :]
            self._book(before, event)
            self.replay.pay([row for row in news.payments if _is_of(row, one)], [one])
        assert all(any(_is_of(row, one) for one in paid) for row in news.payments)
        self._book([fill for _, fill in heard], event)
        if isinstance(event, Trade) and not self.is_late:
            made = [fill for fill in news.fills if fill.is_maker]
            assert sum(fill.quantity for fill in made) <= event.quantity * (1 + 1e-9)

    def _book(self, fills, event):
        for fill in fills:
            order = self.world.orders[fill.order_number]
            terms = self.world.watching.terms[fill.number]
            self.replay.fill(fill, order, terms.limit)
            self._check_price(fill, order, terms, event)

    def _check_price(self, fill, order, terms, event):
        assert self.setting.instruments[fill.symbol].on_grid(fill.price) == fill.price
        if order.tag == "liquidation":
            return
        if fill.is_maker:
            assert fill.price == terms.limit
            reached = [at for at, time in self.seen[fill.symbol].items() if time >= order.time]
            assert any(order.side * (fill.price - at) >= 0 for at in reached)
        else:
            assert self.seen[fill.symbol][fill.price] >= order.time
        if not self.is_late:
            self._check_price_now(fill, order, terms, event)

    def _check_price_now(self, fill, order, terms, event):
        """At a venue at hand, what gives a fill its price is there when it is reported."""
        book = self.venue.book(fill.symbol)
        opposite = [at for at, _ in book.levels(hl.Side(-order.side))]
        if not fill.is_maker:
            assert fill.price in opposite
            assert order.side * (fill.price - opposite[0]) >= 0
        elif isinstance(event, Trade):
            assert order.side * (fill.price - event.price) >= 0
        else:
            assert order.side * (fill.price - opposite[0]) >= 0
        if order.type in (OrderType.STOP, OrderType.TRAILING_STOP) and isinstance(event, Trade):
            assert order.side * (event.price - terms.trigger) >= 0

    @invariant()
    def books_balance(self):
        if self.worlds:
            self.replay.check(self.world)

    @invariant()
    def orders_are_where_they_belong(self):
        if not self.worlds:
            return
        self.track.check(self.world)
        if self.is_late:
            self._check_twins()
        else:
            self.track.check_queues(self.world, self.venue)
        for symbol, market in self.venue._markets.items():
            resting = [
                place.order
                for own in market.own.values()
                for at in own.levels.values()
                for place in at.places
            ]
            places = [*resting, *market.triggers, *market.waiting]
            assert sorted(map(id, places)) == sorted(map(id, self.venue.open[symbol]))
            assert all(order.is_open for order in places)

    def _check_twins(self):
        """Twins are of open orders, and once nothing is under way the venue knows what the desk knows."""
        link = self.world.kernel.broker._tape
        assert all(order.is_open for order in link._twins.of)
        assert {twin: order for order, twin in link._twins.of.items()} == link._twins.original
        if link._out or link._back:
            return
        live = {n: order for n, order in self.world.orders.items() if order.is_open}
        assert {order.number for order in link._twins.of if order.number} == set(live)
        for order, twin in link._twins.of.items():
            told = (order.status, order.lots, order.filled_lots, order.limit_price)
            assert told == (twin.status, twin.lots, twin.filled_lots, twin.limit_price)
        for id_, ledger in self.world.kernel.ledgers.items():
            other = link._twin_ledgers[id_]
            assert abs(other.cash - ledger.cash) <= 1e-9 * float(self.replay.gross[id_])
            held = {one: position.lots for one, position in ledger.positions.items()}
            assert held == {one: position.lots for one, position in other.positions.items()}


class LateMachine(TapeMachine):
    """The same behind a latency."""

    is_late = True


TestTapeMachine = pytest.mark.slow(TapeMachine.TestCase)
TestLateMachine = pytest.mark.slow(LateMachine.TestCase)
TestTapeMachine.settings = TestLateMachine.settings = settings(
    max_examples=40, stateful_step_count=30, print_blob=True
)
