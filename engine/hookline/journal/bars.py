"""The last bars of a journal, from as few files as will do: what columns are warmed up with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hookline.errors import DataError
from hookline.journal.connect import reading
from hookline.journal.faults import damaged, explained
from hookline.journal.segments import journal_path, segments
from hookline.model import Bar, BarSeries, timeframe_of

__all__ = ["all_bars", "recent_bars"]

_QUERY = """
    SELECT start_time, end_time, open, high, low, close, volume FROM bars
    WHERE symbol = ? ORDER BY rowid DESC LIMIT ?
"""


def all_bars(path: Path) -> Iterator[Bar]:
    """Yield every bar in the order in which it was handled, of all files; little of it is in memory at a time.

    Args:
        path: The journal or its folder.

    Raises:
        JournalError: if the journal cannot be read.
    """
    query = "SELECT symbol, start_time, end_time, open, high, low, close, volume FROM bars ORDER BY rowid"
    for file in segments(journal_path(path)):
        with reading(file) as connection, explained(file):
            for symbol, start, end, *values in connection.execute(query):
                yield Bar(symbol, start, end, *map(float, values))


def recent_bars(path: Path, symbol: str, count: int) -> BarSeries | None:
    """Return the last bars of a symbol, oldest first: ``count`` of them, or all if there are fewer; None if there are none.

    Args:
        path: The journal or its folder.
        symbol: Name of the instrument.
        count: How many bars are needed.

    Raises:
        JournalError: if the journal cannot be read.
    """
    newest_first: list[tuple[Any, ...]] = []
    for file in reversed(segments(journal_path(path))):
        with reading(file) as connection, explained(file):
            newest_first += connection.execute(_QUERY, (symbol, count - len(newest_first))).fetchall()
        if len(newest_first) >= count:
            break
    if not newest_first:
        return None
    start, _, *values = zip(*reversed(newest_first), strict=True)
    columns: list[Any] = [start, *([float(text) for text in column] for column in values)]
    try:
        return BarSeries(symbol, timeframe_of(newest_first[0][1] - newest_first[0][0]), *columns)
    except (DataError, ValueError) as error:
        raise damaged(path, str(error)) from error
