"""Rate limits: what is allowed now, and who waits.

Rules of this file:

- A bucket holds a third of what the venue allows in a second and is refilled at two thirds, so that in no second more goes out
  than is allowed, however the venue draws the borders of a second.
- Reading, ordering and wallets have buckets of their own: a cancel never waits for a query. Among the calls that order, those
  that cancel go before those that create or amend.
- Calls to one endpoint that reads are counted together for all clients of the process, as the venue counts those of one address.
- A call waits for its turn; only a ban that lasts longer than the settings' patience makes it fail.
- While a ban lasts nothing is sent, whatever it is: every call during a ban may prolong it.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
from enum import Enum

from hookline_lmex.settings import Settings

__all__ = ["Bucket", "CallClass", "Limits", "ban_seconds"]

_BURST = 1 / 3
# The venue's own steps: a second, five minutes, a quarter of an hour; they begin again after an hour without a violation.
_TIERS = (1.0, 300.0, 900.0)
_TIER_MEMORY = 3600.0
# A ``Retry-After`` up to here is seconds, above it a time; and above the other one that time is in milliseconds.
_LONGEST_SECONDS = 900
_MILLISECONDS = 10**12


class CallClass(Enum):
    """What a call counts as. ``CLOCK`` is a query that keeps the connections of orders in use."""

    QUERY = "query"
    CLOCK = "clock"
    ORDER = "order"
    CANCEL = "cancel"
    WALLET = "wallet"


class Meter:
    """The tokens of one limit. It may be shared by loops in several threads: nobody waits in it."""

    __slots__ = ("_capacity", "_lock", "_per_second", "_seen", "_tokens")

    def __init__(self, rate: float) -> None:
        self._capacity = max(1.0, rate * _BURST)
        self._per_second = max(rate - self._capacity, rate / 2)
        self._tokens = self._capacity
        self._seen = 0.0
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Take a token and return True, if there is one."""
        with self._lock:
            self._refill(now)
            if self._tokens < 1.0 - 1e-9:
                return False
            self._tokens -= 1.0
            return True

    def pause(self, now: float) -> float:
        """Return the seconds until there is a token."""
        with self._lock:
            self._refill(now)
            return max(0.0, (1.0 - self._tokens) / self._per_second)

    def _refill(self, now: float) -> None:
        if now > self._seen:
            if self._seen:
                self._tokens = min(self._capacity, self._tokens + (now - self._seen) * self._per_second)
            self._seen = now


_lock = threading.Lock()
# The venue counts the calls of an address to one endpoint, whichever client they come from: feed and broker of a session share them.
_meters: dict[tuple[str, str, float], Meter] = {}


def _meter_of(url: str, endpoint: str, rate: float) -> Meter:
    with _lock:
        return _meters.setdefault((url, endpoint, rate), Meter(rate))


class Bucket:
    """A token bucket whose takers wait, the urgent ones first. ``meter`` holds its tokens, where others take them too."""

    __slots__ = ("_count", "_heap", "_meter", "_timer")

    def __init__(self, rate: float, meter: Meter | None = None) -> None:
        self._meter = Meter(rate) if meter is None else meter
        self._count = 0
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, *, urgent: bool = False) -> None:
        """Return when a call may go out."""
        loop = asyncio.get_running_loop()
        if not self._heap and self._meter.take(loop.time()):
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._count += 1
        heapq.heappush(self._heap, (0 if urgent else 1, self._count, turn))
        self._arrange(loop)
        await turn

    def _arrange(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._heap:
            self._timer = loop.call_later(self._meter.pause(loop.time()), self._serve, loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        while self._heap:
            turn = self._heap[0][2]
            if not turn.done():  # its taker may have given up
                if not self._meter.take(loop.time()):
                    break
                turn.set_result(None)
            heapq.heappop(self._heap)
        self._arrange(loop)


class Limits:
    """The venue's limits for one user and one address; give it to every client that shares them."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._query_rate = settings.rest_url, settings.query_rate
        self._endpoints: dict[str, Bucket] = {}
        self._user = Bucket(settings.user_rate)
        self._orders = Bucket(settings.order_rate)
        self._wallet = Bucket(settings.wallet_rate)
        self._banned_until = 0.0
        self._tier = 0
        self._violated = -_TIER_MEMORY

    async def take(self, kind: CallClass, endpoint: str) -> None:
        """Return when a call to an endpoint may go out, but for a ban."""
        if kind in (CallClass.QUERY, CallClass.CLOCK):
            await self._endpoint(endpoint).take()
            await self._user.take()
        elif kind is CallClass.WALLET:
            await self._wallet.take()
        else:
            await self._orders.take(urgent=kind is CallClass.CANCEL)

    def _endpoint(self, endpoint: str) -> Bucket:
        if endpoint not in self._endpoints:
            rate = self._query_rate
            self._endpoints[endpoint] = Bucket(rate, _meter_of(self._url, endpoint, rate))
        return self._endpoints[endpoint]

    @property
    def banned_seconds(self) -> float:
        """How long nothing may be sent; 0 while there is no ban."""
        if not self._banned_until:
            return 0.0
        return max(0.0, self._banned_until - asyncio.get_running_loop().time())

    def ban(self, seconds: float | None) -> float:
        """Learn that the venue refuses calls; return for how many seconds nothing will be sent.

        Args:
            seconds: What the venue says; None where it does not, then its published steps count.
        """
        now = asyncio.get_running_loop().time()
        if self.banned_seconds == 0.0:  # several calls that were under way together are one violation
            fresh = now - self._violated > _TIER_MEMORY or self._tier >= len(_TIERS)
            self._tier = 1 if fresh else self._tier + 1
            self._violated = now
        pause = _TIERS[self._tier - 1] if seconds is None else seconds
        self._banned_until = max(self._banned_until, now + pause)
        return self.banned_seconds


def ban_seconds(header: str | None, venue_now_ns: int, speed: float = 1.0) -> float | None:
    """Return for how many seconds of ours a ``Retry-After`` bans, None where it cannot be read.

    It is described as seconds and as a time, so it is read by its size: up to 900 seconds, above that an epoch time in
    seconds, above 10^12 in milliseconds.

    Args:
        header: As it came.
        venue_now_ns: The venue's time.
        speed: Venue seconds in one of ours.

    >>> ban_seconds("7", 0), ban_seconds("1700000060", 1_700_000_000 * 10**9), ban_seconds("1700000000500", 1_700_000_000 * 10**9)
    (7.0, 60.0, 0.5)
    """
    try:
        value = float(header or "")
    except ValueError:
        return None
    if not 0 <= value < 1e15:
        return None
    if value <= _LONGEST_SECONDS:
        return value
    seconds = value / 1000 if value >= _MILLISECONDS else value
    return max(0.0, seconds - venue_now_ns / 1e9) / speed
