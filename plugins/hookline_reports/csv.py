"""``orders.csv``, ``fills.csv``, ``equity.csv`` and ``round_trips.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hookline.clock import isoformat
from hookline.hookspecs import hookimpl
from hookline.model import Instrument
from hookline.reporting.frames import TIME_COLUMNS, equity_columns, fill_columns, order_columns
from hookline.reporting.plain import price_text, quantity_text
from hookline.reporting.record import RunRecord
from hookline.reporting.reporter import Reporter, replacing
from hookline.reporting.result import Result

__all__ = ["CsvReporter", "register_reporters"]

Columns = Mapping[str, Any]

# On the grid of the instrument: written as its decimal numbers.
_PRICES = frozenset({"price", "limit_price", "trigger_price", "trail_amount"})
_QUANTITIES = frozenset({"quantity", "filled_quantity"})
_CHUNK = 20_000


@dataclass
class CsvReporter(Reporter):
    """Write four CSV files. Times are ISO 8601 in UTC, empty means none; the same session gives the same bytes."""

    name = "csv"

    def write(self, result: Result, folder: Path) -> list[Path]:
        instruments = _instruments(result.record)
        return [
            _write(folder / "orders.csv", _texts(order_columns(result), instruments)),
            _write(folder / "fills.csv", _texts(fill_columns(result), instruments)),
            _write(folder / "equity.csv", equity_columns(result)),
            _write(folder / "round_trips.csv", _texts(result.trips.columns(), {})),
        ]


def _instruments(record: RunRecord) -> dict[str, Instrument]:
    known = {symbol: Instrument(symbol) for symbol in record.series}
    return known | {order.symbol: order.instrument for order in record.orders} | record.instruments


def _texts(columns: Columns, instruments: Mapping[str, Instrument]) -> Columns:
    """Return columns ready to be written: decimals for what lies on an instrument's grid."""
    texts: dict[str, Any] = {}
    for name, values in columns.items():
        if instruments and name in _PRICES | _QUANTITIES:
            pairs = zip(columns["symbol"], values, strict=True)
            texts[name] = [_on_grid(name, instruments[symbol], value) for symbol, value in pairs]
        else:
            texts[name] = values if name in TIME_COLUMNS else [_text(value) for value in values]
    return texts


def _on_grid(name: str, instrument: Instrument, value: float | None) -> str:
    if value is None:
        return ""
    return quantity_text(instrument, value) if name in _QUANTITIES else price_text(instrument, value) or ""


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or value != value else value  # noqa: PLR0124 - only NaN differs from itself


def _write(path: Path, columns: Columns) -> Path:
    names = list(columns)
    size = len(columns[names[0]])
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        # In chunks: a million rows as Python objects at once would take hundreds of megabytes.
        for begin in range(0, size, _CHUNK):
            rows = (_chunk(name, columns[name][begin : begin + _CHUNK]) for name in names)
            writer.writerows(zip(*rows, strict=True))
    return path


def _chunk(name: str, values: Any) -> Sequence[Any]:
    if not isinstance(values, np.ndarray):
        return (
            ["" if time is None else isoformat(time) for time in values] if name in TIME_COLUMNS else values
        )
    if name not in TIME_COLUMNS:
        return [_text(value) for value in values.tolist()]
    if (values % 10**9).any():
        return [isoformat(time) for time in values.tolist()]
    # The same text as isoformat gives for whole seconds, a column at a time.
    texts: list[str] = np.datetime_as_string(values.view("datetime64[ns]"), unit="s", timezone="UTC").tolist()
    return texts


@hookimpl
def register_reporters() -> list[type[Reporter]]:
    return [CsvReporter]
