"""Calls over HTTP: signed, limited, retried where that is safe, and answered with results or errors that say what is known.

Rules of this file:

- A call that was certainly not sent (no connection) or refused because of a limit may be sent again, whatever it is.
- After bytes went out, only a call whose ``repeat`` is set is sent again: one that reads, or the cancel of one order. Creating
  and amending never are: what came of them is unknown, and whoever called asks by client order id.
- A refused nonce was refused: the clock is measured and the call sent again. If the clock was right, nonces have overtaken each
  other, and private calls go out one at a time for some minutes, for twice as long each time (or always, with ``ordered_nonces``).
- Nothing else resends. aiohttp itself repeats PUT and DELETE when a kept connection turns out to be closed; that is off.
- No error holds the key, the secret or a signature; those of aiohttp are not passed on, since some hold the request's headers.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from hookline.clock import stopwatch
from hookline.errors import ConfigError
from hookline_lmex.credentials import Credentials
from hookline_lmex.endpoints import Endpoint, Params, Parsed
from hookline_lmex.errors import (
    LONGEST_TEXT,
    LmexError,
    LmexLimited,
    LmexMalformed,
    LmexNotFound,
    LmexUnauthorized,
    LmexUnknown,
    LmexUnreachable,
)
from hookline_lmex.failures import Answer, failure_of
from hookline_lmex.limits import CallClass, Limits, ban_seconds
from hookline_lmex.nonce import nonces_of
from hookline_lmex.prompt import PromptRequest
from hookline_lmex.settings import Settings
from hookline_lmex.signing import sign, signed_path
from hookline_lmex.venue_time import VenueTime
from hookline_lmex.wire import decode, encode

__all__ = ["Transport"]

T = TypeVar("T")

# Connections beside each other. Those of orders are apart, so that none ever waits for the answers of queries.
_QUERY_CONNECTIONS = 16
_ORDER_CONNECTIONS = 64
_ORDERING = frozenset({CallClass.ORDER, CallClass.CANCEL, CallClass.CLOCK})
# An idle connection is dropped before the venue drops it: a call on one that was closed meanwhile has an unknown outcome. One that
# is kept warm is used more often than this.
_KEPT_SECONDS = 20.0
# How often a call is sent again because its nonce was refused: once for the clock, once more for its place in the row. A query may
# run into those of another process with the same key, and is sent more often.
_NONCES, _NONCES_OF_REPEATED = 2, 5
# A clock that is off by less, or was measured a shorter time ago, is right.
_CLOCK_SECONDS = 1.0
# How long a call that must be answered before the next one goes out keeps the others waiting: a venue that does not answer
# must not keep a cancel from being sent.
_TURN_SECONDS = 0.5
# How long private calls go out one at a time after nonces have overtaken each other for the first time.
_ORDERED_SECONDS = 120.0
# Of any call: a part of one, cut off at the end of a text, too.
_SIGNATURE = re.compile(r"\b[0-9a-f]{64,}")
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Transport:
    """Sends the calls of one client."""

    def __init__(self, settings: Settings, credentials: Credentials | None, limits: Limits) -> None:
        self._settings = settings
        self._credentials = credentials
        self._limits = limits
        self._random = random.Random(settings.seed)  # noqa: S311 - jitter, not a secret
        self._nonces = nonces_of(settings.rest_url, credentials.key) if credentials else None
        self._orders: aiohttp.ClientSession | None = None
        self._queries: aiohttp.ClientSession | None = None
        self._clock: VenueTime | None = None
        self._in_order = asyncio.Lock()
        self._clock_lock = asyncio.Lock()
        self._clock_set_at: float | None = None
        self._ordered_until = math.inf if settings.ordered_nonces else -math.inf
        self._ordered_seconds = _ORDERED_SECONDS
        self._urls: dict[str, URL] = {}
        self._last_order = 0.0

    def follow(self, clock: VenueTime) -> None:
        """Take nonces from a clock, and measure it again where the venue refuses one."""
        self._clock = clock

    @property
    def clock(self) -> VenueTime:
        """The venue's clock."""
        assert self._clock is not None
        return self._clock

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._orders is not None

    @property
    def idle_seconds(self) -> float:
        """How long ago the connections of orders were last used."""
        return asyncio.get_running_loop().time() - self._last_order

    async def open(self) -> None:
        """Make ready; connections are made by the first calls."""
        if self._orders is None:
            self._orders = self._connections(_ORDER_CONNECTIONS)
            self._queries = self._connections(_QUERY_CONNECTIONS)

    def _connections(self, limit: int) -> aiohttp.ClientSession:
        settings = self._settings
        kept = max(_KEPT_SECONDS, 1.5 * settings.warm_seconds)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=kept, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds, connect=settings.connect_seconds),
            headers={"Accept": "application/json"},
            request_class=PromptRequest,
        )
        # No public way to say so; a test holds that a lost connection repeats nothing.
        session._retry_connection = False  # noqa: SLF001
        return session

    async def aclose(self) -> None:
        """Close all connections; what is under way has an unknown outcome."""
        sessions = (self._orders, self._queries)
        self._orders = self._queries = None
        for session in sessions:
            if session is not None:
                await session.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def call(
        self,
        endpoint: Endpoint,
        parse: Callable[[Parsed], T],
        params: Params | None = None,
        body: Mapping[str, object] | None = None,
    ) -> T:
        """Make a call and return what its answer says.

        Args:
            endpoint: Which one.
            parse: Reads the decoded answer; raises ``ValueError`` where it cannot, ``LmexError`` where it is a failure.
            params: Query; those that are None are left out.
            body: Sent as JSON.

        Raises:
            ConfigError: if it needs credentials and there are none.
            LmexError: one of the tree in :mod:`hookline_lmex.errors`.
        """
        if endpoint.signed and self._credentials is None:
            raise ConfigError(
                f"{endpoint.where}: needs a key and a secret; set LMEX_API_KEY and LMEX_API_SECRET"
            )
        content = b"" if body is None else encode(body)
        url = self._url(endpoint, params)
        attempt = nonces_refused = 0
        most_refused = _NONCES_OF_REPEATED if endpoint.repeat else _NONCES
        doubt: LmexUnknown | None = None
        while True:
            outcome = await self._attempt(endpoint, url, content, parse)
            if not isinstance(outcome, LmexError):
                return outcome
            is_nonce = isinstance(outcome, LmexUnauthorized) and outcome.is_nonce
            if is_nonce and endpoint.signed and nonces_refused < most_refused:
                nonces_refused += 1
                if await self._set_clock_right():
                    continue  # it was refused, so it may be sent again
            attempt += 1
            if attempt > self._settings.retries or not self._may_repeat(endpoint, outcome):
                raise _told_of_all(endpoint, outcome, doubt)
            doubt = outcome if isinstance(outcome, LmexUnknown) else doubt
            if not isinstance(outcome, LmexLimited):  # a ban is waited for by the next attempt
                await asyncio.sleep(self._pause(attempt))

    def _may_repeat(self, endpoint: Endpoint, error: LmexError) -> bool:
        if isinstance(error, LmexUnreachable):
            return self.is_open
        if isinstance(error, LmexLimited):
            return error.retry_seconds <= self._settings.patience_seconds
        return isinstance(error, LmexUnknown) and endpoint.repeat

    def _pause(self, attempt: int) -> float:
        """Return a random part of a pause that doubles (exponential backoff with full jitter)."""
        settings = self._settings
        longest = min(settings.longest_backoff_seconds, settings.backoff_seconds * 2 ** (attempt - 1))
        return self._random.uniform(0.0, longest)

    async def _attempt(
        self, endpoint: Endpoint, url: URL, content: bytes, parse: Callable[[Parsed], T]
    ) -> T | LmexError:
        limited = await self._turn(endpoint)
        if limited is not None:
            return limited
        # A cancel waits for nobody: its nonce is the newest. What it overtakes is refused, and sent again.
        is_ordered = self._ordered_until > stopwatch()
        waits = endpoint.signed and is_ordered and endpoint.kind is not CallClass.CANCEL
        exchange = self._exchange_in_turn if waits else self._exchange
        answer = await exchange(endpoint, url, content)
        if isinstance(answer, LmexError):
            return answer
        return self._judge(endpoint, answer, parse)

    async def _turn(self, endpoint: Endpoint) -> LmexLimited | None:
        """Wait until a call may go out; return an error instead where that takes too long."""
        limits = self._limits
        while True:
            banned = limits.banned_seconds
            if banned > self._settings.patience_seconds:
                text = f"the venue accepts no calls for another {banned:.0f} s"
                return LmexLimited(endpoint.where, text, retry_seconds=banned)
            if banned:
                await asyncio.sleep(banned)
            await limits.take(endpoint.kind, endpoint.where)
            if not limits.banned_seconds:  # it may have begun while this call waited for its turn
                return None

    async def _exchange_in_turn(self, endpoint: Endpoint, url: URL, content: bytes) -> Answer | LmexError:
        """Send once, when the call before has been answered or has had its time."""
        await self._in_order.acquire()
        holds = [self._in_order]

        def leave() -> None:
            if holds:
                holds.pop().release()

        timer = asyncio.get_running_loop().call_later(_TURN_SECONDS, leave)
        try:
            return await self._exchange(endpoint, url, content)
        finally:
            timer.cancel()
            leave()

    async def _exchange(self, endpoint: Endpoint, url: URL, content: bytes) -> Answer | LmexError:
        """Send once. Errors of the network are returned, not raised, so that none of aiohttp's is their context."""
        is_ordering = endpoint.kind in _ORDERING
        session = self._orders if is_ordering else self._queries
        if session is None:
            return LmexUnreachable(endpoint.where, "the client is not open")
        if is_ordering:
            self._last_order = asyncio.get_running_loop().time()
        headers = self._headers(endpoint, content)
        try:
            async with session.request(
                endpoint.method, url, data=content or None, headers=headers, allow_redirects=False
            ) as response:
                raw = await response.read()
                status, retry_after = response.status, response.headers.get("Retry-After")
        except _NOT_SENT as error:
            return LmexUnreachable(endpoint.where, self._told("no connection", error))
        except TimeoutError:
            text = f"no answer within {self._settings.timeout_seconds:g} s"
        except (aiohttp.ClientError, OSError) as error:
            text = self._told("the connection failed before the answer was complete", error)
        else:
            return self._answer(endpoint, status, raw, retry_after)
        return LmexUnknown(endpoint.where, text)

    def _headers(self, endpoint: Endpoint, content: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if content else {}
        credentials, nonces = self._credentials, self._nonces
        if endpoint.signed and credentials is not None and nonces is not None:
            nonce = nonces.next(self.clock.now_ms)
            headers["request-api"] = credentials.key
            headers["request-nonce"] = str(nonce)
            headers["request-sign"] = sign(credentials.secret, signed_path(endpoint.path), nonce, content)
        return headers

    def _answer(self, endpoint: Endpoint, status: int, raw: bytes, retry_after: str | None) -> Answer:
        payload, is_json = None, False
        with suppress(msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError):
            payload, is_json = (decode(raw), True) if raw.strip() else (None, True)
        # Cut generously first, so that a secret at the border is replaced before the text is cut to its length.
        text = self._safe(raw[: 4 * LONGEST_TEXT].decode(errors="replace"))
        seconds = retry_after and ban_seconds(retry_after, self.clock.now, self._settings.clock_speed)
        return Answer(
            endpoint.where,
            status,
            payload,
            is_json,
            text[:LONGEST_TEXT],
            seconds or None,
            endpoint.method == "GET",
        )

    def _judge(self, endpoint: Endpoint, answer: Answer, parse: Callable[[Parsed], T]) -> T | LmexError:
        failure = failure_of(answer)
        if failure is not None:
            return self._noted(failure)
        if not answer.is_json:
            text = f"an answer that is no JSON: {answer.raw!r}"
            return LmexMalformed(endpoint.where, text, status=answer.status)
        try:
            return parse(Parsed(endpoint.where, answer.payload))
        except LmexError as error:
            return self._noted(error)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            told = f"an answer that cannot be read ({self._safe(str(error))}): {answer.raw}"
        return LmexMalformed(endpoint.where, told, status=answer.status)

    def _noted(self, error: LmexError) -> LmexError:
        """Return an error with what it says made safe; a limit begins its ban."""
        if isinstance(error, LmexLimited):
            seconds = self._limits.ban(None if error.retry_seconds < 0 else error.retry_seconds)
            return LmexLimited(
                error.where,
                self._safe(error.text),
                retry_seconds=seconds,
                code=error.code,
                status=error.status,
            )
        return type(error)(error.where, self._safe(error.text), code=error.code, status=error.status)

    async def _set_clock_right(self) -> bool:
        """Find out why a nonce was refused, and mend it; return whether the call may be sent again.

        It is the clock, which is measured again; or, if that was right, nonces overtake each other on their way, and for
        some minutes private calls go out one at a time.
        """
        async with self._clock_lock:
            if self._clock_set_at is None or stopwatch() - self._clock_set_at > _CLOCK_SECONDS:
                expected, before = self.clock.now, stopwatch()
                try:
                    await self.clock.measure()
                except LmexError:
                    return False
                self._clock_set_at = stopwatch()
                moved = (self.clock.now - expected) / 1e9 / self._settings.clock_speed
                wrong = abs(moved - (self._clock_set_at - before))
                if self._nonces is not None:
                    self._nonces.rewind(self.clock.now_ms)
                if wrong > _CLOCK_SECONDS:
                    return True
            if stopwatch() >= self._ordered_until:
                self._ordered_until = stopwatch() + self._ordered_seconds
                self._ordered_seconds *= 2.0
        return True

    def _safe(self, text: str) -> str:
        """Return a text without key, secret and signatures, which a venue or a proxy may repeat in what it says."""
        if self._credentials is not None:
            text = self._credentials.redacted(text)
        return _SIGNATURE.sub("***", text)

    def _told(self, what: str, error: BaseException) -> str:
        return self._safe(f"{what} ({type(error).__name__}: {error})")

    def _url(self, endpoint: Endpoint, params: Params | None) -> URL:
        query = urlencode({name: value for name, value in (params or {}).items() if value is not None})
        address = f"{endpoint.path}?{query}" if query else endpoint.path
        url = self._urls.get(address)
        if url is None:
            url = URL(self._settings.rest_url + address, encoded=True)
            if not query:
                self._urls[address] = url
        return url


def _told_of_all(endpoint: Endpoint, last: LmexError, doubt: LmexUnknown | None) -> LmexError:
    """Return what is known after several attempts: what one left in doubt, another's refusal does not make certain."""
    if doubt is None or endpoint.method == "GET" or isinstance(last, LmexUnknown | LmexNotFound):
        return last
    return LmexUnknown(endpoint.where, f"{doubt.text}; then: {last.text}", code=last.code, status=last.status)
