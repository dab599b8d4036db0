"""The streaming driver: events as they come, columns one value at a time. Paper and live run on it.

Rules of this file:

- Bars that end together are one event, as in a backtest. They wait for each other until all symbols have theirs, something
  later comes, or the feed has been silent for ``bar_wait_seconds``.
- What comes late, behind an event that was handled already, is dropped and counted, or stops the run: ``late_data`` says.
- On a feed that follows a market live, timers fire by the system's clock, ``bar_wait_seconds`` late: what ends at the time of a timer
  comes before it.
- It is the age of the data that is watched, never a connection: when nothing has come for ``stall_seconds`` the feed has
  stalled, whatever its sockets say.
- A market that is followed live is told by several connections, so times of different symbols and kinds cross a little. What counts
  there is the order of arrival: nothing is late but a bar that came before, and the kernel's clock never goes back.
- Nothing is sent to a venue before the journal holds it: the driver flushes the broker after the watcher has been told. What is
  sent then goes out before the next event is handled, however many wait.
"""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from hookline.clock import Clock, SystemClock, isoformat
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
# Rounds of the loop in which a request goes out: its task, the HTTP client's, and one in reserve.
_SENDING_ROUNDS = 3


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

    def began(self, time: int) -> None:
        """Learn when strategies start on a market that is followed live."""

    def warmed(self, bars: list[Bar]) -> None:
        """Learn with which bars columns were brought up to date then; strategies do not see them."""

    def noted(self, event: MarkPrice | FundingRate) -> None:
        """Learn that a mark price or a funding rate was taken note of."""


