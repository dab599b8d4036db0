"""One order after the other: answers, notifications and fills in every order in which they come."""

import pytest
from hand_lmex import C, Desk

from hookline.model import OrderStatus, TimeInForce
from hookline_lmex.broker_steps import is_quiet

S = OrderStatus


def resting(desk, **terms):
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0, **terms)
    desk.arrive()
    desk.tell_all()
    return order


def test_nothing_is_sent_before_flush():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    assert not desk.link.tasks.running
    assert order.status is S.SUBMITTED


def test_an_order_that_the_venue_takes_is_accepted_once():
    desk = Desk()
    order = resting(desk)
    assert desk.history(order) == ["submitted", "accepted"]
    assert desk.at_venue(order).size == 5
    desk.agree()


def test_a_notification_before_the_answer_accepts_it():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.flush()
    desk.link.tasks.step()
    desk.link.tasks.step()
    desk.tell_all()
    assert order.status is S.ACCEPTED
    desk.run()
    assert desk.history(order) == ["submitted", "accepted"]


def test_a_market_order_is_filled_by_its_fills_alone():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    assert order.status is S.SUBMITTED
    desk.tell_all()
    assert desk.history(order) == ["submitted", "filled"]
    assert desk.fills(order) == [(5, 100.0)]
    desk.agree()


def test_a_fill_that_is_told_twice_is_booked_once():
    desk = Desk()
    order = resting(desk)
    desk.venue.fill(desk.at_venue(order), 2)
    desk.tell(0, keep=True)
    desk.tell(1, keep=True)
    desk.tell_all()
    assert desk.fills(order) == [(2, 90.0)]
    assert order.status is S.PARTIALLY_FILLED
    desk.agree()


def test_fills_that_the_sockets_lose_are_asked_for():
    desk = Desk()
    order = resting(desk)
    desk.venue.fill(desk.at_venue(order), 2)
    del desk.venue.wire[1]
    desk.tell_all()
    assert not desk.fills(order)
    desk.settle(5.0)
    assert desk.fills(order) == [(2, 90.0)]


def test_a_cancellation_waits_for_the_fills_that_it_counts():
    desk = Desk()
    order = resting(desk)
    desk.venue.fill(desk.at_venue(order), 2)
    fill = desk.venue.wire.pop(1)
    desk.ctx.cancel(order)
    desk.arrive()
    desk.tell_all()
    assert order.status is S.ACCEPTED
    desk.broker._put(fill)
    desk.hear()
    assert desk.history(order) == ["submitted", "accepted", "partially_filled", "canceled"]
    desk.agree()


def test_an_unreachable_venue_rejects_and_says_that_nothing_was_sent():
    desk = Desk()
    desk.venue.faults = ["unreachable"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0, stop_loss=80.0)
    desk.arrive()
    assert (order.status, order.reason) == (S.REJECTED, "not sent: no connection")
    assert order.children[0].status is S.CANCELED


