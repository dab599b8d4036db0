"""Keeps a session's journal: one commit for each event that changed something.

Rules of this file:

- What a journal holds is not kept in memory as well: the kernel's lists are emptied with every commit.
- A tape brings thousands of messages that change nothing of ours; those are written down once a second, as progress only.
- A durable journal waits for the disk before something is sent, and once a second. What the venue has told in between it would tell
  again after a power cut.
- How far the market data was handled is part of every commit: the ends of the bars, and for each tape the time of the last
  message with how many of that time were handled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from hookline.journal import Amendment, Balance, Batch, Decision, Journal, SessionHeader
from hookline.journal.content import JournalContent
from hookline.kernel.kernel import Kernel
from hookline.kernel.state import save_kernel, wallet_cash
from hookline.model import Bar, MarketEvent, Order
from hookline.session.plan import JournalPlan

__all__ = ["Keeper"]

_PROGRESS = 10**9
_TERMS = ("lots", "limit_price", "trigger_price", "time")


class Keeper:
    """Writes what a kernel does into a journal, made or opened again in the plan's folder.

    Attributes:
        past: What the journal held when it was opened, None for a new one.
        also: What gives further state to keep, by owner.

    Raises:
        JournalError: if the journal cannot be used.
    """

    def __init__(self, plan: JournalPlan, header: SessionHeader) -> None:
        self.path = plan.folder / "journal.sqlite"
        options: dict[str, Any] = {"durable": plan.durable, "segment_bytes": plan.max_bytes}
        if self.path.exists():
            self._journal = Journal.open(self.path, header, accept_changes=plan.accept_changes, **options)
        else:
            self._journal = Journal.create(self.path, header, **options)
        self.past: JournalContent | None = self._journal.content
        self._journal.content = None
        self.also: dict[str, Callable[[], Any]] = {}
        self._terms: dict[int, tuple[Order, tuple[Any, ...]]] = {}
        self._position: dict[str, Any] = {"bars": {}, "tape": {}}
        self._bars: list[Bar] = []
        self._written = self._waited = 0
        self._cash: list[tuple[str, str, object]] = []
        if self.past is not None:
            self._terms = {order.number: (order, _terms(order)) for order in self.past.open_orders}
            self._position = {"bars": {}, "tape": {}} | dict(self.past.position)
            self._written = self.past.time
        if self.past is not None and self.past.time:
            self._cash = [
                (ledger.strategy, wallet, cash)
                for ledger in self.past.ledgers.values()
                for wallet, cash in ledger.cash.items()
            ]

    def handled(self, event: MarketEvent) -> None:
        """Note that a message of a tape was handled."""
        before = self._position["tape"].get(event.symbol)
        time = event.time  # type: ignore[union-attr]
        count = before[1] + 1 if before is not None and before[0] == time else 1
        self._position["tape"][event.symbol] = [time, count]

    def event_done(self, kernel: Kernel, time: int, bars: Sequence[Bar]) -> bool:
        """Write an event down, unless it is one of a tape that changed nothing; return whether it was written.

        Raises:
            JournalError: if it cannot be written.
        """
        for bar in bars:
            self._position["bars"][bar.symbol] = bar.end
        self._bars += bars
        is_news = bool(kernel.updates or kernel.fills or kernel.payments or kernel.gate.decisions)
        if bars or is_news or time - self._written >= _PROGRESS:
            self.commit(kernel, time)
            return True
        return False

    def commit(self, kernel: Kernel, time: int) -> None:
        """Write down what has happened since the last commit.

        Raises:
            JournalError: if it cannot be written.
        """
        amendments = self._amendments(kernel, time)
        news = kernel.take()
        batch = Batch(
            time,
            self._position,
            bars=self._bars,
            orders=news.orders,
            updates=news.updates,
            fills=news.fills,
            seen=news.seen,
            payments=news.payments,
            decisions=[_decision(one) for one in news.decisions],
            balances=self._balances(kernel, time),
            halts=[(one.time, _signed(one)) for one in news.decisions if one.verdict == "halt"],
            resumes=[(one.time, one.reason) for one in news.decisions if one.verdict == "resume"],
            states=save_kernel(kernel) | {owner: save() for owner, save in self.also.items()},
            amendments=amendments,
        )
        waits = kernel.broker.has_requests or time - self._waited >= _PROGRESS
        self._journal.commit(batch, wait=waits)
        self._bars = []
        self._written = time
        if waits:
            self._waited = time

    def close(self, reason: str) -> None:
        """Write why the session stops, and give the journal back."""
        self._journal.close(reason)

    def _amendments(self, kernel: Kernel, time: int) -> list[Amendment]:
        """Return how orders differ from what was written of them, also those that an event has amended and then closed."""
        changed = []
        for number, (order, before) in self._terms.items():
            now = _terms(order)
            if now != before:
                changes = {
                    name: new for name, old, new in zip(_TERMS, before, now, strict=True) if old != new
                }
                changed.append(Amendment(time, number, changes))
        self._terms = {order.number: (order, _terms(order)) for order in kernel.open_orders()}
        return changed

    def _balances(self, kernel: Kernel, time: int) -> list[Balance]:
        cash = wallet_cash(kernel)
        changed = [row for row in cash if row not in self._cash]
        self._cash = list(cash)
        return [Balance(time, ledger, wallet, Decimal(repr(amount))) for ledger, wallet, amount in changed]


def _terms(order: Order) -> tuple[Any, ...]:
    return order.lots, order.limit_price, order.trigger_price, order.time


def _signed(one: Any) -> str:
    """Return the reason of a halt as the gate knows it: with the name of the rule that asked for it."""
    return f"{one.rule}: {one.reason}" if one.rule else str(one.reason)


def _decision(one: Any) -> Decision:
    return Decision(one.time, one.rule, one.verdict.value, one.strategy, one.order_number or None, one.reason)
