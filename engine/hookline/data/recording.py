"""What a session recorded beside its journal: every event that it handled, in order.

A recording is a folder:

=====================  =============================================================================================================
file                   what is in it
=====================  =============================================================================================================
``about.json``         the format, the timeframe of the bars, and whether the market was followed as it moved
``log/PART.parquet``   one row for each event in the order in which it was handled, see ``LOG_COLUMNS``
``tape/SYMBOL/``       the quotes, trades and book updates that the log names, in its order; files end with the part's number
``bars/``              the bars as a catalogue, for other uses; the log holds them as well
``funding``, ``marks`` what a session on history knew beforehand, by symbol
``spool.jsonl``        what is no part yet: the number of the part, then a line for each event
=====================  =============================================================================================================

Kinds of rows in the log: ``bar``; ``q``, ``t`` and ``b`` for quotes, trades and book updates; ``mark`` and ``funding`` with a price or a
rate as ``value``; ``start``, with the taker fee that the broker stated as ``value``, and ``stop`` of the session; ``news`` after an event and ``heard`` beside events, where the journal gets rows:
``value`` steps of orders and ``place`` payments; ``warm`` for bars that only columns have seen; ``late`` for bars that were dropped;
``lost`` for messages that were dropped, whose content is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from hookline.data.source import file_name
from hookline.errors import DataError
from hookline.feed import BarRequest
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    FundingRate,
    MarketEvent,
    MarkPrice,
    Quote,
    Timeframe,
    Trade,
)

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = [
    "ABOUT_FILE",
    "FORMAT",
    "LOG_COLUMNS",
    "SPOOL_FILE",
    "TAPE_KINDS",
    "Entry",
    "Recording",
    "by_time",
    "log_row",
]

ABOUT_FILE = "about.json"
SPOOL_FILE = "spool.jsonl"
FORMAT = "hookline recording 1"
TAPE_KINDS: dict[str, type[Quote | Trade | BookUpdate]] = {"q": Quote, "t": Trade, "b": BookUpdate}
_NOTES: dict[str, type[MarkPrice | FundingRate]] = {"mark": MarkPrice, "funding": FundingRate}
_BARS = ("bar", "warm", "late")
_BREAKS = ("start", "stop", "warm")
_PRICES = ("open", "high", "low", "close", "volume")

LOG_COLUMNS = {
    "kind": "string",
    "symbol": "string",
    "time": "int64",
    "received": "int64",
    "venue_time": "int64",
    "place": "int64",
    "value": "double",
    "start": "int64",
    **dict.fromkeys(_PRICES, "double"),
}
"""Columns of the log and their types. ``time`` is when an event is known, of a bar its end; ``received`` when it was handled, by the
system's clock; ``place`` counts bars that were handled together; times are nanoseconds UTC."""


class Entry(NamedTuple):
    """One thing that a session handled: what, when it is known, when it was received, and the events, several only of bars.

    ``value`` is, at a start, the taker fee that the broker stated; of news, how many steps of orders the journal gets. ``place`` is
    then how many payments.
    """

    kind: str
    time: int
    received: int
    events: tuple[MarketEvent, ...] = ()
    value: float = 0.0
    place: int = 0

    @property
    def is_news(self) -> bool:
        """Whether it tells of the session's own doing and not of the market."""
        return self.kind in ("news", "heard")


def log_row(row: Sequence[Any]) -> dict[str, Any]:
    """Return a line of the spool as a row of the log."""
    kind, event, received, *rest = row
    time = event["end"] if kind in _BARS else event["time"]
    told = dict.fromkeys(LOG_COLUMNS) | {
        "kind": kind,
        "symbol": event["symbol"],
        "time": time,
        "received": received,
        "venue_time": event.get("venue_time", time),
        "place": rest[0] if rest else 0,
        "value": event.get("rate") if kind == "funding" else event.get("price"),
    }
    if kind in TAPE_KINDS:
        told["value"] = None
    return told | ({name: event[name] for name in ("start", *_PRICES)} if kind in _BARS else {})


