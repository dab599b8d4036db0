"""A small emulated venue whose tape is written in the test, and clients that speak raw HTTP and websocket to it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import aiohttp
import numpy as np

from hookline.errors import DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, MarketData, RowKind, TapeSeries, timeframe_ns
from hookline.params import PluginUse
from hookline.session.schema import InstrumentEntry
from hookline.testing import bars
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, MarketConfig

START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC
SECOND = 10**9
KEY, SECRET = "a-test-key", "a-test-secret"
TERMS = InstrumentEntry(
    tick_size=Decimal("0.5"),
    lot_size=Decimal("0.001"),
    contract_size=Decimal("0.001"),
    base="BTC",
    quote="USDT",
)
SPOT_TERMS = replace(TERMS, contract_size=None)

Row = tuple[float, RowKind, int, float, float]
_nonces = count()


def book(seconds: float, bids: str, asks: str, *, snapshot: bool = False) -> list[Row]:
    """Return the rows of a book message: levels are ``price*quantity``, separated by spaces."""
    kind = RowKind.SNAPSHOT if snapshot else RowKind.BOOK
    return [
        (seconds, kind, side, *_level(word))
        for side, text in ((1, bids), (-1, asks))
        for word in text.split()
    ]


def _level(word: str) -> tuple[float, float]:
    price, _, quantity = word.partition("*")
    return float(price), float(quantity or 1)


def trade(seconds: float, price: float, quantity: float, side: int = 1) -> list[Row]:
    """Return the row of a trade."""
    return [(seconds, RowKind.TRADE, side, price, quantity)]


def tape(symbol: str, *messages: Sequence[Row], numbered: bool = False) -> TapeSeries:
    """Return messages as a tape, with the venue's numbers if wanted."""
    rows = [(number, *row) for number, message in enumerate(messages) for row in message]
    number, seconds, kind, side, price, quantity = (np.array(column) for column in zip(*rows, strict=True))
    time = START + np.rint(seconds * SECOND).astype(np.int64)
    sequence = number + 100 if numbered else np.full(len(rows), -1)
    previous = sequence - 1 if numbered else sequence
    return TapeSeries(symbol, time, time, number, kind, side, price, quantity, sequence, previous)


class HandFeed(Feed):
    """Bars and tapes that were made in the test."""

    name = "hand"

    def __init__(self, *series: BarSeries | TapeSeries) -> None:
        self._bars = {one.symbol: one for one in series if isinstance(one, BarSeries)}
        self._tapes = {one.symbol: one for one in series if isinstance(one, TapeSeries)}

    def load(self, request: BarRequest) -> BarSeries:
        if request.symbol not in self._bars:
            raise DataError(f"no bars of {request.symbol}")
        return self._bars[request.symbol].between(request.since, request.until)

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self._tapes[request.symbol].between(request.since, request.until)


PERP_TAPE = tape(
    "BTC-PERP",
    book(0, "99.5*2 99*3", "100.5*1 101*4", snapshot=True),
    trade(1, 100.5, 0.25),
    book(2, "99.5*1", ""),
    book(3, "100*5", "100.5*0"),
    trade(4, 100.0, 0.5, -1),
    book(5, "100*0", "100.5*7"),
    *(book(6 + step, f"99*{3 + step}", "") for step in range(60)),
)
SPOT_TAPE = tape(
    "BTC-USDT",
    book(0.5, "99*2", "101*2", snapshot=True),
    *(trade(0.6 + step / 1000, 100.0 + 0.5 * step, 0.01) for step in range(3)),
    *(book(10 + step, f"98*{1 + step}", "") for step in range(20)),
)
TAPE = [MarketData.BOOK, MarketData.TRADES]
PERP = MarketConfig("BTC-PERP", tape=TAPE, instrument=TERMS)
SPOT = MarketConfig("BTC-USDT", tape=TAPE, instrument=SPOT_TERMS)
ACCOUNT = AccountConfig("tester", KEY, SECRET)


def venue_config(**changes: Any) -> EmulatorConfig:
    """Return a venue with a perpetual and a spot market that is played by steps, strict and without surprises."""
    said = {
        "markets": [PERP, SPOT],
        "accounts": [ACCOUNT],
        "feed": PluginUse("hand"),
        "speed": None,
        "quirks": False,
    }
    return EmulatorConfig(**{**said, **changes})


def venue(*series: BarSeries | TapeSeries, **changes: Any) -> Emulator:
    """Return an emulator of the tapes above, or of other series."""
    return Emulator(venue_config(**changes), {"hand": HandFeed(*(series or (PERP_TAPE, SPOT_TAPE)))})


