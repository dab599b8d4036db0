"""What sockets say of trades, orders, fills and positions, in each version of their topics."""

from __future__ import annotations

from typing import Any

from hookline.model import Instrument, InstrumentKind, Trade
from hookline_lmex.emulator.records import FillNotice, OrderNotice, OrderRecord, PositionNotice
from hookline_lmex.emulator.socket_topics import old_symbol
from hookline_lmex.emulator.terms import Product
from hookline_lmex.emulator.wire_numbers import milliseconds, number, size_text

__all__ = ["fill_row", "notification", "position_row", "trade_message", "trade_row"]

_LONG, _SHORT = 66, 83
_TX_TYPES = ("LIMIT", "STOP", "TAKE_PROFIT", "OCO")


def trade_row(instrument: Instrument, trade: Trade, trade_id: int) -> dict[str, Any]:
    """Return one public trade."""
    size: float | int = number(trade.quantity)
    if instrument.kind is not InstrumentKind.SPOT:
        size = max(1, int(size_text(instrument, trade.quantity)))
    return {
        "symbol": instrument.symbol,
        "side": trade.side.name,
        "size": size,
        "price": number(trade.price),
        "tradeId": trade_id,
        "timestamp": milliseconds(trade.venue_time),
    }


def trade_message(topic: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a message of public trades; the oldest topic of futures has neither symbol nor today's names."""
    name, _, symbol = topic.partition(":")
    if name == "tradeHistoryApi" and not _is_spot(symbol):
        return {"topic": name, "data": [row | {"symbol": old_symbol(row["symbol"])} for row in rows]}
    return {"topic": name if name == "tradeHistoryApiV2" else topic, "data": rows}


def _is_spot(symbol: str) -> bool:
    _, dash, last = symbol.rpartition("-")
    return bool(dash) and last != "PERP" and not last.isdigit()


def notification(topic: str, notice: OrderNotice, *, as_list: bool, mode_side: bool) -> dict[str, Any]:
    """Return one step of an order as a topic tells it.

    Args:
        topic: Its name, with the version.
        notice: The step.
        as_list: Of spot: whether the data is a list of one.
        mode_side: Of spot: whether sides are written MODE_BUY and MODE_SELL.
    """
    if topic.endswith("V2") or (topic.endswith("V3") and notice.product is Product.FUTURES):
        row = _old_notification(notice, names_old_symbols=topic.endswith("V2"))
    elif notice.product is Product.FUTURES:
        row = _futures_notification(notice)
    else:
        row = _spot_notification(notice)
        row["side"] = f"MODE_{notice.side}" if mode_side else notice.side
        return {"topic": topic, "data": [row] if as_list else row}
    return {"topic": topic, "data": [row]}


def _common(notice: OrderNotice) -> dict[str, Any]:
    return {
        "symbol": notice.symbol,
        "orderID": notice.order_id,
        "side": notice.side,
        "orderType": notice.order_type,
        "price": number(notice.price),
        "triggerPrice": number(notice.trigger_price),
        "pegPriceDeviation": 1,
        "stealth": 1,
        "status": notice.status,
        "timestamp": milliseconds(notice.time),
        "avgFilledPrice": number(notice.average_price),
        "clOrderID": notice.client_order_id,
        "maker": notice.is_maker,
        "postOnly": notice.post_only,
        "orderUserInitiated": notice.is_user_initiated,
        "time_in_force": notice.life,
    }


def _spot_notification(notice: OrderNotice) -> dict[str, Any]:
    by_amount = notice.quote_amount is not None
    return _common(notice) | {
        "txType": notice.tx_type,
        "originalOrderBaseSize": 0 if by_amount else number(notice.original),
        "originalOrderQuoteSize": number(notice.quote_amount or 0.0),
        "currentOrderBaseSize": 0 if by_amount else number(notice.current),
        "currentOrderQuoteSize": number(notice.quote_amount or 0.0),
        "filledBaseSize": number(notice.filled),
        "totalFilledBaseSize": number(notice.total_filled),
        "remainingBaseSize": 0 if by_amount else number(notice.remaining),
        "remainingQuoteSize": number(notice.quote_remaining or 0.0),
        "orderCurrency": notice.quote if by_amount else notice.base,
    }


def _futures_notification(notice: OrderNotice) -> dict[str, Any]:
    return _common(notice) | {
        "type": notice.tx_type,
        "positionId": notice.position_id,
        "orderDetailType": notice.detail_type,
        "originalOrderSize": number(notice.original),
        "currentOrderSize": number(notice.current),
        "filledSize": number(notice.filled),
        "totalFilledSize": number(notice.total_filled),
        "remainingSize": number(notice.remaining),
    }


def _old_notification(notice: OrderNotice, *, names_old_symbols: bool) -> dict[str, Any]:
    """Return a step in the older form: text for numbers, sizes under other names."""
    return {
        "symbol": old_symbol(notice.symbol) if names_old_symbols else notice.symbol,
        "orderID": notice.order_id,
        "side": notice.side,
        "type": str(notice.order_type),
        "txType": _TX_TYPES[notice.tx_type],
        "price": str(number(notice.price)),
        "size": str(number(notice.current)),
        "originalSize": str(number(notice.original)),
        "fillSize": str(number(notice.filled)),
        "filledSize": str(number(notice.total_filled)),
        "remainingSize": str(number(notice.remaining)),
        "avgFillPrice": str(number(notice.average_price)),
        "triggerPrice": number(notice.trigger_price),
        "pegPriceDeviation": 1,
        "stealth": 1,
        "status": str(notice.status),
        "timestamp": milliseconds(notice.time),
        "clOrderID": notice.client_order_id,
        "maker": notice.is_maker,
        "averageFillPrice": str(number(notice.average_price)),
    }


def fill_row(notice: FillNotice) -> dict[str, Any]:
    """Return an execution; numbers are text, and ids are spelled unlike those of orders."""
    futures = notice.product is Product.FUTURES
    row = {
        "orderId": notice.order_id,
        "serialId": notice.serial_id,
        "clOrderId": notice.client_order_id,
        "type": str(notice.order_type),
        "symbol": notice.symbol,
        "side": notice.side,
        "price": _text(notice.price),
        "size": f"{float(notice.size):.1f}" if futures else _text(notice.size),
        "feeAmount": _text(notice.fee),
        "feeCurrency": notice.fee_currency,
        "base": notice.symbol if futures else notice.base,
        "quote": notice.quote,
        "maker": notice.is_maker,
        "timestamp": milliseconds(notice.time),
        "tradeId": notice.trade_id,
    }
    return row | {"contractSize": number(notice.contract_size)} if futures else row


def _text(value: float) -> str:
    return str(number(value))


_SAME_IN_ALL_POSITIONS: dict[str, Any] = {
    **dict.fromkeys(("userCurrency", "baseCurrency", "quoteCurrency", "parents", "makerFeesRatio")),
    **dict.fromkeys(("orderID", "vendorName", "botID", "tag", "isolatedCurrency")),
    **dict.fromkeys(
        ("requestId", "maxPriceHeld", "pegPriceMin", "maxStealthDisplayAmount", "sellExchangeRate"), 0
    ),
    **dict.fromkeys(
        ("triggerPrice", "dbBaseBalHeld", "dbQuoteBalHeld", "marginHeld", "totalFees", "filledSize"), 0
    ),
    **dict.fromkeys(("marginChargedLongOpen", "marginChargedShortOpen", "serviceType", "avgFilledPrice"), 0),
    **dict.fromkeys(("unchargedMarginLongOpen", "unchargedMarginShortOpen", "adlScorePercentile"), 0),
    **dict.fromkeys(("quoteCurrencyFiat", "closeOrder", "liquidationInProgress"), False),
    **dict.fromkeys(("isFuture", "future"), True),
    "orderType": 90,
    "status": 65,
    "stealth": 1,
    "adlScoreBucket": 1,
    "orderTypeName": "TYPE_FUTURES_POSITION",
}


def position_row(notice: PositionNotice, taker_fee: float) -> dict[str, Any]:
    """Return a position; of one that is closed only its names are left, and 0 contracts. ``taker_fee`` is a fraction."""
    is_closed = notice.contracts == 0
    sign = 1 if notice.direction == "LONG" else -1
    shown = 0.0 if is_closed else 1.0
    return _SAME_IN_ALL_POSITIONS | {
        "username": notice.account,
        "marketName": notice.market_id,
        "positionId": notice.position_id,
        "orderMode": _LONG if sign > 0 else _SHORT,
        "orderModeName": "MODE_BUY" if sign > 0 else "MODE_SELL",
        "positionMode": notice.position_mode,
        "positionDirection": None if is_closed else notice.direction,
        "marginType": 92 if notice.is_isolated else 91,
        "marginTypeName": "FUTURES_MARGIN_ISOLATED" if notice.is_isolated else "FUTURES_MARGIN_CROSS",
        "isolatedLeverage": number(notice.leverage) if notice.is_isolated else 0,
        "currentLeverage": number(shown * notice.current_leverage),
        "activeWalletName": notice.wallet,
        "settleWithNonUSDAsset": notice.settle_with,
        "takerFeesRatio": [number(taker_fee)],
        "contractSize": number(notice.contract_size),
        "originalAmount": number(notice.contract_size),
        "totalContracts": notice.contracts,
        "totalValue": number(shown * sign * notice.order_value),
        "entryPrice": number(shown * notice.entry_price),
        "markedPrice": number(shown * notice.mark_price),
        "liquidationPrice": number(shown * notice.liquidation_price),
        "unrealizedProfitLoss": number(shown * notice.unrealized),
        "totalMaintenanceMargin": number(shown * notice.maintenance_margin),
        "minimumRequiredMargin": number(shown * notice.margin),
        "takeProfitOrder": _bound(notice.take_profit),
        "stopLossOrder": _bound(notice.stop_loss),
    }


def _bound(record: OrderRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "orderId": record.order_id,
        "side": record.side,
        "triggerPrice": number(record.trigger_price),
        "triggerUseLastPrice": record.uses_last,
    }
