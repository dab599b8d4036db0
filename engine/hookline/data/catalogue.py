"""A folder of Parquet files, one for each symbol and timeframe: ``<folder>/<symbol>/<timeframe>.parquet``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.data.layout import TIME_COLUMNS
from hookline.data.parquet_bars import read_parquet
from hookline.data.parquet_file import file_metadata, open_parquet, write_parquet
from hookline.data.raw import answer, read_range
from hookline.data.source import file_name
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["Catalogue", "CatalogueEntry", "WriteCount"]

_SHOWN = 5  # conflicting rows in a message


@dataclass(frozen=True)
class CatalogueEntry:
    """One file of a catalogue. ``first`` and ``last`` are the starts of its first and last bar, nanoseconds UTC.

    ``problem`` says why the file cannot be used; the numbers are then 0.
    """

    symbol: str
    timeframe: Timeframe
    path: Path
    bars: int = 0
    first: int = 0
    last: int = 0
    size_bytes: int = 0
    problem: str = ""


@dataclass(frozen=True)
class WriteCount:
    """What writing a series did: bars that are new, that were there already, and that replaced others."""

    path: Path
    added: int
    same: int
    replaced: int


@dataclass(frozen=True)
class Catalogue:
    """Bars on disk by symbol and timeframe.

    Args:
        folder: Where the files are; made by the first write.
    """

    folder: Path

    def path(self, symbol: str, timeframe: Timeframe) -> Path:
        """Return the file of a symbol and timeframe, whether it exists or not.

        Raises:
            ConfigError: if the symbol is empty.
            ValueError: if there is no such timeframe.
        """
        timeframe_ns(timeframe)
        return Path(self.folder) / file_name(symbol) / f"{timeframe}.parquet"

    def load(self, request: BarRequest, *, stored: str | None = None) -> BarSeries:
        """Return the bars of a request; made of the longest shorter bars where there are none of its timeframe.

        Args:
            request: What to load.
            stored: The symbol's name in the catalogue, if it is another one.

        Raises:
            DataError: if there are none or they cannot be trusted.
        """
        symbol = stored or request.symbol
        path = self._source(symbol, request.timeframe)
        since, until = read_range(request)
        raw = read_parquet(path, symbol, since=since, until=until, timeframe=path.stem)
        return answer(raw.renamed(request.symbol), request)

    def write(self, series: BarSeries, *, merge: bool = True, replace: bool = False) -> WriteCount:
        """Write a series.

        Args:
            series: Bars of one symbol and timeframe.
            merge: Keep the bars that are there already; otherwise the series takes their place.
            replace: On a merge, let the series win where both have a bar and the two differ.

        Raises:
            DataError: if bars differ and ``replace`` is not set, or if the result would not be a series.
        """
        path = self.path(series.symbol, series.timeframe)
        if len(series) == 0:
            raise DataError(f"{path}: nothing to write, the series of {series.symbol} has no bars")
        if not merge or not path.exists():
            _store(path, series)
            return WriteCount(path, added=len(series), same=0, replaced=0)
        present = read_parquet(path, series.symbol, timeframe=series.timeframe).series()
        merged, same, replaced = _merge(present, series, str(path), replace=replace)
        added = len(merged) - len(present)
        if added or replaced:
            _store(path, merged)
        return WriteCount(path, added=added, same=same, replaced=replaced)

    def info(self) -> list[CatalogueEntry]:
        """Return what the catalogue holds, by symbol and length of bar; files that cannot be used say why.

        Raises:
            DataError: if there is no such folder.
        """
        if not Path(self.folder).is_dir():
            raise DataError(f"{self.folder}: no such catalogue folder")
        entries = [
            _entry(path) for path in Path(self.folder).glob("*/*.parquet") if not path.name.startswith(".")
        ]
        return sorted(entries, key=lambda entry: (entry.symbol, _length(entry.timeframe), entry.timeframe))

    def timeframes(self, symbol: str) -> list[Timeframe]:
        """Return the timeframes that are stored of a symbol, shortest first."""
        names = [path.stem for path in (Path(self.folder) / file_name(symbol)).glob("*.parquet")]
        return sorted((name for name in names if _length(name)), key=timeframe_ns)

    def shorter(self, symbol: str, timeframe: Timeframe) -> Timeframe:
        """Return the longest stored timeframe of a symbol of which bars of another, longer one can be made.

        Raises:
            DataError: if there is none.
        """
        stored = self.timeframes(symbol)
        lengths = {name: timeframe_ns(name) for name in stored}
        wanted = timeframe_ns(timeframe)
        fitting = [name for name, length in lengths.items() if length < wanted and wanted % length == 0]
        if fitting:
            return fitting[-1]
        if stored:
            have = ", ".join(stored)
            raise DataError(
                f"{self.folder}: no bars of {symbol!r} to make {timeframe} bars of; it has {have}"
            )
        symbols = sorted(unquote(path.name) for path in Path(self.folder).glob("*") if path.is_dir())
        raise DataError(
            f"{self.folder}: no bars of {symbol!r}; the catalogue has {', '.join(symbols) or 'none at all'}"
        )

    def _source(self, symbol: str, timeframe: Timeframe) -> Path:
        path = self.path(symbol, timeframe)
        return path if path.exists() else self.path(symbol, self.shorter(symbol, timeframe))


def _merge(
    present: BarSeries, series: BarSeries, source: str, *, replace: bool
) -> tuple[BarSeries, int, int]:
    """Return both series as one, how many bars of the second were there already, and how many replaced others."""
    _, old, new = np.intersect1d(present.start, series.start, assume_unique=True, return_indices=True)
    differs = np.zeros(len(old), np.bool_)
    for name in BarSeries.COLUMNS:
        differs |= getattr(present, name)[old] != getattr(series, name)[new]
    if differs.any() and not replace:
        raise DataError(_conflict_text(present, series, old[differs], new[differs], source))
    kept = np.ones(len(present), np.bool_)
    kept[old] = False
    start = np.concatenate((present.start[kept], series.start))
    order = np.argsort(start, kind="stable")
    columns = (
        np.concatenate((getattr(present, name)[kept], getattr(series, name)))[order]
        for name in BarSeries.COLUMNS
    )
    merged = BarSeries(series.symbol, series.timeframe, start[order], *columns)
    return merged, len(old) - int(differs.sum()), int(differs.sum())


def _conflict_text(
    present: BarSeries, series: BarSeries, old: NDArray[np.intp], new: NDArray[np.intp], source: str
) -> str:
    lines = [
        f"{source}: {len(old)} bars differ from those already there; keep them out, or let the new ones win: --replace"
    ]
    for row, other in list(zip(old.tolist(), new.tolist(), strict=True))[:_SHOWN]:
        names = [n for n in BarSeries.COLUMNS if getattr(present, n)[row] != getattr(series, n)[other]]
        pairs = (
            f"{n} {float(getattr(present, n)[row])!r} there, {float(getattr(series, n)[other])!r} new"
            for n in names
        )
        lines.append(f"  {isoformat(int(present.start[row]))}: {'; '.join(pairs)}")
    if len(old) > _SHOWN:
        lines.append(f"  and {len(old) - _SHOWN} more")
    return "\n".join(lines)


def _entry(path: Path) -> CatalogueEntry:
    symbol, timeframe = unquote(path.parent.name), path.stem
    if not _length(timeframe):
        return CatalogueEntry(symbol, timeframe, path, problem=f"{timeframe!r} is no timeframe")
    try:
        file = open_parquet(path)
        symbol = file_metadata(file).get("symbol", symbol)
        names = file.schema_arrow.names
        column = names.index(next(name for name in TIME_COLUMNS if name in names))
        stats = [
            file.metadata.row_group(group).column(column).statistics for group in range(file.num_row_groups)
        ]
        first, last = min(stat.min for stat in stats), max(stat.max for stat in stats)
    except (DataError, StopIteration, AttributeError) as error:
        problem = str(error) or "has no column of times"
        return CatalogueEntry(symbol, timeframe, path, problem=problem)
    return CatalogueEntry(symbol, timeframe, path, file.metadata.num_rows, first, last, path.stat().st_size)


def _length(timeframe: str) -> int:
    try:
        return timeframe_ns(timeframe)
    except ValueError:
        return 0


def _store(path: Path, series: BarSeries) -> None:
    try:
        write_parquet(path, series)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
