"""What goes wrong with requests: before they are handled, and on the way back.

Rules of this file:

- Before: the request is not done, and the answer says so or never comes. After: it is done, whatever the answer says.
- The emulator's own paths are never disturbed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from hookline_lmex.emulator.faults import Fault, FaultSwitches
from hookline_lmex.emulator.journeys import Journeys
from hookline_lmex.emulator.venue_clock import SkewedClock, VenueClock
from hookline_lmex.emulator.wire_numbers import milliseconds

__all__ = ["RequestFaults"]

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ORDERS = frozenset({"order", "peg"})


class RequestFaults:
    """A middleware that disturbs the requests of clients, and lets them take the time that they take.

    Args:
        faults: What is switched on.
        clock: The venue's time; one that stands moves a little with each request.
        shown: The time in answers.
        latency_ms: From request to answer, in the venue's time. Where the clock stands, of orders alone.

    Attributes:
        journeys: What is on its way while the clock stands.
    """

    def __init__(
        self, faults: FaultSwitches, clock: VenueClock, shown: SkewedClock, latency_ms: float
    ) -> None:
        self._faults, self._clock, self._shown, self._latency_ms = faults, clock, shown, latency_ms
        self.journeys = Journeys(clock)
        self.requests = 0
        """How many came, disturbed ones among them."""

    async def __call__(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Handle a request as the faults have it."""
        if request.path.startswith(("/emulator", "/ws/")):
            return await handler(request)
        self.requests += 1
        self._clock.tick()
        what = f"{request.method} {request.path}"
        early = self._before(request, what)
        if early is not None:
            return early
        return await self._after(request, await self._carried(request, handler), what)

    async def _carried(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Handle a request in the middle of its way there and back."""
        if not self._latency_ms or not (self._clock.speed or _is_order(request)):
            return await handler(request)
        with self.journeys.visit():
            await self._travel()
            answer = await handler(request)
            await self._travel()
        return answer

    async def _travel(self) -> None:
        half = self._latency_ms / 2000.0
        if self._clock.speed:
            await asyncio.sleep(half / self._clock.speed)
        else:
            await self.journeys.travel(round(half * 1e9))

    def _before(self, request: web.Request, what: str) -> web.StreamResponse | None:
        faults = self._faults
        if faults.fires("maintenance", what):
            return web.Response(
                status=503, text="<html><body>Under maintenance</body></html>", content_type="text/html"
            )
        for name in ("ban", "rate_limit_storm"):
            limited = faults.fires(name, what)
            if limited is not None:
                return self._limited(request, limited)
        error = faults.fires("error_before", what)
        return None if error is None else self._failed(request, error)

    def _limited(self, request: web.Request, fault: Fault) -> web.Response:
        body: dict[str, object] = {
            "status": 429,
            "errorCode": 303,
            "message": "Rate limit exceeded",
            "extraData": None,
        }
        if request.path.startswith("/spot"):
            time = milliseconds(self._shown.now)
            body = {"code": 303, "msg": "Rate limit exceeded", "time": time, "data": None, "success": False}
        return web.Response(
            status=429,
            body=msgspec.json.encode(body),
            content_type="application/json",
            headers={"Retry-After": f"{max(1, round(fault.number))}"},
        )

    def _failed(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.value == "cut":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        return web.Response(status=round(fault.number), text="upstream error")

    async def _after(self, request: web.Request, answer: web.StreamResponse, what: str) -> web.StreamResponse:
        late = self._faults.fires("delay_acks", what)
        if late is not None:
            await asyncio.sleep(late.number)
        error = self._faults.fires("error_after", what)
        if error is not None:
            return self._failed(request, error)
        broken = self._faults.find("malformed_json")
        if broken is not None and broken.value != "socket" and self._faults.fires("malformed_json", what):
            body = answer.body if isinstance(answer, web.Response) else b""
            text = body if isinstance(body, bytes) else b""
            return web.Response(
                status=answer.status, body=text[: len(text) // 2], content_type="application/json"
            )
        return answer


def _is_order(request: web.Request) -> bool:
    """Return whether a request sends, amends or cancels an order."""
    return request.method != "GET" and request.path.rpartition("/")[2] in _ORDERS
