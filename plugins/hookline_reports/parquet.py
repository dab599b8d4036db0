"""``orders.parquet``, ``fills.parquet``, ``equity.parquet`` and ``round_trips.parquet``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookline.hookspecs import hookimpl
from hookline.reporting.frames import TIME_COLUMNS, equity_columns, fill_columns, order_columns
from hookline.reporting.reporter import Reporter, replacing
from hookline.reporting.result import Result

__all__ = ["ParquetReporter", "register_reporters"]


@dataclass
class ParquetReporter(Reporter):
    """Write four Parquet files. Times are int64 nanoseconds UTC, null means none; prices and quantities are float64."""

    name = "parquet"

    def write(self, result: Result, folder: Path) -> list[Path]:
        return [
            _write(folder / "orders.parquet", order_columns(result)),
            _write(folder / "fills.parquet", fill_columns(result)),
            _write(folder / "equity.parquet", equity_columns(result)),
            _write(folder / "round_trips.parquet", result.trips.columns()),
        ]


def _write(path: Path, columns: Mapping[str, Any]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Types are given where a column may be empty or all null, so that files of two runs have one schema.
    arrays = {name: pa.array(values, type=_type(name)) for name, values in columns.items()}
    with replacing(path) as part:
        pq.write_table(pa.table(arrays), part, compression="zstd")
    return path


_INTEGERS = TIME_COLUMNS | {"number", "order_number", "parent", "bars"}
_TEXTS = frozenset(
    {
        "client_order_id",
        "strategy",
        "symbol",
        "side",
        "type",
        "time_in_force",
        "oco_group",
        "tag",
        "status",
        "reason",
    }
)
_FLAGS = frozenset({"is_maker", "post_only", "reduce_only", "is_open"})


def _type(name: str) -> Any:
    import pyarrow as pa

    if name in _INTEGERS:
        return pa.int64()
    return pa.string() if name in _TEXTS else pa.bool_() if name in _FLAGS else pa.float64()


@hookimpl
def register_reporters() -> list[type[Reporter]]:
    return [ParquetReporter]
