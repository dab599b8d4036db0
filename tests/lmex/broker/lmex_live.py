"""A session at the emulated venue, over real sockets: a kernel, the broker, and a driver that hears and flushes."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal

import numpy as np

from hookline.clock import EventClock
from hookline.errors import DataError
from hookline.feed import Feed
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.model import Instrument, InstrumentKind, MarginMode, MarketData, RowKind, TapeSeries
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry
from hookline_lmex.broker import LmexBroker
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, MarketConfig, RateRules

START = 1_704_067_200_000_000_000
KEY, SECRET = "a-broker-test-key", "a-broker-test-secret-worth-nothing"
_TERMS = {"tick_size": Decimal("0.5"), "lot_size": Decimal("0.001"), "base": "BTC", "quote": "USDT"}
PERP = Instrument(
    "BTC-PERP", InstrumentKind.PERPETUAL, Decimal("0.5"), Decimal("0.001"), base="BTC", contract_size=Decimal("0.001"),
    margin_mode=MarginMode.ISOLATED,
)  # fmt: skip
SPOT = Instrument("BTC-USDT", InstrumentKind.SPOT, Decimal("0.5"), Decimal("0.001"), base="BTC")
FAST = {
    "look_seconds": 0.02,
    "fill_grace_seconds": 0.1,
    "first_ask_seconds": 0.05,
    "unknown_grace_seconds": 0.6,
    "silence_seconds": 0.5,
    "poll_seconds": 0.3,
    "query_rate": 500,
    "user_rate": 1000,
    "order_rate": 500,
    "wallet_rate": 500,
}


class TapeFeed(Feed):
    """A tape that was made in the test."""

    name = "made"

    def __init__(self, *tapes):
        self._tapes = {one.symbol: one for one in tapes}

    def load(self, request):
        raise DataError(f"no bars of {request.symbol}")

    def tape(self, request):
        return self._tapes[request.symbol].between(request.since, request.until)


def tape(symbol, prices, spacing=1):
    """Return a tape, with some seconds from price to price, whose book is half around each price, deep enough for all orders here, with a trade at the price."""
    rows = []
    for number, price in enumerate(prices):
        at = START + number * spacing * 10**9
        rows.append((2 * number, at, RowKind.SNAPSHOT, 1, price - 0.5, 50.0))
        rows.append((2 * number, at, RowKind.SNAPSHOT, -1, price + 0.5, 50.0))
        rows.append((2 * number + 1, at + 1000, RowKind.TRADE, 1, price, 20.0))
    message, time, kind, side, price, quantity = (np.array(one) for one in zip(*rows, strict=True))
    none = np.full(len(rows), -1)
    return TapeSeries(symbol, time, time, message, kind, side, price, quantity, none, none)


def emulator(prices, spacing=1, funding_rate=None, **changes):
    """Return a venue with a perpetual and a spot market that is played by steps: two for each price, spot first or after."""
    kinds = [MarketData.BOOK, MarketData.TRADES]
    perp = MarketConfig(
        "BTC-PERP",
        tape=kinds,
        instrument=InstrumentEntry(**_TERMS, contract_size=Decimal("0.001")),
        funding_rate=funding_rate,
    )
    spot = MarketConfig("BTC-USDT", tape=kinds, instrument=InstrumentEntry(**_TERMS))
    said = {
        "markets": [perp, spot],
        "accounts": [AccountConfig("tester", KEY, SECRET)],
        "feed": PluginUse("made"),
        "speed": None,
        "quirks": True,
        "limits": RateRules(is_enforced=False),
    }
    feed = TapeFeed(tape("BTC-PERP", prices, spacing), tape("BTC-USDT", prices, spacing))
    return Emulator(EmulatorConfig(**{**said, **changes}), {"made": feed})


class Session:
    """One strategy, ``desk``, at an emulator that runs."""

    def __init__(self, venue, *instruments, **params):
        self.venue = venue
        self.params = {**FAST, "rest_url": venue.rest_url, "socket_url": venue.socket_url, **params}
        self.instruments = {one.symbol: one for one in instruments or (PERP,)}
        self.broker = LmexBroker(**self.params)
        self.clock = EventClock(venue.clock.now)
        self.kernel = Kernel(self.clock, self.broker, self.instruments, {"desk": 10_000.0})
        self.ctx = Context(self.kernel, "desk", tuple(self.instruments))
        for market in self.kernel.markets.values():
            market.last = market.mark = 100.0
        self.problem = None

    def hear(self):
        """What the driver does when the broker wakes it."""
        try:
            self.kernel.hear(max(self.clock.now, self.venue.clock.now))
            json.dumps(self.broker.save())
            self.broker.flush()
        except Exception as error:
            self.problem = error
            raise

    async def open(self):
        await self.broker.open(self.hear)
        await self.broker.catch_up()
        self.hear()

    async def until(self, holds, seconds=5.0):
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110  # the venue knows no tests
                await asyncio.sleep(0.005)

    async def play(self, events=4):
        await self.venue.step(events)
        await asyncio.sleep(0.03)

    async def restart(self):
        """Cut the broker off and begin anew with what was saved."""
        saved = json.loads(json.dumps(self.broker.save()))
        await self.broker.aclose()
        self.broker = self.kernel.broker = LmexBroker(**self.params)
        self.broker.connect(self.kernel, self.clock, self.instruments, self.kernel.ledgers)
        self.broker.restore(saved, {order.number: order for order in self.kernel.open_orders()})
        await self.open()

    def status(self, order):
        return str(order.status)

    async def agree(self):
        """Check that what is believed is what the venue says."""
        account = await self.broker.venue_account()
        held = {one.position_id: one.lots for one in account.positions}
        for symbol in self.instruments:
            assert self.ctx.position(symbol).lots == held.get(symbol, 0), symbol
        ours = {
            order.number: (order.lots, order.filled_lots)
            for order in self.kernel.open_orders()
            if order.status != "held"
        }
        assert ours == {one.number: (one.lots, one.filled_lots) for one in account.orders}


@asynccontextmanager
async def live(prices=(100.0,) * 40, *instruments, config=None, seconds=25.0, **params):
    """Run an emulator and a session that is connected to it."""
    async with asyncio.timeout(seconds), emulator(prices, **(config or {})) as venue:
        await venue.step(4)
        session = Session(venue, *instruments, **params)
        try:
            await session.open()
            yield session
        finally:
            await session.broker.aclose()
