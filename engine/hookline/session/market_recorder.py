"""Keeps the market data that a session handled, so that the session can be run again event for event.

Rules of this file:

- Each event is written to a spool, a text file of one line for each, before the next one is handled. Now and then the spool
  becomes Parquet: bars in a catalogue (``bars``), messages as one part of a tape for each symbol (``tape/SYMBOL``), and when bars
  were received (``received``). A file of these appears whole or not at all.
- The spool becomes Parquet only when the journal holds everything in it. After a crash it may be ahead of the journal; what
  the journal does not know of is cut off then, for it comes again.
- A killed process loses nothing; losing power may lose the end of the spool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from hookline.clock import SystemClock, isoformat
from hookline.errors import ConfigError
from hookline.model import Bar, BarSeries, BookUpdate, Quote, RowKind, TapeSeries, Timeframe, Trade

__all__ = ["MarketRecorder"]

_SPOOL = "spool.jsonl"
_PART_EVENTS = 100_000
_KINDS: dict[str, type[Quote | Trade | BookUpdate]] = {"q": Quote, "t": Trade, "b": BookUpdate}
_LETTERS: dict[type, str] = {kind: letter for letter, kind in _KINDS.items()}
_Tape = Quote | Trade | BookUpdate
_T = TypeVar("_T")


class MarketRecorder:
    """Writes bars and messages into a folder.

    Args:
        folder: Made if it is not there.
        timeframe: Of the bars.
        position: How far the journal has come, None for a session that begins.
        part_events: Events after which the spool becomes Parquet.

    Raises:
        ConfigError: if the folder cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        timeframe: Timeframe,
        position: Mapping[str, Any] | None = None,
        part_events: int = _PART_EVENTS,
    ) -> None:
        self._folder = folder
        self._timeframe = timeframe
        self._part_events = part_events
        self._clock = SystemClock()
        self._path = folder / _SPOOL
        kept = self._guard(lambda: _kept(self._path, position))
        self._count = len(kept)
        self._guard(lambda: _write_spool(self._path, kept))
        self._file = self._guard(lambda: self._path.open("ab", buffering=0))

    def keep(self, bars: Sequence[Bar]) -> None:
        """Keep bars that were handled together."""
        received = self._clock.now
        self._append([["bar", bar, received] for bar in bars])

    def keep_message(self, event: _Tape) -> None:
        """Keep a quote, a trade or a book update that was handled."""
        self._append([[_LETTERS[type(event)], event]])

    def committed(self) -> None:
        """Learn that the journal holds everything up to here: a spool that is long enough becomes Parquet."""
        if self._count >= self._part_events:
            self._store()

    def close(self) -> None:
        """Turn what is left into Parquet; the journal must hold everything."""
        self._store()
        self._file.close()

    def _append(self, rows: list[list[Any]]) -> None:
        text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        self._guard(lambda: self._file.write(text))
        self._count += len(rows)

    def _store(self) -> None:
        """Turn the spool into Parquet and begin a new one. Doing it again after a crash in between writes the same files."""
        self._file.close()
        rows = [msgspec.json.decode(line) for line in self._path.read_bytes().splitlines()]
        self._guard(lambda: self._store_bars([row for row in rows if row[0] == "bar"]))
        tapes: dict[str, list[_Tape]] = {}
        for letter, fields, *_ in rows:
            if letter in _KINDS:
                tapes.setdefault(fields["symbol"], []).append(msgspec.convert(fields, _KINDS[letter]))
        for symbol, events in tapes.items():
            self._store_tape(symbol, events)
        self._guard(lambda: _write_spool(self._path, []))
        self._file = self._guard(lambda: self._path.open("ab", buffering=0))
        self._count = 0

    def _store_bars(self, rows: list[list[Any]]) -> None:
        if not rows:
            return
        import pyarrow as pa

        from hookline.data.catalogue import Catalogue
        from hookline.data.parquet_file import write_table

        by_symbol: dict[str, list[dict[str, Any]]] = {}
        for _, bar, _ in rows:
            by_symbol.setdefault(bar["symbol"], []).append(bar)
        for symbol, bars in by_symbol.items():
            columns = (np.array([bar[name] for bar in bars]) for name in ("start", *BarSeries.COLUMNS))
            series = BarSeries(symbol, self._timeframe, *columns)
            Catalogue(self._folder / "bars").write(series, replace=True)
        table = pa.table(
            {
                "symbol": [bar["symbol"] for _, bar, _ in rows],
                "ts": [bar["start"] for _, bar, _ in rows],
                "received": [received for _, _, received in rows],
            }
        )
        first = _file_time(rows[0][1]["end"])
        write_table(self._folder / "received" / f"{first}.parquet", table, {})

    def _store_tape(self, symbol: str, events: list[_Tape]) -> None:
        from hookline.data.source import file_name
        from hookline.data.tape import save_tape

        # Parts are read in the order of their names.
        number = len(list((self._folder / "tape" / file_name(symbol)).glob("*.parquet")))
        path = (
            self._folder / "tape" / file_name(symbol) / f"{_file_time(events[0].time)}-{number:06d}.parquet"
        )
        self._guard(lambda: save_tape(_tape_of(symbol, events), path))

    def _guard(self, write: Callable[[], _T]) -> _T:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return write()
        except OSError as error:
            raise ConfigError(f"{self._folder}: market data cannot be recorded: {error.strerror}") from error


