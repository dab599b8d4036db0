"""Data of a study that is in memory, written once where every process finds it.

Rules of this file:

- What is written is named by its content: the same data is one folder, and a folder that is there is never written again.
- Without a folder of the user's it lies in a temporary one, which goes when the process ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hookline.errors import DataError
from hookline.model import BarSeries

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["write_bars", "write_external"]

VALUE = "value"


def write_bars(series: Mapping[str, BarSeries], folder: Path | None = None) -> str:
    """Write bars and return the path of their files, with ``{symbol}`` in it.

    Args:
        series: Bars by symbol.
        folder: Where to keep them, None for a temporary folder.
    """
    from hookline.data.parquet_file import write_parquet
    from hookline.data.source import source_file

    digest = blake2b(digest_size=8)
    for symbol, one in series.items():
        digest.update(f"{symbol} {one.timeframe} {len(one)}".encode())
        for name in ("start", *one.COLUMNS):
            digest.update(getattr(one, name).tobytes())
    path = (folder or _temporary()).resolve() / f"bars-{digest.hexdigest()}" / "{symbol}.parquet"
    for symbol, one in series.items():
        file = source_file(path, symbol, one.timeframe)
        if not file.is_file():
            write_parquet(file, one)
    return str(path)


def write_external(name: str, series: ExternalSeries, folder: Path | None = None) -> str:
    """Write an external series and return the path of its file; its values are in the column VALUE.

    Raises:
        DataError: if a value is not known; files say so by leaving it out.
    """
    import pyarrow as pa

    from hookline.data.parquet_file import write_table

    if np.isnan(series.value).any():
        row = int(np.argmax(np.isnan(series.value)))
        raise DataError(f"{name}: must have a value at every time, row {row} has none")
    digest = blake2b(series.value.tobytes(), digest_size=8, salt=b"external")
    digest.update(series.time.tobytes())
    file = (folder or _temporary()).resolve() / f"series-{digest.hexdigest()}.parquet"
    if not file.is_file():
        write_table(file, pa.table({"ts": series.time, VALUE: series.value}), {"compression": "zstd"})
    return str(file)


@cache
def _temporary() -> Path:
    return Path(_kept().name)


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="hookline-")
