"""Placing orders: from what is asked for to orders of the simulated venue.

=========================  ==========================================================================================
on the wire                 in the simulated venue
=========================  ==========================================================================================
LIMIT, MARKET               limit, market
STOP with LIMIT, MARKET     stop-limit, stop
TRIGGER with MARKET         take-profit
TRIGGER with LIMIT          a limit at the stricter of trigger and limit, not shown: passing the limit passes the trigger
trailValue                  trailing stop
OCO                         a limit and a stop-limit (a stop without ``stopPrice``), one cancels other
PEG                         a limit that is moved with the index
takeProfit, stopLoss        a take-profit and a stop that reduce, one cancels other, sent when the entry fills
spot market buy by amount   as many lots as the amount buys: from the book, or at the next bar's open
=========================  ==========================================================================================

Triggers follow the traded price, also where the mark was asked for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hookline.model import Order, OrderStatus, OrderType, PositionMode, Side, TimeInForce
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.order_requests import OrderRequest
from hookline_lmex.emulator.pegging import peg_price
from hookline_lmex.emulator.records import LIMIT, MARKET, PEG, OrderRecord
from hookline_lmex.emulator.refusals import Refused, bad_request, unfunded
from hookline_lmex.emulator.terms import Product

if TYPE_CHECKING:
    from hookline_lmex.emulator.exchange import Exchange

__all__ = ["make_record", "place"]

_FUTURES = Product.FUTURES
_MILLISECOND = 10**6
_LIVES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GTC": TimeInForce.GTC}
STOP_LOSS, TAKE_PROFIT = 1001, 1002


def place(exchange: Exchange, desk: Desk, request: OrderRequest) -> list[OrderRecord]:
    """Place an order and return its records: two of an OCO pair.

    Raises:
        Refused: if the venue does not take it.
    """
    state = desk.states[request.symbol]
    if not state.is_listed:
        raise bad_request(desk.product, "BAD_REQUEST: market unavailable")
    _check_mode(desk, request)
    exchange.stamp_order(request.symbol)
    is_duplicate = exchange.options.refuse_duplicates and _is_duplicate(desk, request)
    is_pair = request.type == "OCO"
    records = _oco(exchange, desk, request) if is_pair else [_single(exchange, desk, request)]
    for record in records:
        desk.register(record)
    for record in records:
        _register_children(desk, record)
    for record in records:
        why = (
            "duplicate"
            if is_duplicate
            else "post-only: spam"
            if record.is_spam and record.order.post_only
            else ""
        )
        if record.order.is_open and why:
            desk.order_changed(record.order, OrderStatus.REJECTED, exchange.time.now, why)
        elif record.order.is_open:
            _send(exchange, desk, record)
    _judge(exchange, desk, records)
    return records


def _is_duplicate(desk: Desk, request: OrderRequest) -> bool:
    return any(one.is_open for one in desk.named("", request.client_order_id))


def _check_mode(desk: Desk, request: OrderRequest) -> None:
    if desk.product is not _FUTURES or request.position_mode is None:
        return
    mode = desk.instruments[request.symbol].position_mode
    if (request.position_mode == "HEDGE") != (mode is PositionMode.HEDGE):
        raise Refused(400, 133, "Position mode is not the one of the market")


def _send(exchange: Exchange, desk: Desk, record: OrderRecord) -> None:
    """Bring an order to the market; a buy by amount first finds out how much that is."""
    if record.quote_amount is None:
        desk.send(record)
    elif desk.states[record.symbol].is_on_tape:
        record.order.lots = _lots_for(exchange, record)
        if record.order.lots:
            desk.send(record)
        else:
            desk.order_changed(
                record.order, OrderStatus.CANCELED, exchange.time.now, "no more: amount below one lot"
            )
    else:
        desk.defer(record)


def _lots_for(exchange: Exchange, record: OrderRecord) -> int:
    """Return the lots that an amount buys from the book as it stands."""
    left, lots, instrument = record.quote_amount or 0.0, 0, record.order.instrument
    for price, quantity in exchange.states[record.symbol].levels(Side.SELL, 1000):
        here = min(instrument.lots(quantity), instrument.lots(left / price))
        lots += here
        left -= instrument.units(here) * price
        if here < instrument.lots(quantity):
            break
    return lots


def _judge(exchange: Exchange, desk: Desk, records: list[OrderRecord]) -> None:
    """Refuse, by HTTP, what the market has refused at once for want of money or position.

    Raises:
        Refused: if so.
    """
    if any(record.order.filled_lots for record in records):
        return
    refused: Refused | None = None
    if any(record.status == 8 for record in records) and exchange.options.refuse_unfunded == "http":
        refused = unfunded(desk.product)
    elif any(record.order.reason.startswith("reduce-only: nothing") for record in records):
        refused = Refused(400, 33199120, "Reduce-only order without a position to reduce")
    if refused is not None:
        for record in records:
            if record.order.is_open:  # the other leg of a pair goes with it
                exchange.accounts[desk.account.label].cancel(record, "refused with its pair")
        raise refused


# -- building ------------------------------------------------------------------------------------------------------------


def make_record(
    exchange: Exchange,
    desk: Desk,
    symbol: str,
    side: Side,
    type_: OrderType,
    lots: int,
    *,
    limit: float | None = None,
    trigger: float | None = None,
    reduce_only: bool = False,
    client_order_id: str = "",
) -> OrderRecord:
    """Return a new order with its record; not sent and not registered."""
    instrument = desk.instruments[symbol]
    order = Order(
        0, desk.account.label, instrument, side, type_, lots, exchange.time.now,
        limit_price=limit, trigger_price=trigger, reduce_only=reduce_only,
        position_id=_position_id(desk, symbol, side, reduces=reduce_only),
    )  # fmt: skip
    return OrderRecord(
        order,
        desk.account.label,
        desk.product,
        exchange.ids.uuid(),
        exchange.ids.request(),
        exchange.clock.now,
        client_order_id=client_order_id,
        order_type=LIMIT if limit is not None else MARKET,
        price=limit or 0.0,
        trigger_price=trigger or 0.0,
        original_trigger=trigger or 0.0,
    )


def _position_id(desk: Desk, symbol: str, side: Side, *, reduces: bool) -> str:
    if desk.instruments[symbol].position_mode is not PositionMode.HEDGE:
        return ""
    return f"{symbol}|{'long' if (side > 0) != reduces else 'short'}"


def _single(exchange: Exchange, desk: Desk, request: OrderRequest) -> OrderRecord:
    type_, limit, trigger = _type_of(request)
    record = make_record(
        exchange, desk, request.symbol, request.side, type_, request.lots,
        limit=limit, trigger=trigger, reduce_only=request.reduce_only, client_order_id=request.client_order_id,
    )  # fmt: skip
    _dress(desk, record, request)
    if request.type == "PEG":
        if math.isnan(desk.states[request.symbol].fair):
            raise bad_request(desk.product, "BAD_REQUEST: there is no index price yet")
        record.order_type, record.price = PEG, request.price or 0.0
        record.deviation = request.deviation or 0.0
        record.stealth = 100.0 if request.stealth is None else request.stealth
        record.order.limit_price = peg_price(desk, record)
    if request.trail_value is not None:
        record.order.trail_amount, record.trail_value = request.trail_value, request.trail_value
    _protect(exchange, desk, record, request)
    return record


def _type_of(request: OrderRequest) -> tuple[OrderType, float | None, float | None]:
    """Return type, limit and trigger of the simulated order."""
    limit = request.price if request.type != "MARKET" else None
    if request.trail_value is not None:
        return OrderType.TRAILING_STOP, None, None
    if request.tx_type == "STOP":
        return (OrderType.STOP if limit is None else OrderType.STOP_LIMIT), limit, request.trigger_price
    if request.tx_type == "TRIGGER":
        if limit is None:
            return OrderType.TAKE_PROFIT, None, request.trigger_price
        trigger = request.trigger_price or limit
        return OrderType.LIMIT, min(limit, trigger) if request.side > 0 else max(limit, trigger), None
    return (OrderType.MARKET if limit is None else OrderType.LIMIT), limit, None


def _dress(desk: Desk, record: OrderRecord, request: OrderRequest) -> None:
    """Note what the wire says of an order beyond the simulated one, and its life."""
    order = record.order
    record.life, record.life_ms = request.life, request.life_ms
    record.uses_last, record.quote_amount = request.uses_last, request.quote_amount
    record.order_type = MARKET if request.type == "MARKET" else LIMIT
    record.price = request.price or 0.0
    if request.is_trigger:
        takes = request.tx_type == "TRIGGER"
        record.tx_type = 2 if takes else 1
        record.trigger_type = TAKE_PROFIT if takes else STOP_LOSS
        record.trigger_price = record.original_trigger = request.trigger_price or 0.0
    order.post_only = request.post_only and order.type is OrderType.LIMIT
    order.time_in_force = _LIVES.get(request.life, TimeInForce.GTD)
    value = order.instrument.units(order.lots) * (request.price or math.inf)
    record.is_spam = value < desk.options.spam_notional
    if request.life_ms > 0:
        order.expire_time = order.time + request.life_ms * _MILLISECOND


def _protect(exchange: Exchange, desk: Desk, entry: OrderRecord, request: OrderRequest) -> None:
    """Give an entry its take-profit and stop, which are sent when it fills."""
    wanted = (
        (OrderType.STOP, request.stop_loss, STOP_LOSS, request.stop_loss_uses_last),
        (OrderType.TAKE_PROFIT, request.take_profit, TAKE_PROFIT, request.take_profit_uses_last),
    )
    children = []
    for type_, trigger, kind, uses_last in wanted:
        if trigger is None:
            continue
        child = make_record(
            exchange,
            desk,
            request.symbol,
            Side(-request.side),
            type_,
            request.lots,
            trigger=trigger,
            reduce_only=True,
        )
        child.tx_type = 1 if kind == STOP_LOSS else 2
        child.trigger_type, child.uses_last, child.closes = kind, uses_last, True
        child.order.parent = entry.order
        if kind == STOP_LOSS:
            entry.stop_loss = child
        else:
            entry.take_profit = child
        children.append(child.order)
    for child_order in children:
        child_order.oco_leader = children[0] if len(children) > 1 else None
    entry.order.children = tuple(children)


def _register_children(desk: Desk, entry: OrderRecord) -> None:
    for child in (entry.stop_loss, entry.take_profit):
        if child is not None:
            desk.register(child, OrderStatus.HELD)


def _oco(exchange: Exchange, desk: Desk, request: OrderRequest) -> list[OrderRecord]:
    """Return the two legs of an OCO pair; futures name the stop first, spot the limit."""

    def leg(type_: OrderType, limit: float | None, trigger: float | None) -> OrderRecord:
        return make_record(
            exchange, desk, request.symbol, request.side, type_, request.lots,
            limit=limit, trigger=trigger, reduce_only=request.reduce_only, client_order_id=request.client_order_id,
        )  # fmt: skip

    limit = leg(OrderType.LIMIT, request.price, None)
    _dress(desk, limit, request)
    limit.order_type, limit.tx_type = LIMIT, 3
    type_ = OrderType.STOP if request.stop_price is None else OrderType.STOP_LIMIT
    stop = leg(type_, request.stop_price, request.trigger_price)
    stop.tx_type, stop.trigger_type, stop.uses_last = 3, STOP_LOSS, request.uses_last
    stop.stop_price = request.stop_price
    limit.order.oco_leader = stop.order.oco_leader = limit.order
    return [stop, limit] if desk.product is _FUTURES else [limit, stop]
