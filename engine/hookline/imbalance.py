"""Weighted order-book imbalance, and what it has said about the price: one formula for strategies and for their calibration.

Rules of this file:

- A level's quantity counts ``exp(-decay * distance)``, with its distance from the mid in basis points: after ``ln 2 / decay`` of
  them it counts half. Of each side the best ``depth`` levels count.
- ``largest_share`` is how much of the heavier side one level makes up, by weight. Books of price levels do not show single
  orders; a level is the most that one order can be.
- The study looks at a grid of times. What it sees at one of them is what was known by then, and what it measures lies after it.
- Returns that overlap are not independent, and a t-statistic that takes them for it is too large. So within a horizon only the
  first signal counts, and the next one is the first after it has ended: no two returns of a row of the table share any time.
- A signal counts only where the book was usable at both ends of the horizon; others are left out, as if there had been none.

Source of the formula: LMEX, "Order book imbalance", with its weights. The article says that a level 1 % away counts half; with
its decay of 0.1 it counts e^-10, and half is reached after 6.9 basis points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BookUpdate, OrderBook, Quote, TapeSeries

__all__ = [
    "BookSamples",
    "Imbalance",
    "StudyRow",
    "half_life_bps",
    "imbalance_study",
    "sample_books",
    "sampled_imbalance",
    "weighted_imbalance",
]

_NAN = math.nan


class Imbalance(NamedTuple):
    """What a book says: ``value`` from -1, only sellers, to 1, only buyers; ``largest_share`` from 0 to 1."""

    value: float
    largest_share: float


def half_life_bps(decay: float) -> float:
    """Return the distance from the mid in basis points at which a quantity counts half.

    >>> round(half_life_bps(0.1), 1)
    6.9
    """
    return math.log(2.0) / decay


def weighted_imbalance(book: OrderBook, decay: float = 0.1, depth: int = 10) -> Imbalance:
    """Return ``(bids - asks) / (bids + asks)`` of the weighted quantities of the best levels.

    Args:
        book: A book; whether it is usable is for the caller to ask.
        decay: By how much the logarithm of the weight falls for each basis point of distance from the mid.
        depth: How many levels of each side count.

    Returns:
        NaN for both where a side of the book is empty.
    """
    mid = book.mid
    if mid != mid:  # noqa: PLR0124
        return Imbalance(_NAN, _NAN)
    scale, exp = decay * 1e4 / mid, math.exp
    bids = [quantity * exp(scale * (price - mid)) for price, quantity in book.bids(depth)]
    asks = [quantity * exp(scale * (mid - price)) for price, quantity in book.asks(depth)]
    bought, sold = sum(bids), sum(asks)
    largest = max(bids) / bought if bought >= sold else max(asks) / sold
    return Imbalance((bought - sold) / (bought + sold), largest)


# -- the study ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class BookSamples:
    """A book looked at n times.

    Attributes:
        time: int64, nanoseconds UTC, evenly spaced.
        mid: n mids, NaN where the book was not usable.
        bid_prices: n rows of the best bids, best first; NaN where a side has fewer levels.
        bid_quantities: The same of quantities in base units, 0 where there is no level.
        ask_prices: The same of asks.
        ask_quantities: The same of asks.
    """

    time: NDArray[np.int64]
    mid: NDArray[np.float64]
    bid_prices: NDArray[np.float64]
    bid_quantities: NDArray[np.float64]
    ask_prices: NDArray[np.float64]
    ask_quantities: NDArray[np.float64]


class StudyRow(NamedTuple):
    """What followed signals beyond a threshold, in the direction of the signal.

    ``mean_bps`` is the mean move of the mid, before all costs, NaN without a signal; ``t`` its t-statistic, NaN for fewer than two
    signals; ``hits`` the share of moves in the direction of the signal.
    """

    threshold: float
    horizon_seconds: float
    signals: int
    mean_bps: float
    t: float
    hits: float


def sample_books(tape: TapeSeries, *, every_seconds: float = 1.0, depth: int = 10) -> BookSamples:
    """Replay a tape and look at its book at whole multiples of a time, as it was known then.

    Raises:
        ValueError: if the time is shorter than a nanosecond or the depth is below 1.
    """
    step = round(every_seconds * 1e9)
    if step < 1 or depth < 1:
        raise ValueError(
            f"sample_books: every_seconds and depth must be above 0, were {every_seconds!r}, {depth!r}"
        )
    book, seen = OrderBook(tape.symbol), _Seen(depth)
    if len(tape) == 0:
        return seen.samples(0, step)
    first = -(-int(tape.time[0]) // step) * step
    due = first
    for event in tape.events():
        while due < event.time:
            seen.look(book)
            due += step
        if isinstance(event, BookUpdate):
            book.apply(event)
        elif isinstance(event, Quote):
            book.apply_quote(event)
    if due == tape.time[-1]:
        seen.look(book)
    return seen.samples(first, step)


class _Seen:
    """Levels of a book, noted time after time."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._mids: list[float] = []
        self._sides: tuple[list[list[tuple[float, float]]], ...] = ([], [])

    def look(self, book: OrderBook) -> None:
        usable, depth = book.is_usable, self._depth
        self._mids.append(book.mid if usable else _NAN)
        for rows, levels in zip(self._sides, (book.bids, book.asks), strict=True):
            found = levels(depth) if usable else []
            rows.append(found + [(_NAN, 0.0)] * (depth - len(found)))

    def samples(self, first: int, step: int) -> BookSamples:
        count = len(self._mids)
        bids, asks = (np.array(rows, np.float64).reshape(count, self._depth, 2) for rows in self._sides)
        return BookSamples(
            first + step * np.arange(count, dtype=np.int64),
            np.array(self._mids, np.float64),
            bids[..., 0], bids[..., 1], asks[..., 0], asks[..., 1],
        )  # fmt: skip


