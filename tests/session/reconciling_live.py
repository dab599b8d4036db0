"""A kernel at a venue over a network, driven as a live session is."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from wire_venue import START, WireBroker, WireVenue

import hookline as hl
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.runner import EventRunner
from hookline.session.live_rules import LiveRules
from hookline.session.reconciler import Reconciler

__all__ = ["SECOND", "Live", "play"]

PERP = hl.Instrument("P", hl.InstrumentKind.PERPETUAL, lot_size=Decimal("0.001"))
SECOND = 10**9
QUICK = {"reconcile_seconds": 0.02, "settle_seconds": 0.5, "unknown_grace_seconds": 0.2}


class Live:
    """A kernel at a venue, driven as a live session is: hear, compare, write down, and only then send."""

    def __init__(self, venue=None, *, folder=None, kernel=None, state=None, **rules):
        self.venue = venue or WireVenue(PERP, cash=2_000_000)
        self.venue.prices.setdefault("P", 100.0)
        self.broker = WireBroker(venue=self.venue)
        self.told, self.steps = [], []
        self.kernel = Kernel(EventClock(START), self.broker, self.venue.instruments, {"s": 1e6})
        self.kernel.markets["P"].last = 100.0
        self.ctx = Context(self.kernel, "s", ("P",), seed=1)
        self.kernel.start({"s": EventRunner("s", hl.Strategy(), self.ctx)})
        self.reconciler = Reconciler(
            "demo", self.kernel, self.broker, LiveRules(**QUICK | rules), {"P": ["s"]}, folder=folder,
            notify=lambda *what: self.told.append(what),
        )  # fmt: skip

    def apply(self, account):
        self.steps.append("apply")
        self.kernel.hear(self.venue.clock.now)
        self.reconciler.check(account)
        self.kernel.hear(self.venue.clock.now)
        self.broker.flush()

    @asynccontextmanager
    async def open(self):
        await self.broker.open(lambda: None)
        try:
            yield self
        finally:
            await self.broker.aclose()

    async def go(self):
        self.broker.flush()
        assert await self.broker.settle(20.0)
        self.kernel.hear(self.venue.clock.now)

    @asynccontextmanager
    async def running(self):
        """The periodic part, beside what a test does."""
        async with self.open():
            task = asyncio.create_task(self.reconciler.run(self.apply))
            try:
                yield self
            finally:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    async def until(self, holds):
        """Let venue time pass a second at a time until something holds."""
        while not holds():
            self.venue.clock.now += SECOND
            await asyncio.sleep(0.005)

    @property
    def lots(self):
        return self.ctx.position("P").lots

    @property
    def kinds(self):
        return [(str(one.kind), str(one.action)) for one in self.reconciler.last.differences]


def play(test):
    async def bounded():
        async with asyncio.timeout(10):
            await test()

    asyncio.run(bounded())
