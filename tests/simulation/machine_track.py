"""What must hold of orders whatever happens: their numbers, their steps, and where they are kept."""

from __future__ import annotations

from typing import Any

import hookline as hl
from hookline.model import TRANSITIONS, OrderStatus

Status = OrderStatus


class Track:
    """Follows every order by what is told of it."""

    def __init__(self) -> None:
        self.status: dict[int, OrderStatus] = {}
        self.ids: set[str] = set()

    def take(self, news: Any) -> None:
        """Check new orders and updates."""
        for order in news.orders:
            assert order.number == len(self.status) + 1, "numbers have no gap"
            assert order.client_order_id not in self.ids
            self.ids.add(order.client_order_id)
            self.status[order.number] = Status.INITIALIZED
        for update in news.updates:
            before, after = self.status[update.order_number], Status(update.status)
            if update.reason == "amended" or update.reason.startswith("not amended"):
                assert after is before
            else:
                assert after in TRANSITIONS[before]
                self.status[update.order_number] = after

    def check(self, world: Any) -> None:
        """What orders say of themselves, what was told of them and what the desk keeps is the same."""
        for number, order in world.orders.items():
            assert order.status is self.status[number]
            assert not (order.filled_lots and order.parent is not None and not order.parent.filled_lots)
            if order.status is Status.FILLED:
                assert order.filled_lots == order.lots
        live = {number for number, order in world.orders.items() if order.is_open}
        assert set(world.open_numbers()) == live
        for ledger in world.kernel.ledgers.values():
            for position in ledger.positions.values():
                pending = sum(
                    order.side * order.open_lots
                    for order in world.orders.values()
                    if order.is_open
                    and order.type is hl.OrderType.MARKET
                    and order.strategy == ledger.strategy
                    and (order.position_id or order.symbol) == position.id
                )
                assert position.pending == pending

    def check_queues(self, world: Any, venue: Any) -> None:
        """What is open at the venue is what the desk has sent, each order once."""
        queued = [order.number for orders in venue.open.values() for order in orders]
        sent = [n for n, order in world.orders.items() if order.is_open and order.status is not Status.HELD]
        assert sorted(queued) == sorted(sent)
        for symbol, orders in venue.open.items():
            assert all(world.orders[order.number] is order and order.symbol == symbol for order in orders)
        assert all(order.is_open for order in venue._repriced), "a closed order is remembered for ever"