def bar_venue(text: str, timeframe: str = "1m", **changes: Any) -> Emulator:
    """Return an emulator of one perpetual that has bars only."""
    series = bars(text, "BTC-PERP", timeframe, start=START)
    market = MarketConfig("BTC-PERP", timeframe=timeframe, instrument=TERMS)
    return venue(series, **{"markets": [market], **changes})


MINUTE = timeframe_ns("1m")


class Client:
    """Raw HTTP and sockets, with a signature of its own."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator, self.session = emulator, session
        self.key, self.secret = KEY, SECRET
        self.ears: list[Ear] = []

    def nonce(self) -> str:
        """Return a nonce of the venue's time that rises with each call."""
        return str(self.emulator.shown_clock.now // 10**6 + next(_nonces) % 20_000)

    def sign(self, path: str, nonce: str, body: str = "") -> str:
        """Return a signature."""
        return hmac.new(self.secret.encode(), f"{path}{nonce}{body}".encode(), hashlib.sha384).hexdigest()

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Return status and JSON of a signed call; ``path`` is ``/futures/api/v2.3/...``, with a query if any."""
        text, nonce = "" if body is None else json.dumps(body), self.nonce()
        signed = "/api/" + path.partition("?")[0].partition("/api/")[2]
        headers = {
            "request-api": self.key,
            "request-nonce": nonce,
            "request-sign": self.sign(signed, nonce, text),
            "Content-Type": "application/json",
        }
        async with self.session.request(
            method, self.emulator.rest_url + path, data=text or None, headers=headers
        ) as answer:
            raw = await answer.text()
            return answer.status, json.loads(raw) if raw else None

    async def order(self, side: str = "BUY", size: int = 10, **terms: Any) -> tuple[int, Any]:
        """Place an order on the perpetual: at the market unless a price is given."""
        said = {
            "symbol": "BTC-PERP",
            "side": side,
            "size": size,
            "type": "LIMIT" if "price" in terms else "MARKET",
        }
        return await self.call("POST", "/futures/api/v2.3/order", said | terms)

    async def open(self, path: str = "/ws/futures", *topics: str, login: bool = False) -> Ear:
        """Return an open socket, logged in and subscribed."""
        ear = Ear(
            await self.session.ws_connect(
                self.emulator.socket_url + path,
                autoping=False,
                compress=15,
                timeout=aiohttp.ClientWSTimeout(ws_close=0.3),
            )
        )
        self.ears.append(ear)
        if login:
            nonce = self.nonce()
            await ear.say(op="authKeyExpires", args=[self.key, nonce, self.sign(path, nonce)])
            assert await ear.hear() == {"event": "login", "success": True}
        if topics:
            await ear.say(op="subscribe", args=list(topics))
        return ear


class Ear:
    """One socket of a client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.kept: list[Any] = []

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send_str(json.dumps(message))

    async def frame(self, seconds: float = 3.0) -> aiohttp.WSMessage:
        """Return the next frame."""
        return await self.socket.receive(timeout=seconds)

    async def hear(self, seconds: float = 3.0) -> Any:
        """Return the next message."""
        frame = await self.frame(seconds)
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        return json.loads(frame.data)

    async def hears_nothing(self, seconds: float = 0.15) -> bool:
        """Return whether nothing comes for a while."""
        try:
            await self.frame(seconds)
        except TimeoutError:
            return True
        return False

    async def hears_nothing_more(self, seconds: float = 0.15) -> bool:
        """Return whether nothing comes for a while; what comes is kept."""
        try:
            self.kept.append(await self.hear(seconds))
        except TimeoutError:
            return True
        return False

    async def data(self, topic: str) -> Any:
        """Return the data of the next message of a topic, whatever comes before it."""
        for _ in range(200):
            message = await self.hear()
            if message.get("topic") == topic:
                return message["data"]
        raise AssertionError(f"no message of {topic}")


@asynccontextmanager
async def visit(emulator: Emulator, seconds: float = 15.0) -> AsyncIterator[Client]:
    """Start an emulator and yield a client of it; everything ends within a time."""
    async with asyncio.timeout(seconds), emulator, aiohttp.ClientSession() as session:
        client = Client(emulator, session)
        try:
            yield client
        finally:
            await asyncio.gather(*(ear.socket.close() for ear in client.ears))


async def play(client: Client, events: int) -> None:
    """Play events, and let what comes of them arrive."""
    await client.emulator.step(events)
    await asyncio.sleep(0.01)


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  # it is the emulator that is waited for, which knows no tests
            await asyncio.sleep(0.01)
