"""The tape of one instrument: quotes, trades and order-book updates, as messages and as columns.

Rules of this file:

- ``time`` is when a message is known here, ``venue_time`` when it happened at the venue; both are nanoseconds UTC. Data
  without a clock of its own has both equal.
- A tape is in the order of arrival: ``time`` never goes back. Rows with one ``message`` number are one message and count
  together.
- A tape cannot be made from data that cannot be trusted. The error names the first row that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum
from itertools import chain

import msgspec
import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.errors import DataError
from hookline.model.market import Bar
from hookline.model.order import Side

__all__ = [
    "BookUpdate",
    "FundingRate",
    "MarkPrice",
    "MarketData",
    "MarketEvent",
    "Quote",
    "RowKind",
    "TapeSeries",
    "Trade",
]

_CHUNK = 16_384


class MarketData(StrEnum):
    """Kinds of market data that a session may follow."""

    BARS = "bars"
    QUOTES = "quotes"
    TRADES = "trades"
    BOOK = "book"


class RowKind(IntEnum):
    """What a row of a tape is part of."""

    QUOTE = 0
    TRADE = 1
    BOOK = 2
    SNAPSHOT = 3


class Quote(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask; a side without orders has quantity 0."""

    symbol: str
    time: int
    venue_time: int
    bid_price: float
    bid_quantity: float
    ask_price: float
    ask_quantity: float


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A print on the tape; ``side`` is the aggressor's."""

    symbol: str
    time: int
    venue_time: int
    price: float
    quantity: float
    side: Side


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """New quantities at price levels; 0 removes a level. A snapshot replaces the whole book.

    ``sides`` holds +1 for bids and -1 for asks. ``sequence`` is the venue's number of this update and ``previous`` that of
    the one it follows; -1 where the venue has none.
    """

    symbol: str
    time: int
    venue_time: int
    is_snapshot: bool
    sides: list[int]
    prices: list[float]
    quantities: list[float]
    sequence: int = -1
    previous: int = -1


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """Price at which a venue values positions, as it is when a market is followed live."""

    symbol: str
    time: int
    venue_time: int
    price: float


class FundingRate(msgspec.Struct, frozen=True, gc=False):
    """Rate of a funding interval that has just ended, as a fraction of the notional; above zero the longs pay."""

    symbol: str
    time: int
    venue_time: int
    rate: float


MarketEvent = Bar | Quote | Trade | BookUpdate | MarkPrice | FundingRate


@dataclass(frozen=True, eq=False)
class TapeSeries:
    """A tape as columns of equal length, one row for each price level.

    A quote is two rows, bid first; a trade is one row; a book update has a row for each level, or one of side 0 and NaN
    price where it changed none. Quantities are base units.

    Args:
        symbol: Name of the instrument.
        time: int64, never goes back.
        venue_time: int64.
        message: int64, rises; rows with one number are one message.
        kind: int8, a ``RowKind``, the same in all rows of a message.
        side: int8, +1 for bids and buying aggressors, -1 for asks and sellers.
        price: float64.
        quantity: float64, zero or more.
        sequence: int64, -1 where the venue has none.
        previous: int64, -1 where the venue has none.
    """

    symbol: str
    time: NDArray[np.int64]
    venue_time: NDArray[np.int64]
    message: NDArray[np.int64]
    kind: NDArray[np.int8]
    side: NDArray[np.int8]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]
    sequence: NDArray[np.int64]
    previous: NDArray[np.int64]

    INTEGERS = ("time", "venue_time", "message", "sequence", "previous")
    COLUMNS = ("time", "venue_time", "message", "kind", "side", "price", "quantity", "sequence", "previous")

    def __post_init__(self) -> None:
        """Convert the columns to contiguous arrays and refuse what cannot be trusted."""
        for name in self.COLUMNS:
            dtype: type = np.int64 if name in self.INTEGERS else np.float64
            dtype = np.int8 if name in ("kind", "side") else dtype
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=dtype))
        _check(self)

    def __len__(self) -> int:
        return len(self.time)

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return 0 if len(self) == 0 else int(np.count_nonzero(np.diff(self.message))) + 1

    def starts(self) -> NDArray[np.int64]:
        """Return the first row of each message."""
        if len(self) == 0:
            return np.zeros(0, np.int64)
        return np.concatenate(([0], np.flatnonzero(np.diff(self.message)) + 1)).astype(np.int64)

    def between(self, since: int | None, until: int | None) -> TapeSeries:
        """Return the messages known at or after ``since`` and before ``until`` (nanoseconds), as views."""
        begin = None if since is None else int(np.searchsorted(self.time, since))
        stop = None if until is None else int(np.searchsorted(self.time, until))
        return TapeSeries(self.symbol, *(getattr(self, name)[begin:stop] for name in self.COLUMNS))

    def events(self) -> Iterator[Quote | Trade | BookUpdate]:
        """Yield the messages in order."""
        return chain.from_iterable(map(self._made, self._bounds()))

    def _bounds(self) -> Iterator[list[int]]:
        """Yield the first rows of the messages of each chunk, and of the one after it."""
        starts = self.starts()
        for first in range(0, len(starts), _CHUNK):
            bounds = starts[first : first + _CHUNK + 1].tolist()
            if first + _CHUNK >= len(starts):
                bounds.append(len(self))
            yield bounds

    def _made(self, bounds: list[int]) -> Iterator[Quote | Trade | BookUpdate]:
        """Yield the messages whose rows begin at ``bounds``; the last bound is the end of the last one."""
        base, symbol = bounds[0], self.symbol
        part = slice(base, bounds[-1])
        time, venue_time, _, kind, side, price, quantity, sequence, previous = (
            getattr(self, name)[part].tolist() for name in self.COLUMNS
        )
        sides = {1: Side.BUY, -1: Side.SELL}
        begin = 0
        for bound in bounds[1:]:
            stop = bound - base
            what = kind[begin]
            if what >= _BOOK:
                empty = side[begin] == 0
                yield BookUpdate(
                    symbol,
                    time[begin],
                    venue_time[begin],
                    what == _SNAPSHOT,
                    [] if empty else side[begin:stop],
                    [] if empty else price[begin:stop],
                    [] if empty else quantity[begin:stop],
                    sequence[begin],
                    previous[begin],
                )
            elif what == _TRADE:
                yield Trade(
                    symbol, time[begin], venue_time[begin], price[begin], quantity[begin], sides[side[begin]]
                )
            else:
                ask = begin + 1
                yield Quote(
                    symbol, time[begin], venue_time[begin],
                    price[begin], quantity[begin], price[ask], quantity[ask],
                )  # fmt: skip
            begin = stop


