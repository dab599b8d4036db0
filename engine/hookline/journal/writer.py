"""The writer of a journal.

Rules of this file:

- One batch is one transaction: whatever happens to the process, the file holds whole events only.
- One process writes; the lock is on the first file, whichever file is written to.
- A file appears whole: it is made beside its place and moved there.
"""

from __future__ import annotations

import os
import sqlite3
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from hookline.clock import SystemClock
from hookline.errors import JournalError
from hookline.journal.batch import Batch
from hookline.journal.chain import FIRST_DIGEST, Rows, chained
from hookline.journal.checkpoint import checkpoint_text
from hookline.journal.connect import connected, migrate_file
from hookline.journal.content import JournalContent
from hookline.journal.faults import explained
from hookline.journal.header import SessionHeader
from hookline.journal.lock import FileLock
from hookline.journal.reader import read_journal
from hookline.journal.replay import Replay
from hookline.journal.rows import batch_rows
from hookline.journal.schema import COMMITS_INSERT, INSERTS, create_tables
from hookline.journal.segments import journal_path, segment_path, segments
from hookline.journal.text import to_json
from hookline.model import Order, OrderStatus

__all__ = ["SEGMENT_BYTES", "Journal"]

SEGMENT_BYTES = 256 * 1024 * 1024
# Orders kept in memory before those that are closed are forgotten.
_KEPT_ORDERS = 1024


