"""An emulated venue in a thread of its own, and ccxt's client of the venue's sister, which knows nothing of us, in this one.

ccxt's calls of its own model have moved to newer paths of the sister; those of spot v3.3 and futures v2.3 it still has by their
paths, with the parsers of their rows. So calls are made by path and rows are parsed by ccxt; where a call of its model still uses
these versions, that is called.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import ccxt
import numpy as np

from hookline.errors import DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, MarketData, RowKind, TapeSeries
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry, MarginTierEntry
from hookline.testing import bars
from hookline_lmex.emulator import (
    AccountConfig,
    Emulator,
    EmulatorConfig,
    FeesConfig,
    MarketConfig,
    RateRules,
)

T = TypeVar("T")
START = 1_704_067_200 * 10**9  # 2024-01-01 00:00 UTC
MINUTE = 60 * 10**9
KEY, SECRET, LABEL = "an-oracle-key", "an-oracle-secret-worth-nothing", "oracle"
PERP, COIN = "BTC/USDT:USDT", "BTC/USDT"  # as ccxt calls the markets
TIERS = [
    MarginTierEntry(up_to=Decimal(50_000), maintenance=Decimal("0.005"), max_leverage=Decimal(50)),
    MarginTierEntry(maintenance=Decimal("0.01"), max_leverage=Decimal(20)),
]
_ROW = tuple[float, RowKind, int, float, float]


class HandFeed(Feed):
    """The bars of an hour, then a book around 100 of which a trade takes some each second."""

    name = "hand"

    def load(self, request: BarRequest) -> BarSeries:
        """Return sixty bars that end where the tape begins."""
        closes = " ".join(f"{90 + step / 10}/{95 + step / 10}/{85}/{91 + step / 10}@2" for step in range(60))
        return bars(closes, request.symbol, "1m", start=START - 60 * MINUTE).between(
            request.since, request.until
        )

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return a minute in which the best bid is 99.5 and the best ask 100.5 at all times."""
        rows: list[_ROW] = []
        for level in range(60):
            rows.append((0.0, RowKind.SNAPSHOT, 1, 99.5 - level / 2, 1.0 + level))
            rows.append((0.0, RowKind.SNAPSHOT, -1, 100.5 + level / 2, 1.0 + level))
        rows += [(1.0 + step, RowKind.TRADE, 1, 100.5, 0.002 * (1 + step)) for step in range(50)]
        return made_tape(request.symbol, rows)


class HourFeed(Feed):
    """A day of hourly bars from the start on."""

    name = "hours"

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars."""
        closes = [100.0 + step for step in range(24)]
        return bars(closes, request.symbol, "1h", start=START).between(request.since, request.until)


def made_tape(symbol: str, rows: list[_ROW]) -> TapeSeries:
    """Return a tape of rows: seconds from the start, kind, side, price, quantity."""
    if not rows:
        raise DataError("no rows")
    seconds, kind, side, price, quantity = (np.array(column) for column in zip(*rows, strict=True))
    time = START + np.rint(seconds * 1e9).astype(np.int64)
    number = np.concatenate(([0], np.cumsum((np.diff(time) > 0) | (kind[1:] != kind[:-1]))))
    none = np.full(len(rows), -1)
    return TapeSeries(symbol, time, time, number, kind, side, price, quantity, none, none)


def oracle_config(**changes: Any) -> EmulatorConfig:
    """Return a venue with a perpetual and a coin that stands still until a test moves it."""
    terms = {
        "tick_size": Decimal("0.5"),
        "lot_size": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "base": "BTC",
        "quote": "USDT",
    }
    tape = [MarketData.BOOK, MarketData.TRADES]
    perpetual = InstrumentEntry(**terms, contract_size=Decimal("0.001"), margin_tiers=TIERS)  # type: ignore[arg-type]
    said = {
        "markets": [
            MarketConfig("BTC-PERP", tape=tape, instrument=perpetual, funding_rate=Decimal("0.0003")),
            MarketConfig("BTC-USDT", tape=tape, instrument=InstrumentEntry(**terms)),  # type: ignore[arg-type]
        ],
        "accounts": [
            AccountConfig(LABEL, KEY, SECRET, spot_cash={"USDT": Decimal(5000), "BTC": Decimal(2)}),
        ],
        "feed": PluginUse("hand"),
        "start": "2024-01-01",
        "speed": None,
        "futures_fees": FeesConfig(1.0, 5.0),
        "spot_fees": FeesConfig(8.0, 9.0),
        "limits": RateRules(is_enforced=False),
    }
    return EmulatorConfig(**{**said, **changes})


class Venue:
    """The emulator in its thread; ``ask`` lets something be done there."""

    def __init__(self, emulator: Emulator, loop: asyncio.AbstractEventLoop) -> None:
        self.emulator, self._loop = emulator, loop

    def ask(self, act: Callable[[], T]) -> T:
        """Return what a function returns in the emulator's thread."""

        async def inside() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)

    def step(self, events: int) -> None:
        """Play the next events."""
        asyncio.run_coroutine_threadsafe(self.emulator.step(events), self._loop).result(10)

    @property
    def truth(self) -> Any:
        """What is so at the exchange."""
        return self.ask(lambda: self.emulator.exchange.truth(LABEL))


