"""What a venue says of an account, in our terms: to be compared with what we believe."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hookline.model.order import OrderType, Side

__all__ = ["VenueAccount", "VenueBalance", "VenueOrder", "VenuePosition"]


@dataclass(frozen=True)
class VenueOrder:
    """An open order at a venue.

    Args:
        venue_order_id: The venue's id.
        client_order_id: Ours as it was sent, empty where there is none.
        number: Of our order in this session, 0 where it is none of ours.
        symbol: Name of the instrument.
        side: Buy or sell.
        type: How it is executed.
        lots: Ordered quantity.
        filled_lots: Filled so far.
        limit_price: None where it has none.
        trigger_price: None where it has none.
        reduce_only: Whether it only reduces a position.
        position_id: As in :class:`~hookline.model.Order`.
    """

    venue_order_id: str
    client_order_id: str
    number: int
    symbol: str
    side: Side
    type: OrderType
    lots: int
    filled_lots: int = 0
    limit_price: float | None = None
    trigger_price: float | None = None
    reduce_only: bool = False
    position_id: str = ""


@dataclass(frozen=True)
class VenuePosition:
    """A position at a venue; of spot, what is held of the base currency.

    Args:
        position_id: The symbol; in hedge mode ``SYMBOL|long`` or ``SYMBOL|short``.
        symbol: Name of the instrument.
        lots: Whole lots, negative for a short.
        entry_price: NaN where the venue knows none, as on spot.
        mark_price: NaN where unknown.
        liquidation_price: NaN for nowhere, or unknown.
        leverage: As set; 0 where unknown.
        margin_mode: ``cross``, ``isolated``, or empty where there is none.
    """

    position_id: str
    symbol: str
    lots: int
    entry_price: float
    mark_price: float
    liquidation_price: float
    leverage: float = 0.0
    margin_mode: str = ""


@dataclass(frozen=True)
class VenueBalance:
    """Money at a venue, in one currency."""

    currency: str
    total: Decimal
    available: Decimal


@dataclass(frozen=True)
class VenueAccount:
    """An account as its venue shows it.

    Args:
        time: When it was asked, nanoseconds UTC.
        orders: All open orders of the session's symbols.
        positions: Those that are not flat, of the session's symbols.
        balances: By currency.
    """

    time: int
    orders: tuple[VenueOrder, ...]
    positions: tuple[VenuePosition, ...]
    balances: tuple[VenueBalance, ...]
