"""How many requests are too many.

Queries are counted for each endpoint and for each caller, orders and wallet calls for each caller. Who goes beyond a limit is blocked:
for a second first, then for five minutes, then for fifteen. After fifteen, or an hour without a violation, it begins anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from hookline_lmex.emulator.refusals import Refused

__all__ = ["CallKind", "RateLimiter", "RateRules"]

_BLOCKS = (1.0, 300.0, 900.0)
_FORGIVEN = 3600.0
_WINDOW = 1.0


class CallKind(StrEnum):
    """Which limit a request counts against."""

    QUERY = "query"
    ORDER = "order"
    WALLET = "wallet"


@dataclass(frozen=True)
class RateRules:
    """Requests a second.

    Args:
        query_rate: Of one endpoint by one caller.
        user_rate: Queries of one caller.
        order_rate: Order calls of one caller.
        wallet_rate: Wallet calls of one caller.
        is_enforced: Whether anything is limited.
        retry_after: What ``Retry-After`` holds: seconds, or the time of unlocking in epoch milliseconds.
    """

    query_rate: float = 15.0
    user_rate: float = 30.0
    order_rate: float = 75.0
    wallet_rate: float = 5.0
    is_enforced: bool = True
    retry_after: Literal["seconds", "unlock_ms"] = "seconds"


@dataclass
class _Caller:
    times: dict[str, deque[float]] = field(default_factory=dict)
    blocked_until: float = -math.inf
    tier: int = 0
    last_violation: float = -math.inf


class RateLimiter:
    """Counts requests and blocks who sends too many.

    Args:
        rules: How many there may be.
        timer: Seconds that limits are counted in.
    """

    def __init__(self, rules: RateRules, timer: Callable[[], float]) -> None:
        self.rules, self._timer = rules, timer
        self._callers: dict[str, _Caller] = {}

    def count(self, caller: str, endpoint: str, kind: CallKind) -> None:
        """Count a request.

        Raises:
            Refused: with 429 if the caller is blocked or goes beyond a limit.
        """
        if not self.rules.is_enforced:
            return
        now = self._timer()
        state = self._callers.setdefault(caller, _Caller())
        if now < state.blocked_until:
            raise self._blocked(state.blocked_until - now)
        for name, rate in self._limits(endpoint, kind):
            times = state.times.setdefault(name, deque())
            while times and times[0] <= now - _WINDOW:
                times.popleft()
            if len(times) >= rate:
                self._violated(state, now)
                raise self._blocked(state.blocked_until - now)
        for name, _ in self._limits(endpoint, kind):
            state.times[name].append(now)

    def block(self, caller: str, seconds: float) -> None:
        """Block a caller whatever was sent."""
        self._callers.setdefault(caller, _Caller()).blocked_until = self._timer() + seconds

    def _limits(self, endpoint: str, kind: CallKind) -> list[tuple[str, float]]:
        rules = self.rules
        if kind is CallKind.QUERY:
            return [(endpoint, rules.query_rate), ("queries", rules.user_rate)]
        return [("orders", rules.order_rate)] if kind is CallKind.ORDER else [("wallet", rules.wallet_rate)]

    def _violated(self, state: _Caller, now: float) -> None:
        forgiven = now - state.last_violation > _FORGIVEN or state.tier == len(_BLOCKS)
        state.tier = 1 if forgiven else state.tier + 1
        state.last_violation = now
        state.blocked_until = now + _BLOCKS[state.tier - 1]

    def _blocked(self, seconds: float) -> Refused:
        text = f"The IP address or user is blocked for {math.ceil(seconds)} seconds: too many requests"
        refused = Refused(429, 303, text)
        refused.extra = seconds
        return refused
