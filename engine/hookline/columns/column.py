"""Columns: immutable expressions over bars. Building one computes nothing; a driver does, on arrays or bar by bar.

Rules of this file:

- Equal expressions are equal and hash alike, also across processes, so that drivers compute each of them once.
  ``==`` is therefore structural; to compare values there is :func:`hookline.columns.equals`.
- A column belongs to one symbol and to one timeframe. Joining two symbols is an error. Joining two timeframes
  lifts what is not on the base timeframe to it: the value of the last closed bar is held.
- Only the past can be named: a shift is never negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from numbers import Integral, Real
from typing import ClassVar

from hookline.columns import operators
from hookline.columns.op import Op
from hookline.model import Timeframe

__all__ = ["Call", "Column", "External", "Field", "Held", "Node", "Number", "apply", "apply_all"]

Number = int | float
_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "greater": ">",
    "greater_equal": ">=",
    "less": "<",
    "less_equal": "<=",
    "both": "&",
    "either": "|",
}
_PREFIX = {"negate": "-", "negation": "~"}


@dataclass(frozen=True, eq=False)
class Node:
    """What a driver computes once: a field of the bars, an external series, a call of an op, a held column.

    ``symbol`` is None where any symbol will do; ``timeframe`` is None on the base timeframe.
    """

    key: bytes = field(init=False, repr=False)
    symbol: str | None = field(init=False, default=None)
    timeframe: Timeframe | None = field(init=False, default=None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.key == other.key

    def __hash__(self) -> int:
        return int.from_bytes(self.key[:8], "little")

    def _settle(self, symbol: str | None, timeframe: Timeframe | None, *parts: object) -> None:
        text = repr((type(self).__name__, symbol, timeframe, *parts))
        object.__setattr__(self, "symbol", symbol)
        object.__setattr__(self, "timeframe", timeframe)
        object.__setattr__(self, "key", blake2b(text.encode(), digest_size=16).digest())


@dataclass(frozen=True, eq=False)
class Field(Node):
    """One of open, high, low, close, volume and time of the bars."""

    name: str
    of: str
    at: Timeframe | None

    def __post_init__(self) -> None:
        self._settle(self.of, self.at, self.name)


@dataclass(frozen=True, eq=False)
class External(Node):
    """The last value of an external series that was known when the bar ended."""

    name: str
    at: Timeframe | None

    def __post_init__(self) -> None:
        self._settle(None, self.at, self.name)


@dataclass(frozen=True, eq=False)
class Held(Node):
    """A column of a higher timeframe seen from the base timeframe."""

    column: Column

    def __post_init__(self) -> None:
        self._settle(self.column.symbol, None, self.column.key)


@dataclass(frozen=True, eq=False)
class Call(Node):
    """An op applied to columns and numbers."""

    op: Op
    inputs: tuple[Column | float, ...]
    params: tuple[Number, ...]

    def __post_init__(self) -> None:
        columns = [value for value in self.inputs if isinstance(value, Column)]
        symbols = dict.fromkeys(column.symbol for column in columns if column.symbol is not None)
        # hex tells apart 0.0 and -0.0, and makes NaN equal to itself.
        inputs = [value.key if isinstance(value, Column) else float.hex(value) for value in self.inputs]
        symbol = next(iter(symbols), None)
        self._settle(symbol, columns[0].timeframe, self.op.key, inputs, self.params)


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Column:
    """One column of values, one for each bar: a node and which of its outputs."""

    node: Node
    output: int = 0
    is_flag: bool = False

    # Makes numpy numbers on the left of an operator leave the work to the column.
    __array_ufunc__: ClassVar[None] = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | float):
            raise TypeError(f"== compares expressions; to compare values use equals({self!r}, {other!r})")
        return isinstance(other, Column) and self.node.key == other.node.key and self.output == other.output

    def __hash__(self) -> int:
        return hash(self.node) + self.output

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} has a value for each bar and is neither true nor false; use & | ~ for and, or, not"
        )

    def __repr__(self) -> str:
        return describe(self)

    @property
    def key(self) -> bytes:
        """Digest of the expression, the same in every process."""
        return self.node.key + self.output.to_bytes(1, "little")

    @property
    def symbol(self) -> str | None:
        """Symbol of the bars, None if the column reads none."""
        return self.node.symbol

    @property
    def timeframe(self) -> Timeframe | None:
        """Timeframe of the bars, None for the base timeframe."""
        return self.node.timeframe

    def shift(self, n: int) -> Column:
        """Return the column as it was n bars of its timeframe ago.

        Raises:
            ValueError: if n is negative: look-ahead cannot be expressed.
        """
        if isinstance(n, bool) or not isinstance(n, Integral):
            raise TypeError(f"shift: n must be a whole number of bars, was {n!r}")
        if n < 0:
            raise ValueError(f"shift: n must be 0 or more, was {n!r}; look-ahead cannot be expressed")
        return apply(operators.SHIFT, self, params=(int(n),), is_flag=self.is_flag) if n else self

    def __add__(self, other: Column | Number) -> Column:
        return apply(operators.ADD, self, other)

    def __radd__(self, other: Number) -> Column:
        return apply(operators.ADD, other, self)

    def __sub__(self, other: Column | Number) -> Column:
        return apply(operators.SUBTRACT, self, other)

    def __rsub__(self, other: Number) -> Column:
        return apply(operators.SUBTRACT, other, self)

    def __mul__(self, other: Column | Number) -> Column:
        return apply(operators.MULTIPLY, self, other)

    def __rmul__(self, other: Number) -> Column:
        return apply(operators.MULTIPLY, other, self)

    def __truediv__(self, other: Column | Number) -> Column:
        return apply(operators.DIVIDE, self, other)

    def __rtruediv__(self, other: Number) -> Column:
        return apply(operators.DIVIDE, other, self)

    def __neg__(self) -> Column:
        return apply(operators.NEGATE, self)

    def __abs__(self) -> Column:
        return apply(operators.ABSOLUTE, self)

    def __gt__(self, other: Column | Number) -> Column:
        return apply(operators.GREATER, self, other)

    def __ge__(self, other: Column | Number) -> Column:
        return apply(operators.GREATER_EQUAL, self, other)

    def __lt__(self, other: Column | Number) -> Column:
        return apply(operators.LESS, self, other)

    def __le__(self, other: Column | Number) -> Column:
        return apply(operators.LESS_EQUAL, self, other)

    def __and__(self, other: Column) -> Column:
        return apply(operators.AND, _flag(self), _flag(other))

    def __or__(self, other: Column) -> Column:
        return apply(operators.OR, _flag(self), _flag(other))

    def __invert__(self) -> Column:
        return apply(operators.NOT, _flag(self))


def apply(
    op: Op, *inputs: Column | Number, params: Sequence[Number] = (), is_flag: bool | None = None
) -> Column:
    """Return the column of an op with one output, or the first of several.

    Args:
        op: What to compute.
        inputs: Columns and numbers, at least one column, in the order of the step's inputs.
        params: Ints and floats, in the order of the step's parameters.
        is_flag: Whether the values are 1.0 or 0.0, if the op itself does not say so.

    Raises:
        TypeError: if an input is neither column nor number, or none is a column.
        ValueError: if the inputs belong to different symbols.
    """
    node = _call(op, inputs, params)
    return Column(node, 0, op.outputs[0] in op.flags if is_flag is None else is_flag)


def apply_all(op: Op, *inputs: Column | Number, params: Sequence[Number] = ()) -> tuple[Column, ...]:
    """Return the columns of all outputs of an op; they share one node. Arguments as for :func:`apply`."""
    node = _call(op, inputs, params)
    return tuple(Column(node, index, name in op.flags) for index, name in enumerate(op.outputs))


def _call(op: Op, inputs: Sequence[Column | Number], params: Sequence[Number]) -> Call:
    values = [_input(op, value) for value in inputs]
    columns = [value for value in values if isinstance(value, Column)]
    if not columns:
        raise TypeError(f"{op.name}: at least one input must be a column, was {tuple(inputs)!r}")
    symbols = list(dict.fromkeys(column.symbol for column in columns if column.symbol is not None))
    if len(symbols) > 1:
        raise ValueError(f"{op.name}: a column belongs to one symbol, was made of {symbols!r}")
    if len({column.timeframe for column in columns}) > 1:
        values = [held(value) if isinstance(value, Column) else value for value in values]
    return Call(op, tuple(values), tuple(_param(op, value) for value in params))


def held(column: Column) -> Column:
    """Return the column on the base timeframe."""
    return column if column.timeframe is None else Column(Held(column), 0, column.is_flag)


def _input(op: Op, value: Column | Number) -> Column | float:
    if isinstance(value, Column):
        return value
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{op.name}: an input must be a column or a number, was {value!r}")


def _param(op: Op, value: Number) -> Number:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    raise TypeError(f"{op.name}: a parameter must be an int or a float, was {value!r}")


def _flag(column: Column) -> Column:
    if not isinstance(column, Column) or not column.is_flag:
        raise TypeError(f"& | ~ join flags such as comparisons, was {column!r}")
    return column


def describe(column: Column) -> str:
    """Return a column as text, close to the code that made it."""
    node = column.node
    if isinstance(node, Held):
        return describe(node.column)
    if isinstance(node, Call):
        return _describe_call(node, column.output)
    at = f"@{node.timeframe}" if node.timeframe else ""
    if isinstance(node, External):
        return f"external({node.name!r}){at}"
    assert isinstance(node, Field)
    return f"{node.of}.{node.name}{at}" if node.of else node.name + at


def _describe_call(node: Call, output: int) -> str:
    name = node.op.name
    inputs = [describe(value) if isinstance(value, Column) else f"{value:g}" for value in node.inputs]
    if name in _INFIX:
        return f"({inputs[0]} {_INFIX[name]} {inputs[1]})"
    if name in _PREFIX:
        return f"{_PREFIX[name]}{inputs[0]}"
    text = f"{name}({', '.join([*inputs, *map(repr, node.params)])})"
    return text if node.op.is_single else f"{text}.{node.op.outputs[output]}"