def sampled_imbalance(
    samples: BookSamples, decay: float = 0.1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``value`` and ``largest_share`` of ``weighted_imbalance`` for each sample, NaN where the book was not usable."""
    mid = samples.mid[:, np.newaxis]
    weighted = [
        np.nan_to_num(quantities * np.exp(-decay * 1e4 * np.abs(prices - mid) / mid))
        for prices, quantities in (
            (samples.bid_prices, samples.bid_quantities),
            (samples.ask_prices, samples.ask_quantities),
        )
    ]
    bought, sold = (side.sum(axis=1) for side in weighted)
    largest = np.where(bought >= sold, weighted[0].max(axis=1), weighted[1].max(axis=1))
    with np.errstate(invalid="ignore"):
        return (bought - sold) / (bought + sold), largest / np.maximum(bought, sold)


def imbalance_study(
    tape: TapeSeries,
    *,
    decay: float = 0.1,
    depth: int = 10,
    max_single_share: float = 1.0,
    thresholds: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    horizons: Sequence[float] = (10.0, 30.0, 60.0),
    every_seconds: float = 1.0,
) -> list[StudyRow]:
    """Return what the mid did after signals, by threshold and horizon: what to calibrate a threshold with.

    A signal is a value above the threshold (buy) or below its negative (sell) whose ``largest_share`` is at most
    ``max_single_share``, as the strategy ``weighted_imbalance`` takes it. A mean that does not exceed the costs of a round trip is
    nothing to trade on, whatever its t-statistic; and of many rows some are large by chance.

    Args:
        tape: Book updates or quotes of one instrument.
        decay: As for ``weighted_imbalance``.
        depth: As for ``weighted_imbalance``.
        max_single_share: From 0 to 1; 1 takes every signal.
        thresholds: From 0 to 1.
        horizons: Seconds, whole multiples of ``every_seconds``.
        every_seconds: Time between two looks at the book.

    Raises:
        ValueError: if a horizon is no whole multiple of ``every_seconds``.
    """
    samples = sample_books(tape, every_seconds=every_seconds, depth=depth)
    value, share = sampled_imbalance(samples, decay)
    value = np.where(share <= max_single_share, value, _NAN)
    steps = [_steps(horizon, every_seconds) for horizon in horizons]
    return [
        _row(samples.mid, value, threshold, horizon, step)
        for threshold in thresholds
        for horizon, step in zip(horizons, steps, strict=True)
    ]


def _steps(horizon: float, every: float) -> int:
    steps = round(horizon / every)
    if steps < 1 or not math.isclose(steps * every, horizon):
        raise ValueError(
            f"imbalance_study: horizons must be whole multiples of every_seconds {every!r}, was {horizon!r}"
        )
    return steps


def _row(
    mid: NDArray[np.float64], value: NDArray[np.float64], threshold: float, horizon: float, steps: int
) -> StudyRow:
    moves = np.full(len(mid), _NAN)
    moves[:-steps] = np.sign(value[:-steps]) * (mid[steps:] / mid[:-steps] - 1.0) * 1e4
    places, free = [], 0
    for place in np.flatnonzero((np.abs(value) > threshold) & np.isfinite(moves)).tolist():
        if place >= free:
            places.append(place)
            free = place + steps
    taken = moves[places]
    count = len(taken)
    if count == 0:
        return StudyRow(threshold, horizon, 0, _NAN, _NAN, _NAN)
    mean, deviation = float(taken.mean()), float(taken.std(ddof=1)) if count > 1 else 0.0
    t = mean / (deviation / math.sqrt(count)) if deviation > 0.0 else _NAN
    return StudyRow(threshold, horizon, count, mean, t, float((taken > 0.0).mean()))
