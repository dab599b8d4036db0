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
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING

from hookline.errors import HooklineError
from hookline.model import MarketEvent, VenueAccount
from hookline.session.guard import DeadMan
from hookline.session.reconciler import Reconciler

if TYPE_CHECKING:
    from hookline.session.session import Session
    from hookline.session.streaming import StreamDriver
    from hookline.session.watching import SessionWatch

__all__ = ["Confirm", "VenueLink"]

Confirm = Callable[[VenueAccount, Mapping[str, float]], None]
"""Asks a person, who sees the account and today's prices, whether to trade; raises ConfigError if the answer is no."""

_SETTLE_SECONDS = 10.0
# How often entries are canceled and positions closed at the end: an order that was under way may fill after the first time.
_WITHDRAWALS = 3
_FRESH_SECONDS = 60.0
_FAILURES = 3
_logger = logging.getLogger("hookline.session")


class VenueLink:
    """Connects a session with its venue, keeps both in line, and takes leave.

    Args:
        session: Not started yet.
        driver: Of its stream.
        watch: Keeps its journal.
    """

    def __init__(self, session: Session, driver: StreamDriver, watch: SessionWatch) -> None:
        plan = session.plan
        self._session = session
        self._driver = driver
        self._watch = watch
        self._broker = plan.broker
        self._has_started = False
        self._reconciler = Reconciler(
            session.name,
            session.kernel,
            plan.broker,
            plan.live,
            {symbol: [one.id for one in plan.seats if symbol in one.symbols] for symbol in plan.instruments},
            folder=None if plan.journal is None else plan.journal.folder,
            notify=session.observers.notify,
        )
        self._dead_man = self._guard()
        if watch.keeper is not None:
            watch.keeper.also["reconciler"] = self._reconciler.save

    def _guard(self) -> DeadMan | None:
        plan = self._session.plan
        if plan.live.dead_man_seconds is None:
            return None
        most = plan.live.max_data_age_seconds
        return DeadMan(
            self._broker,
            plan.live.dead_man_seconds,
            data_age_seconds=lambda: self._driver.data_age_seconds,
            max_data_age_seconds=_FRESH_SECONDS + plan.quiet_seconds if most is None else most,
            unhealthy=self._unhealthy,
            notify=self._session.observers.notify,
            name=self._session.name,
        )

    def _unhealthy(self) -> str:
        """Return why the session is not fit to look after its orders, empty while it is."""
        if self._reconciler.failures >= _FAILURES:
            return f"the venue has not answered {self._reconciler.failures} comparisons in a row"
        return ""

    async def run(self, events: AsyncIterator[MarketEvent], start: Callable[[], None]) -> bool:
        """Trade until the stream ends; return whether it was interrupted.

        Args:
            events: Of the market.
            start: Starts the strategies.

        Raises:
            HooklineError: if the venue cannot be reached, the account contradicts the session, or the stream breaks.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            self._watch.tell("starting")
            await self._broker.open(self._wake)
            await self._take_up(start)
            tasks += self._beside()
            interrupted = await self._driver.run(events)
            await self._leave()
        except Exception:
            await self._abandon()
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._broker.aclose()
        return interrupted

    def _beside(self) -> list[asyncio.Task[None]]:
        """Start what goes on beside the stream; what goes wrong with it ends the run."""
        works = [self._reconciler.run(self._apply)]
        if self._dead_man is not None:
            works.append(self._dead_man.run())
        tasks = [asyncio.ensure_future(work) for work in works]
        for task in tasks:
            task.add_done_callback(self._is_over)
        return tasks

    def _is_over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._driver.end(error)

    # -- in line with the venue ----------------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._has_started:
            self._driver.hear()

    async def _take_up(self, start: Callable[[], None]) -> None:
        """Bring belief and account in line, and start the strategies: after that where they have no past, else before."""
        past = self._watch.past
        if past is not None:
            self._reconciler.restore(past.states.get("reconciler", {}))
            self._watch.obey()
            start()
            await self._reconciler.start(self._apply)
        else:
            await self._reconciler.start(self._book)
            self._watch.obey()
            start()
        self._has_started = True
        self._driver.hear()

    def _apply(self, account: VenueAccount) -> None:
        """Compare with what the venue has said, after all that it has reported."""
        try:
            self._session.kernel.hear(self._session.plan.feed.clock.now)
            self._reconciler.check(account)
            self._watch.time_passed()
        except Exception as error:  # noqa: BLE001  # it is raised where the stream is awaited
            self._driver.end(error)
            return
        if self._has_started:  # what strategies ask for at the start waits until the venue was compared
            self._driver.hear()

    def _book(self, account: VenueAccount) -> None:
        """Compare while there are no strategies yet to be told."""
        self._broker.deliver()
        self._reconciler.check(account)

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _leave(self) -> None:
        """Withdraw as configured, wait for what is under way, and let strategies say goodbye."""
        kernel, on_stop = self._session.kernel, self._session.on_stop
        self._watch.tell("stopping")
        if on_stop == "keep":
            await self._settle()
        else:
            await self._withdraw(flatten=on_stop == "flatten")
        kernel.stop()
        await self._settle()
        if self._dead_man is not None:
            # What protects a position must not be canceled behind it.
            left = [one for one in kernel.open_orders() if on_stop == "keep" or not one.reduce_only]
            self._dead_man.finish(has_orders=bool(left))
            await self._broker.settle(_SETTLE_SECONDS)

    async def _withdraw(self, *, flatten: bool) -> None:
        """Cancel entries, close positions if wanted, and do so again for what was filled or sent meanwhile."""
        kernel = self._session.kernel
        for _ in range(_WITHDRAWALS):
            kernel.withdraw("the session stops", flatten=flatten, keep_protective=True)
            is_settled = await self._settle()
            is_flat = all(
                one.lots == 0 for ledger in kernel.ledgers.values() for one in ledger.positions.values()
            )
            if not is_settled or (
                (is_flat or not flatten) and all(one.reduce_only for one in kernel.open_orders())
            ):
                return

    async def _settle(self) -> bool:
        """Wait for what is under way and hear of it; return whether nothing is any more."""
        self._driver.hear()
        is_settled = await self._broker.settle(_SETTLE_SECONDS)
        if not is_settled:
            _logger.warning("%s: something is still under way to the venue", self._session.name)
        self._driver.hear()
        return is_settled

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
