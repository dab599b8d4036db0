"""What the private sockets tell of an account, typed and decimal-exact.

Rules of this file:

- Quantities are as the venue counts them: base units on spot, whole contracts on futures. Times are nanoseconds UTC.
- What a message does not say is None (or empty text), never a number that could be taken for one.
- A notice may come twice, and in another order than things happened: whoever listens keeps what is newest.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hookline.model import Side

__all__ = ["FillNotice", "OrderNotice", "PositionNotice"]


@dataclass(frozen=True, slots=True)
class OrderNotice:
    """An order changed. It has no fill id and no fee: fills are told apart, in :class:`FillNotice`.

    Args:
        product: ``spot`` or ``futures``.
        symbol: In the venue's present naming, such as ``BTC-PERP``.
        order_id: The venue's id.
        client_order_id: Ours, empty where there is none.
        side: Buy or sell.
        status: The venue's number.
        time: When it happened at the venue.
        filled: Filled by this event.
        total_filled: Filled so far; None where the message does not say, so ask for the order.
        remaining: What is left. Untriggered orders are told with 0; None where the message does not say.
        size: Ordered, amendments included; None where the message does not say, as for buys of a quote amount.
        average_price: Of all fills, None while there are none.
        price: Limit price, None where there is none.
        trigger_price: None where there is none.
        order_type: The venue's number: 76 limit, 77 market, 80 peg; 0 where unknown.
        is_maker: None where the message does not say.
        position_id: Empty on spot.
        topic: That it came by.
    """

    product: str
    symbol: str
    order_id: str
    client_order_id: str
    side: Side
    status: int
    time: int
    filled: Decimal | None
    total_filled: Decimal | None
    remaining: Decimal | None
    size: Decimal | None
    average_price: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    order_type: int
    is_maker: bool | None
    position_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class FillNotice:
    """A fill of one of our orders.

    Args:
        product: ``spot`` or ``futures``.
        symbol: In the venue's present naming.
        trade_id: Unique; equals that of the trade history, so the same fill is known again from either.
        order_id: The venue's id of the order.
        client_order_id: Ours, empty where there is none.
        side: Buy or sell.
        price: Of this fill.
        size: Of this fill.
        fee: Above zero is paid, below zero is received.
        fee_currency: On spot the currency received.
        is_maker: Whether the order was resting.
        time: When it happened at the venue.
        serial: The venue's counter of trades; -1 where it does not say.
        contract_size: Base units of one contract on futures where the message says, else None.
        topic: That it came by.
    """

    product: str
    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool
    time: int
    serial: int
    contract_size: Decimal | None
    topic: str


@dataclass(frozen=True, slots=True)
class PositionNotice:
    """A position of a perpetual or a dated contract as it is now. Positions that a message leaves out are not known to be flat.

    Args:
        symbol: In the venue's present naming.
        position_id: The venue's id; hedged and isolated positions have several a market.
        contracts: Below zero for a short, 0 once closed.
        entry_price: None where there is none.
        mark_price: None where the message does not say.
        liquidation_price: None for nowhere, or unknown.
        is_isolated: None where the message does not say.
        leverage: As set for an isolated position; None for cross, or unknown.
        unrealized: Profit at the mark price in the settlement currency, None where the message does not say.
        is_liquidating: Whether the venue is closing it.
        contract_size: Base units of one contract, None where the message does not say.
        time: When it was heard here: the venue gives no time.
        topic: That it came by; ``allPosition`` topics tell of all open positions, ``positions`` topics of changes.
        wallet: Of its margin, to be copied and never built; empty where the message does not say.
    """

    symbol: str
    position_id: str
    contracts: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    liquidation_price: Decimal | None
    is_isolated: bool | None
    leverage: Decimal | None
    unrealized: Decimal | None
    is_liquidating: bool
    contract_size: Decimal | None
    time: int
    topic: str
    wallet: str = ""
