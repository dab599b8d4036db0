"""What the venue's words about an order mean here: how it ends (rows S3 to S7 of ``tracker.py``), and which terms it has."""

from __future__ import annotations

from hookline.model import Order, OrderStatus, OrderType, TimeInForce
from hookline_lmex.broker_news import OrderNews
from hookline_lmex.broker_orders import Track
from hookline_lmex.codes import OrderCode
from hookline_lmex.wire_orders import Terms, lots_of

__all__ = ["end_of", "terms_of"]

_S = OrderStatus
_WORDS = {
    OrderCode.MARKET_UNAVAILABLE: "the market is not available",
    OrderCode.INSUFFICIENT_BALANCE: "insufficient balance",
    OrderCode.CURRENCY_REFUSED: "the currency is refused",
    OrderCode.RISK_LIMIT_ERROR: "the risk limit does not allow it",
    OrderCode.LEVERAGE_REFUSED: "the leverage is refused",
    OrderCode.REJECTED: "rejected by the venue",
    OrderCode.NOT_FOUND: "the venue finds no such order",
    OrderCode.LIQUIDATING: "the account is in liquidation",
    OrderCode.BEYOND_LIQUIDATION: "the price is beyond the liquidation price",
    OrderCode.SIZE_TOO_LARGE: "the size is over the maximum",
    OrderCode.SIZE_REFUSED: "the size is refused",
    OrderCode.PRICE_REFUSED: "the price is refused",
    OrderCode.RATE_LIMITED: "too many calls",
    OrderCode.TOO_MANY_ORDERS: "too many open orders",
    OrderCode.PRICE_PROTECTION: "the price is outside the venue's protection band",
}


def end_of(track: Track, news: OrderNews) -> tuple[OrderStatus, str]:
    """Return the status with which an order ends, and why."""
    code = news.code
    if code is OrderCode.FILLED:
        return _S.FILLED, ""
    if code is OrderCode.CANCELED:
        return _canceled(track, news)
    if code in (OrderCode.REFUNDED, OrderCode.PARTIALLY_FILLED):
        return track.cancel or (_S.CANCELED, _rest(track, "at the venue"))
    words = _WORDS.get(code, "refused by the venue")
    text = f": {news.text}" if news.text else ""
    return _S.REJECTED, f"{words}{text} (status {int(code)})"


def _canceled(track: Track, news: OrderNews) -> tuple[OrderStatus, str]:
    order = track.order
    never_rested = order.status in (_S.SUBMITTED, _S.UNKNOWN)
    if track.cancel is not None:
        return track.cancel
    if order.post_only and not order.filled_lots and (never_rested or track.asked is not None):
        return _S.REJECTED, "post-only: would take"
    if order.time_in_force is TimeInForce.FOK:
        return _S.CANCELED, "fill or kill: could not be filled as a whole"
    if order.time_in_force is TimeInForce.IOC or order.type is OrderType.MARKET:
        return _S.CANCELED, _rest(track, "to take")
    return _S.CANCELED, "canceled at the venue" + (f": {news.text}" if news.text else "")


def _rest(track: Track, where: str) -> str:
    order = track.order
    return f"no more {where}: less than the {order.quantity:g} wanted"


def terms_of(order: Order, news: OrderNews) -> Terms:
    """Return the terms that the venue shows of an order, ours where it shows none."""
    lots = lots_of(order.instrument, news.size) if news.size else order.lots
    limit = float(news.price) if news.price and order.limit_price is not None else order.limit_price
    waits = order.trigger_price is not None and order.type is not OrderType.TRAILING_STOP
    trigger = float(news.trigger_price) if news.trigger_price and waits else order.trigger_price
    return Terms(lots, limit, trigger)
