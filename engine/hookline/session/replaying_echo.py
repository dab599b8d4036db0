"""What the strategies decide when they are told exactly what the session was told: orders that differ then are a matter of logic.

Rules of this file:

- The market comes as it was received, and the venue's reports (steps of orders, fills, funding) come between the same events as
  then, from the journal. Nothing is simulated.
- The orders made between two reports are compared with those of the session: strategy, terms, tag; of orders that were amended later the
  journal knows the last terms only, so theirs are not compared.
- An order that the session did not make is refused. What the session alone has filled reaches the account as if it came from outside.
- Where recording and journal do not tell of the same number of steps, nothing is said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, NamedTuple

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.data.recording import Entry
from hookline.journal.batch import Payment
from hookline.journal.content import JournalContent
from hookline.model import Fill, Instrument, Ledger, Order, OrderStatus, OrderUpdate
from hookline.model.order import TRANSITIONS
from hookline.session.plan import Plan
from hookline.session.replaying_run import OUTSIDE_TAGS, Outside, Rerun

__all__ = ["Logic", "logic_of"]

_S = OrderStatus
_STOPPING = "the session is stopping"
_OWN_STEPS = {_S.INITIALIZED, _S.SUBMITTED, _S.HELD, _S.DENIED}
_FILLED = (_S.PARTIALLY_FILLED, _S.FILLED)


class Logic(NamedTuple):
    """Orders that only one side makes although it is told the same: numbers in the session, and orders of today."""

    session: frozenset[int]
    again: Sequence[Order]


def logic_of(
    plan: Plan,
    content: JournalContent,
    entries: Sequence[Entry],
    outside: Sequence[Outside],
    taker_fee: float,
) -> Logic | None:
    """Run the strategies on what the session was told and return the orders that differ, None where that is not known.

    Args:
        plan: Of the session; its broker is replaced.
        content: What the session did.
        entries: Its recording, with the news.
        outside: What reached the account from outside.
        taker_fee: What the broker stated, as a fraction.

    Raises:
        DataError: if the recording cannot be trusted.
        StrategyError: if a strategy raises.
    """
    news = [entry for entry in entries if entry.is_news]
    if sum(int(entry.value) for entry in news) != len(content.updates):
        return None
    if sum(entry.place for entry in news) != len(content.payments):
        return None
    broker = _EchoBroker(taker_fee)
    broker.leverage = plan.broker.leverage
    echo = _Echo(replace(plan, broker=broker), broker, content, outside)
    echo.account(entries)
    return Logic(frozenset(echo.only_session), echo.only_again)


@dataclass
class _EchoBroker(Broker):
    """Sends nothing, and reports what it is given."""

    name: ClassVar[str] = "echo"
    settles_funding: ClassVar[bool] = True
    taker_fee: float = 0.0

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,  # noqa: ARG002
        instruments: Mapping[str, Instrument],  # noqa: ARG002
        ledgers: Mapping[str, Ledger],  # noqa: ARG002
    ) -> None:
        self.listener = listener
        self.reports: deque[Callable[[], None]] = deque()

    def submit(self, order: Order) -> None:
        pass

    def cancel(self, order: Order, reason: str = "") -> None:
        pass

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        pass

    def cancel_all_after(self, seconds: float | None) -> None:
        pass

    def deliver(self) -> None:
        while self.reports:
            self.reports.popleft()()


class _Echo(Rerun):
    """The run: at each news it compares the orders made since the last, then passes on what was reported."""

    def __init__(
        self, plan: Plan, broker: _EchoBroker, content: JournalContent, outside: Sequence[Outside]
    ) -> None:
        super().__init__(plan, follows=True, was_live=True, outside=outside)
        self.only_session: set[int] = set()
        self.only_again: list[Order] = []
        self._broker = broker
        self._let_in_already = {one.order.number for one in outside}
        self._updates, self._payments = deque(content.updates), deque(content.payments)
        self._made = {order.number: order for order in content.orders}
        self._known: dict[int, Order] = {}
        self._compared = 0
        self._fills: dict[int, deque[Fill]] = {}
        for fill in content.fills:
            self._fills.setdefault(fill.order_number, deque()).append(fill)
        self._changes = deque(content.amendments)
        self._amended = {one.order_number for one in content.amendments}

    def _take(self, entry: Entry) -> None:
        if not entry.is_news:
            super()._take(entry)
            return
        updates = [self._updates.popleft() for _ in range(int(entry.value))]
        reported = [one for one in updates if one.status not in _OWN_STEPS]
        payments = [self._payments.popleft() for _ in range(entry.place)]
        if entry.kind == "heard" and not reported and not payments:
            self.kernel.pass_time(entry.time)
        # What was asked for before the reports came can be told of in them; what answers them comes after.
        numbers = [one.order_number for one in updates if one.status in _OWN_STEPS]
        self._compare(numbers)
        self._amend(entry.time)
        queue = self._broker.reports
        queue.extend(partial(self._report, one) for one in reported)
        queue.extend(self._payers(payments))
        if queue:
            self.kernel.hear(entry.time)
            self._compare(numbers)
        self._give_up(numbers, entry.time)

    def _compare(self, numbers: Sequence[int]) -> None:
        """Pair orders made here since the last time with those of the session, in their order."""
        mine = self.kernel.orders[self._compared :]
        for order in mine:
            if _is_of_nobody(order):
                continue
            for number in numbers:
                theirs = self._made.get(number)
                if theirs is not None and number not in self._known and self._is_same(order, theirs):
                    self._known[number] = order
                    break
            else:
                self.only_again.append(order)
        self._compared = len(self.kernel.orders)

    def _give_up(self, numbers: Sequence[int], time: int) -> None:
        """Note the session's orders that were not made here, and refuse those that were made here alone."""
        for number in numbers:
            if number not in self._known and not _is_of_nobody(self._made[number]):
                self.only_session.add(number)
        for order in self.only_again:
            if order.status in (_S.SUBMITTED, _S.HELD) and order.handler is None:
                self.kernel.order_changed(order, _S.REJECTED, time, "the session had no such order")

    def _is_same(self, mine: Order, theirs: Order) -> bool:
        is_amended = theirs.number in self._amended
        return _kind(mine) == _kind(theirs) and (is_amended or _terms(mine) == _terms(theirs))

    def _amend(self, time: int) -> None:
        while self._changes and self._changes[0].time <= time:
            change = self._changes.popleft()
            order = self._known.get(change.order_number)
            for name, value in change.changes.items() if order is not None else ():
                setattr(order, name, value)

    def _report(self, update: OrderUpdate) -> None:
        order, fills = self._known.get(update.order_number), self._fills.get(update.order_number)
        fill = fills.popleft() if fills and update.status in _FILLED else None
        if order is None:
            if fill is not None and fill.order_number not in self._let_in_already:
                self._adopt(fill)
        elif order.handler is not None and order.handler.parent is order:
            return
        elif fill is not None:
            filled = order.filled_lots + fill.lots
            # However the quantity has come about: filled is filled, and what is filled in part is not.
            order.lots = filled if update.status is _S.FILLED else max(order.lots, filled + 1)
            self.kernel.order_filled(order, fill.lots, fill.price, fill.fee, fill.is_maker, fill.time)
        elif update.status in TRANSITIONS[order.status]:
            self.kernel.order_changed(order, update.status, update.time, update.reason)

    def _adopt(self, fill: Fill) -> None:
        theirs = self._made[fill.order_number]
        own = Order(
            0, theirs.strategy, theirs.instrument, theirs.side, theirs.type, fill.lots, fill.time,
            reduce_only=theirs.reduce_only, tag=theirs.tag, position_id=theirs.position_id,
        )  # fmt: skip
        self.kernel.order_adopted(own)
        self.kernel.order_filled(own, fill.lots, fill.price, fill.fee, fill.is_maker, fill.time)
        self._compared = len(self.kernel.orders)

    def _payers(self, payments: Iterable[Payment]) -> Iterator[Callable[[], None]]:
        """Yield what pays funding; the kernel shares it among strategies, as it did then."""
        totals: dict[tuple[str, int], float] = {}
        for time, _, position_id, amount in payments:
            key = position_id.partition("|")[0], time
            totals[key] = totals.get(key, 0.0) + amount
        for (symbol, time), amount in totals.items():
            rate = self.kernel.markets[symbol].funding_rate
            yield partial(self.kernel.funding_paid, symbol, time, rate, amount)


def _is_of_nobody(order: Order) -> bool:
    """Return whether no strategy has decided on an order, or only while everything stopped."""
    return order.tag.startswith((*OUTSIDE_TAGS, "the session stops", "halted: ")) or order.reason == _STOPPING


def _kind(order: Order) -> tuple[Any, ...]:
    return (
        order.strategy,
        order.symbol,
        order.position_id,
        order.side,
        order.type,
        order.reduce_only,
        order.tag,
    )


def _terms(order: Order) -> tuple[Any, ...]:
    return order.lots, order.limit_price, order.trigger_price, order.post_only, order.status is _S.DENIED
