"""The batch driver: columns over whole arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hookline.columns.column import Call, Column, External, Field, Held, Node
from hookline.columns.external_series import ExternalSeries, require_external
from hookline.columns.lanes import Lane, as_of, base_lane, higher_lane
from hookline.columns.loops import run_op
from hookline.columns.plan import nodes_in_order, reads, symbol_of
from hookline.model import BarSeries, Timeframe

__all__ = ["Batch"]

Floats = NDArray[np.float64]


class Batch:
    """Computes columns over a series of bars, each node once.

    Args:
        series: Bars of the base timeframe.
        external: External series by name.
    """

    def __init__(self, series: BarSeries, external: Mapping[str, ExternalSeries] | None = None) -> None:
        self.series = series
        self.external = dict(external or {})
        self._lanes: dict[Timeframe | None, Lane] = {None: base_lane(series)}
        self._known: dict[bytes, tuple[Floats, ...]] = {}

    def compute(self, columns: Sequence[Column], *, keep: bool = True) -> list[Floats]:
        """Return the values of columns, one float64 array of the series' length for each.

        The arrays may be shared with the batch and with the series: do not write to them.

        Args:
            columns: What to compute. Columns of a higher timeframe are held until its next bar closes.
            keep: Whether to remember every value that was computed, intermediate ones too, so that later calls
                reuse them. Without it, an intermediate array is released as soon as nothing in this call needs it.

        Raises:
            ValueError: if a column belongs to another symbol.
            ConfigError: if an external series is missing or a timeframe is no multiple of the series' own.
        """
        symbol_of(columns, self.series.symbol)
        nodes = nodes_in_order(columns, self._known)
        require_external(nodes, self.external)
        values = self._known if keep else dict(self._known)
        uses = Counter(read.key for node in nodes for read in reads(node))
        uses.update(column.node.key for column in columns)
        for node in nodes:
            values[node.key] = self._evaluate(node, values)
            if not keep:
                _release(node, values, uses)
        return [self._on_base(column, values) for column in columns]

    def forget(self) -> None:
        """Release everything remembered from earlier calls."""
        self._known.clear()

    def _evaluate(self, node: Node, values: Mapping[bytes, tuple[Floats, ...]]) -> tuple[Floats, ...]:
        if isinstance(node, Call):
            return self._call(node, values)
        if isinstance(node, Held):
            source = node.column
            return (self._lane(source.timeframe).hold(values[source.node.key][source.output]),)
        lane = self._lane(node.timeframe)
        if isinstance(node, External):
            return (as_of(self.external[node.name], lane.end),)
        assert isinstance(node, Field)
        return (lane.field(node.name),)

    def _call(self, node: Call, values: Mapping[bytes, tuple[Floats, ...]]) -> tuple[Floats, ...]:
        size = len(self._lane(node.timeframe))
        out = tuple(np.empty(size) for _ in node.op.outputs)
        inputs = [
            values[value.node.key][value.output] if isinstance(value, Column) else value
            for value in node.inputs
        ]
        run_op(node.op, out, inputs, node.params)
        return out

    def _on_base(self, column: Column, values: Mapping[bytes, tuple[Floats, ...]]) -> Floats:
        return self._lane(column.timeframe).hold(values[column.node.key][column.output])

    def _lane(self, timeframe: Timeframe | None) -> Lane:
        if timeframe not in self._lanes:
            assert timeframe is not None
            self._lanes[timeframe] = higher_lane(self.series, timeframe)
        return self._lanes[timeframe]


def _release(node: Node, values: dict[bytes, tuple[Floats, ...]], uses: Counter[bytes]) -> None:
    """Drop what the node read and nothing will read again."""
    for read in reads(node):
        uses[read.key] -= 1
        if uses[read.key] == 0:
            del values[read.key]
