"""Orders as rows of REST answers: what an action did, what a query shows, what is open."""

from __future__ import annotations

from typing import Any

from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.notices import direction_of, position_key, position_mode
from hookline_lmex.emulator.records import MARKET, PEG, OrderRecord
from hookline_lmex.emulator.terms import Product
from hookline_lmex.emulator.wire_numbers import milliseconds, number, wire_size

__all__ = ["action_row", "open_row", "query_row"]

_SPOT = Product.SPOT


def action_row(
    desk: Desk, record: OrderRecord, *, filled_lots: int = 0, status: int | None = None
) -> dict[str, Any]:
    """Return what an action did to an order; ``filled_lots`` is what it filled.

    What an immediate order could not fill is told as status 5 with the rest, although nothing rests.
    """
    order = record.order
    if status is None:
        status = 5 if record.is_final and order.filled_lots else record.status
    row: dict[str, Any] = {
        "status": status,
        "symbol": record.symbol,
        "orderType": record.order_type,
        "price": number(_price(record)),
        "side": record.side,
        "orderID": record.order_id,
        "timestamp": milliseconds(record.updated),
        "triggerPrice": number(record.trigger_price),
        "trigger": record.is_trigger,
        "message": record.message,
        "avgFilledPrice": number(order.average_price),
        "postOnly": order.post_only,
        "orderDetailType": None,
        "time_in_force": record.life,
    }
    return row | (
        _spot_action(record, filled_lots)
        if desk.product is _SPOT
        else _futures_action(desk, record, filled_lots)
    )


def _price(record: OrderRecord) -> float:
    """Return the price of an order: that of its executions where it trades at the market."""
    if record.order_type == MARKET:
        return record.order.average_price
    return record.order.limit_price or record.price if record.order_type == PEG else record.price


def _remaining_lots(record: OrderRecord) -> int:
    """Return what is left of an order; a waiting leg of an OCO pair says 0."""
    if record.tx_type == 3 and record.is_waiting and record.is_open:
        return 0
    return record.order.open_lots


def _spot_action(record: OrderRecord, filled_lots: int) -> dict[str, Any]:
    instrument = record.order.instrument
    plain = 1 if record.order_type != PEG else None
    return _sizes(record) | {
        "stopPrice": None if record.stop_price is None else number(record.stop_price),
        "clOrderID": record.client_order_id or None,
        "stealth": number(record.stealth or 1) if plain is None else plain,
        "deviation": number(record.deviation or 0) if plain is None else plain,
        "filledBaseSize": wire_size(instrument, filled_lots),
    }


def _sizes(record: OrderRecord) -> dict[str, Any]:
    """Return the sizes of a spot order: in base units, or of a buy by amount in quote currency."""
    order, instrument, amount = record.order, record.order.instrument, record.quote_amount
    by_amount = amount is not None
    original = None if by_amount else wire_size(instrument, record.original_lots)
    left = None if amount is None else number(max(0.0, amount - record.quote_spent))
    return {
        "originalOrderBaseSize": original,
        "originalOrderQuoteSize": None if amount is None else number(amount),
        "currentOrderBaseSize": None if by_amount else wire_size(instrument, order.lots),
        "currentOrderQuoteSize": None if amount is None else number(amount),
        "remainingOrderBaseSize": None if by_amount else wire_size(instrument, _remaining_lots(record)),
        "remainingOrderQuoteSize": left,
        "totalFilledBaseSize": wire_size(instrument, order.filled_lots),
        "orderCurrency": "quote" if by_amount else "base",
    }


def _futures_action(desk: Desk, record: OrderRecord, filled_lots: int) -> dict[str, Any]:
    order, instrument = record.order, record.order.instrument
    return {
        "clOrderID": record.client_order_id,
        "stealth": 100 if record.stealth is None else number(record.stealth),
        "deviation": 100 if record.deviation is None else number(record.deviation),
        "originalOrderSize": wire_size(instrument, record.original_lots),
        "currentOrderSize": wire_size(instrument, order.lots),
        "filledSize": wire_size(instrument, filled_lots),
        "totalFilledSize": wire_size(instrument, order.filled_lots),
        "remainingSize": wire_size(instrument, _remaining_lots(record)),
        "positionMode": position_mode(instrument),
        "positionDirection": direction_of(order.position_id),
        "positionId": position_key(desk, order.position_id or record.symbol),
    }


