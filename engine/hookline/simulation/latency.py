"""How long orders, reports and market data are under way; all times are nanoseconds.

Market data needs no model of its own: a tape says when each message happened and when it was known. :func:`delayed` adds to that.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

import numpy as np

from hookline.model import TapeSeries

__all__ = [
    "ConstantLatency",
    "LatencyModel",
    "NoLatency",
    "ObservedLatency",
    "RandomLatency",
    "RecordedLatency",
    "delayed",
]


class LatencyModel(Protocol):
    """Says how long something sent now takes; a model may draw random numbers, so each thing sent asks once."""

    def entry(self, now: int) -> int:
        """Return how long an order, a cancellation or an amendment takes to the venue."""

    def response(self, now: int) -> int:
        """Return how long a report takes from the venue."""


@dataclass(frozen=True, slots=True)
class NoLatency:
    """Everything arrives at once."""

    def entry(self, now: int) -> int:  # noqa: ARG002
        return 0

    def response(self, now: int) -> int:  # noqa: ARG002
        return 0


@dataclass(frozen=True, slots=True)
class ConstantLatency:
    """The same time always.

    Args:
        to_venue: Nanoseconds from here to the venue.
        from_venue: Nanoseconds back.
    """

    to_venue: int
    from_venue: int

    def __post_init__(self) -> None:
        """Refuse what arrives before it is sent.

        Raises:
            ValueError: if a latency is negative.
        """
        for name in ("to_venue", "from_venue"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: must be 0 or more, was {getattr(self, name)!r}")

    def entry(self, now: int) -> int:  # noqa: ARG002
        return self.to_venue

    def response(self, now: int) -> int:  # noqa: ARG002
        return self.from_venue


class RandomLatency:
    """A floor plus a log-normal share: most messages are near the median, a few take much longer.

    The same seed gives the same run: latencies are drawn in the order in which things are sent.

    Args:
        median: Median nanoseconds each way, floor included.
        sigma: Standard deviation of the logarithm of what is above the floor; 0 gives the median always.
        floor: Nanoseconds below which nothing arrives.
        seed: Seed of the random numbers.
    """

    __slots__ = ("_floor", "_mu", "_random", "_sigma")

    def __init__(self, median: int, sigma: float = 0.5, floor: int = 0, seed: int = 0) -> None:
        if not 0 <= floor < median:
            raise ValueError(
                f"median: must be above floor, which is 0 or more; were {median!r} and {floor!r}"
            )
        if sigma < 0:
            raise ValueError(f"sigma: must be 0 or more, was {sigma!r}")
        self._floor, self._mu, self._sigma = floor, math.log(median - floor), sigma
        self._random = Random(seed)  # noqa: S311 a simulation must be repeatable

    def entry(self, now: int) -> int:
        del now
        return self._floor + round(self._random.lognormvariate(self._mu, self._sigma))

    def response(self, now: int) -> int:
        return self.entry(now)


class RecordedLatency:
    """Latency of market data as it was recorded, in both directions: a busy venue is slow to answer too.

    Between two messages it is interpolated in a straight line; before the first and after the last one it stays as
    it was there.

    Args:
        tape: Where the latency comes from: ``time - venue_time`` of its messages.
        entry_factor: Latency of orders as a multiple of that of market data.
        response_factor: Latency of reports likewise.
        floor: Nanoseconds below which nothing arrives.
    """

    __slots__ = ("_entry_factor", "_floor", "_latencies", "_response_factor", "_times")

    def __init__(
        self, tape: TapeSeries, entry_factor: float = 1.0, response_factor: float = 1.0, floor: int = 0
    ) -> None:
        if len(tape) == 0:
            raise ValueError(f"{tape.symbol} tape: must have messages to take latencies from, has none")
        for name, factor in (("entry_factor", entry_factor), ("response_factor", response_factor)):
            if factor < 0:
                raise ValueError(f"{name}: must be 0 or more, was {factor!r}")
        times, rows = np.unique(tape.time, return_index=True)
        latencies = np.maximum(tape.time[rows] - tape.venue_time[rows], 0)
        self._times: list[int] = times.tolist()
        self._latencies: list[int] = latencies.tolist()
        self._entry_factor, self._response_factor, self._floor = entry_factor, response_factor, floor

    def entry(self, now: int) -> int:
        return max(self._floor, round(self._at(now) * self._entry_factor))

    def response(self, now: int) -> int:
        return max(self._floor, round(self._at(now) * self._response_factor))

    def _at(self, now: int) -> float:
        times, latencies = self._times, self._latencies
        after = bisect_left(times, now)
        if after == 0 or after == len(times):
            return latencies[min(after, len(times) - 1)]
        begin, end = times[after - 1], times[after]
        share = (now - begin) / (end - begin)
        return latencies[after - 1] + share * (latencies[after] - latencies[after - 1])


class ObservedLatency:
    """The latency of the last market data seen, in both directions: as recorded, and never ahead of time.

    Args:
        entry_factor: Latency of orders as a multiple of that of market data.
        response_factor: Latency of reports likewise.
        floor: Nanoseconds below which nothing arrives; also what counts before the first message.
    """

    __slots__ = ("_entry_factor", "_floor", "_last", "_response_factor")

    def __init__(self, entry_factor: float = 1.0, response_factor: float = 1.0, floor: int = 0) -> None:
        for name, factor in (("entry_factor", entry_factor), ("response_factor", response_factor)):
            if factor < 0:
                raise ValueError(f"{name}: must be 0 or more, was {factor!r}")
        self._entry_factor, self._response_factor, self._floor = entry_factor, response_factor, floor
        self._last = 0

    def observe(self, time: int, venue_time: int) -> None:
        """Learn when a message was known here and when it happened at the venue, nanoseconds UTC."""
        self._last = max(0, time - venue_time)

    def entry(self, now: int) -> int:  # noqa: ARG002
        return max(self._floor, round(self._last * self._entry_factor))

    def response(self, now: int) -> int:  # noqa: ARG002
        return max(self._floor, round(self._last * self._response_factor))


def delayed(tape: TapeSeries, latency: Callable[[int], int]) -> TapeSeries:
    """Return a tape whose messages are known later by what ``latency`` says for each, such as a model's ``response``.

    Messages do not overtake each other: one that is slow holds up those behind it, as on one connection.
    """
    starts = tape.starts()
    late = np.array([latency(time) for time in tape.time[starts].tolist()], np.int64)
    lengths = np.diff(np.append(starts, len(tape)))
    time = np.maximum.accumulate(tape.time + np.repeat(late, lengths))
    return replace(tape, time=time)