class Recording:
    """Reads a recording, also one that is being written.

    Args:
        folder: Where it is.

    Raises:
        DataError: if there is none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / ABOUT_FILE
        try:
            about = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise DataError(f"{folder}: no recording: {path.name} cannot be read") from error
        if about.get("format") != FORMAT:
            raise DataError(f"{path}: format must be {FORMAT!r}, was {about.get('format')!r}")
        self.timeframe: Timeframe = about["timeframe"]
        self.follows: bool = about["follows"]

    def entries(self) -> Iterator[Entry]:
        """Yield everything in the order in which it was handled.

        Raises:
            DataError: if a file is damaged or missing.
        """
        together: list[dict[str, Any]] = []
        for row, event in self._rows():
            if together and not (row["kind"] == together[0]["kind"] and row["place"] > together[-1]["place"]):
                yield _bars_entry(together)
                together = []
            if row["kind"] in _BARS:
                together.append(row)
            else:
                events = () if event is None else (event,)
                value = 0.0 if event is not None else row["value"] or 0.0
                yield Entry(row["kind"], row["time"], row["received"], events, value, row["place"])
        if together:
            yield _bars_entry(together)

    @cached_property
    def is_empty(self) -> bool:
        """Whether nothing was recorded."""
        return next(self.entries(), None) is None

    def funding(self, symbol: str) -> ExternalSeries | None:
        """Return the funding rates of a symbol: those known beforehand, else those that came; None if there are none."""
        from hookline.columns import ExternalSeries
        from hookline.data.parquet_file import open_parquet

        path = self.folder / "funding" / f"{file_name(symbol)}.parquet"
        if path.exists():
            table = open_parquet(path).read()
            return ExternalSeries(table["ts"].to_numpy(), table["value"].to_numpy())
        came = [one for entry in self.entries() if entry.kind == "funding" for one in entry.events]
        rates = {one.time: one.rate for one in came if isinstance(one, FundingRate) and one.symbol == symbol}
        times = sorted(rates)
        return ExternalSeries(np.array(times), np.array([rates[time] for time in times])) if times else None

    def marks(self, symbol: str) -> BarSeries | None:
        """Return bars of the mark price that were known beforehand, None if there are none."""
        from hookline.data.parquet_bars import read_parquet
        from hookline.data.raw import answer

        path = self.folder / "marks" / f"{file_name(symbol)}.parquet"
        if not path.exists():
            return None
        raw = read_parquet(path, symbol, timeframe=self.timeframe)
        return answer(raw.renamed(symbol), BarRequest(symbol, self.timeframe))

    # -- files -----------------------------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[tuple[dict[str, Any], MarketEvent | None]]:
        part = -1
        for path in sorted((self.folder / "log").glob("*.parquet")):
            part = int(path.stem)
            yield from self._part(path, part)
        yield from self._spooled(part)

    def _part(self, path: Path, part: int) -> Iterator[tuple[dict[str, Any], MarketEvent | None]]:
        from hookline.data.parquet_file import open_parquet

        tapes: dict[str, Iterator[MarketEvent]] = {}
        for batch in open_parquet(path).iter_batches(columns=list(LOG_COLUMNS)):
            for row in batch.to_pylist():
                if row["kind"] not in TAPE_KINDS:
                    yield row, _note(row)
                    continue
                symbol = row["symbol"]
                if symbol not in tapes:
                    tapes[symbol] = self._tape(symbol, part)
                event = next(tapes[symbol], None)
                if event is None:
                    raise DataError(f"{path}: names more messages of {symbol} than the tape has")
                yield row, event

    def _tape(self, symbol: str, part: int) -> Iterator[MarketEvent]:
        from hookline.data.tape import read_tape

        paths = list((self.folder / "tape" / file_name(symbol)).glob(f"*-{part:06d}.parquet"))
        if len(paths) != 1:
            raise DataError(f"{self.folder}: part {part} must have one tape of {symbol}, has {len(paths)}")
        return read_tape(paths[0], symbol).events()

    def _spooled(self, stored: int) -> Iterator[tuple[dict[str, Any], MarketEvent | None]]:
        """Yield what is no part yet; a last line that is torn is left out."""
        path = self.folder / SPOOL_FILE
        text = path.read_bytes() if path.exists() else b""
        lines = text[: text.rfind(b"\n") + 1].splitlines()
        if not lines or msgspec.json.decode(lines[0])[1] <= stored:
            return
        for line in lines[1:]:
            fields = msgspec.json.decode(line)
            row, kind = log_row(fields), fields[0]
            yield row, msgspec.convert(fields[1], TAPE_KINDS[kind]) if kind in TAPE_KINDS else _note(row)


def by_time(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries as they would have come with nothing late and nothing dropped.

    Between two starts or stops everything is in the order of its time: bars that end together as one event and first, then
    messages, then marks and funding. Bars that were dropped are in their places; one that came twice counts once.
    """
    ordered: list[Entry] = []
    stretch: list[Entry] = []
    known: set[tuple[str, int]] = set()
    for entry in entries:
        if entry.kind in _BREAKS:
            ordered += _sorted(stretch, known)
            ordered.append(entry)
            stretch = []
        elif entry.kind != "lost":
            stretch.append(entry)
    return [*ordered, *_sorted(stretch, known)]


