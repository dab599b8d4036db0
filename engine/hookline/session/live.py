"""The venue's side of a session that trades live, around the stream of market data.

Rules of this file:

- Before a strategy runs, the broker has connected and asked what became of every order of before; a session without a past
  adopts the account first, so that strategies see the positions that are there.
- A session that goes on is restored, then told of what happened while it was away, as if it had been there.
- At the end entries are canceled and what protects a position is kept, unless ``on_stop`` says otherwise. What is under way then
  is waited for, a limited time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from hookline.errors import HooklineError
from hookline.model import MarketEvent, VenueAccount

if TYPE_CHECKING:
    from hookline.session.session import Session
    from hookline.session.streaming import StreamDriver
    from hookline.session.watching import SessionWatch

__all__ = ["Confirm", "VenueLink"]

Confirm = Callable[[VenueAccount], None]
"""Asks a person, who sees the account, whether to trade; raises ConfigError if the answer is no."""

_SETTLE_SECONDS = 10.0
_logger = logging.getLogger("hookline.session")


class VenueLink:
    """Connects a session with its venue, keeps both in line, and takes leave.

    Args:
        session: Not started yet.
        driver: Of its stream.
        watch: Keeps its journal.
        confirm: Asked before anything is sent; None where somebody has answered already.
    """

    def __init__(
        self, session: Session, driver: StreamDriver, watch: SessionWatch, confirm: Confirm | None = None
    ) -> None:
        self._session = session
        self._driver = driver
        self._watch = watch
        self._confirm = confirm
        self._broker = session.plan.broker
        self._has_started = False

    async def run(self, events: AsyncIterator[MarketEvent], start: Callable[[], None]) -> bool:
        """Trade until the stream ends; return whether it was interrupted.

        Args:
            events: Of the market.
            start: Starts the strategies.

        Raises:
            HooklineError: if the venue cannot be reached, the account contradicts the session, or the stream breaks.
        """
        broker = self._broker
        try:
            await broker.open(self._wake)
            await broker.catch_up()
            await self._take_up(start)
            interrupted = await self._driver.run(events)
            await self._leave()
        except Exception:
            await self._abandon()
            raise
        finally:
            await broker.aclose()
        return interrupted

    def _wake(self) -> None:
        if self._has_started:
            self._driver.hear()

    async def _take_up(self, start: Callable[[], None]) -> None:
        """Bring belief and account in line, then start the strategies."""
        account = await self._broker.venue_account()
        if self._confirm is not None:
            await asyncio.to_thread(self._confirm, account)
        self._watch.obey()
        start()
        self._has_started = True
        self._driver.hear()

    async def _leave(self) -> None:
        """Withdraw as configured, wait for what is under way, and let strategies say goodbye."""
        kernel, on_stop = self._session.kernel, self._session.on_stop
        if on_stop != "keep":
            kernel.withdraw("the session stops", flatten=on_stop == "flatten", keep_protective=True)
        await self._settle()
        kernel.stop()
        await self._settle()

    async def _settle(self) -> None:
        self._driver.hear()
        if not await self._broker.settle(_SETTLE_SECONDS):
            _logger.warning("%s: something is still under way to the venue", self._session.name)
        self._driver.hear()

    async def _abandon(self) -> None:
        """Cancel entries of a session that failed, as far as that is possible."""
        if self._session.on_stop == "keep" or not self._has_started:
            return
        try:
            for order in self._session.kernel.open_orders():
                if not order.reduce_only:
                    self._broker.cancel(order, "the session failed")
            self._broker.flush()
            await self._broker.settle(_SETTLE_SECONDS)
        except HooklineError as error:
            _logger.warning("%s: orders may be open at the venue: %s", self._session.name, error)
