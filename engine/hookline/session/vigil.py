"""When a session that is watched from outside has failed: a judgment of its signs of life, without any I/O.

Rules of this file:

- A sign of life is old when it has not changed for a while on the watcher's own steady clock. What the sign itself says of the
  time is never compared with the system's clock, which may jump; only a single look has nothing else to go by.
- Time in which the watcher itself did not run counts for nothing: a machine that slept has not shown that a session is silent.
- A sign that cannot be read is no sign; what was read before goes on to count.
- A process that is gone without having said that it ended has failed, after a moment in which another may begin.
- A session that failed before its first event has sent nothing, unless it was to go on where another had failed: a CONFIRM that was
  not typed, or an account that it refuses, is no reason to withdraw.
- A process that begins after a clean end may take its time: somebody may be reading what it asks. One that takes over from a
  process that failed may not, because orders may be open that nobody manages.
- Each failure of one start is reported once: what was acted upon is not acted upon again, unless the session goes on all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hookline.session.trail import EquityTrail

__all__ = ["Limits", "Process", "Vigil"]

_CLEAN = frozenset({"finished", "interrupted"})
_ALIVE = frozenset({"running", "starting", "stopping"})
_GONE_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
_START_SECONDS = 300.0
_STOP_SECONDS = 90.0
_OBEY_SECONDS = 45.0


@dataclass(frozen=True)
class Limits:
    """What a session must keep within; None for no limit.

    Args:
        silence_seconds: Longest time without a sign of life.
        data_age_seconds: Oldest that the newest market data may be, beyond what is normal for what the session follows.
        drawdown_fraction: Deepest fall of equity from its highest, as a fraction of that.
    """

    silence_seconds: float = 30.0
    data_age_seconds: float | None = 120.0
    drawdown_fraction: float | None = 0.2


@dataclass(frozen=True)
class Process:
    """What the system says of the processes of a session.

    Args:
        is_there: Whether the one that gave the sign of life lives.
        is_another_there: Whether another one has taken over, and has not given a sign yet.
    """

    is_there: bool
    is_another_there: bool = False


class Vigil:
    """Judges one look after another.

    Args:
        limits: Of the session.
        trail: Of its equity.

    Attributes:
        state: What is seen, in words.
        started: Which start of the session is seen, 0 before the first.
        is_suspect: Whether something is wrong that may be over in a moment.
        can_answer: Whether the process has given a sign of life just now.
    """

    def __init__(self, limits: Limits, trail: EquityTrail) -> None:
        self._limits = limits
        self._trail = trail
        self._sign: Mapping[str, Any] = {}
        self._key: object = None
        self._since = math.nan
        self._gone_since = math.nan
        self._asked_since = math.nan
        self._has_traded = False
        self.state = ""
        self.started = 0
        self.is_suspect = False
        self.can_answer = False

    def overslept(self, seconds: float) -> None:
        """Leave out time in which the watcher did not run."""
        self._since += seconds
        self._gone_since += seconds
        self._asked_since += seconds

    def look(
        self,
        sign: Mapping[str, Any],
        process: Process,
        now: float,
        age: float = 0.0,
        *,
        is_asked: bool = False,
    ) -> str:
        """Return why the session must be stopped, empty while it need not be.

        Args:
            sign: The last sign of life; empty where there is none, or none that can be read.
            process: What the system says.
            now: Seconds on a steady clock.
            age: How old a new sign is taken to be, in seconds.
            is_asked: Whether a request to stop waits for the session.
        """
        key = (sign.get("written"), sign.get("pid"), process.is_another_there) if sign else self._key
        if key != self._key or math.isnan(self._since):
            self._key, self._since = key, now - age
        self._sign = sign or self._sign
        silence = max(0.0, now - self._since)
        started = self._sign.get("started")
        self.started = started if isinstance(started, int) else 0
        self.is_suspect = False
        self.can_answer = process.is_there and silence < _ANSWER_SECONDS
        disobeys = self._disobeys(now, is_asked=is_asked)
        if disobeys:
            return disobeys
        if self._sign and self.started == self._trail.acted:
            self.state = "stopped by a watchdog; waiting for its next start"
            return ""
        return self._judge(process, silence, now)

    def _disobeys(self, now: float, *, is_asked: bool) -> str:
        """Return how long a session that is alive has not done what it was asked to, empty while it may be about to."""
        if not (is_asked and self.can_answer and str(self._sign.get("state")) == "running"):
            self._asked_since = math.nan
        elif math.isnan(self._asked_since):
            self._asked_since = now
        elif now - self._asked_since > _OBEY_SECONDS:
            return f"it was asked to stop {now - self._asked_since:,.0f} s ago and goes on"
        return ""

    def _judge(self, process: Process, silence: float, now: float) -> str:
        state = str(self._sign.get("state", ""))
        if process.is_another_there:
            return self._judge_start(silence, ended_well=not state or state in _CLEAN)
        if not state:
            self.state = "waiting for its first sign of life"
            return ""
        if state in _CLEAN:
            self._has_traded = False
            self.state = f"{state}; waiting for its next start"
            return ""
        if state not in _ALIVE:
            if not self._has_traded and not _number(self._sign.get("events", 1)):
                self.state = f"{state} before it began; waiting for its next start"
                return ""
            return f"the session has {state}"
        self._has_traded = self._has_traded or state != "starting"
        if not process.is_there:
            return self._judge_gone(now)
        self._gone_since = math.nan
        self.state = f"{state}, process {self._sign.get('pid')}"
        most = self._limits.silence_seconds
        most = max(most, _STOP_SECONDS) if state == "stopping" else most
        if silence > most:
            return f"no sign of life for {silence:,.0f} s, at most {most:g} s"
        return self._judge_numbers(silence) if state == "running" else ""

    def _judge_start(self, silence: float, *, ended_well: bool) -> str:
        self.state = "starting"
        if ended_well:
            return ""
        patience = max(_START_SECONDS, self._limits.silence_seconds)
        return f"no sign of life since it was started {silence:,.0f} s ago" if silence > patience else ""

    def _judge_gone(self, now: float) -> str:
        if math.isnan(self._gone_since):
            self._gone_since = now
        self.state = f"process {self._sign.get('pid')} is gone"
        gone = now - self._gone_since
        if gone < min(_GONE_SECONDS, self._limits.silence_seconds):
            self.is_suspect = True
            return ""
        return f"process {self._sign.get('pid')} is gone without having said that it ended"

    def _judge_numbers(self, silence: float) -> str:
        limits = self._limits
        fall = self._trail.see(self._sign.get("equity"))
        if limits.data_age_seconds is not None:
            age = _number(self._sign.get("data_age_seconds")) + silence
            most = limits.data_age_seconds + max(0.0, _number(self._sign.get("quiet_seconds")))
            if age > most:
                return f"the newest data is {age:,.0f} s old, at most {most:g} s"
        if limits.drawdown_fraction is not None and fall > limits.drawdown_fraction:
            found = f"equity is {fall:.1%} below its highest, {self._trail.highest:,.2f}"
            return f"{found}; at most {limits.drawdown_fraction:.1%}"
        return ""


def _number(value: object) -> float:
    """Return a number from a file that anybody may have written, 0 where there is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else 0.0  # type: ignore[arg-type]
