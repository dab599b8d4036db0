"""Bars from a tape."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hookline.data.resample import bucket_start
from hookline.model import BarSeries, BookUpdate, OrderBook, RowKind, TapeSeries, Timeframe, timeframe_ns

__all__ = ["tape_bars"]


def tape_bars(tape: TapeSeries, timeframe: Timeframe, partial: Literal["drop", "keep"] = "drop") -> BarSeries:
    """Return bars of the trades of a tape; without trades of the mid of its quotes, without quotes of that of its book.

    A message counts in the bar in which it arrived, so that a bar holds what is known at its end. Bars of a mid have no
    volume. A bar's time without a message is a gap.

    Args:
        tape: The tape.
        timeframe: Length of the bars.
        partial: Whether to drop the first bar where the tape does not begin at its start, and the last one where the
            tape ends before its end, or to keep them as they are.
    """
    time, price, quantity = _prices(tape)
    duration = timeframe_ns(timeframe)
    buckets = bucket_start(time, timeframe)
    if partial == "drop" and len(time):
        whole = (buckets >= tape.time[0]) & (buckets + duration <= tape.time[-1])
        time, price, quantity, buckets = time[whole], price[whole], quantity[whole], buckets[whole]
    if len(time) == 0:
        return BarSeries(tape.symbol, timeframe, np.zeros(0, np.int64), *(np.zeros(0) for _ in range(5)))
    first = np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1))
    last = np.append(first[1:], len(time)) - 1
    return BarSeries(
        tape.symbol,
        timeframe,
        buckets[first],
        price[first],
        np.maximum.reduceat(price, first),
        np.minimum.reduceat(price, first),
        price[last],
        np.add.reduceat(quantity, first),
    )


def _prices(tape: TapeSeries) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return times, prices and volumes of what the bars are made of."""
    trades = tape.kind == RowKind.TRADE
    if trades.any():
        return tape.time[trades], tape.price[trades], tape.quantity[trades]
    bids = np.flatnonzero((tape.kind == RowKind.QUOTE) & (tape.side > 0))
    bids = bids[(tape.quantity[bids] > 0) & (tape.quantity[bids + 1] > 0)]
    if len(bids):
        return tape.time[bids], (tape.price[bids] + tape.price[bids + 1]) / 2.0, np.zeros(len(bids))
    book = OrderBook(tape.symbol)
    rows = [
        (event.time, book.mid)
        for event in tape.events()
        if isinstance(event, BookUpdate) and book.apply(event) and book.is_usable
    ]
    return (
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows]),
        np.zeros(len(rows)),
    )
