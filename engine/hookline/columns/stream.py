"""The streaming driver: the same steps, one bar at a time, interpreted as plain Python."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from hookline.clock import isoformat
from hookline.columns import timeframes
from hookline.columns.column import Call, Column, External, Field, Held, Node, held
from hookline.columns.external_series import ExternalSeries, require_external
from hookline.columns.loops import start_lists
from hookline.columns.plan import nodes_in_order, symbol_of
from hookline.columns.timeframes import EMPTY, absorb, is_complete, is_left, seconds, shut
from hookline.errors import DataError
from hookline.model import Bar, Timeframe, timeframe_ns

__all__ = ["Stream"]

OHLCV = tuple[float, float, float, float, float]
_FIELDS = ("open", "high", "low", "close", "volume")


class _Lane:
    """Values of the nodes of one timeframe as of its last closed bar, in slots."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.values: list[float] = []
        self.slots: dict[bytes, int] = {}
        self.fields: list[tuple[int, int]] = []
        self.times: list[int] = []
        self.externals: list[tuple[int, str]] = []
        self.held: list[tuple[int, _Lane, int]] = []
        self.calls: list[_Cell] = []

    def slot(self, column: Column) -> int:
        return self.slots[column.node.key] + column.output

    def constant(self, value: float) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def add(self, node: Node) -> None:
        self.slots[node.key] = slot = len(self.values)
        outputs = len(node.op.outputs) if isinstance(node, Call) else 1
        self.values += [math.nan] * outputs
        if isinstance(node, Call):
            self.calls.append(_Cell(self, node, slot))
        elif isinstance(node, Held):
            source = self.stream.lane(node.column.timeframe)
            self.held.append((slot, source, source.slot(node.column)))
        elif isinstance(node, External):
            self.externals.append((slot, node.name))
        elif isinstance(node, Field) and node.name == "time":
            self.times.append(slot)
        elif isinstance(node, Field):
            self.fields.append((slot, _FIELDS.index(node.name)))

    def step(self, end: int, bar: OHLCV) -> None:
        """Bring every value up to a bar that closed."""
        values = self.values
        for slot, index in self.fields:
            values[slot] = bar[index]
        for slot in self.times:
            values[slot] = seconds(end)
        for slot, name in self.externals:
            values[slot] = self.stream.known(name, end)
        for slot, lane, source in self.held:
            values[slot] = lane.values[source]
        for cell in self.calls:
            cell.step(values)


class _Cell:
    """One op with its state."""

    __slots__ = ("function", "inputs", "is_single", "params", "slot", "state")

    def __init__(self, lane: _Lane, node: Call, slot: int) -> None:
        self.function = node.op.step
        self.inputs = [lane.slot(v) if isinstance(v, Column) else lane.constant(v) for v in node.inputs]
        self.params = node.params
        self.state = start_lists(node.op, node.params)
        self.slot = slot
        self.is_single = node.op.is_single

    def step(self, values: list[float]) -> None:
        self.state, value = self.function(self.state, *[values[i] for i in self.inputs], *self.params)
        if self.is_single:
            values[self.slot] = value
        else:
            values[self.slot : self.slot + len(value)] = value


class Stream:
    """Computes columns bar by bar; the values equal those of :class:`hookline.columns.Batch` bit for bit.

    Args:
        columns: What to compute.
        timeframe: Timeframe of the bars that will come.
        external: What is known of external series so far; :meth:`learn` adds to them.

    Raises:
        ValueError: if the columns belong to several symbols.
        ConfigError: if an external series is missing or a timeframe is no multiple of the bars' own.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        timeframe: Timeframe,
        external: Mapping[str, ExternalSeries] | None = None,
    ) -> None:
        self.timeframe = timeframe
        self.symbol = symbol_of(columns)
        given = external or {}
        wanted = [held(column) for column in columns]
        nodes = nodes_in_order(wanted)
        require_external(nodes, given)
        self._external = {name: (known.time.tolist(), known.value.tolist()) for name, known in given.items()}
        self._base = _Lane(self)
        self._higher: dict[Timeframe, _Buckets] = {}
        self._duration = timeframe_ns(timeframe)
        self._end = 0
        for node in nodes:
            self.lane(node.timeframe).add(node)
        self._slots = [self._base.slot(column) for column in wanted]

    def update(self, bar: Bar) -> tuple[float, ...]:
        """Return the values of the columns after a bar closed.

        Raises:
            DataError: if the bar is of another symbol or length, or does not come after the one before.
        """
        self._check(bar)
        self._end = bar.end
        prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        for buckets in self._higher.values():
            buckets.push(bar.start, bar.end, prices)
        self._base.step(bar.end, prices)
        values = self._base.values
        return tuple([values[slot] for slot in self._slots])

    def learn(self, name: str, time: int, value: float) -> None:
        """Add a value to an external series, available from ``time`` on (nanoseconds UTC).

        Raises:
            DataError: if the time is not after the last one of the series.
        """
        times, values = self._external.setdefault(name, ([], []))
        if times and time <= times[-1]:
            after, before = isoformat(time), isoformat(times[-1])
            raise DataError(f"external series {name!r}: time must rise, was {after} after {before}")
        times.append(time)
        values.append(value)

    def lane(self, timeframe: Timeframe | None) -> _Lane:
        """Return the values of a timeframe."""
        if timeframe is None:
            return self._base
        if timeframe not in self._higher:
            length = timeframes.check_multiple(timeframe, self.timeframe)
            self._higher[timeframe] = _Buckets(_Lane(self), length)
        return self._higher[timeframe].lane

    def known(self, name: str, time: int) -> float:
        """Return the last value of an external series that was available at a time, NaN before the first."""
        times, values = self._external[name]
        index = bisect_right(times, time)
        value: float = values[index - 1] if index else math.nan
        return value

    def _check(self, bar: Bar) -> None:
        if self.symbol and bar.symbol != self.symbol:
            raise DataError(f"columns of {self.symbol!r}: bars must be of this symbol, was {bar.symbol!r}")
        if bar.end - bar.start != self._duration:
            found = f"{isoformat(bar.start)} to {isoformat(bar.end)}"
            raise DataError(f"{bar.symbol} {self.timeframe}: a bar must last {self.timeframe}, was {found}")
        if bar.start < self._end:
            found = f"{isoformat(bar.start)} after one that ended {isoformat(self._end)}"
            raise DataError(f"{bar.symbol} {self.timeframe}: bars must follow one another, was {found}")


class _Buckets:
    """Builds the bars of a higher timeframe and steps its lane when one closes."""

    __slots__ = ("bucket", "lane", "length", "offset")

    def __init__(self, lane: _Lane, length: int) -> None:
        self.lane = lane
        self.length = length
        self.offset = timeframes.bucket_offset(length)
        self.bucket = EMPTY

    def push(self, start: int, end: int, prices: OHLCV) -> None:
        if is_left(self.bucket, start, self.length):
            self._close()
        self.bucket = absorb(self.bucket, start, prices, self.length, self.offset)
        if is_complete(self.bucket, end, self.length):
            self._close()
            self.bucket = shut(self.bucket)

    def _close(self) -> None:
        _, begin, first, high, low, close, volume = self.bucket
        self.lane.step(begin + self.length, (first, high, low, close, volume))
