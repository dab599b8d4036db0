"""Keeps the order book of one market in step with the venue, and notices when it is not.

Rules of this file:

- A book begins with a snapshot. A delta follows the last message (its ``previous`` is the last ``sequence``); one that is not newer than
  the book is ignored. Anything else is a gap.
- A gap, or a best bid at or above the best ask, makes the book stale: what comes after is dropped until the next snapshot, which
  somebody has to ask for (``needs_snapshot``).
- Nothing is told while the book is stale: who listens hears a snapshot next. A delta that crosses the book is not told either.
- Many old deltas in a row mean that the venue counts anew; waiting for its numbers to catch up would freeze the book.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

from hookline.model import BookUpdate
from hookline_lmex.streams.wire import BookData

__all__ = ["BookKeeper", "base_units"]

_OLD_IN_A_ROW = 50


def base_units(contract_size: Decimal | None) -> Callable[[str | float], float]:
    """Return how a size becomes base units: the float nearest to contracts * contract size; None where there are no contracts.

    >>> base_units(Decimal("0.00001"))("51200"), base_units(Decimal("0.3"))("3"), base_units(None)("0.12000")
    (0.512, 0.9, 0.12)
    """
    if contract_size is None:
        return float
    numerator, denominator = contract_size.as_integer_ratio()
    if numerator == 1:
        return lambda size: float(size) / denominator

    def units(size: str | float) -> float:
        contracts = float(size)
        # Division of whole numbers is rounded once.
        return (int(contracts) if contracts.is_integer() else contracts) * numerator / denominator

    return units


class BookKeeper:
    """The book of one market as the venue tells it.

    Args:
        symbol: Name of the instrument.
        contract_size: Base units of a contract where the venue counts contracts.

    Attributes:
        is_stale: Whether the book is not that of the venue, as before the first snapshot.
        needs_snapshot: Whether it is stale and a snapshot has not been asked for yet.
        sequence: Number of the last message that counted.
        gaps: How often messages were missing.
        crossings: How often the book was crossed or locked.
        snapshots: How many snapshots counted.
        ignored: How many deltas were old.
        dropped: How many deltas came while the book was stale.
        reason: Why it is stale, empty if it is not.
    """

    def __init__(self, symbol: str, contract_size: Decimal | None = None) -> None:
        self.symbol = symbol
        self.is_stale = True
        self.needs_snapshot = False
        self.sequence = -1
        self.gaps = self.crossings = self.snapshots = self.ignored = self.dropped = 0
        self.reason = "no snapshot yet"
        self._units = base_units(contract_size)
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._best_bid, self._best_ask = -math.inf, math.inf
        self._old_in_a_row = 0

    def lose(self, reason: str) -> None:
        """Make the book stale without asking for a snapshot: the connection is lost, or a snapshot is on its way."""
        self.is_stale, self.needs_snapshot, self.reason = True, False, reason

    def spoil(self, reason: str) -> None:
        """Make the book stale until a snapshot that has to be asked for."""
        self.is_stale, self.needs_snapshot, self.reason = True, True, reason

    def take(self, data: BookData, time: int, venue_time: int) -> BookUpdate | None:
        """Return what a message changes in the book, None if it is not to be told.

        Args:
            data: The message.
            time: When it is known here.
            venue_time: When it happened at the venue.

        Raises:
            ValueError: if a price or a size is no usable number, or the message has no sequence; the book is stale after that.
        """
        if data.type == "snapshot":
            return self._restart(data, time, venue_time)
        if self.is_stale:
            self.dropped += 1
            return None
        if data.seq <= self.sequence and data.seq >= 0:
            self._ignore()
            return None
        if data.prev != self.sequence:
            self.gaps += 1
            self.spoil(f"a gap: {data.prev} must be {self.sequence}, the last message")
            return None
        return self._told(data, time, venue_time)

    def bids(self) -> list[tuple[float, float]]:
        """Return price and quantity of the bids, best first."""
        return sorted(self._bids.items(), reverse=True)

    def asks(self) -> list[tuple[float, float]]:
        """Return price and quantity of the asks, best first."""
        return sorted(self._asks.items())

    def _restart(self, data: BookData, time: int, venue_time: int) -> BookUpdate | None:
        self._bids.clear()
        self._asks.clear()
        self._best_bid, self._best_ask = -math.inf, math.inf
        self.is_stale, self.needs_snapshot, self.reason = False, False, ""
        update = self._told(data, time, venue_time)
        self.snapshots += update is not None
        return update

    def _ignore(self) -> None:
        self.ignored += 1
        self._old_in_a_row += 1
        if self._old_in_a_row >= _OLD_IN_A_ROW:
            self.gaps += 1
            self.spoil("the venue's numbers went back")

    def _told(self, data: BookData, time: int, venue_time: int) -> BookUpdate | None:
        """Apply a message and return it in our terms, None if it crosses the book."""
        try:
            sides, prices, quantities = self._levels(data)
        except ValueError:
            self.spoil("a message could not be read")
            raise
        self._apply(sides, prices, quantities)
        self._old_in_a_row = 0
        self.sequence = data.seq
        if self._best_bid >= self._best_ask:
            self.crossings += 1
            self.spoil("the book is crossed")
            return None
        return BookUpdate(
            self.symbol, time, venue_time, data.type == "snapshot", sides, prices, quantities, data.seq, data.prev
        )  # fmt: skip

    def _apply(self, sides: list[int], prices: list[float], quantities: list[float]) -> None:
        bids, asks = self._bids, self._asks
        for side, price, quantity in zip(sides, prices, quantities, strict=True):
            if quantity:
                if side > 0:
                    bids[price] = quantity
                    self._best_bid = max(self._best_bid, price)
                else:
                    asks[price] = quantity
                    self._best_ask = min(self._best_ask, price)
            elif side > 0:
                if bids.pop(price, None) and price == self._best_bid:
                    self._best_bid = max(bids, default=-math.inf)
            elif asks.pop(price, None) and price == self._best_ask:
                self._best_ask = min(asks, default=math.inf)

    def _levels(self, data: BookData) -> tuple[list[int], list[float], list[float]]:
        """Return sides, prices and quantities of the levels of a message, in its order."""
        if data.seq < 0:
            raise ValueError(f"{self.symbol} book: a message must have a sequence, had none")
        units = self._units
        prices = [float(price) for price, _ in data.bids]
        prices += [float(price) for price, _ in data.asks]
        quantities = [units(size) for _, size in data.bids]
        quantities += [units(size) for _, size in data.asks]
        if not all(map(math.isfinite, prices)):
            raise ValueError(f"{self.symbol} book: a price must be finite, was one of {prices}")
        if not all(0.0 <= quantity < math.inf for quantity in quantities):
            raise ValueError(f"{self.symbol} book: a quantity must be zero or more, was one of {quantities}")
        return [1] * len(data.bids) + [-1] * len(data.asks), prices, quantities
