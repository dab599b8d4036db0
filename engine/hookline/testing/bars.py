"""Bars that can be read in a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hookline.model import BarSeries, Timeframe, timeframe_ns

__all__ = ["bars"]

_START = 1_704_067_200_000_000_000  # 2024-01-01 00:00 UTC


def bars(
    text: str | Sequence[float], symbol: str = "TEST", timeframe: Timeframe = "1h", *, start: int = _START
) -> BarSeries:
    """Return a series from closes, or from ``open/high/low/close`` groups, with an optional ``@volume``.

    A close alone makes a bar that opens at the close before it (the first at its own). ``.`` leaves a gap of one bar.

    >>> bars("10 11 12/14/9/13").high.tolist()
    [10.0, 11.0, 14.0]
    >>> bars("10 . 11").start.tolist()[1] - bars("10 . 11").start.tolist()[0]
    7200000000000

    Args:
        text: The bars, separated by spaces, or a sequence of closes.
        symbol: Instrument.
        timeframe: Length of a bar.
        start: Start of the first bar in nanoseconds UTC.
    """
    words = text.split() if isinstance(text, str) else [repr(float(close)) for close in text]
    step = timeframe_ns(timeframe)
    times: list[int] = []
    rows: list[tuple[float, ...]] = []
    for number, word in enumerate(words):
        if word == ".":
            continue
        prices, _, volume = word.partition("@")
        times.append(start + number * step)
        rows.append((*_prices(prices, rows[-1][3] if rows else None), float(volume or 1)))
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    return BarSeries(symbol, timeframe, np.array(times, dtype=np.int64), *columns)


def _prices(word: str, before: float | None) -> tuple[float, float, float, float]:
    parts = [float(part) for part in word.split("/")]
    if len(parts) == 4:
        return parts[0], parts[1], parts[2], parts[3]
    if len(parts) != 1:
        raise ValueError(f"a bar is a close or open/high/low/close, was {word!r}")
    close = parts[0]
    open_ = close if before is None else before
    return open_, max(open_, close), min(open_, close), close
