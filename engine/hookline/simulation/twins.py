"""Twins: copies of orders and ledgers that a venue works on while strategies keep their own."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import msgspec

from hookline.model import Fill, Ledger, Order, OrderStatus, transition

__all__ = ["Twins", "copy_holdings", "fill_twin", "twin_of_ledger"]


class Twins:
    """Orders and their twins.

    Attributes:
        of: The twin of each order.
        original: The order of each twin.
    """

    def __init__(self) -> None:
        self.of: dict[Order, Order] = {}
        self.original: dict[Order, Order] = {}

    def make(self, order: Order, **changes: Any) -> Order:
        """Return a new twin of an order, in the group of its twins where the order is one of a group."""
        twin = msgspec.structs.replace(order, **changes)
        self.add(order, twin)
        if order.oco_leader is not None:
            twin.oco_leader = self._leader(order)
        return twin

    def add(self, order: Order, twin: Order) -> None:
        """Know an order and a twin as each other's."""
        self.of[order], self.original[twin] = twin, order

    def link(self, twin: Order, children: Sequence[Order]) -> None:
        """Make twins the children of another one."""
        twin.children = tuple(children)
        for child in children:
            child.parent = twin

    def forget(self, order: Order) -> None:
        """Forget an order that is closed; nothing happens to another one."""
        if order.is_closed and order in self.of:
            del self.original[self.of.pop(order)]

    def _leader(self, order: Order) -> Order:
        """Return the twin that leads an order's group; where the leader is gone, the one that others of the group name."""
        leader = order.oco_leader
        assert leader is not None, "only asked for an order of a group"
        if leader in self.of:
            twin = self.of[leader]
            # An order leads its group only once another one has joined it.
            twin.oco_leader = twin
            return twin
        named = (twin.oco_leader for other, twin in self.of.items() if other.oco_leader is leader)
        return next((twin for twin in named if twin is not None and twin is not leader), leader)


def fill_twin(
    number: int, twin: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
) -> Fill:
    """Fill a twin and return the fill, for the ledger of its side."""
    before = twin.filled_lots
    twin.filled_lots = after = before + lots
    twin.average_price = (twin.average_price * before + price * lots) / after
    transition(twin, OrderStatus.FILLED if after == twin.lots else OrderStatus.PARTIALLY_FILLED, time)
    return Fill(
        number, time, twin.number, twin.strategy, twin.symbol, twin.side, lots, twin.instrument.units(lots),
        price, fee, is_maker, twin.position_id,
    )  # fmt: skip


def twin_of_ledger(ledger: Ledger) -> Ledger:
    """Return a ledger of its own that stands as this one does; both know the same markets."""
    markets = [position.market for position in ledger.positions.values()]
    markets += [wallet.rate_market for wallet in ledger.wallets if wallet.rate_market is not None]
    return deepcopy(ledger, {id(market): market for market in markets})


def copy_holdings(ledger: Ledger, twin: Ledger) -> None:
    """Let a twin hold what its ledger holds."""
    for wallet, other in zip(ledger.wallets, twin.wallets, strict=True):
        other.cash = wallet.cash
    for id_, position in ledger.positions.items():
        held = twin.positions[id_]
        held.lots, held.quantity = position.lots, position.quantity
        held.entry_price, held.opened = position.entry_price, position.opened
