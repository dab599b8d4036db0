"""Answers about orders and own trades. See :mod:`hookline_lmex.results` for units."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from hookline.model import Side
from hookline_lmex.codes import Lifetime, OrderCode, OrderKind, TriggerKind

__all__ = ["AttachedOrder", "Fee", "OrderAction", "OrderState", "OwnTrade", "Size"]

Size = Decimal | int
"""Base units on spot, contracts on futures."""

_AT_ONCE = frozenset({Lifetime.IOC, Lifetime.FOK})


class OrderAction(msgspec.Struct, frozen=True, kw_only=True):
    """What came of creating, amending or canceling one order.

    Args:
        status: What happened; see :attr:`is_open` for an order that was partly filled.
        symbol: Name of the market.
        order_id: The venue's.
        client_order_id: Ours, empty where there is none.
        side: Buy or sell.
        kind: What it is.
        price: Of the order; of a market order the average execution price.
        time: Of the event.
        trigger_price: None where there is none.
        stop_price: Limit price of an OCO's stop; None elsewhere.
        is_trigger: Whether it waits for a trigger.
        post_only: Whether it only rests.
        message: The venue's text, may be empty.
        lifetime: As sent.
        original_size: As sent; 0 of an order of a quote amount.
        size: After amendments: filled and remaining.
        remaining: What is left; 0 for an OCO's stop.
        filled: By this event.
        total_filled: So far.
        average_price: Of all fills; None without one.
        quote_size: What may be spent by an order of a quote amount; None for others.
        quote_remaining: What is left of it.
        original_price: Before an amendment; None where the answer does not say.
        position_id: Name of the position on futures, to be copied and never built.
        position_mode: On futures.
        position_direction: ``LONG``, ``SHORT`` or empty.
    """

    status: OrderCode
    symbol: str
    order_id: str
    client_order_id: str
    side: Side
    kind: OrderKind
    price: Decimal
    time: int
    trigger_price: Decimal | None
    stop_price: Decimal | None
    is_trigger: bool
    post_only: bool
    message: str
    lifetime: str
    original_size: Size
    size: Size
    remaining: Size
    filled: Size
    total_filled: Size
    average_price: Decimal | None
    quote_size: Decimal | None = None
    quote_remaining: Decimal | None = None
    original_price: Decimal | None = None
    position_id: str = ""
    position_mode: str = ""
    position_direction: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the order still works: a market, IOC or FOK order that was partly filled has ended."""
        if self.status is OrderCode.PARTIALLY_FILLED and not self.is_trigger:
            return self.kind is not OrderKind.MARKET and self.lifetime not in _AT_ONCE
        return self.status.is_open

    @property
    def is_final(self) -> bool:
        """Whether the order has ended."""
        return not self.is_open and (self.status.is_final or self.status.is_open)


class AttachedOrder(msgspec.Struct, frozen=True):
    """A take-profit or a stop that hangs on an order or a position."""

    order_id: str
    side: Side
    trigger_price: Decimal
    uses_last_price: bool


class OrderState(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue shows it when asked.

    Args:
        status: Where it stands; among open orders derived, since those answers have no status.
        state: The venue's text among open orders, such as ``STATUS_ACTIVE``; empty elsewhere.
        order_id: The venue's.
        client_order_id: Ours, empty where there is none.
        symbol: Name of the market.
        side: Buy or sell.
        kind: What it is.
        price: Its limit; of a market order 0 or the execution price.
        time: When it was made.
        lifetime: As sent.
        original_size: As sent; 0 of an order of a quote amount.
        size: After amendments: filled and remaining.
        remaining: What is left.
        total_filled: So far.
        average_price: Of all fills; None without one.
        notional: The venue's value of the order.
        is_trigger: Whether it waits, or has waited, for a trigger.
        is_triggered: Whether that has come.
        trigger_kind: What kind of trigger.
        trigger_price: The level now; None without one.
        original_trigger_price: The level as it was set; None without one.
        trail_value: Distance of a trailing stop; None without one.
        uses_last_price: Whether the trigger looks at the last price.
        reduce_only: Whether it only reduces a position.
        is_close: Whether it closes a whole position.
        quote_size: What may be spent by an order of a quote amount; None for others.
        request_id: The venue's count, 64 bits; 0 where it does not say.
        contract_size: On futures.
        take_profit: Attached to it.
        stop_loss: Attached to it.
        position_id: Name of the position on futures, to be copied and never built.
        position_mode: On futures.
        position_direction: ``LONG``, ``SHORT`` or empty.
    """

    status: OrderCode
    state: str
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    kind: OrderKind
    price: Decimal
    time: int
    lifetime: str
    original_size: Size
    size: Size
    remaining: Size
    total_filled: Size
    average_price: Decimal | None
    notional: Decimal
    is_trigger: bool
    is_triggered: bool
    trigger_kind: TriggerKind
    trigger_price: Decimal | None
    original_trigger_price: Decimal | None
    trail_value: Decimal | None
    uses_last_price: bool
    reduce_only: bool
    is_close: bool
    quote_size: Decimal | None = None
    request_id: int = 0
    contract_size: Decimal | None = None
    take_profit: AttachedOrder | None = None
    stop_loss: AttachedOrder | None = None
    position_id: str = ""
    position_mode: str = ""
    position_direction: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the order still works: a market, IOC or FOK order that was partly filled has ended."""
        if self.status is OrderCode.PARTIALLY_FILLED:
            return self.kind is not OrderKind.MARKET and self.lifetime not in _AT_ONCE
        return self.status.is_open

    @property
    def is_final(self) -> bool:
        """Whether the order has ended."""
        return not self.is_open and (self.status.is_final or self.status.is_open)


class OwnTrade(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an own order.

    Args:
        trade_id: Unique; the streams of fills have the same.
        order_id: The venue's.
        client_order_id: Ours, empty where there is none.
        symbol: Name of the market.
        side: Buy or sell.
        kind: Of the order.
        trigger_kind: Of the order.
        price: Of this execution.
        size: Of this execution.
        fee: Paid; below zero for a rebate.
        fee_currency: Of the fee; on spot the currency received.
        time: Of the execution.
        serial: The venue's count.
        realized: Profit or loss on futures, before the fee.
        order_price: Of the order, 0 for a futures market order.
        order_size: Of the order; a quote amount where it was one.
        wallet: Which was charged.
        position_id: Name of the position on futures.
        contract_size: On futures.
    """

    trade_id: str
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    kind: OrderKind
    trigger_kind: TriggerKind
    price: Decimal
    size: Size
    fee: Decimal
    fee_currency: str
    time: int
    serial: int
    realized: Decimal
    order_price: Decimal
    order_size: Decimal
    wallet: str = ""
    position_id: str = ""
    contract_size: Decimal | None = None


class Fee(msgspec.Struct, frozen=True):
    """Fees of a market as fractions of the notional; below zero for a rebate."""

    symbol: str
    maker: Decimal
    taker: Decimal
