"""The work of the book replay: the tapes and the market maker's rules.

Rules: on a message, at most once every ``REFRESH`` of the tape's time, one post-only bid at the best bid and one post-only ask
at the best ask, ``QUANTITY`` each. An order that is open is amended to the new best price, one that is gone is sent anew. No
bid at a position of ``MOST`` or more, no ask at ``-MOST`` or less; what is open there is canceled. No latency, no fees; the
quantity ahead of an order shrinks by trades alone.

Needs numpy only, so that an engine in an interpreter of its own can read the tapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Columns", "Counts", "load_columns", "save_columns", "split"]

REFRESH = 500 * 10**6
QUANTITY = 0.01
MOST = 0.05
CASH = 1_000_000.0
LOT = 0.001

QUOTE, TRADE, BOOK, SNAPSHOT = range(4)  # kinds of rows
_NAMES = ("time", "message", "kind", "side", "price", "quantity")


@dataclass(frozen=True)
class Columns:
    """A tape of equal columns; ``time`` is nanoseconds UTC and serves as the venue's too."""

    time: NDArray[np.int64]
    message: NDArray[np.int64]
    kind: NDArray[np.int8]
    side: NDArray[np.int8]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]
    tick: float

    def __len__(self) -> int:
        return len(self.time)

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return int(np.count_nonzero(np.diff(self.message))) + 1


@dataclass(frozen=True)
class Counts:
    """What a run did: calls of the strategy, orders sent and fills."""

    callbacks: int
    orders: int
    fills: int


def split(tape: Columns) -> Columns:
    """Return the tape with one message for each row, after its first snapshot; quotes and later snapshots are left out."""
    first = tape.message == tape.message[np.argmax(tape.kind == SNAPSHOT)]
    kept = first | (tape.kind == TRADE) | ((tape.kind == BOOK) & (tape.side != 0))
    columns = {name: getattr(tape, name)[kept] for name in _NAMES}
    message = np.cumsum(~first[kept])
    return Columns(**{**columns, "message": message}, tick=tape.tick)


def save_columns(tape: Columns, path: Path) -> None:
    """Write a tape as one file."""
    np.savez(path, tick=tape.tick, **{name: getattr(tape, name) for name in _NAMES})


def load_columns(path: Path, rows: int | None = None) -> Columns:
    """Read what ``save_columns`` wrote, or the first messages of it with about so many rows."""
    with np.load(path) as given:
        columns = {name: given[name] for name in _NAMES}
        tick = float(given["tick"])
    if rows is not None and rows < len(columns["message"]):
        stop = int(np.searchsorted(columns["message"], columns["message"][rows]))
        columns = {name: column[: stop or None] for name, column in columns.items()}
    return Columns(**columns, tick=tick)
