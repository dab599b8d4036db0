"""TWAP against a market moved by hand: what it sends, when, and what it says when it could not."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hookline as hl
from hand_venue import SECOND, START, Hand
from hookline.model import OrderStatus, Side
from hookline.params import PluginUse
from hookline.testing import bars
from hookline_algorithms.twap import Twap
from hookline_strategies.work_order import WorkOrder


def begun(hand, quantity, side=Side.BUY, limit=None, **params):
    parent = hand.ctx.work("TEST", side, quantity, Twap(**params), limit=limit, tag="parent")
    hand.settle()
    return parent


def sent(hand):
    """Each child as seconds, lots, price and tag."""
    return [f"{(o.time - START) / SECOND:g}s {o.lots} @ {o.limit_price or o.type} {o.tag}" for o in hand.sent]


def fill_all(hand):
    for order in hand.kernel.open_orders():
        if order.parent is not None:
            hand.fill(order)


def run(hand, seconds, step=10):
    """Fill everything at once while time passes."""
    fill_all(hand)
    for _ in range(seconds // step):
        hand.wait(step)
        fill_all(hand)


def price(hand, value):
    hand.kernel.markets["TEST"].last = value


def test_equal_slices_on_schedule_and_the_last_takes_the_remainder():
    hand = Hand()
    parent = begun(hand, 14, duration="60s", slices=4)
    run(hand, 60, 5)

    assert sent(hand) == [
        "0s 3 @ market twap 1/4",
        "15s 3 @ market twap 2/4",
        "30s 3 @ market twap 3/4",
        "45s 5 @ market twap 4/4",
    ]
    assert (parent.status, hand.held()) == (OrderStatus.FILLED, 14)
    assert hand.kernel.warnings == {}


def test_a_sell_is_worked_the_same_way():
    hand = Hand()
    begun(hand, 5, side=Side.SELL, duration="60s", slices=2)
    run(hand, 60)

    assert [(order.side, order.lots) for order in hand.sent] == [(Side.SELL, 2), (Side.SELL, 3)]
    assert hand.held() == -5


def test_a_slice_below_the_minimum_is_merged_into_the_next():
    hand = Hand(min_quantity=4)
    begun(hand, 18, duration="60s", slices=6)
    run(hand, 60)

    # Three each; two of them reach the minimum, and no rest below it is left over.
    assert sent(hand) == [
        "10s 6 @ market twap 2/6",
        "30s 6 @ market twap 4/6",
        "50s 6 @ market twap 6/6",
    ]


def test_what_would_leave_less_than_the_minimum_goes_with_the_rest():
    hand = Hand(min_quantity=4)
    begun(hand, 10, duration="50s", slices=5)
    run(hand, 50)

    # Two each: four at 10 s leave six; four more would leave two, which could never be sent.
    assert sent(hand) == ["10s 4 @ market twap 2/5", "40s 6 @ market twap 5/5"]
    assert hand.held() == 10


def test_a_slice_below_the_smallest_notional_is_merged_too():
    hand = Hand(min_notional=Decimal(500))
    begun(hand, 12, duration="40s", slices=4)
    run(hand, 40)

    # Three are worth 300 at 100, six 600.
    assert sent(hand) == ["10s 6 @ market twap 2/4", "30s 6 @ market twap 4/4"]


def test_more_slices_than_lots_send_a_lot_whenever_one_is_due():
    hand = Hand()
    begun(hand, 3, duration="60s", slices=6)
    run(hand, 60)

    assert sent(hand) == [
        "10s 1 @ market twap 2/6",
        "30s 1 @ market twap 4/6",
        "50s 1 @ market twap 6/6",
    ]


def test_no_slice_is_sent_beyond_the_limit_and_the_next_catches_up():
    hand = Hand()
    parent = begun(hand, 8, duration="40s", slices=4, limit_price=101.0)
    fill_all(hand)
    price(hand, 101.01)
    run(hand, 20)
    price(hand, 101.0)
    run(hand, 20)

    assert sent(hand) == ["0s 2 @ 101.0 twap 1/4", "30s 6 @ 101.0 twap 4/4"]
    assert parent.status is OrderStatus.FILLED


def test_a_seller_waits_below_its_limit():
    hand = Hand()
    begun(hand, 8, side=Side.SELL, duration="40s", slices=4, limit_price=100.5)
    run(hand, 10)
    price(hand, 100.5)
    run(hand, 10)

    assert sent(hand) == ["20s 6 @ 100.5 twap 3/4"]


def test_the_tighter_of_the_orders_and_the_algorithms_limit_counts():
    hand = Hand()
    begun(hand, 8, limit=100.5, duration="40s", slices=4, limit_price=101.0)
    begun(hand, 8, limit=101.5, duration="40s", slices=4, limit_price=101.0)
    assert [order.limit_price for order in hand.sent] == [100.5, 101.0]


def test_what_a_slice_leaves_is_canceled_and_caught_up():
    hand = Hand()
    begun(hand, 8, duration="40s", slices=4, limit_price=101.0)
    hand.fill(hand.sent[0], 1)
    hand.wait(10)
    assert hand.sent[0].status is OrderStatus.CANCELED
    run(hand, 30)

    assert sent(hand) == [
        "0s 2 @ 101.0 twap 1/4",
        "10s 3 @ 101.0 twap 2/4",
        "20s 2 @ 101.0 twap 3/4",
        "30s 2 @ 101.0 twap 4/4",
    ]
    assert hand.held() == 8


def test_what_waits_for_its_cancellation_is_not_sent_twice():
    hand = Hand()
    hand.broker.holds_cancels = True
    begun(hand, 8, duration="40s", slices=4, limit_price=101.0)
    hand.wait(10)
    assert [order.lots for order in hand.sent] == [2, 2]
    hand.fill(hand.sent[0])
    hand.fill(hand.sent[1], 1)
    hand.wait(10)
    hand.confirm(hand.sent[1])
    hand.wait(10)

    assert [order.lots for order in hand.sent] == [2, 2, 2, 3]


def test_a_rejected_slice_is_caught_up():
    hand = Hand()
    begun(hand, 8, duration="40s", slices=4)
    hand.reject(hand.sent[0])
    run(hand, 40)

    assert [order.lots for order in hand.sent] == [2, 4, 2, 2]
    assert hand.held() == 8


def test_what_is_left_at_the_end_is_reported():
    hand = Hand()
    parent = begun(hand, 8, duration="40s", slices=4, limit_price=101.0)
    run(hand, 20)
    price(hand, 102.0)
    run(hand, 20)

    left = "2 of 8 TEST not filled in 40s"
    assert (parent.status, parent.reason, hand.held()) == (OrderStatus.CANCELED, left, 6)
    assert hand.kernel.warnings == {f"s: twap: {left}": 1}


def test_the_report_waits_for_the_last_cancellation():
    hand = Hand()
    hand.broker.holds_cancels = True
    parent = begun(hand, 4, duration="40s", slices=1, limit_price=101.0)
    hand.wait(40)
    assert parent.is_open
    hand.fill(hand.sent[0], 3)
    hand.confirm(hand.sent[0])

    assert parent.reason == "1 of 4 TEST not filled in 40s"


def test_a_market_order_on_its_way_is_left_alone_at_the_end():
    hand = Hand()
    parent = begun(hand, 4, duration="40s", slices=2)
    hand.wait(60)
    assert parent.is_open
    assert hand.broker.cancels == []
    fill_all(hand)

    assert parent.status is OrderStatus.FILLED


def test_limit_style_asks_for_the_opposite_price():
    hand = Hand()
    market = hand.kernel.markets["TEST"]
    market.bid, market.ask = 99.9, 100.1
    begun(hand, 8, duration="40s", slices=4, style="limit", limit_price=101)
    begun(hand, 8, side=Side.SELL, duration="40s", slices=4, style="limit")

    assert [order.limit_price for order in hand.sent] == [100.1, 99.9]


def test_cancel_midway_keeps_what_is_filled():
    hand = Hand()
    parent = begun(hand, 8, duration="40s", slices=4)
    run(hand, 10)
    hand.ctx.cancel(parent)
    run(hand, 40)

    assert (parent.status, parent.filled_lots, hand.held(), len(hand.sent)) == (OrderStatus.CANCELED, 4, 4, 2)
    assert hand.kernel.warnings == {}


def test_randomize_shifts_slices_by_less_than_a_fraction_of_their_distance():
    def times(seed_of_parent):
        hand = Hand()
        for _ in range(seed_of_parent):
            hand.ctx.buy("TEST", 1, limit=1)
        first = len(hand.sent)
        begun(hand, 6, duration="60s", slices=6, randomize=0.5)
        run(hand, 60, 1)
        assert hand.held() == 6
        return [(order.time - START) / SECOND for order in hand.sent[first:]]

    shifts = [time - 10 * number for number, time in enumerate(times(0))]
    assert all(0 <= shift < 5 for shift in shifts)
    assert len(set(shifts)) == 6
    assert times(0) == times(0) != times(1)


def test_a_restart_midway_goes_on_as_if_nothing_had_happened():
    def lines(restart):
        hand = Hand()
        begun(hand, 13, duration="60s", slices=6, randomize=0.9)
        found = []
        for second in range(60):
            if second in restart:
                found += sent(hand)
                hand = hand.restarted()
            if second % 4 == 0:
                fill_all(hand)
            hand.wait(1)
        fill_all(hand)
        assert hand.held() == 13
        return found + sent(hand)

    assert lines({7}) == lines({31, 32}) == lines(()) != []


def test_slices_missed_while_stopped_are_caught_up_by_one():
    hand = Hand()
    begun(hand, 8, duration="80s", slices=8)
    run(hand, 10)
    hand.kernel.clock.now += 35 * SECOND
    again = hand.restarted()
    again.wait(0)
    run(again, 40)

    assert sent(again)[0] == "45s 3 @ market twap 5/8"
    assert again.held() == 8


def test_after_a_stop_beyond_the_end_nothing_is_sent():
    hand = Hand()
    begun(hand, 8, duration="80s", slices=8)
    run(hand, 10)
    hand.kernel.clock.now += 200 * SECOND
    again = hand.restarted()
    again.wait(0)

    assert again.sent == []
    assert again.kernel.warnings == {"s: twap: 6 of 8 TEST not filled in 80s": 1}
    assert again.kernel.open_orders() == []


def test_a_session_file_runs_it_by_itself():
    use = PluginUse("twap", {"duration": "4h", "slices": 4})
    perp = hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1))
    result = hl.backtest(WorkOrder(10, use), bars("10 10 11 12 13 14 15"), instruments=[perp])

    assert [(f.lots, f.price) for f in result.record.fills] == [(2, 10.0), (2, 10.0), (2, 11.0), (4, 12.0)]
    parent = result.record.orders[0]
    assert (parent.tag, parent.status, parent.average_price) == ("parent", OrderStatus.FILLED, 11.0)


def test_slices_closer_than_bars_meet_the_same_open():
    use = PluginUse("twap", {"duration": "1h", "slices": 4})
    perp = hl.Instrument("TEST", hl.InstrumentKind.PERPETUAL, lot_size=Decimal(1))
    result = hl.backtest(WorkOrder(8, use), bars("10 10 11 12"), instruments=[perp])

    assert [(f.lots, f.price) for f in result.record.fills] == [(2, 10.0), (2, 10.0), (2, 10.0), (2, 10.0)]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"duration": "soon"}, "algorithm.params.duration: a timeframe is a count and one of s m h d w"),
        ({"slices": 0}, "algorithm.params.slices: must be at least 1, was 0"),
        ({"slizes": 3}, "algorithm.params.slizes: Twap has no such parameter; did you mean 'slices'?"),
    ],
)
def test_its_parameters_are_checked_with_their_address(params, message):
    with pytest.raises(hl.ConfigError) as raised:
        WorkOrder(1, PluginUse("twap", params))
    assert str(raised.value).startswith(message)


@settings(max_examples=100)
@given(
    st.integers(1, 200),
    st.integers(1, 30),
    st.integers(0, 9),
    st.floats(0, 1),
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from(["fill", "part", "reject", "restart"])), max_size=20
    ),
)
def test_the_sum_is_exact_whatever_the_numbers(quantity, slices, least, randomize, steps):
    hand = Hand(min_quantity=least)
    parent = begun(hand, quantity, duration="100s", slices=slices, randomize=randomize)
    for seconds, what in steps:
        hand.wait(seconds)
        if what == "restart" and parent.is_open:
            hand = hand.restarted()
            parent = next(order for order in hand.kernel.open_orders() if order.parent is None)
        for child in [order for order in hand.kernel.open_orders() if order.parent is not None]:
            if what == "fill":
                hand.fill(child)
            elif what == "part":
                hand.fill(child, 1)
            elif what == "reject" and not child.filled_lots:
                hand.reject(child)
        working = sum(order.open_lots for order in hand.kernel.open_orders() if order.parent is not None)
        assert parent.filled_lots == hand.held()
        assert hand.held() + working <= quantity
    hand.wait(150)
    fill_all(hand)
    assert parent.is_closed
    assert hand.held() == parent.filled_lots
    if all(what != "reject" for _, what in steps) and quantity >= least:
        assert hand.held() == quantity
