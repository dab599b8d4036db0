"""Files of bars of either format."""

from __future__ import annotations

from pathlib import Path

from hookline.data.check import CheckReport, check
from hookline.data.csv_bars import csv_symbols, read_csv
from hookline.data.csv_table import CsvFormat
from hookline.data.parquet_bars import read_parquet, symbols_in
from hookline.data.raw import RawBars
from hookline.model import Timeframe

__all__ = ["check_file", "file_symbols", "is_csv", "read_file"]

_CSV = {".csv", ".tsv", ".txt"}


def is_csv(path: Path) -> bool:
    """Return whether a file's name is that of text; everything else is taken for Parquet."""
    return path.suffix.lower() in _CSV


def file_symbols(path: Path, form: CsvFormat | None = None) -> list[str]:
    """Return the symbols that a file names, none if it names none.

    Raises:
        DataError: if the file cannot be read or is not one of bars.
    """
    return csv_symbols(path, form) if is_csv(path) else symbols_in(path, form.columns if form else None)


def read_file(
    path: Path, symbol: str | None = None, form: CsvFormat | None = None, timeframe: Timeframe | None = None
) -> RawBars:
    """Read the bars of one symbol without checking them.

    Raises:
        DataError: if the file cannot be read or is not one of bars.
    """
    form = form or CsvFormat()
    if is_csv(path):
        return read_csv(path, symbol, form, timeframe=timeframe)
    columns = dict(form.columns) | ({"time": form.time_column} if form.time_column else {})
    unit = "ns" if form.time_unit == "auto" else form.time_unit
    return read_parquet(path, symbol, columns=columns, timeframe=timeframe, time_unit=unit)


def check_file(
    path: Path, symbol: str | None = None, form: CsvFormat | None = None, timeframe: Timeframe | None = None
) -> CheckReport:
    """Look for everything that can be wrong with the bars of one symbol in a file.

    Raises:
        DataError: if the file cannot be read, is not one of bars, or has several symbols and none is named.
    """
    raw = read_file(path, symbol, form, timeframe)
    return check(raw if raw.symbol else raw.renamed(path.stem))
