"""The one table of order states."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import hookline as hl
from hookline.clock import EventClock
from hookline.errors import OrderError
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import EventRunner
from hookline.model import TRANSITIONS, Order, OrderStatus, OrderType, Side, transition
from hookline.testing import Scripted
from hookline_paper.broker import PaperBroker

PERP = hl.Instrument("TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal(1))
FINAL = {
    OrderStatus.DENIED,
    OrderStatus.REJECTED,
    OrderStatus.FILLED,
    OrderStatus.CANCELED,
    OrderStatus.EXPIRED,
}
HOUR = 3600 * 10**9


def an_order(status=OrderStatus.INITIALIZED):
    order = Order(1, "s", PERP, Side.BUY, OrderType.LIMIT, 1, 0, limit_price=9.0)
    order.status = status
    return order


def test_the_table_names_every_status():
    assert set(TRANSITIONS) == set(OrderStatus)
    assert set().union(*TRANSITIONS.values()) <= set(OrderStatus)


def test_final_states_are_exactly_those_that_nothing_follows():
    assert {status for status, following in TRANSITIONS.items() if not following} == FINAL
    assert all(an_order(status).is_closed == (status in FINAL) for status in OrderStatus)
    assert all(an_order(status).is_open != an_order(status).is_closed for status in OrderStatus)


def test_every_state_can_be_reached_from_the_first_and_none_is_a_dead_end():
    reached, new = set(), {OrderStatus.INITIALIZED}
    while new:
        reached |= new
        new = set().union(*(TRANSITIONS[status] for status in new)) - reached
    assert reached == set(OrderStatus)

    ends, before = set(FINAL), set()
    while ends != before:
        before = set(ends)
        ends |= {status for status, following in TRANSITIONS.items() if following & ends}
    assert ends == set(OrderStatus)


@pytest.mark.parametrize("status", list(OrderStatus))
@pytest.mark.parametrize("following", list(OrderStatus))
def test_a_step_outside_the_table_is_refused_and_changes_nothing(status, following):
    order = an_order(status)
    if following in TRANSITIONS[status]:
        transition(order, following, 5, "why")
        assert (order.status, order.update_time, order.reason) == (following, 5, "why")
    else:
        with pytest.raises(OrderError, match=f"cannot go from {status} to {following}"):
            transition(order, following, 5, "why")
        assert (order.status, order.update_time, order.reason) == (status, 0, "")


def test_a_step_without_a_reason_keeps_the_reason_of_the_step_before():
    order = an_order(OrderStatus.SUBMITTED)
    transition(order, OrderStatus.PARTIALLY_FILLED, 1, "cut")
    transition(order, OrderStatus.CANCELED, 2)

    assert order.reason == "cut"


@given(st.lists(st.sampled_from(OrderStatus), max_size=12))
def test_no_sequence_of_attempts_leaves_a_final_state(attempts):
    order, ended = an_order(), None
    for status in attempts:
        try:
            transition(order, status, 0)
        except OrderError:
            continue
        assert ended is None
        ended = status if status in FINAL else None


prices = st.integers(10, 40).map(lambda ticks: ticks / 2)
quantities = st.integers(1, 6)
sides = st.sampled_from(Side)
lives = st.sampled_from(
    [
        {},
        {},
        {"time_in_force": "ioc"},
        {"time_in_force": "fok"},
        {"expire": timedelta(minutes=90)},
    ]
)


class OrderLife(RuleBasedStateMachine):
    """A strategy that asks for anything, bar by bar, and a venue that answers."""

    @initialize(walk=st.booleans(), through=st.booleans())
    def start(self, walk, through):
        self.clock = EventClock(0)
        broker = PaperBroker(
            intrabar="path" if walk else "stop_first", limit_fill="through" if through else "touch"
        )
        self.kernel = Kernel(self.clock, broker, {"TEST": PERP}, {"s": 200.0})
        self.ctx = Context(self.kernel, "s", ("TEST",))
        self.kernel.start({"s": EventRunner("s", Scripted({}), self.ctx)})
        self.lane = self.kernel.lane("TEST")
        self.price = 10.0
        self.ended = {}
        self.when = {}
        self.told = 0
        self.bar_of(10, 11, 9, 10)

    def bar_of(self, open_, high, low, close):
        start = self.clock.now
        bar = hl.Bar("TEST", start, start + HOUR, float(open_), float(high), float(low), float(close), 1.0)
        self.kernel.run(self.lane, (bar,))
        self.price = close

    @rule(values=st.lists(prices, min_size=4, max_size=4), gap=st.sampled_from([0, 0, 0, 2]))
    def bar(self, values, gap):
        self.clock.now += gap * HOUR
        low, open_, close, high = sorted(values)
        self.bar_of(open_, high, low, close) if values[0] <= values[1] else self.bar_of(
            close, high, low, open_
        )

    @rule(side=sides, quantity=quantities, reduce_only=st.booleans())
    def market(self, side, quantity, reduce_only):
        self.ctx.submit("TEST", side, quantity, reduce_only=reduce_only)

    @rule(
        side=sides,
        quantity=quantities,
        limit=prices,
        life=lives,
        post_only=st.booleans(),
        reduce_only=st.booleans(),
    )
    def limit(self, side, quantity, limit, life, post_only, reduce_only):
        if post_only:
            life = {}
        self.ctx.submit(
            "TEST", side, quantity, limit=limit, post_only=post_only, reduce_only=reduce_only, **life
        )

    @rule(side=sides, quantity=quantities, trigger=prices, life=lives, limit=prices | st.none())
    def stop(self, side, quantity, trigger, life, limit):
        self.ctx.submit("TEST", side, quantity, trigger=trigger, limit=limit, **life)

    @rule(side=sides, quantity=quantities, trigger=prices, life=lives)
    def take_profit(self, side, quantity, trigger, life):
        self.ctx.submit("TEST", side, quantity, type=OrderType.TAKE_PROFIT, trigger=trigger, **life)

    @rule(side=sides, quantity=quantities, amount=st.sampled_from([0.5, 1.0, 2.7]))
    def trailing(self, side, quantity, amount):
        self.ctx.submit("TEST", side, quantity, trail_amount=amount)

    @rule(
        side=sides,
        quantity=quantities,
        stop=st.integers(1, 6),
        gain=st.integers(1, 6),
        at=st.sampled_from(["market", "limit", "trigger"]),
    )
    def bracket(self, side, quantity, stop, gain, at):
        base = self.price if at == "market" else self.price - side * (1 if at == "limit" else -1)
        price = {} if at == "market" else {at: base}
        self.ctx.submit(
            "TEST", side, quantity, stop_loss=base - side * stop, take_profit=base + side * gain, **price
        )

    @precondition(lambda self: self.ctx.open_orders())
    @rule(data=st.data(), limit=prices)
    def one_cancels_other(self, data, limit):
        other = data.draw(st.sampled_from(self.ctx.open_orders()))
        self.ctx.buy("TEST", 1, limit=limit, oco=other)

    @precondition(lambda self: self.ctx.open_orders())
    @rule(data=st.data())
    def cancel(self, data):
        self.ctx.cancel(data.draw(st.sampled_from(self.ctx.open_orders())))

    @precondition(lambda self: any(order.type is not OrderType.MARKET for order in self.ctx.open_orders()))
    @rule(data=st.data(), quantity=st.integers(0, 8), price=prices)
    def amend(self, data, quantity, price):
        order = data.draw(
            st.sampled_from([one for one in self.ctx.open_orders() if one.type is not OrderType.MARKET])
        )
        limit = None if order.limit_price is None else price
        trigger = None if order.trigger_price is None else price
        self.ctx.amend(order, quantity=quantity, limit=limit, trigger=trigger)

    @rule()
    def close(self):
        self.ctx.close("TEST")

    @rule(quantity=st.integers(-6, 6))
    def target(self, quantity):
        self.ctx.target("TEST", quantity)

    @rule(seconds=st.sampled_from([None, 1800, 3600, 5400]))
    def cancel_all_after(self, seconds):
        self.ctx.cancel_all_after(seconds)

    @invariant()
    def every_update_is_a_later_step_of_the_table(self):
        updates = self.kernel.updates
        for update in updates[self.told :]:
            before = self.ended.get(update.order_number, OrderStatus.INITIALIZED)
            status = OrderStatus(update.status)
            assert status in TRANSITIONS[before] or (update.reason == "amended" and status == before)
            assert update.time >= self.when.get(update.order_number, 0)
            self.when[update.order_number] = update.time
            self.ended[update.order_number] = status
        self.told = len(updates)

    @invariant()
    def open_orders_are_the_ones_that_have_not_ended(self):
        kernel = self.kernel
        assert kernel.open_orders() == [order for order in kernel.orders if order.is_open]
        assert all(self.ended[order.number] is order.status for order in kernel.orders)

    @invariant()
    def nothing_is_filled_beyond_its_quantity(self):
        for order in self.kernel.orders:
            assert 0 <= order.filled_lots <= order.lots
            assert (order.filled_lots == order.lots) == (order.status is OrderStatus.FILLED)

    @invariant()
    def pending_is_what_open_market_orders_will_do(self):
        pending = sum(
            order.side * order.open_lots for order in self.ctx.open_orders() if order.type is OrderType.MARKET
        )
        assert self.ctx.position("TEST").pending == pending

    @invariant()
    def reduce_only_orders_at_the_market_have_something_to_reduce(self):
        held = self.ctx.position("TEST").lots
        for order in self.ctx.open_orders():
            if order.reduce_only and order.status is OrderStatus.ACCEPTED:
                assert order.side * held < 0


OrderLife.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestOrderLife = OrderLife.TestCase
