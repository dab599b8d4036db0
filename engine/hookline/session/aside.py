"""Beginning a session anew without losing what it did before."""

from __future__ import annotations

from pathlib import Path

from hookline.clock import SystemClock, isoformat
from hookline.errors import ConfigError, JournalError
from hookline.journal.lock import owner_of
from hookline.journal.segments import FILE_NAME
from hookline.session.pulse import STATUS_FILE
from hookline.session.requests import KILL_FILE, RESUME_FILE
from hookline.session.trail import TRAIL_FILE

__all__ = ["move_aside"]


def move_aside(folder: Path) -> Path | None:
    """Move the journal of a session, and what belongs to it, into a folder beside it; return that, None if there is none.

    Raises:
        JournalError: if a process is writing to the journal.
        ConfigError: if the files cannot be moved.
    """
    journal = folder / FILE_NAME
    if not journal.exists():
        return None
    owner = owner_of(journal)
    if owner is not None:
        raise JournalError(f"journal {journal}: in use by process {owner}; stop that one first")
    moment = isoformat(SystemClock().now).partition(".")[0].rstrip("Z").replace("-", "").replace(":", "")
    target, count = folder / f"before-{moment}Z", 1
    while target.exists():
        count += 1
        target = folder / f"before-{moment}Z-{count}"
    wanted = [STATUS_FILE, RESUME_FILE, KILL_FILE, TRAIL_FILE, "recording"]
    found = [*sorted(folder.glob("journal*.sqlite*")), *(folder / name for name in wanted)]
    try:
        target.mkdir()
        for path in found:
            if path.exists() and path.name != f"{FILE_NAME}.lock":
                path.rename(target / path.name)
    except OSError as error:
        raise ConfigError(f"{folder}: the earlier journal cannot be moved aside: {error.strerror}") from error
    return target
