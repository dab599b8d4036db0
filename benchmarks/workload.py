"""The work that every engine does: the bars, the rules and the answer.

Rules: hold ``QUANTITY`` while the 9-bar EMA is above the 21-bar EMA, nothing otherwise; decide when a bar closes; market
orders; ``FEE_FRACTION`` of the notional for every order; no slippage. EMAs start from the mean of their first bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "Finals", "load_bars", "make_bars", "reference", "save_bars"]

SYMBOL = "BENCH"
FAST, SLOW = 9, 21
CASH = 100_000.0
QUANTITY = 10
FEE_FRACTION = 0.0005
TICK = 0.01
MINUTE = 60 * 10**9
START = 1_640_995_200 * 10**9  # 2022-01-01, UTC

NEXT_OPEN = "next open"
SAME_CLOSE = "same close"

_NAMES = ("start", "open", "high", "low", "close", "volume")
_SEED = 20_240_101
_STILL_BARS = 30

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arrays:
    """One-minute bars as columns; ``start`` is nanoseconds UTC, prices lie on the tick grid."""

    start: NDArray[np.int64]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Finals:
    """What a backtest ends with: orders that filled, and cash plus the position at the last close."""

    orders: int
    equity: float


def make_bars(count: int, still: int = _STILL_BARS) -> Arrays:
    """Return a seeded random walk with a gap between one close and the next open; the first bars do not move."""
    rng = np.random.default_rng(_SEED)
    step = rng.normal(0.0, 5e-4, (count, 2)) * (0.2, 1.0)  # before the open, then from open to close
    step[:still] = 0.0
    level = 100.0 * np.exp(np.cumsum(step.ravel())).reshape(count, 2)
    ticks = np.rint(level / TICK)
    wick = np.rint(np.abs(rng.normal(0.0, 5.0, (count, 2))))
    top, bottom = ticks.max(axis=1) + wick[:, 0], ticks.min(axis=1) - wick[:, 1]
    # n / 100 is the float nearest to the decimal price; n * 0.01 often is not.
    columns = (column / 100.0 for column in (ticks[:, 0], top, bottom, ticks[:, 1]))
    start = START + MINUTE * np.arange(count, dtype=np.int64)
    return Arrays(start, *columns, np.rint(rng.lognormal(8.0, 0.5, count)))


def save_bars(bars: Arrays, folder: Path) -> None:
    """Write one file for each column."""
    for name in _NAMES:
        np.save(folder / f"{name}.npy", getattr(bars, name))


def load_bars(folder: Path) -> Arrays:
    """Read what ``save_bars`` wrote."""
    return Arrays(*(np.load(folder / f"{name}.npy") for name in _NAMES))


def reference(bars: Arrays, fill: str) -> Finals:
    """Return what the rules give when orders fill at the next open, or at the very close that decided them.

    Independent of every engine: a plain loop for the averages, then arithmetic over all orders at once.
    """
    rising = _ema(bars.close, FAST) > _ema(bars.close, SLOW)
    at = np.flatnonzero(np.diff(rising, prepend=False))
    if fill == NEXT_OPEN:
        at = at[at + 1 < len(bars)]
        prices = bars.open[at + 1]
    else:
        prices = bars.close[at]
    signed = np.where(rising[at], QUANTITY, -QUANTITY)
    notional = signed * prices
    equity = CASH - notional.sum() - FEE_FRACTION * np.abs(notional).sum() + signed.sum() * bars.close[-1]
    return Finals(len(at), float(equity))


def _ema(values: Floats, period: int) -> Floats:
    weight = 2.0 / (period + 1)
    return np.fromiter(accumulate(values.tolist(), lambda old, new: old + weight * (new - old)), np.float64)
