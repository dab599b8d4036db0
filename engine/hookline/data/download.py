"""Bars of a feed into the catalogue, part by part, so that an interrupt keeps what is done.

Rules of this file:

- What is stored of a symbol stays one stretch, whatever range is asked for: what is missing after it is asked for from its last
  bar on, what is missing before it from its first bar back. A download that is cut anywhere goes on there.
- Bars that are still open at ``now`` are never asked for, and dropped should the feed send them.
- Each stretch begins with a bar that is stored already. If the feed has other values for it, the data is of another source or
  was stored before it was final: that is an error and nothing is written, unless the new bars are to win.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hookline.clock import from_ns, to_ns
from hookline.data.catalogue import Catalogue, WriteCount
from hookline.data.raw import range_text
from hookline.data.resample import bucket_start
from hookline.data.source import file_name
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest
from hookline.model import BarSeries, Timeframe, timeframe_ns

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = [
    "DownloadCount",
    "Missed",
    "Part",
    "PartDone",
    "download_bars",
    "funding_path",
    "missing_parts",
    "store_funding",
]

_LEAST_BARS = 500  # of a part; months of long bars are put together
_FUNDING = "rate"


@dataclass(frozen=True)
class Part:
    """A range of bar starts to ask for at once, nanoseconds UTC; ``is_before`` when it lies before what is stored."""

    since: int
    until: int
    is_before: bool = False


@dataclass(frozen=True)
class Missed:
    """A part that the feed had nothing usable of, and what it said."""

    part: Part
    reason: str


@dataclass(frozen=True)
class PartDone:
    """A part that was asked for, how many bars it added, and how much of the whole is done with it."""

    part: Part
    added: int
    done_fraction: float


@dataclass(frozen=True)
class DownloadCount:
    """What a download did: the catalogue's file, bars added, bars replaced, and the parts that brought nothing."""

    path: Path
    added: int = 0
    replaced: int = 0
    missed: tuple[Missed, ...] = ()


def missing_parts(
    request: BarRequest, stored: tuple[int, int] | None, gaps: Sequence[int] = ()
) -> list[Part]:
    """Return what to ask for, in the order in which to ask.

    Args:
        request: What is wanted, with both bounds.
        stored: Starts of the first and the last bar that are there, None if there are none.
        gaps: Starts of missing bars between these to ask for again.

    Raises:
        ValueError: if a bound is missing.
    """
    if request.since is None or request.until is None:
        raise ValueError(f"a download needs both bounds, had {request.since!r} and {request.until!r}")
    since, until, timeframe = request.since, request.until, request.timeframe
    if stored is None:
        return list(_parts(since, until, timeframe))
    (first, last), duration = stored, timeframe_ns(timeframe)
    inside = _parts(max(since, first), min(until, last), timeframe)
    wanted = [part for part in inside if any(part.since <= gap < part.until for gap in gaps)]
    after = list(_parts(last + duration, until, timeframe))
    before = [replace(part, is_before=True) for part in _parts(since, first, timeframe)]
    # The bars that are there already at either end are asked for again, to be compared.
    after[:1] = [replace(part, since=last) for part in after[:1]]
    before[-1:] = [replace(part, until=first + duration) for part in before[-1:]]
    return [*wanted, *after, *reversed(before)]


def download_bars(
    load: Callable[[BarRequest], BarSeries],
    request: BarRequest,
    catalogue: Catalogue,
    now: int,
    *,
    refill: bool = False,
    overwrite: bool = False,
    on_part: Callable[[PartDone], None] | None = None,
) -> DownloadCount:
    """Bring the bars of a request that are missing into a catalogue.

    Args:
        load: Asks the feed.
        request: What is wanted; without an ``until`` up to the last bar that is closed.
        catalogue: Where to.
        now: The feed's time.
        refill: Ask again for bars that are missing between those that are there.
        overwrite: Let the feed's bars win over different ones that are stored.
        on_part: Called after each part that was asked for.

    Raises:
        ConfigError: if nothing is closed in the range, or there is no ``since`` and nothing is stored.
        DataError: if the feed has no bars of it at all, or other ones than are stored.
    """
    path = catalogue.path(request.symbol, request.timeframe)
    present = catalogue.load(BarRequest(request.symbol, request.timeframe)) if path.exists() else None
    request = _bounded(request, present, now)
    stored = None if present is None else (int(present.start[0]), int(present.start[-1]))
    gaps = _gaps(present) if present is not None and refill else ()
    count, parts = DownloadCount(path), missing_parts(request, stored, gaps)
    for number, part in enumerate(parts, start=1):
        asked = replace(request, since=part.since, until=part.until)
        written = _bring(load, asked, part, catalogue, now, overwrite)
        added = 0
        if isinstance(written, Missed):
            count = replace(count, missed=(*count.missed, written))
        else:
            added = written.added
            count = replace(count, added=count.added + added, replaced=count.replaced + written.replaced)
        if on_part is not None:
            on_part(PartDone(part, added, number / len(parts)))
        if part.is_before and not added:
            break  # going back, the first part without bars is where the history begins
    if present is None and not count.added:
        reason = count.missed[-1].reason if count.missed else "the range holds no bar that is closed"
        raise DataError(f"no bars of {request.symbol} {request.timeframe} were found: {reason}")
    return count


