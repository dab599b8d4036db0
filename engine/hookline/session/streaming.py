"""The streaming driver: events as they come, columns one value at a time. Paper and live run on it.

Rules of this file:

- Bars that end together are one event, as in a backtest. They wait for each other until all symbols have theirs, something
  later comes, or the feed has been silent for ``bar_wait_seconds``.
- What comes late, behind an event that was handled already, is dropped and counted, or stops the run: ``late_data`` says.
- On a feed that follows a market live, timers fire by the system's clock, ``bar_wait_seconds`` late: what ends at the time of a timer
  comes before it.
- It is the age of the data that is watched, never a connection: when nothing has come for ``stall_seconds`` the feed has
  stalled, whatever its sockets say.
"""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hookline.clock import SystemClock, isoformat
from hookline.columns import Stream
from hookline.errors import DataError
from hookline.kernel.kernel import Kernel, Lane
from hookline.kernel.runner import Handle, Runner
from hookline.model import Bar, BookUpdate, FundingRate, MarketEvent, MarkPrice, Quote, Trade
from hookline.session.stream_rules import StreamRules

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["StreamDriver", "StreamRules", "Watcher"]

_LOOK_SECONDS = 0.25


class Watcher:
    """What a driver tells while it runs; does nothing until overridden."""

    def event_done(self, time: int, bars: list[Bar]) -> None:
        """Learn that an event is over, nothing half-done; ``bars`` are those that it was made of."""

    def tape_done(self, event: Quote | Trade | BookUpdate) -> None:
        """Learn that a message of a tape was handled."""

    def looked(self) -> None:
        """Be called several times a second while the feed is silent."""

    def stalled(self, seconds: float) -> None:
        """Learn that nothing has come for a while."""

    def recovered(self, seconds: float) -> None:
        """Learn that data comes again after a stall."""

    def dropped(self, event: MarketEvent, problem: str) -> None:
        """Learn that an event came too late or twice and was dropped."""

    def took(self, seconds: float) -> None:
        """Learn how long an event took, the journal included."""

    def time_passed(self) -> None:
        """Learn that what was due by the system's clock has happened."""


