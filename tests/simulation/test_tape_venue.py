"""The rows of the table in ``tape_venue.py``: taking, resting, queues."""

import json
import math
from decimal import Decimal

import pytest
from tape_runs import SPOT, Floor, end

import hookline as hl
from hookline.model import MarginTier, OrderType, TimeInForce
from hookline.simulation.queue import ProportionalQueue

BOOK = "bid 99:2 98:5 97:8 ask 101:6 102:4 103:1"


def test_a1_an_order_meets_the_book_as_the_last_event_has_left_it():
    floor = Floor(BOOK)
    floor.update("ask 101:0")
    order = floor.buy(1)
    assert floor.fills == ["buy 1 @ 102 taker"]
    assert order.update_time == floor.clock.now


def test_a2_an_order_before_any_book_is_rejected():
    floor = Floor()
    assert end(floor.buy(1, 99.0)) == "rejected: no book of TEST yet"


def test_a2_updates_that_wait_for_a_snapshot_are_no_book():
    floor = Floor()
    floor.update("bid 99:2 ask 101:6", sequence=5, previous=4)
    assert end(floor.buy(1)) == "rejected: no book of TEST yet"


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (("bid 101:1", {}), ("bid 101:0", {})),
        (("ask 101:0 102:0 103:0", {}), ("ask 102:4", {})),
        (("bid 99:9", {"sequence": 9, "previous": 8}), (BOOK, {"snapshot": True, "sequence": 9})),
    ],
    ids=["crossed", "one-sided", "stale"],
)
def test_a3_orders_wait_while_the_book_is_not_usable(spoil, mend):
    floor = Floor()
    floor.update(BOOK, snapshot=True, sequence=5)
    floor.update(spoil[0], **spoil[1])
    market, limit = floor.buy(1), floor.buy(1, 98.0)
    assert (market.status, limit.status, floor.fills) == ("submitted", "submitted", [])
    floor.update(mend[0], **mend[1])
    assert (market.status, limit.status) == ("filled", "accepted")


def test_a3_trades_fill_nothing_in_a_crossed_book_but_shorten_the_queue():
    floor = Floor(BOOK)
    order = floor.buy(1, 99.0)
    floor.update("bid 101:1")
    floor.trade("sell 5 @ 99")
    assert (floor.fills, floor.ahead(order)) == ([], 0)
    floor.update("bid 101:0")
    floor.trade("sell 1 @ 99")
    assert floor.fills == ["buy 1 @ 99 maker"]


def test_a3_a_stop_that_is_triggered_in_a_crossed_book_waits():
    floor = Floor(BOOK)
    order = floor.sell(1, trigger=98.0)
    floor.update("bid 101:1")
    floor.trade("sell 1 @ 98")
    assert order.status == "accepted"
    floor.update("bid 101:0")
    assert floor.fills == ["sell 1 @ 99 taker"]


def test_a3_a_waiting_order_can_be_canceled():
    floor = Floor(BOOK)
    floor.update("bid 101:1")
    order = floor.buy(1)
    floor.venue.cancel(order, "changed my mind")
    floor.update("bid 101:0")
    assert (end(order), floor.fills) == ("canceled: changed my mind", [])


def test_m1_a_market_order_walks_the_book_level_by_level():
    floor = Floor(BOOK)
    order = floor.buy(8)
    assert floor.fills == ["buy 6 @ 101 taker", "buy 2 @ 102 taker"]
    assert order.average_price == (6 * 101 + 2 * 102) / 8
    assert [fill.fee for fill in floor.desk.fills] == pytest.approx([6 * 101 * 0.002, 2 * 102 * 0.002])


def test_m2_what_the_book_cannot_fill_of_a_market_order_is_canceled():
    floor = Floor(BOOK)
    order = floor.sell(20)
    assert floor.fills == ["sell 2 @ 99 taker", "sell 5 @ 98 taker", "sell 8 @ 97 taker"]
    assert end(order) == "canceled: no more in the book: 5 of 20 left"


