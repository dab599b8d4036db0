"""Leg groups: both or neither, whatever becomes of their orders."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hand_venue import Hand
from hookline.kernel.leg_handler import restore_legs
from hookline.model import OrderStatus, Side
from hookline.model.instrument import PositionMode
from hookline.testing import Scripted, bars

BUY, SELL = Side.BUY, Side.SELL


def opened(hand, first=10, second=10, timeout="30s", **terms):
    legs = [hl.Leg("A", BUY, first, **terms), hl.Leg("B", SELL, second)]
    group = hand.ctx.open_legs(legs, timeout=timeout, tag="pair")
    hand.settle()
    return group


def pair(**terms):
    return Hand("A", "B", **terms)


def held(hand):
    return hand.held("A"), hand.held("B")


def told(hand):
    return [line for line in hand.lines if line.startswith("legs")]


def test_both_fill():
    hand = pair()
    group = opened(hand)
    assert [(o.symbol, o.side, o.lots, o.tag) for o in hand.sent] == [
        ("A", BUY, 10, "pair"),
        ("B", SELL, 10, "pair"),
    ]
    hand.fill(hand.sent[0])
    assert group.status is hl.LegStatus.OPENING
    hand.fill(hand.sent[1], 4)
    hand.fill(hand.sent[1], 6)

    assert group.is_open
    assert [leg.quantity for leg in group.legs] == [10.0, 10.0]
    assert told(hand) == ["legs open"]
    assert hand.ctx.groups == [group]
    hand.wait(60)
    assert (len(hand.sent), group.is_open) == (2, True)


def test_a_denied_leg_leaves_nothing_behind():
    @dataclass
    class OnlyA(hl.RiskRule):
        name = "only_a"

        def check(self, order, account):
            return None if order.symbol == "A" else hl.deny("not this one")

    hand = pair(rules=[OnlyA()])
    group = opened(hand)

    assert (group.status, group.reason) == (hl.LegStatus.UNWOUND, "B: denied: only_a: not this one")
    assert [order.status for order in hand.sent] == [OrderStatus.CANCELED]
    assert told(hand) == ["legs unwound"]
    assert (hand.ctx.groups, hand.ctx.state) == ([], {})


def test_after_a_denied_leg_the_next_is_not_sent():
    hand = pair()
    group = opened(hand, first=0.5)

    assert group.status is hl.LegStatus.UNWOUND
    assert group.reason == "A: denied: quantity below the minimum: 0 of 1 A"
    assert hand.sent == []


def test_a_rejected_leg_unwinds_what_the_other_has_filled():
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0], 7)
    hand.reject(hand.sent[1], "no funds")

    assert hand.sent[0].status is OrderStatus.CANCELED
    unwind = hand.sent[2]
    assert (unwind.symbol, unwind.side, unwind.lots) == ("A", SELL, 7)
    assert (unwind.reduce_only, unwind.type, unwind.tag) == (True, hl.OrderType.MARKET, "pair unwind")
    assert group.status is hl.LegStatus.UNWINDING
    hand.fill(unwind)
    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))
    assert group.reason == "B: rejected: no funds"
    assert told(hand) == ["legs unwinding", "legs unwound"]


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED])
def test_a_leg_that_ends_early_is_unwound_with_what_it_filled(status):
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.fill(hand.sent[1], 3)
    hand.end(hand.sent[1], status)
    assert [(o.symbol, o.side, o.lots) for o in hand.sent[2:]] == [("A", SELL, 10), ("B", BUY, 3)]
    for order in hand.sent[2:]:
        hand.fill(order)

    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))


def test_a_leg_that_is_late_is_unwound():
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.fill(hand.sent[1], 3)
    hand.wait(29)
    assert group.status is hl.LegStatus.OPENING
    hand.wait(1)

    assert (group.status, group.reason) == (
        hl.LegStatus.UNWINDING,
        "timeout: B not filled completely",
    )
    assert [(o.symbol, o.lots) for o in hand.sent[2:]] == [("A", 10), ("B", 3)]


def test_nothing_is_closed_before_every_cancellation_is_known():
    hand = pair()
    hand.broker.holds_cancels = True
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.wait(30)
    assert len(hand.sent) == 2
    hand.fill(hand.sent[1], 4)
    hand.confirm(hand.sent[1])

    assert [(o.symbol, o.lots) for o in hand.sent[2:]] == [("A", 10), ("B", 4)]
    assert group.status is hl.LegStatus.UNWINDING


def test_a_group_that_fills_before_it_could_be_canceled_is_open():
    hand = pair()
    hand.broker.holds_cancels = True
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.wait(30)
    hand.fill(hand.sent[1])

    assert (group.status, held(hand), len(hand.sent)) == (hl.LegStatus.OPEN, (10, -10), 2)
    assert told(hand) == ["legs unwinding", "legs open"]


def test_an_unwinding_that_is_filled_in_part_goes_on_with_the_rest():
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.reject(hand.sent[1])
    hand.fill(hand.sent[2], 6)
    hand.end(hand.sent[2], OrderStatus.CANCELED, "no more in the book")
    assert len(hand.sent) == 3
    hand.wait(1)
    assert [(o.symbol, o.side, o.lots) for o in hand.sent[3:]] == [("A", SELL, 4)]
    hand.fill(hand.sent[3])

    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))


def test_what_cannot_be_closed_fails_with_a_warning_and_may_be_tried_again():
    hand = pair()
    group = opened(hand, timeout="10m")
    hand.fill(hand.sent[0])
    hand.reject(hand.sent[1])
    for wait in (2, 4, 8, 16, 32, 64, 128):
        hand.reject(hand.sent[-1])
        hand.wait(wait)
    hand.reject(hand.sent[-1])

    reason = "B: rejected: no; 8 orders to close it filled nothing, 10 A left"
    assert (group.status, group.reason) == (hl.LegStatus.FAILED, reason)
    assert hand.kernel.warnings == {f"s: legs 'pair': {reason}": 1}
    sent = len(hand.sent)
    hand.wait(3600)
    assert len(hand.sent) == sent
    group.close()
    hand.fill(hand.sent[-1])
    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))
    assert told(hand) == ["legs unwinding", "legs failed", "legs unwound"]


def test_what_takes_too_long_to_close_has_failed_until_it_is_done():
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.reject(hand.sent[1])
    hand.wait(30)
    assert group.status is hl.LegStatus.FAILED
    assert group.reason.endswith("not closed in time, 10 A left")
    hand.fill(hand.sent[2])

    assert (group.status, len(hand.sent)) == (hl.LegStatus.UNWOUND, 3)


def test_close_closes_all_legs_together():
    hand = pair()
    group = opened(hand)
    for order in hand.sent[:2]:
        hand.fill(order)
    group.close("spread is back")
    group.close()
    assert [(o.symbol, o.side, o.lots, o.reduce_only, o.tag) for o in hand.sent[2:]] == [
        ("A", SELL, 10, True, "pair close"),
        ("B", BUY, 10, True, "pair close"),
    ]
    for order in hand.sent[2:]:
        hand.fill(order)

    assert (group.status, group.reason) == (hl.LegStatus.CLOSED, "spread is back")
    assert told(hand) == ["legs open", "legs closing", "legs closed"]
    group.close()
    assert len(hand.sent) == 4


def test_close_while_opening_cancels_and_closes_even_what_completes():
    hand = pair()
    hand.broker.holds_cancels = True
    group = opened(hand)
    hand.fill(hand.sent[0])
    group.close()
    hand.fill(hand.sent[1])
    for order in hand.sent[2:]:
        hand.fill(order)

    assert (group.status, held(hand)) == (hl.LegStatus.CLOSED, (0, 0))


def test_no_more_is_closed_than_is_still_held():
    hand = pair()
    group = opened(hand)
    for order in hand.sent[:2]:
        hand.fill(order)
    hand.ctx.sell("A", 8)
    hand.fill(hand.sent[2])
    group.close()
    assert [(o.symbol, o.lots) for o in hand.sent[3:]] == [("A", 2), ("B", 10)]


def test_a_halt_unwinds():
    hand = pair()
    group = opened(hand)
    hand.fill(hand.sent[0])
    hand.kernel.halt("enough")
    hand.settle()
    hand.fill(hand.sent[2])

    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))
    assert group.reason == "B: canceled: halted: enough"


def test_a_leg_against_a_position_is_denied():
    hand = pair()
    hand.fill(hand.ctx.sell("A", 5))
    group = opened(hand)

    assert group.reason == "A: denied: the other way: -5 is held, and a leg opens a position"
    assert held(hand) == (-5, 0)


def test_the_orders_of_a_group_keep_their_quantity_and_may_change_their_price():
    hand = pair()
    opened(hand, limit=99.0)
    hand.ctx.amend(hand.sent[0], limit=99.5)
    assert hand.sent[0].limit_price == 99.5
    with pytest.raises(hl.OrderError, match="worked for the strategy"):
        hand.ctx.amend(hand.sent[0], quantity=11)


@pytest.mark.parametrize(
    "legs", [[hl.Leg("A", BUY, 1)], [hl.Leg("A", BUY, 1), hl.Leg("A", SELL, 1)]], ids=["one", "same"]
)
def test_a_group_needs_two_positions(legs):
    with pytest.raises(hl.OrderError, match="needs two legs or more on different positions"):
        pair().ctx.open_legs(legs, timeout="30s")


def test_terms_that_make_no_sense_send_nothing():
    hand = pair()
    legs = [hl.Leg("A", BUY, 1), hl.Leg("B", SELL, 1, post_only=True)]
    with pytest.raises(hl.OrderError, match="post_only is for limit orders"):
        hand.ctx.open_legs(legs, timeout="30s")
    with pytest.raises(hl.OrderError, match="quantity must be above 0 and finite, was nan"):
        hand.ctx.open_legs([hl.Leg("A", BUY, float("nan")), legs[1]], timeout="30s")
    assert hand.kernel.orders == []


def test_on_bars_a_pair_opens_and_closes():
    group = []

    def open_(script, ctx):
        legs = [hl.Leg("A", BUY, 1), hl.Leg("B", SELL, 2)]
        group.append(ctx.open_legs(legs, timeout="2h"))

    script = Scripted({0: open_, 2: lambda script, ctx: group[0].close()})
    data = {"A": bars("10 10 11 12 12", "A"), "B": bars("20 20 19 18 18", "B")}
    perps = [hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL) for symbol in "AB"]
    result = hl.backtest(script, data, instruments=perps)

    assert [(f.symbol, f.side.name, f.quantity, f.price) for f in result.record.fills] == [
        ("A", "BUY", 1.0, 10.0),
        ("B", "SELL", 2.0, 20.0),
        ("A", "SELL", 1.0, 11.0),
        ("B", "BUY", 2.0, 19.0),
    ]
    assert group[0].status is hl.LegStatus.CLOSED


def test_a_leg_that_a_rule_has_shrunk_fails():
    @dataclass
    class Half(hl.RiskRule):
        name = "half"

        def check(self, order, account):
            return hl.shrink(5.0, "half will do") if order.symbol == "B" else None

    hand = pair(rules=[Half()])
    group = opened(hand)

    assert (group.status, group.reason) == (hl.LegStatus.UNWOUND, "B: shrunk by a rule")
    assert [order.status for order in hand.sent] == [OrderStatus.CANCELED] * 2


def test_a_rule_that_halts_at_the_second_leg_leaves_nothing():
    @dataclass
    class Alarm(hl.RiskRule):
        name = "alarm"

        def check(self, order, account):
            return hl.halt("enough") if order.symbol == "B" else None

    hand = pair(rules=[Alarm()])
    group = opened(hand)

    assert (group.status, held(hand)) == (hl.LegStatus.UNWOUND, (0, 0))
    assert [order.status for order in hand.sent] == [OrderStatus.CANCELED]


def test_what_a_reduce_only_leg_has_closed_stays_closed():
    hand = pair()
    hand.fill(hand.ctx.sell("A", 10))
    group = opened(hand, reduce_only=True)
    hand.fill(hand.sent[1])
    hand.reject(hand.sent[2])

    assert (group.status, held(hand), len(hand.sent)) == (hl.LegStatus.UNWOUND, (0, 0), 3)


def test_in_hedge_mode_a_long_and_a_short_of_one_instrument_are_two_legs():
    hand = Hand("A", position_mode=PositionMode.HEDGE)
    legs = [hl.Leg("A", BUY, 4, position="long"), hl.Leg("A", SELL, 3, position="short")]
    group = hand.ctx.open_legs(legs, timeout="30s")
    for order in list(hand.sent):
        hand.fill(order)
    assert (hand.ctx.position("A", "long").lots, hand.ctx.position("A", "short").lots) == (4, -3)
    group.close()

    assert [(o.side, o.lots, o.position_id) for o in hand.sent[2:]] == [
        (SELL, 4, "A|long"),
        (BUY, 3, "A|short"),
    ]


def test_on_bars_a_timeout_within_a_bar_takes_nothing_back_that_the_open_has_filled():
    group = []

    def open_(script, ctx):
        legs = [hl.Leg("A", BUY, 1), hl.Leg("B", SELL, 2)]
        group.append(ctx.open_legs(legs, timeout="40m"))

    data = {"A": bars("10 10 11 12 12", "A"), "B": bars("20 20 19 18 18", "B")}
    perps = [hl.Instrument(symbol, hl.InstrumentKind.PERPETUAL) for symbol in "AB"]
    result = hl.backtest(Scripted({0: open_}), data, instruments=perps)

    assert group[0].is_open
    assert [(f.symbol, f.quantity) for f in result.record.fills] == [("A", 1.0), ("B", 2.0)]


def test_orders_that_cannot_be_canceled_in_time_are_reported():
    hand = pair()
    hand.broker.holds_cancels = True
    group = opened(hand)
    hand.wait(60)
    assert group.status is hl.LegStatus.FAILED
    assert group.reason.endswith("its orders are not canceled in time, nothing left")
    for order in hand.sent[:2]:
        hand.confirm(order)

    assert group.status is hl.LegStatus.UNWOUND


# -- restarts ---------------------------------------------------------------------------------------------------------


def test_a_restart_while_opening_goes_on_to_open():
    hand = pair()
    opened(hand)
    hand.fill(hand.sent[0])
    again = hand.restarted()
    [group] = again.ctx.groups
    assert (group.status, group.tag, again.sent) == (hl.LegStatus.OPENING, "pair", [])
    again.fill(again.order(2))

    assert (group.status, held(again)) == (hl.LegStatus.OPEN, (10, -10))
    assert told(again) == ["legs open"]


def test_a_restart_while_opening_keeps_the_deadline():
    hand = pair()
    opened(hand)
    hand.fill(hand.sent[0])
    hand.wait(20)
    again = hand.restarted()
    again.wait(10)

    assert [(o.number, o.symbol, o.side, o.lots) for o in again.sent] == [(3, "A", SELL, 10)]
    again.fill(again.sent[0])
    assert held(again) == (0, 0)


def test_a_restart_while_unwinding_sends_nothing_twice():
    hand = pair()
    opened(hand)
    hand.fill(hand.sent[0])
    hand.reject(hand.sent[1])
    hand.fill(hand.sent[2], 4)
    again = hand.restarted()
    again.wait(1)
    assert again.sent == []
    again.fill(again.order(3))

    assert held(again) == (0, 0)
    assert told(again) == ["legs unwound"]
    assert again.ctx.state == {}


def test_a_restart_of_an_open_group_can_close_it():
    hand = pair()
    opened(hand)
    for order in hand.sent[:2]:
        hand.fill(order)
    again = hand.restarted()
    again.wait(60)
    [group] = again.ctx.groups
    assert [leg.quantity for leg in group.legs] == [10.0, 10.0]
    group.close()
    for order in list(again.sent):
        again.fill(order)

    assert (group.status, held(again)) == (hl.LegStatus.CLOSED, (0, 0))


def test_an_order_that_closed_while_nobody_watched_counts_where_it_is_known():
    hand = pair()
    opened(hand)
    hand.fill(hand.sent[0])
    state = dict(hand.ctx.state)
    hand.ctx.state.clear()
    hand.fill(hand.sent[1])
    again = hand.restarted()
    again.ctx.state.update(state)
    [group] = restore_legs(again.kernel, again.ctx, closed=[hand.sent[1]])
    again.wait(0)

    assert (group.status, told(again)) == (hl.LegStatus.OPEN, ["legs open"])


# -- whatever happens ---------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fill", "fill", "reject", "cancel", "confirm", "wait", "close", "restart"]),
        st.integers(1, 12),
        st.integers(0, 5),
    ),
    max_size=25,
)


def act(hand, what, lots, which):
    """Do one step and return the session that goes on."""
    orders = hand.kernel.open_orders()
    order = orders[which % len(orders)] if orders else None
    if what == "restart":
        return hand.restarted()
    if what == "close" and which == 0:
        for group in hand.ctx.groups:
            group.close()
    elif what == "wait":
        hand.wait(lots)
    elif order is not None and what == "fill":
        hand.fill(order, min(lots, order.open_lots))
    elif order is not None and what == "reject" and not order.filled_lots:
        hand.reject(order)
    elif order is not None and what == "cancel":
        hand.ctx.cancel(order)
    elif order is not None and what == "confirm":
        hand.confirm(order)
    hand.settle()
    return hand


@settings(max_examples=200)
@given(STEPS, st.booleans())
def test_whatever_happens_both_legs_are_held_in_full_or_neither(steps, holds_cancels):
    hand = pair()
    hand.broker.holds_cancels = holds_cancels
    opened(hand, first=10, second=6)
    for step in steps:
        hand = act(hand, *step)
        assert 0 <= hand.held("A") <= 10
        assert -6 <= hand.held("B") <= 0
        reducing = [order for order in hand.kernel.open_orders() if order.reduce_only]
        assert sum(order.open_lots for order in reducing if order.symbol == "A") <= hand.held("A")
        assert sum(order.open_lots for order in reducing if order.symbol == "B") <= -hand.held("B")
    # From here on the venue does what it is asked for.
    for _ in range(30):
        for order in hand.kernel.open_orders():
            if order.is_open:  # one may end with the other
                hand.fill(order) if order.reduce_only else hand.confirm(order)
        hand.wait(150)
        for group in hand.ctx.groups:
            if group.status is hl.LegStatus.FAILED:
                group.close()
    assert held(hand) in {(10, -6), (0, 0)}
    assert [group.is_open for group in hand.ctx.groups] == ([True] if hand.held("A") else [])
    assert hand.kernel.open_orders() == []


def test_a_group_is_intact_while_all_that_it_filled_is_held():
    hand = pair()
    group = opened(hand)
    assert group.is_intact, "nothing has been filled yet"
    for order in hand.sent[:2]:
        hand.fill(order)
    assert group.is_intact
    hand.ctx.buy("B", 4)
    hand.fill(hand.sent[-1])
    assert (group.is_open, group.is_intact) == (True, False)
    hand.ctx.sell("B", 4)
    hand.fill(hand.sent[-1])
    assert group.is_intact
    group.close()
    for order in hand.sent[-2:]:
        hand.fill(order)
    assert (group.status, group.is_intact) == (hl.LegStatus.CLOSED, True)


def test_what_a_reduce_only_leg_has_closed_is_not_missed():
    hand = pair()
    hand.ctx.buy("A", 10)
    hand.fill(hand.sent[-1])
    legs = [hl.Leg("A", SELL, 10, reduce_only=True), hl.Leg("B", BUY, 10)]
    group = hand.ctx.open_legs(legs, timeout="30s")
    for order in hand.sent[-2:]:
        hand.fill(order)
    assert (group.is_open, group.is_intact, held(hand)) == (True, True, (0, 10))
