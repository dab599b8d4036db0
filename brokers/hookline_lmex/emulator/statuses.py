"""Status integers of orders on the wire, from what the simulated venue says became of them.

=====================================================  ======
resting, waiting for its trigger                        2, 9
triggered, filled in part, filled                       10, 5, 4
canceled by request, expired, one cancels other         6
post-only that would take, FOK, IOC without a match     6
market order that met nothing                           7
beyond the funds                                        8
no book yet                                             1
amended                                                 123
=====================================================  ======

What an immediate order leaves is canceled (6); only the answer to its creation calls it 5, with the rest in it. A market buy by
amount ends with 5, for the crumb that buys no further step.
"""

from __future__ import annotations

from hookline.model import OrderStatus
from hookline_lmex.emulator.records import OrderRecord

__all__ = ["ended_status", "is_dry", "resting_status"]

_UNFUNDED = ("insufficient funds", "spot: cannot")


def resting_status(record: OrderRecord) -> int:
    """Return the status of an order that rests."""
    return 9 if record.is_waiting else 2


def is_dry(reason: str) -> bool:
    """Return whether an order ended because the market had no more for it."""
    return reason.startswith("no more")


def ended_status(record: OrderRecord, status: OrderStatus, reason: str) -> int:
    """Return the status of an order that has ended otherwise than filled."""
    if status is OrderStatus.REJECTED:
        if reason.startswith("post-only"):
            return 6
        if reason.startswith(_UNFUNDED):
            return 8
        return 1 if reason.startswith("no book") else 15
    if is_dry(reason) and record.trades_at_market and not record.order.filled_lots:
        return 7
    return 6
