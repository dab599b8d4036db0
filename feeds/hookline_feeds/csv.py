"""Bars from CSV files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from hookline.data.csv_bars import read_csv
from hookline.data.csv_table import CsvFormat
from hookline.data.raw import answer, read_range
from hookline.data.source import one_symbol, source_file
from hookline.data.times import TimeUnit
from hookline.feed import BarRequest, Feed
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, Timeframe
from hookline.params import Doc, Ge

__all__ = ["CsvFeed", "register_feeds"]


@dataclass
class CsvFeed(Feed):
    """Bars from a CSV file with a header line.

    Separated by comma, semicolon, tab or bar; times are ISO 8601 text or counts of s, ms, us or ns. Bars shorter than asked
    for are put together; longer ones are an error. Each session reads the whole file again: for long files,
    ``hookline data import`` makes a catalogue, which is many times faster to read.
    """

    name = "csv"

    path: Annotated[Path, Doc("file; {symbol} and {timeframe} in it are filled in")]
    columns: Annotated[dict[str, str], Doc("names of columns, ours to the file's: {volume: Volume BTC}")] = (
        field(default_factory=dict)
    )
    symbols: Annotated[dict[str, str], Doc("symbols as the file has them, ours to the file's")] = field(
        default_factory=dict
    )
    timeframe: Annotated[Timeframe | None, Doc("timeframe of the file, if its steps do not tell")] = None
    time_column: Annotated[str | None, Doc("name of the column with the times")] = None
    time_unit: Annotated[TimeUnit, Doc("what integer times count")] = "auto"
    time_zone: Annotated[str, Doc("zone of times that name none")] = "UTC"
    label: Annotated[Literal["open", "close"], Doc("whether times are the bars' starts or ends")] = "open"
    column_names: Annotated[list[str], Doc("names of all columns, for a file without a header")] = field(
        default_factory=list
    )
    skip_lines: Annotated[int, Ge(0), Doc("lines before the header")] = 0
    newest_first: Annotated[bool, Doc("the last bar comes first")] = False
    _asked: dict[Path, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def load(self, request: BarRequest) -> BarSeries:
        """Return the bars of a request.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        symbol = self.symbols.get(request.symbol, request.symbol)
        path = source_file(self.path, symbol, request.timeframe)
        since, until = read_range(request)
        raw = read_csv(
            path,
            symbol,
            self._form(),
            since=since,
            until=until,
            timeframe=self.timeframe,
            default_timeframe=request.timeframe,
        )
        if not raw.named:
            one_symbol(self._asked, path, request.symbol)
        return answer(raw.renamed(request.symbol), request)

    def _form(self) -> CsvFormat:
        return CsvFormat(
            columns=self.columns,
            time_column=self.time_column,
            time_unit=self.time_unit,
            time_zone=self.time_zone,
            label=self.label,
            column_names=self.column_names,
            skip_lines=self.skip_lines,
            newest_first=self.newest_first,
        )


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [CsvFeed]
