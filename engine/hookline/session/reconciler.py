"""Looks at the venue when a live session starts and now and then while it runs.

Rules of this file:

- Nothing is changed here: what the venue said goes to ``apply``, which the driver gives and which runs in the loop's thread. It lets the
  kernel hear the broker, calls ``check``, and writes the journal. Only then are orders canceled that nobody here knows.
- A look is put off while requests are under way. Where our side has moved while the venue answered it is made again, and in the end
  leaves out the orders and positions that keep moving.
- A venue that does not answer changes nothing. It is logged, and told when it happens three times in a row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.broker import Broker
from hookline.errors import VenueError
from hookline.kernel.desk import OrderDesk
from hookline.model import VenueAccount
from hookline.notifier import Level
from hookline.session.difference_report import DifferenceReport
from hookline.session.differences import Reconciliation, refusal
from hookline.session.live_rules import LiveRules
from hookline.session.reconciling import Memory, is_equal, reconcile
from hookline.session.reconciling_look import Moved, Sides, worked

__all__ = ["Reconciler"]

_logger = logging.getLogger("hookline.session")
_TOLD_AFTER = 3
_ATTEMPTS = 3
_AGAIN_FRACTION = 0.2  # of the time that requests may take
_Apply = Callable[[VenueAccount], None]


class Reconciler:
    """Compares a session with its venue.

    Args:
        name: The session's.
        kernel: What we believe.
        broker: Of a venue over a network.
        rules: How often, and what is done about differences.
        traders: Ids of the strategies that trade each symbol.
        folder: The session's, for ``differences.jsonl``; None for nowhere.
        notify: Tells a person: level, title, text.

    Attributes:
        last: What the last comparison found.
        failures: Times in a row that the venue has not answered.
    """

    def __init__(
        self,
        name: str,
        kernel: OrderDesk,
        broker: Broker,
        rules: LiveRules,
        traders: Mapping[str, Sequence[str]],
        *,
        folder: Path | None = None,
        notify: Callable[[Level, str, str], None] = lambda *_: None,
    ) -> None:
        self._name, self._kernel, self._broker, self._rules = name, kernel, broker, rules
        self._policy = rules.policy(traders)
        self._notify = notify
        self._report = DifferenceReport(name, folder, notify)
        self._memory = Memory()
        self._asked: Sides | None = None
        self._is_last = False
        self._halts = False
        self.last = Reconciliation(0, 0)
        self.failures = 0
        self._put_off = 0

    # -- for the driver ----------------------------------------------------------------------------------------------------

    async def start(self, apply: _Apply) -> Reconciliation:
        """Compare until nothing waits to be looked at again, before strategies run; return the last comparison.

        An order whose fate the venue does not tell is waited for as long as ``unknown_grace_seconds``; what is still unknown then
        stays so, and the comparisons of ``run`` go on with it.

        Raises:
            VenueError: if the venue does not answer, or holds what the session's rules refuse to trade beside.
        """
        loop = asyncio.get_running_loop()
        self._halts = False
        until = loop.time() + self._rules.unknown_grace_seconds + self._rules.settle_seconds
        await self._broker.catch_up()
        has_caught_up = (
            True  # which may take long where many orders are open, and is not done again before it is heard
        )
        while True:
            # Nothing is waited for: what is under way is of strategies that have started, and not judged yet.
            await self._look(apply, None, has_caught_up=has_caught_up)
            found, has_caught_up = self.last, False
            if found.refusals:
                raise VenueError(f"{self._name} does not start: {refusal(found.refusals)}")
            if found.is_settled or loop.time() >= until:
                break
            await asyncio.sleep(self._rules.settle_seconds * _AGAIN_FRACTION)
        self._halts, self._memory.newer = True, None
        if not found.differences:
            _logger.info("%s: nothing differs from the venue", self._name)
        return found

    async def run(self, apply: _Apply) -> None:
        """Compare every ``reconcile_seconds``, until canceled."""
        self._halts = True
        while True:
            await asyncio.sleep(self._rules.reconcile_seconds)
            try:
                is_made = await self._look(apply, self._rules.settle_seconds)
            except VenueError as error:
                self._failed(error)
                continue
            if not is_made:
                self._put_off += 1
                if self._put_off == _TOLD_AFTER:
                    text = (
                        f"not compared with the venue {self._put_off} times in a row: requests were under way"
                    )
                    _logger.warning("%s: %s", self._name, text)
                continue
            self._put_off = 0
            self._answered()

    def check(self, account: VenueAccount) -> Reconciliation:
        """Compare, change what the rules say, tell of it, and halt where they refuse; called by ``apply``, after the kernel has heard the broker.

        Does nothing where our side has moved since the venue was asked and it can be asked again.
        """
        moved = Moved() if self._asked is None else self._asked.moved(Sides(self._kernel))
        if any(moved) and not self._is_last:
            self.last = Reconciliation(account.time, self._memory.check, is_stale=True)
            return self.last
        found = self.last = reconcile(self._kernel, account, self._policy, self._memory, moved=moved)
        told = self._report.tell(self._kernel, found, self._memory.told)
        self._memory.told = (
            told | self._memory.told if any(moved) else told
        )  # what was left out was told before
        if found.refusals and self._halts:
            self._kernel.halt(f"venue: {refusal(found.refusals)}", flatten=False)
        return found

    # -- restarts ------------------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        self._memory.worked |= worked(self._kernel.open_orders())
        return self._memory.save()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned, once the kernel has its orders back and before it makes new ones."""
        self._memory.restore(state)
        self._memory.newer = self._kernel.order_count

    # -- looking -------------------------------------------------------------------------------------------------------------

    async def _look(self, apply: _Apply, seconds: float | None, *, has_caught_up: bool = False) -> bool:
        """Ask the venue and let the driver apply its answer; return whether that was possible.

        ``seconds`` is how long requests that are under way are waited for, None for not at all. ``has_caught_up`` says that the
        broker has just asked about its orders.
        """
        for attempt in range(_ATTEMPTS):
            self._is_last = attempt == _ATTEMPTS - 1
            if seconds is not None and not await self._broker.settle(seconds):
                return False
            apply(await self._ask(has_caught_up=has_caught_up and attempt == 0))
            if not self.last.is_stale:
                if self.last.cancel:
                    await self._broker.cancel_foreign(self.last.cancel)
                return True
        return False

    async def _ask(self, *, has_caught_up: bool) -> VenueAccount:
        """Return the account; where it is not what we believe, after the broker has asked about its orders."""
        self._asked = Sides(self._kernel)
        account = await self._broker.venue_account()
        if has_caught_up or is_equal(self._kernel, account, self._memory):
            return account
        await self._broker.catch_up()
        return await self._broker.venue_account()

    def _failed(self, error: VenueError) -> None:
        self.failures += 1
        _logger.warning("%s: not compared with the venue: %s", self._name, error)
        if self.failures == _TOLD_AFTER:
            text = f"the venue has not answered {self.failures} times in a row: {error}"
            self._notify("warning", f"{self._name}: not compared with the venue", text)

    def _answered(self) -> None:
        if self.failures >= _TOLD_AFTER:
            text = f"the venue answers again after {self.failures} failures"
            self._notify("info", f"{self._name}: compared with the venue again", text)
        self.failures = 0
