"""A venue behind a latency."""

import json
from typing import Any

import pytest
from tape_runs import FEES, Floor, end

from hookline.model import OrderType, TimeInForce
from hookline.simulation.latency import ConstantLatency, NoLatency, RandomLatency
from hookline.simulation.latency_link import DelayedVenue
from hookline.simulation.tape_venue import TapeVenue

SECOND = 10**9
BOOK = "bid 99:2 98:5 97:8 ask 101:6 102:4 103:1"


class Far(Floor):
    """A floor behind a latency of 1.5 seconds to the venue and 2 seconds back; events come every second."""

    latency: Any = ConstantLatency(3 * SECOND // 2, 2 * SECOND)

    def made(self, queue, **venue):
        def make(listener, clock, ledgers):
            return TapeVenue(listener, clock, {"TEST": self.instrument}, ledgers, FEES, queue, **venue)

        return DelayedVenue(self.desk, self.clock, self.desk.ledgers, self.latency, make)

    def now(self, seconds=None):
        time = self.clock.now + SECOND if seconds is None else round(seconds * SECOND)
        while self.venue.due < time:
            self.clock.now = max(self.clock.now, self.venue.due)
            self.venue.advance(self.clock.now)
        self.clock.now = time
        return time

    def ahead(self, order):
        twin = self.venue._twins.of[order]
        own = self.venue.venue._markets["TEST"].own[order.side]
        return next(place.ahead for place in own.levels[twin.limit_price].places if place.order is twin)

    @property
    def twin_cash(self):
        return self.venue._twin_ledgers["s"].cash


def test_an_order_meets_the_book_of_when_it_arrives_and_is_heard_of_later():
    floor = Far(BOOK)  # at 1 s
    order = floor.buy(1)  # arrives at 2.5 s, is heard of at 4.5 s
    floor.update("ask 101:0")
    floor.update("ask 101.5:3")
    assert (order.status, floor.fills) == ("submitted", [])
    floor.now(4.5)
    assert order.status == "submitted"
    floor.now(4.6)
    assert (order.status, floor.fills) == ("filled", ["buy 1 @ 102 taker"])
    fill = floor.desk.fills[0]
    assert (fill.time, floor.desk.times) == (5 * SECOND // 2, [9 * SECOND // 2])


def test_the_venue_books_at_once_and_the_desk_when_it_hears():
    floor = Far(BOOK)
    floor.buy(1)
    floor.now(3)
    assert floor.venue._twin_ledgers["s"].positions["TEST"].quantity == 1
    assert (floor.position, floor.twin_cash) == (0, pytest.approx(10_000 - 101 * 1.002))
    floor.now(5)
    assert (floor.position, floor.desk.ledgers["s"].cash) == (1, floor.twin_cash)


def test_the_venue_knows_what_is_spent_before_the_desk_does():
    floor = Far(BOOK, cash=150.0)
    first, second = floor.buy(1), floor.buy(1)
    floor.now(9)
    assert first.status == "filled"
    assert end(second).startswith("rejected: insufficient funds")


def test_a_cancel_that_crosses_a_fill_comes_too_late():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.now(5)
    assert order.status == "accepted"
    floor.venue.cancel(order, "too slow")  # arrives at 6.5 s
    floor.trade("sell 9 @ 98")  # at 6 s
    floor.now(20)
    assert (end(order), floor.fills) == ("filled", ["buy 1 @ 99 maker"])


def test_a_cancel_that_is_in_time_is_heard_of_later():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.now(5)
    floor.venue.cancel(order, "in time")
    floor.now(7)
    floor.trade("sell 9 @ 98")
    assert order.status == "accepted"
    floor.now(9)
    assert (end(order), floor.fills) == ("canceled: in time", [])
    assert order.update_time == 13 * SECOND // 2


def test_a_cancel_after_a_partial_fill_ends_what_is_left():
    floor = Far(BOOK)
    order = floor.buy(3, 99.0)
    floor.now(5)
    floor.venue.cancel(order)
    floor.trade("sell 1 @ 98")
    floor.now(20)
    assert (order.status, order.filled_lots, floor.position) == ("canceled", 2, 1)


def test_an_order_changes_here_when_the_answer_to_an_amendment_is_back():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.now(5)
    floor.amend(order, 2, 98.0)  # arrives at 6.5 s, is answered at 8.5 s
    floor.now(7)
    assert (floor.ahead(order), order.limit_price, order.lots) == (5, 99, 2)
    floor.now(9)
    assert (order.limit_price, order.lots) == (98, 4)


def test_a_fill_right_after_an_amendment_is_heard_with_its_terms():
    floor = Far(BOOK)
    order = floor.buy(3, 99.0)
    floor.now(5)
    floor.amend(order, 1, 101.0)
    floor.now(20)
    assert (order.status, order.lots, floor.fills) == ("filled", 2, ["buy 1 @ 101 taker"])


def test_an_amendment_of_an_order_that_has_filled_comes_too_late():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.now(5)
    floor.amend(order, 5)
    floor.trade("sell 9 @ 98")
    floor.now(20)
    assert (order.status, order.quantity) == ("filled", 1)


def test_nothing_overtakes_what_was_sent_before_it():
    class Hasty(Far):
        latency = RandomLatency(2 * SECOND, sigma=1.5, seed=7)

    floor = Hasty(BOOK)
    for _ in range(20):
        order = floor.buy(0.5, 98.0)
        floor.venue.cancel(order)
    floor.now(500)
    told = [f"{number} {status}" for number in range(1, 21) for status in ("accepted", "canceled")]
    assert floor.desk.told == told


def test_children_are_sent_at_the_venue_and_heard_of_here():
    floor = Far(BOOK)
    floor.desk.market.last = 100.0
    entry = floor.buy(3, 99.0, stop_loss=97.0, take_profit=101.0)
    stop, target = entry.children
    floor.now(5)
    floor.trade("sell 3 @ 99")  # fills 1 at 6 s, heard of at 8 s
    floor.trade("buy 1 @ 102")  # the target fills at 7 s, before anybody here has heard of the entry
    assert stop.status == "held"
    floor.now(8.5)
    assert (floor.position, stop.quantity, stop.status) == (1, 1, "accepted")
    floor.now(20)
    assert floor.fills == ["buy 1 @ 99 maker", "sell 1 @ 101 maker"]
    assert (target.status, end(stop)) == ("filled", "canceled: one cancels other: s-3")


def test_children_grow_here_with_what_is_heard_of_their_entry():
    floor = Far(BOOK)
    floor.desk.market.last = 100.0
    entry = floor.buy(3, 99.0, stop_loss=97.0)
    floor.now(5)
    floor.trade("sell 3 @ 99")
    floor.trade("sell 9 @ 99")
    floor.now(8.5)
    assert entry.children[0].quantity == 1
    floor.now(20)
    assert (entry.status, entry.children[0].quantity) == ("filled", 3)


def test_a_group_holds_at_the_venue():
    floor = Far(BOOK)
    first = floor.buy(1, 99.0)
    second = floor.sell(1, 101.0, oco=first)
    floor.now(5)
    floor.trade("sell 9 @ 98")
    floor.trade("buy 9 @ 103")
    floor.now(20)
    assert floor.fills == ["buy 1 @ 99 maker"]
    assert end(second) == "canceled: one cancels other: s-1"


def test_an_order_that_joins_a_group_which_has_filled_meanwhile_is_rejected():
    floor = Far(BOOK)
    first = floor.buy(1, 99.0)
    floor.now(5)
    floor.trade("sell 9 @ 98")
    second = floor.sell(1, 101.0, oco=first)
    floor.now(20)
    assert end(second) == "rejected: one cancels other: s-1 has filled"


def test_an_order_that_expires_on_its_way_never_meets_the_market():
    floor = Far(BOOK)
    order = floor.buy(1, 101.0, expire=2 * SECOND)
    floor.now(20)
    assert (order.status, floor.fills) == ("expired", [])


def test_expiry_at_the_venue_needs_no_event():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0, expire=5 * SECOND)
    floor.now(20)
    assert (order.status, order.update_time) == ("expired", 5 * SECOND)


def test_cancel_all_after_counts_from_its_arrival():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.venue.cancel_all_after(4.0)  # arrives at 2.5 s
    floor.now(20)
    assert end(order).startswith("canceled: cancel-all-after")
    assert order.update_time == 13 * SECOND // 2


def test_trailing_and_immediate_orders_work_at_the_venue():
    floor = Far(BOOK)
    floor.trade("buy 1 @ 100")
    floor.buy(2, 101.0, time_in_force=TimeInForce.IOC)
    stop = floor.sell(1, type=OrderType.TRAILING_STOP, trail_amount=2.0)
    floor.now(5)
    floor.trade("buy 1 @ 101")
    floor.trade("sell 1 @ 99")
    floor.now(20)
    assert (stop.status, floor.fills) == ("filled", ["buy 2 @ 101 taker", "sell 1 @ 99 taker"])


def test_cash_that_is_paid_here_is_there_at_the_venue():
    floor = Far(BOOK)
    floor.buy(1)
    floor.now(3)  # filled at the venue, not yet heard of
    floor.desk.ledgers["s"].positions["TEST"].wallet.cash -= 10.0
    floor.venue.paid("TEST")
    assert floor.twin_cash == pytest.approx(10_000 - 101 * 1.002 - 10)
    floor.now(20)
    assert floor.desk.ledgers["s"].cash == pytest.approx(floor.twin_cash)
    floor.venue.paid("TEST")
    assert floor.desk.ledgers["s"].cash == pytest.approx(floor.twin_cash)


def test_what_is_over_is_forgotten():
    floor = Far(BOOK)
    for _ in range(3):
        floor.venue.cancel(floor.buy(1, 98.0))
        floor.buy(0.5)
    floor.now(20)
    assert (floor.venue._twins.of, floor.venue._twins.original) == ({}, {})
    assert floor.venue.due > 10**18


def test_without_latency_the_same_fills_as_without_the_link():
    class Near(Far):
        latency = NoLatency()

    def script(floor):
        floor.buy(8)
        floor.sell(3, 101.5)
        floor.buy(2, 99.0)
        floor.trade("buy 2 @ 101.5")
        floor.trade("sell 4 @ 98")
        floor.now()
        return floor.fills

    assert script(Near(BOOK)) == script(Floor(BOOK))


def test_a_liquidation_is_heard_of_later():
    floor = Far(BOOK, cash=250.0, leverage=5.0)
    floor.desk.market.last = 100.0
    floor.buy(10)
    floor.now(5)
    level = floor.venue.venue.limits("TEST")[0]
    floor.book(f"bid {level // 1 - 1}:20 ask 101:6")
    floor.trade(f"sell 1 @ {level // 1}")
    assert (floor.position, floor.venue._twin_ledgers["s"].positions["TEST"].quantity) == (10, 0)
    floor.now(20)
    assert (floor.position, floor.desk.ledgers["s"].cash) == (0, floor.twin_cash)
    assert "adopted" in floor.desk.told


def restarted(floor, orders):
    """A new link and venue that have taken over the state of another one, with the ledgers and orders as they were heard of."""
    after = Far()
    after.desk.ledgers = floor.desk.ledgers
    after.venue = after.made(None)
    state = json.loads(json.dumps(floor.venue.save()))
    after.clock.now = floor.clock.now
    after.venue.restore(state, {order.number: order for order in orders})
    return after


def test_after_a_restart_what_was_under_way_is_sent_again():
    floor = Far(BOOK)
    rested = floor.buy(1, 98.0)
    floor.now(5)
    fresh = floor.buy(1, 97.0)
    floor = restarted(floor, [rested, fresh])
    floor.book("bid 98:3 97:1 ask 101:6")
    floor.now(20)
    assert (rested.status, fresh.status, floor.ahead(rested), floor.ahead(fresh)) == (
        "accepted",
        "accepted",
        3,
        1,
    )


def test_after_a_restart_a_fill_that_nobody_had_heard_of_did_not_happen():
    floor = Far(BOOK)
    order = floor.buy(1, 99.0)
    floor.now(5)
    floor.trade("sell 9 @ 98")
    floor = restarted(floor, [order])
    assert floor.twin_cash == 10_000
    floor.book(BOOK)
    floor.trade("sell 1 @ 98")
    floor.now(20)
    assert (floor.fills, floor.position, order.status) == (["buy 1 @ 99 maker"], 1, "filled")


def test_after_a_restart_a_bracket_is_still_one():
    floor = Far(BOOK)
    floor.desk.market.last = 100.0
    entry = floor.buy(1, 99.0, stop_loss=97.0, take_profit=101.0)
    floor.now(5)
    floor = restarted(floor, [entry, *entry.children])
    floor.book(BOOK)
    floor.trade("sell 9 @ 98.5")
    floor.trade("buy 9 @ 101.5")
    floor.now(30)
    assert floor.fills == ["buy 1 @ 99 maker", "sell 1 @ 101 maker"]
    assert end(entry.children[0]) == "canceled: one cancels other: s-3"
    assert floor.desk.ledgers["s"].cash == pytest.approx(floor.twin_cash)
