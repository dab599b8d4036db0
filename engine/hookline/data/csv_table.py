"""Columns of CSV files, with the line in every complaint."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from hookline.data.times import TimeUnit
from hookline.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CsvFormat", "CsvTable", "open_csv"]

_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?")
_ARROW_COLUMN = re.compile(r"In CSV column #(\d+): ")
_ARROW_ROW = re.compile(r"Row #(\d+): ")
_ARROW_VALUE = re.compile(r"invalid value '(.*)'", re.DOTALL)
_ARROW_COUNT = re.compile(r"Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is to be read.

    Args:
        columns: Names of columns, ours to the file's, where they differ by more than case.
        time_column: Name of the column with the times.
        time_unit: What integer times count; ``auto`` tells by their magnitude.
        time_zone: Zone of times that name none.
        label: Whether times are the bars' starts (``open``) or ends (``close``).
        column_names: Names of all columns of a file without a header line.
        skip_lines: Lines before the header.
        newest_first: Whether the last bar comes first.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    time_column: str | None = None
    time_unit: TimeUnit = "auto"
    time_zone: str = "UTC"
    label: Literal["open", "close"] = "open"
    column_names: Sequence[str] = ()
    skip_lines: int = 0
    newest_first: bool = False


@dataclass(frozen=True)
class CsvTable:
    """A CSV file whose column names are known; nothing else is read yet."""

    path: Path
    names: list[str]
    delimiter: str
    form: CsvFormat

    def read(self, numbers: Sequence[str], texts: Sequence[str]) -> pa.Table:
        """Return columns as float64 and as text; empty fields are null.

        Raises:
            DataError: naming the first line that cannot be read.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow

        types = dict.fromkeys(numbers, pa.float64()) | dict.fromkeys(texts, pa.string())
        # One thread: with more, the reader does not know the line of a mistake.
        read = arrow.ReadOptions(
            use_threads=False,
            skip_rows=self.form.skip_lines,
            column_names=list(self.form.column_names) or None,
        )
        convert = arrow.ConvertOptions(
            include_columns=list(types), column_types=types, strings_can_be_null=True
        )
        parse = arrow.ParseOptions(delimiter=self.delimiter)
        try:
            table = arrow.read_csv(self.path, read_options=read, convert_options=convert, parse_options=parse)
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            self._refuse(str(error))
        if len(table) == 0:
            raise DataError(f"{self.path}: the file has a header and no rows")
        return table

    def where(self, row: int) -> str:
        """Return the address of a row of data, counted from 0: file and line."""
        header = 0 if self.form.column_names else 1
        return f"{self.path}:{self._line(row + header)}"

    def _line(self, row: int) -> int:
        """Return the line of the row, counted from 0 without empty lines, after the skipped ones."""
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            filled = 0
            for number, text in enumerate(stream, start=1):
                if number > self.form.skip_lines and text.strip("\r\n"):
                    if filled == row:
                        return number
                    filled += 1
        return row + 1 + self.form.skip_lines

    def _refuse(self, text: str) -> NoReturn:
        """Say in our words what the reader found."""
        if "Empty CSV file" in text:  # a header without a line's end
            raise DataError(f"{self.path}: the file has a header and no rows")
        row = _ARROW_ROW.search(text)
        line = "" if row is None else f":{self._line(int(row[1]) - 1 - self.form.skip_lines)}"
        where = f"{self.path}{line}"
        if count := _ARROW_COUNT.search(text):
            raise DataError(f"{where}: a line must have {count[1]} fields, had {count[2]}")
        column = _ARROW_COLUMN.search(text)
        name = repr(self.names[int(column[1])]) if column and int(column[1]) < len(self.names) else "a column"
        if value := _ARROW_VALUE.search(text):
            raise DataError(f"{where}: column {name} must hold numbers, was {value[1]!r}")
        if "UTF8" in text:
            raise DataError(f"{where}: column {name} must be UTF-8 text")
        raise DataError(f"{where}: {text.strip().splitlines()[0].rstrip('.')}")


def open_csv(path: Path, form: CsvFormat | None = None) -> CsvTable:
    """Find the column names and the delimiter (comma, semicolon, tab or bar) of a CSV file.

    Raises:
        ConfigError: if names are given and do not fit.
        DataError: if there is no such file, it is empty, or it has no header.
    """
    form = form or CsvFormat()
    if not path.exists():
        raise DataError(f"{path}: no such file")
    if path.is_dir():
        raise DataError(f"{path}: must be a CSV file, was a folder")
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = next(
            (line for number, line in enumerate(stream) if number >= form.skip_lines and line.strip()), ""
        )
    if not first.strip():
        raise DataError(f"{path}: the file is empty")
    if "\0" in first:
        raise DataError(f"{path}: must be a CSV file, holds binary data")
    delimiter = max(_DELIMITERS, key=first.count)
    fields = next(csv.reader([first], delimiter=delimiter))
    if form.column_names:
        if len(fields) != len(form.column_names):
            raise ConfigError(
                f"column_names: {path} has {len(fields)} columns, {len(form.column_names)} were named"
            )
        return CsvTable(path, list(form.column_names), delimiter, form)
    if all(_NUMBER.fullmatch(value.strip()) for value in fields[1:]):
        hint = "if it has none, name the columns: column_names: [time, open, ...]"
        raise DataError(f"{path}:{form.skip_lines + 1}: must be a header line, was {first.strip()!r}; {hint}")
    _check_unique(fields, path)
    return CsvTable(path, fields, delimiter, form)


def _check_unique(names: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise DataError(f"{path}: columns must have different names, was {name!r} twice")
        seen.add(name)
