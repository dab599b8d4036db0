"""Every kind of order at the emulated exchange, and what is told of it."""

import pytest
from exchange_kit import HOUR, SECOND, START, Floor, coin, on_bars, on_tape, perp

from hookline.model import MarketData, Side
from hookline_lmex.emulator.changing import amend, bind, cancel, close_position, find
from hookline_lmex.emulator.refusals import Refused
from hookline_lmex.emulator.terms import AccountSetup, MarketSetup, Product


@pytest.fixture
def bars():
    floor = Floor(on_bars())
    floor.bar(100, 101, 99, 100)
    return floor


@pytest.fixture
def tape():
    floor = Floor(on_tape())
    floor.quote(99.9, 100.1)
    return floor


def named(record):
    return {"symbol": record.symbol, "orderID": record.order_id}


def test_a_market_order_on_bars_rests_until_the_next_bar(bars):
    (record,) = bars.send(size=100, clOrderID="one")
    assert record.status == 2
    bars.bar(102, 103, 101, 102)
    assert record.status == 4
    assert bars.ear.statuses == [2, 4]
    (fill,) = bars.ear.fills
    assert (fill.price, fill.size, fill.client_order_id, fill.is_maker) == (102, 100, "one", False)
    assert bars.truth.positions == {"AAA-PERP": 100}


def test_a_market_order_on_a_tape_is_filled_at_once_and_says_so_last_of_the_position(tape):
    (record,) = tape.send(size=100)
    assert record.status == 4
    assert [kind for kind, _ in tape.ear.all] == ["order", "fill", "position"]
    (notice,) = tape.ear.orders
    assert (notice.status, notice.filled, notice.total_filled, notice.remaining) == (4, 100, 100, 0)


def test_each_fill_of_an_order_is_one_notice_with_what_it_filled():
    floor = Floor(MarketSetup(perp(), tape=frozenset({MarketData.BOOK})))
    from hookline.model import BookUpdate

    sides, prices = [1, -1, -1, -1], [99.0, 101.0, 102.0, 103.0]
    floor.exchange.handle([BookUpdate("AAA-PERP", START, START, True, sides, prices, [1.0, 0.5, 0.25, 9.0])])
    (record,) = floor.send(size=100)
    assert record.status == 4
    assert [(one.status, one.filled, one.total_filled, one.remaining) for one in floor.ear.orders] == [
        (5, 50, 50, 50),
        (5, 25, 75, 25),
        (4, 25, 100, 0),
    ]


def test_a_limit_that_crosses_in_part_is_answered_five_and_rests(tape):
    (record,) = tape.send(size=1500, price=100.1)
    assert (record.status, record.order.filled_lots, record.is_open) == (5, 1000, True)


def test_a_post_only_order_that_would_cross_is_six_with_all_of_it_left(tape):
    (record,) = tape.send(size=10, price=100.2, postOnly=True)
    assert (record.status, record.order.open_lots, record.is_open) == (6, 10, False)
    assert [(one.status, one.remaining) for one in tape.ear.orders] == [(6, 10)]


def test_immediate_orders_that_find_nothing_are_six(tape):
    for life in ("IOC", "FOK"):
        (record,) = tape.send(size=10, price=99.0, time_in_force=life)
        assert (record.status, record.is_open) == (6, False)


def test_a_fill_or_kill_order_larger_than_the_book_is_six(tape):
    (record,) = tape.send(size=1500, price=100.1, time_in_force="FOK")
    assert (record.status, record.order.filled_lots) == (6, 0)


def test_a_market_order_that_has_taken_everything_before_meets_nothing(tape):
    tape.send(size=1000)
    (record,) = tape.send(size=10)
    assert record.status == 7


def test_a_market_order_without_a_book_is_one():
    (record,) = Floor(on_tape()).send(size=10)
    assert record.status == 1


def test_an_order_of_thirty_seconds_ends_after_them(tape):
    (record,) = tape.send(size=10, price=99.0, time_in_force="HALFMIN")
    tape.clock.now += 29 * SECOND
    tape.exchange.pass_time()
    assert record.is_open
    tape.clock.now += 2 * SECOND
    tape.exchange.pass_time()
    assert (record.status, record.is_open) == (6, False)


