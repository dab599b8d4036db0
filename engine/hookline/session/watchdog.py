"""A watchdog: a small process beside a session that stops it when it fails, over a connection of its own.

Rules of this file:

- It reads files and asks the system for processes; it never speaks to the session, and it renews nothing on its behalf.
- It acts once: the request to stop is written first, so that the session does not open again what is about to be canceled. Then
  it withdraws at the venue until nothing is left, however long the venue does not answer, and ends.
- A session that answers is given the time to withdraw by itself; one that is silent or gone is not waited for.
- Each thing done is one line, shown and kept in ``watchdog.log`` beside the journal.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hookline.clock import SystemClock, isoformat, stopwatch
from hookline.errors import HooklineError
from hookline.journal.lock import owner_of
from hookline.journal.segments import FILE_NAME
from hookline.session.emergency import reach, target_of, wait_for_end, withdraw
from hookline.session.pulse import read_status
from hookline.session.requests import KillRequest, ask_to_kill, is_kill_asked
from hookline.session.trail import EquityTrail
from hookline.session.vigil import Limits, Process, Vigil

__all__ = ["LOG_FILE", "Watchdog"]

LOG_FILE = "watchdog.log"
_CONFIRM_SECONDS = 3.0
_LOOKS_ONCE = 3
_LONGEST_PAUSE_SECONDS = 30.0
_ATTEMPTS_ONCE = 5
_SLIP_SECONDS = 2.0


class Watchdog:
    """Watches one session.

    Args:
        session: A session file, the folder of its output, or its name under ``runs``.
        limits: What the session must keep within.
        flatten: Whether positions are closed as well.
        show: Given each line.

    Raises:
        ConfigError: if the session cannot be found, or its broker cannot be built: better now than when it is needed.
    """

    def __init__(self, session: Path, limits: Limits, *, flatten: bool, show: Callable[[str], None]) -> None:
        self._session = session
        self._flatten = flatten
        self._show = show
        self._system = SystemClock()
        self.target = target_of(session)
        self._trail = EquityTrail(self.target.folder)
        self._vigil = Vigil(limits, self._trail)
        self._said = ""
        self._sign: dict[str, Any] = {}
        for note in self.target.notes:
            self.say(f"note: {note}")

    def prepare(self) -> None:
        """Try the connection that will be needed; a venue that does not answer now may do so later.

        Raises:
            ConfigError: if it can never work, such as without a key.
        """
        for wrong in asyncio.run(reach(self.target)):
            self.say(f"note: {wrong}; watching all the same")

    def say(self, text: str) -> None:
        """Show a line, and keep it in the log; a disk that cannot take it stops nothing."""
        line = f"{isoformat(self._system.now // 10**9 * 10**9)} {self.target.name}: {text}"
        self._show(line)
        try:
            with (self.target.folder / LOG_FILE).open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError:
            return  # most often because the session has no folder yet

    # -- watching ------------------------------------------------------------------------------------------------------

    def watch(self, poll_seconds: float) -> str:
        """Look again and again until the session must be stopped, stop it, and return why."""
        before = stopwatch()
        while True:
            reason = self._look(stopwatch())
            if reason:
                self._act(reason, attempts=None)
                return reason
            time.sleep(poll_seconds)
            now = stopwatch()
            slip = now - before - poll_seconds
            if slip > max(_SLIP_SECONDS, poll_seconds):
                self._vigil.overslept(slip)
                self.say(f"did not run for {slip:,.0f} s itself; that time does not count")
            before = now

    def look_once(self) -> str:
        """Look once, and again before anything is done; stop the session if it must be, and return why, else empty."""
        reason, looks = self._look(stopwatch(), once=True), 1
        while (reason or self._vigil.is_suspect) and looks < _LOOKS_ONCE:
            time.sleep(_CONFIRM_SECONDS)
            reason, looks = self._look(stopwatch(), once=True), looks + 1
        if reason:
            self._act(reason, attempts=_ATTEMPTS_ONCE)
        return reason

    def _look(self, now: float, *, once: bool = False) -> str:
        sign = read_status(self.target.folder)
        self._sign = sign or self._sign
        written = sign.get("written")
        age = (self._system.now - written) / 1e9 if once and isinstance(written, int) else 0.0
        folder = self.target.folder
        reason = self._vigil.look(
            sign, _processes(folder, self._sign), now, max(0.0, age), is_asked=is_kill_asked(folder)
        )
        if not reason and self._vigil.state != self._said:
            self._said = self._vigil.state
            self.say(self._said)
        return reason

    # -- acting --------------------------------------------------------------------------------------------------------

    def _act(self, reason: str, attempts: int | None) -> None:
        self.say(f"FAILED: {reason}")
        self._refresh()
        what = "orders are canceled, positions closed" if self._flatten else "orders are canceled"
        self._ask(reason)
        self._notify(f"{self.target.name} stopped by its watchdog", f"{reason}; {what}")
        is_done = asyncio.run(self._withdraw(attempts))
        if is_done:
            self._trail.act(self._vigil.started)
        self.say("done; the session does not trade again until it is resumed" if is_done else "NOT DONE")
        found = (
            "nothing is left at the venue" if is_done else "the venue did not confirm; look there yourself"
        )
        self._notify(f"{self.target.name}: watchdog", found)

    def _refresh(self) -> None:
        """Take what the session was started with last, which may differ from what was there when the watch began."""
        try:
            self.target = target_of(self._session)
        except HooklineError as error:
            self.say(f"what was known at the start of the watch counts: {error}")

    def _ask(self, reason: str) -> None:
        request = KillRequest(f"watchdog: {reason}", self._flatten, self._system.now)
        try:
            ask_to_kill(self.target.folder, request)
            self.say("the session is asked to stop")
        except OSError as error:
            self.say(f"the request to stop cannot be written: {error.strerror}")

    def _notify(self, title: str, text: str) -> None:
        for wrong in self.target.notify("error", title, text):
            self.say(wrong)

    async def _withdraw(self, attempts: int | None) -> bool:
        """Withdraw until nothing is left; return whether that was reached."""
        if self._vigil.can_answer:
            await wait_for_end(self.target.folder, self.say)
        left, count, pause = self.target.legs, 0, 1.0
        while left:
            count += 1
            found = await withdraw(replace(self.target, legs=left), flatten=self._flatten)
            for one in found:
                for line in one.done:
                    self.say(f"{one.title}: {line}")
                self.say(f"{one.title}: {one.problem or 'nothing is left'}")
            left = tuple(leg for leg, one in zip(left, found, strict=True) if one.problem)
            if left and count == attempts:
                return False
            if left:
                self.say(f"trying again in {pause:g} s")
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, _LONGEST_PAUSE_SECONDS)
        return True


def _processes(folder: Path, sign: dict[str, Any]) -> Process:
    """Return what the system says of a session's processes."""
    is_there = is_running(sign.get("pid"))
    if is_there and str(sign.get("state")) in {"running", "starting", "stopping"}:
        return Process(is_there)
    # Asking for the owner of a journal holds its lock for a moment: only where the answer matters.
    owner = owner_of(folder / FILE_NAME)
    return Process(is_there, owner is not None and owner != sign.get("pid"))


def is_running(pid: object) -> bool:
    """Return whether a process lives; one that has ended and whose parent has not asked for it does not."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True  # no such file system here; the process answered
    return stat.rpartition(")")[2].split()[:1] != ["Z"]
