"""The streaming driver: bars as they come, columns one value at a time. Paper and live run on it."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hookline.clock import isoformat
from hookline.columns import Stream
from hookline.errors import DataError
from hookline.kernel.kernel import Kernel, Lane
from hookline.kernel.runner import Handle, Runner
from hookline.model import Bar

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["run_stream"]


async def run_stream(
    kernel: Kernel,
    bars: AsyncIterator[Bar],
    timeframe: str,
    external: Mapping[str, ExternalSeries],
    start: Callable[[int], None],
) -> bool:
    """Run bars through the kernel until the feed ends or an interrupt comes; return whether it was one.

    ``start`` is called with the first bar's start before that bar is handled.

    Raises:
        DataError: if time goes backwards, or a bar arrives that cannot be trusted or is of another symbol.
    """
    seats: dict[str, _Seat] = {}
    last_start: dict[str, int] = {}
    with _interruptible() as interrupted:
        try:
            async for bar in bars:
                if not seats:
                    start(bar.start)
                    seats = {
                        symbol: _Seat(kernel.lane(symbol), timeframe, external) for symbol in kernel.markets
                    }
                _check(bar, kernel, last_start)
                seats[bar.symbol].on_bar(kernel, bar)
        except asyncio.CancelledError:
            if not interrupted():
                raise
        return interrupted()


def _check(bar: Bar, kernel: Kernel, last_start: dict[str, int]) -> None:
    if bar.symbol not in kernel.markets:
        raise DataError(f"{bar.symbol}: the session has no such symbol, it has {', '.join(kernel.markets)}")
    if bar.end < kernel.clock.now or bar.start <= last_start.get(bar.symbol, -1):
        before = isoformat(kernel.clock.now)
        raise DataError(f"{bar.symbol}: time must rise, was a bar ending {isoformat(bar.end)} at {before}")
    # Comparisons with NaN are false, so this refuses it as well.
    in_order = bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high
    if not (in_order and -math.inf < bar.low and bar.high < math.inf and 0.0 <= bar.volume < math.inf):
        rule = "prices must be finite, open and close between low and high, volume zero or more"
        raise DataError(f"{bar.symbol}: bar of {isoformat(bar.start)}: {rule}, was {bar!r}")
    last_start[bar.symbol] = bar.start


class _Seat:
    """One lane with the streaming columns of everyone who follows it."""

    def __init__(self, lane: Lane, timeframe: str, external: Mapping[str, ExternalSeries]) -> None:
        self._lane = lane
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

    def on_bar(self, kernel: Kernel, bar: Bar) -> None:
        if self._stream is not None:
            values = self._stream.update(bar)
            for index, handle in self._handles:
                handle.value = values[index]
            for part, runner, row_type in self._rows:
                row = values[part]
                known = all(value == value for value in row)  # noqa: PLR0124
                runner.row = row_type(*row) if known else None
        kernel.run(self._lane, (bar,))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into the end of the stream; it lands where the driver waits, never inside a bar."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None, "only coroutines get here"
    seen: list[bool] = []

    def on_signal() -> None:
        seen.append(True)
        task.cancel()

    installed = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Only the main thread of a system with signals can listen to them.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, on_signal)
            installed.append(number)
    try:
        yield lambda: bool(seen)
    finally:
        if seen:
            task.uncancel()
        for number in installed:
            loop.remove_signal_handler(number)
