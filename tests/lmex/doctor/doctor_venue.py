"""An emulated venue of now, in a thread of its own, that a doctor looks at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np

from hookline import plugins
from hookline.clock import SystemClock, isoformat
from hookline.diagnosis import Finding, PlannedOrder
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, Instrument, MarketData, RowKind, TapeSeries
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry, MarginTierEntry
from hookline.testing import bars
from hookline_lmex.client import LmexClient
from hookline_lmex.credentials import Credentials
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, MarketConfig, RateRules
from hookline_lmex.settings import Settings

KEY, SECRET = "a-doctor-test-key", "a-doctor-test-secret-worth-nothing"
MINUTE = 60 * 10**9
BARS = 240
TERMS: dict[str, Any] = {
    "tick_size": Decimal("0.5"),
    "lot_size": Decimal("0.001"),
    "base": "BTC",
    "quote": "USDT",
}
TIERS = [MarginTierEntry(maintenance=Decimal("0.005"), max_leverage=Decimal(50))]


class NowFeed(Feed):
    """Four hours of bars around 1000 that end now, then a book whose best prices are 999.5 and 1000.5."""

    name = "now"

    def __init__(self, closes: Sequence[float] = ()) -> None:
        self.start = SystemClock().now
        self._closes = list(closes) or [1000.0 + 20.0 * np.sin(step / 8.0) for step in range(BARS)]

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars; the last one ends in the minute in which the tape begins."""
        closes = [round(2.0 * close) / 2.0 for close in self._closes]
        start = self.start // MINUTE * MINUTE - len(closes) * MINUTE
        return bars(closes, request.symbol, "1m", start=start).between(request.since, request.until)

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return an hour of book and trades."""
        side = np.array([1, -1] * 20 + [1] * 600)
        kind = np.array([RowKind.SNAPSHOT] * 40 + [RowKind.TRADE] * 600)
        price = np.array(
            [1000.0 + one * (0.5 + level / 2) for level in range(20) for one in (-1, 1)] + [1000.5] * 600
        )
        seconds = np.array([0.0] * 40 + [0.1 + 6.0 * step for step in range(600)])
        quantity = np.array([5.0] * 40 + [0.01] * 600)
        time = self.start + np.rint(seconds * 1e9).astype(np.int64)
        number = np.concatenate((np.zeros(40, np.int64), 1 + np.arange(600)))
        none = np.full(640, -1)
        return TapeSeries(request.symbol, time, time, number, kind, side, price, quantity, none, none)


def venue_config(feed: NowFeed, **changes: Any) -> EmulatorConfig:
    """Return a venue of a perpetual and a coin that goes with our time."""
    tape = [MarketData.BOOK, MarketData.TRADES]
    perpetual = InstrumentEntry(
        **TERMS, contract_size=Decimal("0.001"), margin_tiers=TIERS, min_notional=Decimal(5)
    )
    said: dict[str, Any] = {
        "markets": [
            MarketConfig("BTC-PERP", tape=tape, instrument=perpetual),
            MarketConfig("BTC-USDT", tape=tape, instrument=InstrumentEntry(**TERMS, min_notional=Decimal(5))),
        ],
        "accounts": [AccountConfig("patient", KEY, SECRET)],
        "feed": PluginUse("now"),
        "start": isoformat(feed.start),
        "speed": 1.0,
        "limits": RateRules(is_enforced=False),
    }
    return EmulatorConfig(**{**said, **changes})


@contextmanager
def open_venue(closes: Sequence[float] = (), **changes: Any) -> Iterator[Emulator]:
    """Serve an emulated venue on loopback, in a thread of its own."""
    feed = NowFeed(closes)
    emulator = Emulator(venue_config(feed, **changes), {"now": feed})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="emulator")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(10)
        asyncio.run_coroutine_threadsafe(emulator.step(2), loop).result(10)
        yield emulator
    finally:
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def examined(
    emulator: Emulator,
    *symbols: str,
    terms: dict[str, Instrument] | None = None,
    planned: Sequence[PlannedOrder] = (),
    **params: Any,
) -> dict[str, Finding]:
    """Return what the broker finds, by name; each name is there once."""
    hosts = {"rest_url": emulator.rest_url, "socket_url": emulator.socket_url}
    broker = plugins.build("brokers", "lmex", {**hosts, **params}, "broker")

    async def run() -> list[Finding]:
        async with asyncio.timeout(25):
            found: list[Finding] = await broker.diagnose(
                terms or dict.fromkeys(symbols or ("BTC-PERP",)), planned
            )
            return found

    findings = asyncio.run(run())
    assert len({one.name for one in findings}) == len(findings), findings
    for one in findings:
        assert KEY not in str(one)
        assert SECRET not in str(one)
        assert one.text
        assert not one.text.endswith(".")
    return {one.name: one for one in findings}


def act(emulator: Emulator, *calls: Any) -> None:
    """Let a client of the account make calls, each a function of the client."""

    async def run() -> None:
        settings = Settings(rest_url=emulator.rest_url, warm_seconds=0.0)
        async with asyncio.timeout(20), LmexClient(settings, Credentials(KEY, SECRET)) as client:
            for call in calls:
                await call(client)

    asyncio.run(run())
