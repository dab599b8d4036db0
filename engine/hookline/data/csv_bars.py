"""CSV files of bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.data.arrays import array_of
from hookline.data.csv_table import CsvFormat, CsvTable, open_csv
from hookline.data.layout import Layout, find_layout, pick_symbol
from hookline.data.raw import RawBars
from hookline.data.times import infer_timeframe, times_of
from hookline.model import BarSeries, Timeframe, timeframe_ns

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["csv_symbols", "read_csv"]


def read_csv(
    path: Path,
    symbol: str | None = None,
    form: CsvFormat | None = None,
    *,
    since: int | None = None,
    until: int | None = None,
    timeframe: Timeframe | None = None,
    default_timeframe: Timeframe = "1m",
) -> RawBars:
    """Read the bars of a CSV file that start in ``[since, until)`` without checking them.

    Args:
        path: A file with a time, open, high, low, close, and perhaps volume (else 0) and symbol.
        symbol: Which instrument; needed where the file has a symbol column with more than one.
        form: How to read it.
        since: First start, nanoseconds UTC.
        until: First start that is too late, nanoseconds UTC.
        timeframe: Timeframe of the bars; else the most frequent step.
        default_timeframe: Timeframe where nothing tells it.

    Raises:
        DataError: if the file cannot be read (with the line), lacks a column, or has no rows in the range.
    """
    file, layout = _open(path, form)
    prices = [name for name in (getattr(layout, ours) for ours in BarSeries.COLUMNS) if name]
    table = file.read(prices, [name for name in (layout.time, layout.symbol) if name])
    rows = _rows(table, layout, symbol, file)
    if len(rows) < len(table) or file.form.newest_first:
        table = table.take(rows)

    def where(row: int) -> str:
        return file.where(int(rows[row]))

    start = times_of(table[layout.time], file.form.time_unit, file.form.time_zone, where)
    stored = timeframe or infer_timeframe(start) or default_timeframe
    if file.form.label == "close":
        start -= timeframe_ns(stored)
    columns: dict[str, Any] = {name: _floats(table, getattr(layout, name)) for name in BarSeries.COLUMNS}
    named = layout.symbol is not None
    raw = RawBars(str(path), symbol or "", stored, start, **columns, named=named, where=where)
    return raw.between(since, until)


def csv_symbols(path: Path, form: CsvFormat | None = None) -> list[str]:
    """Return the symbols in a file's symbol column, none if it has no such column.

    Raises:
        DataError: if the file cannot be read or is not one of bars.
    """
    file, layout = _open(path, form)
    if layout.symbol is None:
        return []
    return sorted(
        str(symbol) for symbol in file.read([], [layout.symbol])[layout.symbol].unique().to_pylist()
    )


def _open(path: Path, form: CsvFormat | None) -> tuple[CsvTable, Layout]:
    file = open_csv(path, form)
    return file, find_layout(file.names, str(path), file.form.columns, time_column=file.form.time_column)


def _rows(table: pa.Table, layout: Layout, symbol: str | None, file: CsvTable) -> NDArray[np.int64]:
    """Return the rows of the symbol, oldest first."""
    rows = np.arange(len(table))
    if layout.symbol is not None:
        rows = rows[pick_symbol(table[layout.symbol], symbol, str(file.path))]
    return rows[::-1] if file.form.newest_first else rows


def _floats(table: pa.Table, name: str | None) -> NDArray[np.float64]:
    return np.zeros(len(table)) if name is None else array_of(table[name]).astype(np.float64, copy=False)
