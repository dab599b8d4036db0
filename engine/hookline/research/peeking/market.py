"""The market data of a session, and what it would be had the future been another one.

Rules of this file:

- A cut is a time, nanoseconds UTC. What was known by then stays as it is to the last bit: bars that ended, values that were
  available, messages that had happened at the venue or arrived.
- What comes after is deleted, or drawn anew at random. Both keep the data such that an engine trusts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hookline.columns import ExternalSeries
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, TapeSeries

if TYPE_CHECKING:
    from hookline.session.plan import Plan

__all__ = ["MarketCopy", "cut_bars", "cut_values", "picks", "redraw_bars", "redraw_values"]

_LIVELIER = 3.0  # the moves of a redrawn future, as a multiple of the real ones
_WIDEST = 1.5  # how far a redrawn log price goes from the last real one
_CALMEST = 1e-3  # standard deviation of a redrawn move, log return per bar, however flat the market was


@dataclass(frozen=True)
class MarketCopy:
    """Everything that a session knows of its market, by symbol or by name."""

    bars: Mapping[str, BarSeries]
    marks: Mapping[str, BarSeries]
    funding: Mapping[str, ExternalSeries]
    external: Mapping[str, ExternalSeries]
    tapes: Mapping[str, TapeSeries]

    @classmethod
    def of(cls, plan: Plan) -> MarketCopy:
        """Return the data of a plan; tapes are read from its feed.

        Raises:
            DataError: if the data is missing or cannot be trusted.
            PluginError: if the feed is broken.
        """
        from hookline.session.feeding import load_bars, load_tape

        asked = {request.symbol: request for request in plan.requests}
        tapes = {
            symbol: load_tape(plan.feed, TapeRequest(symbol, kinds, asked[symbol].since, asked[symbol].until))
            for symbol, kinds in plan.tapes.items()
        }
        bars = {one.symbol: plan.loaded.get(one) or load_bars(plan.feed, one) for one in plan.requests}
        return cls(bars, plan.marks, plan.funding, plan.external, tapes)

    def deleted(self, cut: int) -> MarketCopy:
        """Return the data as it was at a cut, with nothing after it."""
        return MarketCopy(
            {symbol: cut_bars(one, cut) for symbol, one in self.bars.items()},
            {symbol: cut_bars(one, cut) for symbol, one in self.marks.items()},
            {symbol: cut_values(one, cut) for symbol, one in self.funding.items()},
            {name: cut_values(one, cut) for name, one in self.external.items()},
            {symbol: _cut_tape(one, cut) for symbol, one in self.tapes.items()},
        )

    def redrawn(self, cut: int, ticks: Mapping[str, float], draws: np.random.Generator) -> MarketCopy:
        """Return the data with another future after a cut; ``ticks`` are the price steps by symbol."""
        return MarketCopy(
            {symbol: redraw_bars(one, cut, ticks[symbol], draws) for symbol, one in self.bars.items()},
            {symbol: redraw_bars(one, cut, ticks[symbol], draws) for symbol, one in self.marks.items()},
            {symbol: redraw_values(one, cut, draws) for symbol, one in self.funding.items()},
            {name: redraw_values(one, cut, draws) for name, one in self.external.items()},
            {symbol: _redraw_tape(one, cut, draws) for symbol, one in self.tapes.items()},
        )

    def last_event(self, cut: int) -> int:
        """Return when the last bar ended, or message came, by a time: 0 if none did. What is due later waits for the next one."""
        return max((int(times[count - 1]) for times, count in self._events(cut) if count), default=0)

    def next_event(self, cut: int) -> int:
        """Return when the first bar ends, or message comes, after a time; the time itself if none does."""
        return min(
            (int(times[count]) for times, count in self._events(cut) if count < len(times)), default=cut
        )

    def _events(self, cut: int) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Yield the times of events of a kind, in order, and how many of them are no later than a cut."""
        for times in (*(one.end for one in self.bars.values()), *(one.time for one in self.tapes.values())):
            yield times, int(np.searchsorted(times, cut, side="right"))

    def put_into(self, plan: Plan) -> Plan:
        """Return a plan that runs on this data and tells no plugin of it but those that trade."""
        return replace(
            plan,
            feed=_CopyFeed(self.bars, self.tapes),
            loaded={request: self.bars[request.symbol] for request in plan.requests},
            marks=self.marks,
            funding=self.funding,
            external=self.external,
            modules=(),
            notifiers=(),
            reporters=(),
        )


class _CopyFeed(Feed):
    """A copy of market data, all of it in memory."""

    name = "copy"

    def __init__(self, bars: Mapping[str, BarSeries], tapes: Mapping[str, TapeSeries]) -> None:
        self._bars = bars
        self._tapes = tapes

    def load(self, request: BarRequest) -> BarSeries:
        return self._bars[request.symbol]

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self._tapes[request.symbol]


