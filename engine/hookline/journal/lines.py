"""Events as lines for people, in the order in which they happened."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hookline.clock import isoformat
from hookline.journal.connect import reading
from hookline.journal.faults import explained
from hookline.journal.rows import Row
from hookline.journal.schema import TABLES
from hookline.journal.segments import segments
from hookline.journal.text import from_json

__all__ = ["last_commit", "lines_after"]

_FILLED = ("partially_filled", "filled")


def last_commit(journal: Path) -> int:
    """Return the number of the last commit.

    Raises:
        JournalError: if the journal cannot be read.
    """
    path = segments(journal)[-1]
    with reading(path) as connection, explained(path):
        return int(connection.execute("SELECT max(number) FROM commits").fetchone()[0])


def lines_after(journal: Path, number: int) -> list[tuple[int, str]]:
    """Return the events after a commit as ``(commit, line)``, oldest first.

    Raises:
        JournalError: if the journal cannot be read.
    """
    found: list[tuple[int, str]] = []
    for path in reversed(segments(journal)):
        times, rows = _rows_after(path, number)
        found[:0] = [
            (commit, line) for commit in sorted(times) for line in _lines(times[commit], rows[commit])
        ]
        if not times or min(times) <= number + 1:
            break
    return found


def _rows_after(path: Path, number: int) -> tuple[dict[int, int], dict[int, dict[str, list[Row]]]]:
    """Return the times and the rows by table of the commits after one; each table is read from its end."""
    rows: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    with reading(path) as connection, explained(path):
        query = "SELECT number, time FROM commits WHERE number > ? ORDER BY number"
        times = dict(connection.execute(query, (number,)))
        for table in TABLES:
            newest_first = connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC")  # noqa: S608  # ours
            for row in newest_first:
                if row[0] <= number:
                    break
                rows[row[0]][table].insert(0, row[1:])
    return times, rows


def _lines(time: int, rows: Mapping[str, list[Row]]) -> Iterator[str]:
    for table in ("sessions", "starts", "bars"):
        yield from _told(time, table, rows.get(table, ()))
    yield from _order_lines(time, rows)
    for table in ("amendments", "payments", "decisions", "balances", "halts", "resumes", "states", "stops"):
        yield from _told(time, table, rows.get(table, ()))


def _order_lines(time: int, rows: Mapping[str, list[Row]]) -> Iterator[str]:
    """Yield an order just before its first update, and a fill just before the update that tells of it."""
    orders = {row[0]: row for row in rows.get("orders", ())}
    fills: dict[int, deque[Row]] = defaultdict(deque)
    for row in rows.get("fills", ()):
        fills[row[2]].append(row)
    for row in rows.get("updates", ()):
        if row[1] in orders:
            yield from _told(time, "orders", [orders.pop(row[1])])
        if row[2] in _FILLED and fills[row[1]]:
            yield from _told(time, "fills", [fills[row[1]].popleft()])
        yield from _told(time, "updates", [row])
    yield from _told(time, "orders", list(orders.values()))
    for queue in fills.values():
        yield from _told(time, "fills", list(queue))


def _told(time: int, table: str, rows: list[Row] | tuple[Row, ...]) -> Iterator[str]:
    for row in rows:
        at, what, text = _described(time, table, row)
        yield f"{isoformat(at)}  {what:<8} {text}".rstrip()


def _described(time: int, table: str, row: Row) -> tuple[int, str, str]:
    """Return the time of a row, the name of its kind and what it tells."""
    if table in ("sessions", "states"):
        return time, table[:-1], row[0] if table == "states" else f"{row[1]}, {row[2]}, file {row[0]}"
    column, what, text = _KINDS[table]
    return row[column], what, text(row)


def _order_text(row: Row) -> str:
    names = ("limit", "trigger", "trail", "trail fraction")
    prices = [f"{name} {value}" for name, value in zip(names, row[9:13], strict=True) if value]
    return " ".join([row[2], row[5], row[8], row[4], row[6], *prices])


def _fill_text(row: Row) -> str:
    liquidity = "maker" if row[10] else "taker"
    return f"order {row[2]} {row[5]} {row[7]} {row[4]} at {row[8]} fee {row[9]} {liquidity}"


def _amendment_text(row: Row) -> str:
    return f"order {row[1]} " + " ".join(f"{name} {value}" for name, value in from_json(row[2]).items())


def _decision_text(row: Row) -> str:
    order = "" if row[4] is None else f" order {row[4]}"
    return f"{row[1]} {row[2]} {row[3]}{order}: {row[5]}"


# table: (column of the time, name of the kind, what it tells)
_KINDS: dict[str, tuple[int, str, Callable[[Row], str]]] = {
    "starts": (0, "start", lambda row: f"process {row[1]}, hookline {row[2]}"),
    "bars": (2, "bar", lambda row: f"{row[0]} {' '.join(row[3:7])} volume {row[7]}"),
    "orders": (1, "order", _order_text),
    "amendments": (0, "amended", _amendment_text),
    "updates": (0, "update", lambda row: f"order {row[1]} {row[2]}{': ' if row[3] else ''}{row[3]}"),
    "fills": (1, "fill", _fill_text),
    "payments": (0, "funding", lambda row: f"{row[1]} {row[2]} {row[3]}"),
    "decisions": (0, "decision", _decision_text),
    "balances": (0, "balance", lambda row: f"{row[1]} {row[3]} {row[2]}"),
    "halts": (0, "halt", lambda row: str(row[1])),
    "resumes": (0, "resume", lambda row: str(row[1])),
    "stops": (0, "stop", lambda row: str(row[1])),
}
