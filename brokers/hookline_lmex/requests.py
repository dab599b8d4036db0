"""Orders and amendments as they are asked for, and their bodies on the wire.

Rules of this file:

- A body is checked for what cannot be meant (a limit without a price, a fraction of a contract), not for the market's steps:
  those are the broker's to keep.
- Keys are in one fixed order; what is not set is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hookline.errors import OrderError
from hookline.model import Side
from hookline_lmex.codes import Lifetime, OrderKind, PositionModeName, PriceSource, TxKind
from hookline_lmex.results_orders import Size

__all__ = ["NewOrder", "amendment_body", "order_body", "peg_body", "side_word", "trigger_word"]

_SPOT_SOURCES = {PriceSource.INDEX: "INDEX_PRICE", PriceSource.LAST: "LAST_PRICE"}
_FUTURES_SOURCES = {PriceSource.MARK: "markPrice", PriceSource.LAST: "lastPrice"}


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """An order to be created.

    Args:
        symbol: Name of the market.
        side: Buy or sell.
        kind: Limit, market, OCO; on spot also peg.
        size: Base units on spot, contracts (whole) on futures; None only for a market buy of a quote amount.
        price: Limit price; of a peg the worst that is accepted.
        quote_amount: On a spot market buy, the greatest amount of quote currency to spend.
        client_order_id: Ours.
        lifetime: How long it lives; None leaves it to the venue, which takes GTC.
        tx_kind: Whether it waits for ``trigger_price``, as a stop or as a take-profit.
        trigger_price: Of stops, take-profits and OCOs.
        trigger_source: What price the trigger looks at; None leaves it to the venue (index on spot, mark on futures).
        stop_price: Limit price of an OCO's stop.
        trail_value: Distance of a trailing stop, in quote currency.
        post_only: Only rest.
        reduce_only: Only reduce a position (futures).
        take_profit_price: Attach a take-profit at this trigger (futures).
        take_profit_source: What price it looks at.
        stop_loss_price: Attach a stop at this trigger (futures).
        stop_loss_source: What price it looks at.
        position_mode: Of the market (futures); None for one-way.
        stealth_percent: Of a peg, how much is shown.
        deviation_percent: Of a peg, distance from the index price.
    """

    symbol: str
    side: Side
    size: Size | None = None
    kind: OrderKind = OrderKind.LIMIT
    price: Decimal | None = None
    quote_amount: Decimal | None = None
    client_order_id: str = ""
    lifetime: Lifetime | None = None
    tx_kind: TxKind = TxKind.LIMIT
    trigger_price: Decimal | None = None
    trigger_source: PriceSource | None = None
    stop_price: Decimal | None = None
    trail_value: Decimal | None = None
    post_only: bool = False
    reduce_only: bool = False
    take_profit_price: Decimal | None = None
    take_profit_source: PriceSource | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_source: PriceSource | None = None
    position_mode: PositionModeName | None = None
    stealth_percent: Decimal | None = None
    deviation_percent: Decimal | None = None


def order_body(order: NewOrder, *, is_futures: bool) -> dict[str, object]:
    """Return the body that creates an order.

    Raises:
        OrderError: if it makes no sense, whatever the market.
    """
    _check(order, is_futures=is_futures)
    body: dict[str, object] = {
        "symbol": order.symbol,
        "side": side_word(order.side),
        "type": order.kind.value,
        "price": order.price if order.quote_amount is None else order.quote_amount,
        "size": _size(order.size, order.symbol, is_futures=is_futures),
        "time_in_force": None if order.lifetime is None else order.lifetime.value,
        "txType": None if order.tx_kind is TxKind.LIMIT else order.tx_kind.value,
        "triggerPrice": order.trigger_price,
        "trigger" if is_futures else "triggerPriceType": trigger_word(
            order.trigger_source, is_futures=is_futures
        ),
        "stopPrice": order.stop_price,
        "trailValue": order.trail_value,
        "postOnly": order.post_only or None,
        "reduceOnly": order.reduce_only or None,
        "takeProfitPrice": order.take_profit_price,
        "takeProfitTrigger": trigger_word(order.take_profit_source, is_futures=True),
        "stopLossPrice": order.stop_loss_price,
        "stopLossTrigger": trigger_word(order.stop_loss_source, is_futures=True),
        "stealth": order.stealth_percent,
        "deviation": order.deviation_percent,
        "positionMode": None if order.position_mode is None else order.position_mode.value,
        "clOrderID": order.client_order_id or None,
    }
    return {name: value for name, value in body.items() if value is not None}


def peg_body(order: NewOrder, *, is_futures: bool) -> dict[str, object]:
    """Return the body that creates a peg order; on futures it has no type.

    Raises:
        OrderError: if it makes no sense, whatever the market.
    """
    if order.kind is not OrderKind.PEG:
        raise OrderError(f"{order.symbol}: kind must be PEG for a peg order, was {order.kind.value!r}")
    body = order_body(order, is_futures=is_futures)
    if is_futures:
        del body["type"]
    return body


def _check(order: NewOrder, *, is_futures: bool) -> None:
    where = f"{order.symbol}: a {order.kind.value} order"
    is_market = order.kind is OrderKind.MARKET
    if not is_market and order.price is None:
        raise OrderError(f"{where} needs a price, was None")
    if is_market and order.price is not None:
        raise OrderError(
            f"{where} has no price (quote_amount is what a spot buy may spend), was {order.price}"
        )
    if order.quote_amount is not None and (is_futures or not is_market or order.side is not Side.BUY):
        raise OrderError(f"{where}: only a spot market buy has a quote_amount, was {order.quote_amount}")
    if order.size is None and order.quote_amount is None:
        raise OrderError(f"{where} needs a size, was None")
    needs_trigger = order.kind is OrderKind.OCO or (
        order.tx_kind is not TxKind.LIMIT and order.trail_value is None
    )
    if needs_trigger and order.trigger_price is None:
        raise OrderError(f"{where} with a trigger needs a trigger_price, was None")
    if order.kind is OrderKind.OCO and order.stop_price is None:
        raise OrderError(f"{where} needs a stop_price, was None")
    attached = (order.take_profit_price, order.stop_loss_price) != (None, None)
    if attached and (not is_futures or order.trail_value is not None):
        raise OrderError(
            f"{where}: only futures orders that do not trail have a take-profit or stop attached"
        )
    if order.position_mode is not None and not is_futures:
        raise OrderError(f"{where}: spot has no position mode, was {order.position_mode.value!r}")


def _size(size: Size | None, symbol: str, *, is_futures: bool) -> Size | None:
    if size is None:
        return None
    if not size > 0:
        raise OrderError(f"{symbol}: size must be above 0, was {size}")
    if is_futures:
        if size != int(size):
            raise OrderError(f"{symbol}: size must be whole contracts, was {size}")
        return int(size)
    return size


def trigger_word(source: PriceSource | None, *, is_futures: bool) -> str | None:
    """Return the venue's word for what a trigger looks at.

    Raises:
        OrderError: if the product does not know it.
    """
    if source is None:
        return None
    words = _FUTURES_SOURCES if is_futures else _SPOT_SOURCES
    if source not in words:
        names = " or ".join(repr(item.value) for item in words)
        raise OrderError(f"trigger_source: must be {names}, was {source.value!r}")
    return words[source]


def side_word(side: Side) -> str:
    """Return the venue's word for a side."""
    return "BUY" if side is Side.BUY else "SELL"


