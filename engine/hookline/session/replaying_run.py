"""Runs the strategies of a session again, on what it recorded.

Rules of this file:

- Everything happens where the recording says: bars that were handled together are one event, columns are warmed up with the bars of then,
  and strategies start and stop when they did. A session that was restarted is one run.
- What reached the account from outside, such as positions that were adopted, reaches this one at the same times.
- Nobody is told: no notifier, no report, no hook of a plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hookline.data.recording import Entry
from hookline.model import Bar, Fill, InstrumentKind, Order, OrderUpdate
from hookline.session.plan import Plan
from hookline.session.session import Session
from hookline.session.streaming import StreamDriver

__all__ = ["OUTSIDE_TAGS", "Account", "FundingPoint", "Outside", "Rerun"]

OUTSIDE_TAGS = ("reconciled", "late fill of ", "liquidation", "adl", "auto-deleveraging")
"""How the tags begin of what reaches an account without any strategy having asked for it."""


class Outside(NamedTuple):
    """An order that no strategy has sent, with its fills."""

    order: Order
    fills: Sequence[Fill]


class FundingPoint(NamedTuple):
    """A funding time: what one unit of the instrument received, in quote currency; below zero it paid."""

    symbol: str
    time: int
    amount: float


@dataclass
class Account:
    """What a run has done: all that differences are made of.

    ``seen`` holds, for each fill, when strategies could know of it. ``payments`` are ``(time, strategy, position, amount)``. ``points``, ``last``
    and ``worth`` belong to the market: the funding times, the last prices by symbol, and what the symbols' currencies are worth in
    the session's.
    """

    orders: list[Order]
    fills: list[Fill]
    seen: list[int]
    payments: list[tuple[int, str, str, float]]
    updates: list[OrderUpdate] = field(default_factory=list)
    points: list[FundingPoint] = field(default_factory=list)
    last: Mapping[str, float] = field(default_factory=dict)
    worth: Mapping[str, float] = field(default_factory=dict)

    def seen_fills(self) -> Iterator[tuple[Fill, int]]:
        """Yield the fills, each with when strategies could know of it."""
        for place, fill in enumerate(self.fills):
            yield fill, self.seen[place] if place < len(self.seen) else fill.time


class Rerun(Session):
    """A session on a recording.

    Args:
        plan: With a broker that simulates.
        follows: Whether the market was followed as it moved.
        was_live: Whether orders went to a venue.
        outside: What reached the account from outside, by time.
    """

    def __init__(
        self, plan: Plan, *, follows: bool, was_live: bool = False, outside: Sequence[Outside] = ()
    ) -> None:
        super().__init__(replace(plan, notifiers=(), reporters=(), modules=(), journal=None))
        self._outside = list(outside)
        self._was_live = was_live
        self._points: list[FundingPoint] = []
        self._ends: dict[str, int] = {}
        rules = replace(plan.stream, is_live=follows, late_data="drop", stall_seconds=None)
        self._driver = StreamDriver(self.kernel, plan.timeframe, plan.external, self._start, rules)
        # The only call that comes with every funding time, whether or not anything is held.
        self._paid, plan.broker.paid = plan.broker.paid, self._note_paid  # type: ignore[method-assign]

    def account(self, entries: Iterable[Entry]) -> Account:
        """Run to the end of the entries and return what was done.

        Raises:
            DataError: if the recording cannot be trusted.
            StrategyError: if a strategy raises.
        """
        last: Entry | None = None
        for last in entries:
            self._take(last)
        if last is not None and last.kind == "stop":
            self._leave()
        if self._runners:
            self.kernel.stop()
        self.plan.broker.finish()
        return self._told()

    def _take(self, entry: Entry) -> None:
        self._let_in(entry.time)
        driver = self._driver
        if entry.kind == "start":
            if not self._runners:
                self._prepare(entry.time)
                self._let_in(entry.time)
                driver.begin(entry.time)
            elif self.on_stop != "keep":
                self._leave()
        elif entry.kind == "warm":
            self._warm([one for one in entry.events if isinstance(one, Bar)])
        elif entry.kind == "bar":
            for bar in entry.events:
                if isinstance(bar, Bar):
                    self._ends[bar.symbol] = max(bar.end, self._ends.get(bar.symbol, 0))
                driver.take(bar)
            driver.flush()
        elif entry.events:
            driver.take(entry.events[0])
        elif entry.kind == "heard" and not self._was_live:
            self.kernel.pass_time(entry.time)  # timers that fired while nothing came

    def _warm(self, bars: Sequence[Bar]) -> None:
        """Bring columns up to date with bars that strategies did not see; after a restart most of them are known here."""
        markets = self.kernel.markets
        new = [bar for bar in bars if bar.symbol in markets and bar.start >= self._ends.get(bar.symbol, 0)]
        self._driver.warm(new)
        for bar in new:
            self._ends[bar.symbol] = bar.end
            markets[bar.symbol].show(bar.close, bar.end)

    def _leave(self) -> None:
        if self.on_stop != "keep":
            self.kernel.withdraw(
                "the session stops", flatten=self.on_stop == "flatten", keep_protective=self._was_live
            )

    def _let_in(self, time: int) -> None:
        """Let what came from outside up to a time reach the account."""
        kernel = self.kernel
        while self._outside and self._runners and self._outside[0].order.time <= time:
            order, fills = self._outside.pop(0)
            own = Order(
                0, order.strategy, order.instrument, order.side, order.type, order.lots, order.time,
                reduce_only=order.reduce_only, tag=order.tag, position_id=order.position_id,
            )  # fmt: skip
            kernel.order_adopted(own)
            for fill in fills:
                kernel.order_filled(own, fill.lots, fill.price, fill.fee, fill.is_maker, fill.time)
            self._paid(order.symbol)
            if kernel.runners:
                kernel.hear(order.time)

    def _note_paid(self, symbol: str) -> None:
        market = self.kernel.markets[symbol]
        rate = market.funding_rate
        if market.instrument.kind is InstrumentKind.PERPETUAL and rate == rate:  # noqa: PLR0124
            price = market.mark if market.mark == market.mark else market.last
            self._points.append(FundingPoint(symbol, self.kernel.clock.now, -price * rate))
        self._paid(symbol)

    def _told(self) -> Account:
        kernel = self.kernel
        ledgers = kernel.ledgers.values()
        worth = {p.symbol: p.wallet.rate for ledger in ledgers for p in ledger.positions.values()}
        return Account(
            kernel.orders,
            kernel.fills,
            kernel.seen,
            kernel.payments,
            kernel.updates,
            self._points,
            {symbol: market.last for symbol, market in kernel.markets.items()},
            worth,
        )
