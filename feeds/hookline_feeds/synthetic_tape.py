"""Synthetic order books and tapes, and bars made of them.

A book is made event by event in blocks of fixed length; the draws of a block never depend on how many blocks follow, and a time
of arrival looks back only. So a longer tape begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from hookline.model import MarketData, RowKind, TapeSeries
from hookline.params import Doc, Ge, Gt, Le, Lt
from hookline_feeds.book_kernel import DRAWS, Market, compiled
from hookline_feeds.generator import Floats, Generator, on_grid

__all__ = ["Book", "TapeMaker", "bars_of_prints"]

Integers = NDArray[np.int64]

_SECOND = 10**9
_BLOCK = 65_536  # events
_ROWS = 262_144  # of the kernel's buffer
_LOTS_PER_UNIT = 1000.0
_KINDS = {
    MarketData.QUOTES: (RowKind.QUOTE,),
    MarketData.TRADES: (RowKind.TRADE,),
    MarketData.BOOK: (RowKind.BOOK, RowKind.SNAPSHOT),
}


@dataclass(frozen=True)
class Book:
    """Parameters of an order book: a model without intelligence, in which orders come and go at random.

    A fair price moves once a second as a bar of the feed would. Events come at random times (Poisson). Each does one of these:

    1. A level gets a new quantity, 0.6 to 1.4 times ``level_quantity``, more on the side of the flow; deeper ones may be emptied.
    2. A trade takes part of the best level. About ``trade_share`` of the events are trades.
    3. The price moves: one to three best levels are traded, or the best one is withdrawn. That is more likely the further the
       mid price is from the fair one, and goes there the more likely the higher ``mean_reversion`` is.
    4. A spread wider than ``spread_ticks`` is narrowed by a new best level.
    5. Where the fair price has left the book (a jump), the whole book moves there.

    Order flow is a hidden state that lasts from event to event, by ``flow_persistence``. It decides in part which side is
    traded, where the price moves and which side of the book is fuller; so imbalance says something of the next move. With a
    persistence of 0 it says nothing.

    A message is known here after ``latency_ms``: a fixed part and an exponential one of mean ``latency_jitter_ms``; messages
    never overtake each other.
    """

    levels: Annotated[int, Ge(3), Le(500), Doc("prices on each side, one tick apart")] = 10
    level_quantity: Annotated[float, Gt(0), Doc("mean at a level, base units")] = 2.0
    events_per_second: Annotated[float, Gt(0), Le(10_000)] = 5.0
    trade_share: Annotated[float, Ge(0), Le(0.9), Doc("of the events, fraction")] = 0.25
    spread_ticks: Annotated[int, Ge(1), Le(1000), Doc("usual spread")] = 1
    flow_persistence: Annotated[float, Ge(0), Lt(1), Doc("from one event to the next")] = 0.95
    mean_reversion: Annotated[float, Ge(0), Le(1), Doc("pull towards the fair price for each tick")] = 0.05
    latency_ms: Annotated[float, Ge(0), Doc("mean, milliseconds")] = 5.0
    latency_jitter_ms: Annotated[float, Ge(0), Doc("part of it that varies, milliseconds")] = 2.0
    snapshot_seconds: Annotated[float, Ge(1), Doc("time between snapshots of the whole book")] = 60.0
    minutes: Annotated[float, Gt(0), Doc("length of the tape, where the session has no until")] = 60.0

    def __post_init__(self) -> None:
        """Check what bounds cannot say.

        Raises:
            ValueError: if the part of the latency that varies is more than the whole.
        """
        if self.latency_jitter_ms > self.latency_ms:
            raise ValueError(
                f"latency_jitter_ms must be at most latency_ms ({self.latency_ms}), was {self.latency_jitter_ms}"
            )


@dataclass(frozen=True)
class TapeMaker:
    """The tape of one symbol.

    Args:
        symbol: Its name.
        book: Parameters of the book.
        generator: Source of the draws; that of the symbol with bars of a second.
        tick_size: Price step.
        fair: Fair price in each second, from the first on; the last one holds until the end.
        first: Nanoseconds at which the tape begins, with a snapshot.
    """

    symbol: str
    book: Book
    generator: Generator
    tick_size: Decimal
    fair: Floats
    first: int

    def make(self, kinds: frozenset[MarketData], since: int, until: int) -> TapeSeries:
        """Return the messages of some kinds that are known in ``[since, until)`` (nanoseconds)."""
        wanted = np.array([row for kind in kinds for row in _KINDS.get(kind, ())], np.int64)
        # Empty ones first, for where there is no message at all.
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 8), np.int64))]
        for arrival, times, rows in self._blocks(until):
            chosen = (arrival >= since) & (arrival < until) & np.isin(rows[:, 2], wanted)
            parts.append((arrival[chosen], times[chosen], rows[chosen]))
        arrival, times, rows = (np.concatenate(column) for column in zip(*parts, strict=True))
        _, message, kind, side, tick, lots, sequence, previous = rows.T
        price = on_grid(tick.astype(np.float64), self.tick_size)
        return TapeSeries(
            self.symbol,
            arrival, times, message, kind, side, price, lots / _LOTS_PER_UNIT, sequence, previous,
        )  # fmt: skip

    def _blocks(self, until: int) -> Iterator[tuple[Integers, Integers, Integers]]:
        """Yield time of arrival, time at the venue and rows of messages, a copy, in order."""
        run, market, tick = compiled(), self._market(), float(self.tick_size)
        shocks, draws = self.generator.draws("book flow"), self.generator.draws("book events")
        for times, arrival in self._times(until):
            # All of a block are drawn though some may not be needed, so that the draws of the next one are the same.
            normal, uniform = shocks.standard_normal(_BLOCK), draws.random((_BLOCK, DRAWS))
            # Rounded, so that a difference in the last bit between machines does not make another tape.
            fair = np.round(self.fair[np.minimum(times // _SECOND, len(self.fair) - 1)] / tick, 4)
            event = 0
            while event < len(times):
                event = run(market, event, fair, times, normal, uniform)
                rows = market.out[: market.state[6]].copy()
                yield arrival[rows[:, 0]], self.first + times[rows[:, 0]], rows

    def _market(self) -> Market:
        book = self.book
        return Market(
            state=np.zeros(7, np.int64),
            flow=np.zeros(2),
            bids=np.zeros(book.levels, np.int64),
            asks=np.zeros(book.levels, np.int64),
            out=np.zeros((max(_ROWS, 16 * book.levels), 8), np.int64),
            spread=book.spread_ticks,
            snapshot_every=round(book.snapshot_seconds * _SECOND),
            level_lots=float(book.level_quantity * _LOTS_PER_UNIT),
            trade_share=float(book.trade_share),
            reversion=float(book.mean_reversion),
            persistence=float(book.flow_persistence),
        )

    def _times(self, until: int) -> Iterator[tuple[Integers, Integers]]:
        """Yield the times of events since the beginning, and their times of arrival, block by block."""
        gaps, delays = self.generator.draws("book times"), self.generator.draws("book latency")
        fixed = (self.book.latency_ms - self.book.latency_jitter_ms) * 1e6
        time, latest, is_first = 0, self.first, True
        while self.first + time < until:
            waits = gaps.standard_exponential(_BLOCK) * (_SECOND / self.book.events_per_second)
            steps = np.maximum(np.rint(waits), 1).astype(np.int64)
            if is_first:
                steps[0], is_first = 0, False
            times: Integers = time + np.cumsum(steps)
            delay = fixed + self.book.latency_jitter_ms * 1e6 * delays.standard_exponential(_BLOCK)
            arrival: Integers = self.first + times + np.rint(delay).astype(np.int64)
            arrival = np.maximum(np.maximum.accumulate(arrival), latest)
            time, latest = int(times[-1]), int(arrival[-1])
            count = int(np.searchsorted(times, until - self.first))
            yield times[:count], arrival[:count]


def bars_of_prints(
    start: Integers, duration: int, time: Integers, price: Floats, quantity: Floats, before: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return open, high, low, close and volume of bars made of prices at rising times.

    Args:
        start: Starts of the bars, one after the other.
        duration: Length of a bar, nanoseconds.
        time: When each price was known.
        price: Prices.
        quantity: What was traded at them.
        before: Price before the first one. A bar without a price of its own stays where the one before ended.
    """
    edges = np.append(start, start[-1] + duration)
    places = np.searchsorted(time, edges)
    begin, stop = places[:-1], places[1:]
    last = np.concatenate(([before], price))[stop]
    filled = begin < stop
    opens, highs, lows, volume = last.copy(), last.copy(), last.copy(), np.zeros(len(start))
    if filled.any():
        rows = begin[filled]
        end = int(stop[-1])
        opens[filled] = price[rows]
        highs[filled] = np.maximum.reduceat(price[:end], rows)
        lows[filled] = np.minimum.reduceat(price[:end], rows)
        volume[filled] = np.round(np.add.reduceat(quantity[:end], rows), 3)
    return opens, highs, lows, last, volume
