"""Reading a journal: commit by commit, with the chain of digests checked on the way."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hookline.errors import DataError, JournalError
from hookline.journal.chain import FIRST_DIGEST, chained
from hookline.journal.checkpoint import restore
from hookline.journal.connect import reading
from hookline.journal.content import JournalContent, Start, Stop
from hookline.journal.faults import damaged, explained
from hookline.journal.header import SessionHeader
from hookline.journal.replay import Replay
from hookline.journal.rows import Row, batch_of
from hookline.journal.schema import TABLES
from hookline.journal.segments import journal_path, segments
from hookline.journal.text import from_json
from hookline.model import Bar, BarSeries, timeframe_of

__all__ = ["Commit", "read_commits", "read_journal"]


class Commit(NamedTuple):
    """One event as it was written; ``rows`` is by table, rows without the number of the commit."""

    number: int
    time: int
    position: str
    digest: bytes
    rows: dict[str, list[Row]]


def read_journal(path: Path, *, last_segment: bool = False) -> JournalContent:
    """Read a journal and rebuild what it tells.

    Args:
        path: The file or its folder.
        last_segment: Read only the last file, which is enough to go on: what stood when it was begun is in it.

    Raises:
        JournalError: if the journal cannot be read, is damaged, or tells something impossible.
    """
    paths = segments(journal_path(path))
    builder = _Builder(paths)
    for segment in paths[-1:] if last_segment else paths:
        for commit in read_commits(segment, builder.digest):
            with _told_of(segment, commit.number):
                builder.apply(commit)
    with _told_of(paths[-1], builder.commits):
        return builder.content()


@contextmanager
def _told_of(path: Path, commit: int) -> Iterator[None]:
    """Say where it is that something impossible stands."""
    try:
        yield
    except JournalError as error:
        raise damaged(path, f"commit {commit}: {str(error).removeprefix('journal: ')}") from error


def read_commits(path: Path, digest: bytes | None = None) -> Iterator[Commit]:
    """Yield the commits of one file.

    Args:
        path: The file.
        digest: Digest of the last commit of the file before, None to take the one that the file names.

    Raises:
        JournalError: if the chain of digests breaks, or the file cannot be read.
    """
    with reading(path) as connection, explained(path):
        tables = {table: _Table(connection, table) for table in TABLES}
        number = None
        for row in connection.execute("SELECT number, time, position, digest FROM commits ORDER BY number"):
            if number is not None and row[0] != number + 1:
                raise damaged(path, f"commit {number + 1} is missing")
            number = row[0]
            found = {name: rows for name, table in tables.items() if (rows := table.take(number))}
            bare = {name: [one[1:] for one in rows] for name, rows in found.items()}
            commit = Commit(row[0], row[1], row[2], row[3], bare)
            if digest is None:
                digest = _named_digest(commit, path)
            digest = chained(digest, number, commit.time, commit.position, list(found.items()))
            if digest != commit.digest:
                raise damaged(path, f"commit {number}: its rows do not fit its digest")
            yield commit
        if number is None:
            raise damaged(path, "it has no commit")
        for name, table in tables.items():
            if table.head is not None:
                raise damaged(path, f"table {name} has rows of commit {table.head[0]}, which is missing")


def _named_digest(commit: Commit, path: Path) -> bytes:
    checkpoints = commit.rows.get("checkpoints")
    if not checkpoints:
        return FIRST_DIGEST
    try:
        return bytes.fromhex(from_json(checkpoints[0][0])["digest"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, f"commit {commit.number}: its checkpoint cannot be read") from error


class _Table:
    """Rows of one table in the order in which they were written."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._rows = connection.execute(f"SELECT * FROM {name} ORDER BY rowid")  # noqa: S608  # a name of ours
        self.head: Row | None = self._rows.fetchone()

    def take(self, commit: int) -> list[Row]:
        """Return the next rows if they are of a commit."""
        found: list[Row] = []
        head = self.head
        while head is not None and head[0] == commit:
            found.append(head)
            head = self._rows.fetchone()
        self.head = head
        return found


class _Columns:
    """Bars of one symbol, as columns that grow."""

    def __init__(self) -> None:
        self._start = array("q")
        self._values = [array("d") for _ in range(5)]
        self._duration = 0

    def append(self, bar: Bar) -> None:
        self._start.append(bar.start)
        self._duration = bar.end - bar.start
        values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        for column, value in zip(self._values, values, strict=True):
            column.append(value)

    def series(self, symbol: str) -> BarSeries:
        columns: list[Any] = [self._start, *self._values]
        try:
            return BarSeries(symbol, timeframe_of(self._duration), *columns)
        except (DataError, ValueError) as error:
            raise JournalError(f"journal: bars cannot be put together: {error}") from error


class _Builder:
    """Puts a content together, commit by commit."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._content: JournalContent | None = None
        self._replay: Replay | None = None
        self._paths = list(paths)
        self._columns: dict[str, _Columns] = {}
        self.digest: bytes | None = None
        self.commits = 0

    def apply(self, commit: Commit) -> None:
        """Add one commit."""
        self._follow_session(commit)
        content, replay = self._content, self._replay
        if content is None or replay is None:
            raise JournalError("journal: must begin with a session")
        rows = commit.rows
        content.starts += [Start(*row) for row in rows.get("starts", ())]
        content.stops += [Stop(*row) for row in rows.get("stops", ())]
        position = from_json(commit.position)
        batch = batch_of(commit.time, position, rows, replay.header.instruments, replay.orders)
        replay.apply(batch, batch.orders)
        for name in _LISTS:
            getattr(content, name).extend(getattr(batch, name))
        content.states |= batch.states
        for bar in batch.bars:
            self._columns.setdefault(bar.symbol, _Columns()).append(bar)
        content.first_time = content.first_time or commit.time
        content.time, content.position = commit.time, position
        self.digest, self.commits = commit.digest, commit.number

    def _follow_session(self, commit: Commit) -> None:
        for row in commit.rows.get("sessions", ()):
            header = SessionHeader.from_text(row[1], row[2], row[3], row[5])
            if self._replay is None:
                self._replay, self._content = Replay(header), JournalContent(self._paths, header)
                for (text,) in commit.rows.get("checkpoints", ()):
                    restore(text, self._replay, self._content)
            elif self._content is not None:
                self._replay.set_header(header)
                self._content.header = header

    def content(self) -> JournalContent:
        """Return what was put together."""
        content, replay = self._content, self._replay
        assert content is not None, "a file has a commit, and the first one a session"
        assert replay is not None, "made together with the content"
        content.series = {symbol: columns.series(symbol) for symbol, columns in self._columns.items()}
        content.bar_ends = replay.bar_ends
        content.ledgers, content.halted = replay.ledgers, replay.halted
        content.last_order, content.last_fill = replay.last_order, replay.last_fill
        content.commits, content.digest = self.commits, self.digest or b""
        return content


_LISTS = (
    "orders", "updates", "fills", "seen", "payments", "decisions", "balances", "amendments", "halts", "resumes",
)  # fmt: skip
