"""The combinations of a sweep: one cell for each set of values, with its objective over all instruments and periods.

Rules of this file:

- The objective of a combination is the mean over the instruments and periods of the sweep. It is not defined (NaN) where fewer of them
  have one than have it elsewhere: a mean that leaves out where a run failed would flatter.
- Cells come in the order of the space, whatever the order of the rows.
- Numbers are ordered by size and have steps; everything else (text, yes or no, none) is only equal or different.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from hookline.research.table import Parameter, SweepTable

__all__ = ["Axis", "Cells", "RunSet", "labels_of", "plain_value"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SET = ("symbol", "since", "until")


class Axis(NamedTuple):
    """One parameter: all its values in order, and whether they are numbers, that is, have steps."""

    parameter: Parameter
    values: tuple[Any, ...]
    is_numeric: bool

    @property
    def is_continuous(self) -> bool:
        """Whether anything between two values may be tried."""
        return self.parameter.is_continuous and self.is_numeric

    @property
    def is_log(self) -> bool:
        """Whether distances are those of the logarithms."""
        return self.is_continuous and self.parameter.is_log


class RunSet(NamedTuple):
    """An instrument and a period on which every combination runs; as the columns of a sweep's table."""

    symbol: str
    since: int
    until: int


@dataclass(frozen=True)
class Cells:
    """The combinations of a sweep, in the order of the space.

    Attributes:
        table: Where they come from.
        axes: The parameters.
        codes: Index of the value on each axis, of shape (cells, parameters).
        cell_of: Cell of each row of the table.
        rows: First row of each cell, as a position in the table.
    """

    table: SweepTable
    axes: tuple[Axis, ...]
    codes: Ints
    cell_of: Ints
    rows: Ints

    @classmethod
    def of(cls, table: SweepTable) -> Cells:
        """Return the cells of a table."""
        found = [_coded(parameter, table.frame[parameter.address]) for parameter in table.parameters]
        size = len(table.frame)
        codes = np.array([codes for _, codes in found], dtype=np.int64).reshape(len(found), size).T
        unique, rows, cell_of = np.unique(codes, axis=0, return_index=True, return_inverse=True)
        if not found:  # all rows are the one combination there is
            unique, rows, cell_of = codes[:1], np.arange(min(1, size)), np.zeros(size, dtype=np.int64)
        return cls(table, tuple(axis for axis, _ in found), unique, cell_of.reshape(-1), rows)

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def sets(self) -> tuple[RunSet, ...]:
        """The instruments and periods, in the order in which they were first run."""
        frame = self.table.frame[list(_SET)].drop_duplicates()
        return tuple(
            RunSet(str(symbol), int(since), int(until))
            for symbol, since, until in frame.itertuples(index=False)
        )

    @cached_property
    def set_of(self) -> Ints:
        """Index of the instrument and period of each row."""
        number = {one: index for index, one in enumerate(self.sets)}
        rows = self.table.frame[list(_SET)].itertuples(index=False)
        return np.array([number[RunSet(str(row[0]), int(row[1]), int(row[2]))] for row in rows], np.int64)

    @cached_property
    def objective(self) -> Floats:
        """The objective of each cell, NaN where it is not defined or not comparable."""
        return self.mean(self.table.objective.metric)

    @cached_property
    def score(self) -> Floats:
        """The objective with its sign such that more is better."""
        return self.table.objective.sign * self.objective

    def mean(self, metric: str) -> Floats:
        """Return a figure of each cell: its mean over instruments and periods, NaN where one is lacking that others have."""
        values = self.table.frame[metric].to_numpy(dtype=np.float64)
        finite = np.isfinite(values)
        # In the order of the sets, so that the last digit does not depend on the order of the rows.
        order = np.lexsort((values, self.cell_of))
        order = order[finite[order]]
        counts = np.bincount(self.cell_of[order], minlength=len(self))
        sums = np.bincount(self.cell_of[order], weights=values[order], minlength=len(self))
        is_whole = (counts == counts.max(initial=0)) & (counts > 0)
        means: Floats = np.divide(sums, counts, out=np.full(len(self), np.nan), where=is_whole)
        return means

    def values(self, cell: int) -> dict[str, Any]:
        """Return the values of a cell by address."""
        return {
            axis.parameter.address: axis.values[code]
            for axis, code in zip(self.axes, self.codes[cell], strict=True)
        }

    def positions(self) -> Floats:
        """Return where each cell lies on each axis, from 0 to 1: by value (or its logarithm) on a continuous axis, else by step."""
        columns = []
        for axis, codes in zip(self.axes, self.codes.T, strict=True):
            places, ends = np.arange(len(axis.values), dtype=np.float64), [0.0, len(axis.values) - 1.0]
            if axis.is_continuous:
                places, ends = np.array(axis.values, np.float64), [*axis.values, *axis.parameter.values]
            if axis.is_log:
                places, ends = np.log(places), [float(np.log(end)) for end in ends]
            width = max(ends) - min(ends)
            columns.append((places[codes] - min(ends)) / (width if width > 0.0 else 1.0))
        return np.array(columns, dtype=np.float64).reshape(len(self.axes), len(self)).T


def labels_of(parameters: Sequence[Parameter]) -> list[str]:
    """Return a short name for each parameter: its last part, or its address where two share that."""
    labels = [parameter.label for parameter in parameters]
    return [
        label if labels.count(label) == 1 else parameter.address.replace(".params.", ".")
        for parameter, label in zip(parameters, labels, strict=True)
    ]


def plain_value(value: Any) -> Any:
    """Return a value of a frame as YAML would give it: no numpy scalar, None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def _coded(parameter: Parameter, column: pd.Series[Any]) -> tuple[Axis, Ints]:
    """Return the axis of a parameter and the index on it of each row's value."""
    seen = {_key(value): plain_value(value) for value in column}
    declared = {} if parameter.is_continuous else {_key(value): value for value in parameter.values}
    known = {**seen, **declared}
    is_numeric = bool(known) and all(_is_number(value) for value in known.values())
    # Declared ones first and in their order; what a frame has beside them follows by its text.
    texts = [*declared, *sorted(key for key in seen if key not in declared)]
    if is_numeric:
        texts.sort(key=lambda text: float(known[text]))
    number = {text: index for index, text in enumerate(texts)}
    codes = np.array([number[_key(value)] for value in column], dtype=np.int64)
    return Axis(parameter, tuple(known[text] for text in texts), is_numeric), codes


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: Any) -> str:
    """Return a text that is equal for equal values: 10 and 10.0 are, a list and its JSON text are."""
    value = plain_value(value)
    if _is_number(value):
        return repr(float(value))
    return value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
