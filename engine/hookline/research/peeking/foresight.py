"""Values that know too much: do they go with what bars did later, far better than chance allows?

What was made with the future before the session sees it (a file with a negative shift, a bar of a higher timeframe that is labelled
with its start) stays the same however the bars after a cut are changed. It gives itself away by what it foresees:

- its values, their changes, or their distance from the price go with later returns (rank correlation);
- its values are the very numbers of later bars;
- its mean and standard deviation, or its smallest and largest value, are those of a scale fitted to all of it.

Each is a suspicion with its numbers, no proof. A correlation of 0.3 with the return of the next bars is several times what the best
known predictors have; between a value and what it is made of in hindsight it is near 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns import ExternalSeries
from hookline.model import BarSeries

__all__ = [
    "Foresight",
    "equal_share",
    "foresight_of",
    "hit_rate",
    "rank_correlation",
    "scale_of",
    "values_at",
]

Floats = NDArray[np.float64]

_HORIZONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)  # bars
_FEWEST = 60  # values, below which nothing is said
_CORRELATION = 0.3  # of values and their changes with later returns
_DISTANCE = 0.5  # of their distance from the price: what lags behind a market may well predict where it goes
_SIGNIFICANCE = 6.0  # standard errors
_EQUAL = 0.5  # share of values that are those of later bars
# Share of flags or orders that the next bars prove right, and standard errors from one half: 25 of 25, or three quarters of 144.
_HITS = ((0.8, 5.0), (0.75, 6.0))
_HIT_HORIZONS = (1, 2, 4, 8, 24)  # bars


class Foresight(NamedTuple):
    """What values go with: how many bars later, how well, and as text. ``strength`` is between 0 and 1."""

    bars: int
    strength: float
    text: str


def values_at(series: ExternalSeries, bars: BarSeries) -> Floats:
    """Return the values of a series at the ends of bars on which something new was known, NaN at the others."""
    end = bars.end
    known = np.searchsorted(series.time, end, side="right")
    before = np.searchsorted(series.time, end - bars.duration, side="right")
    values = np.concatenate(([np.nan], series.value))[known]
    return np.where(known > before, values, np.nan)


def foresight_of(values: Floats, bars: BarSeries, *, equality_only: bool = False) -> Foresight | None:
    """Return what values foresee, None if it is no more than chance.

    Args:
        values: What was known at the end of each bar; NaN where nothing new was.
        bars: Of the same length.
        equality_only: Leave out correlations: for a price beside a price, which is led by it now and then.
    """
    rows = np.flatnonzero(np.isfinite(values))
    if len(rows) < _FEWEST:
        return None
    kept = values[rows]
    horizons = sorted({*_HORIZONS, int(np.median(np.diff(rows)))})
    same = equal_share(kept, rows, bars, horizons)
    if same is not None or equality_only:
        return same
    if len(np.unique(kept)) <= 2:
        return _of_flags(kept, rows, bars)
    found = list(_correlated(kept, rows, bars, horizons))
    return max(found, key=lambda one: one.strength, default=None)


def equal_share(
    values: Floats,
    rows: NDArray[np.intp],
    bars: BarSeries,
    horizons: Iterable[int],
    least: float = _EQUAL,
    what: str = "the values",
) -> Foresight | None:
    """Return the later bar whose numbers the values are; those that are as often the numbers of earlier ones are none."""
    if len(np.unique(values)) < _FEWEST // 2:
        return None
    # Not the open: where nothing happens between bars, it is the close that is known already.
    for name in ("close", "high", "low", "volume"):
        column = getattr(bars, name)
        past = max(_share(values, rows, column, -back) for back in (0, 1, 2))
        for ahead in horizons:
            share = _share(values, rows, column, ahead)
            if share >= least and share > 2 * past:
                text = f"{share:.0%} of {what} are the {name} of the bar that ends {_count(ahead)} later"
                return Foresight(ahead, share, text)
    return None


def _share(values: Floats, rows: NDArray[np.intp], column: Floats, ahead: int) -> float:
    """Return which share of values is that of a column so many bars later, below zero earlier."""
    there = (rows + ahead >= 0) & (rows + ahead < len(column))
    if there.sum() < _FEWEST // 2:
        return 0.0
    return float(np.mean(values[there] == column[rows[there] + ahead]))


def _correlated(
    values: Floats, rows: NDArray[np.intp], bars: BarSeries, horizons: list[int]
) -> Iterator[Foresight]:
    close = bars.close
    if close.min() <= 0.0:
        return
    price = np.log(close)
    changes = np.concatenate(([np.nan], np.diff(values)))
    looks = [("the values", values, _CORRELATION), ("their changes", changes, _CORRELATION)]
    if values.min() > 0.0:
        looks.append(("their distance from the price", np.log(values) - price[rows], _DISTANCE))
    gap = float(np.median(np.diff(rows)))
    for ahead in horizons:
        usable = rows + ahead < len(close)
        moves = price[rows[usable] + ahead] - price[rows[usable]]
        for what, look, least in looks:
            known = np.isfinite(look[usable])
            strength = rank_correlation(look[usable][known], moves[known])
            # Returns that overlap count once.
            count = known.sum() * min(1.0, gap / ahead)
            if abs(strength) >= least and abs(strength) * math.sqrt(count) >= _SIGNIFICANCE:
                text = f"{what} go with the return of the next {_ahead(ahead)}: rank correlation {strength:.2f} over {known.sum():,}"
                yield Foresight(ahead, abs(strength), text)


def _of_flags(values: Floats, rows: NDArray[np.intp], bars: BarSeries) -> Foresight | None:
    """Return what the rarer of two values foresees."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return None
    rare = high if np.mean(values == high) <= 0.5 else low
    return hit_rate(rows[values == rare], bars, f"after value {rare:g}")