class StreamDriver:
    """Runs a stream of market events through the kernel.

    Args:
        kernel: Not started yet.
        timeframe: Of the bars.
        external: Series for columns.
        start: Called with the first event's time before that event is handled.
        rules: How the stream is treated.
        watcher: Told of what goes on.
        clock: The time of a market that is followed live.
    """

    def __init__(
        self,
        kernel: Kernel,
        timeframe: str,
        external: Mapping[str, ExternalSeries],
        start: Callable[[int], None],
        rules: StreamRules | None = None,
        watcher: Watcher | None = None,
        clock: Clock | None = None,
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
        self._clock = clock or SystemClock()
        self._ending: list[Exception | None] = []
        self._task: asyncio.Task[Any] | None = None
        self._last_time: dict[str, int] = {}
        self._handled: dict[str, tuple[int, int]] = {}
        self._together: list[Bar] = []
        self._silent_since = 0.0
        self._stalled = False
        self._rounds = 0
        self.has_begun = False

    async def run(self, events: AsyncIterator[MarketEvent]) -> bool:
        """Run events until the feed ends, ``end`` is called or an interrupt comes; return whether it was one of the latter.

        Raises:
            DataError: if an event cannot be trusted, is of another symbol, or comes late where that is forbidden.
        """
        loop = asyncio.get_running_loop()
        self._silent_since = loop.time()
        self._task = asyncio.current_task()
        if self._ending:
            loop.call_soon(self._stop_waiting)
        look = asyncio.ensure_future(self._look())
        with self._interruptible(look):
            try:
                async for event in events:
                    if self._stalled:
                        self._stalled = False
                        self._watcher.recovered(loop.time() - self._silent_since)
                    self.has_begun = True
                    began = loop.time()
                    self.take(event)
                    self._send()
                    self._silent_since = done = loop.time()
                    self._watcher.took(done - began)
                    if self._ending:  # a feed that never waits gives no other chance
                        break
                    while self._rounds:
                        self._rounds -= 1
                        await asyncio.sleep(0)
                else:
                    self.flush()
                    self._send()
            except asyncio.CancelledError:
                if not self._ending:
                    raise
            finally:
                look.cancel()
        for error in self._ending:
            if error is not None:
                raise error
        return bool(self._ending)

    def hear(self) -> None:
        """Let the broker report what has come from the venue; what goes wrong ends the run."""
        try:
            self._kernel.hear(self._clock.now)
            self._watcher.time_passed()
            self._send()
        except Exception as error:  # noqa: BLE001  # it is raised where the stream is awaited
            self.end(error)

    def _send(self) -> None:
        """Let the broker send what is wanted; it is in the journal."""
        broker = self._kernel.broker
        if broker.has_requests:
            self._rounds = _SENDING_ROUNDS
        broker.flush()

    def end(self, error: Exception | None = None) -> None:
        """End the run where it waits, never inside an event; with an error, that is what the run raises."""
        self._ending.append(error)
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._stop_waiting)

    def _stop_waiting(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @property
    def data_age_seconds(self) -> float:
        """Seconds since the last event of the market."""
        return asyncio.get_running_loop().time() - self._silent_since

    def begin(self, time: int) -> None:
        """Start the strategies, unless ``start`` has done so before."""
        self._watcher.began(time)
        self._seat(next(iter(self._kernel.markets)), time)

    def warm(self, bars: Iterable[Bar]) -> None:
        """Bring columns up to date with bars that strategies do not see."""
        known = list(bars)
        self._warm(known)
        self._watcher.warmed(known)

    def _warm(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            if bar.symbol in self._seats:
                self._seats[bar.symbol].update(bar)
                self._last_start[bar.symbol] = bar.start
                self._last_bar[bar.symbol] = bar

    def resume(self, bars: Iterable[Bar], tapes: Mapping[str, tuple[int, int]]) -> None:
        """Start where a session was left.

        Args:
            bars: Those that were handled, for the columns; strategies do not see them.
            tapes: By symbol, the time of the last message and how many of that time were handled; these are skipped.
        """
        self._handled = dict(tapes)
        self._seat(next(iter(self._kernel.markets)), 0)
        self._warm(bars)

    def take(self, event: MarketEvent) -> None:
        """Handle an event, or keep a bar until those that end with it are there."""
        self._check_symbol(event)
        if isinstance(event, MarkPrice | FundingRate):
            self._kernel.note(event)
            self._watcher.noted(event)
            return
        if not isinstance(event, Bar):
            self._take_tape(event)
            return
        waiting = self._together
        if waiting and (event.end != waiting[0].end if self._rules.is_live else event.end > waiting[0].end):
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
        latest = self._last_time.get(event.symbol, 0)
        if self._rules.is_live:
            if event.time < latest:
                event = msgspec.structs.replace(event, time=latest)
        elif event.time < max(self._kernel.clock.now if self._seats else 0, latest):
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
        if (bar.end < now and not self._rules.is_live) or bar.start <= self._last_start.get(bar.symbol, -1):
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
            self._send()

    def _pass_time(self) -> None:
        due = self._clock.now - round(self._rules.bar_wait_seconds * 1e9)
        if due > self._kernel.clock.now:
            self._kernel.pass_time(due)
            self._watcher.time_passed()

    @contextmanager
    def _interruptible(self, look: asyncio.Future[None]) -> Iterator[None]:
        """Turn the first SIGINT or SIGTERM into the end of the stream; it lands where the driver waits, never inside an event.

        A second one aborts wherever the program is. What goes wrong while the feed is silent ends the stream likewise.
        """
        task = self._task
        assert task is not None, "only coroutines get here"
        signals: list[int] = []

        def on_signal(number: int, frame: object) -> None:  # noqa: ARG001
            if signals:
                raise KeyboardInterrupt
            signals.append(number)
            self.end()

        def on_end(done: asyncio.Future[None]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                self.end(error if isinstance(error, Exception) else None)

        look.add_done_callback(on_end)
        before = {}
        if threading.current_thread() is threading.main_thread():  # only there signals can be listened to
            before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            look.remove_done_callback(on_end)
            self._task = None
            while task.cancelling():
                task.uncancel()
            for number, handler in before.items():
                signal.signal(number, handler)


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