def amendment_body(
    symbol: str,
    *,
    order_id: str = "",
    client_order_id: str = "",
    price: Decimal | None = None,
    size: Size | None = None,
    trigger_price: Decimal | None = None,
    is_futures: bool,
) -> dict[str, object]:
    """Return the body that amends an order; ``size`` is the new total, with what is filled.

    Raises:
        OrderError: if no id or no change is given.
    """
    if not order_id and not client_order_id:
        raise OrderError(f"{symbol}: an amendment needs an order_id or a client_order_id, had neither")
    size = _size(size, symbol, is_futures=is_futures)
    body: dict[str, object] = {"symbol": symbol}
    body |= {"orderID": order_id} if order_id else {"clOrderID": client_order_id}
    changes = {
        name: value
        for name, value in (("PRICE", price), ("SIZE", size), ("TRIGGERPRICE", trigger_price))
        if value is not None
    }
    if not changes:
        raise OrderError(
            f"{symbol}: an amendment changes a price, a size or a trigger price, changed nothing"
        )
    if len(changes) == 1:
        ((name, value),) = changes.items()
        return body | {"type": name, "value": value}
    names = {"PRICE": "orderPrice", "SIZE": "orderSize", "TRIGGERPRICE": "triggerPrice"}
    return body | {"type": "ALL"} | {names[name]: value for name, value in changes.items()}
