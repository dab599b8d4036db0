"""Which differences between a session and its strategies in the simulator are a matter of logic.

Rules of this file:

- An order of one run only is logic if the strategies, told exactly what the session was told, do other than the session did
  (:mod:`hookline.session.replaying_echo`).
- Where that is not known, it is logic if both runs knew of the same fills of its strategy when it was made.
- Where the session itself was simulated, nothing is left but logic: the same simulator gives the same fills to the same orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hookline.model import Order
from hookline.session.replaying_model import Row, Runs
from hookline.session.replaying_run import Account

__all__ = ["mark_logic"]


def mark_logic(rows: Sequence[Row], runs: Runs) -> None:
    """Move from slippage and the fill model to logic what they cannot have caused."""
    by_fills = _ByFills(runs)
    for row in rows:
        ours, theirs = row.orders[:2]
        order = ours or theirs
        if order is None:
            continue
        if runs.is_simulated:
            row.parts["logic"] += row.parts["slippage"] + row.parts["queue"]
            row.parts["slippage"] = row.parts["queue"] = 0.0
        elif (ours is None) != (theirs is None):
            if runs.logic is None:
                is_logic = by_fills.are_equal(order, ours, theirs)
            else:
                is_logic = order.number in runs.logic[0 if ours is not None else 1]
            if is_logic:
                row.parts["logic"] += row.parts["queue"]
                row.parts["queue"] = 0.0


class _ByFills:
    """Judges an order of one run only by the fills that its strategy knew of in both."""

    def __init__(self, runs: Runs) -> None:
        names = {theirs: ours for ours, theirs in runs.live_timed.items()}
        self._live = _known_fills(runs.live, {order.number: order.number for order in runs.live.orders})
        self._timed = _known_fills(runs.timed, names)

    def are_equal(self, order: Order, ours: Order | None, theirs: Order | None) -> bool:
        """Return whether both runs knew of the same fills when the order was made."""
        return _before(self._live, order, own=ours) == _before(self._timed, order, own=theirs)


class _Known(NamedTuple):
    """A fill as a strategy knows it; ``name`` is the order's number in the session, 0 for one that it does not have."""

    seen: int
    order: int
    name: int
    lots: int
    price: float


def _known_fills(account: Account, names: Mapping[int, int]) -> dict[str, list[_Known]]:
    known: dict[str, list[_Known]] = {}
    for fill, seen in account.seen_fills():
        one = _Known(seen, fill.order_number, names.get(fill.order_number, 0), fill.lots, fill.price)
        known.setdefault(fill.strategy, []).append(one)
    return known


def _before(
    known: Mapping[str, list[_Known]], order: Order, own: Order | None
) -> list[tuple[int, int, float]]:
    """Return the fills that a strategy knew of when an order was made; ``own`` is the order if it is of this run."""
    fills = [one for one in known.get(order.strategy, ()) if one.seen <= order.time]
    if own is not None:
        fills = [one for one in fills if one.order < own.number]
    return sorted((one.name, one.lots, one.price) for one in fills)
