"""What SQLite complains of, in words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from hookline.errors import JournalError

__all__ = ["DAMAGED_ADVICE", "damaged", "explained"]

DAMAGED_ADVICE = (
    "nothing was written; copy the folder before anything else, then look with 'hookline journal verify'"
)
_WRITABLE = "give this user the right to write the file and its folder"
_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then start the session again: every whole event is kept",
    sqlite3.SQLITE_READONLY: f"must be writable, was read-only; {_WRITABLE}",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; it and its folder must be readable, and writable for a session",
    sqlite3.SQLITE_PERM: f"must be writable, was not permitted; {_WRITABLE}",
    sqlite3.SQLITE_NOTADB: f"must be an SQLite file, was something else or is damaged at its start; {DAMAGED_ADVICE}",
    sqlite3.SQLITE_CORRUPT: f"the file is damaged; {DAMAGED_ADVICE}",
    # Our statements are right, so that a table or a column that is missing was lost.
    sqlite3.SQLITE_ERROR: f"the file is damaged; {DAMAGED_ADVICE}",
    sqlite3.SQLITE_BUSY: "locked by another program; close what has it open for writing",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
}


@contextmanager
def explained(where: object) -> Iterator[None]:
    """Turn what SQLite and the system complain of into a journal error.

    Raises:
        JournalError: saying which file, what is wrong with it and what to do.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == 0 and "decode" in str(error):  # text that is not UTF-8 has no code
            code = sqlite3.SQLITE_CORRUPT
        words = _WORDS.get(code, "cannot be used")
        raise JournalError(f"journal {where}: {words} ({error})") from error
    except UnicodeDecodeError as error:
        raise JournalError(f"journal {where}: {_WORDS[sqlite3.SQLITE_CORRUPT]} ({error})") from error
    except PermissionError as error:
        raise JournalError(f"journal {where}: {_WORDS[sqlite3.SQLITE_PERM]}") from error
    except OSError as error:
        raise JournalError(f"journal {where}: {error.strerror or error}") from error


def damaged(where: object, what: str) -> JournalError:
    """Return the error of a journal whose content cannot be trusted."""
    return JournalError(f"journal {where}: {what}: the file was changed or is damaged; {DAMAGED_ADVICE}")
