"""Parent orders and their children: whose quantity is whose, who is told what, and what a restart leaves."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hand_venue import START, Hand
from hookline.kernel.works import STATE, restore_works
from hookline.model import OrderStatus, Side, TimeInForce


@dataclass
class Puppet(hl.ExecutionAlgorithm):
    """Does what a test tells it, and writes down what it is told."""

    name = "puppet"

    first: int = 0

    def on_start(self, work):
        work.state["told"] = []
        Puppet.work = work
        if self.first:
            work.submit(self.first)

    def on_timer(self, work, timer):
        work.state["told"].append(timer)

    def on_order(self, work, order, update):
        work.state["told"].append(f"{order.tag} {update.status}")

    def on_fill(self, work, fill):
        work.state["told"].append(f"fill {fill.lots}")

    def on_cancel(self, work):
        work.state["told"].append("cancel")


def begun(hand, quantity=10, first=0, side=Side.BUY, **terms):
    parent = hand.ctx.work("TEST", side, quantity, Puppet(first), tag="parent", **terms)
    hand.settle()
    return parent, Puppet.work


def test_the_parent_is_recorded_and_never_sent():
    hand = Hand()
    parent, _ = begun(hand, first=4)

    assert [(order.number, order.lots, order.tag) for order in hand.kernel.orders] == [
        (1, 10, "parent"),
        (2, 4, "puppet 1"),
    ]
    assert [order.lots for order in hand.sent] == [4]
    assert hand.sent[0].parent is parent
    assert hand.kernel.open_orders() == [parent, hand.sent[0]]


def test_the_parent_follows_the_fills_of_its_children():
    hand = Hand()
    parent, work = begun(hand, first=4)
    assert parent.status is OrderStatus.ACCEPTED

    hand.fill(hand.sent[0], 3, 100.0)
    assert (parent.status, parent.filled_lots, work.remaining) == (OrderStatus.PARTIALLY_FILLED, 3, 7.0)
    hand.fill(hand.sent[0], 1, 104.0)
    assert parent.average_price == 101.0
    work.submit(6)
    hand.fill(hand.sent[1], 6, 111.0)

    assert (parent.status, parent.filled_lots, parent.average_price) == (OrderStatus.FILLED, 10, 107.0)
    assert hand.held() == 10
    assert hand.kernel.open_orders() == []


def test_the_strategy_is_told_of_parent_and_children_and_of_the_childrens_fills():
    hand = Hand()
    begun(hand, 2, first=2)
    hand.fill(hand.sent[0], 2)

    assert hand.lines == [
        "parent submitted",
        "parent accepted",
        "puppet 1 submitted",
        "puppet 1 filled",
        "fill 2 @ 100",
        "parent filled",
    ]


def test_children_together_never_exceed_the_parent():
    hand = Hand()
    _, work = begun(hand, 10, first=4)
    assert [work.submit(quantity).lots for quantity in (5, 5)] == [5, 1]
    assert (work.working_lots, work.available_lots) == (10, 0)

    extra = work.submit(1)
    assert (extra.status, extra.lots, len(hand.sent)) == (OrderStatus.DENIED, 0, 3)


def test_a_child_that_waits_for_its_cancellation_still_counts():
    hand = Hand()
    hand.broker.holds_cancels = True
    _, work = begun(hand, 10, first=10)
    work.cancel_children()
    hand.fill(hand.sent[0], 3)
    assert work.available_lots == 0

    hand.confirm(hand.sent[0])
    assert (work.available_lots, work.submit(10).lots) == (7, 7)


def test_no_child_is_priced_beyond_the_parents_limit():
    hand = Hand()
    _, work = begun(hand, limit=100.0)
    assert [work.submit(1).limit_price, work.submit(1, limit=101).limit_price] == [100.0, 100.0]
    assert work.submit(1, limit=99).limit_price == 99.0
    _, work = begun(hand, side=Side.SELL, limit=100.0)
    assert [work.submit(1, limit=99).limit_price, work.submit(1, limit=101).limit_price] == [100.0, 101.0]


def test_children_take_terms_of_their_own_and_reduce_only_of_the_parent():
    hand = Hand()
    _, work = begun(hand, reduce_only=True)
    child = work.submit(
        1, limit=99, post_only=True, time_in_force=TimeInForce.GTC, expire=timedelta(seconds=5), tag="mine"
    )
    assert (child.post_only, child.expire_time, child.tag) == (True, START + 5 * 10**9, "mine")
    assert child.reduce_only


def test_canceling_the_parent_cancels_the_children_first():
    hand = Hand()
    parent, work = begun(hand, first=4)
    hand.ctx.cancel(parent)
    hand.settle()

    assert (parent.status, hand.sent[0].status) == (OrderStatus.CANCELED, OrderStatus.CANCELED)
    assert hand.lines[-2:] == ["puppet 1 canceled", "parent canceled"]
    assert "cancel" in work.state["told"]
    assert work.submit(1).status is OrderStatus.DENIED
    assert STATE not in hand.ctx.state


def test_a_canceled_parent_waits_for_its_last_child_and_counts_what_it_fills():
    hand = Hand()
    hand.broker.holds_cancels = True
    parent, work = begun(hand, first=4)
    hand.ctx.cancel(parent)
    hand.ctx.cancel(parent)
    assert parent.is_open
    assert work.is_ending
    hand.fill(hand.sent[0], 3)
    hand.confirm(hand.sent[0])

    assert (parent.status, parent.filled_lots) == (OrderStatus.CANCELED, 3)
    assert len(hand.broker.cancels) == 1


def test_a_parent_that_fills_while_it_is_being_canceled_is_filled():
    hand = Hand()
    hand.broker.holds_cancels = True
    parent, _ = begun(hand, 4, first=4)
    hand.ctx.cancel(parent)
    hand.fill(hand.sent[0], 4)

    assert parent.status is OrderStatus.FILLED


def test_finish_ends_the_parent_with_a_reason():
    hand = Hand()
    parent, work = begun(hand, first=4)
    work.finish("enough")

    assert (parent.status, parent.reason) == (OrderStatus.CANCELED, "enough")


def test_timers_come_at_their_time_and_not_to_a_parent_that_has_ended():
    hand = Hand()
    _, work = begun(hand)
    work.after("5s", "soon")
    work.after(timedelta(seconds=9), "late")
    hand.wait(4)
    assert work.state["told"] == []
    hand.wait(1)
    assert work.state["told"] == ["soon"]
    work.finish("enough")
    hand.wait(10)
    assert work.state["told"] == ["soon"]


def test_a_parent_counts_as_pending_until_it_is_filled():
    hand = Hand()
    parent, _ = begun(hand, 10, first=4)
    assert hand.ctx.target("TEST", 10) is None
    hand.fill(hand.sent[0], 4)
    assert hand.ctx.target("TEST", 10) is None

    hand.ctx.cancel(parent)
    assert hand.ctx.position("TEST").pending == 0


def test_nobody_who_is_told_of_a_fill_sees_it_counted_twice():
    @dataclass
    class Targeting(hl.Strategy):
        name = "targeting"

        def on_order(self, ctx, order, update):
            self.traded = ctx.target("TEST", 10)

    hand = Hand(strategy=Targeting())
    begun(hand, 10, first=4)
    hand.fill(hand.sent[0], 4)

    assert hand.strategy.traded is None


@dataclass
class Limit(hl.RiskRule):
    """Lets only small orders pass, or halts."""

    name = "limit"

    most: int
    halts: bool = False

    def check(self, order, account):
        if order.lots > self.most:
            return hl.halt("too large") if self.halts else hl.deny("too large")
        return None


def test_the_gate_judges_the_parent_whole_and_each_child():
    hand = Hand(rules=[Limit(9)])
    parent = hand.ctx.work("TEST", Side.BUY, 10, Puppet(1))
    assert (parent.status, hand.sent) == (OrderStatus.DENIED, [])
    assert parent.reason == "limit: too large"
    assert begun(hand, 9, first=9)[0].is_open
    assert STATE in hand.ctx.state


def test_a_denied_parent_that_is_asked_for_again_and_again_is_recorded_once():
    hand = Hand(rules=[Limit(9)])
    for _ in range(5):
        assert hand.ctx.work("TEST", Side.BUY, 10, Puppet()).status is OrderStatus.DENIED
    assert len(hand.kernel.orders) == 1


def test_a_halt_cancels_parents_and_their_children():
    hand = Hand(rules=[Limit(10, halts=True)])
    parent, _ = begun(hand, 10, first=4)
    hand.ctx.buy("TEST", 11)
    hand.settle()

    assert [order.status for order in (parent, hand.sent[0])] == [OrderStatus.CANCELED] * 2
    assert parent.reason == "halted: limit: too large"


def test_worked_orders_cannot_be_amended():
    hand = Hand()
    parent, work = begun(hand, limit=100)
    child = work.submit(1)
    for order in (parent, child):
        with pytest.raises(hl.OrderError, match="cannot amend, it is worked for the strategy; cancel it"):
            hand.ctx.amend(order, limit=99)


def test_the_parameters_of_an_algorithm_are_checked():
    with pytest.raises(hl.ConfigError, match=r"Puppet.first: must be a whole number"):
        Hand().ctx.work("TEST", Side.BUY, 10, Puppet("1"))


# -- restarts ---------------------------------------------------------------------------------------------------------


def resumed(hand: Hand) -> tuple[Hand, Any, hl.Work]:
    """Restart, with this file's algorithm in the place of a plugin."""
    again = Hand(resumes=_without_works(hand), now=hand.kernel.clock.now)
    again.ctx.state.update(hand.saved)
    [handler] = restore_works(again.kernel, again.ctx, lambda use, params: {"puppet": Puppet}[use](**params))
    return again, handler.parent, handler._work