@pytest.mark.parametrize(
    ("terms", "price", "fills"),
    [
        ({"side": "BUY", "txType": "STOP", "triggerPrice": 105.0}, 106.0, True),
        ({"side": "BUY", "txType": "STOP", "triggerPrice": 105.0}, 104.0, False),
        ({"side": "BUY", "txType": "TRIGGER", "triggerPrice": 95.0}, 94.0, True),
        ({"side": "BUY", "txType": "TRIGGER", "triggerPrice": 95.0}, 96.0, False),
        ({"side": "SELL", "txType": "STOP", "triggerPrice": 95.0, "price": 93.0}, 94.0, True),
        ({"side": "SELL", "txType": "TRIGGER", "triggerPrice": 105.0, "price": 104.0}, 106.0, True),
        ({"side": "SELL", "txType": "TRIGGER", "triggerPrice": 105.0, "price": 107.0}, 106.0, False),
    ],
)
def test_orders_wait_for_their_trigger(bars, terms, price, fills):
    (record,) = bars.send(size=10, **terms)
    assert (record.status, record.is_waiting) == (9, True)
    bars.bar(100, max(100, price), min(100, price), 100)
    assert bool(record.order.filled_lots) is fills
    if fills:
        assert bars.ear.statuses[-2:] == [10, 4]


def test_a_trailing_stop_follows_the_price(bars):
    bars.send(size=10)
    bars.bar(100, 101, 99, 100)
    (record,) = bars.send(size=10, side="SELL", trailValue=3.0)
    bars.bar(100, 110, 100, 110)
    assert record.is_open
    bars.bar(109, 109, 106, 106)
    assert [one.price for one in bars.truth.fills][1:] == [107.0]


def test_a_pair_cancels_its_other_leg(bars):
    stop, limit = bars.send(
        size=10, side="SELL", type="OCO", price=110.0, triggerPrice=95.0, stopPrice=94.0, clOrderID="pair"
    )
    assert (stop.status, limit.status) == (9, 2)
    assert stop.client_order_id == limit.client_order_id == "pair"
    bars.bar(100, 111, 99, 110)
    assert (stop.status, limit.status) == (6, 4)


def test_canceling_one_leg_of_a_pair_cancels_both(bars):
    stop, limit = bars.send(size=10, side="SELL", type="OCO", price=110.0, triggerPrice=95.0, stopPrice=94.0)
    assert cancel(bars.exchange, bars.desk(), named(limit)) == [limit, stop]
    assert bars.truth.open_orders == ()


def test_spot_names_the_limit_of_a_pair_first():
    floor = Floor(on_bars(coin()), spot={"AAA": 5})
    floor.bar(100, 101, 99, 100, symbol="AAA-USDT")
    limit, stop = floor.send(
        "AAA-USDT", side="SELL", type="OCO", size=1, price=110, triggerPrice=95, stopPrice=94
    )
    assert (limit.status, limit.is_trigger, stop.status, stop.is_trigger) == (2, False, 9, True)


def test_an_entry_brings_its_take_profit_and_stop(bars):
    (entry,) = bars.send(size=10, takeProfitPrice=110.0, stopLossPrice=95.0)
    assert len(bars.truth.open_orders) == 1
    bars.bar(100, 102, 99, 101)
    assert [one.status for one in (entry, entry.take_profit, entry.stop_loss)] == [4, 9, 9]
    bars.bar(101, 112, 101, 111)
    assert [one.status for one in (entry.take_profit, entry.stop_loss)] == [4, 6]
    assert bars.truth.positions == {}


def test_a_peg_order_moves_with_the_index_and_not_beyond_its_worst_price(bars):
    (record,) = bars.send(type="PEG", size=10, price=99.5, deviation=-2.0, peg=True)
    assert record.order_type == 80
    assert record.order.limit_price == 98.0
    bars.bar(100, 101.5, 99, 101)
    assert record.order.limit_price == pytest.approx(98.98)
    bars.bar(101, 103, 100.5, 103)
    assert record.order.limit_price == 99.5


