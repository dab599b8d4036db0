"""Which column of a table is which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hookline.errors import ConfigError, DataError
from hookline.model import BarSeries

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SYMBOL_COLUMN", "TIME_COLUMNS", "Layout", "find_layout", "find_time_column", "pick_symbol"]

# Names that are taken for a bar's start, in order of preference; the last is what pandas writes for an unnamed index.
TIME_COLUMNS = (
    "ts",
    "time",
    "start",
    "timestamp",
    "datetime",
    "date",
    "open_time",
    "open time",
    "__index_level_0__",
)
SYMBOL_COLUMN = "symbol"


@dataclass(frozen=True)
class Layout:
    """Names of the columns of a table of bars; ``volume`` and ``symbol`` may be missing."""

    time: str
    open: str
    high: str
    low: str
    close: str
    volume: str | None
    symbol: str | None


def find_layout(
    names: Sequence[str],
    source: str,
    columns: Mapping[str, str] | None = None,
    *,
    time_column: str | None = None,
) -> Layout:
    """Match a table's columns by name (case does not matter) and by the mapping ``ours: theirs``.

    Raises:
        ConfigError: if the mapping has a key that is no column of ours.
        DataError: if a column is missing.
    """
    columns = dict(columns or {})
    if time_column is not None:
        columns["time"] = time_column
    _check_mapping(columns, names, source)
    found = {name: columns.get(name) or _match(names, (name,)) for name in BarSeries.COLUMNS}
    missing = [name for name in BarSeries.PRICES if found[name] is None]
    if missing:
        name = missing[0]
        raise DataError(
            f"{source}: no column for {name!r} among {_listed(names)}; name it: columns: {{{name}: ...}}"
        )
    time = columns.get("time") or find_time_column(names, source)
    symbol = columns.get("symbol") or _match(names, (SYMBOL_COLUMN,))
    prices = {name: str(found[name]) for name in BarSeries.PRICES}
    return Layout(time=time, **prices, volume=found["volume"], symbol=symbol)


def find_time_column(names: Sequence[str], source: str) -> str:
    """Return the name of the column with the times.

    Raises:
        DataError: if no name is known.
    """
    time = _match(names, TIME_COLUMNS)
    if time is None:
        raise DataError(
            f"{source}: no column for 'time' among {_listed(names)}; name it: columns: {{time: ...}}"
        )
    return time


def pick_symbol(column: pa.ChunkedArray, symbol: str | None, source: str) -> NDArray[np.bool_]:
    """Return which rows are those of a symbol; None stands for the only one there is.

    Raises:
        DataError: if there are none, or if several symbols are there and none was named.
    """
    import pyarrow.compute as pc

    have = sorted(str(name) for name in column.unique().to_pylist())
    if symbol is None and len(have) == 1:
        return np.ones(len(column), np.bool_)
    if symbol not in have:
        found = "none was named" if symbol is None else f"was asked for {symbol!r}"
        close = get_close_matches(symbol or "", have, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DataError(f"{source}: holds {', '.join(have)}; {found}{hint}")
    return np.array(pc.fill_null(pc.equal(column, symbol), fill_value=False).to_numpy(), np.bool_)


def _check_mapping(columns: Mapping[str, str], names: Sequence[str], source: str) -> None:
    known = ("time", *BarSeries.COLUMNS, "symbol")
    for ours, theirs in columns.items():
        if ours not in known:
            close = get_close_matches(ours, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"columns.{ours}: must be one of {', '.join(known)}{hint}")
        if theirs not in names:
            raise DataError(f"{source}: no column {theirs!r} for {ours!r}; columns are {_listed(names)}")


def _match(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    return next((by_lower[name] for name in wanted if name in by_lower), None)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
