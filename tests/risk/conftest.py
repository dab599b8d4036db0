"""A stage for risk rules: a kernel on the paper broker, where a test sends orders and lets prices come."""

from decimal import Decimal

import pytest

import hookline as hl
from hookline import plugins
from hookline.clock import EventClock
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.testing import bars

START = 1_704_067_200_000_000_000  # Monday, 2024-01-01 00:00 UTC
HOUR = 3600 * 10**9


class Stage:
    """One venue, strategies that a test moves by hand, and rules.

    Args:
        *rules: The rules of the gate.
        strategies: Cash by strategy.
        symbols: Instruments, perpetuals with a lot of 0.001 and a tick of 0.01.
        leverage: Of the venue.
        fee_bps: Taker and maker fee.
        terms: Other terms of the instruments.
    """

    def __init__(self, *rules, strategies=None, symbols=("TEST",), leverage=50, fee_bps=0, **terms):
        broker = plugins.build(
            "brokers",
            "paper",
            {"leverage": leverage, "taker_fee_bps": fee_bps, "maker_fee_bps": fee_bps},
            "broker",
        )
        terms = {
            "kind": hl.InstrumentKind.PERPETUAL,
            "tick_size": Decimal("0.01"),
            "lot_size": Decimal("0.001"),
        } | terms
        instruments = {symbol: hl.Instrument(symbol, **terms) for symbol in symbols}
        strategies = strategies or {"one": 1000.0}
        self.kernel = Kernel(EventClock(START), broker, instruments, strategies, rules)
        self.gate = self.kernel.gate
        self.desks = {id_: Context(self.kernel, id_, tuple(symbols)) for id_ in strategies}
        self.ctx = next(iter(self.desks.values()))
        self.kernel.start({})
        for symbol in symbols:
            self.kernel.markets[symbol].last = 100.0

    def show(self, text, symbol="TEST"):
        """Let an hour pass for each price; a close alone opens there too."""
        words = [word if "/" in word else "/".join([word] * 4) for word in text.split()]
        series = bars(" ".join(words), symbol, start=self.kernel.clock.now)
        lane = self.kernel.lane(symbol)
        self.kernel.run(lane, [series.bar(index) for index in range(len(series))])

    def wait(self, hours):
        """Let time pass without events."""
        self.kernel.clock.now += round(hours * HOUR)

    def buy(self, quantity, symbol="TEST", **terms):
        return self.ctx.buy(symbol, quantity, **terms)

    def sell(self, quantity, symbol="TEST", **terms):
        return self.ctx.sell(symbol, quantity, **terms)

    def tries(self, quantity=1, symbol="TEST", **terms):
        """Send an order that is no more than a question, and return why it was denied, empty if it was not."""
        order = self.ctx.submit(symbol, hl.Side.BUY, quantity, **({"limit": 90.0} | terms))
        if order.is_open:
            self.ctx.cancel(order)
            self.show("100", symbol)
        return order.reason if order.status is hl.OrderStatus.DENIED else ""

    @property
    def decided(self):
        """What the gate decided, as ``rule verdict``."""
        return [f"{one.rule} {one.verdict}".strip() for one in self.gate.decisions]


@pytest.fixture
def stage():
    return Stage
