"""What a session has recorded, as a feed: history, or the market again as the session received it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np

from hookline.clock import Clock, EventClock
from hookline.data.recording import Entry, Recording
from hookline.data.tape import cut_tape, load_tape, of_kinds
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.hookspecs import hookimpl
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Instrument,
    MarketData,
    MarketEvent,
    Quote,
    TapeSeries,
    Trade,
)
from hookline.params import Doc

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["RecordingFeed", "register_feeds"]

_KINDS = {Quote: MarketData.QUOTES, Trade: MarketData.TRADES, BookUpdate: MarketData.BOOK}


@dataclass
class RecordingFeed(Feed):
    """The recording of a session, which `stream: {record: true}` has made in its folder.

    ``load`` and ``tape`` answer with what was recorded. ``stream`` plays it as fast as it is taken, in the order in which the
    session handled it. What the session followed live is followed live again, by the clock of the recording: columns are
    warmed up with the bars of then, marks and funding come when they came. Instruments are those of the journal beside it.
    """

    name = "recording"

    path: Annotated[Path, Doc("folder of the recording, such as runs/demo/recording")]
    _clock: EventClock = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Open the recording.

        Raises:
            ValueError: if there is none.
        """
        try:
            self._recording = Recording(self.path)
        except DataError as error:
            raise ValueError(f"path: {error}") from None
        self.is_live = self._recording.follows  # type: ignore[misc]
        first = next((entry.time for entry in self._recording.entries()), 0) if self.is_live else 0
        self._clock = EventClock(first)

    @property
    def clock(self) -> Clock:
        """The time of the recording, as far as it has been played."""
        return self._clock

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            ConfigError: if another timeframe was recorded.
            DataError: if there are none.
        """
        if request.timeframe != self._recording.timeframe:
            raise ConfigError(
                f"feed 'recording': {self.path} has bars of {self._recording.timeframe}, was asked for {request.timeframe}"
            )
        bars = self._bars.get(request.symbol, {})
        rows = [bars[start] for start in sorted(bars)]
        columns = [np.array([getattr(bar, name) for bar in rows]) for name in ("start", *BarSeries.COLUMNS)]
        series = BarSeries(request.symbol, request.timeframe, *columns).between(request.since, request.until)
        if len(series) == 0:
            raise DataError(f"feed 'recording': {self.path} has no bars of {request.symbol} in that range")
        return series

    @cached_property
    def _bars(self) -> dict[str, dict[int, Bar]]:
        found: dict[str, dict[int, Bar]] = {}
        for entry in self._recording.entries():
            for bar in entry.events:
                if isinstance(bar, Bar):
                    found.setdefault(bar.symbol, {}).setdefault(bar.start, bar)
        return found

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return the messages of a request, in the order of arrival; those of a session that runs as far as they are stored.

        Raises:
            DataError: if there are none.
        """
        from hookline.data.source import file_name

        folder = self.path / "tape" / file_name(request.symbol)
        tape = load_tape(folder, symbol=request.symbol, kinds=request.kinds, clock_offset=0)
        part = cut_tape(of_kinds(tape, request.kinds), request.since, request.until)
        if len(part) == 0:
            wanted = ", ".join(sorted(request.kinds))
            raise DataError(
                f"feed 'recording': {self.path} has no {wanted} of {request.symbol} in that range"
            )
        return part

    def instrument(self, symbol: str) -> Instrument | None:
        """Return the instrument as the session knew it, None where there is no journal beside the recording."""
        from hookline.errors import JournalError
        from hookline.journal import read_journal

        try:
            content = read_journal(self.path.parent, last_segment=True)
        except JournalError:
            return None
        return content.header.instruments.get(symbol)

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
        """Return the funding rates that the session knew or heard of.

        Raises:
            DataError: if they cannot be trusted.
        """
        from hookline.columns import ExternalSeries

        known = self._recording.funding(symbol)
        if known is None:
            return None
        first = 0 if since is None else int(np.searchsorted(known.time, since))
        stop = len(known.time) if until is None else int(np.searchsorted(known.time, until))
        return ExternalSeries(known.time[first:stop], known.value[first:stop])

    def mark(self, request: BarRequest) -> BarSeries | None:
        """Return bars of the mark price that the session knew beforehand."""
        return self._recording.marks(request.symbol)

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        """Yield what was handled and is asked for, in the order in which it was handled.

        Raises:
            DataError: if the recording is damaged.
        """
        for entry in self._recording.entries():
            self._clock.now = max(self._clock.now, entry.time)
            for event in _wanted(entry, requests):
                yield event


def _wanted(entry: Entry, requests: Sequence[BarRequest | TapeRequest]) -> Iterator[MarketEvent]:
    if entry.kind not in ("warm", "late"):
        for event in entry.events:
            if type(event) not in (Bar, *_KINDS) or any(_asks(request, event) for request in requests):
                yield event


def _asks(request: BarRequest | TapeRequest, event: MarketEvent) -> bool:
    if event.symbol != request.symbol:
        return False
    if isinstance(event, Bar):
        time, is_of_kind = event.start, isinstance(request, BarRequest)
    else:
        time = event.time
        is_of_kind = isinstance(request, TapeRequest) and _KINDS.get(type(event)) in request.kinds
    after = request.since is None or time >= request.since
    return is_of_kind and after and (request.until is None or time < request.until)


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [RecordingFeed]
