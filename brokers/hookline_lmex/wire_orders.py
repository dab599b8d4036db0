"""Our orders as the venue takes them, and the ids that both sides know them by. Pure functions.

=================  ==========  =========  ===============================================================================
ours               type        txType     prices
=================  ==========  =========  ===============================================================================
market             MARKET      LIMIT      none
limit              LIMIT       LIMIT      price
stop               MARKET      STOP       triggerPrice
stop_limit         LIMIT       STOP       triggerPrice, price
take_profit        MARKET      TRIGGER    triggerPrice
trailing_stop      MARKET      LIMIT      trailValue, a distance in quote currency
=================  ==========  =========  ===============================================================================

- The venue's trailing stop knows distances only: a fraction becomes the distance that it is at the price known when it is sent.
- The venue has a few fixed lifetimes and no end at a given time: ``gtd`` goes out as GTC, and the broker cancels it at its time.
- In hedge mode an order that closes its position is always sent as reduce-only: that is how the venue knows which position is meant.
- Quantities are whole contracts on futures and Decimals on the lot grid on spot, prices Decimals on the tick grid.
- A client order id is ``hl``, eight hexadecimal digits drawn once for a session, ``-`` and the order's number: unique among sessions,
  restarts and users of an account, and short enough for any limit that is told of the venue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hookline.model import Instrument, InstrumentKind, Order, OrderType, PositionMode, Side, TimeInForce
from hookline_lmex.codes import Lifetime, OrderKind, PositionModeName, PriceSource, TxKind
from hookline_lmex.requests import NewOrder

__all__ = [
    "Terms",
    "WireAmendment",
    "client_id",
    "is_immediate",
    "lots_of",
    "number_of",
    "size_of",
    "wire_amendment",
    "wire_order",
]

_ID = re.compile(r"hl([0-9a-f]{8})-([1-9][0-9]{0,17})")
_KINDS = {
    OrderType.MARKET: (OrderKind.MARKET, TxKind.LIMIT),
    OrderType.LIMIT: (OrderKind.LIMIT, TxKind.LIMIT),
    OrderType.STOP: (OrderKind.MARKET, TxKind.STOP),
    OrderType.STOP_LIMIT: (OrderKind.LIMIT, TxKind.STOP),
    OrderType.TAKE_PROFIT: (OrderKind.MARKET, TxKind.TRIGGER),
    OrderType.TRAILING_STOP: (OrderKind.MARKET, TxKind.LIMIT),
}
_LIVES = {
    TimeInForce.GTC: Lifetime.GTC,
    TimeInForce.GTD: Lifetime.GTC,
    TimeInForce.IOC: Lifetime.IOC,
    TimeInForce.FOK: Lifetime.FOK,
}
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


class Terms(NamedTuple):
    """What an amendment may change of an order."""

    lots: int
    limit_price: float | None
    trigger_price: float | None


@dataclass(frozen=True, slots=True)
class WireAmendment:
    """What changes of an order, as the venue takes it; None for what stays."""

    size: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None


def client_id(tag: str, number: int) -> str:
    """Return the id under which the venue knows an order of a session.

    >>> client_id("0a1b2c3d", 17)
    'hl0a1b2c3d-17'
    """
    return f"hl{tag}-{number}"


def number_of(tag: str, client_order_id: str) -> int:
    """Return the number of the order that an id of this session names, 0 for every other id.

    >>> number_of("0a1b2c3d", "hl0a1b2c3d-17"), number_of("0a1b2c3d", "hlffffffff-17"), number_of("0a1b2c3d", "by hand")
    (17, 0, 0)
    """
    match = _ID.fullmatch(client_order_id)
    return int(match[2]) if match is not None and match[1] == tag else 0


def size_of(instrument: Instrument, lots: int) -> Decimal:
    """Return lots as the venue counts them: contracts on futures, base units on spot."""
    if instrument.kind is InstrumentKind.SPOT:
        return lots * instrument.lot_size
    return Decimal(instrument.contracts(lots))


def lots_of(instrument: Instrument, size: Decimal) -> int:
    """Return the whole lots in a size of the venue's, rounded towards zero."""
    return int(size / size_of(instrument, 1))


