"""What we believe against what the venue says: every difference is found, told, and settled as the session's rules say.

Rules of these files:

- The broker has caught up with its venue, and its reports are delivered, before the comparison; it books no fill of an order.
- What differs must differ at two looks in a row before anything is changed: orders and fills are under way all the time. The start of
  a session is the exception.
- What waits for an order whose fate is not known waits with it: a position is neither adopted nor ignored while a fill of that
  order may still come, so that no fill counts twice.
- Nothing is sent here. Orders to cancel are named, for whoever asks to cancel them once the journal says so.
"""

from __future__ import annotations

from hookline.kernel.desk import OrderDesk
from hookline.model import OrderStatus, VenueAccount
from hookline.session.differences import Reconciliation
from hookline.session.live_rules import ReconcilePolicy
from hookline.session.reconciling_look import Look, Memory, Moved, worked
from hookline.session.reconciling_money import compare_balances, compare_settings
from hookline.session.reconciling_orders import compare_orders
from hookline.session.reconciling_positions import compare_positions

__all__ = ["Memory", "is_equal", "reconcile"]


def reconcile(
    kernel: OrderDesk,
    account: VenueAccount,
    policy: ReconcilePolicy,
    memory: Memory | None = None,
    *,
    is_start: bool = False,
    moved: Moved | None = None,
) -> Reconciliation:
    """Compare the kernel with the account, adopt what the policy says, and return every difference.

    Args:
        kernel: What we believe; orders that are certainly over are closed in it, positions booked, terms of orders changed.
        account: What the venue says, asked after the broker has caught up.
        policy: What is done about what is found.
        memory: Of the comparisons before; changed. A fresh one by default.
        is_start: Whether a difference counts when it is seen for the first time.
        moved: What has moved here since the venue was asked, and is left out.
    """
    memory = Memory() if memory is None else memory
    memory.check += 1
    look = Look(kernel, account, policy, memory, is_start=is_start, moved=moved)
    compare_orders(look)
    compare_positions(look)
    compare_balances(look)
    compare_settings(look)
    look.close()
    return Reconciliation(account.time, memory.check, tuple(look.differences), tuple(look.cancel))


def is_equal(kernel: OrderDesk, account: VenueAccount, memory: Memory) -> bool:
    """Return whether orders and positions are the same on both sides and nothing is unknown, without changing anything."""
    open_ = {order.number: order for order in kernel.open_orders()}
    if any(
        order.status is OrderStatus.UNKNOWN or order.status is OrderStatus.SUBMITTED
        for order in open_.values()
    ):
        return False
    unsent = memory.worked | worked(open_.values())
    sent = {
        number: (order.lots, order.filled_lots)
        for number, order in open_.items()
        if order.status is not OrderStatus.HELD and number not in unsent
    }
    if sent != {one.number: (one.lots, one.filled_lots) for one in account.orders if one.number}:
        return False
    look = Look(kernel, account, ReconcilePolicy(), memory, is_start=False)
    ids = {id_ for ledger in kernel.ledgers.values() for id_ in ledger.positions}
    ids |= {one.position_id for one in account.positions}
    return not any(look.excess(id_) for id_ in ids)
