"""Peg orders: limits at a distance from the index, moved as it moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.records import PEG, OrderRecord

if TYPE_CHECKING:
    from hookline_lmex.emulator.exchange import Exchange

__all__ = ["follow_pegs", "peg_price"]


def peg_price(desk: Desk, record: OrderRecord) -> float:
    """Return where a peg order belongs now: the index and its deviation, no worse than its worst price."""
    instrument, side = record.order.instrument, record.order.side
    index = desk.states[record.symbol].fair
    target = index * (1.0 + (record.deviation or 0.0) / 100.0)
    worst = record.price
    if worst:
        target = min(target, worst) if side > 0 else max(target, worst)
    return instrument.on_grid(target, -side)


def follow_pegs(exchange: Exchange, symbol: str) -> None:
    """Move the peg orders of a market to where they belong."""
    product = exchange.states[symbol].product
    for account in exchange.accounts.values():
        desk = account.desks[product]
        for record in desk.pegs():
            if record.symbol == symbol and record.order_type == PEG:
                target = peg_price(desk, record)
                if target != record.order.limit_price:
                    desk.broker.amend(record.order, record.order.lots, target, None)
