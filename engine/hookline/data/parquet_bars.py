"""Parquet files of bars: reading only the columns and rows that are needed, and writing without half-written files."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.layout import Layout, find_layout
from hookline.data.raw import RawBars
from hookline.data.times import TimeUnit, infer_timeframe, times_of
from hookline.errors import DataError
from hookline.model import BarSeries, Timeframe, timeframe_ns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "file_metadata",
    "metadata_timeframe",
    "open_parquet",
    "read_parquet",
    "symbols_in",
    "write_parquet",
]

_ROW_GROUP = 131_072  # rows; small enough to skip most of a long file, large enough to compress well


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file that has rows.

    Raises:
        DataError: if there is no such file, it is not Parquet, or it is empty.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path}: must be a Parquet file, was a folder")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a Parquet file: {_first_line(error)}") from None
    if file.metadata.num_rows == 0:
        raise DataError(f"{path}: the file has no rows")
    return file


def file_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """Return the text metadata of a Parquet file's schema."""
    raw = file.schema_arrow.metadata or {}
    return {key.decode(): value.decode(errors="replace") for key, value in raw.items()}


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
        path: A file with a time (int64 in ``time_unit``, timestamps, dates or ISO text: a bar's start), open, high, low, close,
            and perhaps volume (else 0) and symbol.
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
    groups = _row_groups(file, layout, symbol, (since, until) if time_unit == "ns" else (None, None))
    start = times_of(_read(file, groups, layout.time), time_unit, "UTC", lambda row: f"{source}: row {row}")
    _check_unit(start, timeframe or metadata_timeframe(metadata), source)
    rows = _rows(start, since, until, _symbol_mask(file, groups, layout, symbol, source))
    start = _pick(start, rows)
    if len(start) == 0:
        raise DataError(
            f"{source}: no bars{_range_text(since, until)}; the file has {_span(file, layout, time_unit)}"
        )
    prices = {name: _floats(file, groups, getattr(layout, name), rows) for name in BarSeries.PRICES}
    volume = np.zeros(len(start)) if layout.volume is None else _floats(file, groups, layout.volume, rows)
    stored = timeframe or metadata_timeframe(metadata) or infer_timeframe(start) or default_timeframe
    named = layout.symbol is not None or "symbol" in metadata
    name = symbol or metadata.get("symbol", "")
    return RawBars(source, name, stored, start, **prices, volume=volume, named=named)


def metadata_timeframe(metadata: Mapping[str, str]) -> Timeframe | None:
    """Return the timeframe that a file's metadata names, None if it names none that we know."""
    text = metadata.get("timeframe") or metadata.get("interval") or ""
    try:
        timeframe_ns(text)
    except ValueError:
        return None
    return text


def write_parquet(path: Path, series: BarSeries, metadata: Mapping[str, str] | None = None) -> None:
    """Write a series; the file is complete or not there at all, even if the process is killed meanwhile."""
    import os

    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {"symbol": series.symbol, "timeframe": series.timeframe, "ts_unit": "ns since Unix epoch, UTC"}
    columns: dict[str, Any] = {"ts": series.start} | {
        name: getattr(series, name) for name in BarSeries.COLUMNS
    }
    table = pa.table(columns).replace_schema_metadata({**(metadata or {}), **about})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            pq.write_table(table, stream, compression="zstd", use_dictionary=False, row_group_size=_ROW_GROUP)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _read(file: pq.ParquetFile, groups: list[int], name: str) -> pa.ChunkedArray:
    return file.read_row_groups(groups, columns=[name], use_threads=False).column(0)


def _floats(
    file: pq.ParquetFile, groups: list[int], name: str, rows: slice | NDArray[np.bool_]
) -> NDArray[np.float64]:
    import pyarrow as pa

    column = _read(file, groups, name)
    try:
        values = column.cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"column {name!r} must hold numbers, was of type {str(column.type)!r}") from None
    return _pick(values.to_numpy(), rows)


def _pick(values: NDArray[Any], rows: slice | NDArray[np.bool_]) -> NDArray[Any]:
    """Return the rows as an array that owns its memory and can be written, so that the file's buffers are let go."""
    picked = values[rows]
    return picked if picked.base is None and picked.flags.writeable else picked.copy()


def _rows(
    start: NDArray[np.int64], since: int | None, until: int | None, mask: NDArray[np.bool_] | None
) -> slice | NDArray[np.bool_]:
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
    names = file.schema_arrow.names
    time, label = names.index(layout.time), names.index(layout.symbol) if layout.symbol else None
    kept = []
    for group in range(file.num_row_groups):
        stats = file.metadata.row_group(group).column(time).statistics
        low, high = (stats.min, stats.max) if stats is not None and stats.has_min_max else (None, None)
        if isinstance(low, int) and isinstance(high, int):
            since, until = between
            if (since is not None and high < since) or (until is not None and low >= until):
                continue
        stats = None if label is None else file.metadata.row_group(group).column(label).statistics
        if (
            symbol is not None
            and stats is not None
            and stats.has_min_max
            and not stats.min <= symbol <= stats.max
        ):
            continue
        kept.append(group)
    return kept or [0]


def _symbol_mask(
    file: pq.ParquetFile, groups: list[int], layout: Layout, symbol: str | None, source: str
) -> NDArray[np.bool_] | None:
    import pyarrow.compute as pc

    if layout.symbol is None:
        return None
    column = _read(file, groups, layout.symbol)
    if symbol is not None:
        mask: NDArray[np.bool_] = pc.fill_null(pc.equal(column, symbol), fill_value=False).to_numpy().copy()
        if mask.any():
            return mask
    have = sorted(str(name) for name in file.read([layout.symbol]).column(0).unique().to_pylist())
    if symbol in have:
        return mask
    if symbol is None and len(have) == 1:
        return None
    found = "none was named" if symbol is None else f"was asked for {symbol!r}"
    close = get_close_matches(symbol or "", have, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise DataError(f"{source}: holds {', '.join(have)}; {found}{hint}")


def _check_symbol(layout: Layout, metadata: Mapping[str, str], symbol: str | None, source: str) -> None:
    have = metadata.get("symbol")
    if layout.symbol is None and symbol is not None and have not in (None, symbol):
        hint = f"if they are the right ones, say so: symbols: {{{symbol}: {have}}}"
        raise DataError(f"{source}: must hold bars of {symbol!r}, its metadata says {have!r}; {hint}")


def _check_unit(start: NDArray[np.int64], timeframe: Timeframe | None, source: str) -> None:
    """Refuse integers of seconds to microseconds that were read as nanoseconds: all of them lie within hours of 1970."""
    if len(start) < 2 or timeframe is None:
        return
    step = int(np.median(np.diff(start[:1000])))
    for unit, factor in (("us", 10**3), ("ms", 10**6), ("s", 10**9)):
        if 0 < step < timeframe_ns(timeframe) <= step * factor:
            first = isoformat(int(start[0]))
            raise DataError(
                f"{source}: integer times must be nanoseconds, the first reads as {first}; set time_unit: {unit}"
            )


def _span(file: pq.ParquetFile, layout: Layout, time_unit: TimeUnit) -> str:
    times = times_of(_read(file, list(range(file.num_row_groups)), layout.time), time_unit, "UTC", str)
    return f"{isoformat(int(times.min()))} to {isoformat(int(times.max()))}"


def _range_text(since: int | None, until: int | None) -> str:
    after = f" from {isoformat(since)}" if since is not None else ""
    return after + (f" before {isoformat(until)}" if until is not None else "")
