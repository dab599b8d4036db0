"""The client: one connection pool, one clock, both products."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Self

from hookline_lmex import parse_market
from hookline_lmex.credentials import Credentials
from hookline_lmex.errors import LmexError
from hookline_lmex.futures import FuturesApi
from hookline_lmex.http import Transport
from hookline_lmex.limits import Limits
from hookline_lmex.settings import Settings
from hookline_lmex.spot import SERVER_TIME, SpotApi
from hookline_lmex.venue_time import VenueTime

__all__ = ["LmexClient", "is_futures_symbol"]

_FUTURES = re.compile(r".+-(PERP|\d{6})")


def is_futures_symbol(symbol: str) -> bool:
    """Return whether a symbol is one of futures: a perpetual or a dated contract.

    >>> is_futures_symbol("ETH-PERP"), is_futures_symbol("ETH-260925"), is_futures_symbol("ETH-USDT")
    (True, True, False)
    """
    return _FUTURES.fullmatch(symbol) is not None


class LmexClient:
    """REST calls to LMEX; an asynchronous context manager.

    Args:
        settings: Where the venue is and how it is treated.
        credentials: For private calls; without them those raise ``ConfigError``.
        limits: To be shared by clients of one user, so that together they keep the venue's limits; None for its own.

    Attributes:
        clock: The venue's time; nonces are taken from it.
        spot: Calls of the spot product.
        futures: Calls of the futures product.
    """

    def __init__(
        self, settings: Settings, credentials: Credentials | None = None, *, limits: Limits | None = None
    ) -> None:
        self.settings = settings
        self.limits = Limits(settings) if limits is None else limits
        self._transport = Transport(settings, credentials, self.limits)
        self.clock = VenueTime(self._ask_time, settings.clock_speed)
        self._transport.follow(self.clock)
        self.spot = SpotApi(self._transport, settings)
        self.futures = FuturesApi(self._transport, settings)
        self._warming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect and measure the clock.

        Raises:
            LmexError: if the venue cannot be reached or does not answer.
        """
        if self._transport.is_open:
            return
        await self._transport.open()
        try:
            await self.clock.measure()
        except BaseException:
            await self._transport.aclose()
            raise
        if self.settings.warm_seconds:
            self._warming = asyncio.create_task(self._keep_warm(), name="lmex-warm")

    async def aclose(self) -> None:
        """Close the connections; what is under way has an unknown outcome."""
        warming, self._warming = self._warming, None
        if warming is not None:
            warming.cancel()
            await asyncio.wait([warming])
        await self._transport.aclose()
        if warming is not None and not warming.cancelled():
            warming.result()  # a bug of ours, which nobody has seen yet

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def product(self, symbol: str) -> SpotApi | FuturesApi:
        """Return the calls of the product that a symbol belongs to."""
        return self.futures if is_futures_symbol(symbol) else self.spot

    async def _ask_time(self) -> int:
        return (await self._transport.call(SERVER_TIME, parse_market.server_time)).time

    async def _keep_warm(self) -> None:
        """Use an idle connection now and then: an order then needs no handshake, and the clock stays right."""
        pause = self.settings.warm_seconds
        while True:
            await asyncio.sleep(max(0.1, pause - self._transport.idle_seconds))
            if self._transport.idle_seconds >= pause and not self.limits.banned_seconds:
                with suppress(LmexError):  # whoever makes the next call learns of it
                    await self.clock.refine()
