"""Readers of answers about orders and own trades: from decoded JSON to results; ``UnreadableError`` where it cannot be read.

Rules of this file:

- Names of older versions (v3.2, v2.2) are read too. Theirs for what was filled are a trap: there ``filledSize`` is the total
  and ``fillSize`` this event; in current versions ``filledSize`` is this event. Which it is shows in whether a total is there.
- An order without id, symbol, side or status cannot be read: nothing is assumed about it.
"""

from __future__ import annotations

from decimal import Decimal

from hookline_lmex.codes import OrderCode, OrderKind, TriggerKind
from hookline_lmex.endpoints import Parsed
from hookline_lmex.results_orders import AttachedOrder, Fee, OrderAction, OrderState, OwnTrade, Size
from hookline_lmex.wire import (
    Row,
    UnreadableError,
    decimal,
    decimal_or_none,
    flag,
    from_ms,
    row_of,
    rows_of,
    side,
    text,
    whole,
)

__all__ = ["attached", "fees", "order_actions", "order_state", "order_states", "own_trades"]

_ORIGINAL = ("originalOrderBaseSize", "originalOrderSize", "originalSize")
_CURRENT = ("currentOrderBaseSize", "currentOrderSize", "size")
_REMAINING = ("remainingOrderBaseSize", "remainingBaseSize", "remainingSize")
_TOTAL = ("totalFilledBaseSize", "totalFilledSize")
_EVENT = ("filledBaseSize", "filledSize")
_AVERAGE = ("avgFilledPrice", "averageFillPrice", "avgFillPrice")
_QUOTE = ("currentOrderQuoteSize", "originalOrderQuoteSize")


def order_actions(answer: Parsed, *, counted: bool) -> list[OrderAction]:
    """Read what came of creating, amending or canceling; ``counted`` where sizes are contracts."""
    return [_action(row, counted=counted) for row in rows_of(answer.payload)]


def _action(row: Row, *, counted: bool) -> OrderAction:
    total, event = _filled(row, counted=counted)
    return OrderAction(
        status=OrderCode(whole(row, "status", default=None)),
        symbol=text(row, "symbol", default=None),
        # Refusals with HTTP 200 may come without an id; those that were taken are checked by whoever reads the status.
        order_id=text(row, "orderID", "orderId"),
        client_order_id=text(row, "clOrderID", "clOrderId"),
        side=side(row, "side"),
        kind=OrderKind.of(whole(row, "orderType")),
        price=decimal(row, "price"),
        time=from_ms(row, "timestamp"),
        trigger_price=_above_zero(row, "triggerPrice"),
        stop_price=_above_zero(row, "stopPrice"),
        is_trigger=flag(row, "trigger"),
        post_only=flag(row, "postOnly"),
        message=text(row, "message"),
        lifetime=text(row, "time_in_force", "timeInForce"),
        original_size=_size(row, *_ORIGINAL, counted=counted),
        size=_size(row, *_CURRENT, counted=counted),
        remaining=_size(row, *_REMAINING, counted=counted),
        filled=event,
        total_filled=total,
        average_price=_above_zero(row, *_AVERAGE),
        quote_size=_above_zero(row, *_QUOTE),
        quote_remaining=decimal_or_none(row, "remainingOrderQuoteSize"),
        original_price=_above_zero(row, "originalPrice"),
        position_id=text(row, "positionId"),
        position_mode=text(row, "positionMode"),
        position_direction=text(row, "positionDirection"),
    )


def order_state(answer: Parsed, *, counted: bool) -> OrderState:
    """Read one order that was asked for."""
    return _state(row_of(answer.payload), counted=counted)


def order_states(answer: Parsed, *, counted: bool) -> list[OrderState]:
    """Read open orders."""
    return [_state(row, counted=counted) for row in rows_of(answer.payload)]