def test_a_refusal_rejects_with_the_venues_words():
    desk = Desk()
    desk.venue.faults = ["refuse"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.arrive()
    assert (order.status, order.reason) == (S.REJECTED, "not today (code 400)")


def test_a_lost_answer_is_unknown_until_the_order_is_found():
    desk = Desk()
    desk.venue.faults = ["lose_answer"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.arrive()
    assert order.status is S.UNKNOWN
    desk.venue.wire.clear()
    desk.settle(3.0)
    assert desk.history(order) == ["submitted", "unknown", "accepted"]
    assert desk.sent() == ["create"]
    desk.agree()


def test_a_lost_request_is_given_up_only_after_the_grace_and_never_sent_again():
    desk = Desk()
    desk.venue.faults = ["lose_request"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.arrive()
    desk.settle(9.0)
    assert order.status is S.UNKNOWN
    desk.settle(20.0)
    assert (order.status, order.reason) == (S.REJECTED, "never reached the venue")
    assert desk.sent() == ["create"]


def test_a_silent_venue_gives_no_order_up():
    desk = Desk()
    desk.venue.faults = ["lose_request"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.arrive()
    desk.venue.is_dumb = True
    for _ in range(100):
        desk.seconds += 1.0
        desk.link.asker.look()
        desk.run()
    assert order.status is S.UNKNOWN


def test_an_order_that_the_comparison_has_closed_is_asked_about_no_longer():
    desk = Desk()
    desk.venue.faults = ["lose_request"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=95.0)
    desk.arrive()
    desk.kernel.order_changed(order, S.REJECTED, desk.venue.now, "never reached the venue")
    assert not is_quiet(desk.broker._book)
    desk.link.asker.look()
    assert is_quiet(desk.broker._book)
    assert not desk.link.tasks.running


@pytest.mark.parametrize("looks", [False, True])
def test_an_order_that_the_comparison_has_closed_and_shows_up_is_canceled_at_the_venue(looks):
    desk = Desk()
    desk.venue.faults = ["lose_answer"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=95.0)
    desk.arrive()
    desk.kernel.order_changed(order, S.REJECTED, desk.venue.now, "never reached the venue")
    if looks:
        desk.link.asker.look()
    desk.tell_all()
    desk.run()
    assert not desk.at_venue(order).is_open


def test_an_order_that_was_given_up_and_shows_up_is_canceled_at_the_venue():
    desk = Desk()
    desk.venue.faults = ["lose_answer"]
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.flush()
    there, desk.venue.orders = None, {}
    while desk.link.tasks.running:
        desk.link.tasks.step()
        there = there or dict(desk.venue.orders)
    desk.hear()
    told, desk.venue.wire = list(desk.venue.wire), []
    desk.venue.orders = {}
    desk.settle(60.0)
    assert order.status is S.REJECTED
    desk.venue.orders = there
    desk.venue.wire = told
    desk.tell_all()
    desk.run()
    assert not desk.at_venue(order).is_open
    assert any("open at the venue" in text for text in desk.kernel.warnings)


def test_a_fill_of_an_order_that_was_given_up_is_adopted():
    desk = Desk()
    order = resting(desk)
    at_venue = desk.at_venue(order)
    desk.ctx.cancel(order)
    desk.arrive()
    desk.tell_all()
    assert order.status is S.CANCELED
    desk.venue.fill(at_venue, 2)
    desk.tell_all()
    assert desk.ctx.position("BTC-PERP").lots == 2
    assert desk.kernel.orders[-1].tag == f"late fill of {order.client_order_id}"


def test_an_order_that_was_not_sent_yet_is_canceled_without_the_venue():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.ctx.cancel(order)
    desk.arrive()
    assert order.status is S.CANCELED
    assert not desk.venue.received


def test_a_cancellation_is_sent_after_the_create_that_is_under_way():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.flush()
    desk.ctx.cancel(order)
    desk.arrive()
    desk.run()
    desk.tell_all()
    assert desk.sent() == ["create", "cancel"]
    assert order.status is S.CANCELED
    desk.agree()


def test_a_lost_cancellation_is_sent_again_once_the_order_was_seen_open():
    desk = Desk()
    order = resting(desk)
    desk.venue.faults = ["lose_request"]
    desk.ctx.cancel(order)
    desk.arrive()
    assert order.status is S.ACCEPTED
    desk.settle(5.0)
    assert order.status is S.CANCELED
    assert desk.sent() == ["create", "cancel", "cancel"]


def test_a_cancellation_that_comes_too_late_leaves_the_order_filled():
    desk = Desk()
    order = resting(desk)
    desk.venue.fill(desk.at_venue(order))
    desk.ctx.cancel(order)
    desk.arrive()
    assert order.is_open
    desk.settle(5.0)
    assert order.status is S.FILLED
    desk.agree()


def test_an_amendment_counts_once_the_venue_has_it():
    desk = Desk()
    order = resting(desk)
    desk.ctx.amend(order, limit=91.0, quantity=0.007)
    assert (order.lots, order.limit_price) == (5, 90.0)
    desk.arrive()
    desk.tell_all()
    assert (order.lots, order.limit_price) == (7, 91.0)
    desk.agree()


def test_of_several_amendments_under_way_the_last_counts():
    desk = Desk()
    order = resting(desk)
    desk.ctx.amend(order, limit=91.0)
    desk.flush()
    desk.ctx.amend(order, limit=92.0)
    desk.ctx.amend(order, limit=93.0)
    desk.arrive()
    desk.run()
    desk.tell_all()
    assert order.limit_price == 93.0
    assert desk.sent() == ["create", "amend", "amend"]
    desk.agree()


def test_a_refused_amendment_leaves_the_order_and_warns():
    desk = Desk()
    order = resting(desk)
    desk.venue.faults = ["refuse"]
    desk.ctx.amend(order, limit=91.0)
    desk.arrive()
    desk.settle(3.0)
    assert order.limit_price == 90.0
    assert any("was not amended: not today" in text for text in desk.kernel.warnings)


def test_an_amendment_without_an_answer_is_looked_up_and_never_sent_again():
    desk = Desk()
    order = resting(desk)
    desk.venue.faults = ["lose_answer"]
    desk.ctx.amend(order, limit=91.0, quantity=0.007)
    desk.arrive()
    desk.venue.wire.clear()
    desk.settle(3.0)
    assert (order.lots, order.limit_price) == (7, 91.0)
    assert desk.sent() == ["create", "amend"]
    desk.agree()


def test_an_order_that_fills_while_it_is_made_larger_is_not_taken_for_filled():
    desk = Desk()
    order = resting(desk)
    desk.ctx.amend(order, quantity=0.008)
    desk.flush()
    desk.link.tasks.step()
    desk.link.tasks.step()
    desk.venue.fill(desk.at_venue(order), 5)
    desk.venue.wire.pop(0)
    desk.tell_all()
    assert order.is_open
    desk.run()
    desk.venue.fill(desk.at_venue(order))
    desk.tell_all()
    assert (order.status, order.filled_lots) == (S.FILLED, 8)
    desk.agree()


def test_an_order_that_was_made_as_small_as_what_has_filled_is_filled():
    desk = Desk()
    order = resting(desk)
    desk.ctx.amend(order, quantity=0.003)
    desk.flush()
    desk.venue.fill(desk.at_venue(order), 3)
    desk.tell_all()
    desk.run()
    desk.tell_all()
    desk.settle(3.0)
    assert (order.status, order.lots, order.filled_lots) == (S.FILLED, 3, 3)
    desk.agree()


def test_post_only_that_would_take_is_rejected():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=101.0, post_only=True)
    desk.arrive()
    assert (order.status, order.reason) == (S.REJECTED, "post-only: would take")


@pytest.mark.parametrize("life", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_without_a_match_is_canceled(life):
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0, time_in_force=life)
    desk.flush()
    desk.link.tasks.step()
    desk.link.tasks.step()
    desk.venue.wire.clear()
    desk.venue.end(desk.at_venue(order))
    desk.tell_all()
    assert order.status is S.CANCELED
    desk.run()


def test_what_is_left_of_a_market_order_is_canceled_after_its_fills():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005)
    desk.venue.fill, whole = lambda one, size=None, price=None: whole(one, 3, price), desk.venue.fill
    desk.arrive()
    assert order.is_open
    desk.tell_all()
    assert desk.history(order) == ["submitted", "partially_filled", "canceled"]
    assert desk.fills(order) == [(3, 100.0)]


def test_a_market_order_of_which_nothing_is_heard_is_asked_about():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005)
    desk.arrive()
    desk.venue.wire.clear()
    desk.settle(8.0)
    assert order.status is S.FILLED


@pytest.mark.parametrize(
    ("code", "words"),
    [(C.INSUFFICIENT_BALANCE, "insufficient balance"), (C.PRICE_PROTECTION, "protection band")],
)
def test_a_trigger_order_that_fails_when_it_triggers_is_rejected(code, words):
    desk = Desk()
    order = desk.ctx.sell("BTC-PERP", 0.005, trigger=90.0)
    desk.arrive()
    desk.tell_all()
    assert order.status is S.ACCEPTED
    desk.venue.end(desk.at_venue(order), code)
    desk.tell_all()
    assert order.status is S.REJECTED
    assert words in order.reason


def test_a_stop_limit_is_told_as_triggered():
    desk = Desk()
    order = desk.ctx.sell("BTC-PERP", 0.005, trigger=90.0, limit=89.0)
    desk.arrive()
    desk.tell_all()
    desk.at_venue(order).code = C.TRIGGERED
    desk.venue.tell(desk.at_venue(order))
    desk.tell_all()
    assert desk.history(order) == ["submitted", "accepted", "triggered"]


def test_a_stale_notification_reopens_nothing():
    desk = Desk()
    order = desk.ctx.buy("BTC-PERP", 0.005, limit=90.0)
    desk.arrive()
    stale = desk.venue.wire.pop()
    desk.ctx.cancel(order)
    desk.arrive()
    desk.tell_all()
    desk.broker._put(stale)
    desk.hear()
    desk.run()
    assert desk.history(order) == ["submitted", "accepted", "canceled"]
    assert desk.sent() == ["create", "cancel"]


def test_the_dead_orders_of_others_are_left_alone():
    desk = Desk()
    other = resting(desk)
    strange = desk.venue.orders[desk.at_venue(other).id]
    from dataclasses import replace

    strange.new = replace(strange.new, client_order_id="by-hand")
    desk.venue.fill(strange, 2)
    desk.tell_all()
    assert not [fill for fill in desk.kernel.fills if fill.order_number != other.number]
