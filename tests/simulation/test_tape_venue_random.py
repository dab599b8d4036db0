"""What holds on the tape whatever is sent to it: random orders, cancels, amendments, books, quotes and trades."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tape_runs import Floor

from hookline.model import OrderType, TimeInForce
from hookline.simulation.queue import PessimisticQueue, ProportionalQueue

PRICES = st.integers(196, 204).map(lambda half: half / 2)
QUANTITIES = st.integers(1, 8).map(lambda half: half / 2)
# Mostly bids below asks, at times the other way round: a crossed book.
BIDS = st.tuples(st.just("bid"), st.integers(194, 201).map(lambda half: half / 2), st.integers(0, 6))
ASKS = st.tuples(st.just("ask"), st.integers(200, 206).map(lambda half: half / 2), st.integers(0, 6))
LEVELS = st.lists(st.one_of(BIDS, ASKS), min_size=1, max_size=4)
LIFE = st.sampled_from([TimeInForce.GTC] * 4 + [TimeInForce.IOC, TimeInForce.FOK])
SIDES = st.sampled_from(["buy", "sell"])

ACTS = st.one_of(
    st.tuples(st.just("update"), LEVELS),
    st.tuples(st.just("trade"), SIDES, QUANTITIES, PRICES),
    st.tuples(st.just("market"), SIDES, QUANTITIES, LIFE, st.booleans()),
    st.tuples(st.just("limit"), SIDES, QUANTITIES, PRICES, LIFE, st.booleans(), st.booleans()),
    st.tuples(
        st.just("stop"), SIDES, QUANTITIES, PRICES, st.sampled_from([OrderType.STOP, OrderType.TAKE_PROFIT])
    ),
    st.tuples(st.just("trail"), SIDES, QUANTITIES),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("amend"), st.integers(0, 30), QUANTITIES, PRICES),
)


class Watched(Floor):
    """A floor that keeps what was shown and traded, and looks at every fill as it comes."""

    def __init__(self, queue) -> None:
        super().__init__("bid 99:4 98:4 97:4 ask 101:4 102:4 103:4", queue, cash=1_000.0, leverage=3.0)
        self.orders: list = []
        self.traded: tuple[float, float] = (0.0, 0.0)
        self.seen = 0

    def act(self, act) -> None:
        kind, *rest = act
        getattr(self, f"do_{kind}")(*rest)
        self.look(kind)

    def do_update(self, levels) -> None:
        self.update(" ".join(f"{side} {price}:{quantity}" for side, price, quantity in levels))

    def do_trade(self, side, quantity, price) -> None:
        self.traded = (quantity, price)
        self.trade(f"{side} {quantity} @ {price}")

    def do_market(self, side, quantity, life, reduce_only) -> None:
        terms = {"time_in_force": life, "reduce_only": reduce_only}
        self.orders.append(getattr(self, side)(quantity, **terms))

    def do_limit(self, side, quantity, price, life, post_only, reduce_only) -> None:
        post_only = post_only and life is TimeInForce.GTC
        terms = {"time_in_force": life, "post_only": post_only, "reduce_only": reduce_only}
        self.orders.append(getattr(self, side)(quantity, price, **terms))

    def do_stop(self, side, quantity, price, type_) -> None:
        self.orders.append(getattr(self, side)(quantity, trigger=price, type=type_))

    def do_trail(self, side, quantity) -> None:
        self.orders.append(getattr(self, side)(quantity, trail_amount=1.5))

    def do_cancel(self, number) -> None:
        if number < len(self.orders):
            self.venue.cancel(self.orders[number])

    def do_amend(self, number, quantity, price) -> None:
        if number < len(self.orders) and self.orders[number].is_open:
            order = self.orders[number]
            self.amend(order, quantity, price if order.limit_price is not None else None)

    def look(self, kind) -> None:
        """Check what has been filled by one act."""
        fresh, self.seen = self.desk.fills[self.seen :], len(self.desk.fills)
        by_number = {order.number: order for order in self.orders}
        made = [fill for fill in fresh if fill.is_maker]
        for fill in fresh:
            order = by_number.get(fill.order_number)
            if order is None:
                continue  # a liquidation
            if order.limit_price is not None and order.type is OrderType.LIMIT:
                assert order.side * (order.limit_price - fill.price) >= 0
            if order.post_only:
                assert fill.is_maker
        if kind == "trade":
            # Beside what the trade gave, only what it triggered has taken.
            assert sum(fill.quantity for fill in made) <= self.traded[0] + 1e-9
        if kind in ("market", "limit", "stop", "trail", "cancel"):
            assert made == []
        assert all(order.filled_lots <= order.lots for order in self.orders)


@pytest.mark.parametrize(
    "queue", [PessimisticQueue(), ProportionalQueue()], ids=["pessimistic", "proportional"]
)
@settings(max_examples=100)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_nothing_is_made_of_nothing(queue, acts):
    floor = Watched(queue)
    for act in acts:
        floor.act(act)
    ledger = floor.desk.ledgers["s"]
    cash, lots = Decimal(1000), 0
    for fill in floor.desk.fills:
        value = Decimal(str(fill.quantity)) * Decimal(str(fill.price))
        cash -= fill.side * value + Decimal(repr(fill.fee))
        lots += fill.side * fill.lots
    assert float(cash) == pytest.approx(ledger.cash, rel=1e-9, abs=1e-9)
    assert lots == ledger.positions["TEST"].lots
    assert_consistent(floor)


def assert_consistent(floor: Watched) -> None:
    """The venue's lists hold the open orders, each in one place, and only those."""
    venue = floor.venue
    market = venue._markets["TEST"]
    resting = [
        place.order for own in market.own.values() for level in own.levels.values() for place in level.places
    ]
    places = [*resting, *market.triggers, *market.waiting]
    assert len(places) == len({id(order) for order in places})
    assert {id(order) for order in places} == {id(order) for order in venue.open["TEST"]}
    assert all(order.is_open for order in places)
    for own in market.own.values():
        if own.levels:
            assert own.best == (max(own.levels) if own.side > 0 else min(own.levels))
    assert all(
        place.ahead >= 0 for own in market.own.values() for at in own.levels.values() for place in at.places
    )


@settings(max_examples=100)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_reduce_only_never_adds_to_a_position(acts):
    floor = Watched(None)
    before, filled = 0, 0
    for act in acts:
        floor.act(act)
        for fill in floor.desk.fills[filled:]:
            order = next((one for one in floor.orders if one.number == fill.order_number), None)
            if order is not None and order.reduce_only:
                assert before * fill.side < 0
                assert abs(before + fill.side * fill.lots) <= abs(before)
            before += fill.side * fill.lots
        filled = len(floor.desk.fills)


@settings(max_examples=30)
@given(acts=st.lists(ACTS, min_size=20, max_size=60))
def test_the_same_tape_gives_the_same_fills(acts):
    first, second = Watched(None), Watched(None)
    for act in acts:
        first.act(act)
        second.act(act)
    assert first.desk.told == second.desk.told
    assert first.fills == second.fills
