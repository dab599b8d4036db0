"""What a session is asked for from outside: files in its folder that it looks for while it runs.

Rules of this file:

- ``resume.json`` ends a halt. The session takes it away once the halt is over and the journal says so.
- ``kill.json`` ends the session: it halts, cancels every order, closes its positions if that is wanted, and stops. It takes the
  request away once the journal says that it was killed. One that nobody has taken is obeyed by the next start, so that a process
  that is restarted by itself does not trade again; ``hookline resume`` takes it back.
- What cannot be read is a wish to stop all the same: ``touch kill.json`` kills, without closing positions.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.model import OrderType
from hookline.reporting.reporter import replacing
from hookline.risk.rule import Action, Decision

if TYPE_CHECKING:
    from hookline.kernel.kernel import Kernel

__all__ = [
    "KILL_FILE",
    "RESUME_FILE",
    "KillRequest",
    "ask_to_kill",
    "is_kill_asked",
    "kill_done",
    "kill_request",
    "obey_kill",
    "resume_done",
    "resume_request",
]

RESUME_FILE = "resume.json"
KILL_FILE = "kill.json"
_logger = logging.getLogger("hookline.session")


@dataclass(frozen=True)
class KillRequest:
    """A request to stop for good.

    Args:
        reason: Why; the journal keeps it.
        flatten: Whether positions are closed at the market as well.
        time: When it was asked, nanoseconds UTC; 0 where that is not known.
    """

    reason: str
    flatten: bool = False
    time: int = 0


# -- to resume ---------------------------------------------------------------------------------------------------------


def resume_request(folder: Path) -> str | None:
    """Return the reason with which a session is asked to resume, None if it is not."""
    path = folder / RESUME_FILE
    if not path.exists():
        return None
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        _logger.warning("%s cannot be read and is taken away: %s", path, error)
        resume_done(folder)
        return None


def resume_done(folder: Path) -> None:
    """Take the request to resume away."""
    _take_away(folder / RESUME_FILE)


# -- to kill -----------------------------------------------------------------------------------------------------------


def ask_to_kill(folder: Path, request: KillRequest) -> None:
    """Leave a request to kill; one that closes positions is never replaced by one that does not.

    Raises:
        OSError: if the folder cannot be written to.
    """
    before = kill_request(folder)
    flatten = request.flatten or (before is not None and before.flatten)
    with replacing(folder / KILL_FILE) as part:
        data = {"reason": request.reason, "flatten": flatten, "time": request.time}
        part.write_text(json.dumps(data) + "\n", encoding="utf-8")


def is_kill_asked(folder: Path) -> bool:
    """Return whether a session is asked to stop for good: one look at the folder, cheap enough before every order."""
    return (folder / KILL_FILE).exists()


def kill_request(folder: Path) -> KillRequest | None:
    """Return the request to kill a session, None if there is none."""
    path = folder / KILL_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return KillRequest(str(data["reason"]), data.get("flatten") is True, int(data.get("time", 0)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return KillRequest(f"{KILL_FILE} is there")


def kill_done(folder: Path) -> None:
    """Take the request to kill away."""
    _take_away(folder / KILL_FILE)


def obey_kill(kernel: Kernel, request: KillRequest) -> str:
    """Halt a running session for good, and ask for all that it has at the venue to be withdrawn.

    The caller then lets the journal say so, takes the request away, and stops the session with what is returned in place of its
    ``on_stop``. That is never ``flatten``: what closes the positions is under way by then, and must not be sent twice.

    Args:
        kernel: Of the session, between two events.
        request: What was asked for.

    Returns:
        ``cancel``.
    """
    reason = f"killed: {request.reason}"
    gate = kernel.gate
    flatten = request.flatten or gate.flattens
    _logger.error("%s; orders are canceled%s", reason, ", positions closed" if flatten else "")
    if kernel.clock.now:  # before the first event nothing is there to be withdrawn
        kernel.halt(reason, flatten=request.flatten)
        is_new = gate.halted == reason
        if not is_new:
            gate.decisions.append(Decision(kernel.clock.now, "", Action.WARN, "", "", 0, reason))
        if not (is_new and flatten):
            # A halt keeps the orders that protect positions, and does nothing where one like it holds already.
            closes = any(one.reduce_only and one.type is OrderType.MARKET for one in kernel.open_orders())
            kernel.withdraw(reason, flatten=flatten and not closes, keep_protective=closes)
    return "cancel"


def _take_away(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