def _state(row: Row, *, counted: bool) -> OrderState:
    total = _filled(row, counted=counted)[0]
    waits, triggered = flag(row, "triggerOrder"), flag(row, "triggered")
    return OrderState(
        status=_status(row, waits=waits and not triggered, is_filled=total > 0),
        state=text(row, "orderState"),
        order_id=text(row, "orderID", "orderId", default=None),
        client_order_id=text(row, "clOrderID", "clOrderId"),
        symbol=text(row, "symbol", default=None),
        side=side(row, "side"),
        kind=OrderKind.of(whole(row, "orderType")),
        price=decimal(row, "price"),
        time=from_ms(row, "timestamp"),
        lifetime=text(row, "timeInForce", "time_in_force"),
        original_size=_size(row, *_ORIGINAL, counted=counted),
        size=_size(row, *_CURRENT, counted=counted),
        remaining=_size(row, *_REMAINING, counted=counted),
        total_filled=total,
        average_price=_above_zero(row, *_AVERAGE),
        notional=decimal(row, "orderValue"),
        is_trigger=waits,
        is_triggered=triggered,
        trigger_kind=_trigger_kind(row, "triggerOrderType"),
        trigger_price=_above_zero(row, "triggerPrice") or _above_zero(row, "triggerOriginalPrice"),
        original_trigger_price=_above_zero(row, "triggerOriginalPrice"),
        trail_value=_above_zero(row, "trailValue"),
        uses_last_price=flag(row, "triggerUseLastPrice"),
        reduce_only=flag(row, "reduceOnly"),
        is_close=flag(row, "closeOrder"),
        quote_size=_above_zero(row, *_QUOTE),
        request_id=whole(row, "requestId"),
        contract_size=decimal_or_none(row, "contractSize"),
        take_profit=attached(row.get("takeProfitOrder")),
        stop_loss=attached(row.get("stopLossOrder")),
        position_id=text(row, "positionId"),
        position_mode=text(row, "positionMode"),
        position_direction=text(row, "positionDirection"),
    )


def _status(row: Row, *, waits: bool, is_filled: bool) -> OrderCode:
    """Return the status; that of an open order, whose answer has none, follows from what it does have."""
    if row.get("status") is not None:
        return OrderCode(whole(row, "status"))
    if not text(row, "orderState"):
        raise UnreadableError("status: must be there, was missing")
    if waits:
        return OrderCode.TRIGGER_WAITING
    return OrderCode.PARTIALLY_FILLED if is_filled else OrderCode.RESTING


def _filled(row: Row, *, counted: bool) -> tuple[Size, Size]:
    """Return what was filled so far, and by this event."""
    if any(row.get(name) is not None for name in _TOTAL):
        return _size(row, *_TOTAL, counted=counted), _size(row, *_EVENT, counted=counted)
    return _size(row, "filledSize", counted=counted), _size(row, "fillSize", counted=counted)


def _size(row: Row, *names: str, counted: bool) -> Size:
    return whole(row, *names) if counted else decimal(row, *names)


def _above_zero(row: Row, *names: str) -> Decimal | None:
    found = decimal_or_none(row, *names)
    return found if found is not None and found > 0 else None


def _trigger_kind(row: Row, name: str) -> TriggerKind:
    value = whole(row, name)
    return TriggerKind(value) if value in TriggerKind._value2member_map_ else TriggerKind.NONE


def attached(value: object) -> AttachedOrder | None:
    """Read a take-profit or stop that hangs on an order or a position."""
    if not isinstance(value, dict):
        return None
    return AttachedOrder(
        text(value, "orderId", "orderID"),
        side(value, "side"),
        decimal(value, "triggerPrice"),
        flag(value, "triggerUseLastPrice"),
    )


def own_trades(answer: Parsed, *, counted: bool) -> list[OwnTrade]:
    """Read own trades, oldest first."""
    found = [_own_trade(row, counted=counted) for row in rows_of(answer.payload)]
    found.sort(key=lambda trade: (trade.time, trade.serial))
    return found


def _own_trade(row: Row, *, counted: bool) -> OwnTrade:
    return OwnTrade(
        trade_id=text(row, "tradeId", default=None),
        order_id=text(row, "orderId", "orderID", default=None),
        client_order_id=text(row, "clOrderID", "clOrderId"),
        symbol=text(row, "symbol", default=None),
        side=side(row, "side"),
        kind=OrderKind.of(whole(row, "orderType")),
        trigger_kind=_trigger_kind(row, "triggerType"),
        price=decimal(row, "filledPrice", default=None),
        size=whole(row, "filledSize", default=None) if counted else decimal(row, "filledSize", default=None),
        fee=decimal(row, "feeAmount"),
        fee_currency=text(row, "feeCurrency"),
        time=from_ms(row, "timestamp"),
        serial=whole(row, "serialId"),
        realized=decimal(row, "realizedPnl"),
        order_price=decimal(row, "price"),
        order_size=decimal(row, "size"),
        wallet=text(row, "wallet"),
        position_id=text(row, "positionId"),
        contract_size=decimal_or_none(row, "contractSize"),
    )


def fees(answer: Parsed) -> list[Fee]:
    """Read fees."""
    return [
        Fee(
            text(row, "symbol"),
            decimal(row, "makerFee", default=None),
            decimal(row, "takerFee", default=None),
        )
        for row in rows_of(answer.payload)
    ]
