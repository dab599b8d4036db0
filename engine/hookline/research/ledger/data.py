"""What data a trial was made on, so that trials on the same history are counted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries
from hookline.reporting.daily import ends_of_days

__all__ = ["DataSet", "agree", "data_set_of", "together"]

_DAY = 86_400 * 10**9
_NEAR = 0.02
_ENOUGH = 0.5


@dataclass(frozen=True, eq=False)
class DataSet:
    """Bars by what tells them apart.

    Args:
        symbol: Their instrument.
        timeframe: Their length.
        since: Start of the first, nanoseconds UTC.
        until: End of the last, nanoseconds UTC.
        bars: How many.
        digest: Of all closes.
        days: Days since the epoch on which bars end, rising.
        closes: Last close of each of those days.
    """

    symbol: str
    timeframe: str
    since: int
    until: int
    bars: int
    digest: str
    days: NDArray[np.int64]
    closes: NDArray[np.float64]


def data_set_of(series: BarSeries) -> DataSet:
    """Return what tells bars apart; there must be one."""
    end = series.end
    last = ends_of_days(end)
    return DataSet(
        series.symbol, series.timeframe, int(series.start[0]), int(end[-1]), len(series),
        blake2b(series.close.data, digest_size=12).hexdigest(), (end[last] - 1) // _DAY, series.close[last],
    )  # fmt: skip


def agree(one: DataSet, other: DataSet) -> bool:
    """Return whether trials on two data sets count together.

    They do if both are of one symbol and timeframe, overlap by a bar or more, and half of the days that both have close within two
    percent of each other.
    """
    if (one.symbol, one.timeframe) != (other.symbol, other.timeframe):
        return False
    if one.since >= other.until or other.since >= one.until:
        return False
    _, left, right = np.intersect1d(one.days, other.days, assume_unique=True, return_indices=True)
    if not len(left):
        return True
    # Compared as products, so that closes of zero or less are no trap.
    gap = np.abs(one.closes[left] - other.closes[right])
    near = gap <= _NEAR * np.maximum(np.abs(one.closes[left]), np.abs(other.closes[right]))
    return bool(near.mean() >= _ENOUGH)


def together(data: Sequence[DataSet]) -> list[list[DataSet]]:
    """Return data sets in groups: each agrees with another one of its group, and with none of any other."""
    groups: list[list[DataSet]] = []
    for one in data:
        near = [group for group in groups if any(agree(one, other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), one])
    return groups
