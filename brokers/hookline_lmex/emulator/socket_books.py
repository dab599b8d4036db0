"""Order books as the order-book sockets tell them: chains of numbered deltas behind a snapshot, one for each grouping.

Rules of this file:

- A chain shows the best 50 levels of a side. A level that leaves the window is sent with size "0", one that enters it anew.
- ``seqNum`` is ``prevSeqNum`` + 1 in every message of a chain; a snapshot has the numbers of the last message.
- A book that is crossed, or has missed updates, is not told of until it is whole again. Only a fault crosses a book.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import ceil, floor
from typing import Any

from hookline.model import Side
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.wire_numbers import size_text

__all__ = ["Chain", "best_level"]

DEPTH = 50
_STEPS = (1, 5, 10, 50, 100, 500, 1000, 5000, 10_000)
Levels = dict[float, float]
Pairs = list[list[str]]


class Chain:
    """The messages of one market and grouping.

    Args:
        market: Whose book.
        group: 0 for the market's own ticks, up to 8 for ever coarser ones.
        sequence: Number of the message before the first.
    """

    def __init__(self, market: MarketState, group: int, sequence: int) -> None:
        self._market, self._group = market, group
        self.sequence = sequence
        self._step = market.setup.instrument.tick_size * _STEPS[group]
        self._places = _places(self._step)
        self._bids: Levels = {}
        self._asks: Levels = {}
        self.update()

    def update(self) -> tuple[Pairs, Pairs] | None:
        """Take in the book as it is; return the changes of bids and asks, None if there are none."""
        book = self._market.book
        if book.is_stale or book.is_crossed:
            return None
        bids, asks = self._window(Side.BUY), self._window(Side.SELL)
        changed = self._changes(self._bids, bids), self._changes(self._asks, asks)
        self._bids, self._asks = bids, asks
        return changed if changed[0] or changed[1] else None

    def snapshot(self, time_ms: int) -> dict[str, Any]:
        """Return the whole window: bids from the best on, asks from the worst on."""
        bids, asks = self._shown(self._bids.items()), self._shown(reversed(self._asks.items()))
        # Less than the wire can count is nothing.
        sides = [[pair for pair in pairs if float(pair[1]) > 0.0] for pairs in (bids, asks)]
        return self._data(sides[0], sides[1], "snapshot", time_ms)

    def delta(self, bids: Pairs, asks: Pairs, time_ms: int) -> dict[str, Any]:
        """Return changes under the next number."""
        self.sequence += 1
        return self._data(bids, asks, "delta", time_ms)

    @property
    def crossing_bid(self) -> list[str] | None:
        """A bid at the best ask, for a fault to send; None where nobody sells."""
        return next(iter(self._shown(self._asks.items())), None)

    def _shown(self, levels: Iterable[tuple[float, float]]) -> Pairs:
        instrument, places = self._market.setup.instrument, self._places
        return [[f"{price:.{places}f}", size_text(instrument, quantity)] for price, quantity in levels]

    def _changes(self, before: Levels, after: Levels) -> Pairs:
        if before == after:
            return []
        places = self._places
        changed = self._shown(item for item in after.items() if before.get(item[0]) != item[1])
        return changed + [[f"{price:.{places}f}", "0"] for price in before if price not in after]

    def _data(self, bids: Pairs, asks: Pairs, kind: str, time_ms: int) -> dict[str, Any]:
        return {
            "bids": bids,
            "asks": asks,
            "seqNum": self.sequence,
            "prevSeqNum": self.sequence - 1,
            "type": kind,
            "timestamp": time_ms,
            "symbol": self._market.symbol,
        }

    def _window(self, side: Side) -> Levels:
        if self._group == 0:
            return dict(self._market.levels(side, DEPTH))
        return dict(self._grouped(self._market.levels(side, 20 * DEPTH), side)[:DEPTH])

    def _grouped(self, levels: list[tuple[float, float]], side: Side) -> list[tuple[float, float]]:
        step, sums = float(self._step), dict[int, float]()
        away = floor if side > 0 else ceil
        for price, quantity in levels:
            bucket = away(round(price / step, 6))
            sums[bucket] = sums.get(bucket, 0.0) + quantity
        return [(float(bucket * self._step), quantity) for bucket, quantity in sums.items()]


def best_level(market: MarketState, time_ms: int) -> dict[str, Any]:
    """Return the best level of each side, without a number."""
    instrument = market.setup.instrument
    places = _places(instrument.tick_size)
    sides = [
        [
            [f"{price:.{places}f}", size_text(instrument, quantity)]
            for price, quantity in market.levels(side, 1)
        ]
        for side in (Side.BUY, Side.SELL)
    ]
    return {
        "bids": sides[0],
        "asks": sides[1],
        "type": "snapshotL1",
        "symbol": market.symbol,
        "timestamp": time_ms,
    }


def _places(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
