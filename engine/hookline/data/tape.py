"""Tapes on disk: files of depth, trades and quotes become one tape in the order of arrival, and tapes are stored as one file.

A file's kind is told by its columns. Times are int64 nanoseconds UTC: ``ts`` is the venue's clock, ``ts_local`` the clock of the
machine that recorded; either may be missing or empty.

==========  ==============================================================================================================
kind        columns
==========  ==============================================================================================================
depth       ``msg`` (rows with one number are one message), ``is_snapshot``, ``side`` (1 bid, -1 ask, 0 for a message without
            levels), ``price``, ``size`` (0 removes the level); perhaps ``first_id``, ``last_id``, ``prev_id`` or ``seq``
trades      ``price``, ``size``, ``side`` of the aggressor; rows with ``is_backfill`` are left out
quotes      ``bid_price``, ``bid_size``, ``ask_price``, ``ask_size``
a tape      what :func:`save_tape` writes
==========  ==============================================================================================================

A file may hold several instruments in a column ``symbol``; else its metadata may name one.

Clocks: the tape is ordered by ``ts_local`` where known, else by ``ts``, and ``venue_time`` is ``ts``, else the time of arrival. A
recording machine's clock may be off, even so far that messages arrive before they happen. ``clock_offset`` is added to
local times; without one it is measured: if the smallest latency of all files is below ``least_latency``, local times are moved by one
constant so that it is just that. Latencies then vary as they did, and only their floor is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.data.layout import pick_symbol
from hookline.data.parquet_file import file_metadata, open_parquet, write_table
from hookline.errors import DataError
from hookline.model import BookUpdate, MarketData, OrderBook, RowKind, Side, TapeSeries

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cut_tape", "load_tape", "of_kinds", "read_tape", "save_tape"]

_UNKNOWN = np.iinfo(np.int64).min
_DATA = {"depth": MarketData.BOOK, "trades": MarketData.TRADES, "quotes": MarketData.QUOTES}
_KINDS = {
    RowKind.QUOTE: MarketData.QUOTES,
    RowKind.TRADE: MarketData.TRADES,
    RowKind.BOOK: MarketData.BOOK,
    RowKind.SNAPSHOT: MarketData.BOOK,
}
_FORMAT = "hookline tape 1"
_ENCODING: dict[str, Any] = {
    "compression": "zstd",
    "row_group_size": 131_072,
    "use_dictionary": ["kind", "side", "price"],
    "column_encoding": dict.fromkeys(TapeSeries.INTEGERS, "DELTA_BINARY_PACKED"),
}


def load_tape(
    *paths: Path,
    symbol: str | None = None,
    kinds: Iterable[MarketData] = (MarketData.BOOK, MarketData.TRADES, MarketData.QUOTES),
    clock_offset: int | None = None,
    least_latency: int = 0,
) -> TapeSeries:
    """Read files of depth, trades and quotes into one tape.

    Messages that arrived at the same time are in the order of the paths.

    Args:
        paths: Files, or folders whose Parquet files are read by name: those of the symbol, where they name one.
        symbol: Which instrument; by default the only one that the files name.
        kinds: What to keep.
        clock_offset: Nanoseconds to add to local times; None to measure them.
        least_latency: Smallest latency in nanoseconds that is believed when the offset is measured.

    Raises:
        DataError: if there is nothing of the instrument, or what there is cannot be trusted; it names file and row.
    """
    parts = [part for path in paths for part in _parts(path, symbol, frozenset(kinds))]
    if not any(len(part.price) for part in parts):
        named = "" if symbol is None else f" of {symbol!r}"
        raise DataError(f"{', '.join(map(str, paths))}: no {', '.join(sorted(kinds))}{named}")
    names = {part.symbol for part in parts if part.symbol}
    if symbol is None and len(names) > 1:
        raise DataError(
            f"{paths[0]}: one tape has one instrument, files are of {', '.join(sorted(names))}; name one"
        )
    if clock_offset is None:
        clock_offset = _measured_offset(parts, least_latency)
    return _merged(parts, symbol or next(iter(names), ""), clock_offset)


def save_tape(tape: TapeSeries, path: Path) -> None:
    """Write a tape as one Parquet file with its columns; the file is complete or not there at all."""
    import pyarrow as pa

    about = {"format": _FORMAT, "symbol": tape.symbol, "ts_unit": "ns since Unix epoch, UTC"}
    table = pa.table({name: getattr(tape, name) for name in TapeSeries.COLUMNS})
    write_table(path, table.replace_schema_metadata(about), _ENCODING)


def read_tape(path: Path, symbol: str | None = None) -> TapeSeries:
    """Read a tape that :func:`save_tape` has written, under its own name or another one.

    Raises:
        DataError: if the file cannot be read, is none of ours, or cannot be trusted.
    """
    file = open_parquet(path)
    missing = [name for name in TapeSeries.COLUMNS if name not in file.schema_arrow.names]
    if missing:
        raise DataError(f"{path}: a stored tape has a column {missing[0]!r}, was not there")
    table = file.read(list(TapeSeries.COLUMNS))
    name = symbol or file_metadata(file).get("symbol", "")
    try:
        return TapeSeries(name, *(table.column(column).to_numpy() for column in TapeSeries.COLUMNS))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def cut_tape(tape: TapeSeries, since: int | None, until: int | None) -> TapeSeries:
    """Return the messages known in ``[since, until)`` (nanoseconds UTC).

    Where the cut takes the snapshot away, the tape begins with one at ``since``: the book as it stood there.
    """
    part = tape.between(since, until)
    if since is None or len(part) == 0 or not (tape.time[0] < since and (part.kind == RowKind.BOOK).any()):
        return part
    book = OrderBook(tape.symbol)
    for event in tape.between(None, since).events():
        if isinstance(event, BookUpdate):
            book.apply(event)
    if not book.has_snapshot or book.is_stale:
        return part
    levels: list[tuple[int, float, float]] = [(side, *row) for side in Side for row in book.levels(side)]
    levels = levels or [(0, np.nan, 0.0)]
    sides, prices, quantities = (np.array(column) for column in zip(*levels, strict=True))
    first = {
        "time": since,
        "venue_time": book.venue_time,
        "message": int(part.message[0]) - 1,
        "kind": RowKind.SNAPSHOT,
        "sequence": book.sequence,
        "previous": -1,
    }
    columns = {name: np.full(len(levels), value) for name, value in first.items()}
    columns |= {"side": sides, "price": prices, "quantity": quantities}
    return TapeSeries(
        tape.symbol, *(np.concatenate([columns[name], getattr(part, name)]) for name in TapeSeries.COLUMNS)
    )


def of_kinds(tape: TapeSeries, kinds: Iterable[MarketData]) -> TapeSeries:
    """Return the messages of some kinds: ``BOOK``, ``TRADES``, ``QUOTES``."""
    kept = np.isin(tape.kind, _row_kinds(kinds))
    if kept.all():
        return tape
    return TapeSeries(tape.symbol, *(getattr(tape, name)[kept] for name in TapeSeries.COLUMNS))


# -- files -------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Part:
    """Rows of one file; ``local`` and ``venue`` are ``_UNKNOWN`` where the file has no time."""

    path: Path
    symbol: str
    row: NDArray[np.int64]
    local: NDArray[np.int64]
    venue: NDArray[np.int64]
    message: NDArray[np.int64]
    kind: NDArray[np.int8]
    side: NDArray[np.int8]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]
    sequence: NDArray[np.int64]
    previous: NDArray[np.int64]

    def refuse(self, bad: NDArray[np.bool_], rule: str, found: NDArray[Any]) -> None:
        if bad.any():
            place = int(np.argmax(bad))
            raise DataError(f"{self.path}: row {self.row[place]}: {rule}, was {found[place].item()!r}")

    def check(self) -> None:
        """Refuse rows that cannot be trusted, by their place in the file, counted from 0."""
        arrival = np.where(self.local == _UNKNOWN, self.venue, self.local)
        self.refuse(arrival == _UNKNOWN, "a message needs 'ts' or 'ts_local'", arrival)
        back = np.append(False, np.diff(arrival) < 0)
        self.refuse(back, "time must never go back", arrival)
        is_level = (self.kind < RowKind.BOOK) | (self.side != 0)
        self.refuse(is_level & (np.abs(self.side) != 1), "side must be 1 or -1", self.side)
        needs_price = is_level & ((self.kind != RowKind.QUOTE) | (self.quantity > 0))
        self.refuse(needs_price & ~np.isfinite(self.price), "price must be a finite number", self.price)
        bad = ~(np.isfinite(self.quantity) & (self.quantity >= 0))
        self.refuse(is_level & bad, "size must be zero or more", self.quantity)
        empty = (self.kind == RowKind.TRADE) & ~(self.quantity > 0)
        self.refuse(empty, "a trade needs a size", self.quantity)
        torn = np.append(False, (np.diff(self.message) == 0) & (np.diff(arrival) != 0))
        self.refuse(torn, "rows of one message must have one time", arrival)


def _parts(path: Path, symbol: str | None, kinds: frozenset[MarketData]) -> list[_Part]:
    if path.is_dir():
        files = sorted(path.glob("*.parquet"))
        return [part for file in files for part in _parts_of(file, symbol, kinds, others_may_be=True)]
    return _parts_of(path, symbol, kinds, others_may_be=False)


def _parts_of(
    path: Path, symbol: str | None, kinds: frozenset[MarketData], *, others_may_be: bool
) -> list[_Part]:
    file = open_parquet(path)
    names = file.schema_arrow.names
    stored = set(TapeSeries.COLUMNS) <= set(names)
    kind = None if stored else _kind_of(names)
    if kind is None and not stored:
        if others_may_be:
            return []
        raise DataError(f"{path}: must have the columns of depth, trades or quotes, has {', '.join(names)}")
    if kind is not None and _DATA[kind] not in kinds:
        return []
    have = file_metadata(file).get("symbol", "")
    if "symbol" not in names and symbol is not None and have not in ("", symbol):
        if others_may_be:
            return []
        hint = f"if it is the right one, say so: symbols: {{{symbol}: {have}}}"
        raise DataError(f"{path}: must be of {symbol!r}, its metadata says {have!r}; {hint}")
    if kind is None:
        return [_stored(path, kinds)]
    part = _read(path, kind, file.read(), symbol, have, others_may_be=others_may_be)
    return [] if part is None else [part]


def _read(
    path: Path, kind: str, table: pa.Table, symbol: str | None, have: str, *, others_may_be: bool
) -> _Part | None:
    """Return the rows of an instrument, None where a file of several has none of it."""
    mask: NDArray[np.bool_] = np.ones(len(table), np.bool_)
    if "symbol" in table.column_names:
        column = table.column("symbol")
        if others_may_be and symbol is not None and symbol not in column.unique().to_pylist():
            return None
        mask = pick_symbol(column, symbol, str(path))
        have = symbol or str(column[0].as_py())
    try:
        if "is_backfill" in table.column_names:
            mask &= ~_integers(table, "is_backfill", 0).astype(np.bool_)
        rows = np.flatnonzero(mask)
        picked = table if len(rows) == len(table) else table.filter(mask)
        part = {"depth": _depth, "trades": _trades, "quotes": _quotes}[kind](path, have, rows, picked)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    part.check()
    return part


def _kind_of(names: list[str]) -> str | None:
    wanted = {
        "depth": {"msg", "is_snapshot", "side", "price", "size"},
        "quotes": {"bid_price", "bid_size", "ask_price", "ask_size"},
        "trades": {"price", "size", "side"},
    }
    have = set(names)
    if not have & {"ts", "ts_local"}:
        return None
    return next((kind for kind, needed in wanted.items() if needed <= have), None)


def _depth(path: Path, symbol: str, rows: NDArray[np.int64], table: pa.Table) -> _Part:
    sequence = _integers(table, "last_id" if "last_id" in table.column_names else "seq")
    first, previous = _integers(table, "first_id"), _integers(table, "prev_id")
    previous = np.where(previous >= 0, previous, np.where(first >= 0, first - 1, -1))
    snapshot = _integers(table, "is_snapshot", 0).astype(np.bool_)
    side = _integers(table, "side", 0).astype(np.int8)
    return _Part(
        path,
        symbol,
        rows,
        _integers(table, "ts_local", _UNKNOWN),
        _integers(table, "ts", _UNKNOWN),
        _integers(table, "msg"),
        np.where(snapshot, RowKind.SNAPSHOT, RowKind.BOOK).astype(np.int8),
        side,
        _floats(table, "price"),
        np.where(side == 0, 0.0, _floats(table, "size")),
        sequence,
        np.where(snapshot, -1, previous),
    )


def _trades(path: Path, symbol: str, rows: NDArray[np.int64], table: pa.Table) -> _Part:
    count = len(table)
    return _Part(
        path,
        symbol,
        rows,
        _integers(table, "ts_local", _UNKNOWN),
        _integers(table, "ts", _UNKNOWN),
        np.arange(count),
        np.full(count, RowKind.TRADE, np.int8),
        _integers(table, "side", 0).astype(np.int8),
        _floats(table, "price"),
        _floats(table, "size"),
        *_no_numbers(count),
    )


def _quotes(path: Path, symbol: str, rows: NDArray[np.int64], table: pa.Table) -> _Part:
    count = len(table)
    price = np.stack([_floats(table, "bid_price"), _floats(table, "ask_price")], axis=1).ravel()
    quantity = np.stack([_floats(table, "bid_size"), _floats(table, "ask_size")], axis=1).ravel()
    return _Part(
        path,
        symbol,
        np.repeat(rows, 2),
        np.repeat(_integers(table, "ts_local", _UNKNOWN), 2),
        np.repeat(_integers(table, "ts", _UNKNOWN), 2),
        np.repeat(np.arange(count), 2),
        np.full(2 * count, RowKind.QUOTE, np.int8),
        np.tile(np.array([1, -1], np.int8), count),
        price,
        quantity,
        *_no_numbers(2 * count),
    )


def _stored(path: Path, kinds: frozenset[MarketData]) -> _Part:
    tape = read_tape(path)
    rows = np.flatnonzero(np.isin(tape.kind, _row_kinds(kinds)))
    return _Part(path, tape.symbol, rows, *(getattr(tape, name)[rows] for name in TapeSeries.COLUMNS))


def _row_kinds(kinds: Iterable[MarketData]) -> list[int]:
    wanted = frozenset(kinds)
    return [int(kind) for kind, data in _KINDS.items() if data in wanted]


def _integers(table: pa.Table, name: str, missing: int = -1) -> NDArray[np.int64]:
    """Return a column of integers or times; ``missing`` stands for nulls and for a column that is not there."""
    import pyarrow as pa

    if name not in table.column_names:
        return np.full(len(table), missing, np.int64)
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", column.type.tz))
    values: NDArray[np.int64] = _cast(column, name, pa.int64()).fill_null(missing).to_numpy()
    return values


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    import pyarrow as pa

    values: NDArray[np.float64] = _cast(table.column(name), name, pa.float64()).fill_null(np.nan).to_numpy()
    return values


def _cast(column: pa.ChunkedArray, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"column {name!r} must hold numbers, was of type {str(column.type)!r}") from None


def _no_numbers(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.full(count, -1, np.int64), np.full(count, -1, np.int64)


# -- clocks and order --------------------------------------------------------------------------------------------------


def _measured_offset(parts: list[_Part], least_latency: int) -> int:
    """Return what local times lack so that no message is known sooner than ``least_latency`` after it happened."""
    least = []
    for part in parts:
        both = (part.local != _UNKNOWN) & (part.venue != _UNKNOWN)
        if both.any():
            least.append(int((part.local[both] - part.venue[both]).min()))
    return max(0, least_latency - min(least)) if least else 0


def _merged(parts: list[_Part], symbol: str, offset: int) -> TapeSeries:
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("local", "venue", "message", "kind", "side", "price", "quantity", "sequence", "previous")
    }
    source = np.repeat(np.arange(len(parts)), [len(part.price) for part in parts])
    local, venue = columns.pop("local"), columns.pop("venue")
    time = np.where(local == _UNKNOWN, venue, local + offset)
    order = np.argsort(time, kind="stable")
    source, message = source[order], columns.pop("message")[order]
    begins = np.append(True, (np.diff(source) != 0) | (np.diff(message) != 0))
    return TapeSeries(
        symbol,
        time[order],
        np.where(venue == _UNKNOWN, time, venue)[order],
        np.cumsum(begins) - 1,
        *(columns[name][order] for name in ("kind", "side", "price", "quantity", "sequence", "previous")),
    )