class Journal:
    """An open journal; made by :meth:`create` or :meth:`open`, given back by :meth:`close`.

    Attributes:
        path: Its first file.
        content: What was read when it was opened; None for a new one. Set it to None once it is used, to free the memory.
    """

    def __init__(self, path: Path, lock: FileLock, durable: bool, segment_bytes: int) -> None:
        self.path = path
        self.content: JournalContent | None = None
        self._lock = lock
        self._durable = durable
        self._segment_bytes = segment_bytes
        self._segment = 0
        self._connection: sqlite3.Connection | None = None
        self._number = 0
        self._digest = FIRST_DIGEST
        self._time = 0
        self._first_time = 0
        self._position = "{}"
        self._states: dict[str, str] = {}
        self._forget_at = _KEPT_ORDERS
        self._replay: Replay

    @classmethod
    def create(
        cls,
        path: Path,
        header: SessionHeader,
        *,
        durable: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        time: int | None = None,
    ) -> Journal:
        """Begin a journal.

        Args:
            path: File to make; its folder is made too.
            header: What the session is.
            durable: Wait for the disk at each commit, so that losing power loses nothing; for trading with money.
            segment_bytes: Size after which a new file is begun.
            time: Start by the system's clock, nanoseconds UTC; now by default.

        Raises:
            JournalError: if there is one already, another process has it open, or it cannot be written.
        """
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        journal = cls(path, FileLock(path), durable, segment_bytes)
        try:
            journal._replay = Replay(header)
            journal._begin_segment([("starts", [journal._start(time)])])
        except BaseException:
            journal._release()
            raise
        return journal

    @classmethod
    def open(
        cls,
        path: Path,
        header: SessionHeader,
        *,
        accept_changes: bool = False,
        durable: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        time: int | None = None,
    ) -> Journal:
        """Open a journal to go on; what it holds is read into ``content`` from its last file.

        Args:
            path: The first file or its folder.
            header: What the session is now.
            accept_changes: Go on although the configuration has changed; the new one is written down.
            durable: As for :meth:`create`.
            segment_bytes: As for :meth:`create`.
            time: As for :meth:`create`.

        Raises:
            JournalError: if there is none, it is damaged, another process has it open, it cannot be written, or it is of a
                session with another configuration.
        """
        path = journal_path(path)
        journal = cls(path, FileLock(path), durable, segment_bytes)
        try:
            journal._resume(header, accept_changes, time)
        except BaseException:
            journal._release()
            raise
        return journal

    def commit(self, batch: Batch, *, wait: bool = True) -> int:
        """Write what an event caused and return the number of the commit.

        Args:
            batch: What it caused.
            wait: Of a durable journal, wait for the disk, with all that was written before. Without it losing power may lose the event,
                and those before it since the last wait, never one of them alone; so nothing may be done that rests on it.

        Raises:
            JournalError: if it cannot be written, or tells something impossible, such as a fill of an order that was never
                written. The journal is closed then and holds the events before; one that JSON cannot hold leaves it open.
        """
        states = {
            owner: text
            for owner, state in batch.states.items()
            if (text := to_json(state, f"journal {self.path}: state of {owner!r}")) != self._states.get(owner)
        }
        rows = batch_rows(batch, self._number + 1, states)
        position = to_json(batch.position, f"journal {self.path}: position") if batch.position else "{}"
        try:
            self._replay.apply(batch, [_as_made(order) for order in batch.orders])
            self._write(batch.time, position, rows, wait=wait)
        except BaseException:  # what is kept in memory is ahead of the file now
            self._release()
            raise
        self._states |= states
        if len(self._replay.orders) > self._forget_at:
            self._replay.forget_closed()
            self._forget_at = max(_KEPT_ORDERS, 2 * len(self._replay.orders))
        if self._number % _SIZE_CHECK == 0 and self._bytes() > self._segment_bytes:
            self._rotate()
        return self._number

    def close(self, reason: str = "", time: int | None = None) -> None:
        """Write why the session stops, if a reason is given, and close the file. Closing twice does nothing.

        Args:
            reason: Such as ``finished`` or ``interrupted``.
            time: Stop by the system's clock, nanoseconds UTC; now by default.
        """
        if self._connection is None:
            return
        try:
            if reason:
                row = (self._number + 1, _now(time), reason)
                self._write(self._time, self._position, [("stops", [row])])
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- opening -----------------------------------------------------------------------------------------------------

    def _resume(self, header: SessionHeader, accept_changes: bool, time: int | None) -> None:
        paths = segments(self.path)
        migrate_file(paths[-1])
        content = read_journal(self.path, last_segment=True)
        changed = content.header.hash != header.hash
        if changed and not accept_changes:
            keys = ", ".join(content.header.differences(header))
            raise JournalError(
                f"journal {self.path}: the session's configuration must be the one that it was begun with, differs in {keys}; "
                "begin anew with --fresh, or go on with --accept-changes"
            )
        self._segment = len(paths) - 1
        self._adopt(content)
        self._connect(paths[-1])
        rows: Rows = [("starts", [self._start(time)])]
        if changed:
            rows.insert(0, ("sessions", [self._session(header)]))
        self._write(self._time, self._position, rows)
        if changed:
            self._replay.set_header(header)

    def _adopt(self, content: JournalContent) -> None:
        """Go on from what was read."""
        self.content = content
        self._replay = Replay(content.header)
        self._replay.ledgers = deepcopy(content.ledgers)
        self._replay.orders = {order.number: msgspec.structs.replace(order) for order in content.orders}
        self._replay.bar_ends = dict(content.bar_ends)
        self._replay.halted = content.halted
        self._replay.last_order, self._replay.last_fill = content.last_order, content.last_fill
        self._number, self._digest = content.commits, content.digest
        self._time, self._first_time = content.time, content.first_time
        self._position = to_json(content.position, "position")
        self._states = {owner: to_json(state, owner) for owner, state in content.states.items()}

    def _start(self, time: int | None) -> tuple[Any, ...]:
        from hookline import __version__

        return self._number + 1, _now(time), os.getpid(), __version__

    def _session(self, header: SessionHeader) -> tuple[Any, ...]:
        from hookline import __version__

        return (
            self._number + 1, self._segment, header.name, header.mode, header.currency, header.hash, header.to_text(), __version__,
        )  # fmt: skip

    # -- files -------------------------------------------------------------------------------------------------------

    def _begin_segment(self, rows: Rows) -> None:
        """Make the file of the current segment with its first commit and go on in it."""
        path = segment_path(self.path, self._segment)
        _refuse_existing(path)
        part = path.with_name(path.name + ".part")
        with explained(path):
            for left in (part, part.with_name(part.name + "-journal")):
                left.unlink(missing_ok=True)
        rows = [("sessions", [self._session(self._replay.header)]), *rows]
        with explained(path):
            self._connection = connected(part, "rwc")
        try:
            with explained(path):
                self._connection.execute("BEGIN")
                create_tables(self._connection)
                self._connection.execute("COMMIT")
                self._write(self._time, self._position, rows)
                self._disconnect()
                part.replace(path)
                if self._durable:
                    _sync_folder(path.parent)
        except BaseException:
            self._disconnect()
            part.unlink(missing_ok=True)
            raise
        self._connect(path)

    def _rotate(self) -> None:
        state = checkpoint_text(self._replay, self._states, self._digest, self._time, self._first_time)
        old = segment_path(self.path, self._segment)
        self._disconnect()
        self._segment += 1
        try:
            self._begin_segment([("checkpoints", [(self._number + 1, state)])])
        except JournalError:
            # The event is written; a disk that is full for a new file is told of when it is full for the old one.
            self._segment -= 1
            self._connect(old)

    def _connect(self, path: Path) -> None:
        with explained(path):
            self._connection = connection = connected(path)
            connection.execute("PRAGMA journal_mode = WAL")
            self._wait_for_disk(True)

    def _wait_for_disk(self, wait: bool) -> None:
        """Choose whether the commits that follow wait for the disk, as those of a durable journal do.

        Where something waits for them, the log of SQLite is worked off later: that takes longer than a commit.
        """
        pages = _BUSY_LOG_PAGES if wait else _LOG_PAGES
        connection = self._connected()
        connection.execute(f"PRAGMA synchronous = {'FULL' if wait and self._durable else 'NORMAL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _release(self) -> None:
        self._disconnect()
        self._lock.close()

    def _bytes(self) -> int:
        pages = self._connected().execute("PRAGMA page_count").fetchone()[0]
        size: int = self._connected().execute("PRAGMA page_size").fetchone()[0]
        return int(pages) * size

    # -- writing -----------------------------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise JournalError(f"journal {self.path}: must be open, was closed")
        return self._connection

    def _write(self, time: int, position: str, rows: Rows, *, wait: bool = True) -> None:
        """Write one commit; nothing of it stays if that fails. Its ``wait`` is that of ``commit``."""
        connection = self._connected()
        number = self._number + 1
        digest = chained(self._digest, number, time, position, rows)
        with explained(segment_path(self.path, self._segment)):
            try:
                if not wait:
                    self._wait_for_disk(False)
                connection.execute("BEGIN")
                for table, values in rows:
                    connection.executemany(INSERTS[table], values)
                connection.execute(COMMITS_INSERT, (number, time, position, digest))
                connection.execute("COMMIT")
                if not wait:  # now, not when the next one is in a hurry
                    self._wait_for_disk(True)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        self._number, self._digest = number, digest
        self._time, self._position = time, position
        self._first_time = self._first_time or time


_SIZE_CHECK = 64
# After which the log is worked off into the file: by a commit that nothing waits for, and by any.
_LOG_PAGES, _BUSY_LOG_PAGES = 1000, 4000


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise JournalError(
            f"journal {path}: must not exist yet; open it to go on with that session, or take another folder"
        )


def _sync_folder(folder: Path) -> None:
    """Wait until the name of a new file is on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _now(time: int | None) -> int:
    return SystemClock().now if time is None else time


def _as_made(order: Order) -> Order:
    """Return a copy of an order as it was before updates and fills told of it."""
    return msgspec.structs.replace(
        order, status=OrderStatus.INITIALIZED, filled_lots=0, average_price=0.0, update_time=0, reason=""
    )
