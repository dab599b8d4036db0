"""The REST interface: every request is checked, counted, answered by its handler, and written as the venue writes it.

A request passes, in this order: signature and nonce, the rate limit, permission, the handler. What is public is counted by address, what
is signed by user; a signature that is wrong counts for the address. What disturbs requests is a middleware around all of it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from hookline.clock import Clock
from hookline_lmex.emulator import rest_account, rest_market, rest_orders, rest_settings
from hookline_lmex.emulator.account import Account
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.refusals import Refused, bad_request, refusal_body
from hookline_lmex.emulator.rest_auth import Gate
from hookline_lmex.emulator.rest_calls import Call, Endpoint
from hookline_lmex.emulator.rest_limits import RateLimiter, RateRules
from hookline_lmex.emulator.terms import Product

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["RestInterface"]

_MILLISECOND = 10**6


class RestInterface:
    """The venue's REST interface on an exchange.

    Args:
        exchange: What is traded.
        gate: Who is let in; one on the shown clock by default.
        shown_clock: The time that answers tell; the exchange's by default.
        rules: Rate limits.
        limit_timer: Seconds that rate limits are counted in; the exchange's time by default.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        gate: Gate | None = None,
        shown_clock: Clock | None = None,
        rules: RateRules | None = None,
        limit_timer: Callable[[], float] | None = None,
    ) -> None:
        self.exchange = exchange
        self.shown_clock: Clock = shown_clock or exchange.clock
        self.gate = gate or Gate(exchange, self.shown_clock)
        self.limiter = RateLimiter(rules or RateRules(), limit_timer or (lambda: exchange.clock.now / 1e9))
        self._quirks = random.Random(exchange.options.seed)  # noqa: S311 - which answers carry what is unknown

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every call that there is."""
        return (
            *rest_market.ENDPOINTS,
            *rest_orders.ENDPOINTS,
            *rest_account.ENDPOINTS,
            *rest_settings.ENDPOINTS,
        )

    @property
    def routes(self) -> list[web.RouteDef]:
        """Return the routes for an aiohttp application."""
        from aiohttp import web

        return [
            web.route(
                one.method, f"/{one.product}{one.path}" if one.product else one.path, self._handler(one)
            )
            for one in self.endpoints
        ]

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return self.answer(endpoint, request, await request.read())

        return handle

    def answer(self, endpoint: Endpoint, request: web.Request, body: bytes) -> web.Response:
        """Return the answer to a request."""
        product = endpoint.product or Product.SPOT
        now_ms = self.shown_clock.now // _MILLISECOND
        try:
            account = self._admit(endpoint, product, request, body)
            self.exchange.pass_time()
            call = Call(self.exchange, product, _params(product, request, body), now_ms, account)
            found = endpoint.act(call)
        except Refused as refused:
            return self._refusal(product, refused, now_ms)
        if found is None:
            return _response(200, b"", {})
        return _response(200, self._encoded(found), {})

    def _admit(
        self, endpoint: Endpoint, product: Product, request: web.Request, body: bytes
    ) -> Account | None:
        """Return who is calling, None for a public call, once the call is counted.

        Raises:
            Refused: if there were too many, or the caller may not.
        """
        name, address = f"{request.method} {product}{endpoint.path}", request.remote or "nobody"
        if endpoint.permission is None:
            self.limiter.count(address, name, endpoint.kind)
            return None
        try:
            account = self.gate.admit(product, request.headers, endpoint.path, body)
        except Refused:
            self.limiter.count(address, name, endpoint.kind)
            raise
        self.limiter.count(account.setup.label, name, endpoint.kind)
        if endpoint.permission not in account.setup.permissions:
            code = -1042 if product is Product.FUTURES else 403
            raise Refused(403, code, "FORBIDDEN: the key lacks the permission")
        return account

    def _refusal(self, product: Product, refused: Refused, now_ms: int) -> web.Response:
        headers = {}
        if refused.status == 429:
            seconds = float(refused.extra or 1.0)
            unlock = str(now_ms + round(seconds * 1000.0))
            by_seconds = self.limiter.rules.retry_after == "seconds"
            headers["Retry-After"] = str(max(1, round(seconds))) if by_seconds else unlock
            refused.extra = None
        text = json.dumps(refusal_body(product, refused, now_ms), separators=(",", ":"))
        return _response(refused.status, text.encode(), headers)

    def _encoded(self, found: Any) -> bytes:
        """Return JSON; now and then objects carry a field that no document lists."""
        if self.exchange.options.unknown_fields and self._quirks.random() < 0.25:
            found = _with_unknown(found)
        return json.dumps(found, separators=(",", ":")).encode()


def _with_unknown(found: Any) -> Any:
    if isinstance(found, dict):
        return found | {"fieldOfLaterDate": {"nested": [1, None, "text"]}} if "symbol" in found else found
    if isinstance(found, list):
        return [_with_unknown(one) for one in found]
    return found


def _params(product: Product, request: web.Request, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request: of GET and DELETE only the query counts.

    Raises:
        Refused: if a body is no JSON object.
    """
    if request.method in ("GET", "DELETE"):
        return dict(request.query)
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise bad_request(product, "BAD_REQUEST: the body must be a JSON object")
    return found


def _response(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    from aiohttp import web

    return web.Response(
        status=status, body=body, headers=headers, content_type="application/json", charset="utf-8"
    )
