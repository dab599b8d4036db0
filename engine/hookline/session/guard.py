"""The dead man's switch: the venue cancels the session's orders by itself unless it hears from a healthy session in time.

Rules of this file:

- The venue is told again every third of the time that it is given, so that one lost message, or two, changes nothing.
- It is told only while the session is healthy: the loop runs on time, the market data is fresh, and no halt is on that says that
  the session cannot be trusted to manage its orders. A session that is not healthy says nothing more: its orders go by themselves.
- A loop that was late by more than a third of the period skips that turn. After a turn that was skipped it is looked at three times
  as often, so that a session that is well again is guarded again before the time is up.
- Why it stopped, and that it goes on, is said once each.
- It looks at health each turn and at nothing else. Whether the venue was reached is for the broker to say: what gets lost needs no
  repetition here, because the next turn repeats it.

What happens at the end of a session:

=====================  ==============================================================================================
the session            the switch
=====================  ==============================================================================================
leaves no open order   is switched off: nothing is left to be guarded, and what a person places by hand is not canceled
leaves what protects   is switched off: the stops of a position that is kept must not be canceled behind it
leaves orders and      stays on and runs out: that is what becomes of orders that nobody manages, the protective ones among
``on_stop: keep``      them. Who keeps orders over a restart begins again within ``dead_man_seconds``, or leaves it out
leaves orders          stays on and runs out: these orders were to be canceled, and the venue has not confirmed it
in any other way
fails or is killed     stays on and runs out; nobody is left to switch it off
=====================  ==============================================================================================

A venue cancels stops that rest there as well, where it knows no difference. A position is then without protection: halts and
``hookline watchdog --flatten`` are for that, not this switch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookline.errors import VenueError

if TYPE_CHECKING:
    from hookline.broker import Broker
    from hookline.notifier import Level

__all__ = ["DeadMan"]

_logger = logging.getLogger("hookline.session")
_PARTS = 3.0


def _silent(level: Level, title: str, text: str) -> None:
    """Tell nobody."""


class DeadMan:
    """Tells the venue that the session is well, while it is.

    Args:
        broker: Of the session, connected.
        dead_man_seconds: What the venue is given: it cancels everything that long after it was last told.
        data_age_seconds: Gives the age of the newest market data.
        max_data_age_seconds: Oldest that it may be; what is normal for the bars that are followed must be in it.
        unhealthy: Gives why the session is not well beside that, such as a halt for a reason of health; empty while it is.
        notify: Told when the switch is no longer renewed and when it is again: level, title, text.
        name: The session's.

    Raises:
        ValueError: if the time is not above zero.
    """

    def __init__(
        self,
        broker: Broker,
        dead_man_seconds: float,
        *,
        data_age_seconds: Callable[[], float],
        max_data_age_seconds: float,
        unhealthy: Callable[[], str] = str,
        notify: Callable[[Level, str, str], None] = _silent,
        name: str = "session",
    ) -> None:
        if not dead_man_seconds > 0.0:
            raise ValueError(f"dead_man_seconds: must be above 0, was {dead_man_seconds!r}")
        self._broker = broker
        self._seconds = dead_man_seconds
        self._data_age_seconds = data_age_seconds
        self._max_data_age_seconds = max_data_age_seconds
        self._unhealthy = unhealthy
        self._notify = notify
        self._name = name
        self._why = ""
        self.renewals = 0

    @property
    def period_seconds(self) -> float:
        """Time between two renewals."""
        return self._seconds / _PARTS

    @property
    def stopped_for(self) -> str:
        """Why the switch is not renewed; empty while it is."""
        return self._why

    async def run(self) -> None:
        """Renew the switch while the session is healthy, until this is canceled; the switch then stays as it is."""
        loop, period = asyncio.get_running_loop(), self.period_seconds
        due = loop.time()
        while True:
            is_well = self.turn(loop.time() - due)
            pause = period if is_well else period / _PARTS
            due = loop.time() + pause
            await asyncio.sleep(pause)

    def turn(self, late_seconds: float = 0.0) -> bool:
        """Renew the switch if the session is healthy, and return whether it was.

        Args:
            late_seconds: How much later than it should this was called.
        """
        why = self._problem(late_seconds)
        if why:
            self._stop(why)
            return False
        try:
            self._broker.cancel_all_after(self._seconds)
        except VenueError as error:
            self._stop(f"the venue was not told: {error}")
            return False
        self.renewals += 1
        if self._why:
            self._say("info", "renewed again", f"it was not while: {self._why}")
            self._why = ""
        return True

    def finish(self, *, has_orders: bool) -> None:
        """Take leave of the venue at a clean end of the session: switch it off, unless orders are left that it guards.

        Args:
            has_orders: Whether the session leaves orders that are open, or that may be.
        """
        if has_orders:
            _logger.warning(
                "%s: orders are left; the venue cancels them within %g s unless a session takes over",
                self._name,
                self._seconds,
            )
            return
        try:
            self._broker.cancel_all_after(None)
        except VenueError as error:
            _logger.warning("%s: the dead man's switch is still on: %s", self._name, error)

    def _problem(self, late_seconds: float) -> str:
        """Return what is wrong, empty for nothing."""
        most = self.period_seconds / _PARTS
        if late_seconds > most:
            return f"the loop was {late_seconds:.1f} s late, at most {most:.1f} s"
        age = self._data_age_seconds()
        if not age <= self._max_data_age_seconds:  # an age that is not a number is not fresh
            return f"the newest data is {age:,.1f} s old, at most {self._max_data_age_seconds:g} s"
        return self._unhealthy()

    def _stop(self, why: str) -> None:
        is_new = not self._why
        self._why = why
        if is_new:
            left = f"the venue cancels every order within {self._seconds:g} s"
            self._say("warning", "not renewed", f"{why}; {left}")

    def _say(self, level: Level, what: str, text: str) -> None:
        title = f"{self._name}: dead man's switch {what}"
        _logger.log(logging.WARNING if level == "warning" else logging.INFO, "%s: %s", title, text)
        self._notify(level, title, text)