def _without_works(hand):
    import json

    hand.saved = json.loads(json.dumps(hand.ctx.state))
    hand.ctx.state.clear()
    return hand


def test_a_restart_goes_on_with_parent_child_state_and_timers():
    hand = Hand()
    _, work = begun(hand, 10, first=4)
    work.after("60s", "next")
    hand.fill(hand.sent[0], 1)
    hand.wait(20)
    again, parent, work = resumed(hand)

    assert again.sent == []
    assert (parent.filled_lots, work.working_lots, work.available_lots) == (1, 3, 6)
    assert parent.average_price == 100.0
    assert again.ctx.position("TEST").pending == 9
    again.fill(again.order(2), 3)
    again.wait(39)
    assert work.state["told"][-1] != "next"
    again.wait(1)
    assert work.state["told"][-1] == "next"
    last = work.submit(99)
    assert (last.number, last.lots, last.tag) == (3, 6, "puppet 2")
    again.fill(last)
    assert (parent.status, again.held()) == (OrderStatus.FILLED, 10)
    assert STATE not in again.ctx.state


def test_a_timer_that_was_missed_comes_with_the_first_event():
    hand = Hand()
    _, work = begun(hand)
    work.after("60s", "next")
    hand.kernel.clock.now += 90 * 10**9
    again, _, work = resumed(hand)
    again.wait(0)

    assert work.state["told"] == ["next"]


