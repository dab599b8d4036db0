"""A kernel and a venue that does only what a test tells it: for what happens between an order and its fate."""

import copy
import json
from dataclasses import dataclass, field

import hookline as hl
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import EventRunner

START = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
SECOND = 10**9


@dataclass
class HandBroker(hl.Broker):
    """Takes orders and waits. Cancellations are granted at once, or when the test says so."""

    name = "hand"

    holds_cancels: bool = False
    taker_fee: float = 0.0
    sent: list = field(default_factory=list)
    cancels: list = field(default_factory=list)

    def connect(self, listener, clock, instruments, ledgers):
        self.listener, self.clock = listener, clock

    def submit(self, order):
        self.sent.append(order)

    def cancel(self, order, reason=""):
        self.cancels.append(order)
        if not self.holds_cancels:
            self.listener.order_changed(order, hl.OrderStatus.CANCELED, self.clock.now, reason)

    def amend(self, order, lots, limit_price, trigger_price):
        order.limit_price = limit_price

    def cancel_all_after(self, seconds):
        """Never asked for here."""


@dataclass
class Diary(hl.Strategy):
    """Writes down what it is told of orders, fills and leg groups."""

    name = "diary"

    lines: list = field(default_factory=list)

    def on_order(self, ctx, order, update):
        self.lines.append(f"{order.tag} {update.status}")

    def on_fill(self, ctx, fill):
        self.lines.append(f"fill {fill.lots} @ {fill.price:g}")

    def on_legs(self, ctx, group):
        self.lines.append(f"legs {group.status}")


class Hand:
    """A kernel with one strategy, whose venue and time a test moves by hand. A lot is one unit."""

    def __init__(self, *symbols, strategy=None, rules=(), now=START, resumes=None, **terms):
        terms = {"kind": hl.InstrumentKind.PERPETUAL, "lot_size": 1} | terms
        instruments = {symbol: hl.Instrument(symbol, **terms) for symbol in symbols or ("TEST",)}
        self.terms, self.broker, self.strategy = terms, HandBroker(), strategy or Diary()
        self.kernel = Kernel(EventClock(now), self.broker, instruments, {"s": 1e6}, rules)
        for symbol in instruments:
            self.kernel.markets[symbol].last = 100.0
        self.ctx = Context(self.kernel, "s", tuple(instruments), seed=1)
        if resumes is not None:
            self._resume(resumes)
        self.kernel.start({"s": EventRunner("s", self.strategy, self.ctx)})
        self.settle()

    def _resume(self, before):
        """Take over what a journal would have kept of another kernel."""
        kernel, old = self.kernel, before.kernel
        copies = {order.number: copy.copy(order) for order in old.open_orders()}
        for order in copies.values():
            order.handler = None
            if any(other.parent is not None and other.parent.number == order.number for other in old.orders):
                order.filled_lots, order.average_price = 0, 0.0  # fills are kept with the children
            order.parent = None if order.parent is None else copies[order.parent.number]
        kernel.order_count, kernel.fill_count = old.order_count, old.fill_count
        for id_, held in old.ledgers["s"].positions.items():
            position = kernel.ledgers["s"].positions[id_]
            position.lots, position.quantity = held.lots, held.quantity
        kernel.adopt(copies.values())
        self.ctx.restore(json.loads(json.dumps(before.ctx.save())))
        self.broker.holds_cancels = before.broker.holds_cancels

    def restarted(self, strategy=None, **terms):
        """Return what a session would be that ended now and starts again."""
        return Hand(
            *self.kernel.markets,
            strategy=strategy,
            now=self.kernel.clock.now,
            resumes=self,
            **self.terms,
            **terms,
        )

    @property
    def sent(self):
        return self.broker.sent

    @property
    def lines(self):
        return self.strategy.lines

    def order(self, number):
        """The open order of a number."""
        return next(order for order in self.kernel.open_orders() if order.number == number)

    def settle(self):
        self.kernel._deliver()

    def fill(self, order, lots=None, price=100.0):
        lots = order.open_lots if lots is None else lots
        self.kernel.order_filled(order, lots, price, 0.0, False, self.kernel.clock.now)
        self.settle()

    def end(self, order, status, reason=""):
        self.kernel.order_changed(order, status, self.kernel.clock.now, reason)
        self.settle()

    def reject(self, order, reason="no"):
        self.end(order, hl.OrderStatus.REJECTED, reason)

    def confirm(self, order):
        """Grant a cancellation that was asked for."""
        self.end(order, hl.OrderStatus.CANCELED)

    def wait(self, seconds):
        """Let time pass, and with it what is due by then."""
        until = self.kernel.clock.now + round(seconds * SECOND)
        self.kernel._advance(until)
        self.kernel.clock.now = until
        self.settle()

    def held(self, symbol="TEST"):
        return self.ctx.position(symbol).lots
