"""State from events: the same code keeps it while a journal is written and rebuilds it when one is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hookline.clock import isoformat
from hookline.errors import JournalError, OrderError
from hookline.journal.batch import Amendment, Batch
from hookline.journal.header import SessionHeader
from hookline.model import Bar, Fill, Instrument, Order, OrderUpdate, transition
from hookline.model.account import apply_fill

__all__ = ["LedgerState", "PositionState", "Replay", "advance", "amend", "worked"]


@dataclass(slots=True)
class PositionState:
    """A position of one strategy: what ``Position`` of the model holds beside its market."""

    symbol: str
    lots: int = 0
    quantity: float = 0.0
    entry_price: float = 0.0
    realized: float = 0.0
    fees: float = 0.0
    opened: int = 0


@dataclass(slots=True)
class LedgerState:
    """Cash and positions of one strategy. ``cash`` is by wallet, ``positions`` by position id."""

    strategy: str
    start_cash: dict[str, float]
    cash: dict[str, float]
    fees: float = 0.0
    funding: float = 0.0
    positions: dict[str, PositionState] = field(default_factory=dict)

    def book(self, fill: Fill, position_id: str, wallet: str, instrument: Instrument) -> None:
        """Apply a fill with the arithmetic of the kernel's ledger, step for step."""
        position = self.positions.get(position_id)
        if position is None:
            position = self.positions[position_id] = PositionState(fill.symbol)
        lots, quantity = fill.side * fill.lots, fill.side * fill.quantity
        position.entry_price, realized = apply_fill(
            position.lots, position.quantity, position.entry_price, lots, quantity, fill.price
        )
        before = position.lots
        position.lots = after = before + lots
        position.quantity = instrument.units(after)
        position.realized += realized
        position.fees += fill.fee
        if after and (before == 0 or (before > 0) != (after > 0)):
            position.opened = fill.time
        self.cash[wallet] = self.cash.get(wallet, 0.0) - (quantity * fill.price + fill.fee)
        self.fees += fill.fee


class Replay:
    """What stands after the batches applied so far."""

    def __init__(self, header: SessionHeader) -> None:
        self.ledgers: dict[str, LedgerState] = {}
        self.orders: dict[int, Order] = {}
        self.bar_ends: dict[str, int] = {}
        self.last_order = 0
        self.last_fill = 0
        self.halted = ""
        self.set_header(header)

    def set_header(self, header: SessionHeader) -> None:
        """Take over instruments and wallets; strategies that are new get their cash."""
        self.header = header
        for strategy in header.strategies:
            if strategy.id not in self.ledgers:
                cash = header.start_cash(strategy)
                self.ledgers[strategy.id] = LedgerState(strategy.id, cash, dict(cash))

    def apply(self, batch: Batch, made: Iterable[Order]) -> None:
        """Follow a batch; ``made`` are its orders as they were made, which change from now on as updates and fills tell.

        Raises:
            JournalError: if something refers to an order that was never written, an order takes a step that the table of
                states does not have, or a bar comes again.
        """
        for bar in batch.bars:
            self._follow_bar(bar)
        for order in made:
            self.orders[order.number] = order
            self.last_order = max(self.last_order, order.number)
        for amendment in batch.amendments:
            amend(self._order(amendment.order_number, "an amendment"), amendment)
        for update in batch.updates:
            advance(self._order(update.order_number, "an update"), update)
        for fill in batch.fills:
            self._book(fill)
        for _, strategy, symbol, amount in batch.payments:
            ledger, wallet = self._ledger(strategy), self.header.wallet(symbol)
            ledger.cash[wallet] = ledger.cash.get(wallet, 0.0) + amount
            ledger.funding += amount
        for balance in batch.balances:
            self._ledger(balance.ledger).cash[balance.wallet] = float(balance.cash)
        if batch.halts or batch.resumes:
            self._follow_halts(batch)

    def forget_closed(self) -> None:
        """Drop the orders that are closed and that no open order refers to."""
        kept: dict[int, Order] = {}
        waiting = [order for order in self.orders.values() if order.is_open]
        while waiting:
            order = waiting.pop()
            if order.number not in kept:
                kept[order.number] = order
                numbers = [one.number for one in (order.parent, order.oco_leader, *order.children) if one]
                waiting += [self.orders[number] for number in numbers if number in self.orders]
        self.orders = dict(sorted(kept.items()))

    def _follow_bar(self, bar: Bar) -> None:
        last = self.bar_ends.get(bar.symbol, bar.start)
        if bar.start < last:
            raise JournalError(
                f"journal: bars of {bar.symbol} must follow each other, was {isoformat(bar.start)} after one to {isoformat(last)}"
            )
        self.bar_ends[bar.symbol] = bar.end

    def _follow_halts(self, batch: Batch) -> None:
        """Follow halts and resumes by time; of equal times the halt counts: a session never goes on by accident."""
        told = [(time, 0, "") for time, _ in batch.resumes] + [(time, 1, text) for time, text in batch.halts]
        for _, _, reason in sorted(told):
            self.halted = reason

    def _book(self, fill: Fill) -> None:
        order = self._order(fill.order_number, "a fill")
        parent = worked(order)
        for filled in (order, *([] if parent is None else [self._order(parent.number, "a part")])):
            before = filled.filled_lots
            filled.filled_lots = after = before + fill.lots
            filled.average_price = (filled.average_price * before + fill.price * fill.lots) / after
        self.last_fill = max(self.last_fill, fill.number)
        self._ledger(fill.strategy).book(
            fill, order.position_id or fill.symbol, self.header.wallet(fill.symbol), order.instrument
        )

    def _order(self, number: int, what: str) -> Order:
        order = self.orders.get(number)
        if order is None:
            raise JournalError(f"journal: {what} must be of an order that was written, was of order {number}")
        return order

    def _ledger(self, strategy: str) -> LedgerState:
        ledger = self.ledgers.get(strategy)
        if ledger is None:  # an account that is no strategy's
            ledger = self.ledgers[strategy] = LedgerState(strategy, {}, {})
        return ledger


def worked(order: Order) -> Order | None:
    """Return the worked order that an order is a part of; the parent of a protective order is on the other side."""
    parent = order.parent
    return parent if parent is not None and parent.side == order.side else None


def advance(order: Order, update: OrderUpdate) -> None:
    """Move a rebuilt order as an update tells.

    An update with a reason that names the status which an open order has already is news of an amendment, not a step.

    Raises:
        JournalError: if the table of states has no such step.
    """
    if update.reason and update.status == order.status and order.is_open:
        return
    try:
        transition(order, update.status, update.time, update.reason)
    except OrderError as error:
        raise JournalError(f"journal: {error}") from error


def amend(order: Order, amendment: Amendment) -> None:
    """Change a rebuilt order."""
    for name, value in amendment.changes.items():
        setattr(order, name, value)