def test_an_amendment_keeps_the_id_and_is_told_as_123(bars):
    (record,) = bars.send(size=10, price=95.0)
    amend(bars.exchange, bars.desk(), named(record) | {"type": "PRICE", "value": 97.0})
    amend(bars.exchange, bars.desk(), named(record) | {"type": "SIZE", "value": 20})
    amend(bars.exchange, bars.desk(), named(record) | {"type": "ALL", "orderPrice": 98, "orderSize": 30})
    assert (record.price, record.order.limit_price, record.order.lots, record.status) == (98.0, 98.0, 30, 2)
    assert bars.ear.statuses == [2, 123, 123, 123]
    bars.bar(99, 99, 97, 98)
    assert [(one.price, one.size) for one in bars.truth.fills] == [(98.0, 30)]


def test_an_amendment_is_told_with_its_new_trigger(bars):
    (stop,) = bars.send(side="SELL", size=10, txType="STOP", triggerPrice=90.0)
    amend(bars.exchange, bars.desk(), named(stop) | {"type": "ALL", "orderSize": 5, "triggerPrice": 91.0})
    notice = bars.ear.orders[-1]
    assert (notice.status, notice.trigger_price, notice.current) == (123, 91.0, 5)


def test_only_a_waiting_order_has_a_trigger_to_amend(bars):
    (resting,) = bars.send(size=10, price=95.0)
    (waiting,) = bars.send(size=10, side="SELL", txType="STOP", triggerPrice=90.0)
    with pytest.raises(Refused):
        amend(bars.exchange, bars.desk(), named(resting) | {"type": "TRIGGERPRICE", "value": 96.0})
    amend(bars.exchange, bars.desk(), named(waiting) | {"type": "TRIGGERPRICE", "value": 98.0})
    assert waiting.order.trigger_price == 98.0


def test_a_client_id_cancels_every_order_that_carries_it(bars):
    for price in (90.0, 91.0):
        bars.send(size=10, price=price, clOrderID="twin")
    bars.send(size=10, price=92.0, clOrderID="other")
    found = cancel(bars.exchange, bars.desk(), {"symbol": "AAA-PERP", "clOrderID": "twin"})
    assert [one.status for one in found] == [6, 6]
    assert [one.client_order_id for one in bars.truth.open_orders] == ["other"]


def test_canceling_without_an_id_cancels_the_symbol_alone():
    floor = Floor(on_bars(), on_bars(perp("BBB-PERP")))
    for symbol in ("AAA-PERP", "BBB-PERP"):
        floor.bar(100, 101, 99, 100, symbol=symbol)
        floor.send(symbol, size=10, price=90.0)
    assert len(cancel(floor.exchange, floor.desk(), {"symbol": "AAA-PERP"})) == 1
    assert [one.symbol for one in floor.truth.open_orders] == ["BBB-PERP"]


def test_a_canceled_order_is_there_for_thirty_minutes(bars):
    (record,) = bars.send(size=10, price=90.0)
    cancel(bars.exchange, bars.desk(), named(record))
    bars.clock.now += 29 * 60 * SECOND
    assert find(bars.exchange, bars.desk(), named(record)) is record
    bars.clock.now += 2 * 60 * SECOND
    with pytest.raises(Refused, match="Order not found"):
        find(bars.exchange, bars.desk(), named(record))


def test_a_dead_mans_switch_cancels_its_own_product_alone(bars):
    floor = Floor(on_bars(), on_bars(coin()), spot={"USDT": 1000})
    for symbol in ("AAA-PERP", "AAA-USDT"):
        floor.bar(100, 101, 99, 100, symbol=symbol)
        floor.clock.now -= HOUR
    floor.clock.now += HOUR
    floor.send("AAA-PERP", size=10, price=90.0)
    floor.send("AAA-USDT", size=1, price=90.0)
    account = floor.exchange.accounts["ann"]
    account.set_switch(Product.FUTURES, floor.clock.now + 5 * SECOND)
    floor.clock.now += 4 * SECOND
    floor.exchange.pass_time()
    assert len(floor.truth.open_orders) == 2
    floor.clock.now += 2 * SECOND
    floor.exchange.pass_time()
    assert [one.symbol for one in floor.truth.open_orders] == ["AAA-USDT"]


