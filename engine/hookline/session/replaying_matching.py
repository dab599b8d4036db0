"""Which order of one run is which order of another.

Rules of this file:

- Orders can only be the same if strategy, symbol, position, side, type, whether they reduce only, and tag agree, and their times lie within a
  window of each other.
- Of those, orders of the very same terms (quantity, prices) are paired first, nearest times first; then what is left, nearest times
  first. Equal times are paired in the order of their numbers.
- What closes positions because the session stops is the same at any time: how long that takes is no matter of the market.
- Each order is paired once or not at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hookline.model import Order

__all__ = ["match_orders"]

_LEAVING = "the session stops"
_ANY = 2**62


def match_orders(first: Sequence[Order], second: Sequence[Order], window: int) -> dict[int, int]:
    """Return which order of one run is which of another.

    Args:
        first: Orders of one run.
        second: Orders of the other.
        window: Most nanoseconds between two orders that are the same.

    Returns:
        Numbers of orders of ``second`` by the numbers of those of ``first``.
    """
    pairs: dict[int, int] = {}
    for key in (_terms, _kind):
        left = [order for order in first if order.number not in pairs]
        taken = set(pairs.values())
        right = _by_key((order for order in second if order.number not in taken), key)
        for what, orders in _by_key(left, key).items():
            pairs |= _paired(orders, right.get(what, []), window)
    return pairs


def _by_key(orders: Iterable[Order], key: Callable[[Order], Any]) -> dict[Any, list[Order]]:
    groups: dict[Any, list[Order]] = {}
    for order in orders:
        groups.setdefault(key(order), []).append(order)
    return groups


def _paired(first: Sequence[Order], second: Sequence[Order], window: int) -> dict[int, int]:
    """Pair orders of one key, nearest times first."""
    second = sorted(second, key=lambda order: (order.time, order.number))
    times = [order.time for order in second]
    near: list[tuple[int, int, int]] = []
    for order in first:
        most = _ANY if order.tag == _LEAVING else window
        place = bisect_left(times, order.time - most)
        while place < len(times) and times[place] <= order.time + most:
            near.append((abs(times[place] - order.time), order.number, second[place].number))
            place += 1
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, one, other in sorted(near):
        if one not in pairs and other not in taken:
            pairs[one] = other
            taken.add(other)
    return pairs


def _kind(order: Order) -> tuple[Any, ...]:
    return (
        order.strategy, order.symbol, order.position_id, order.side, order.type, order.reduce_only, order.tag,
        order.parent is None,
    )  # fmt: skip


def _terms(order: Order) -> tuple[Any, ...]:
    return (*_kind(order), order.lots, order.limit_price, order.trigger_price)
