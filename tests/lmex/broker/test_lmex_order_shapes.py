"""Our orders in the venue's terms."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hand_lmex import PERP, SPOT, START
from hypothesis import given
from hypothesis import strategies as st

from hookline.model import Order, OrderType, PositionMode, Side, TimeInForce
from hookline_lmex.codes import Lifetime, OrderKind, PositionModeName, PriceSource, TxKind
from hookline_lmex.requests import order_body
from hookline_lmex.wire_orders import (
    Terms,
    client_id,
    is_immediate,
    lots_of,
    number_of,
    size_of,
    wire_amendment,
    wire_order,
)


def order(type_=OrderType.LIMIT, instrument=PERP, side=Side.BUY, lots=5, **terms):
    return Order(7, "desk", instrument, side, type_, lots, START, **terms)


def wire(one, reference=100.0, source=PriceSource.MARK):
    return wire_order(one, "hl00112233-7", reference=reference, source=source)


@pytest.mark.parametrize(
    ("type_", "terms", "kind", "tx"),
    [
        (OrderType.MARKET, {}, OrderKind.MARKET, TxKind.LIMIT),
        (OrderType.LIMIT, {"limit_price": 90.5}, OrderKind.LIMIT, TxKind.LIMIT),
        (OrderType.STOP, {"trigger_price": 80.0}, OrderKind.MARKET, TxKind.STOP),
        (OrderType.STOP_LIMIT, {"trigger_price": 80.0, "limit_price": 79.5}, OrderKind.LIMIT, TxKind.STOP),
        (OrderType.TAKE_PROFIT, {"trigger_price": 120.0}, OrderKind.MARKET, TxKind.TRIGGER),
        (OrderType.TRAILING_STOP, {"trail_amount": 2.5}, OrderKind.MARKET, TxKind.LIMIT),
    ],
)
@pytest.mark.parametrize("instrument", [PERP, SPOT])
def test_each_type_has_one_shape_that_the_client_takes(type_, terms, kind, tx, instrument):
    new = wire(order(type_, instrument, **terms))
    assert (new.kind, new.tx_kind) == (kind, tx)
    body = order_body(new, is_futures=instrument is PERP)
    assert body.get("triggerPrice") == terms.get("trigger_price")
    assert body.get("price") == terms.get("limit_price")
    assert body.get("trailValue") == terms.get("trail_amount")


def test_sizes_are_whole_contracts_on_futures_and_base_units_on_spot():
    coarse = replace(PERP, lot_size=Decimal("0.01"))
    assert size_of(PERP, 5) == 5
    assert size_of(coarse, 5) == 50
    assert size_of(SPOT, 5) == Decimal("0.005")
    assert lots_of(coarse, Decimal(59)) == 5


@given(st.integers(1, 10**9))
def test_sizes_survive_the_way_there_and_back(lots):
    for instrument in (PERP, SPOT):
        assert lots_of(instrument, size_of(instrument, lots)) == lots


@pytest.mark.parametrize(
    ("life", "lifetime"),
    [
        (TimeInForce.GTC, Lifetime.GTC),
        (TimeInForce.GTD, Lifetime.GTC),
        (TimeInForce.IOC, Lifetime.IOC),
        (TimeInForce.FOK, Lifetime.FOK),
    ],
)
def test_lifetimes(life, lifetime):
    assert wire(order(limit_price=90.0, time_in_force=life)).lifetime is lifetime


def test_a_market_order_has_a_lifetime_only_where_that_adds_something():
    assert wire(order(OrderType.MARKET)).lifetime is None
    assert wire(order(OrderType.MARKET, time_in_force=TimeInForce.FOK)).lifetime is Lifetime.FOK


def test_a_trailing_fraction_becomes_a_distance_on_the_tick_grid():
    one = order(OrderType.TRAILING_STOP, side=Side.SELL, trail_fraction=0.0123)
    assert wire(one, reference=1000.0).trail_value == Decimal("12.5")
    assert wire(one, reference=1.0).trail_value == Decimal("0.5")
    with pytest.raises(ValueError, match="no price of BTC-PERP is known"):
        wire(one, reference=float("nan"))


def test_triggers_look_at_what_is_configured_and_the_index_stands_for_the_mark_on_spot():
    stop = {"trigger_price": 80.0}
    assert wire(order(OrderType.STOP, **stop)).trigger_source is PriceSource.MARK
    assert wire(order(OrderType.STOP, **stop), source=PriceSource.LAST).trigger_source is PriceSource.LAST
    assert wire(order(OrderType.STOP, SPOT, **stop)).trigger_source is PriceSource.INDEX
    assert wire(order(limit_price=90.0)).trigger_source is None


def test_reduce_only_is_sent_on_futures_only():
    assert wire(order(OrderType.MARKET, reduce_only=True)).reduce_only
    assert not wire(order(OrderType.MARKET, SPOT, reduce_only=True)).reduce_only
    assert wire(order(OrderType.MARKET, SPOT)).position_mode is None


@pytest.mark.parametrize(
    ("side", "position", "closes"),
    [
        (Side.BUY, "long", False),
        (Side.SELL, "long", True),
        (Side.SELL, "short", False),
        (Side.BUY, "short", True),
    ],
)
def test_in_hedge_mode_the_order_that_closes_is_reduce_only(side, position, closes):
    hedged = replace(PERP, position_mode=PositionMode.HEDGE)
    new = wire(order(OrderType.MARKET, hedged, side, position_id=f"BTC-PERP|{position}"))
    assert new.position_mode is PositionModeName.HEDGE
    assert new.reduce_only is closes


def test_an_amendment_says_what_changes():
    one = order(limit_price=90.0, filled_lots=2)
    change = wire_amendment(one, Terms(5, 91.0, None))
    assert (change.size, change.price, change.trigger_price) == (None, 91, None)
    assert wire_amendment(one, Terms(6, 90.0, None)).size == 6
    assert wire_amendment(one, Terms(6, 90.0, None), size_is_total=False).size == 4
    stop = order(OrderType.STOP, trigger_price=80.0)
    assert wire_amendment(stop, Terms(5, None, 81.0)).trigger_price == 81


@given(st.text("0123456789abcdef", min_size=8, max_size=8), st.integers(1, 10**18 - 1))
def test_client_ids_name_session_and_order_and_are_short(tag, number):
    id_ = client_id(tag, number)
    assert len(id_) <= 32
    assert id_.replace("-", "").isalnum()
    assert number_of(tag, id_) == number
    assert number_of("other000", id_) == 0


@pytest.mark.parametrize(
    "strange", ["", "by hand", "hl00112233-", "hl00112233-0", "hl00112233-07", "hl00112233-7x"]
)
def test_ids_of_others_name_no_order(strange):
    assert number_of("00112233", strange) == 0


def test_what_never_rests():
    assert is_immediate(order(OrderType.MARKET))
    assert is_immediate(order(limit_price=90.0, time_in_force=TimeInForce.IOC))
    assert not is_immediate(order(limit_price=90.0))
    assert not is_immediate(order(OrderType.STOP, trigger_price=80.0))
    assert is_immediate(order(OrderType.STOP, trigger_price=80.0, filled_lots=1))
    assert not is_immediate(order(OrderType.STOP_LIMIT, trigger_price=80.0, limit_price=79.0, filled_lots=1))
