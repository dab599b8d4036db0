"""An emulated exchange behind REST on loopback, and a client that signs by a few lines of its own."""

import asyncio
import contextlib
import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp
from aiohttp.test_utils import TestServer
from exchange_kit import Floor

from hookline_lmex.emulator.rest import RestInterface
from hookline_lmex.emulator.rest_limits import RateRules

UNLIMITED = RateRules(is_enforced=False)


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def body(self):
        return json.loads(self.text) if self.text else None

    @property
    def code(self):
        return self.body.get("errorCode", self.body.get("code"))

    @property
    def said(self):
        return self.body.get("message", self.body.get("msg"))


class Venue:
    """A floor, its interface, and calls to it. ``secret`` and the like may be overridden for one call."""

    def __init__(self, floor, interface, session, url):
        self.floor, self.interface, self.session, self.url = floor, interface, session, url
        self.nonce = 0
        self.key, self.secret = "ann-key", "ann-secret"

    async def public(self, product, path, **params):
        return await self._send("GET", f"/{product}{path}", params, b"", {})

    async def get(self, product, path, **params):
        return await self.call("GET", product, path, params)

    async def delete(self, product, path, **params):
        return await self.call("DELETE", product, path, params)

    async def post(self, product, path, **body):
        return await self.call("POST", product, path, {}, body)

    async def put(self, product, path, **body):
        return await self.call("PUT", product, path, {}, body)

    async def call(
        self, method, product, path, params, body=None, *,
        signed_path=None, signed_body=None, nonce=None, digest=hashlib.sha384, headers=None,
    ):  # fmt: skip
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        nonce = str(self.next_nonce() if nonce is None else nonce)
        message = (
            (signed_path or path).encode() + nonce.encode() + (data if signed_body is None else signed_body)
        )
        sign = hmac.new(self.secret.encode(), message, digest).hexdigest()
        signed = {"request-api": self.key, "request-nonce": nonce, "request-sign": sign}
        return await self._send(
            method, f"/{product}{path}", params, data, signed if headers is None else headers
        )

    def next_nonce(self):
        self.nonce = max(self.nonce + 1, self.floor.clock.now // 10**6)
        return self.nonce

    async def _send(self, method, path, params, data, headers):
        url = self.url + path + (f"?{urlencode(params)}" if params else "")
        headers = {"Content-Type": "application/json"} | headers
        async with self.session.request(method, url, data=data or None, headers=headers) as response:
            return Answer(response.status, response.headers, await response.text())


@contextlib.asynccontextmanager
async def serving(floor, **terms):
    interface = RestInterface(floor.exchange, **({"rules": UNLIMITED} | terms))
    application = aiohttp.web.Application()
    application.add_routes(interface.routes)
    server = TestServer(application)
    await server.start_server()
    async with aiohttp.ClientSession() as session:
        yield Venue(floor, interface, session, str(server.make_url("")).rstrip("/"))
    await server.close()


def run(floor, act, **terms):
    """Run ``act(venue)`` against a floor behind REST."""

    async def inside():
        async with asyncio.timeout(20), serving(floor, **terms) as venue:
            return await act(venue)

    return asyncio.run(inside())


def both(**options):
    """A floor with a perpetual and a coin on tapes, quoted around 100."""
    from exchange_kit import coin, on_tape

    floor = Floor(on_tape(), on_tape(coin()), spot={"USDT": 5000, "AAA": 20}, **options)
    for symbol in ("AAA-PERP", "AAA-USDT"):
        floor.quote(99.9, 100.1, symbol=symbol)
        floor.trade(100.0, 1.5, symbol=symbol)
    return floor