def test_m3_liquidity_that_we_took_is_gone_until_its_level_is_told_anew():
    floor = Floor(BOOK)
    floor.buy(5)
    floor.update("ask 102:3")
    floor.buy(2)
    assert floor.fills == ["buy 5 @ 101 taker", "buy 1 @ 101 taker", "buy 1 @ 102 taker"]
    floor.update("ask 101:6")
    floor.buy(2)
    assert floor.fills[-1] == "buy 2 @ 101 taker"


def test_m3_a_snapshot_tells_every_level_anew():
    floor = Floor(BOOK)
    floor.buy(6)
    floor.book(BOOK)
    floor.buy(1)
    assert floor.fills[-1] == "buy 1 @ 101 taker"


def test_m3_a_quote_tells_the_top_anew_if_it_changes_it():
    floor = Floor()
    floor.quote("bid 99:2 ask 101:6")
    floor.buy(6)
    floor.quote("bid 99:2 ask 101:6")
    assert end(floor.buy(1)) == "canceled: no more in the book: 1 of 1 left"
    floor.quote("bid 99:2 ask 101:5")
    assert end(floor.buy(1)) == "filled"


def test_l1_a_limit_that_crosses_takes_up_to_its_limit_and_rests_with_the_rest():
    floor = Floor(BOOK)
    order = floor.buy(12, 102.0)
    assert floor.fills == ["buy 6 @ 101 taker", "buy 4 @ 102 taker"]
    assert (order.status, order.open_lots, floor.ahead(order)) == ("partially_filled", 4, 0)


def test_l2_a_limit_rests_behind_what_is_visible_at_its_price():
    floor = Floor(BOOK)
    assert floor.ahead(floor.buy(1, 98.0)) == 5
    assert floor.ahead(floor.sell(1, 102.0)) == 4
    assert floor.ahead(floor.buy(1, 98.5)) == 0


def test_l3_trades_at_the_price_take_the_queue_ahead_and_then_fill_in_part():
    floor = Floor(BOOK)
    order = floor.buy(3, 99.0)
    floor.trade("sell 1.5 @ 99")
    assert (floor.ahead(order), floor.fills) == (0.5, [])
    floor.trade("sell 1.5 @ 99")
    floor.trade("sell 5 @ 99")
    assert floor.fills == ["buy 1 @ 99 maker", "buy 2 @ 99 maker"]
    assert order.status == "filled"
    assert floor.desk.fills[0].fee == pytest.approx(99 * 0.001)


def test_l3_trades_of_the_other_side_or_at_worse_prices_do_nothing():
    floor = Floor(BOOK)
    order = floor.buy(1, 99.0)
    floor.trade("buy 50 @ 99")
    floor.trade("buy 50 @ 101")
    floor.trade("sell 50 @ 99.5")
    assert (floor.fills, floor.ahead(order)) == ([], 2)


def test_l4_a_trade_through_the_price_fills_up_to_its_quantity():
    floor = Floor(BOOK)
    order = floor.buy(3, 99.0)
    floor.trade("sell 2 @ 98")
    assert floor.fills == ["buy 2 @ 99 maker"]
    floor.trade("sell 2 @ 98")
    assert floor.fills == ["buy 2 @ 99 maker", "buy 1 @ 99 maker"]
    assert order.status == "filled"


def test_l4_sells_are_filled_by_trades_above():
    floor = Floor(BOOK)
    floor.sell(1, 101.0)
    floor.trade("buy 1 @ 101.5")
    assert floor.fills == ["sell 1 @ 101 maker"]


def test_l5_the_opposite_best_fills_what_it_reaches():
    floor = Floor(BOOK)
    order = floor.buy(3, 99.0)
    floor.update("bid 99:0 98:0 ask 99:1 98.5:1")
    assert floor.fills == ["buy 1 @ 99 maker", "buy 1 @ 99 maker"]
    floor.update("bid 97:9")
    assert order.open_lots == 2
    floor.update("ask 99:1")
    assert order.status == "filled"


def test_l5_a_quote_that_reaches_the_price_fills_too():
    floor = Floor()
    floor.quote("bid 99:2 ask 101:6")
    floor.sell(1, 101.0)
    floor.quote("bid 101:0.5 ask 102:1")
    assert floor.fills == ["sell 0.5 @ 101 maker"]


