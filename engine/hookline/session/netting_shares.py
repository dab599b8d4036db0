"""How what an account did is shared among strategies, and how much each may do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hookline.model import InstrumentKind, Order, OrderStatus, Position, Side

__all__ = ["allot", "ending", "is_limited", "room", "share_fee"]

_SPOT = InstrumentKind.SPOT


def allot(lots: int, wants: Sequence[int]) -> list[int]:
    """Return whole shares of lots in proportion to what each wants, by largest remainder; ties go to the first.

    >>> allot(5, [10, 10, 10])
    [2, 2, 1]

    Args:
        lots: At most the sum of the wants.
        wants: Zero or more each.
    """
    total = sum(wants)
    assert 0 <= lots <= total or not lots, "nobody is given what nobody wants"
    if not lots:
        return [0] * len(wants)
    shares = [lots * want // total for want in wants]
    by_remainder = sorted(range(len(wants)), key=lambda i: (-(lots * wants[i] % total), i))
    for index in by_remainder[: lots - sum(shares)]:
        shares[index] += 1
    return shares


def share_fee(fee: float, shares: Sequence[int]) -> list[float]:
    """Return parts of a fee in proportion to lots; their sum is the fee to the last bit, whatever the order of adding.

    The parts are whole multiples of the fee's last place; the last one takes the remainder.

    >>> share_fee(1.0, [1, 1, 2])
    [0.25, 0.25, 0.5]
    """
    if not fee:
        return [fee] * len(shares)
    total, unit = sum(shares), math.ulp(fee)
    parts = [int(fee * share / total / unit) * unit for share in shares[:-1]]
    return [*parts, fee - math.fsum(parts)]


def is_limited(order: Order) -> bool:
    """Return whether a strategy's own position limits an order, whatever the account holds."""
    return order.reduce_only or (order.side is Side.SELL and order.instrument.kind is _SPOT)


def room(order: Order, held: int) -> int:
    """Return how many lots an order may still fill for a strategy that holds so many.

    A reduce-only order is cut to the position; spot that is not held is not sold at all.
    """
    if order.reduce_only:
        return min(order.open_lots, max(0, -order.side * held))
    if is_limited(order) and order.open_lots > held + order.instrument.borrow_lots:
        return 0
    return order.open_lots


def ending(order: Order, position: Position) -> tuple[OrderStatus, str]:
    """Return how an order ends for which a strategy's position has no room (any more), and why."""
    if order.reduce_only:
        why = "position closed" if order.filled_lots else "nothing to reduce"
        return OrderStatus.CANCELED, f"reduce-only: {why}"
    held = position.market.instrument.units(max(0, position.lots))
    status = OrderStatus.CANCELED if order.filled_lots else OrderStatus.REJECTED
    quantity = order.instrument.units(order.open_lots)
    return status, f"spot: cannot sell {quantity:g}, {held:g} held by {order.strategy}"
