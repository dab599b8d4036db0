"""How long columns take to forget where the data began.

An average over the last 20 bars is exact once it is ready. A recursive one, such as an exponential average, carries what it began with
along, less and less; a running total never forgets. A column is computed on all bars, and again on bars that begin later: where the two
agree from some bar on, it has settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries
from hookline.research.peeking.runs import InUse, Place

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["Settling", "settle"]

Floats = NDArray[np.float64]

_MILESTONES = (20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)  # bars
_LATE = 0.9  # of the bars there are: what differs after that has not settled
_FADED = 0.95  # of what it is off by half-way: what has not become less by the end does not fade


@dataclass(frozen=True)
class Settling:
    """How a column settles.

    Attributes:
        place: Where it is read.
        text: The column as text.
        ready: After how many bars its value is known, in the slowest start; 0 if it never is.
        settled: After how many bars it stays within the tolerance, in the slowest start; None if it does not among these.
        bars: How many bars the shortest start has.
        is_endless: Whether what it is off by does not even fade.
        remaining: How far it is off at most from some numbers of bars on: (bars, relative difference).
    """

    place: Place
    text: str
    ready: int
    settled: int | None
    bars: int
    is_endless: bool
    remaining: tuple[tuple[int, float], ...]

    def __str__(self) -> str:
        if self.is_endless:
            when = "never settles: it depends on where the data begins"
        elif self.settled is None:
            when = f"ready after {self.ready:,} bars, has not settled after {self.bars:,}"
        elif self.settled <= self.ready:
            when = f"exact once it is ready, after {self.ready:,} bars"
        else:
            when = f"ready after {self.ready:,} bars, settled after {self.settled:,}"
        off = "; ".join(f"off by up to {_share(error)} after {bars:,}" for bars, error in self.remaining)
        return f"{self.place}: {when}{f' ({off})' if off else ''}"


def settle(
    columns: Mapping[Place, InUse],
    bars: Mapping[str, BarSeries],
    external: Mapping[str, ExternalSeries],
    starts: Sequence[float],
    tolerance: float,
) -> list[Settling]:
    """Return how each column settles.

    Args:
        columns: By where they are read.
        bars: All bars, by symbol.
        external: External series by name.
        starts: Where the later beginnings are, as fractions of the bars.
        tolerance: Relative difference that does not matter: of the value, or of the column's standard deviation where that is
            larger. Flags must be the same.
    """
    from hookline.columns import Batch

    found: list[Settling] = []
    for symbol, series in bars.items():
        mine = {place: column for place, column in columns.items() if place.symbol == symbol}
        if not mine:
            continue
        asked = [one.column for one in mine.values()]
        whole = Batch(series, external).compute(asked, keep=False)
        looks: dict[Place, list[_Look]] = {place: [] for place in mine}
        for start in starts:
            first = max(1, round(start * len(series)))
            later = Batch(series.slice(first), external).compute(asked, keep=False)
            for (place, used), expected, values in zip(mine.items(), whole, later, strict=True):
                least = 0.0 if used.column.is_flag else tolerance
                looks[place].append(_look(errors_of(expected[first:], values), least))
        found += [_settling(place, used, looks[place], tolerance) for place, used in mine.items()]
    return found


def errors_of(expected: Floats, found: Floats) -> Floats:
    """Return the relative difference at each bar: NaN where the value is not known yet, infinite where only one of them is."""
    known = ~np.isnan(found)
    spread = float(np.nanstd(expected)) if (~np.isnan(expected)).any() else 0.0
    scale = np.maximum(np.abs(expected), spread)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors: Floats = np.where(expected == found, 0.0, np.abs(found - expected) / scale)
    errors[np.isnan(expected) & known] = np.inf
    errors[~known & ~np.isnan(expected)] = np.inf
    errors[~known & np.isnan(expected)] = 0.0
    first = int(np.argmax(known)) if known.any() else len(found)
    errors[:first] = np.nan
    return errors


class _Look(NamedTuple):
    """What one beginning shows: bars there are, until a value is known, until it is right for good, and how far it is off."""

    bars: int
    ready: int
    settled: int
    is_fading: bool
    off: dict[int, float]


def _look(errors: Floats, least: float) -> _Look:
    known, off = np.flatnonzero(~np.isnan(errors)), np.flatnonzero(errors > least)
    ready = int(known[0]) + 1 if len(known) else 0
    # A bar after the last one that is off; it is the second of them where the first has index 0.
    settled = int(off[-1]) + 2 if len(off) else ready
    worst = {bars: _worst_from(errors, bars) for bars in _MILESTONES if ready < bars < len(errors)}
    half, end = _worst_from(errors, len(errors) // 2), _worst_from(errors, round(_LATE * len(errors)))
    return _Look(len(errors), ready, settled, end < _FADED * half, worst)


def _settling(place: Place, used: InUse, looks: Sequence[_Look], tolerance: float) -> Settling:
    # A window is right once the oldest value in it is.
    column, longer = used.column, used.length - 1
    ready = max(one.ready for one in looks)
    unsettled = [one for one in looks if one.settled > _LATE * one.bars and one.settled > one.ready]
    settled = None if unsettled else max(one.settled for one in looks) + longer
    is_endless = bool(unsettled) and not any(one.is_fading for one in unsettled)
    fewest = min(one.bars for one in looks)
    # How far a flag is off says nothing: it is wrong or it is not.
    milestones = () if column.is_flag else [bars for bars in _MILESTONES if bars > ready]
    worst = ((bars, max(one.off.get(bars, 0.0) for one in looks)) for bars in milestones)
    shown = tuple((bars, error) for bars, error in worst if error > tolerance)
    return Settling(place, repr(column), ready + longer, settled, fewest, is_endless, shown)


def _worst_from(errors: Floats, bars: int) -> float:
    rest = errors[bars - 1 :]
    rest = rest[~np.isnan(rest)]
    return float(rest.max()) if len(rest) else 0.0


def _share(error: float) -> str:
    return "all of it" if np.isinf(error) else f"{error:.2%}" if error >= 1e-4 else f"{error:.0e}"
