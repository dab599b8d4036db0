"""Private messages as they come, in every version of their topics, and what they mean.

Rules of this file:

- A message is one row or a list of rows, and numbers may be text; both are taken.
- Versions share field names that mean different things. ``filledSize`` is the fill of this event where there is a ``totalFilledSize``, but
  the sum of all fills where there is a ``fillSize``. Where neither tells, the sum is not known.
- Sizes that an order does not have are 0 rather than null: an order for a quote amount has no base size, whatever the 0 says.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec

from hookline.model import Side
from hookline_lmex.streams.notices import FillNotice, OrderNotice, PositionNotice
from hookline_lmex.streams.symbols import futures_symbol, symbol_of_market

__all__ = ["Reader", "read_fill", "read_order", "read_position", "read_rows"]

_MS = 1_000_000
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "MODE_BUY": Side.BUY, "MODE_SELL": Side.SELL}
_ORDER_TYPES = frozenset({76, 77, 80})
_MARKET = 77
_FULL, _PARTIAL, _CANCELED = 4, 5, 6
_SHORT, _LONG = 83, 66
_ISOLATED = 92

Amount = Decimal | None
Data = TypeVar("Data", bound=msgspec.Struct)


class OrderData(msgspec.Struct, frozen=True, rename="camel"):
    """A row of an order notification, in the names of all versions."""

    symbol: str
    side: str
    status: int
    timestamp: int
    order_id: str = msgspec.field(name="orderID")
    client_order_id: str | None = msgspec.field(default=None, name="clOrderID")
    order_type: int | str | None = None
    type: int | str | None = None
    price: Amount = None
    trigger_price: Amount = None
    avg_filled_price: Amount = None
    avg_fill_price: Amount = None
    average_fill_price: Amount = None
    maker: bool | None = None
    position_id: str | None = None
    original_order_size: Amount = None
    original_order_base_size: Amount = None
    original_size: Amount = None
    original_order_quote_size: Amount = None
    current_order_size: Amount = None
    current_order_base_size: Amount = None
    current_order_quote_size: Amount = None
    size: Amount = None
    fill_size: Amount = None
    filled_size: Amount = None
    filled_base_size: Amount = None
    total_filled_size: Amount = None
    total_filled_base_size: Amount = None
    remaining_size: Amount = None
    remaining_base_size: Amount = None
    remaining_order_base_size: Amount = None


class FillData(msgspec.Struct, frozen=True, rename="camel"):
    """A row of the fills."""

    symbol: str
    side: str
    price: Decimal
    size: Decimal
    trade_id: str
    order_id: str
    timestamp: int
    maker: bool
    fee_amount: Decimal
    fee_currency: str
    serial_id: int = -1
    client_order_id: str | None = msgspec.field(default=None, name="clOrderId")
    other_client_order_id: str | None = msgspec.field(default=None, name="clOrderID")
    contract_size: Amount = None


class PositionData(msgspec.Struct, frozen=True, rename="camel"):
    """A row of the positions; the last one of a position has little but its names."""

    market_name: str
    total_contracts: Decimal
    position_id: str | None = None
    order_mode: int | None = None
    order_mode_name: str | None = None
    position_direction: str | None = None
    entry_price: Amount = None
    marked_price: Amount = None
    liquidation_price: Amount = None
    margin_type: int | None = None
    isolated_leverage: Amount = None
    unrealized_profit_loss: Amount = None
    liquidation_in_progress: bool | None = None
    contract_size: Amount = None
    active_wallet_name: str | None = None


_rows = msgspec.json.Decoder(list[msgspec.Raw])
_order = msgspec.json.Decoder(OrderData, strict=False)
_fill = msgspec.json.Decoder(FillData, strict=False)
_position = msgspec.json.Decoder(PositionData, strict=False)


def read_rows(data: msgspec.Raw) -> list[msgspec.Raw]:
    """Return the rows of a message, which may be one or a list."""
    return _rows.decode(data) if bytes(data).startswith(b"[") else [data]


def read_order(product: str, topic: str, row: msgspec.Raw, now: int) -> OrderNotice:  # noqa: ARG001
    """Return what a row of a notification says.

    Raises:
        msgspec.DecodeError: if it cannot be read.
        ValueError: if it says something that cannot be.
    """
    data = _finite(_order.decode(row))
    average = _first(data.avg_filled_price, data.avg_fill_price, data.average_fill_price)
    is_quote_sized = bool(data.original_order_quote_size or data.current_order_quote_size)
    size = _first(
        data.current_order_size, data.current_order_base_size, data.size,
        data.original_order_size, data.original_order_base_size, data.original_size,
    )  # fmt: skip
    remaining = _first(data.remaining_size, data.remaining_base_size, data.remaining_order_base_size)
    kinds = [_whole(kind) for kind in (data.order_type, data.type)]
    order_type = next((kind for kind in kinds if kind in _ORDER_TYPES), 0)
    return OrderNotice(
        product=product,
        symbol=_symbol(product, data.symbol),
        order_id=data.order_id,
        client_order_id=data.client_order_id or "",
        side=_side(data.side),
        status=data.status,
        time=data.timestamp * _MS,
        filled=_filled(data),
        total_filled=_total(data, size, remaining, average),
        remaining=None if is_quote_sized else remaining,
        size=None if is_quote_sized else size,
        average_price=average or None,
        price=None if order_type == _MARKET else data.price or None,
        trigger_price=data.trigger_price or None,
        order_type=order_type,
        is_maker=data.maker,
        position_id=data.position_id or "",
        topic=topic,
    )


def read_fill(product: str, topic: str, row: msgspec.Raw, now: int) -> FillNotice:  # noqa: ARG001
    """Return what a row of the fills says.

    Raises:
        msgspec.DecodeError: if it cannot be read.
        ValueError: if it says something that cannot be.
    """
    data = _finite(_fill.decode(row))
    if not data.size > 0:
        raise ValueError(f"a fill must have a size above 0, was {data.size}")
    return FillNotice(
        product=product,
        symbol=_symbol(product, data.symbol),
        trade_id=data.trade_id,
        order_id=data.order_id,
        client_order_id=data.client_order_id or data.other_client_order_id or "",
        side=_side(data.side),
        price=data.price,
        size=data.size,
        fee=data.fee_amount,
        fee_currency=data.fee_currency,
        is_maker=data.maker,
        time=data.timestamp * _MS,
        serial=data.serial_id,
        contract_size=data.contract_size or None,
        topic=topic,
    )


def read_position(product: str, topic: str, row: msgspec.Raw, now: int) -> PositionNotice:  # noqa: ARG001
    """Return what a row of the positions says.

    Raises:
        msgspec.DecodeError: if it cannot be read.
        ValueError: if it does not say whether a position is long or short.
    """
    data = _finite(_position.decode(row))
    return PositionNotice(
        symbol=symbol_of_market(data.market_name),
        position_id=data.position_id or data.market_name,
        contracts=_signed(data),
        entry_price=data.entry_price or None,
        mark_price=data.marked_price or None,
        liquidation_price=data.liquidation_price or None,
        is_isolated=None if not data.margin_type else data.margin_type == _ISOLATED,
        leverage=data.isolated_leverage or None,
        unrealized=data.unrealized_profit_loss,
        is_liquidating=bool(data.liquidation_in_progress),
        contract_size=data.contract_size or None,
        time=now,
        topic=topic,
        wallet=data.active_wallet_name or "",
    )


Reader = Callable[[str, str, msgspec.Raw, int], OrderNotice | FillNotice | PositionNotice]


def _finite(data: Data) -> Data:
    """Return a row whose numbers are all numbers; text may hold others."""
    for name in data.__struct_fields__:
        value = getattr(data, name)
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueError(f"{name} must be finite, was {value}")
    return data


def _filled(data: OrderData) -> Amount:
    """Return the fill of this event."""
    if data.fill_size is not None:
        return data.fill_size
    if data.total_filled_size is None and data.total_filled_base_size is None:
        return data.filled_base_size
    return _first(data.filled_size, data.filled_base_size)


def _total(data: OrderData, size: Amount, remaining: Amount, average: Amount) -> Amount:
    """Return the sum of all fills, None where the message does not tell it for certain."""
    told = _first(data.total_filled_size, data.total_filled_base_size)
    if told is not None:
        return told
    if data.fill_size is not None and data.filled_size is not None:
        return data.filled_size
    if average is not None and not average:
        return Decimal(0) if data.status != _FULL else None
    # An untriggered order has 0 remaining though nothing of it is filled: only where fills are certain may it be worked out.
    is_filled = bool(average) or data.status in {_FULL, _PARTIAL}
    if is_filled and data.status in {_FULL, _PARTIAL, _CANCELED} and size and remaining is not None:
        return size - remaining
    return None


def _signed(data: PositionData) -> Decimal:
    contracts = abs(data.total_contracts)
    if not contracts:
        return Decimal(0)
    if data.order_mode in {_LONG, _SHORT}:
        return contracts if data.order_mode == _LONG else -contracts
    for name in (data.order_mode_name, data.position_direction):
        if name in {"MODE_BUY", "LONG"}:
            return contracts
        if name in {"MODE_SELL", "SHORT"}:
            return -contracts
    raise ValueError(f"a position must be long or short, {data.market_name} was neither")


def _first(*amounts: Amount) -> Amount:
    return next((amount for amount in amounts if amount is not None), None)


def _whole(kind: int | str | None) -> int | None:
    if isinstance(kind, str):
        return int(kind) if kind.isdigit() else None
    return kind


def _side(text: str) -> Side:
    side = _SIDES.get(text.upper())
    if side is None:
        raise ValueError(f"side must be BUY or SELL, was {text!r}")
    return side


def _symbol(product: str, name: str) -> str:
    return futures_symbol(name) if product == "futures" else name