def cut_bars(series: BarSeries, cut: int) -> BarSeries:
    """Return the bars that had ended by a time."""
    return series.between(None, cut - series.duration + 1)


def cut_values(series: ExternalSeries, cut: int) -> ExternalSeries:
    """Return the values that were available by a time."""
    known = int(np.searchsorted(series.time, cut, side="right"))
    return ExternalSeries(series.time[:known], series.value[:known])


def redraw_bars(series: BarSeries, cut: int, tick: float, draws: np.random.Generator) -> BarSeries:
    """Return bars with another future: a walk livelier than the market, on its price steps, with other volumes.

    A walk of log prices would not fit prices below zero, so there the bars after the cut are those of other times.
    """
    known = len(cut_bars(series, cut))
    count = len(series) - known
    if not count:
        return series
    if min(float(series.low.min()), tick) <= 0.0:
        pick = picks(np.arange(len(series)) >= known, draws)
        columns: Sequence[NDArray[np.float64]] = [getattr(series, name)[pick] for name in series.COLUMNS]
    else:
        drawn = _walk(series, known, tick, draws)
        columns = [
            np.concatenate((getattr(series, name)[:known], new))
            for name, new in zip(series.COLUMNS, drawn, strict=True)
        ]
    return BarSeries(series.symbol, series.timeframe, series.start, *columns)


def _walk(
    series: BarSeries, known: int, tick: float, draws: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Return open, high, low, close and volume of the bars after the known ones."""
    count = len(series) - known
    last = float(series.close[known - 1]) if known else float(series.open[0])
    moves = np.diff(np.log(series.close))
    scale = _LIVELIER * max(float(np.std(moves)) if len(moves) else 0.0, _CALMEST)
    # Bent so that it stays within a sane range, however long it is.
    log_price = _WIDEST * np.tanh(np.cumsum(scale * draws.standard_normal(count)) / _WIDEST)
    close = _on_steps(last * np.exp(log_price), tick)
    first = _on_steps(
        np.concatenate(([last], close[:-1])) * np.exp(scale / 4 * draws.standard_normal(count)), tick
    )
    wick = np.exp(scale / 2 * np.abs(draws.standard_normal((2, count))))
    high = np.maximum(_on_steps(np.maximum(first, close) * wick[0], tick), np.maximum(first, close))
    low = np.minimum(_on_steps(np.minimum(first, close) / wick[1], tick), np.minimum(first, close))
    volume = (float(np.median(series.volume)) or 1.0) * np.exp(draws.standard_normal(count))
    return [first, high, low, close, volume]


def _on_steps(prices: NDArray[np.float64], tick: float) -> NDArray[np.float64]:
    steps: NDArray[np.float64] = np.maximum(np.round(prices / tick), 1.0) * tick
    return steps


def redraw_values(series: ExternalSeries, cut: int, draws: np.random.Generator) -> ExternalSeries:
    """Return a series whose values after a cut are some of its values of other times, in no order."""
    pick = picks(series.time > cut, draws)
    return ExternalSeries(series.time, series.value[pick])


def picks(future: NDArray[np.bool_], draws: np.random.Generator) -> NDArray[np.intp]:
    """Return rows: each of the past its own, those of the future others, out of a few, so that their mean changes too."""
    pick = np.arange(len(future))
    if len(future):
        few = draws.choice(len(future), size=max(1, len(future) // 10), replace=False)
        pick[future] = draws.choice(few, size=int(future.sum()))
    return pick


def _known_rows(tape: TapeSeries, cut: int) -> int:
    """Return how many rows of a tape, from its beginning, may have had an effect by a cut."""
    early = np.flatnonzero(np.minimum(tape.time, tape.venue_time) <= cut)
    if not len(early):
        return 0
    # A message is known as a whole.
    return int(np.searchsorted(tape.message, tape.message[early[-1]], side="right"))


def _cut_tape(tape: TapeSeries, cut: int) -> TapeSeries:
    known = _known_rows(tape, cut)
    return TapeSeries(tape.symbol, *(getattr(tape, name)[:known] for name in tape.COLUMNS))


def _redraw_tape(tape: TapeSeries, cut: int, draws: np.random.Generator) -> TapeSeries:
    """Return a tape with other quantities after a cut; other prices would not fit the book that is there."""
    known = _known_rows(tape, cut)
    factor = np.ones(len(tape))
    factor[known:] = np.exp(draws.standard_normal(len(tape) - known))
    return replace(tape, quantity=tape.quantity * factor)
