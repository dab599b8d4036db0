"""Parquet files: opening them with a clear complaint, and writing without half-written files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import DataError
from hookline.model import BarSeries, Timeframe, timeframe_ns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["file_metadata", "metadata_timeframe", "open_parquet", "write_parquet", "write_table"]

# Row groups are small enough to skip most of a long file, large enough to compress well. Prices rarely repeat exactly, so
# a dictionary is of no use; times are all steps of one length.
_ENCODING: dict[str, Any] = {
    "compression": "zstd",
    "row_group_size": 131_072,
    "use_dictionary": False,
    "column_encoding": {"ts": "DELTA_BINARY_PACKED"},
}


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
    # Arrow opens files without Python; a check that asks which files a strategy reads shall know of it all the same.
    sys.audit("open", str(path), "rb", 0)
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a Parquet file: {_first_sentence(error)}") from None
    if file.metadata.num_rows == 0:
        raise DataError(f"{path}: the file has no rows")
    return file


def file_metadata(file: pq.ParquetFile) -> dict[str, str]:
    """Return the text metadata of a Parquet file's schema."""
    raw = file.schema_arrow.metadata or {}
    return {key.decode(): value.decode(errors="replace") for key, value in raw.items()}


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
    import pyarrow as pa

    about = {"symbol": series.symbol, "timeframe": series.timeframe, "ts_unit": "ns since Unix epoch, UTC"}
    columns: dict[str, Any] = {"ts": series.start} | {
        name: getattr(series, name) for name in BarSeries.COLUMNS
    }
    write_table(path, pa.table(columns).replace_schema_metadata({**(metadata or {}), **about}), _ENCODING)


def write_table(path: Path, table: pa.Table, encoding: Mapping[str, Any]) -> None:
    """Write a table; the file is complete or not there at all, even if the process is killed meanwhile.

    Args:
        path: Where to; folders are made.
        table: What to write, with its metadata.
        encoding: Arguments for ``pyarrow.parquet.write_table``.
    """
    import os

    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            pq.write_table(table, stream, **encoding)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _first_sentence(error: Exception) -> str:
    return str(error).strip().splitlines()[0].split(". ")[0].rstrip(".")