def punctual(entries: Iterable[Entry], symbols: Collection[str]) -> list[Entry]:
    """Return entries in their order, but with the bars of some symbols before everything that is known at or after their ends.

    What came late is still dropped where it was dropped.
    """
    moved: list[Entry] = []
    begin = 0
    for entry in entries:
        bars = tuple(one for one in entry.events if entry.kind == "bar" and one.symbol in symbols)
        if bars:
            place = len(moved)
            while (
                place > begin
                and moved[place - 1].time >= entry.time
                and not _is_peer(moved[place - 1], entry)
            ):
                place -= 1
            moved.insert(place, entry._replace(events=bars))
        rest = tuple(one for one in entry.events if one not in bars) if bars else entry.events
        if rest or not bars:
            moved.append(entry._replace(events=rest))
        if entry.kind in _BREAKS:
            begin = len(moved)
    return moved


def _is_peer(one: Entry, entry: Entry) -> bool:
    """Return whether an entry is of bars that end with those of another, or later."""
    return one.kind == "bar" and one.time >= entry.time


def _sorted(stretch: list[Entry], known: set[tuple[str, int]]) -> Iterator[Entry]:
    groups: dict[int, list[Entry]] = {}
    others: list[Entry] = []
    # Those that were handled come first, so that of a bar that came twice the first one counts.
    for entry in sorted(stretch, key=lambda one: one.kind == "late"):
        if entry.kind in _BARS:
            groups.setdefault(entry.time, []).append(entry)
        else:
            others.append(entry)
    messages = sorted(others, key=lambda one: (one.time, one.kind in _NOTES))
    yield from merge(_grouped(groups, known), messages, key=lambda one: one.time)


def _grouped(groups: dict[int, list[Entry]], known: set[tuple[str, int]]) -> Iterator[Entry]:
    for time in sorted(groups):
        bars: list[MarketEvent] = []
        for bar in (bar for entry in groups[time] for bar in entry.events):
            mark = (bar.symbol, bar.start)  # type: ignore[union-attr]
            if mark not in known:
                known.add(mark)
                bars.append(bar)
        if bars:
            yield Entry("bar", time, max(entry.received for entry in groups[time]), tuple(bars))


def _bars_entry(rows: list[dict[str, Any]]) -> Entry:
    first = rows[0]
    bars = tuple(
        Bar(row["symbol"], row["start"], row["time"], *(row[name] for name in _PRICES)) for row in rows
    )
    return Entry(first["kind"], first["time"], first["received"], bars)


def _note(row: dict[str, Any]) -> MarkPrice | FundingRate | None:
    kind = _NOTES.get(row["kind"])
    return None if kind is None else kind(row["symbol"], row["time"], row["venue_time"], row["value"])