def test_a_position_is_closed_at_the_market(tape):
    tape.send(size=100)
    tape.quote(101.0, 101.2)
    record = close_position(tape.exchange, tape.desk(), {"symbol": "AAA-PERP", "type": "MARKET"})
    assert record is not None
    assert record.status == 4
    assert tape.truth.positions == {}
    assert tape.ear.positions[-1].contracts == 0
    assert close_position(tape.exchange, tape.desk(), {"symbol": "AAA-PERP", "type": "MARKET"}) is None


def test_a_position_is_protected_by_a_bound_pair(bars):
    bars.send(size=100)
    bars.bar(100, 101, 99, 100)
    body = {"symbol": "AAA-PERP", "takeProfitPrice": 110.0, "stopLossPrice": 95.0}
    target, stop = bind(bars.exchange, bars.desk(), body)
    assert [(one.status, one.order_type, one.original_lots) for one in (target, stop)] == [(9, 77, 100)] * 2
    bars.bar(100, 100, 94, 94)
    assert (target.status, stop.status) == (6, 4)
    assert bars.truth.positions == {}


def test_binding_anew_replaces_what_was_bound(bars):
    bars.send(size=100)
    bars.bar(100, 101, 99, 100)
    (first,) = bind(bars.exchange, bars.desk(), {"symbol": "AAA-PERP", "stopLossPrice": 95.0})
    (target,) = bind(bars.exchange, bars.desk(), {"symbol": "AAA-PERP", "takeProfitPrice": 110.0})
    (second,) = bind(bars.exchange, bars.desk(), {"symbol": "AAA-PERP", "stopLossPrice": 97.0})
    assert (first.status, target.status, second.status) == (6, 9, 9)


def test_hedge_mode_holds_a_long_beside_a_short(bars):
    from hookline.model import PositionMode

    bars.desk().rebuild("AAA-PERP", position_mode=PositionMode.HEDGE)
    bars.send(size=30, positionMode="HEDGE")
    bars.send(size=20, side="SELL", positionMode="HEDGE")
    bars.bar(100, 101, 99, 100)
    assert bars.truth.positions == {"AAA-PERP|long": 30, "AAA-PERP|short": -20}
    bars.send(size=30, side="SELL", reduceOnly=True, positionMode="HEDGE")
    bars.bar(100, 101, 99, 100)
    assert bars.truth.positions == {"AAA-PERP|short": -20}
    assert {one.position_id for one in bars.ear.positions} == {"AAA-PERP-USDT|LONG", "AAA-PERP-USDT|SHORT"}


def test_an_order_of_the_wrong_position_mode_is_refused(bars):
    with pytest.raises(Refused) as found:
        bars.send(size=10, positionMode="HEDGE")
    assert found.value.code == 133


def test_reduce_only_without_a_position_is_refused(tape):
    with pytest.raises(Refused) as found:
        tape.send(size=10, reduceOnly=True)
    assert found.value.code == 33199120


def test_two_orders_of_one_client_id_are_both_taken_unless_configured_otherwise(tape):
    for _ in range(2):
        tape.send(size=10, price=99.0, clOrderID="same")
    assert len(tape.truth.with_client_id("same")) == 2
    strict = Floor(on_tape(), refuse_duplicates=True)
    strict.quote(99.9, 100.1)
    strict.send(size=10, price=99.0, clOrderID="same")
    (second,) = strict.send(size=10, price=99.0, clOrderID="same")
    assert second.status == 15
    assert len(strict.truth.open_orders) == 1