def _common(desk: Desk, record: OrderRecord) -> dict[str, Any]:
    """Return what a query and the list of open orders both show."""
    order, instrument = record.order, record.order.instrument
    price = _price(record)
    value = (price or record.trigger_price) * instrument.units(order.lots)
    spot = desk.product is _SPOT
    row: dict[str, Any] = {
        "orderID": record.order_id,
        "orderType": record.order_type,
        "price": number(price),
        "side": record.side,
        "orderValue": number(value if record.quote_amount is None else record.quote_amount),
        "pegPriceMin": 0,
        "pegPriceMax": 0,
        "pegPriceDeviation": number(_fraction(record.deviation, 0.0 if spot else 1.0)),
        "timestamp": milliseconds(order.time if record.is_open else record.updated),
        "triggerOrder": record.is_trigger,
        "triggered": record.is_triggered,
        "triggerPrice": number(order.trigger_price or record.trigger_price),
        "triggerOriginalPrice": number(record.original_trigger),
        "triggerOrderType": record.trigger_type,
        "triggerTrailingStopDeviation": 0,
        "triggerStopPrice": number(record.stop_price or 0.0),
        "symbol": record.symbol,
        "trailValue": number(record.trail_value),
        "clOrderID": record.client_order_id or (None if spot else ""),
        "timeInForce": record.life,
        "avgFilledPrice": number(order.average_price),
    }
    return row | (_sizes(record) | {"quote": instrument.quote} if spot else _futures_sizes(record))


def _fraction(percent: float | None, plain: float) -> float:
    return plain if percent is None else percent / 100.0


def _futures_sizes(record: OrderRecord) -> dict[str, Any]:
    order, instrument = record.order, record.order.instrument
    return {
        "originalOrderSize": wire_size(instrument, record.original_lots),
        "currentOrderSize": wire_size(instrument, order.lots),
        "totalFilledSize": wire_size(instrument, order.filled_lots),
        "remainingSize": wire_size(instrument, _remaining_lots(record)),
        "stealth": number(_fraction(record.stealth, 1.0)),
        "reduceOnly": order.reduce_only,
        "contractSize": number(float(instrument.contract_size or 0)),
        "closeOrder": record.closes,
        "triggerUseLastPrice": record.uses_last,
    }


def query_row(desk: Desk, record: OrderRecord) -> dict[str, Any]:
    """Return an order as a query shows it."""
    extras = {
        "status": record.status,
        "trailValueType": "DISTANCE",
        "triggerUseLastPrice": record.uses_last,
        "activationPrice": None,
        "activationPriceType": None,
        "currentPegPrice": number(record.order.limit_price or 0.0),
        "wrapperOrder": False,
    }
    protection = {} if desk.product is _SPOT else _protection(record)
    return _common(desk, record) | extras | {name: one for name, one in protection.items() if one is not None}


def open_row(desk: Desk, record: OrderRecord) -> dict[str, Any]:
    """Return an order as the list of open orders shows it."""
    row = _common(desk, record) | {
        "vendorName": None,
        "botID": None,
        "cancelDuration": record.life_ms,
        "orderState": "STATUS_INACTIVE" if record.is_waiting else "STATUS_ACTIVE",
        "orderDetailType": None,
    }
    if desk.product is _SPOT:
        return row | {"requestId": record.request_id, "orderDetail": None}
    order = record.order
    return (
        row
        | _protection(record)
        | {
            "positionMode": position_mode(order.instrument),
            "positionDirection": direction_of(order.position_id),
            "positionId": position_key(desk, order.position_id or record.symbol),
        }
    )


def protection_row(record: OrderRecord | None) -> dict[str, Any] | None:
    """Return a take-profit or stop as part of what it protects, None where there is none."""
    if record is None or record.order.is_closed:
        return None
    return {
        "orderId": record.order_id,
        "side": record.side,
        "triggerPrice": number(record.trigger_price),
        "triggerUseLastPrice": record.uses_last,
    }


def _protection(record: OrderRecord) -> dict[str, Any]:
    return {
        "takeProfitOrder": protection_row(record.take_profit),
        "stopLossOrder": protection_row(record.stop_loss),
    }
