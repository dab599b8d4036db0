"""Keeps the market data that a session handled, so that the session can be run again event for event.

Rules of this file:

- Each event is written to a spool, a text file of one line for each, before the next one is handled. Now and then the spool
  becomes Parquet, one part of everything: bars in a catalogue (``bars``), messages as a tape for each symbol (``tape/SYMBOL``), and the
  log of all events in the order in which they were handled, with when they were received (``log``). A file of these appears whole or
  not at all. :mod:`hookline.data.recording` reads them.
- The spool begins with the number of the part that it will be: doing that again after a crash in between writes the same files.
- The spool becomes Parquet only when the journal holds everything in it. After a crash it may be ahead of the journal; what
  the journal does not know of is cut off then, for it comes again.
- A killed process loses nothing; losing power may lose the end of the spool.
- What was dropped because it came late is in the log too; of quotes, trades and books only that it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from hookline.clock import SystemClock, isoformat
from hookline.data.recording import ABOUT_FILE, FORMAT, LOG_COLUMNS, SPOOL_FILE, TAPE_KINDS, log_row
from hookline.errors import ConfigError
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    FundingRate,
    MarketEvent,
    MarkPrice,
    Quote,
    RowKind,
    TapeSeries,
    Timeframe,
    Trade,
)

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["MarketRecorder"]

_PART_EVENTS = 100_000
_LETTERS: dict[type, str] = {kind: letter for letter, kind in TAPE_KINDS.items()}
_Tape = Quote | Trade | BookUpdate
_T = TypeVar("_T")


class MarketRecorder:
    """Writes bars, messages, marks and funding into a folder.

    Args:
        folder: Made if it is not there.
        timeframe: Of the bars.
        position: How far the journal has come, None for a session that begins.
        part_events: Events after which the spool becomes Parquet.
        follows: Whether the market is followed as it moves.
        until: Time of the journal's last commit, for one that goes on.

    Raises:
        ConfigError: if the folder cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        timeframe: Timeframe,
        position: Mapping[str, Any] | None = None,
        part_events: int = _PART_EVENTS,
        *,
        follows: bool = False,
        until: int = 0,
    ) -> None:
        self._folder = folder
        self._timeframe = timeframe
        self._part_events = part_events
        self._clock = SystemClock()
        self._path = folder / SPOOL_FILE
        self._part, kept = self._guard(lambda: _kept(self._path, position, until))
        self._count = len(kept)
        about = {"format": FORMAT, "timeframe": timeframe, "follows": follows}
        self._guard(lambda: _write_whole(folder / ABOUT_FILE, [msgspec.json.encode(about)]))
        self._guard(lambda: self._write_spool(kept))
        self._file = self._guard(lambda: self._path.open("ab", buffering=0))

    # -- what happens ----------------------------------------------------------------------------------------------------

    def keep(self, bars: Sequence[Bar]) -> None:
        """Keep bars that were handled together."""
        received = self._clock.now
        self._append([["bar", bar, received, place] for place, bar in enumerate(bars)])

    def keep_message(self, event: _Tape) -> None:
        """Keep a quote, a trade or a book update that was handled."""
        self._append([[_LETTERS[type(event)], event, self._clock.now]])

    def keep_note(self, event: MarkPrice | FundingRate) -> None:
        """Keep a mark price or a funding rate of a market that is followed live."""
        self._append([["mark" if isinstance(event, MarkPrice) else "funding", event, self._clock.now]])

    def began(self, time: int, taker_fee: float = 0.0) -> None:
        """Keep when strategies started on a market that is followed live, and the taker fee that they reckon with, a fraction."""
        self._append([["start", {"symbol": "", "time": time, "price": taker_fee}, self._clock.now]])

    def news(self, time: int, updates: int, payments: int = 0, *, heard: bool = False) -> None:
        """Keep where the session's own reports stand among the events: how many rows the journal gets next.

        Args:
            time: Of the session's clock.
            updates: Steps of orders.
            payments: Funding payments.
            heard: Whether they came beside the market, from a venue or because time has passed.
        """
        if updates or payments:
            told = {"symbol": "", "time": time, "price": updates}
            self._append([["heard" if heard else "news", told, self._clock.now, payments]])

    def warmed(self, bars: Sequence[Bar]) -> None:
        """Keep the bars that columns were warmed up with."""
        received = self._clock.now
        self._append([["warm", bar, received, place] for place, bar in enumerate(bars)])

    def dropped(self, event: MarketEvent) -> None:
        """Keep what came too late to be handled: bars as they are, of others that they came."""
        told = event if isinstance(event, Bar) else {"symbol": event.symbol, "time": event.time}
        self._append([["late" if isinstance(event, Bar) else "lost", told, self._clock.now]])

    def know(self, funding: Mapping[str, ExternalSeries], marks: Mapping[str, BarSeries]) -> None:
        """Keep the funding rates and marks that a session on history knows beforehand."""
        if not funding and not marks:
            return
        import pyarrow as pa

        from hookline.data.parquet_file import write_parquet, write_table
        from hookline.data.source import file_name

        for symbol, series in funding.items():
            table = pa.table({"ts": series.time, "value": series.value})
            path = self._folder / "funding" / f"{file_name(symbol)}.parquet"
            self._guard(lambda path=path, table=table: write_table(path, table, {}))  # type: ignore[misc]
        for symbol, bars in marks.items():
            path = self._folder / "marks" / f"{file_name(symbol)}.parquet"
            self._guard(lambda path=path, bars=bars: write_parquet(path, bars))  # type: ignore[misc]

    # -- the journal -----------------------------------------------------------------------------------------------------

    def committed(self) -> None:
        """Learn that the journal holds everything up to here: a spool that is long enough becomes Parquet."""
        if self._count >= self._part_events:
            self._store()

    def release(self) -> None:
        """Let go of the spool of a session that failed; the next start takes care of what is in it."""
        self._file.close()

    def close(self, time: int = 0) -> None:
        """Turn what is left into Parquet; the journal must hold everything.

        Args:
            time: When the session stopped, 0 where it does not matter.
        """
        if time:
            self._append([["stop", {"symbol": "", "time": time}, self._clock.now]])
        self._store()
        self._file.close()

    def _append(self, rows: list[list[Any]]) -> None:
        text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        self._guard(lambda: self._file.write(text))
        self._count += len(rows)

    def _store(self) -> None:
        """Turn the spool into Parquet and begin a new one. Doing it again after a crash in between writes the same files."""
        self._file.close()
        rows = [msgspec.json.decode(line) for line in self._path.read_bytes().splitlines()[1:]]
        if rows:
            self._guard(lambda: self._store_bars([row[1] for row in rows if row[0] == "bar"]))
            self._guard(lambda: self._store_tapes(rows))
            self._guard(lambda: self._store_log(rows))
            self._part += 1
        self._guard(lambda: self._write_spool([]))
        self._file = self._guard(lambda: self._path.open("ab", buffering=0))
        self._count = 0

    def _store_bars(self, rows: list[dict[str, Any]]) -> None:
        from hookline.data.catalogue import Catalogue

        by_symbol: dict[str, list[dict[str, Any]]] = {}
        for bar in rows:
            by_symbol.setdefault(bar["symbol"], []).append(bar)
        for symbol, bars in by_symbol.items():
            columns = (np.array([bar[name] for bar in bars]) for name in ("start", *BarSeries.COLUMNS))
            series = BarSeries(symbol, self._timeframe, *columns)
            Catalogue(self._folder / "bars").write(series, replace=True)

    def _store_tapes(self, rows: list[list[Any]]) -> None:
        from hookline.data.source import file_name
        from hookline.data.tape import save_tape

        tapes: dict[str, list[_Tape]] = {}
        for letter, fields, *_ in rows:
            if letter in TAPE_KINDS:
                tapes.setdefault(fields["symbol"], []).append(msgspec.convert(fields, TAPE_KINDS[letter]))
        for symbol, events in tapes.items():
            # Parts are read in the order of their names.
            name = f"{_file_time(events[0].time)}-{self._part:06d}.parquet"
            save_tape(_tape_of(symbol, events), self._folder / "tape" / file_name(symbol) / name)

    def _store_log(self, rows: list[list[Any]]) -> None:
        import pyarrow as pa

        from hookline.data.parquet_file import write_table

        told = [log_row(row) for row in rows]
        columns = {name: [row[name] for row in told] for name in LOG_COLUMNS}
        table = pa.table(
            columns, schema=pa.schema([(name, pa.type_for_alias(kind)) for name, kind in LOG_COLUMNS.items()])
        )
        write_table(self._folder / "log" / f"{self._part:06d}.parquet", table, {"compression": "zstd"})

    def _write_spool(self, lines: list[bytes]) -> None:
        _write_whole(self._path, [msgspec.json.encode(["part", self._part]), *lines])

    def _guard(self, write: Callable[[], _T]) -> _T:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return write()
        except OSError as error:
            raise ConfigError(f"{self._folder}: market data cannot be recorded: {error.strerror}") from error


