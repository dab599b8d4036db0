"""Data that a plugin is given as a parameter: frames, arrays, series and files, cut or drawn anew as the market is.

Rules of this file:

- A row of a table with open, high, low and close is a bar whose time is its start: it is known one step later.
- A row of any other table is known at its time.
- Row ``i`` of an array, or of a list of numbers, as long as the bars is known when bar ``i`` ends.
- A number in a mapping of times to numbers is known at its time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hookline.columns import ExternalSeries
from hookline.data.layout import find_time_column
from hookline.data.times import TimeUnit, infer_timeframe, times_of
from hookline.errors import DataError
from hookline.model import BarSeries, timeframe_ns
from hookline.params import PluginUse
from hookline.research.peeking.market import cut_bars, cut_values, picks, redraw_bars, redraw_values

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FutureChange",
    "alter_inputs",
    "altered",
    "dated_times",
    "is_data",
    "is_frame",
    "is_opaque",
    "is_prices",
    "sort_inputs",
]

_P = TypeVar("_P")
_Rows = NDArray[np.intp]
_FEWEST = 20  # numbers in a mapping or list that is data
# Counts between these, 1990 and 2100, have one unit only.
_EARLIEST, _LATEST = 631_152_000 * 10**9, 4_102_444_800 * 10**9
_PRICES = {"open", "high", "low", "close"}
_TEXTS = {".csv": ",", ".tsv": "\t"}
_PLAIN = (bool, int, float, str, bytes, Decimal, Enum, date, time, timedelta, Path, PluginUse, type(None))
_TABLES = {*_TEXTS, ".parquet", ".pq"}


@dataclasses.dataclass(frozen=True)
class FutureChange:
    """What happens to data after a cut.

    Args:
        cut: Nanoseconds UTC.
        draws: Randomness to draw it anew with, None to delete it.
        ends: When the bars of the session end, for arrays that are as long.
        folder: Where altered copies of files are written; each change has its own.
    """

    cut: int
    draws: np.random.Generator | None
    ends: NDArray[np.int64]
    folder: Path

    def rows(self, known: NDArray[np.int64]) -> tuple[_Rows, _Rows]:
        """Return which rows stay, and the row from which each of them has its values, by when rows are known."""
        future = known > self.cut
        if self.draws is None:
            kept = np.flatnonzero(~future)
            return kept, kept
        return np.arange(len(known)), picks(future, self.draws)


def sort_inputs(plugin: object, ends: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """Return the parameters that hold data, and those that may hold some which cannot be changed, with what they are."""
    data, opaque = [], []
    for name, value in _values(plugin):
        for part in _parts(value):
            if _is_data(part, ends):
                data.append(name)
            elif isinstance(part, Path) and part.exists():
                opaque.append(f"{name} ({part})")
            elif is_opaque(part):
                opaque.append(f"{name} (of type {type(part).__name__})")
    return list(dict.fromkeys(data)), list(dict.fromkeys(opaque))


def alter_inputs(plugin: _P, change: FutureChange) -> _P:
    """Return a plugin made anew with the data among its parameters changed, or itself if there is none."""
    changed = {name: altered(value, change) for name, value in _values(plugin) if is_data(value, change.ends)}
    return dataclasses.replace(plugin, **changed) if changed else plugin  # type: ignore[type-var]


def is_data(value: Any, ends: NDArray[np.int64]) -> bool:
    """Whether a value is, or holds, data that can be changed."""
    return any(_is_data(part, ends) for part in _parts(value))


def is_opaque(value: Any) -> bool:
    """Whether a value may hold data, for all that is known of its type."""
    return not _is_plain(value)


def is_prices(names: Iterable[str]) -> bool:
    """Whether the columns of a table are those of bars."""
    return _PRICES.issubset(name.lower() for name in names)


def dated_times(value: Any) -> NDArray[np.int64] | None:
    """Return the times of a mapping of times to numbers, nanoseconds UTC; None for anything else.

    Times are datetimes, texts in ISO 8601, or counts of seconds, milliseconds, microseconds or nanoseconds since 1970.
    """
    if not isinstance(value, Mapping) or len(value) < _FEWEST or not all(map(_is_number, value.values())):
        return None
    try:
        return np.array([_moment(key) for key in value], np.int64)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


def _no_time(key: Any) -> int:
    raise ValueError(f"must be a time, was {key!r}")


def _moment(key: Any) -> int:
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        units = (unit for unit in (1, 10**3, 10**6, 10**9) if _EARLIEST <= int(key) * unit < _LATEST)
        return int(key) * next(units, 0) or _no_time(key)
    if isinstance(key, np.datetime64):
        return int(key.astype("datetime64[ns]").astype(np.int64))
    if isinstance(key, str):
        key = datetime.fromisoformat(key)
    if not isinstance(key, datetime):
        key = datetime(key.year, key.month, key.day, tzinfo=UTC)
    moment: datetime = key.replace(tzinfo=key.tzinfo or UTC)
    return round(moment.timestamp() * 1e6) * 1_000


def _values(plugin: object) -> Iterator[tuple[str, Any]]:
    for item in dataclasses.fields(plugin):  # type: ignore[arg-type]
        if item.init:
            yield item.name, getattr(plugin, item.name)


def _parts(value: Any) -> Iterator[Any]:
    """Yield what a parameter holds: itself, or what its members hold."""
    if isinstance(value, Mapping | list | tuple) and not _is_numbers(value):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _parts(part)
    else:
        yield value


def _is_numbers(value: Any) -> bool:
    """Whether a container is a table of numbers of its own."""
    if isinstance(value, Mapping):
        return dated_times(value) is not None
    return len(value) >= _FEWEST and all(map(_is_number, value))


def _is_plain(value: Any) -> bool:
    """Whether a value holds no data: a number, a text, a time, or a record of these."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type | PluginUse):
        return all(_is_plain(part) for _, one in _values(value) for part in _parts(one))
    if isinstance(value, list | tuple):  # of numbers that go with no bars
        return True
    return isinstance(value, _PLAIN)