def is_immediate(order: Order) -> bool:
    """Return whether an order does not rest: what of it is not filled at once is gone.

    An order that waits for its trigger is one of these once it has begun to fill.
    """
    if order.type is OrderType.LIMIT:
        return order.time_in_force in _IMMEDIATE
    if order.type is OrderType.MARKET:
        return True
    return order.filled_lots > 0 and (
        order.type is not OrderType.STOP_LIMIT or order.time_in_force in _IMMEDIATE
    )


def wire_order(order: Order, id_: str, *, reference: float, source: PriceSource) -> NewOrder:
    """Return an order as the venue takes it.

    Args:
        order: Ours.
        id_: The client order id.
        reference: Price from which a trailing fraction is reckoned; NaN where none is known.
        source: Price that triggers look at, ``mark`` or ``last``; on spot, which has no mark, the index takes the mark's place.

    Raises:
        ValueError: if it cannot be put in the venue's terms; the message says why.
    """
    instrument, (kind, tx_kind) = order.instrument, _KINDS[order.type]
    is_spot = instrument.kind is InstrumentKind.SPOT
    if is_spot and source is PriceSource.MARK:
        source = PriceSource.INDEX
    waits = order.trigger_price is not None and order.type is not OrderType.TRAILING_STOP
    is_hedged = instrument.position_mode is PositionMode.HEDGE
    return NewOrder(
        symbol=order.symbol,
        side=order.side,
        kind=kind,
        size=size_of(instrument, order.lots),
        client_order_id=id_,
        price=None if order.limit_price is None else instrument.price(order.limit_price),
        tx_kind=tx_kind,
        trigger_price=instrument.price(order.trigger_price or 0.0) if waits else None,
        trigger_source=source if waits or order.type is OrderType.TRAILING_STOP else None,
        trail_value=_trail(order, reference) if order.type is OrderType.TRAILING_STOP else None,
        # A market order has no life of its own, except that fill-or-kill is more than it promises by itself.
        lifetime=None if kind is OrderKind.MARKET and order.time_in_force is not TimeInForce.FOK else _LIVES[order.time_in_force],
        post_only=order.post_only,
        reduce_only=not is_spot and (order.reduce_only or (is_hedged and _closes(order))),
        position_mode=None if is_spot else PositionModeName.HEDGE if is_hedged else PositionModeName.ONE_WAY,
    )  # fmt: skip


def wire_amendment(order: Order, terms: Terms, *, size_is_total: bool = True) -> WireAmendment:
    """Return what changes of an order that is at the venue.

    Args:
        order: As it stands there.
        terms: As it is wanted.
        size_is_total: Whether the venue takes the whole quantity; else what is to be left open.
    """
    instrument = order.instrument
    lots = terms.lots if size_is_total else terms.lots - order.filled_lots
    moved = terms.limit_price != order.limit_price and terms.limit_price is not None
    raised = terms.trigger_price != order.trigger_price and terms.trigger_price is not None
    return WireAmendment(
        size=None if terms.lots == order.lots else size_of(instrument, lots),
        price=instrument.price(terms.limit_price or 0.0) if moved else None,
        trigger_price=instrument.price(terms.trigger_price or 0.0) if raised else None,
    )


def _closes(order: Order) -> bool:
    return order.position_id.endswith("|long") == (order.side is Side.SELL)


def _trail(order: Order, reference: float) -> Decimal:
    """Return the distance of a trailing stop, at least one tick."""
    distance = order.trail_amount
    if distance is None:
        if not reference > 0.0:
            raise ValueError(
                f"no price of {order.symbol} is known yet, from which a trailing fraction could be reckoned"
            )
        distance = reference * (order.trail_fraction or 0.0)
    return max(order.instrument.tick_size, order.instrument.price(distance))
