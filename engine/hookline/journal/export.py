"""A journal in other formats."""

from __future__ import annotations

import csv
import heapq
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from hookline.journal.content import JournalContent
from hookline.journal.reader import read_commits, read_journal
from hookline.journal.record import to_record
from hookline.journal.rows import Row
from hookline.journal.schema import TABLES
from hookline.journal.segments import journal_path, segments
from hookline.reporting.journal_export import journal_lines
from hookline.reporting.plain import decimal_text
from hookline.reporting.reporter import replacing

__all__ = ["export_lines", "export_tables", "export_text"]

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_Timed = tuple[int, int, str]


def export_text(path: Path, target: Path, *, states: bool = False) -> Path:
    """Write a journal as one JSON line for each event, replacing the file in one step.

    Raises:
        JournalError: if the journal cannot be read.
        OSError: if the file cannot be written.
    """
    with replacing(target) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in export_lines(path, states=states))
    return target


def export_lines(path: Path, *, states: bool = False) -> Iterator[str]:
    """Yield a journal's events as JSON texts, oldest first.

    Those that a run's ``journal.jsonl`` has are the same to the byte; between them stand decisions, halts, resumes, balances,
    amendments and, if wanted, states.

    Raises:
        JournalError: if the journal cannot be read.
    """
    content = read_journal(path)
    lines = journal_lines(to_record(content))
    yield next(lines)
    told = _timed(lines)
    more = sorted(_more(content), key=lambda one: one[0])
    changed = _states(path) if states else iter(())
    for _, _, line in heapq.merge(told, more, changed, key=lambda one: one[:2]):
        yield line


def _timed(lines: Iterator[str]) -> Iterator[_Timed]:
    for line in lines:
        yield json.loads(line)["time"], 0, line


def _more(content: JournalContent) -> Iterator[_Timed]:
    def event(kind: str, time: int, **fields: Any) -> _Timed:
        return time, 1, _encode({"event": kind, "time": time, **fields})

    for amendment in content.amendments:
        changes = {
            name: decimal_text(value) if isinstance(value, float) else value
            for name, value in amendment.changes.items()
        }
        yield event("amendment", amendment.time, order=amendment.order_number, changes=changes)
    for decision in content.decisions:
        fields = decision._asdict()
        yield event("decision", fields.pop("time"), order=fields.pop("order_number"), **fields)
    for balance in content.balances:
        cash = decimal_text(balance.cash)
        yield event("balance", balance.time, ledger=balance.ledger, wallet=balance.wallet, cash=cash)
    for time, reason in content.halts:
        yield event("halt", time, reason=reason)
    for time, reason in content.resumes:
        yield event("resume", time, reason=reason)


def _states(path: Path) -> Iterator[_Timed]:
    for _, time, table, row in _rows(path):
        if table == "states":
            state = json.loads(row[1])
            yield time, 2, _encode({"event": "state", "time": time, "owner": row[0], "state": state})


def _rows(path: Path) -> Iterator[tuple[int, int, str, Row]]:
    digest = None
    for segment in segments(journal_path(path)):
        for commit in read_commits(segment, digest):
            digest = commit.digest
            for table, rows in commit.rows.items():
                for row in rows:
                    yield commit.number, commit.time, table, row


def export_tables(path: Path, folder: Path, form: Literal["csv", "parquet"]) -> list[Path]:
    """Write every table that has rows into a folder, one file each, and return the files.

    Raises:
        JournalError: if the journal cannot be read.
        OSError: if a file cannot be written.
    """
    tables: dict[str, list[Row]] = {}
    for number, _, table, row in _rows(path):
        if table != "checkpoints":
            tables.setdefault(table, []).append((number, *row))
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for table, rows in tables.items():
        target = folder / f"{table}.{form}"
        with replacing(target) as part:
            _write_csv(part, table, rows) if form == "csv" else _write_parquet(part, table, rows)
        files.append(target)
    return files


def _names(table: str) -> list[str]:
    return ["commit_number", *TABLES[table]]


def _write_csv(path: Path, table: str, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_names(table))
        writer.writerows(rows)


def _write_parquet(path: Path, table: str, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = ["INTEGER", *TABLES[table].values()]
    types = [pa.int64() if kind.startswith("INTEGER") else pa.string() for kind in kinds]
    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    pq.write_table(pa.table(columns, names=_names(table)), path, compression="zstd")
