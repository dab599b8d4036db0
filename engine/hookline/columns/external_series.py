"""Series that do not come from the bars: funding, open interest, scores of other data suppliers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.columns.column import External, Node
from hookline.errors import ConfigError, DataError

__all__ = ["ExternalSeries", "require_external"]


@dataclass(frozen=True, eq=False)
class ExternalSeries:
    """Values and the times at which they became available.

    Args:
        time: int64 nanoseconds UTC, strictly rising; when a value could be known, not what it speaks of.
        value: float64 of the same length; NaN says that the value is unknown from then on.

    Raises:
        DataError: if the lengths differ or a time repeats or goes back.
    """

    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Convert the columns and refuse what cannot be trusted."""
        object.__setattr__(self, "time", np.ascontiguousarray(self.time, dtype=np.int64))
        object.__setattr__(self, "value", np.ascontiguousarray(self.value, dtype=np.float64))
        if len(self.time) != len(self.value):
            raise DataError(
                f"external series: time and value must be equally long, were {len(self.time)} and {len(self.value)}"
            )
        wrong = np.diff(self.time) <= 0
        if wrong.any():
            row = int(np.argmax(wrong)) + 1
            after, before = isoformat(int(self.time[row])), isoformat(int(self.time[row - 1]))
            raise DataError(f"external series: row {row}: time must rise, was {after} after {before}")


def require_external(nodes: Iterable[Node], given: Mapping[str, ExternalSeries]) -> None:
    """Check that every external series that columns name is there.

    Raises:
        ConfigError: naming the series that is missing and those that are given.
    """
    for node in nodes:
        if isinstance(node, External) and node.name not in given:
            have = ", ".join(map(repr, sorted(given))) or "none"
            raise ConfigError(
                f"external series {node.name!r} must be given under 'external', there are {have}"
            )