def test_l6_better_prices_come_first_and_no_quantity_is_given_twice():
    floor = Floor(BOOK)
    floor.buy(1, 99.5)
    floor.buy(1, 100.0)
    floor.trade("sell 1.5 @ 99.5")
    assert floor.fills == ["buy 1 @ 100 maker", "buy 0.5 @ 99.5 maker"]


def test_l6_at_one_price_first_come_is_first_served():
    floor = Floor(BOOK)
    first, second = floor.buy(1, 99.0), floor.buy(1, 99.0)
    floor.trade("sell 2.5 @ 99")
    assert (floor.fills, first.open_lots, second.open_lots) == (["buy 0.5 @ 99 maker"], 1, 2)
    assert floor.ahead(second) == 0
    floor.trade("sell 1 @ 99")
    assert floor.fills[1:] == ["buy 0.5 @ 99 maker", "buy 0.5 @ 99 maker"]


def test_l6_two_orders_share_what_crosses():
    floor = Floor(BOOK)
    first, second = floor.buy(1, 99.0), floor.buy(2, 98.5)
    floor.update("bid 99:0 98:0 ask 98:2")
    assert (first.status, second.open_lots) == ("filled", 2)


@pytest.mark.parametrize(("queue", "ahead"), [(None, 5), (ProportionalQueue(), 5 * 6 / 9)])
def test_l7_the_queue_model_moves_the_quantity_ahead(queue, ahead):
    floor = Floor(BOOK, queue)
    order = floor.buy(1, 98.0)
    floor.update("bid 98:9")
    floor.update("bid 98:6")
    assert floor.ahead(order) == pytest.approx(ahead)
    floor.update("bid 98:1")
    assert floor.ahead(order) <= 1


def test_l7_what_was_traded_is_not_taken_for_canceled():
    floor = Floor(BOOK, ProportionalQueue())
    order = floor.buy(1, 98.0)
    floor.update("bid 98:10 99:0")
    floor.trade("sell 2 @ 98")
    assert floor.ahead(order) == 3
    floor.update("bid 97:1")
    floor.update("bid 98:8")
    assert floor.ahead(order) == 3
    floor.update("bid 98:4")
    assert floor.ahead(order) == 1.5


def test_l7_a_level_told_with_the_same_quantity_has_explained_its_trades():
    floor = Floor(BOOK, ProportionalQueue())
    order = floor.buy(1, 98.0)
    floor.trade("sell 2 @ 98")
    floor.update("bid 98:5")
    floor.update("bid 98:4")
    assert floor.ahead(order) == pytest.approx(3 - 3 / 5)


def test_l8_behind_the_top_of_quotes_the_queue_is_not_known():
    floor = Floor()
    floor.quote("bid 99:2 ask 101:6")
    order = floor.buy(1, 98.0)
    assert floor.ahead(order) == math.inf
    floor.trade("sell 100 @ 98")
    assert floor.fills == []
    floor.quote("bid 98:4 ask 99:1")
    assert floor.ahead(order) == 4
    floor.trade("sell 5 @ 98")
    assert floor.fills == ["buy 1 @ 98 maker"]


def test_l8_an_order_that_the_top_of_quotes_has_left_behind_is_first():
    floor = Floor()
    floor.quote("bid 99:2 ask 101:6")
    order = floor.buy(1, 98.0)
    floor.quote("bid 97:4 ask 99:1")
    assert floor.ahead(order) == 0


def test_p1_post_only_that_would_take_is_rejected():
    floor = Floor(BOOK)
    assert end(floor.buy(1, 101.0, post_only=True)) == "rejected: post-only: would take at 101.0"
    assert end(floor.buy(1, 100.5, post_only=True)) == "accepted"


def test_i1_ioc_takes_what_is_there_and_cancels_the_rest():
    floor = Floor(BOOK)
    order = floor.buy(8, 101.0, time_in_force=TimeInForce.IOC)
    assert floor.fills == ["buy 6 @ 101 taker"]
    assert end(order) == "canceled: no more up to 101.0: 2 of 8 left"
    assert end(floor.buy(1, 100.0, time_in_force=TimeInForce.IOC)).startswith("canceled: no more up to 100.0")


