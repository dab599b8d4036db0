"""A venue over real sockets that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from hookline_lmex.client import LmexClient
from hookline_lmex.credentials import Credentials
from hookline_lmex.settings import Settings

KEY = "key-of-a-test"
SECRET = "secret-of-a-test-0123456789"
TIME = {"iso": "2026-03-04T05:06:07.089Z", "epoch": 1772600767}
TIME_MS = 1772600767089


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def nonce(self) -> int:
        return int(self.headers["request-nonce"])

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer: a JSON value, or text as it is."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None


class Drops:
    """Close the connection once the request has been read."""


class Stalls:
    """Never answer."""


Reply = Says | Drops | Stalls | Callable[[Asked], Any] | list[Any] | dict[str, Any]


class ScriptedVenue:
    """Answers each path by its script, whose last entry stays; the server's time is always answered."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.scripts: dict[str, list[Any]] = {"GET /spot/api/v3.3/time": [TIME]}
        self.url = ""
        self.pause_seconds = 0.0
        self.shuffle: random.Random | None = None
        self.most_at_once = 0
        self._at_once = 0
        self._peers: set[object] = set()
        self._runner: web.AppRunner | None = None
        self._stopped = asyncio.Event()
        self.was_asked = asyncio.Event()

    def will(self, where: str, *replies: Any) -> None:
        """Set the answers of a call such as ``GET /spot/api/v3.3/price``."""
        self.scripts[where] = list(replies)

    def calls(self, where: str) -> list[Asked]:
        """Return what came for a call."""
        return [one for one in self.asked if f"{one.method} {one.path}" == where]

    @property
    def connections(self) -> int:
        """How many connections there were."""
        return len(self._peers)

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._stopped.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        asked = Asked(request.method, request.path, dict(request.query), dict(request.headers), body)
        self.asked.append(asked)
        self.was_asked.set()
        assert request.transport is not None
        self._peers.add(request.transport.get_extra_info("peername"))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(
                self.pause_seconds if self.shuffle is None else self.shuffle.uniform(0.0, 0.02)
            )
            return await self._reply(request, asked)
        finally:
            self._at_once -= 1

    async def _reply(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        script = self.scripts.get(f"{asked.method} {asked.path}")
        if script is None:
            return web.Response(status=404, text="no such path")
        reply = script.pop(0) if len(script) > 1 else script[0]
        if callable(reply) and not isinstance(reply, type):
            reply = reply(asked)
        if isinstance(reply, Drops):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if isinstance(reply, Stalls):
            await self._stopped.wait()
            return web.Response()
        says = reply if isinstance(reply, Says) else Says(reply)
        text = says.text if says.text is not None else json.dumps(says.value)
        kind = "text/html" if says.text is not None else "application/json"
        return web.Response(status=says.status, text=text, headers=says.headers, content_type=kind)


@asynccontextmanager
async def venue_and_client(
    *, is_private: bool = True, **settings: Any
) -> AsyncIterator[tuple[ScriptedVenue, LmexClient]]:
    """Yield a venue and a client of it that is quick to repeat."""
    venue = ScriptedVenue()
    await venue.start()
    quick = {"backoff_seconds": 0.001, "timeout_seconds": 5.0, "warm_seconds": 0.0, "seed": 1} | settings
    credentials = Credentials(KEY, SECRET) if is_private else None
    try:
        async with asyncio.timeout(20):
            async with LmexClient(Settings(rest_url=venue.url, **quick), credentials) as client:
                yield venue, client
    finally:
        await venue.stop()


def run(test: Callable[[ScriptedVenue, LmexClient], Any], **settings: Any) -> None:
    """Run a test with a venue and a client."""

    async def main() -> None:
        async with venue_and_client(**settings) as (venue, client):
            await test(venue, client)

    asyncio.run(main())


def action(**changes: Any) -> dict[str, Any]:
    """Return an answer to creating a futures order, in the shape of the current version."""
    return {
        "status": 2, "symbol": "ETH-PERP", "orderType": 76, "price": 3101.25, "side": "SELL",
        "orderID": "5b1e7c1a-0000-4000-8000-000000000007", "timestamp": 1772600800123, "triggerPrice": 0, "trigger": False,
        "deviation": 100, "stealth": 100, "message": "", "avgFilledPrice": 0, "clOrderID": "hl-7", "originalOrderSize": 40,
        "currentOrderSize": 40, "filledSize": 0, "totalFilledSize": 0, "remainingSize": 40, "postOnly": False,
        "orderDetailType": None, "positionMode": "ONE_WAY", "positionDirection": None, "positionId": "ETH-PERP-USDT",
        "time_in_force": "GTC",
    } | changes  # fmt: skip