# Plain numbers: Python 3.11 runs a Python function for each ``RowKind.TRADE``.
_QUOTE, _TRADE, _BOOK, _SNAPSHOT = (int(kind) for kind in RowKind)


def _check(tape: TapeSeries) -> None:
    """Refuse a tape that cannot be trusted.

    Raises:
        DataError: naming the first row that is wrong, what should hold and what was found.
    """
    lengths = {item.name: len(getattr(tape, item.name)) for item in fields(tape) if item.name != "symbol"}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{tape.symbol} tape: columns must have equal length, were {lengths}")
    if len(tape) == 0:
        return
    _refuse(tape, np.append(False, np.diff(tape.time) < 0), "time must never go back", "time")
    _refuse(tape, np.append(False, np.diff(tape.message) < 0), "message numbers must rise", "message")
    _refuse(tape, (tape.kind < _QUOTE) | (tape.kind > _SNAPSHOT), "kind must be a RowKind", "kind")
    empty = (tape.kind >= _BOOK) & (tape.side == 0)
    _refuse(tape, ~empty & (np.abs(tape.side) != 1), "side must be 1 or -1", "side")
    finite = np.isfinite(tape.price) | ((tape.kind == _QUOTE) & (tape.quantity == 0))
    _refuse(tape, ~empty & ~finite, "price must be a finite number", "price")
    _refuse(
        tape,
        ~empty & ~(np.isfinite(tape.quantity) & (tape.quantity >= 0)),
        "quantity must be zero or more",
        "quantity",
    )
    _refuse(tape, (tape.kind == _TRADE) & ~(tape.quantity > 0), "a trade needs a quantity", "quantity")
    first = np.append(True, np.diff(tape.message) != 0)
    _refuse(
        tape, ~first & (np.append(False, np.diff(tape.kind) != 0)), "a message must have one kind", "kind"
    )
    _refuse(tape, ~first & np.append(False, np.diff(tape.time) != 0), "a message must have one time", "time")
    _check_shapes(tape, first)


def _check_shapes(tape: TapeSeries, first: NDArray[np.bool_]) -> None:
    """Refuse a trade of several rows and a quote that is not a bid and then an ask."""
    second = np.append(False, first[:-1]) & ~first
    _refuse(tape, (tape.kind == _TRADE) & ~first, "a trade must be one row", "message")
    quote = tape.kind == _QUOTE
    whole = np.where(first, np.append(second[1:], False) & (tape.side == 1), second & (tape.side == -1))
    _refuse(tape, quote & ~whole, "a quote must be two rows, the bid first", "side")


def _refuse(tape: TapeSeries, bad: NDArray[np.bool_], rule: str, name: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        where = f"{tape.symbol} tape: row {row} ({isoformat(int(tape.time[row]))})"
        raise DataError(f"{where}: {rule}, was {name} {getattr(tape, name)[row].item()!r}")