@pytest.mark.parametrize(("limit", "there"), [(101.0, 6), (None, 11)])
def test_i2_fok_takes_all_or_nothing(limit, there):
    floor = Floor(BOOK)
    terms = {"time_in_force": TimeInForce.FOK, "limit": limit}
    assert end(floor.buy(there + 0.5, **terms)) == f"canceled: fill or kill: {there} of {there + 0.5} there"
    assert floor.fills == []
    assert end(floor.buy(there, **terms)) == "filled"


def test_i2_fok_does_not_count_what_we_took():
    floor = Floor(BOOK)
    floor.buy(1)
    assert end(floor.buy(6, 101.0, time_in_force=TimeInForce.FOK)) == "canceled: fill or kill: 5 of 6 there"


def test_i2_fok_beyond_the_funds_fills_nothing():
    floor = Floor(BOOK, cash=800.0)
    order = floor.buy(8, 102.0, time_in_force=TimeInForce.FOK)
    assert order.status == "rejected"
    assert "insufficient funds" in order.reason
    assert floor.fills == []


@pytest.mark.parametrize("type_", [OrderType.STOP, OrderType.TAKE_PROFIT])
def test_s1_a_trade_at_the_trigger_sets_off_a_market_order(type_):
    side, below = ("sell", "98.5") if type_ is OrderType.STOP else ("buy", "98.5")
    floor = Floor(BOOK)
    floor.trade("buy 1 @ 101")
    order = getattr(floor, side)(1, trigger=98.5, type=type_)
    floor.trade("sell 1 @ 99")
    assert order.status == "accepted"
    floor.trade(f"sell 1 @ {below}")
    assert floor.fills == (["sell 1 @ 99 taker"] if side == "sell" else ["buy 1 @ 101 taker"])


def test_s1_quotes_do_not_trigger_once_there_are_trades():
    floor = Floor(BOOK)
    floor.trade("buy 1 @ 101")
    order = floor.sell(1, trigger=98.0)
    floor.update("bid 99:0 98:0")
    assert order.status == "accepted"


def test_s2_without_trades_the_touch_triggers():
    floor = Floor(BOOK)
    stop, target = floor.buy(1, trigger=102.0), floor.buy(1, trigger=99.5, type=OrderType.TAKE_PROFIT)
    floor.update("ask 101:0")
    assert (stop.status, target.status) == ("filled", "accepted")
    floor.update("ask 99.5:3")
    assert floor.fills == ["buy 1 @ 102 taker", "buy 1 @ 99.5 taker"]


def test_s3_a_stop_limit_becomes_a_limit_order():
    floor = Floor(BOOK)
    order = floor.sell(3, 98.5, trigger=98.0)
    floor.trade("sell 1 @ 98")
    assert floor.desk.told == ["1 accepted", "1 triggered", "1 filled 2"]
    assert (floor.fills, order.status) == (["sell 2 @ 99 taker"], "partially_filled")
    floor.update("bid 99:0")
    floor.trade("buy 1 @ 98.5")
    assert order.status == "filled"


def test_s4_a_stop_that_the_price_has_passed_is_triggered_on_arrival():
    floor = Floor(BOOK)
    floor.trade("sell 1 @ 99")
    assert end(floor.sell(1, trigger=99.5)) == "filled"


def test_tr1_a_trailing_stop_follows_trades_and_never_goes_back():
    floor = Floor(BOOK)
    floor.trade("buy 1 @ 100")
    order = floor.sell(1, trail_amount=2.0)
    assert order.trigger_price == 98
    floor.trade("buy 1 @ 101.5")
    floor.trade("sell 1 @ 100")
    assert order.trigger_price == 99.5
    floor.trade("sell 1 @ 99.5")
    assert floor.fills == ["sell 1 @ 99 taker"]


def test_tr1_without_trades_a_trailing_stop_follows_the_touch():
    floor = Floor(BOOK)
    order = floor.buy(1, trail_fraction=0.02)
    assert order.trigger_price == 103.5
    floor.update("ask 100:1")
    assert order.trigger_price == 102


