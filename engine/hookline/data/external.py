"""Series beside bars, such as funding rates, open interest or index levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.columns.external_series import ExternalSeries
from hookline.data.arrays import array_of
from hookline.data.csv_table import open_csv
from hookline.data.files import is_csv
from hookline.data.layout import SYMBOL_COLUMN, find_time_column, pick_symbol
from hookline.data.parquet_file import open_parquet
from hookline.data.times import TimeUnit, times_of
from hookline.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["load_external"]

_SECOND = 10**9


def load_external(
    path: Path,
    column: str,
    *,
    lag_seconds: float = 0.0,
    symbol: str | None = None,
    time_column: str | None = None,
    time_zone: str = "UTC",
) -> ExternalSeries:
    """Load one column of a Parquet or CSV file as a series.

    Rows without a value are left out: nothing was published then.

    Args:
        path: File with times (in Parquet: nanoseconds or timestamps; in CSV: any unit or ISO text) and the column.
        column: Name of the column with the values.
        lag_seconds: How long after its time a value was known. A daily figure labelled with its date and published the next
            morning at 06:00 UTC has a lag of 30 hours; with none, a backtest reads tomorrow's paper.
        symbol: Which rows, where the file has a symbol column.
        time_column: Name of the column with the times, if it has an unusual one.
        time_zone: Zone of times that name none.

    Raises:
        DataError: if the file cannot be read, a value is not finite, or the times do not rise.
        ValueError: if the lag is negative.
    """
    if not lag_seconds >= 0:
        raise ValueError(f"lag_seconds: must be 0 or more, was {lag_seconds!r}")
    path = Path(path)
    table = (_from_csv if is_csv(path) else _from_parquet)(path, column, time_column)
    rows = np.arange(len(table.values))
    if table.symbols is not None:
        rows = np.flatnonzero(pick_symbol(table.symbols, symbol, str(path)))
    rows = rows[~np.isnan(table.values[rows])]
    if len(rows) == 0:
        raise DataError(f"{path}: column {column!r} has no values")

    def where(row: int) -> str:
        return table.where(int(rows[row]))

    time = times_of(table.times.take(rows), table.unit, time_zone, where)
    value = table.values[rows]
    _check(time, value, column, where)
    return ExternalSeries(time + round(lag_seconds * _SECOND), value)


class _Table(NamedTuple):
    times: pa.ChunkedArray
    values: NDArray[np.float64]
    symbols: pa.ChunkedArray | None
    unit: TimeUnit
    where: Callable[[int], str]


def _from_parquet(path: Path, column: str, time_column: str | None) -> _Table:
    import pyarrow as pa

    file = open_parquet(path)
    names = file.schema_arrow.names
    time = _time_name(names, column, time_column, path)
    table = file.read([name for name in (time, column, SYMBOL_COLUMN) if name in names])
    try:
        values = array_of(table[column].cast(pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"{path}: column {column!r} must hold numbers, was of type {str(table[column].type)!r}"
        ) from None
    symbols = table[SYMBOL_COLUMN] if SYMBOL_COLUMN in names else None
    return _Table(table[time], values, symbols, "ns", lambda row: f"{path}: row {row}")


def _from_csv(path: Path, column: str, time_column: str | None) -> _Table:
    file = open_csv(path)
    time = _time_name(file.names, column, time_column, path)
    table = file.read([column], [name for name in (time, SYMBOL_COLUMN) if name in file.names])
    symbols = table[SYMBOL_COLUMN] if SYMBOL_COLUMN in file.names else None
    return _Table(
        table[time], array_of(table[column]).astype(np.float64, copy=False), symbols, "auto", file.where
    )


def _time_name(names: Sequence[str], column: str, time_column: str | None, path: Path) -> str:
    time = time_column or find_time_column(names, str(path))
    for name in (time, column):
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise DataError(f"{path}: no column {name!r} among {', '.join(map(repr, names))}{hint}")
    return time


def _check(
    time: NDArray[np.int64], value: NDArray[np.float64], column: str, where: Callable[[int], str]
) -> None:
    infinite = np.isinf(value)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise DataError(f"{where(row)}: {column} must be a finite number, was {float(value[row])!r}")
    back = np.diff(time) <= 0
    if back.any():
        row = int(np.argmax(back)) + 1
        before, after = isoformat(int(time[row - 1])), isoformat(int(time[row]))
        raise DataError(f"{where(row)}: time must rise, was {after} after {before}")