class StreamDriver:
    """Runs a stream of market events through the kernel.

    Args:
        kernel: Not started yet.
        timeframe: Of the bars.
        external: Series for columns.
        start: Called with the first event's time before that event is handled.
        rules: How the stream is treated.
        watcher: Told of what goes on.
    """

    def __init__(
        self,
        kernel: Kernel,
        timeframe: str,
        external: Mapping[str, ExternalSeries],
        start: Callable[[int], None],
        rules: StreamRules | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self._kernel = kernel
        self._timeframe = timeframe
        self._external = external
        self._start = start
        self._rules = rules or StreamRules()
        self._watcher = watcher or Watcher()
        self._seats: dict[str, _Seat] = {}
        self._last_start: dict[str, int] = {}
        self._last_bar: dict[str, Bar] = {}
        self._clock = SystemClock()
        self._last_time: dict[str, int] = {}
        self._handled: dict[str, tuple[int, int]] = {}
        self._together: list[Bar] = []
        self._silent_since = 0.0
        self._stalled = False
        self.has_begun = False

    async def run(self, events: AsyncIterator[MarketEvent]) -> bool:
        """Run events until the feed ends or an interrupt comes; return whether it was one.

        Raises:
            DataError: if an event cannot be trusted, is of another symbol, or comes late where that is forbidden.
        """
        loop = asyncio.get_running_loop()
        self._silent_since = loop.time()
        look = asyncio.ensure_future(self._look())
        with _interruptible(look) as interrupted:
            try:
                async for event in events:
                    if self._stalled:
                        self._stalled = False
                        self._watcher.recovered(loop.time() - self._silent_since)
                    self.has_begun = True
                    began = loop.time()
                    self.take(event)
                    self._silent_since = done = loop.time()
                    self._watcher.took(done - began)
                    if interrupted():  # a feed that never waits gives no other chance
                        return True
                self.flush()
            except asyncio.CancelledError:
                if not interrupted():
                    raise
                if look.done() and not look.cancelled():
                    look.result()
            finally:
                look.cancel()
        return interrupted()

    def resume(self, bars: Iterable[Bar], tapes: Mapping[str, tuple[int, int]]) -> None:
        """Start where a session was left.

        Args:
            bars: Those that were handled, for the columns; strategies do not see them.
            tapes: By symbol, the time of the last message and how many of that time were handled; these are skipped.
        """
        self._handled = dict(tapes)
        self._seat(next(iter(self._kernel.markets)), 0)
        for bar in bars:
            if bar.symbol in self._seats:
                self._seats[bar.symbol].update(bar)
                self._last_start[bar.symbol] = bar.start
                self._last_bar[bar.symbol] = bar

    def take(self, event: MarketEvent) -> None:
        """Handle an event, or keep a bar until those that end with it are there."""
        self._check_symbol(event)
        if isinstance(event, MarkPrice | FundingRate):
            self._kernel.note(event)
            return
        if not isinstance(event, Bar):
            self._take_tape(event)
            return
        waiting = self._together
        if waiting and event.end > waiting[0].end:
            self.flush()
        if self._is_late(event):
            return
        _check(event)
        self._last_start[event.symbol] = event.start
        self._last_bar[event.symbol] = event
        self._together.append(event)
        if len(self._together) == len(self._kernel.markets):
            self.flush()

    def flush(self) -> None:
        """Handle the bars that wait for others."""
        bars, self._together = self._together, []
        if not bars:
            return
        order = list(self._kernel.markets)
        bars.sort(key=lambda bar: order.index(bar.symbol))
        seats = [self._seat(bar.symbol, bar.start) for bar in bars]
        self._kernel.advance(bars[0].end - 1)
        for seat, bar in zip(seats, bars, strict=True):
            seat.update(bar)
        if len(bars) == 1:
            self._kernel.run(seats[0].lane, bars)
        else:
            self._kernel.run_together([seat.lane for seat in seats], bars)
        self._watcher.event_done(bars[0].end, bars)

    def _take_tape(self, event: Quote | Trade | BookUpdate) -> None:
        if self._handled and self._is_recalled(event):
            return
        if self._together and event.time >= self._together[0].end:
            self.flush()
        if event.time < max(
            self._kernel.clock.now if self._seats else 0, self._last_time.get(event.symbol, 0)
        ):
            self._drop(event, f"{event.symbol}: time must not go back, was {isoformat(event.time)}")
            return
        self._last_time[event.symbol] = event.time
        self._kernel.run_tape(self._seat(event.symbol, event.time).lane, (event,))
        self._watcher.tape_done(event)

    def _is_recalled(self, event: Quote | Trade | BookUpdate) -> bool:
        """Return whether a message was handled before a restart; books follow it, and nothing else happens."""
        time, count = self._handled.get(event.symbol, (0, 0))
        if event.time == time and count:
            self._handled[event.symbol] = (time, count - 1)
        elif event.time >= time:
            self._handled.pop(event.symbol, None)
            return False
        self._kernel.recall(event)
        return True

    def _seat(self, symbol: str, time: int) -> _Seat:
        if not self._seats:
            self._start(time)
            kernel = self._kernel
            self._seats = {
                one: _Seat(kernel.lane(one), self._timeframe, self._external) for one in kernel.markets
            }
        return self._seats[symbol]

    def _check_symbol(self, event: MarketEvent) -> None:
        markets = self._kernel.markets
        if event.symbol not in markets:
            raise DataError(f"{event.symbol}: the session has no such symbol, it has {', '.join(markets)}")

    def _is_late(self, bar: Bar) -> bool:
        now = max(self._kernel.clock.now, self._together[0].end if self._together else 0)
        if bar.end < now or bar.start <= self._last_start.get(bar.symbol, -1):
            found = f"was a bar ending {isoformat(bar.end)} at {isoformat(now)}"
            self._drop(bar, f"{bar.symbol}: time must rise, {found}{self._contradiction(bar)}")
            return True
        return False

    def _contradiction(self, bar: Bar) -> str:
        """Return how a bar differs from the one of the same time, empty if it does not, or if that is long ago."""
        first = self._last_bar.get(bar.symbol)
        if first is None or first.start != bar.start or first == bar:
            return ""
        self._kernel.warn(f"{bar.symbol}: a bar came twice with other values; the first counts")
        return f"; it came with other values before: {first!r}, now {bar!r}"

    def _drop(self, event: MarketEvent, problem: str) -> None:
        if self._rules.late_data == "stop":
            raise DataError(problem)
        kind = type(event).__name__.lower()
        self._kernel.warn(f"{event.symbol}: a {kind} came late or twice and was dropped")
        self._watcher.dropped(event, problem)

    async def _look(self) -> None:
        """Watch the age of the data while the feed is silent."""
        loop, rules = asyncio.get_running_loop(), self._rules
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            silent = loop.time() - self._silent_since
            if self._together and silent >= rules.bar_wait_seconds:
                self.flush()
            if rules.stall_seconds is not None and silent >= rules.stall_seconds and not self._stalled:
                self._stalled = True
                self._watcher.stalled(silent)
            if rules.is_live and self._seats and not self._together:
                self._pass_time()
            self._watcher.looked()

    def _pass_time(self) -> None:
        due = self._clock.now - round(self._rules.bar_wait_seconds * 1e9)
        if due > self._kernel.clock.now:
            self._kernel.pass_time(due)
            self._watcher.time_passed()


def _check(bar: Bar) -> None:
    # Comparisons with NaN are false, so this refuses it as well.
    in_order = bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high
    if not (in_order and -math.inf < bar.low and bar.high < math.inf and 0.0 <= bar.volume < math.inf):
        rule = "prices must be finite, open and close between low and high, volume zero or more"
        raise DataError(f"{bar.symbol}: bar of {isoformat(bar.start)}: {rule}, was {bar!r}")


class _Seat:
    """One lane with the streaming columns of everyone who follows it."""

    def __init__(self, lane: Lane, timeframe: str, external: Mapping[str, ExternalSeries]) -> None:
        self.lane = lane
        needs = [(runner, runner.needs(lane.market.instrument.symbol)) for runner in lane.runners]
        columns = [c for _, need in needs for c in (*(h.column for h in need.handles), *need.row_columns)]
        self._stream = Stream(columns, timeframe, external) if columns else None
        self._handles: list[tuple[int, Handle]] = []
        self._rows: list[tuple[slice, Runner, Callable[..., Any]]] = []
        count = 0
        for runner, need in needs:
            self._handles += [(count + i, handle) for i, handle in enumerate(need.handles)]
            count += len(need.handles)
            if need.row_columns:
                self._rows.append((slice(count, count + len(need.row_columns)), runner, need.row_type))
                count += len(need.row_columns)

    def update(self, bar: Bar) -> None:
        """Give every follower the values of a bar."""
        if self._stream is not None:
            values = self._stream.update(bar)
            for index, handle in self._handles:
                handle.value = values[index]
            for part, runner, row_type in self._rows:
                row = values[part]
                known = all(value == value for value in row)  # noqa: PLR0124
                runner.row = row_type(*row) if known else None


@contextmanager
def _interruptible(look: asyncio.Future[None]) -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into the end of the stream; it lands where the driver waits, never inside an event.

    A second one aborts wherever the program is. What goes wrong while the feed is silent ends the stream likewise.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None, "only coroutines get here"
    seen: list[bool] = []

    def on_signal(number: int, frame: object) -> None:  # noqa: ARG001
        if seen:
            raise KeyboardInterrupt
        seen.append(True)
        loop.call_soon_threadsafe(task.cancel)

    def on_end(done: asyncio.Future[None]) -> None:
        if not done.cancelled():
            seen.append(True)
            task.cancel()

    look.add_done_callback(on_end)
    before = {}
    if threading.current_thread() is threading.main_thread():  # only there signals can be listened to
        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        look.remove_done_callback(on_end)
        if seen:
            task.uncancel()
        for number, handler in before.items():
            signal.signal(number, handler)