def test_g1_a_gtd_order_expires_at_its_time_before_what_happens_then():
    floor = Floor(BOOK)
    order = floor.buy(1, 99.0, expire=3 * 10**9)
    floor.trade("sell 2 @ 99")
    assert order.status == "accepted"
    floor.trade("sell 5 @ 98")
    assert (order.status, order.update_time, floor.fills) == ("expired", 3 * 10**9, [])


def test_g1_time_alone_expires():
    floor = Floor(BOOK)
    order = floor.buy(1, 99.0, expire=3 * 10**9)
    assert floor.venue.due == 3 * 10**9
    floor.venue.advance(3 * 10**9 - 1)
    assert order.status == "accepted"
    floor.venue.advance(3 * 10**9)
    assert (order.status, floor.venue.due > 10**18) == ("expired", True)


def margined(*, marked: bool = False) -> Floor:
    """A floor whose perpetual needs 5 % of the notional at five times leverage, with a long of 10 from 101 and 102."""
    instrument = hl.Instrument(
        "TEST", kind=hl.InstrumentKind.PERPETUAL, tick_size=Decimal("0.5"), lot_size=Decimal("0.5"),
        leverage=Decimal(5), margin_tiers=(MarginTier(None, Decimal("0.05"), Decimal(10)),),
    )  # fmt: skip
    floor = Floor(BOOK, instrument=instrument, cash=250.0, liquidation_fee=0.01)
    if marked:
        floor.desk.market.mark = 100.0
        floor.venue.follow_marks(["TEST"])
    floor.buy(10)
    assert floor.position == 10
    return floor


def test_lq1_a_trade_at_the_liquidation_level_closes_the_position_into_the_book():
    floor = margined()
    level = floor.venue.limits("TEST")[0]
    # Equity at p is 250 - 1014 - 2.028 + 10 p, needed are 5 % and the taker fee of 10 p.
    assert level == pytest.approx((1014 + 2.028 - 250) / (10 * (1 - 0.05 - 0.002)), rel=1e-4)
    floor.book("bid 80.5:2 80:8 79:9 ask 101:6")
    limit = floor.sell(0.5, 120.0)
    floor.trade("sell 1 @ 81")
    assert floor.position == 10
    floor.trade("sell 1 @ 80.5")
    assert floor.position == 0
    # The average of 2 at 80.5 and 8 at 80 is 80.1: on the tick below, against the position.
    assert floor.desk.fills[-1].price == 80.0
    assert end(limit) == "canceled: position liquidated"
    assert floor.desk.told[-1].startswith("s: TEST liquidated")


def test_lq1_where_we_have_taken_all_that_is_shown_the_worst_of_it_is_the_price():
    floor = margined()
    floor.book("bid 80.5:1 80:1 ask 101:6")
    floor.sell(2)
    assert floor.position == 8
    floor.trade("sell 1 @ 79.5")
    assert (floor.position, floor.desk.fills[-1].price) == (0, 80.0)


def test_lq1_without_trades_the_mid_decides():
    floor = margined()
    floor.book("bid 80:20 ask 101:6")
    assert floor.position == 10
    floor.book("bid 80:20 ask 81:6")
    assert (floor.position, floor.desk.fills[-1].price) == (0, 80)


def test_lq1_a_mark_price_decides_where_there_is_one():
    floor = margined(marked=True)
    floor.book("bid 80:20 ask 82:6")
    floor.trade("sell 1 @ 80")
    assert floor.position == 10
    floor.desk.market.mark = 80.5
    floor.trade("buy 1 @ 82")
    assert floor.position == 0


def test_lq1_a_crossed_book_liquidates_nothing_yet():
    floor = margined()
    floor.update("ask 99:1")
    floor.trade("sell 1 @ 60")
    assert floor.position == 10
    floor.book("bid 80:20 ask 82:6")
    assert floor.position == 0


def test_d1_cancel_all_after_cancels_what_was_sent_unless_renewed():
    floor = Floor(BOOK)
    order = floor.buy(1, 98.0)
    floor.venue.cancel_all_after(2.0)
    floor.update("bid 97:1")
    floor.venue.cancel_all_after(2.0)
    floor.update("bid 97:2")
    assert order.is_open
    floor.update("bid 97:1")
    assert end(order) == "canceled: cancel-all-after: not renewed in time"
    assert floor.buy(1, 98.0).is_open


