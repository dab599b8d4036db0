"""One writer for each journal: a lock that the system takes back when its process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from hookline.errors import JournalError
from hookline.journal.faults import explained

__all__ = ["FileLock", "owner_of"]


class FileLock:
    """Holds a file locked until it is closed. The file stays: taking it away would let two processes in."""

    def __init__(self, journal: Path) -> None:
        """Take the lock of a journal.

        Raises:
            JournalError: if another process has it, or the lock file cannot be written.
        """
        self._path = journal.with_name(journal.name + ".lock")
        with explained(journal):
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise JournalError(
                f"journal {journal}: in use by process {owner}; a session has one process: stop that one first"
            ) from error
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def close(self) -> None:
        """Give the lock back."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def owner_of(journal: Path) -> int | None:
    """Return the process that has a journal open for writing, None if there is none."""
    try:
        file = os.open(journal.with_name(journal.name + ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        text = os.read(file, 32).decode(errors="replace").strip()
        return int(text) if text.isdecimal() else 0
    finally:
        os.close(file)
    return None
