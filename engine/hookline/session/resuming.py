"""Ending the halt of a session from outside: in its journal if it is stopped, by asking it if it runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

from hookline.errors import ConfigError
from hookline.journal import Batch, Journal, read_journal
from hookline.journal.lock import owner_of
from hookline.journal.segments import journal_path
from hookline.reporting.reporter import replacing
from hookline.session.requests import RESUME_FILE, is_kill_asked, kill_done

__all__ = ["ask_to_resume", "resume_session"]

_POLL_SECONDS = 0.1


def resume_session(folder: Path, reason: str, *, wait_seconds: float = 10.0) -> str:
    """End the halt of a session and return what was done, in a sentence.

    Args:
        folder: The session's.
        reason: Why it may go on; the journal keeps it.
        wait_seconds: How long a running session is given to answer.

    Raises:
        JournalError: if there is no journal, or it cannot be written.
        ConfigError: if a running session does not answer.
    """
    path = journal_path(folder)
    content = read_journal(path, last_segment=True)
    is_running = owner_of(path) is not None
    took_back = "" if is_running else _take_back(path.parent)
    if not content.halted:
        return f"{content.header.name} is not halted; {took_back or 'nothing to do'}"
    was = f"was halted: {content.halted}"
    if is_running:
        ask_to_resume(path.parent, reason, wait_seconds)
        return f"{content.header.name} resumed while it runs; {was}"
    with Journal.open(path, content.header) as journal:
        journal.commit(Batch(content.time, content.position, resumes=[(content.time, reason)]))
        journal.close("resumed")
    return f"{content.header.name} resumed; {was}; it trades again when it is started" + (
        f"; {took_back}" if took_back else ""
    )


def _take_back(folder: Path) -> str:
    """Take back a request to kill that no process has taken, and say so."""
    if not is_kill_asked(folder):
        return ""
    kill_done(folder)
    return "the request to kill that waited for its next start is taken back"


def ask_to_resume(folder: Path, reason: str, wait_seconds: float) -> None:
    """Leave a request for a running session and wait until it has taken it.

    Raises:
        ConfigError: if it does not in time; the request is taken back then.
    """
    request = folder / RESUME_FILE
    with replacing(request) as part:
        part.write_text(json.dumps({"reason": reason}) + "\n", encoding="utf-8")
    for _ in range(round(wait_seconds / _POLL_SECONDS)):
        if not request.exists():
            return
        time.sleep(_POLL_SECONDS)
    request.unlink(missing_ok=True)
    raise ConfigError(f"{folder}: the session did not answer within {wait_seconds:g} s; is it busy or stuck?")
