"""The columns of one strategy cut into what is computed once and what is computed on every bar of every run.

Rules of this file:

- A node that no parameter of the strategy changes is computed once, over the whole series, and read as an array (a *leaf*). So are
  fields, external series, and whatever lives on a higher timeframe.
- All other nodes are *steps* inside the loop. Their parameters, constants and start states are numbers in arrays, a row for each run,
  so that graphs of one shape share one kernel whatever the values are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.columns import Bars, Column, Op
from hookline.columns.column import Call, External, Field, Held, Node
from hookline.columns.plan import nodes_in_order
from hookline.model import BarSeries
from hookline.research.compiled.refusing import NotCompilable
from hookline.signals import SignalStrategy, check_columns

__all__ = ["Graph", "Ref", "Step", "constant_nodes", "graph_of"]

_HIGHER = (External, Field, Held)


class Ref(NamedTuple):
    """Where a value comes from: a price of the ``bar``, a ``leaf``, a ``number``, or an output of a ``step``."""

    kind: str
    place: int
    output: int = 0


class Step(NamedTuple):
    """An op inside the loop: where its inputs come from, the kinds of its parameters and of the parts of its state."""

    op: Op
    inputs: tuple[Ref, ...]
    params: tuple[type, ...]
    state: tuple[type, ...]


@dataclass
class Graph:
    """The columns of one strategy.

    ``shape`` is the same for graphs that one kernel computes; ``floats`` and ``ints`` are the numbers of this one, in the order in which
    the kernel reads them, and ``rings`` its arrays; an array takes two ints, where it begins and its length.
    """

    steps: list[Step] = field(default_factory=list)
    leaves: list[Column] = field(default_factory=list)
    outputs: dict[str, Ref] = field(default_factory=dict)
    floats: list[float] = field(default_factory=list)
    ints: list[int] = field(default_factory=list)
    rings: list[NDArray[np.float64]] = field(default_factory=list)

    @property
    def shape(self) -> tuple[Any, ...]:
        """What decides on the code of the kernel."""
        steps = tuple((one.op.key, one.inputs, one.params, one.state) for one in self.steps)
        return steps, len(self.leaves), tuple(self.outputs.items())


def columns_of(strategy: SignalStrategy, symbol: str) -> dict[str, Column]:
    """Return what a strategy's decision reads."""
    return check_columns(strategy.columns(Bars(symbol)))


def constant_nodes(strategy: SignalStrategy, symbol: str) -> frozenset[bytes]:
    """Return the keys of the nodes that stay the same when a parameter of the strategy changes.

    Found by changing each number by a little. Where that breaks a rule of the strategy, the other way is tried, then the parameter is
    taken to change nothing: that costs speed, never correctness, because every run reads the leaves of its own columns.
    """
    keys = _keys(strategy, symbol)
    for one in fields(strategy):  # type: ignore[arg-type]
        value = getattr(strategy, one.name)
        if one.init and isinstance(value, int | float) and not isinstance(value, bool):
            step = 1 if isinstance(value, int) else 0.0078125 * (abs(value) or 1.0)
            keys &= _changed_keys(strategy, symbol, one.name, (value + step, value - step)) or keys
    return frozenset(keys)


def _changed_keys(strategy: SignalStrategy, symbol: str, name: str, values: Sequence[float]) -> set[bytes]:
    for value in values:
        try:
            return _keys(replace(strategy, **{name: value}), symbol)  # type: ignore[type-var]
        # Whatever a strategy has against a value that nobody asked for.
        except Exception:  # noqa: BLE001, S112
            continue
    return set()


def _keys(strategy: SignalStrategy, symbol: str) -> set[bytes]:
    return {node.key for node in nodes_in_order(columns_of(strategy, symbol).values())}


def graph_of(columns: dict[str, Column], constant: Collection[bytes]) -> Graph:
    """Return columns as a graph; nodes whose keys are constant are leaves.

    Raises:
        NotCompilable: if the start state of an op is not what a loop can hold.
    """
    graph = Graph()
    is_leaf = {
        node.key
        for node in nodes_in_order(columns.values())
        if node.key in constant or isinstance(node, _HIGHER)
    }
    numbers: dict[bytes, int] = {}
    for node in _inside(columns.values(), is_leaf):
        numbers[node.key] = len(graph.steps)
        graph.steps.append(_step(graph, node, numbers))
    for name, column in columns.items():
        graph.outputs[name] = _ref(graph, column, numbers)
    return graph


def _inside(columns: Collection[Column], is_leaf: set[bytes]) -> list[Call]:
    """Return the nodes that are computed in the loop, inputs first."""
    found = nodes_in_order(columns, is_leaf)
    assert all(isinstance(node, Call) for node in found), "all others are leaves"
    return found  # type: ignore[return-value]


def _step(graph: Graph, node: Call, numbers: dict[bytes, int]) -> Step:
    inputs = tuple(_ref(graph, value, numbers) for value in node.inputs)
    for value in node.params:
        _put(graph, value)
    state = node.op.init(*node.params)
    return Step(
        node.op,
        inputs,
        tuple(type(one) for one in node.params),
        tuple(_state(graph, node.op, one) for one in state),
    )


def _ref(graph: Graph, value: Column | float, numbers: dict[bytes, int]) -> Ref:
    if not isinstance(value, Column):
        graph.floats.append(value)
        return Ref("number", len(graph.floats) - 1)
    if value.node.key in numbers:
        return Ref("step", numbers[value.node.key], value.output)
    if _is_price(value.node):
        return Ref("bar", BarSeries.PRICES.index(value.node.name))  # type: ignore[attr-defined]
    if value not in graph.leaves:
        graph.leaves.append(value)
    return Ref("leaf", graph.leaves.index(value))


def _put(graph: Graph, value: float) -> None:
    if isinstance(value, int):
        graph.ints.append(value)
    else:
        graph.floats.append(value)


def _state(graph: Graph, op: Op, part: object) -> type:
    if isinstance(part, np.ndarray) and part.ndim == 1 and part.dtype == np.float64:
        graph.ints += [0, len(part)]
        graph.rings.append(part)
        return np.ndarray
    if isinstance(part, bool) or not isinstance(part, int | float):
        raise NotCompilable(
            f"op {op.name}: init must return ints, floats and 1-D float64 arrays, was {part!r}"
        )
    _put(graph, part)
    return type(part)


def _is_price(node: Node) -> bool:
    return isinstance(node, Field) and node.timeframe is None and node.name in BarSeries.PRICES
