"""Bars and tapes from Parquet: single files, panels of many symbols, or a catalogue folder."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from hookline.clock import isoformat
from hookline.data.catalogue import Catalogue
from hookline.data.parquet_bars import read_parquet
from hookline.data.raw import answer, range_text, read_range
from hookline.data.source import file_name, one_symbol, source_file
from hookline.data.tape import cut_tape, load_tape, of_kinds
from hookline.data.tape_bars import tape_bars
from hookline.data.times import TimeUnit
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, MarketData, TapeSeries, Timeframe
from hookline.params import Doc, Ge

__all__ = ["ParquetFeed", "register_feeds"]

_TAPES = {
    "book_path": MarketData.BOOK,
    "trades_path": MarketData.TRADES,
    "quotes_path": MarketData.QUOTES,
}


@dataclass
class ParquetFeed(Feed):
    """Bars from a Parquet file, one with a column ``symbol``, or a catalogue folder; books, trades and quotes from others.

    A file of bars has a time (a bar's start: int64 nanoseconds UTC, or timestamps), open, high, low, close, and perhaps
    volume. Bars shorter than asked for are put together; longer ones are an error. Without a ``path``, bars are made of
    the tape.
    """

    name = "parquet"

    path: Annotated[
        Path | None, Doc("bars: file or catalogue folder; {symbol} and {timeframe} in it are filled in")
    ] = None
    columns: Annotated[
        dict[str, str], Doc("names of columns of bars, ours to the file's: {volume: Volume BTC}")
    ] = field(default_factory=dict)
    symbols: Annotated[dict[str, str], Doc("symbols as the file has them, ours to the file's")] = field(
        default_factory=dict
    )
    timeframe: Annotated[Timeframe | None, Doc("timeframe of the file, if its steps do not tell")] = None
    time_unit: Annotated[TimeUnit, Doc("what integer times of bars count")] = "ns"
    book_path: Annotated[Path | None, Doc("file of book updates; {symbol} in it is filled in")] = None
    trades_path: Annotated[Path | None, Doc("file of trades; {symbol} in it is filled in")] = None
    quotes_path: Annotated[Path | None, Doc("file of quotes; {symbol} in it is filled in")] = None
    tape_path: Annotated[Path | None, Doc("file of a recorded tape; {symbol} in it is filled in")] = None
    clock_offset_seconds: Annotated[
        float | None, Doc("added to the recording machine's times; measured if not given")
    ] = None
    least_latency_ms: Annotated[
        float, Ge(0), Doc("smallest latency believed when the offset is measured")
    ] = 0.0
    _asked: dict[Path, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    _tapes: dict[str, TapeSeries] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a feed of nothing.

        Raises:
            ValueError: if no path is given.
        """
        if self.path is None and self.tape_path is None and not any(getattr(self, name) for name in _TAPES):
            raise ValueError(
                "path: is required where there is no book_path, trades_path, quotes_path or tape_path"
            )

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        if self.path is None:
            return self._bars_of_tape(request)
        symbol = self.symbols.get(request.symbol, request.symbol)
        path = source_file(self.path, symbol, request.timeframe)
        if path.is_dir():
            return Catalogue(path).load(request, stored=symbol)
        since, until = read_range(request)
        raw = read_parquet(
            path,
            symbol,
            since=since,
            until=until,
            columns=self.columns,
            timeframe=self.timeframe,
            default_timeframe=request.timeframe,
            time_unit=self.time_unit,
        )
        if not raw.named:
            one_symbol(self._asked, path, request.symbol)
        return answer(raw.renamed(request.symbol), request)

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Return the messages of a request, in the order of arrival.

        Where the range begins after the snapshot of the book, the tape begins with one that is made of what came before.

        Raises:
            ConfigError: if there is no path for a kind that is asked for.
            DataError: if there are none or they cannot be trusted.
        """
        if self.tape_path is None:
            for name, kind in _TAPES.items():
                if kind in request.kinds and getattr(self, name) is None:
                    raise ConfigError(
                        f"feed 'parquet': {kind} of {request.symbol} need {name!r} or 'tape_path'"
                    )
        part = of_kinds(self._whole(request.symbol), request.kinds)
        part = cut_tape(part, request.since, request.until)
        if len(part) == 0:
            wanted = ", ".join(sorted(request.kinds))
            range_ = range_text(request.since, request.until)
            raise DataError(f"feed 'parquet': no {wanted} of {request.symbol}{range_}")
        return part

    def _whole(self, symbol: str) -> TapeSeries:
        """Return all that the files have of a symbol; read once, for its clock is measured on all of it."""
        if symbol not in self._tapes:
            stored = self.symbols.get(symbol, symbol)
            given = (self.tape_path, *(getattr(self, name) for name in _TAPES))
            paths = [_filled(path, stored) for path in given if path is not None]
            offset = None if self.clock_offset_seconds is None else round(self.clock_offset_seconds * 1e9)
            least = round(self.least_latency_ms * 1e6)
            tape = load_tape(*paths, symbol=stored, clock_offset=offset, least_latency=least)
            self._tapes[symbol] = replace(tape, symbol=symbol)
        return self._tapes[symbol]

    def _bars_of_tape(self, request: BarRequest) -> BarSeries:
        tape = self._whole(request.symbol)
        series = tape_bars(tape, request.timeframe).between(request.since, request.until)
        if len(series) == 0:
            span = f"{isoformat(int(tape.time[0]))} to {isoformat(int(tape.time[-1]))}"
            range_ = range_text(request.since, request.until)
            rule = f"no whole bars of {request.symbol} {request.timeframe}{range_}"
            raise DataError(f"feed 'parquet': {rule}; the tape has {span}")
        return series


def _filled(path: Path, symbol: str) -> Path:
    return Path(str(path).replace("{symbol}", file_name(symbol)))


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [ParquetFeed]
