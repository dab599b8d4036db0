"""Calls that create, change, cancel and show orders."""

from __future__ import annotations

from typing import Any

from hookline_lmex.emulator.changing import amend, bind, cancel, close_position, find, find_open
from hookline_lmex.emulator.notices import position_key, position_mode
from hookline_lmex.emulator.order_requests import amount_of, parse_order
from hookline_lmex.emulator.placing import place
from hookline_lmex.emulator.refusals import Refused, mandatory
from hookline_lmex.emulator.rest_calls import Act, Call, Endpoint
from hookline_lmex.emulator.rest_limits import CallKind
from hookline_lmex.emulator.terms import Permission, Product
from hookline_lmex.emulator.wire_numbers import milliseconds, number
from hookline_lmex.emulator.wire_orders import action_row, open_row, query_row

__all__ = ["ENDPOINTS"]

_MS = 10**6
_FUTURES = Product.FUTURES
_SPOT_SIZES = (
    "originalOrderBaseSize",
    "currentOrderBaseSize",
    "remainingOrderBaseSize",
    "filledBaseSize",
    "totalFilledBaseSize",
)
_FUTURES_SIZES = ("originalOrderSize", "currentOrderSize", "filledSize", "totalFilledSize", "remainingSize")


def create(call: Call) -> list[dict[str, Any]]:
    """Place an order and answer with what became of it at once."""
    return _placed(call, peg=False)


def create_peg(call: Call) -> list[dict[str, Any]]:
    """Place a peg order; on spot this is another name of ``create``."""
    return _placed(call, peg=True)


def _placed(call: Call, *, peg: bool) -> list[dict[str, Any]]:
    state = call.state()
    request = parse_order(call.product, call.params, state, call.exchange.options, peg=peg)
    records = place(call.exchange, call.desk, request)
    return [action_row(call.desk, record, filled_lots=record.order.filled_lots) for record in records]


def query(call: Call) -> dict[str, Any]:
    """Answer with one order."""
    return query_row(call.desk, find(call.exchange, call.desk, call.params))


def put(call: Call) -> list[dict[str, Any]]:
    """Amend an order; status 123, whatever the market makes of it then."""
    call.state()
    wanted = find_open(call.desk, call.params)
    before = wanted.order.filled_lots
    record, price = amend(call.exchange, call.desk, call.params)
    row = action_row(call.desk, record, filled_lots=record.order.filled_lots - before, status=123)
    if call.product is Product.SPOT:
        row |= {"originalPrice": number(price), "stealth": 0, "deviation": 0}
    return [row]


def delete(call: Call) -> list[dict[str, Any]]:
    """Cancel an order, all of a client id, or all of a symbol."""
    state = call.state()
    try:
        found = cancel(call.exchange, call.desk, call.params)
    except Refused:
        if call.exchange.options.unknown_order == "http":
            raise
        return [_not_found(call, state.symbol)]
    return [action_row(call.desk, record) for record in found]


def cancel_all_after(call: Call) -> dict[str, Any]:
    """Arm the dead man's switch; 0 disarms it."""
    if call.params.get("timeout") in (None, ""):
        raise mandatory(call.product, "timeout")
    timeout = float(amount_of(call.product, call.params, "timeout"))
    due = call.exchange.clock.now + round(timeout * _MS) if timeout > 0.0 else None
    call.user.set_switch(call.product, due)
    return {"timeout": number(timeout), "triggerTime": 0 if due is None else milliseconds(due)}


def open_orders(call: Call) -> list[dict[str, Any]]:
    """Answer with the open orders, newest first."""
    desk, params = call.desk, call.params
    if params.get("symbol"):
        call.state()
    found = desk.open_records(params.get("symbol") or None)
    for name, of in (("orderID", "order_id"), ("clOrderID", "client_order_id")):
        if params.get(name):
            found = [one for one in found if getattr(one, of) == params[name]]
    return [open_row(desk, record) for record in reversed(found)]


def close(call: Call) -> list[dict[str, Any]]:
    """Close a position; status 15 where there is none."""
    state = call.state()
    record = close_position(call.exchange, call.desk, call.params)
    if record is None:
        text = '{"msgKey":"CLOSE_WITHOUT_POSITION","params":[],"default_msg":"No position to close"}'
        row = _no_order(call, state.symbol, 15, text)
        del row["filledSize"]
        return [row]
    row = action_row(call.desk, record, filled_lots=record.order.filled_lots)
    del row["filledSize"]
    return [row]


def _not_found(call: Call, symbol: str) -> dict[str, Any]:
    return _no_order(call, symbol, 16, "Order not found") | {
        "orderID": call.params.get("orderID") or "",
        "clOrderID": call.params.get("clOrderID") or "",
    }


def _no_order(call: Call, symbol: str, status: int, message: str) -> dict[str, Any]:
    """Return an action row about an order that there is not."""
    row: dict[str, Any] = {
        "status": status,
        "symbol": symbol,
        "orderType": 77 if call.params.get("type") == "MARKET" else 76,
        "price": 0,
        "side": "SELL",
        "orderID": "",
        "timestamp": call.now_ms,
        "triggerPrice": 0,
        "trigger": False,
        "message": message,
        "avgFilledPrice": 0,
        "postOnly": False,
        "orderDetailType": None,
        "time_in_force": "GTC",
        "clOrderID": "",
        "stealth": 100,
        "deviation": 100,
    }
    if call.product is Product.SPOT:
        return row | dict.fromkeys(_SPOT_SIZES, 0) | {"orderCurrency": "base", "stopPrice": None}
    mode = position_mode(call.desk.instruments[symbol])
    about = {"positionMode": mode, "positionDirection": None, "positionId": position_key(call.desk, symbol)}
    return row | dict.fromkeys(_FUTURES_SIZES, 0) | about


def bind_tpsl(call: Call) -> list[dict[str, Any]]:
    """Protect a position with a take-profit, a stop or both."""
    call.state()
    return [action_row(call.desk, record) for record in bind(call.exchange, call.desk, call.params)]


def _trading(method: str, product: Product, path: str, act: Act) -> Endpoint:
    version = "v2.3" if product is _FUTURES else "v3.3"
    kind = CallKind.QUERY if method == "GET" else CallKind.ORDER
    return Endpoint(method, product, f"/api/{version}/{path}", act, Permission.TRADING, kind)


ENDPOINTS = (
    *(
        _trading(method, product, path, act)
        for product in Product
        for method, path, act in (
            ("POST", "order", create),
            ("POST", "order/peg", create_peg),
            ("GET", "order", query),
            ("PUT", "order", put),
            ("DELETE", "order", delete),
            ("POST", "order/cancelAllAfter", cancel_all_after),
        )
    ),
    _trading("GET", Product.SPOT, "user/open_orders", open_orders),
    _trading("POST", _FUTURES, "order/close_position", close),
    _trading("POST", _FUTURES, "order/bind/tpsl", bind_tpsl),
    Endpoint("GET", _FUTURES, "/api/v2.3/user/open_orders", open_orders, Permission.READ),
)