def test_d1_none_switches_it_off():
    floor = Floor(BOOK)
    order = floor.buy(1, 98.0)
    floor.venue.cancel_all_after(1.0)
    floor.venue.cancel_all_after(None)
    floor.venue.advance(10**18)
    assert order.is_open


def restarted(floor: Floor, orders) -> Floor:
    """A new venue that has taken over the state of another one."""
    after = Floor()
    after.desk.ledgers = floor.desk.ledgers
    after.venue = after.made(None)
    after.venue.restore(json.loads(json.dumps(floor.venue.save())), {order.number: order for order in orders})
    after.clock.now = floor.clock.now
    return after


def test_re1_after_a_restart_orders_keep_their_place_in_the_queue():
    before = Floor(BOOK)
    order, stop = before.buy(2, 99.0), before.sell(1, trigger=97.5)
    ahead = before.ahead(order)
    before.trade("sell 1 @ 99")
    assert (order.filled_lots, before.ahead(order)) == (0, ahead - 1)
    floor = restarted(before, [order, stop])
    assert floor.ahead(order) == ahead - 1
    floor.book("bid 99:7 98:1 ask 101:1")
    assert floor.ahead(order) == ahead - 1
    floor.trade(f"sell {ahead + 2:g} @ 99")
    assert (order.status, stop.status) == ("filled", "accepted")


def test_re1_an_order_of_which_nothing_was_saved_stands_at_the_end_of_the_queue():
    before = Floor(BOOK)
    order = before.buy(2, 99.0)
    after = Floor()
    after.desk.ledgers = before.desk.ledgers
    after.venue = after.made(None)
    saved = {name: part for name, part in before.venue.save().items() if name != "markets"}
    after.venue.restore(saved, {order.number: order})
    after.clock.now = before.clock.now
    assert after.ahead(order) == math.inf
    after.book("bid 99:7 98:1 ask 101:1")
    assert after.ahead(order) == 7


def test_re1_stops_go_on_waiting():
    before = Floor(BOOK)
    stop = before.sell(1, trigger=97.5)
    floor = restarted(before, [stop])
    floor.book("bid 99:7 98:1 ask 101:1")
    floor.trade("sell 1 @ 99")
    assert stop.status == "accepted"
    floor.trade("sell 1 @ 97")
    assert stop.status == "filled"


def test_re1_what_has_passed_meanwhile_fills_as_maker():
    before = Floor(BOOK)
    order = before.buy(1, 99.0, post_only=True)
    floor = restarted(before, [order])
    floor.book("bid 96:7 ask 97:1")
    assert floor.fills == ["buy 1 @ 99 maker"]


def test_re1_times_go_on_after_a_restart():
    before = Floor(BOOK)
    order = before.buy(1, 99.0, expire=9 * 10**9)
    before.venue.cancel_all_after(60.0)
    floor = restarted(before, [order])
    assert floor.venue.due == 9 * 10**9
    floor.venue.advance(9 * 10**9)
    assert order.status == "expired"
    assert floor.venue.due == 61 * 10**9


def test_re1_an_order_that_waited_for_a_book_waits_on():
    before = Floor(BOOK)
    before.update("bid 101:1")
    order = before.buy(1)
    floor = restarted(before, [order])
    floor.book(BOOK)
    assert floor.fills == ["buy 1 @ 101 taker"]


def test_c1_a_cancel_counts_at_once():
    floor = Floor(BOOK)
    order = floor.buy(1, 99.0)
    floor.venue.cancel(order, "enough")
    floor.trade("sell 9 @ 98")
    assert (end(order), floor.fills) == ("canceled: enough", [])


def test_c2_a_smaller_quantity_keeps_the_place():
    floor = Floor(BOOK)
    order = floor.buy(3, 99.0)
    floor.update("bid 99:9")
    floor.amend(order, 1)
    assert (floor.ahead(order), order.lots) == (2, 2)
    floor.trade("sell 9 @ 99")
    assert floor.fills == ["buy 1 @ 99 maker"]


