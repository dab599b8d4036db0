"""Random interleavings of requests, answers, notifications, fills, losses, duplicates and restarts: in the end both sides agree."""

import random

import pytest
from hand_lmex import ALT, PERP, C, Desk
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from hookline.model import TimeInForce

FAULTS = ["unreachable", "refuse", "lose_request", "lose_answer"]
ORDERS = ["buy", "sell", "market", "bracket", "stop", "ioc", "post", "oco", "cancel", "amend"]
HERE = ["flush", "step", "step", "hear", "look", "pass", "restart", "catch_up"]
THERE = ["tell", "tell", "twice", "lose", "shuffle", "fill", "part", "end", "price", "dumb", "clever"]
WORDS = [*ORDERS, *ORDERS, *HERE, *HERE, "step", "step", "flush", "hear", *THERE, *THERE, "tell", *FAULTS]
STEPS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 30)), min_size=10, max_size=80)


class Play:
    """Plays steps against a desk."""

    def __init__(self, *instruments):
        self.desk = Desk(*instruments)
        self.symbols = [one.symbol for one in instruments]

    def play(self, steps):
        for what, number in steps:
            getattr(self, f"do_{what}", self._fault)(number) if what not in FAULTS else self._fault(what)
        self.desk.flush()
        self.desk.run()
        self.desk.settle(sweep=True)

    def _fault(self, what):
        self.desk.venue.faults.append(what)

    def _symbol(self, number):
        return self.symbols[number % len(self.symbols)]

    def _own(self, number):
        orders = list(self.desk.kernel.open_orders())
        return orders[number % len(orders)] if orders else None

    def _there(self, number):
        orders = [one for one in self.desk.venue.orders.values() if one.is_open]
        return orders[number % len(orders)] if orders else None

    def do_buy(self, number):
        self.desk.ctx.buy(self._symbol(number), 0.001 * (1 + number % 5), limit=90.0 - number)

    def do_sell(self, number):
        self.desk.ctx.sell(self._symbol(number), 0.001 * (1 + number % 5), limit=110.0 + number)

    def do_market(self, number):
        side = self.desk.ctx.buy if number % 2 else self.desk.ctx.sell
        side(self._symbol(number), 0.001 * (1 + number % 3))

    def do_bracket(self, number):
        limit = None if number % 3 == 0 else 95.0
        take = None if number % 5 == 0 else 120.0
        self.desk.ctx.buy(
            self._symbol(number), 0.001 * (2 + number % 4), limit=limit, stop_loss=80.0, take_profit=take
        )

    def do_stop(self, number):
        self.desk.ctx.sell(self._symbol(number), 0.002, trigger=85.0, reduce_only=bool(number % 2))

    def do_ioc(self, number):
        limit = 90.0 if number % 2 else 105.0
        self.desk.ctx.buy(self._symbol(number), 0.002, limit=limit, time_in_force=TimeInForce.IOC)

    def do_post(self, number):
        self.desk.ctx.buy(self._symbol(number), 0.002, limit=90.0 if number % 2 else 105.0, post_only=True)

    def do_oco(self, number):
        symbol = self._symbol(number)
        stop = self.desk.ctx.sell(symbol, 0.002, trigger=85.0, reduce_only=True)
        if stop.is_open:
            self.desk.ctx.sell(symbol, 0.002, limit=115.0, reduce_only=True, oco=stop)

    def do_cancel(self, number):
        if order := self._own(number):
            self.desk.ctx.cancel(order)

    def do_amend(self, number):
        order = self._own(number)
        if order is not None and order.limit_price is not None:
            self.desk.ctx.amend(order, limit=order.limit_price - 1.0, quantity=0.001 * (1 + number % 7))

    def do_flush(self, _):
        self.desk.flush()

    def do_step(self, number):
        running = self.desk.link.tasks.running
        if running:
            self.desk.link.tasks.step(number % len(running))

    def do_hear(self, _):
        self.desk.hear()

    def do_tell(self, _):
        if self.desk.venue.wire:
            self.desk.tell()

    def do_twice(self, _):
        if self.desk.venue.wire:
            self.desk.tell(keep=True)

    def do_lose(self, number):
        wire = self.desk.venue.wire
        if wire:
            del wire[number % len(wire)]

    def do_shuffle(self, number):
        wire = self.desk.venue.wire
        if wire:
            wire.append(wire.pop(number % len(wire)))

    def do_fill(self, number):
        if (order := self._there(number)) is not None:
            self.desk.venue.fill(order, price=order.price or order.trigger)

    def do_part(self, number):
        if (order := self._there(number)) is not None:
            self.desk.venue.fill(order, 1, price=order.price or order.trigger)

    def do_end(self, number):
        if (order := self._there(number)) is not None:
            self.desk.venue.end(order, C.CANCELED if number % 3 else C.REJECTED)

    def do_look(self, _):
        self.desk.seconds += 0.5
        self.desk.link.sender.cancel_again()
        self.desk.link.asker.look()

    def do_pass(self, number):
        self.desk.seconds += number / 2
        self.desk.venue.now += number * 10**9 // 2

    def do_price(self, number):
        self.desk.venue.price = self.desk.venue.price * 0 + 95 + number % 11

    def do_dumb(self, _):
        self.desk.venue.is_dumb = True

    def do_clever(self, _):
        self.desk.venue.is_dumb = False

    def do_restart(self, number):
        self.desk.restart(away=float(number))

    def do_catch_up(self, _):
        self.desk.venue.is_dumb = False
        self.desk.catch_up()


_loose = settings(max_examples=100, suppress_health_check=list(HealthCheck))


@_loose
@given(STEPS)
def test_in_the_end_both_sides_agree(steps):
    play = Play(PERP)
    play.play(steps)
    note([f"{order!r} {order.reason}" for order in play.desk.kernel.orders])
    play.desk.agree()


@_loose
@given(STEPS)
def test_in_the_end_both_sides_agree_on_two_symbols(steps):
    play = Play(PERP, ALT)
    play.play(steps)
    note([f"{order!r} {order.reason}" for order in play.desk.kernel.orders])
    play.desk.agree()


def random_steps(seed):
    rng = random.Random(seed)
    return [(rng.choice(WORDS), rng.randrange(31)) for _ in range(rng.randrange(20, 120))]


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_in_the_end_both_sides_agree_on_schedules_of_even_chances(first):
    for seed in range(first, first + 50):
        play = Play(PERP, ALT)
        play.play(random_steps(seed))
        play.desk.agree()


@pytest.mark.slow
def test_in_the_end_both_sides_agree_on_many_schedules():
    for seed in range(1000, 3000):
        play = Play(PERP, ALT)
        play.play(random_steps(seed))
        play.desk.agree()
