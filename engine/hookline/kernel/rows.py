"""Windows of several instruments, side by side in time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from hookline.columns.bars import Bars

if TYPE_CHECKING:
    from hookline.columns import Column
    from hookline.kernel.runner import Window

__all__ = ["Rows"]


class _Windows(Protocol):
    def window(self, column: Column, length: int) -> Window: ...


class Rows:
    """The last values of columns of several instruments: a row for each time at which all of them have a bar.

    A bar that one instrument lacks is left out for all, so that no value stands beside one of another time. So that this costs
    no warm-up later, each window is a tenth longer than the rows asked for; with more bars missing, ``ready`` is false
    until enough have come.
    """

    def __init__(self, ctx: _Windows, columns: Sequence[Column], length: int) -> None:
        self.length = length
        longer = length + length // 10 + 1
        self._values = [ctx.window(column, longer) for column in columns]
        self._times = [ctx.window(Bars(column.symbol or "").time, longer) for column in columns]

    @property
    def ready(self) -> bool:
        """Whether all rows are known and the last bar of every instrument ended at the same time."""
        return self._is_level and self._common is not None

    @property
    def values(self) -> NDArray[np.float64]:
        """The last ``length`` rows, oldest first, one column for each column; NaN in all of them unless known."""
        common = self._common
        if common is None:
            return np.full((self.length, len(self._values)), np.nan)
        kept = [
            window.values[np.isin(times.values, common, assume_unique=True)]
            for window, times in zip(self._values, self._times, strict=True)
        ]
        return np.column_stack([values[-self.length :] for values in kept])

    @property
    def _is_level(self) -> bool:
        return len({times.value for times in self._times}) == 1

    @property
    def _common(self) -> NDArray[np.float64] | None:
        """The times that all instruments have, None if there are too few or something is not known yet."""
        if not all(window.ready for window in (*self._values, *self._times)):
            return None
        common = reduce(_shared, (times.values for times in self._times))
        return common if len(common) >= self.length else None


def _shared(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.intersect1d(first, second, assume_unique=True)
