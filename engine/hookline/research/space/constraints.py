"""Rules between parameters, such as ``fast < slow``: comparisons, arithmetic, and, or, not; nothing else is understood.

A parameter is named by its label, or by its whole address where two have one label.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hookline.errors import ConfigError
from hookline.problems import did_you_mean
from hookline.research.table import Parameter

__all__ = ["Constraint", "parse_constraint"]

Values = Mapping[str, Any]
_Part = Callable[[Values], Any]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_CONSTANTS = {"true": True, "false": False, "null": None}


class Constraint:
    """A rule that values by address keep or break."""

    def __init__(self, text: str, part: _Part) -> None:
        self.text = text
        self._part = part

    def holds(self, values: Values) -> bool:
        """Return whether values, by address, keep the rule.

        Raises:
            ConfigError: if the rule has no meaning for them.
        """
        try:
            return bool(self._part(values))
        except (TypeError, ZeroDivisionError) as error:
            found = ", ".join(f"{address}={value!r}" for address, value in values.items())
            raise ConfigError(f"constraint {self.text!r}: has no meaning for {found}: {error}") from error


def parse_constraint(text: str, parameters: Sequence[Parameter]) -> Constraint:
    """Return the rule that a text states.

    Raises:
        ConfigError: if it is no comparison, or names something that does not vary.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise _refusal(text) from error
    while isinstance(tree, ast.Expr):
        tree = tree.value
    if not _is_test(tree):
        raise _refusal(text)
    return Constraint(text, _Reader(text, parameters).read(tree))


def _is_test(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_is_test(part) for part in node.values)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    return isinstance(node, ast.Compare | ast.Name | ast.Attribute)


def _refusal(text: str, what: str = "") -> ConfigError:
    found = f", was {what!r}" if what else ""
    return ConfigError(
        f"constraint {text!r}: must compare parameters, such as 'fast < slow' or 'slow >= 2 * fast and fast != 7'{found}"
    )


class _Reader:
    """Turns a syntax tree into functions of values."""

    def __init__(self, text: str, parameters: Sequence[Parameter]) -> None:
        self._text = text
        self._parameters = parameters

    def read(self, node: ast.expr) -> _Part:
        if isinstance(node, ast.BoolOp):
            return self._choice(node)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right, join = self.read(node.left), self.read(node.right), _ARITHMETIC[type(node.op)]
            return lambda values: join(left(values), right(values))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
            inner, sign = self.read(node.operand), _SIGNS[type(node.op)]
            return lambda values: sign(inner(values))
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str | None):
            constant = node.value
            return lambda _: constant
        if isinstance(node, ast.Name) and node.id in _CONSTANTS:
            word = _CONSTANTS[node.id]
            return lambda _: word
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            address = self._address(ast.unparse(node))
            return lambda values: values[address]
        raise _refusal(self._text, ast.unparse(node))

    def _choice(self, node: ast.BoolOp) -> _Part:
        parts = [self.read(part) for part in node.values]
        decide = all if isinstance(node.op, ast.And) else any
        return lambda values: decide(part(values) for part in parts)

    def _comparison(self, node: ast.Compare) -> _Part:
        parts = [self.read(part) for part in (node.left, *node.comparators)]
        if any(type(each) not in _COMPARISONS for each in node.ops):
            raise _refusal(self._text, ast.unparse(node))
        tests = [_COMPARISONS[type(each)] for each in node.ops]

        def holds(values: Values) -> bool:
            found = [part(values) for part in parts]
            return all(test(a, b) for test, a, b in zip(tests, found, found[1:], strict=False))

        return holds

    def _address(self, name: str) -> str:
        """Return the address of the parameter that is called so.

        Raises:
            ConfigError: if there is none, or more than one.
        """
        found = [one.address for one in self._parameters if name in {one.address, one.label}]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(
                f"constraint {self._text!r}: {name!r} may be {' or '.join(found)}; write the whole address"
            )
        labels = [one.label for one in self._parameters]
        hint = did_you_mean(name, labels) or f"; there are {', '.join(labels)}"
        raise ConfigError(f"constraint {self._text!r}: nothing that varies is called {name!r}{hint}")