def _file_time(time: int) -> str:
    return isoformat(time // 10**9 * 10**9).replace("-", "").replace(":", "")


def _write_whole(path: Path, lines: Iterable[bytes]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(b"".join(line + b"\n" for line in lines))
    part.replace(path)


def _kept(path: Path, position: Mapping[str, Any] | None, until: int) -> tuple[int, list[bytes]]:
    """Return the number of the part that a spool will be, and its lines that a journal knows of; the last one may be torn."""
    if position is None or not path.exists():
        return 0, []
    text = path.read_bytes()
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    if not lines:
        return 0, []
    ends, tapes = position.get("bars", {}), position.get("tape", {})
    known, counts = [], dict.fromkeys(tapes, 0)
    for line in lines[1:]:
        kind, event, *_ = msgspec.json.decode(line)
        is_known = True
        if kind == "bar":
            is_known = event["end"] <= ends.get(event["symbol"], 0)
        elif kind in ("news", "heard"):
            is_known = event["time"] <= until
        elif kind in TAPE_KINDS:
            symbol = event["symbol"]
            time, count = tapes.get(symbol, (0, 0))
            counts[symbol] = counts.get(symbol, 0) + (event["time"] == time)
            is_known = event["time"] < time or (event["time"] == time and counts[symbol] <= count)
        if is_known:
            known.append(line)
    return msgspec.json.decode(lines[0])[1], known


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
