"""Bars in Parquet files: reading only the columns and rows that are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.arrays import array_of
from hookline.data.layout import Layout, find_layout, pick_symbol
from hookline.data.parquet_file import file_metadata, metadata_timeframe, open_parquet
from hookline.data.raw import RawBars, range_text
from hookline.data.times import TimeUnit, infer_timeframe, times_of
from hookline.errors import DataError
from hookline.model import BarSeries, Timeframe, timeframe_ns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["read_parquet", "symbols_in"]

_Rows = slice | NDArray[np.bool_]


def read_parquet(
    path: Path,
    symbol: str | None = None,
    *,
    since: int | None = None,
    until: int | None = None,
    columns: Mapping[str, str] | None = None,
    timeframe: Timeframe | None = None,
    default_timeframe: Timeframe = "1m",
    time_unit: TimeUnit = "ns",
) -> RawBars:
    """Read bars that start in ``[since, until)`` without checking them.

    Args:
        path: A file with a time (int64 in ``time_unit``, timestamps, dates or ISO text: a bar's start), open, high, low,
            close, and perhaps volume (else 0) and symbol.
        symbol: Which instrument; needed where the file has a symbol column with more than one.
        since: First start, nanoseconds UTC.
        until: First start that is too late, nanoseconds UTC.
        columns: Names of columns, ours to theirs, where they differ by more than case.
        timeframe: Timeframe of the bars; else what the file's metadata says, else the most frequent step.
        default_timeframe: Timeframe where nothing tells it.
        time_unit: What integer times count.

    Raises:
        DataError: if the file cannot be read, lacks a column, or has no rows in the range.
    """
    file = open_parquet(path)
    source, metadata = str(path), file_metadata(file)
    layout = find_layout(file.schema_arrow.names, source, columns)
    _check_symbol(layout, metadata, symbol, source)
    between = (since, until) if time_unit == "ns" else (None, None)
    groups = _row_groups(file, layout, symbol, between)
    part = _Part(file, source, groups)
    start = part.times(layout.time, time_unit)
    _check_unit(start, timeframe or metadata_timeframe(metadata), source)
    rows = _rows(start, since, until, part.mask(layout.symbol, symbol))
    part = _Part(file, source, groups, rows)
    start = _pick(start, rows)
    if len(start) == 0:
        span = _span(_Part(file, source, list(range(file.num_row_groups))).times(layout.time, time_unit))
        raise DataError(f"{source}: no bars{range_text(since, until)}; the file has {span}")
    prices: dict[str, Any] = {name: part.floats(getattr(layout, name)) for name in BarSeries.PRICES}
    volume = np.zeros(len(start)) if layout.volume is None else part.floats(layout.volume)
    stored = timeframe or metadata_timeframe(metadata) or infer_timeframe(start) or default_timeframe
    named = layout.symbol is not None or "symbol" in metadata
    name = symbol or metadata.get("symbol", "")
    return RawBars(source, name, stored, start, **prices, volume=volume, named=named, where=part.where)


def symbols_in(path: Path, columns: Mapping[str, str] | None = None) -> list[str]:
    """Return the symbols a file holds: those of its symbol column, else the one in its metadata, else none.

    Raises:
        DataError: if the file cannot be read or is not one of bars.
    """
    file = open_parquet(path)
    layout = find_layout(file.schema_arrow.names, str(path), columns)
    if layout.symbol is None:
        symbol = file_metadata(file).get("symbol")
        return [] if symbol is None else [symbol]
    return sorted(str(symbol) for symbol in file.read([layout.symbol]).column(0).unique().to_pylist())


@dataclass(frozen=True, eq=False)
class _Part:
    """Some row groups of a file, and the rows in them that are wanted."""

    file: pq.ParquetFile
    source: str
    groups: list[int]
    rows: _Rows = field(default_factory=lambda: slice(None))

    def times(self, name: str, unit: TimeUnit) -> NDArray[np.int64]:
        return times_of(self._column(name), unit, "UTC", self.where)

    def floats(self, name: str) -> NDArray[np.float64]:
        import pyarrow as pa

        lengths = [self.file.metadata.row_group(group).num_rows for group in self.groups]
        values = np.empty(sum(lengths))
        # One row group after the other, so that the file's buffers stay small beside the column itself.
        for group, end in zip(self.groups, np.cumsum(lengths).tolist(), strict=True):
            column = self._column(name, [group])
            try:
                values[end - len(column) : end] = array_of(column.cast(pa.float64()))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                kind = str(column.type)
                raise DataError(
                    f"{self.source}: column {name!r} must hold numbers, was of type {kind!r}"
                ) from None
        return _pick(values, self.rows)

    def mask(self, name: str | None, symbol: str | None) -> NDArray[np.bool_] | None:
        """Return which rows are those of the symbol, None where the file has no such column."""
        if name is None:
            return None
        column = self._column(name)
        if symbol is not None and symbol not in column.unique().to_pylist():
            pick_symbol(self.file.read([name]).column(0), symbol, self.source)
            return np.zeros(len(column), np.bool_)
        return pick_symbol(column, symbol, self.source)

    def where(self, row: int) -> str:
        """Return the address of one of the wanted rows: its place in the file, counted from 0."""
        picked = self.rows
        place = (picked.start or 0) + row if isinstance(picked, slice) else int(np.flatnonzero(picked)[row])
        lengths = [self.file.metadata.row_group(group).num_rows for group in range(self.file.num_row_groups)]
        for group in self.groups:
            if place < lengths[group]:
                return f"{self.source}: row {sum(lengths[:group]) + place}"
            place -= lengths[group]
        return self.source

    def _column(self, name: str, groups: list[int] | None = None) -> pa.ChunkedArray:
        return self.file.read_row_groups(groups or self.groups, columns=[name], use_threads=False).column(0)


def _pick(values: NDArray[Any], rows: _Rows) -> NDArray[Any]:
    """Return the rows as an array that owns its memory, so that the rest is let go."""
    picked = values[rows]
    return values if len(picked) == len(values) else picked.copy()


def _rows(
    start: NDArray[np.int64], since: int | None, until: int | None, mask: NDArray[np.bool_] | None
) -> _Rows:
    if mask is None:
        if since is None and until is None:
            return slice(None)
        mask = np.ones(len(start), np.bool_)
    if since is not None:
        mask &= start >= since
    if until is not None:
        mask &= start < until
    rows = np.flatnonzero(mask)
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return mask


def _row_groups(
    file: pq.ParquetFile, layout: Layout, symbol: str | None, between: tuple[int | None, int | None]
) -> list[int]:
    """Return the row groups that may hold rows of the request, by their statistics; at least one."""
    since, until = between
    names = file.schema_arrow.names
    kept = []
    for group in range(file.num_row_groups):
        columns = file.metadata.row_group(group)
        first, last = _bounds(columns.column(names.index(layout.time)))
        if isinstance(first, int) and (
            (since is not None and last < since) or (until is not None and first >= until)
        ):
            continue
        if symbol is not None and layout.symbol is not None:
            first, last = _bounds(columns.column(names.index(layout.symbol)))
            if isinstance(first, str) and not first <= symbol <= last:
                continue
        kept.append(group)
    return kept or [0]


def _bounds(chunk: pq.ColumnChunkMetaData) -> tuple[Any, Any]:
    stats = chunk.statistics
    return (stats.min, stats.max) if stats is not None and stats.has_min_max else (None, None)


def _check_symbol(layout: Layout, metadata: Mapping[str, str], symbol: str | None, source: str) -> None:
    have = metadata.get("symbol")
    if layout.symbol is None and symbol is not None and have not in (None, symbol):
        hint = f"if they are the right ones, say so: symbols: {{{symbol}: {have}}}"
        raise DataError(f"{source}: must hold bars of {symbol!r}, its metadata says {have!r}; {hint}")


def _check_unit(start: NDArray[np.int64], timeframe: Timeframe | None, source: str) -> None:
    """Refuse integers of seconds to microseconds that were read as nanoseconds: all of them lie close to 1970."""
    if len(start) < 2 or timeframe is None:
        return
    step = int(np.abs(np.diff(start[:1000])).max())
    for unit, factor in (("us", 10**3), ("ms", 10**6), ("s", 10**9)):
        if 0 < step < timeframe_ns(timeframe) <= step * factor:
            first = isoformat(int(start[0]))
            rule = f"integer times must be nanoseconds, the first one reads as {first}"
            raise DataError(f"{source}: {rule}; set time_unit: {unit}")


def _span(times: NDArray[np.int64]) -> str:
    return f"{isoformat(int(times.min()))} to {isoformat(int(times.max()))}"