def test_a_pair_of_which_one_leg_is_refused_leaves_nothing():
    floor = Floor(on_tape(coin()), spot={"USDT": 1000, "AAA": 1})
    floor.quote(99.9, 100.1, symbol="AAA-USDT")
    terms = {"type": "OCO", "side": "SELL", "size": 5, "price": 110, "triggerPrice": 95, "stopPrice": 94}
    with pytest.raises(Refused):
        floor.send("AAA-USDT", **terms)
    assert floor.truth.open_orders == ()


def test_filled_orders_may_be_hidden_from_queries():
    floor = Floor(on_tape(), filled_visible_seconds=-1)
    floor.quote(99.9, 100.1)
    (record,) = floor.send(size=10)
    assert record.status == 4
    with pytest.raises(Refused, match="Order not found"):
        find(floor.exchange, floor.desk(), named(record))


def test_settings_change_under_resting_orders_and_positions_without_touching_them(tape):
    from decimal import Decimal

    tape.send(size=100)
    (resting,) = tape.send(size=50, price=99.5)
    tape.desk().rebuild("AAA-PERP", leverage=Decimal(5))
    assert resting.is_open
    assert tape.truth.positions == {"AAA-PERP": 100}
    tape.trade(99.4, 3.0, Side.SELL)
    assert resting.status == 4
    assert tape.truth.positions == {"AAA-PERP": 150}


def test_accounts_do_not_see_each_other():
    accounts = [
        AccountSetup("ann", "a", "1", futures={"USDT": 100}),
        AccountSetup("bob", "b", "2", futures={"USDT": 9}),
    ]
    floor = Floor(on_tape(), accounts=accounts)
    floor.quote(99.9, 100.1)
    floor.send(size=10)
    assert floor.exchange.truth("bob").orders == ()
    assert floor.exchange.truth("bob").balances == {(Product.FUTURES, "USDT"): 9.0}


def test_a_delisted_market_loses_its_orders_and_takes_none(tape):
    (record,) = tape.send(size=10, price=99.0)
    tape.exchange.set_listed("AAA-PERP", False)
    assert record.status == 6
    with pytest.raises(Refused):
        tape.send(size=10, price=99.0)
    assert tape.exchange.state("AAA-PERP", Product.FUTURES) is None


def test_a_market_with_bars_shows_one_level_a_side_around_the_close(bars):
    state = bars.exchange.states["AAA-PERP"]
    assert [price for price, _ in state.levels(Side.BUY, 5)] == [100.0]
    assert [price for price, _ in state.levels(Side.SELL, 5)] == [100.01]
    assert bars.ear.books[-1].prices == [100.0, 100.01]
    assert bars.ear.trades[-1][1].price == 100


def test_orders_of_less_than_five_dollars_cannot_be_post_only_and_pay_the_takers_fee(tape):
    (refused,) = tape.send(size=5, price=99.0, postOnly=True)
    assert refused.status == 6
    (small,) = tape.send(size=5, price=99.0)
    tape.trade(98.0, 1.0, Side.SELL)
    (fill,) = tape.truth.fills
    assert (small.status, fill.is_maker) == (4, True)
    assert fill.fee == pytest.approx(0.05 * 99 * 0.0006)


def test_what_is_long_over_is_forgotten_where_that_is_configured():
    floor = Floor(on_tape(), forget_seconds=60)
    floor.quote(99.9, 100.1)
    (resting,) = floor.send(size=10, price=90.0)
    for _ in range(1100):
        floor.clock.now += SECOND
        floor.send(size=10, price=90.0, time_in_force="IOC")
    assert resting in floor.truth.orders
    assert len(floor.truth.orders) < 300
    assert find(floor.exchange, floor.desk(), named(resting)) is resting


def test_times_that_are_told_are_those_of_the_clock_although_bars_match_by_their_ends(bars):
    (record,) = bars.send(size=10, price=90.0)
    bars.clock.now += 5 * SECOND
    cancel(bars.exchange, bars.desk(), named(record))
    made, canceled = bars.ear.orders
    assert canceled.time - made.time == 5 * SECOND