def hit_rate(
    rows: NDArray[np.intp], bars: BarSeries, what: str, sides: NDArray[np.int64] | None = None
) -> Foresight | None:
    """Return whether the bars after some bars go one way far too often, None if they do not.

    Args:
        rows: Which bars.
        bars: The bars.
        what: What the text begins with.
        sides: Which way each of them says, 1 or -1; all the same one by default.
    """
    found = (_hits(rows, bars, what, sides, ahead) for ahead in _HIT_HORIZONS)
    return max((one for one in found if one is not None), key=lambda one: one.strength, default=None)


def _hits(
    rows: NDArray[np.intp], bars: BarSeries, what: str, sides: NDArray[np.int64] | None, ahead: int
) -> Foresight | None:
    usable = rows + ahead < len(bars)
    rows = rows[usable]
    moves = np.sign(bars.close[rows + ahead] - bars.open[rows + 1]) * (1 if sides is None else sides[usable])
    count = int(np.count_nonzero(moves))
    if not count:
        return None
    share = float(np.mean(moves[moves != 0] > 0))
    best = max(share, 1.0 - share) if sides is None else share
    # Moves that overlap count once.
    apart = min(count, len(np.unique(rows // ahead)))
    certainty = (best - 0.5) / 0.5 * math.sqrt(apart)
    if not any(best >= least and certainty >= errors for least, errors in _HITS):
        return None
    way = "as they say" if sides is not None else "up" if share > 0.5 else "down"
    next_ = "the next bar goes" if ahead == 1 else f"the next {ahead} bars go"
    return Foresight(ahead, best, f"{what} {next_} {way} {best:.0%} of {count:,} times")


def rank_correlation(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation, equal values having their mean rank; 0 where one does not vary."""
    if len(first) < _FEWEST // 2:
        return 0.0
    one, other = _ranks(first), _ranks(second)
    one -= one.mean()
    other -= other.mean()
    scale = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / scale if scale > 0.0 else 0.0


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks: Floats = (last - (count - 1) / 2.0)[place]
    return ranks


def scale_of(values: Floats) -> str:
    """Return how values are scaled if their scale is fitted to all of them, else nothing.

    Mean 0 and standard deviation 1, or smallest value 0 and largest 1, each hit once, do not happen to values that were made one
    after the other.
    """
    kept = values[np.isfinite(values)]
    if len(kept) < _FEWEST or len(np.unique(kept)) < len(kept) // 2:
        return ""
    mean, deviations = float(kept.mean()), [float(kept.std(ddof=ddof)) for ddof in (0, 1)]
    if abs(mean) < 1e-6 and min(abs(deviation - 1.0) for deviation in deviations) < 1e-6:
        return (
            f"mean {mean:.1g} and standard deviation {deviations[0]:.6f}: standardized over the whole sample"
        )
    low, high = float(kept.min()), float(kept.max())
    if (low, high) in {(0.0, 1.0), (-1.0, 1.0)} and np.sum(kept == low) == 1 == np.sum(kept == high):
        return f"smallest value {low:g} and largest {high:g}: scaled to the range of the whole sample"
    return ""


def _ahead(bars: int) -> str:
    return "bar" if bars == 1 else f"{bars} bars"


def _count(bars: int) -> str:
    return "1 bar" if bars == 1 else f"{bars} bars"