def funding_path(catalogue: Catalogue, symbol: str) -> Path:
    """Return the file of a symbol's funding rates, beside its bars: columns ``ts`` (nanoseconds UTC) and ``rate``."""
    return Path(catalogue.folder) / file_name(symbol) / "external" / "funding.parquet"


def store_funding(catalogue: Catalogue, symbol: str, rates: ExternalSeries) -> int:
    """Merge funding rates into their file; return how many are new.

    Raises:
        ConfigError: if the file cannot be written.
        DataError: if a rate that is stored differs.
    """
    import pyarrow as pa

    from hookline.data.external import load_external
    from hookline.data.parquet_file import write_table

    path = funding_path(catalogue, symbol)
    time, rate, there = rates.time, rates.value, 0
    if path.exists():
        present = load_external(path, _FUNDING)
        there = len(present.time)
        _, old, new = np.intersect1d(present.time, time, assume_unique=True, return_indices=True)
        if (present.value[old] != rate[new]).any():
            raise DataError(
                f"{path}: funding rates differ from those already there; take the file away to load anew"
            )
        time, rows = np.unique(np.concatenate((present.time, time)), return_index=True)
        rate = np.concatenate((present.value, rate))[rows]
    if len(time) > there:
        table = pa.table({"ts": time, _FUNDING: rate})
        about = {"symbol": symbol, "ts_unit": "ns since Unix epoch, UTC"}
        try:
            write_table(path, table.replace_schema_metadata(about), {"compression": "zstd"})
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return len(time) - there


def _bring(
    load: Callable[[BarRequest], BarSeries],
    request: BarRequest,
    part: Part,
    catalogue: Catalogue,
    now: int,
    overwrite: bool,
) -> WriteCount | Missed:
    """Ask for a part and store what comes of it."""
    try:
        series = load(request).between(request.since, request.until)
    except DataError as error:
        return Missed(part, str(error))
    series = series.slice(None, int(np.searchsorted(series.end, now, side="right")))
    if len(series) == 0:
        return Missed(part, f"no bars{range_text(part.since, part.until)}")
    return catalogue.write(series, replace=overwrite)


def _bounded(request: BarRequest, present: BarSeries | None, now: int) -> BarRequest:
    """Return the request with both bounds, none of them past the last bar that is closed."""
    closed = bucket_start(now, request.timeframe)
    until = closed if request.until is None else min(request.until, closed)
    since = request.since
    if since is None:
        if present is None:
            raise ConfigError(
                f"{request.symbol} {request.timeframe}: nothing is stored yet, so it takes a first time: --since 2024-01-01"
            )
        since = int(present.start[0])
    if since >= until:
        raise ConfigError(f"{request.symbol} {request.timeframe}: no bar is closed{range_text(since, until)}")
    return replace(request, since=since, until=until)


def _gaps(present: BarSeries) -> list[int]:
    """Return the starts of the first bars that are missing behind those that are there."""
    behind: list[int] = present.end[:-1][np.diff(present.start) > present.duration].tolist()
    return behind


def _parts(since: int, until: int, timeframe: Timeframe) -> Iterator[Part]:
    """Yield the range in calendar months, several at once while they hold few bars."""
    while since < until:
        end = _next_month(since)
        while end < until and end - since < _LEAST_BARS * timeframe_ns(timeframe):
            end = _next_month(end)
        yield Part(since, min(end, until))
        since = end


def _next_month(time: int) -> int:
    moment = from_ns(time).replace(hour=0, minute=0, second=0, microsecond=0)
    days = monthrange(moment.year, moment.month)[1] - moment.day + 1
    return to_ns(moment + timedelta(days=days))
