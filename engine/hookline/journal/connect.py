"""Opening the files of a journal."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hookline.errors import JournalError
from hookline.journal.faults import DAMAGED_ADVICE, damaged, explained
from hookline.journal.lock import owner_of
from hookline.journal.schema import VERSION, check_identity, migrate
from hookline.journal.segments import journal_path
from hookline.journal.wal import log_fault

__all__ = ["connected", "migrate_file", "reading"]

_MAGIC = b"SQLite format 3\0"


def connected(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """Return a connection that begins no transaction by itself; ``mode`` as in SQLite's file addresses."""
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that reads one state of a file, however much is written meanwhile.

    An older schema is brought up to date in memory; the file stays as it is.

    Raises:
        JournalError: if the file is no journal, is damaged or belongs to a newer hookline.
    """
    check_file(path)
    with explained(path):
        connection = _opened(path)
    try:
        with explained(path):
            version = check_identity(connection, path)
            if version < VERSION:
                old, connection = connection, sqlite3.connect(":memory:", isolation_level=None)
                with closing(old):
                    old.backup(connection)
                migrate(connection, version)
            connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Return a connection for reading, from a folder that must not be written to as well."""
    connection = connected(path, "ro")
    try:
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        connection.close()
        if not isinstance(error, sqlite3.OperationalError):
            raise
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size > 0:
            raise
        # SQLite needs a file of its own beside a log; without a log there is nothing to share with a writer.
        connection = connected(path, "ro&immutable=1")
    return connection


def check_file(path: Path) -> None:
    """Refuse a file that SQLite would misunderstand.

    Raises:
        JournalError: if it is no SQLite file, or its write-ahead log is damaged.
    """
    with explained(path):
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
        # While another process writes, its log changes under our eyes, and SQLite shares what it knows of it.
        fault = log_fault(path) if owner_of(journal_path(path)) in (None, os.getpid()) else ""
    if start != _MAGIC:
        raise JournalError(f"journal {path}: must be an SQLite file, began with {start!r}; {DAMAGED_ADVICE}")
    if fault:
        raise damaged(path, fault)


def migrate_file(path: Path) -> None:
    """Bring a file of an older version up to date, with a copy of the old one kept beside it.

    Raises:
        JournalError: if the file cannot be read or written, or belongs to a newer hookline.
    """
    check_file(path)
    with explained(path):
        connection = connected(path)
        try:
            version = check_identity(connection, path)
            if version < VERSION:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                backup = path.with_name(f"{path.name}.v{version}.bak")
                if not backup.exists():
                    part = backup.with_name(backup.name + ".part")
                    shutil.copyfile(path, part)
                    part.replace(backup)
                migrate(connection, version)
        finally:
            connection.close()