def test_an_ending_that_was_interrupted_goes_on():
    hand = Hand()
    hand.broker.holds_cancels = True
    parent, _ = begun(hand, first=4)
    hand.ctx.cancel(parent)
    again, parent, _ = resumed(hand)
    again.confirm(again.order(2))

    assert parent.status is OrderStatus.CANCELED


def test_a_work_whose_parent_is_closed_is_over():
    hand = Hand()
    hand.ctx.state[STATE] = {"7": {"use": "gone", "params": {}}}
    assert restore_works(hand.kernel, hand.ctx) == []
    assert hand.ctx.state == {}


# -- whatever happens ---------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "fill", "reject", "cancel", "confirm", "restart", "finish"]),
        st.integers(1, 12),
        st.integers(0, 5),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(STEPS, st.booleans())
def test_whatever_happens_the_parent_is_the_sum_of_its_children(steps, holds_cancels):
    hand = Hand()
    hand.broker.holds_cancels = holds_cancels
    parent, work = begun(hand, 10)
    for what, lots, which in steps:
        open_ = [order for order in hand.kernel.open_orders() if order.parent is not None]
        child = open_[which % len(open_)] if open_ else None
        if what == "submit":
            work.submit(lots)
        elif what == "finish" and which == 0:
            work.finish("enough")
        elif what == "restart" and parent.is_open:
            hand, parent, work = resumed(hand)
        elif child is not None:
            if what == "fill":
                hand.fill(child, min(lots, child.open_lots))
            elif what == "reject" and not child.filled_lots:
                hand.reject(child)
            elif what == "cancel":
                work.cancel(child)
            elif what == "confirm":
                hand.confirm(child)
        hand.settle()
        working = sum(o.open_lots for o in hand.kernel.open_orders() if o.parent is not None)
        assert hand.held() == parent.filled_lots
        assert parent.filled_lots + working <= 10
        assert work.available_lots == 10 - parent.filled_lots - working or parent.is_closed
        assert hand.ctx.position("TEST").pending == (parent.open_lots if parent.is_open else 0)
        assert parent.is_open or not working
