"""The local order book of one instrument: what its updates and quotes have left there.

Rules of this file:

- A book begins with a snapshot. Updates that come before it are held: a snapshot that was asked for may be older than
  updates that came in meanwhile, so those it does not hold yet are applied on top of it.
- An update joins the snapshot if it begins at or before it (``previous <= sequence``); after that each update must follow the
  last one (``previous == sequence``). Updates that the book already holds are dropped. What was missed in between
  makes the book stale until the next snapshot. Updates without numbers are taken as they come.
- A book whose best bid is at or above its best ask is crossed. That is either a fault of the data or the moment between two
  messages; nothing may be traded on it.
- A quote moves the top of the book, unless the book is newer. Before the first snapshot, and without updates at all, the quote
  is the book: one level a side.

Prices are quote currency, quantities base units, times nanoseconds UTC.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from hookline.model.order import Side
from hookline.model.tape import BookUpdate, Quote

__all__ = ["OrderBook"]

_NAN = math.nan
# Updates held for a snapshot to come: more than come in while one is fetched, few enough to forget.
_HELD = 2000
# Levels, empty ones among them, that are kept before the empty ones are forgotten.
_ROOM = 8192


class OrderBook:
    """The order book of one instrument.

    Attributes:
        symbol: Name of the instrument.
        time: When the last change was known here, nanoseconds UTC; 0 before the first.
        venue_time: When it happened at the venue, nanoseconds UTC; 0 before the first.
        sequence: The venue's number of the last update, -1 where it has none.
        has_snapshot: Whether a snapshot was seen.
        is_stale: Whether updates were missed since the last snapshot.
        is_crossed: Whether the best bid is at or above the best ask.
        gaps: How often updates were missed.
        crossings: How often the book became crossed.
        best_bid: Highest price that someone buys at, NaN if nobody does.
        best_ask: Lowest price that someone sells at, NaN if nobody does.

    A book of two updates:

    >>> book = OrderBook("TEST")
    >>> book.apply(BookUpdate("TEST", 1, 1, True, [1, 1, -1], [99.0, 98.0, 101.0], [2.0, 5.0, 6.0]))
    True
    >>> book.apply(BookUpdate("TEST", 2, 2, False, [1], [100.0], [3.0]))
    True
    >>> book.best_bid, book.best_ask, book.bids(2)
    (100.0, 101.0, [(100.0, 3.0), (99.0, 2.0)])
    """

    __slots__ = (
        "_asks", "_bids", "_held", "_is_joined", "_lows", "_room", "_tops", "best_ask", "best_bid", "crossings", "gaps",
        "has_snapshot", "is_crossed", "is_stale", "sequence", "symbol", "time", "venue_time",
    )  # fmt: skip

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.time = 0
        self.venue_time = 0
        self.sequence = -1
        self.has_snapshot = False
        self.is_stale = False
        self.is_crossed = False
        self.gaps = 0
        self.crossings = 0
        self.best_bid = self.best_ask = _NAN
        self._is_joined = False
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        # Sorted so that the best price is the last: changes happen there, and the end of a list is cheap to change. Levels
        # that were removed stay with quantity 0, except at the top: the same prices come and go all the time.
        self._tops: list[float] = []  # prices of bids
        self._lows: list[float] = []  # prices of asks, negated
        self._room = _ROOM
        self._held: deque[BookUpdate] = deque(maxlen=_HELD)

    def __repr__(self) -> str:
        state = "stale" if self.is_stale else "crossed" if self.is_crossed else "usable"
        return f"OrderBook({self.symbol}, {self.best_bid:g} / {self.best_ask:g}, {state})"

    # -- changes -------------------------------------------------------------------------------------------------------

    def apply(self, update: BookUpdate) -> bool:
        """Apply an update and return whether it changed the book: it is dropped if old, held if the book waits for a snapshot."""
        if update.is_snapshot:
            self._restart(update)
            return True
        if not self.has_snapshot or self.is_stale:
            self._held.append(update)
            return False
        sequence, known = update.sequence, self.sequence
        if sequence >= 0 and known >= 0:
            if sequence <= known:
                return False
            previous = update.previous
            if previous != known and previous >= 0 and (self._is_joined or previous > known):
                self.is_stale = True
                self.gaps += 1
                self._held.append(update)
                return False
        self._change(update)
        return True

    def apply_quote(self, quote: Quote) -> bool:
        """Move the top of the book to a quote and return whether it counted: not if the book is newer or stale.

        Levels that the quote has passed are dropped. A level behind it that came back unchanged between two updates is
        missed until it changes again.
        """
        if quote.venue_time < self.venue_time or self.is_stale:
            return False
        if not self.has_snapshot:
            self._bids.clear()
            self._asks.clear()
            self._tops.clear()
            self._lows.clear()
        bid, ask = quote.bid_price, quote.ask_price
        if quote.bid_quantity > 0.0:
            _set_top(self._bids, self._tops, bid, bid, quote.bid_quantity, 1.0)
        else:
            self._bids.clear()
            self._tops.clear()
        if quote.ask_quantity > 0.0:
            _set_top(self._asks, self._lows, -ask, ask, quote.ask_quantity, -1.0)
        else:
            self._asks.clear()
            self._lows.clear()
        self.time, self.venue_time = quote.time, quote.venue_time
        self._judge()
        return True

    def _restart(self, snapshot: BookUpdate) -> None:
        self._bids.clear()
        self._asks.clear()
        self.has_snapshot, self.is_stale, self._is_joined = True, False, False
        self._tops.clear()
        self._lows.clear()
        self._change(snapshot)
        self._is_joined = False
        held, self._held = self._held, deque(maxlen=_HELD)
        if snapshot.sequence >= 0:
            for update in held:
                if update.sequence > self.sequence:
                    self.apply(update)
        # What was held was known before the snapshot: time never goes back.
        self.time = snapshot.time

    def _change(self, update: BookUpdate) -> None:
        bids, asks, tops, lows = self._bids, self._asks, self._tops, self._lows
        for side, price, quantity in zip(update.sides, update.prices, update.quantities, strict=True):
            if side > 0:
                if price in bids:
                    bids[price] = quantity
                elif quantity:
                    insort(tops, price)
                    bids[price] = quantity
            elif price in asks:
                asks[price] = quantity
            elif quantity:
                insort(lows, -price)
                asks[price] = quantity
        while tops and not bids[tops[-1]]:
            del bids[tops.pop()]
        while lows and not asks[-lows[-1]]:
            del asks[-lows.pop()]
        self.time, self.venue_time, self.sequence = update.time, update.venue_time, update.sequence
        self._is_joined = True
        self._judge()
        if len(tops) + len(lows) > self._room:
            self._tidy()

    def _tidy(self) -> None:
        """Forget the levels that are empty."""
        self._bids = {price: quantity for price, quantity in self._bids.items() if quantity}
        self._asks = {price: quantity for price, quantity in self._asks.items() if quantity}
        self._tops = sorted(self._bids)
        self._lows = sorted(-price for price in self._asks)
        self._room = max(_ROOM, 2 * (len(self._tops) + len(self._lows)))

    def _judge(self) -> None:
        # Kept, not worked out when asked for: they are read several times for each change.
        self.best_bid = bid = self._tops[-1] if self._tops else _NAN
        self.best_ask = ask = -self._lows[-1] if self._lows else _NAN
        if not bid >= ask:
            self.is_crossed = False
        elif not self.is_crossed:
            self.is_crossed = True
            self.crossings += 1

    # -- the top -------------------------------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """Whether orders may be based on the book: it is not stale, not crossed, and both sides have a level."""
        # A side that is empty is NaN, which is not below anything.
        return self.best_bid < self.best_ask and not self.is_stale

    @property
    def bid_quantity(self) -> float:
        """Quantity at the best bid in base units, 0 if there is none."""
        return self._bids[self._tops[-1]] if self._tops else 0.0

    @property
    def ask_quantity(self) -> float:
        """Quantity at the best ask in base units, 0 if there is none."""
        return self._asks[-self._lows[-1]] if self._lows else 0.0

    @property
    def mid(self) -> float:
        """Half way between best bid and best ask, NaN if a side is empty."""
        return (self._tops[-1] - self._lows[-1]) / 2.0 if self._tops and self._lows else _NAN

    @property
    def spread(self) -> float:
        """Best ask less best bid, NaN if a side is empty; not above 0 in a crossed book."""
        return -self._lows[-1] - self._tops[-1] if self._tops and self._lows else _NAN

    @property
    def microprice(self) -> float:
        """Mid of best bid and best ask weighted by the other side's quantity, NaN if a side is empty.

        ``(bid * ask_quantity + ask * bid_quantity) / (bid_quantity + ask_quantity)``: a price nearer to the side where
        less is left, which is the side that is more likely to give way. The weighted mid of Gatheral and Oomen, "Zero-intelligence
        realized variance estimation", Finance and Stochastics 14 (2010).
        """
        if not (self._tops and self._lows):
            return _NAN
        bid, ask = self._tops[-1], -self._lows[-1]
        bought, sold = self._bids[bid], self._asks[ask]
        return (bid * sold + ask * bought) / (bought + sold)

    # -- depth ---------------------------------------------------------------------------------------------------------

    def imbalance(self, depth: int = 1) -> float:
        """Return ``(bids - asks) / (bids + asks)`` of the quantities of the best levels: from -1, only sellers, to 1.

        Args:
            depth: How many levels of each side count; a side with fewer counts with what it has.

        Returns:
            NaN if both sides are empty.
        """
        if depth == 1 and self._tops and self._lows:
            bought, sold = self._bids[self._tops[-1]], self._asks[-self._lows[-1]]
        else:
            bought = sum(quantity for _, quantity in self.bids(depth))
            sold = sum(quantity for _, quantity in self.asks(depth))
        total = bought + sold
        return (bought - sold) / total if total else _NAN

    def bids(self, depth: int | None = None) -> list[tuple[float, float]]:
        """Return ``(price, quantity)`` of the best bids, highest price first; all of them for None."""
        return list(islice(self.levels(Side.BUY), depth))

    def asks(self, depth: int | None = None) -> list[tuple[float, float]]:
        """Return ``(price, quantity)`` of the best asks, lowest price first; all of them for None."""
        return list(islice(self.levels(Side.SELL), depth))

    def levels(self, side: Side) -> Iterator[tuple[float, float]]:
        """Yield ``(price, quantity)`` of the bids (``BUY``) or asks (``SELL``), best first. The book must not change meanwhile."""
        if side > 0:
            bids = self._bids
            for price in reversed(self._tops):
                if bids[price]:
                    yield price, bids[price]
        else:
            asks = self._asks
            for negated in reversed(self._lows):
                if asks[-negated]:
                    yield -negated, asks[-negated]

    def quantity_at(self, side: Side, price: float) -> float:
        """Return the quantity in base units that rests on a side at exactly this price, 0 if there is no such level."""
        return (self._bids if side > 0 else self._asks).get(price, 0.0)

    def quantities(self, side: Side) -> Mapping[float, float]:
        """Return the quantities in base units of a side by price, until the next change; a price without a level may have 0."""
        return self._bids if side > 0 else self._asks

    def depth_within(self, side: Side, bps: float) -> float:
        """Return the quantity in base units that rests on a side within a distance from the mid.

        Args:
            side: ``BUY`` for bids, ``SELL`` for asks.
            bps: Distance in basis points of the mid.

        Returns:
            0 where no level is that near, NaN if a side of the book is empty.
        """
        mid = self.mid
        if mid != mid:  # noqa: PLR0124
            return _NAN
        reach = abs(mid) * bps / 1e4
        total = 0.0
        for price, quantity in self.levels(side):
            if abs(price - mid) > reach:
                break
            total += quantity
        return total


def _set_top(
    levels: dict[float, float], keys: list[float], key: float, price: float, quantity: float, sign: float
) -> None:
    """Make a price the best of its side: drop better levels, set its quantity."""
    while keys and keys[-1] > key:
        del levels[sign * keys.pop()]
    if not keys or keys[-1] != key:
        keys.append(key)
    levels[price] = quantity