def _is_data(value: Any, ends: NDArray[np.int64]) -> bool:
    if isinstance(value, Path | str):
        return _table_times(Path(value)) is not None
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and len(value) == len(ends)
    if isinstance(value, list | tuple):
        return len(value) == len(ends) and _is_numbers(value)
    return isinstance(value, BarSeries | ExternalSeries | Mapping) or is_frame(value)


def is_frame(value: Any) -> bool:
    """Whether a value is a pandas frame or series with times; asked so that pandas need not be imported."""
    return hasattr(value, "iloc") and hasattr(getattr(value, "index", None), "tz_localize")


def altered(value: Any, change: FutureChange) -> Any:
    """Return a value with all data that it is, or holds, changed."""
    if isinstance(value, Mapping | list | tuple):
        return _altered_container(value, change)
    if not _is_data(value, change.ends):
        return value
    if isinstance(value, Path | str):
        return type(value)(_altered_file(Path(value), change))
    if isinstance(value, np.ndarray):
        return value[change.rows(change.ends)[1]]
    if isinstance(value, BarSeries):
        if change.draws is None:
            return cut_bars(value, change.cut)
        return redraw_bars(value, change.cut, float(np.ptp(value.close)) / 1e6, change.draws)
    if isinstance(value, ExternalSeries):
        if change.draws is None:
            return cut_values(value, change.cut)
        return redraw_values(value, change.cut, change.draws)
    return _altered_frame(value, change)


def _altered_container(value: Any, change: FutureChange) -> Any:
    times = dated_times(value)
    if times is not None:
        kept, pick = change.rows(times)
        keys, numbers = list(value), list(value.values())
        return {keys[row]: numbers[other] for row, other in zip(kept, pick, strict=True)}
    if isinstance(value, Mapping):
        return {key: altered(part, change) for key, part in value.items()}
    if _is_data(value, change.ends):
        return type(value)(value[row] for row in change.rows(change.ends)[1])
    return type(value)(altered(part, change) for part in value)


def _altered_frame(frame: Any, change: FutureChange) -> Any:
    index = frame.index.tz_localize("UTC") if frame.index.tz is None else frame.index
    names = [str(name) for name in getattr(frame, "columns", ())]
    kept, pick = change.rows(_known_from(index.as_unit("ns").asi8, names))
    made = frame.iloc[pick].copy()
    made.index = frame.index[kept]
    return made


def _altered_file(path: Path, change: FutureChange) -> Path:
    stat = path.stat()
    table, times = _read_table(path, stat.st_mtime_ns, stat.st_size)
    kept, pick = change.rows(_known_from(times, table.column_names))
    stays = {find_time_column(table.column_names, str(path)), "symbol"}
    columns = [table[name].take(kept if name in stays else pick) for name in table.column_names]
    folder = change.folder / str(abs(hash(path)))
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    _write_table(type(table).from_arrays(columns, schema=table.schema), copy)
    return copy


def _known_from(times: NDArray[np.int64], names: Iterable[str]) -> NDArray[np.int64]:
    """Return from when on each row is known."""
    if not is_prices(names):
        return times
    timeframe = infer_timeframe(np.unique(times))
    return times if timeframe is None else times + timeframe_ns(timeframe)


def _table_times(path: Path) -> NDArray[np.int64] | None:
    """Return the times of a file's rows, None if it is no table with times."""
    if path.suffix.lower() not in _TABLES or not path.is_file():
        return None
    stat = path.stat()
    try:
        return _read_table(path, stat.st_mtime_ns, stat.st_size)[1]
    except (DataError, ValueError, OSError):
        return None


@lru_cache(maxsize=2)
def _read_table(path: Path, _modified: int, _size: int) -> tuple[pa.Table, NDArray[np.int64]]:
    """Return a file as a table, with text as it stands there, and the times of its rows in nanoseconds UTC.

    A check needs the same file many times; it is read again once it has changed.

    Raises:
        DataError: if it has no column of times.
        ValueError: if it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    separator = _TEXTS.get(path.suffix.lower())
    if separator is None:
        table = pa.parquet.read_table(path)
    else:
        parse = pa.csv.ParseOptions(delimiter=separator)
        with pa.csv.open_csv(path, parse_options=parse) as reader:
            names = reader.schema.names
        # As text, so that a number is written back as it was.
        convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        table = pa.csv.read_csv(path, parse_options=parse, convert_options=convert)
    column = table[find_time_column(table.column_names, str(path))]
    unit: TimeUnit = "auto" if separator or not pa.types.is_integer(column.type) else "ns"
    return table, times_of(column, unit, "UTC", lambda row: f"{path}: row {row}")


def _write_table(table: pa.Table, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    separator = _TEXTS.get(path.suffix.lower())
    if separator is None:
        pa.parquet.write_table(table, path)
        return
    plain = pa.csv.WriteOptions(delimiter=separator, quoting_style="none", include_header=False)
    try:
        # Without quotes, which some readers do not know; Arrow would put them around every text.
        with path.open("wb") as file:
            file.write(f"{separator.join(table.column_names)}\n".encode())
            pa.csv.write_csv(table, file, write_options=plain)
    except pa.ArrowInvalid:  # a text that needs them
        pa.csv.write_csv(table, path, write_options=pa.csv.WriteOptions(delimiter=separator))
