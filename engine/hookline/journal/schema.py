"""The tables of a journal, and how an older file becomes a newer one.

Rules of this file:

- Every row belongs to a commit; rows are only ever added. Triggers refuse updates and deletions.
- Prices, quantities and money are decimal text, times integer nanoseconds UTC, structures JSON.
- A column that a later version adds comes last and is NULL in older rows, so that their digests stay true.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from hookline.errors import JournalError

__all__ = [
    "APPLICATION_ID",
    "COMMITS_INSERT",
    "INSERTS",
    "MIGRATIONS",
    "TABLES",
    "VERSION",
    "check_identity",
    "create_tables",
    "migrate",
    "statements",
]

VERSION = 1
# "HKLN": tells a journal from any other SQLite file.
APPLICATION_ID = 0x484B4C4E
# version: the statements that lead from it to the next one
MIGRATIONS: dict[int, Sequence[str]] = {}

_I, _T = "INTEGER", "TEXT"

# table: its columns after ``commit_number``; "?" marks those that may be NULL. Rows of a commit are chained in this order.
TABLES: Mapping[str, Mapping[str, str]] = {
    "sessions": {
        "segment": _I, "name": _T, "mode": _T, "currency": _T, "config_hash": _T, "header": _T, "version": _T,
    },
    "checkpoints": {"state": _T},
    "starts": {"time": _I, "pid": _I, "engine": _T},
    "bars": {
        "symbol": _T, "start_time": _I, "end_time": _I,
        "open": _T, "high": _T, "low": _T, "close": _T, "volume": _T,
    },
    "orders": {
        "number": _I, "time": _I, "client_order_id": _T, "strategy": _T, "symbol": _T, "side": _T, "type": _T,
        "lots": _I, "quantity": _T, "limit_price": "TEXT?", "trigger_price": "TEXT?", "trail_amount": "TEXT?",
        "trail_fraction": "TEXT?", "time_in_force": _T, "expire_time": "INTEGER?", "post_only": _I,
        "reduce_only": _I, "parent": "INTEGER?", "children": _T, "oco_leader": "INTEGER?", "tag": _T,
        "more": "TEXT?",
    },
    "amendments": {"time": _I, "order_number": _I, "changes": _T},
    "updates": {"time": _I, "order_number": _I, "status": _T, "reason": _T},
    "fills": {
        "number": _I, "time": _I, "order_number": _I, "strategy": _T, "symbol": _T, "side": _T, "lots": _I,
        "quantity": _T, "price": _T, "fee": _T, "is_maker": _I, "seen": "INTEGER?", "more": "TEXT?",
    },
    "payments": {"time": _I, "strategy": _T, "symbol": _T, "amount": _T},
    "decisions": {
        "time": _I, "rule": _T, "verdict": _T, "strategy": _T, "order_number": "INTEGER?", "reason": _T,
    },
    "balances": {"time": _I, "ledger": _T, "wallet": _T, "cash": _T},
    "halts": {"time": _I, "reason": _T},
    "resumes": {"time": _I, "reason": _T},
    "states": {"owner": _T, "state": _T},
    "stops": {"time": _I, "reason": _T},
}  # fmt: skip


def _insert(table: str, count: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * count)})"  # noqa: S608  # names of ours


INSERTS = {table: _insert(table, len(columns) + 1) for table, columns in TABLES.items()}
COMMITS_INSERT = _insert("commits", 4)


def statements() -> dict[str, str]:
    """Return the statement that creates each table and trigger, by name."""
    made = {
        "commits": "CREATE TABLE commits (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, "
        "position TEXT NOT NULL, digest BLOB NOT NULL) STRICT"
    }
    for table, columns in TABLES.items():
        parts = ["commit_number INTEGER NOT NULL"]
        parts += [f"{name} {kind.rstrip('?')}{_null(kind)}" for name, kind in columns.items()]
        made[table] = f"CREATE TABLE {table} ({', '.join(parts)}) STRICT"
    for table in list(made):
        for event in ("UPDATE", "DELETE"):
            name = f"{table}_no_{event.lower()}"
            made[name] = (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'a journal is only ever added to'); END"
            )
    return made


def _null(kind: str) -> str:
    return "" if kind.endswith("?") else " NOT NULL"


def create_tables(connection: sqlite3.Connection) -> None:
    """Create every table and trigger in an empty file, within the transaction of the caller."""
    for statement in statements().values():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def check_identity(connection: sqlite3.Connection, where: object) -> int:
    """Return the schema version of a journal.

    Raises:
        JournalError: if the file is no journal, or one of a newer hookline.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError(f"journal {where}: must be a journal of hookline, was another SQLite file")
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise JournalError(
            f"journal {where}: schema version must be {VERSION} or less, was {version}; "
            "it was written by a newer hookline: use that one"
        )
    return version


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Lead a file from a version to ours, step by step in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range(version, VERSION):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
