"""Changing what is there: amend and cancel orders, close and protect positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.model import OrderStatus, OrderType, Position, PositionMode, Side
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.notices import position_key
from hookline_lmex.emulator.order_requests import amount_of, check_price, lots_of
from hookline_lmex.emulator.placing import STOP_LOSS, TAKE_PROFIT, make_record
from hookline_lmex.emulator.records import PEG, OrderRecord
from hookline_lmex.emulator.refusals import Refused, bad_request, mandatory, unknown_order

if TYPE_CHECKING:
    from hookline_lmex.emulator.exchange import Exchange

__all__ = ["Found", "amend", "bind", "cancel", "close_position", "find", "find_open"]

Found = list[OrderRecord]


def find(exchange: Exchange, desk: Desk, params: Mapping[str, Any]) -> OrderRecord:
    """Return the order that ``orderID`` or ``clOrderID`` names; one that has ended only for a while.

    Raises:
        Refused: if there is none.
    """
    options, now = exchange.options, exchange.clock.now
    for record in reversed(_named(desk, params)):
        is_filled = record.order.status is OrderStatus.FILLED
        seconds = options.filled_visible_seconds if is_filled else options.closed_visible_seconds
        if record.is_open or (record.is_announced and record.updated >= now - seconds * 1e9):
            return record
    raise unknown_order(desk.product)


def find_open(desk: Desk, params: Mapping[str, Any]) -> OrderRecord:
    """Return the open order that an id names, the latest of several.

    Raises:
        Refused: if there is none.
    """
    for record in reversed(_named(desk, params)):
        if record.is_open:
            return record
    raise unknown_order(desk.product)


def _named(desk: Desk, params: Mapping[str, Any]) -> Found:
    if params.get("orderID") or params.get("clOrderID"):
        return desk.named(str(params.get("orderID") or ""), str(params.get("clOrderID") or ""))
    raise mandatory(desk.product, "orderID or clOrderID")


def cancel(exchange: Exchange, desk: Desk, params: Mapping[str, Any]) -> Found:
    """Cancel an order, all of a client id, or all of a symbol, and return them.

    Raises:
        Refused: if there is no such order.
    """
    symbol = str(params["symbol"])
    exchange.stamp(symbol)
    account = exchange.accounts[desk.account.label]
    if not params.get("orderID") and not params.get("clOrderID"):
        return account.cancel_symbol(desk.product, symbol)
    found = [one for one in _named(desk, params) if one.is_open and one.symbol == symbol]
    if not found:
        raise unknown_order(desk.product)
    for record in tuple(found):
        # The other leg of an OCO pair goes with it.
        leader = record.order.oco_leader
        if record.tx_type == 3 and leader is not None:
            found += [
                one
                for one in desk.open_records(symbol)
                if one.order.oco_leader is leader and one not in found
            ]
    for record in found:
        if record.is_open:
            account.cancel(record)
    return found


def amend(exchange: Exchange, desk: Desk, body: Mapping[str, Any]) -> tuple[OrderRecord, float]:
    """Change an open order and return it with the price that it had.

    Raises:
        Refused: if there is no such order, or the change breaks a rule.
    """
    symbol, kind = str(body["symbol"]), str(body.get("type") or "").upper()
    record = find_open(desk, body)
    if record.order_type == PEG:
        raise bad_request(desk.product, "BAD_REQUEST: peg orders cannot be amended")
    names = {"PRICE": "orderPrice", "SIZE": "orderSize", "TRIGGERPRICE": "triggerPrice"}
    if kind == "ALL":
        changes = {name: body[name] for name in names.values() if body.get(name) not in (None, "")}
    elif kind in names:
        changes = {names[kind]: body.get("value")}
    else:
        raise bad_request(desk.product, "BAD_REQUEST: type must be one of PRICE, SIZE, TRIGGERPRICE, ALL")
    before = record.price
    _apply(exchange, desk, record, symbol, changes)
    return record, before


def _apply(
    exchange: Exchange, desk: Desk, record: OrderRecord, symbol: str, changes: Mapping[str, Any]
) -> None:
    order, instrument = record.order, record.order.instrument
    lots, limit, trigger = order.lots, order.limit_price, order.trigger_price
    if "orderSize" in changes:
        lots = lots_of(desk.product, changes, "orderSize", instrument, desk.states[symbol].setup.max_lots)
    if "orderPrice" in changes:
        limit = check_price(amount_of(desk.product, changes, "orderPrice"), "orderPrice", instrument)
    if "triggerPrice" in changes:
        if not record.is_waiting:
            raise bad_request(desk.product, "BAD_REQUEST: only an untriggered order has a trigger price")
        trigger = check_price(amount_of(desk.product, changes, "triggerPrice"), "triggerPrice", instrument)
    exchange.stamp(symbol)
    if limit is not None and "orderPrice" in changes:
        record.price = limit
    if record.is_waiting:
        record.trigger_price = record.original_trigger = trigger or record.trigger_price
    if record.is_waiting and order.type is OrderType.LIMIT:
        # A trigger with a limit is a hidden limit at the stricter of both.
        stricter = min if order.side > 0 else max
        limit, trigger = stricter(record.price, record.trigger_price), None
    status = record.status
    record.status = 123
    desk.tell_amended(record, lots, trigger)
    record.status = status
    desk.broker.amend(order, lots, limit, trigger)


def close_position(exchange: Exchange, desk: Desk, body: Mapping[str, Any]) -> OrderRecord | None:
    """Close a position at the market or at a limit; return the order, None where there is no position.

    Raises:
        Refused: if a field is missing.
    """
    symbol, kind = str(body["symbol"]), str(body.get("type") or "").upper()
    if kind not in ("LIMIT", "MARKET"):
        raise bad_request(desk.product, "BAD_REQUEST: type must be one of LIMIT, MARKET")
    instrument = desk.instruments[symbol]
    position = _position(desk, symbol, body)
    if position is None:
        return None
    limit = None
    if kind == "LIMIT":
        limit = check_price(amount_of(desk.product, body, "price"), "price", instrument)
    exchange.stamp_order(symbol)
    side = Side.SELL if position.lots > 0 else Side.BUY
    type_ = OrderType.MARKET if limit is None else OrderType.LIMIT
    record = make_record(
        exchange, desk, symbol, side, type_, abs(position.lots), limit=limit, reduce_only=True
    )
    record.order.post_only = limit is not None and body.get("postOnly") is True
    record.closes = True
    desk.register(record)
    desk.send(record)
    return record


def _position(desk: Desk, symbol: str, body: Mapping[str, Any]) -> Position | None:
    """Return the position that is meant, None where it is flat."""
    held = [position for position in desk.each_position() if position.symbol == symbol]
    wanted = body.get("positionId")
    if wanted:
        held = [position for position in held if position_key(desk, position.id) == wanted]
    elif desk.instruments[symbol].position_mode is PositionMode.HEDGE:
        side = body.get("side")
        if not side:
            raise mandatory(desk.product, "positionId")
        held = [position for position in held if (position.lots > 0) == (side == "SELL")]
    return held[0] if held else None


def _unbind(exchange: Exchange, desk: Desk, position: Position, kinds: set[int]) -> None:
    """Cancel what was bound to a position before: it has one take-profit and one stop."""
    for record in desk.open_records(position.symbol):
        if record.closes and record.trigger_type in kinds and desk.position_of(record.order) is position:
            exchange.accounts[desk.account.label].cancel(record, "bound anew")


def bind(exchange: Exchange, desk: Desk, body: Mapping[str, Any]) -> Found:
    """Protect a position with a take-profit, a stop or both in place of those it had, and return them.

    Raises:
        Refused: if neither is given, or there is no position.
    """
    symbol = str(body["symbol"])
    wanted = [
        (OrderType.TAKE_PROFIT, "takeProfitPrice", TAKE_PROFIT, body.get("takeProfitTrigger")),
        (OrderType.STOP, "stopLossPrice", STOP_LOSS, body.get("stopLossTrigger")),
    ]
    wanted = [one for one in wanted if body.get(one[1]) not in (None, "", 0)]
    if not wanted:
        raise mandatory(desk.product, "takeProfitPrice or stopLossPrice")
    position = _position(desk, symbol, body)
    if position is None:
        raise Refused(400, 33199120, "No position to protect")
    instrument, records = desk.instruments[symbol], []
    prices = [check_price(amount_of(desk.product, body, one[1]), one[1], instrument) for one in wanted]
    exchange.stamp_order(symbol)
    side = Side.SELL if position.lots > 0 else Side.BUY
    _unbind(exchange, desk, position, {one[2] for one in wanted})
    for (type_, _, kind, trigger), price in zip(wanted, prices, strict=True):
        record = make_record(
            exchange, desk, symbol, side, type_, abs(position.lots), trigger=price, reduce_only=True
        )
        record.trigger_type, record.tx_type = kind, 1 if kind == STOP_LOSS else 2
        record.uses_last, record.closes = trigger == "lastPrice", True
        records.append(record)
    if len(records) > 1:
        for record in records:
            record.order.oco_leader = records[0].order
    for record in records:
        desk.register(record)
    for record in records:
        if record.order.is_open:
            desk.send(record)
    return records
