"""The backtest driver: whole columns first, then one pass over the bars.

Bars are made, and columns handed out, by iterators that run in C; the loop itself only calls the kernel. An array's
memoryview (``.data``) gives Python numbers one by one, sooner than ``tolist`` and without a copy.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.columns import Batch
from hookline.kernel.kernel import Kernel, Lane
from hookline.model import Bar, BarSeries, TapeSeries
from hookline.session.reel import TapeReel

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["Progress", "run_backtest"]

Progress = Callable[[float, int], None]

_CHUNK = 8192
_FIRST = itemgetter(0)


def run_backtest(
    kernel: Kernel,
    series: Sequence[BarSeries],
    external: Mapping[str, ExternalSeries],
    progress: Progress | None = None,
    tapes: Sequence[TapeSeries] = (),
    begin: int | None = None,
) -> bool:
    """Run all bars and tapes through the kernel and return whether the run was interrupted.

    Bars that start before ``begin`` (nanoseconds UTC) warm up columns and are not run. An interrupt (Ctrl-C) stops at an event's end, so that nothing is half-done; a second one aborts.
    """
    with _interruptible() as interrupted, _rare_collections():
        tracks = [_Track(kernel, one, external, interrupted, _index(one, begin)) for one in series]
        if len(tracks) == 1 and not tapes:
            lane, total = tracks[0].lane, max(1, len(series[0]))
            for bars in tracks[0].chunks():
                if not kernel.is_scheduled:
                    kernel.run(lane, bars)
                if kernel.is_scheduled:
                    _run_scheduled(kernel, lane, bars, series[0], tracks[0].done)
                if progress is not None:
                    progress(tracks[0].done / total, kernel.clock.now)
        else:
            reel = TapeReel(kernel, {track.symbol: track.lane for track in tracks}, tapes)
            _run_groups(kernel, tracks, series, reel, progress, interrupted)
        return interrupted()


def _run_scheduled(kernel: Kernel, lane: Lane, bars: Iterator[Bar], series: BarSeries, first: int) -> None:
    """Run the rest of a chunk that begins with bar ``first``: what is due happens before columns show the next bar."""
    ends = series.end[first : first + _CHUNK]
    begin = int(np.searchsorted(ends, kernel.clock.now, "right"))
    for end in ends[begin:].tolist():
        kernel.advance(end - 1)
        kernel.run(lane, (next(bars),))


def _run_groups(
    kernel: Kernel,
    tracks: Sequence[_Track],
    series: Sequence[BarSeries],
    reel: TapeReel,
    progress: Progress | None,
    interrupted: Callable[[], bool],
) -> None:
    """Run bars that end together as one event, in the order of the session's symbols, and what the tape holds between them."""
    ends = np.concatenate([one.end[track.done :] for one, track in zip(series, tracks, strict=True)])
    owner = np.repeat(
        np.arange(len(series)),
        [len(one) - track.done for one, track in zip(series, tracks, strict=True)],
    )
    order = np.lexsort((owner, ends))
    ends, owners = ends[order], owner[order].tolist()
    firsts = np.concatenate(([0], np.flatnonzero(np.diff(ends)) + 1, [len(ends)])).tolist()
    sources = [(track.lane, chain.from_iterable(track.chunks())) for track in tracks]
    run, together = kernel.run, kernel.run_together
    for number, (begin, stop) in enumerate(pairwise(firsts)):
        if reel.due < ends[begin]:
            reel.run_until(int(ends[begin]), interrupted)
        kernel.advance(int(ends[begin]) - 1)
        group = [(sources[index][0], next(sources[index][1], None)) for index in owners[begin:stop]]
        if interrupted():
            return
        if len(group) == 1:
            run(group[0][0], (group[0][1],))  # type: ignore[arg-type]
        else:
            together([lane for lane, _ in group], [bar for _, bar in group])  # type: ignore[misc]
        if progress is not None and number % _CHUNK == _CHUNK - 1:
            progress(stop / len(order), kernel.clock.now)
    reel.run_until(None, interrupted)
    if progress is not None:
        progress(1.0, kernel.clock.now)


class _Track:
    """The bars of one lane with the columns of everyone who follows it."""

    def __init__(
        self,
        kernel: Kernel,
        series: BarSeries,
        external: Mapping[str, ExternalSeries],
        interrupted: Callable[[], bool],
        first: int,
    ) -> None:
        self.symbol = series.symbol
        self.lane = lane = kernel.lane(series.symbol)
        self.done = first
        self._series = series
        self._interrupted = interrupted
        needs = [(runner, runner.needs(series.symbol)) for runner in lane.runners]
        columns = [c for _, need in needs for c in (*(h.column for h in need.handles), *need.row_columns)]
        arrays = iter(Batch(series, external).compute(columns, keep=False)) if columns else iter(())
        self._handles: list[tuple[object, NDArray[np.float64]]] = []
        self._rows: list[tuple[object, Any, list[NDArray[np.float64]]]] = []
        for runner, need in needs:
            self._handles += [(handle, next(arrays)) for handle in need.handles]
            if need.row_columns:
                rows = [next(arrays) for _ in need.row_columns]
                self._rows.append((runner, need.row_type, rows))

    def chunks(self) -> Iterator[Iterator[Bar]]:
        """Yield iterators over bars; advancing one sets every handle and row to that bar's values."""
        for begin in range(self.done, len(self._series), _CHUNK):
            if self._interrupted():
                return
            part = slice(begin, begin + _CHUNK)
            yield self._bars(part)
            self.done = min(begin + _CHUNK, len(self._series))

    def _bars(self, part: slice) -> Iterator[Bar]:
        series = self._series
        start = series.start[part]
        columns = (start, start + series.duration, *(getattr(series, name)[part] for name in series.COLUMNS))
        bars = map(Bar, repeat(series.symbol), *(column.data for column in columns))
        setters = list(self._setters(part))
        return map(_FIRST, zip(bars, *setters, strict=False)) if setters else bars

    def _setters(self, part: slice) -> Iterator[Iterator[None]]:
        for handle, values in self._handles:
            yield map(partial(setattr, handle, "value"), values[part].data)
        for runner, make, columns in self._rows:
            parts = [column[part] for column in columns]
            made = map(make, *(values.data for values in parts))
            unknown = np.flatnonzero(np.logical_or.reduce([np.isnan(values) for values in parts]))
            yield map(partial(setattr, runner, "row"), _blanked(made, unknown) if len(unknown) else made)


def _index(series: BarSeries, begin: int | None) -> int:
    """Return the index of the first bar that starts at a time or later."""
    return 0 if begin is None else int(np.searchsorted(series.start, begin))


def _blanked(rows: Iterable[Any], unknown: NDArray[np.intp]) -> list[Any]:
    kept = list(rows)
    for index in unknown.tolist():
        kept[index] = None
    return kept


@contextmanager
def _rare_collections() -> Iterator[None]:
    # A run makes many tuples that live to its end; looking through them for cycles again and again costs a fifth of it.
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set
        return

    def on_interrupt(_signal: int, _frame: object) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag.is_set
    finally:
        signal.signal(signal.SIGINT, before)
