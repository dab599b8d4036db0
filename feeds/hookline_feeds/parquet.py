"""Bars from Parquet: single files, panels of many symbols, or a catalogue folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from hookline.data.catalogue import Catalogue
from hookline.data.parquet_bars import read_parquet
from hookline.data.raw import answer, read_range
from hookline.data.source import one_symbol, source_file
from hookline.data.times import TimeUnit
from hookline.feed import BarRequest, Feed
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, Timeframe
from hookline.params import Doc

__all__ = ["ParquetFeed", "register_feeds"]


@dataclass
class ParquetFeed(Feed):
    """Bars from a Parquet file, one with a column ``symbol``, or a catalogue folder.

    A file has a time (a bar's start: int64 nanoseconds UTC, or timestamps), open, high, low, close, and perhaps volume.
    Bars shorter than asked for are put together; longer ones are an error.
    """

    name = "parquet"

    path: Annotated[Path, Doc("file or catalogue folder; {symbol} and {timeframe} in it are filled in")]
    columns: Annotated[dict[str, str], Doc("names of columns, ours to the file's: {volume: Volume BTC}")] = (
        field(default_factory=dict)
    )
    symbols: Annotated[dict[str, str], Doc("symbols as the file has them, ours to the file's")] = field(
        default_factory=dict
    )
    timeframe: Annotated[Timeframe | None, Doc("timeframe of the file, if its steps do not tell")] = None
    time_unit: Annotated[TimeUnit, Doc("what integer times count")] = "ns"
    _asked: dict[Path, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
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


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [ParquetFeed]
