"""Signs of life of a running session, for people and for what watches over it.

Rules of this file:

- ``status.json`` beside the journal is rewritten in one step, at most once a second. It is for people and monitors; nothing that
  a restart needs is in it, except the equity with which the day began.
- A state of ``starting`` or ``running`` promises another sign of life within seconds, for as long as the process lives; ``stopping``
  promises the end within a minute or so; every other state says that the session has ended.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.clock import SystemClock, stopwatch
from hookline.reporting.reporter import replacing
from hookline.session import requests

if TYPE_CHECKING:
    from hookline.kernel.kernel import Kernel

__all__ = ["STATUS_FILE", "Pulse", "read_status"]

STATUS_FILE = "status.json"
_EVERY_SECONDS = 1.0
_DAY = 86_400 * 10**9
_logger = logging.getLogger("hookline.session")


class Pulse:
    """Writes the signs of life.

    Args:
        folder: The session's.
        name: The session's.
        is_live: Whether the feed follows a market as it moves, so that the age of an event means something.
        quiet_seconds: How long the feed may have nothing to say although all is well: the length of a bar where only bars are
            followed. Whoever judges the age of the data must allow for it.
        file: The session file, for who has only the folder.
    """

    def __init__(
        self, folder: Path, name: str, *, is_live: bool, quiet_seconds: float = 0.0, file: Path | None = None
    ) -> None:
        self._folder = folder
        self._name = name
        self._is_live = is_live
        self._quiet_seconds = quiet_seconds
        self._file = "" if file is None else str(file.absolute())
        self._clock = SystemClock()
        self._next = 0.0
        self._received = stopwatch()
        self._since = self._clock.now
        self._events = 0
        self._stalled = False
        self._slowest = 0.0
        self._lag: float | None = None
        before = read_status(folder).get("day", {})
        self._day, self._begin = before.get("day", 0), before.get("equity")

    @property
    def is_due(self) -> bool:
        """Whether the last sign of life is old enough."""
        return stopwatch() >= self._next

    def took(self, seconds: float) -> None:
        """Note how long an event took."""
        self._slowest = max(self._slowest, seconds)

    def received(self, kernel: Kernel, time: int) -> None:
        """Note that an event of a time was handled."""
        self._received, self._events = stopwatch(), self._events + 1
        if self._is_live:
            self._lag = max(0.0, (self._clock.now - time) / 1e9)
        day = time // _DAY
        if day != self._day:
            self._begin = kernel.equity if self._day else kernel.start_equity
            self._day = day

    def set_stalled(self, stalled: bool) -> None:
        """Note whether the feed has stalled; the next sign of life is due at once."""
        self._stalled, self._next = stalled, 0.0

    def beat(self, kernel: Kernel, state: str = "running") -> None:
        """Write a sign of life; a disk that cannot take it is logged, and stops nothing."""
        self._next = stopwatch() + _EVERY_SECONDS
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with replacing(self._folder / STATUS_FILE) as part:
                part.write_text(json.dumps(self._status(kernel, state)) + "\n", encoding="utf-8")
        except OSError as error:
            _logger.warning("%s cannot be written: %s", self._folder / STATUS_FILE, error.strerror)
        self._slowest = 0.0

    def _status(self, kernel: Kernel, state: str) -> dict[str, Any]:
        return {
            "name": self._name,
            "pid": os.getpid(),
            "state": state,
            "started": self._since,
            "written": self._clock.now,
            "event_time": kernel.clock.now,
            "events": self._events,
            "data_age_seconds": round(stopwatch() - self._received, 3),
            "stalled": self._stalled,
            "feed_lag_seconds": None if self._lag is None else round(self._lag, 3),
            "slowest_event_ms": round(self._slowest * 1e3, 3),
            "equity": _number(kernel.equity),
            "open_orders": len(kernel.open_orders()),
            "halted": kernel.gate.halted,
            "day": {"day": self._day, "equity": _number(self._begin)},
            "quiet_seconds": self._quiet_seconds,
            "file": self._file,
        }

    # -- requests ------------------------------------------------------------------------------------------------------

    def request(self) -> str | None:
        """Return the reason with which the session is asked to resume, None if it is not."""
        return requests.resume_request(self._folder)

    def done(self) -> None:
        """Take the request to resume away."""
        requests.resume_done(self._folder)

    def kill_request(self) -> requests.KillRequest | None:
        """Return the request to stop for good, None if there is none; to be obeyed by ``obey_kill``."""
        return requests.kill_request(self._folder) if requests.is_kill_asked(self._folder) else None

    def killed(self) -> None:
        """Take the request to stop for good away."""
        requests.kill_done(self._folder)


def read_status(folder: Path) -> dict[str, Any]:
    """Return the last sign of life of a session, empty where there is none."""
    try:
        status = json.loads((folder / STATUS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return status if isinstance(status, dict) else {}


def _number(value: float | None) -> float | None:
    return value if value is not None and value == value else None  # noqa: PLR0124