def test_c3_a_larger_quantity_goes_to_the_end():
    floor = Floor(BOOK)
    order, other = floor.buy(1, 99.0), floor.buy(1, 99.0)
    floor.update("bid 99:9")
    floor.amend(order, 2)
    assert floor.ahead(order) == 9
    floor.trade("sell 3 @ 99")
    assert (order.filled_lots, other.status) == (0, "filled")


def test_c4_another_price_arrives_anew():
    floor = Floor(BOOK)
    order = floor.buy(7, 99.0)
    floor.amend(order, limit=98.0)
    assert floor.ahead(order) == 5
    floor.amend(order, limit=101.0)
    assert (floor.fills, order.open_lots) == (["buy 6 @ 101 taker"], 2)


def test_c4_a_stop_limit_that_has_filled_in_part_keeps_a_limit():
    floor = Floor(BOOK)
    order = floor.sell(3, 98.5, trigger=98.0)
    floor.trade("sell 1 @ 98")
    assert order.status == "partially_filled"
    floor.amend(order, limit=100.5)
    assert (floor.fills, order.open_lots) == (["sell 2 @ 99 taker"], 2)


def test_c4_post_only_is_judged_again():
    floor = Floor(BOOK)
    fresh, begun = floor.buy(2, 99.0, post_only=True), floor.buy(2, 99.5, post_only=True)
    floor.trade("sell 1 @ 99.5")
    for order in (fresh, begun):
        floor.amend(order, limit=101.0)
    assert end(fresh) == "rejected: post-only: would take at 101.0"
    assert end(begun) == "canceled: post-only: would take at 101.0"


def test_c4_another_trigger_counts_at_once():
    floor = Floor(BOOK)
    floor.trade("sell 1 @ 99")
    order = floor.sell(1, trigger=97.0)
    floor.amend(order, trigger=99.0)
    assert order.status == "filled"


# -- the rules of the core ---------------------------------------------------------------------------------------------


def test_a_bracket_is_sent_when_its_entry_fills_and_grows_with_it():
    floor = Floor(BOOK)
    floor.desk.market.last = 100.0
    entry = floor.buy(3, 99.0, stop_loss=97.0, take_profit=101.0)
    stop, target = entry.children
    floor.trade("sell 3 @ 99")
    assert (floor.position, stop.quantity, target.quantity, target.status) == (1, 1, 1, "accepted")
    floor.trade("sell 9 @ 99")
    assert (floor.position, stop.quantity, target.quantity) == (3, 3, 3)
    floor.trade("buy 9 @ 101")
    assert floor.fills[-1] == "sell 3 @ 101 maker"
    assert end(stop) == "canceled: one cancels other: s-3"


def test_the_trade_that_fills_an_entry_does_not_fill_its_target():
    floor = Floor("bid 99:2 ask 102:6")
    floor.desk.market.last = 101.0
    entry = floor.buy(1, 99.5, take_profit=101.5)
    floor.trade("sell 5 @ 99.5")
    assert (entry.status, entry.children[0].status) == ("filled", "accepted")


def test_one_order_of_a_group_cancels_the_others_even_within_one_trade():
    floor = Floor(BOOK)
    first = floor.buy(1, 99.5)
    second = floor.buy(1, 100.0, oco=first)
    floor.trade("sell 9 @ 99")
    assert floor.fills == ["buy 1 @ 100 maker"]
    assert (first.status, second.status) == ("canceled", "filled")


def test_reduce_only_is_cut_to_the_position():
    floor = Floor(BOOK)
    floor.buy(1)
    order = floor.sell(3, reduce_only=True)
    assert (floor.fills[-1], end(order)) == ("sell 1 @ 99 taker", "canceled: reduce-only: position closed")
    assert end(floor.sell(1, 101.0, reduce_only=True)) == "canceled: reduce-only: nothing to reduce"


def test_a_market_order_stops_where_the_funds_end():
    floor = Floor(BOOK, cash=808.0)
    order = floor.buy(9)
    assert floor.fills == ["buy 6 @ 101 taker", "buy 1.5 @ 102 taker"]
    assert end(order) == "canceled: insufficient funds for the rest"


def test_spot_sells_only_what_is_held():
    floor = Floor(BOOK, instrument=SPOT)
    assert end(floor.sell(1)) == "rejected: spot: cannot sell 1, 0 held"