@contextmanager
def serving(config: EmulatorConfig | None = None) -> Iterator[Venue]:
    """Serve an emulated venue on loopback, its first event played."""
    emulator = Emulator(config or oracle_config(), {"hand": HandFeed(), "hours": HourFeed()})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="emulator")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(10)
        venue = Venue(emulator, loop)
        venue.step(4)
        yield venue
    finally:
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def at_home(client: Any, url: str, now_ms: int) -> Any:
    """Return a client of ccxt that speaks to the venue at a URL and to nobody else, with nonces from a time on."""
    client.urls["api"] = {"public": url, "private": url}
    client.apiKey, client.secret = KEY, SECRET
    client.enableRateLimit = False  # the venue has no limits here
    nonces = iter(range(now_ms, 10**16))
    client.nonce = lambda: next(nonces)  # ccxt takes the system's time: the venue's is another here
    asked, host = client.fetch, urlsplit(url).netloc

    def fetch(where: str, *rest: Any, **named: Any) -> Any:
        assert urlsplit(where).netloc == host, f"ccxt calls {where}"
        return asked(where, *rest, **named)

    client.fetch = fetch
    return client


@contextmanager
def oracle(venue: Venue) -> Iterator[Any]:
    """Yield ccxt's client, which knows the venue's markets from the venue."""
    client = at_home(
        ccxt.btse(), venue.emulator.rest_url, venue.ask(lambda: venue.emulator.clock.now) // 10**6
    )
    try:
        rows = client.publicGetSpotApiV33MarketSummary() + client.publicGetFuturesApiV23MarketSummary()
        client.set_markets(client.parse_markets([as_listed(row) for row in rows]))
        yield client
    finally:
        client.session.close()


def as_listed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of ``market_summary`` in the words of the newer list of markets, which is what ccxt can read."""
    is_contract = float(row["contractSize"] or 0) > 0
    kind = "FuturesPerpetual" if is_contract else "Spot"
    return {
        "symbol": f"{row['symbol']}-{row['quote']}" if is_contract else row["symbol"],
        "type": kind,
        "tradeCurrency": row["symbol"],
        "baseCurrency": row["base"],
        "quoteCurrency": row["quote"],
        "active": row["active"],
        "minOrderPrice": row["minValidPrice"],
        "minPriceIncrement": row["minPriceIncrement"],
        "minOrderSize": row["minOrderSize"],
        "maxOrderSize": row["maxOrderSize"],
        "minSizeIncrement": row["minSizeIncrement"],
        "contractSize": row["contractSize"] if is_contract else None,
    }
