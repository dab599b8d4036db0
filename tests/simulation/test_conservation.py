"""Properties of the simulated venue over random sessions: nothing is lost, doubled or given away."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_sessions import INSTRUMENTS, PERP, random_session, sessions

from hookline import OrderStatus, OrderType
from hookline.model import TRANSITIONS, Ledger, Market
from hookline.simulation.funds import affordable_lots

many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def is_liquidation(outcome, fill):
    return outcome.orders[fill.order_number].tag == "liquidation"


@given(sessions())
@many
def test_quantity_is_conserved_exactly(outcome):
    for id_, trader in outcome.traders.items():
        held = defaultdict(int)
        for fill in outcome.record.fills:
            if fill.strategy == id_:
                held[fill.symbol] += fill.side * fill.lots
        assert trader.final["lots"] == {symbol: held[symbol] for symbol in INSTRUMENTS}
    filled = defaultdict(int)
    for fill in outcome.record.fills:
        filled[fill.order_number] += fill.lots
    for number, order in outcome.orders.items():
        assert order.filled_lots == filled[number] <= order.lots


@given(sessions())
@many
def test_cash_is_conserved_and_equity_is_cash_and_positions(outcome):
    rates = {
        True: Fraction(outcome.params["maker_fee_bps"]) / 10**4,
        False: Fraction(outcome.params["taker_fee_bps"]) / 10**4,
    }
    for id_, trader in outcome.traders.items():
        cash, flow = Fraction(outcome.cash), Fraction(outcome.cash)
        for fill in outcome.record.fills:
            if fill.strategy == id_:
                quantity = fill.lots * Fraction(INSTRUMENTS[fill.symbol].lot_size)
                notional = quantity * Fraction(Decimal(repr(fill.price)))
                fee = notional * rates[fill.is_maker]
                if is_liquidation(
                    outcome, fill
                ):  # less than the rates where nothing is left, see liquidation.py
                    fee = Fraction(fill.fee)
                cash -= fill.side * notional + fee
                flow += notional
        final, tolerance = trader.final, 1e-9 * float(flow)
        assert final["cash"] == pytest.approx(float(cash), abs=tolerance)
        worth = sum(
            final["lots"][symbol] * one.lot_size * Decimal(repr(final["last"][symbol]))
            for symbol, one in INSTRUMENTS.items()
        )
        assert final["equity"] == pytest.approx(float(cash + Fraction(worth)), abs=tolerance)
    total = sum(trader.final["equity"] for trader in outcome.traders.values())
    assert outcome.result.metrics.final_equity == pytest.approx(total, rel=1e-9)


@given(sessions())
@many
def test_reduce_only_orders_only_reduce_and_spot_is_never_short(outcome):
    held, orders = defaultdict(int), outcome.orders
    for fill in outcome.record.fills:
        key = fill.strategy, fill.symbol
        before = held[key]
        held[key] += fill.side * fill.lots
        if orders[fill.order_number].reduce_only:
            assert before * fill.side < 0
            assert abs(held[key]) == abs(before) - fill.lots
        assert held[key] >= 0 or INSTRUMENTS[fill.symbol].can_short


@given(sessions())
@many
def test_limits_and_liquidity_are_respected(outcome):
    orders = outcome.orders
    for fill in outcome.record.fills:
        order = orders[fill.order_number]
        assert fill.is_maker or not order.post_only
        assert not fill.is_maker or order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        if order.limit_price is not None:
            assert fill.side * (order.limit_price - fill.price) >= 0


@given(sessions())
@many
def test_without_slippage_every_price_was_seen_on_the_bar(outcome):
    for trader in outcome.traders.values():
        for time, fill in trader.heard:
            if is_liquidation(outcome, fill):
                continue
            bar = outcome.bar_heard(fill.symbol, time)
            assert bar.end == time
            assert fill.time in (bar.start, bar.end)
            assert bar.low <= fill.price <= bar.high
            if fill.time == bar.start:
                assert fill.price == bar.open


@given(sessions(slips=True))
@many
def test_slippage_only_ever_costs(outcome):
    orders = outcome.orders
    for trader in outcome.traders.values():
        for time, fill in trader.heard:
            if is_liquidation(outcome, fill):
                continue
            order, bar = orders[fill.order_number], outcome.bar_heard(fill.symbol, time)
            instrument = INSTRUMENTS[fill.symbol]
            assert fill.price == instrument.on_grid(fill.price)
            if order.limit_price is None and fill.time == bar.start:
                assert fill.side * (fill.price - bar.open) > 0


@given(sessions())
@many
def test_orders_move_along_the_table_and_nothing_stays_pending(outcome):
    status, when, orders = {}, {}, outcome.orders
    for update in outcome.record.updates:
        number, following = update.order_number, OrderStatus(update.status)
        before = status.get(number, OrderStatus.INITIALIZED)
        if update.reason == "amended":
            # The wish is told when it is made; what a bar did before it may be told after.
            assert following == before
            continue
        assert following in TRANSITIONS[before]
        assert update.time >= when.get(number, 0)
        status[number], when[number] = following, update.time
    assert all(order.status is status[number] for number, order in orders.items())
    for id_, trader in outcome.traders.items():
        on_their_way = defaultdict(int)
        for order in orders.values():
            if order.strategy == id_ and order.type is OrderType.MARKET and order.is_open:
                on_their_way[order.symbol] += order.side * order.open_lots
        assert trader.final["pending"] == {symbol: on_their_way[symbol] for symbol in INSTRUMENTS}


@given(sessions())
@many
def test_fills_come_in_time_after_their_orders_and_never_change_an_ended_one(outcome):
    orders, latest = outcome.orders, defaultdict(int)
    for fill in outcome.record.fills:
        order = orders[fill.order_number]
        assert fill.time >= latest[fill.symbol]
        latest[fill.symbol] = fill.time
        assert fill.time >= order.time
    for trader in outcome.traders.values():
        heard = [time for time, _ in trader.heard]
        assert heard == sorted(heard)
        assert [fill.number for _, fill in trader.heard] == sorted(fill.number for _, fill in trader.heard)


@given(sessions())
@many
def test_of_a_group_only_one_order_trades_and_a_bracket_never_outlives_its_position(outcome):
    traded = defaultdict(set)
    for order in outcome.record.orders:
        if order.oco_leader is not None and order.filled_lots:
            traded[order.oco_leader.number].add(order.number)
        if order.parent is not None and order.parent.is_closed and not order.parent.filled_lots:
            assert order.status in (OrderStatus.CANCELED, OrderStatus.DENIED)
    assert all(len(numbers) == 1 for numbers in traded.values())


@given(
    cash=st.floats(1, 1e6),
    lots=st.integers(-1000, 1000),
    price=st.integers(1, 10**5).map(lambda ticks: ticks * 0.5),
    side=st.sampled_from([1, -1]),
    rate=st.sampled_from([-0.0001, 0.0, 0.0005, 0.01]),
    leverage=st.sampled_from([0.5, 1.0, 3.0, 100.0]),
)
def test_what_is_affordable_is_the_most_that_stays_within_the_leverage(
    cash, lots, price, side, rate, leverage
):
    ledger = Ledger("s", cash, [Market(PERP)])
    position = ledger.positions["PERP"]
    position.lots, position.quantity = lots, PERP.units(lots)
    equity = cash + position.quantity * price

    def is_within(count, slack):
        fee = PERP.units(count) * price * rate
        worth = abs(PERP.units(lots + side * count) * price)
        return worth <= leverage * (equity - fee) + slack

    most = affordable_lots(ledger, position, side, price, rate, leverage)

    slack = 1e-6 * (abs(equity) + abs(position.quantity * price) + price) * leverage
    if most > 0 and abs(lots + side * most) > abs(lots):
        assert is_within(most, slack)
    if abs(lots + side * (max(most, 0) + 1)) > abs(lots):
        assert not is_within(max(most, 0) + 1, -slack)


def test_the_random_sessions_trade():
    # A property over sessions without fills would hold for the wrong reason.
    outcomes = [random_session(40, seed) for seed in range(30)]
    fills = [
        (outcome.orders[fill.order_number], fill) for outcome in outcomes for fill in outcome.record.fills
    ]
    orders = [order for outcome in outcomes for order in outcome.record.orders]

    assert len(fills) > 1000
    assert {order.type for order, _ in fills} == set(OrderType)
    assert {order.symbol for order, _ in fills} == set(INSTRUMENTS)
    assert sum(order.reduce_only for order, _ in fills) > 100
    assert sum(fill.is_maker and order.post_only for order, fill in fills) > 10
    assert {order.status for order in orders} >= {
        OrderStatus(one) for one in ("filled", "canceled", "rejected", "denied", "accepted", "expired")
    }