def _file_time(time: int) -> str:
    return isoformat(time // 10**9 * 10**9).replace("-", "").replace(":", "")


def _write_spool(path: Path, lines: Iterable[bytes]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(b"".join(line + b"\n" for line in lines))
    part.replace(path)


def _kept(path: Path, position: Mapping[str, Any] | None) -> list[bytes]:
    """Return the lines of a spool that a journal knows of; the last one may be torn."""
    if position is None or not path.exists():
        return []
    text = path.read_bytes()
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    ends, tapes = position.get("bars", {}), position.get("tape", {})
    known, counts = [], dict.fromkeys(tapes, 0)
    for line in lines:
        kind, event, *_ = msgspec.json.decode(line)
        if kind == "bar":
            is_known = event["end"] <= ends.get(event["symbol"], 0)
        else:
            symbol = event["symbol"]
            time, count = tapes.get(symbol, (0, 0))
            counts[symbol] = counts.get(symbol, 0) + (event["time"] == time)
            is_known = event["time"] < time or (event["time"] == time and counts[symbol] <= count)
        if is_known:
            known.append(line)
    return known


def _tape_of(symbol: str, events: Iterable[_Tape]) -> TapeSeries:
    """Return events of one instrument as columns."""
    columns: list[list[Any]] = [[] for _ in TapeSeries.COLUMNS]
    for number, event in enumerate(events):
        for kind, side, price, quantity, sequence, previous in _rows(event):
            row = (event.time, event.venue_time, number, kind, side, price, quantity, sequence, previous)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return TapeSeries(symbol, *(np.array(column) for column in columns))


def _rows(event: _Tape) -> list[tuple[int, int, float, float, int, int]]:
    if isinstance(event, Trade):
        return [(int(RowKind.TRADE), int(event.side), event.price, event.quantity, -1, -1)]
    if isinstance(event, Quote):
        kind = int(RowKind.QUOTE)
        bid = (kind, 1, _price(event.bid_price), event.bid_quantity, -1, -1)
        return [bid, (kind, -1, _price(event.ask_price), event.ask_quantity, -1, -1)]
    kind = int(RowKind.SNAPSHOT if event.is_snapshot else RowKind.BOOK)
    levels = list(zip(event.sides, event.prices, event.quantities, strict=True)) or [(0, float("nan"), 0.0)]
    return [(kind, side, price, quantity, event.sequence, event.previous) for side, price, quantity in levels]


def _price(value: float | None) -> float:
    # JSON holds no NaN: the price of an empty side comes back as None.
    return float("nan") if value is None else value
