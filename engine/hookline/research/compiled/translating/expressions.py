"""Expressions of the account's functions as LLVM code."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from llvmlite import ir

from hookline.research.compiled.translating.kinds import BIT, FLOAT, INT, ITEMS, NUMBERS, TYPES, Callee, Value
from hookline.research.compiled.translating.numbers import BUILTINS

__all__ = ["Expressions"]

_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("add", "fadd"),
    ast.Sub: ("sub", "fsub"),
    ast.Mult: ("mul", "fmul"),
}


class Expressions(ast.NodeVisitor):
    """Writes expressions into the code of one function.

    Args:
        function: The function whose code it is.
        callees: What it may call.
    """

    def __init__(self, function: FunctionType, callees: Mapping[FunctionType, Callee]) -> None:
        self._function = function
        self._callees = callees
        self._signature, self._code, _ = callees[function]
        self._variables: dict[str, Value] = {}
        self._first_line = 1
        self._begin = self._code.append_basic_block("begin")
        self._to = ir.IRBuilder(self._code.append_basic_block("body"))

    def generic_visit(self, node: ast.AST) -> NoReturn:
        self._refuse(node, f"{type(node).__name__} is not understood")

    def _refuse(self, node: ast.AST, why: str) -> NoReturn:
        line = self._first_line + getattr(node, "lineno", 1) - 1
        raise TypeError(f"{self._function.__module__}, line {line}: {ast.unparse(node)[:60]!r}: {why}")

    # -- names ---------------------------------------------------------------------------------------------------------

    def _variable(self, kind: ir.Type) -> Any:
        with self._to.goto_block(self._begin):
            return self._to.alloca(kind)

    def _put(self, node: ast.AST, name: str, value: Value) -> None:
        known = self._variables.get(name)
        if known is None:
            known = self._variables[name] = Value(value.kind, self._variable(TYPES[value.kind]))
        if known.kind != value.kind:
            self._refuse(node, f"{name} must stay a {known.kind}, becomes a {value.kind}")
        self._to.store(value.code, known.code)

    def _load(self, node: ast.Name) -> Value:
        if node.id not in self._variables:
            self._refuse(node, "nothing was assigned to it before")
        kind, place = self._variables[node.id]
        return Value(kind, self._to.load(place, typ=TYPES[kind]))

    def _place(self, node: ast.expr) -> Value:
        if not isinstance(node, ast.Subscript):
            self._refuse(node, "must be a name or an item of an array")
        array = self.visit(node.value)
        if array.kind not in ITEMS:
            self._refuse(node, f"must be an item of an array, was one of a {array.kind}")
        kind = ITEMS[array.kind]
        index = self._as(node, self.visit(node.slice), "int").code
        return Value(kind, self._to.gep(array.code, [index], source_etype=TYPES[kind]))

    def _meant(self, node: ast.expr) -> Any:
        """Return what a name outside of the function stands for."""
        if isinstance(node, ast.Attribute):
            owner = self._meant(node.value)
            if not isinstance(owner, ModuleType) or not hasattr(owner, node.attr):
                self._refuse(node, "must be something of a module")
            return getattr(owner, node.attr)
        if not isinstance(node, ast.Name) or node.id in self._variables:
            self._refuse(node, "must be a name of the module")
        names = self._function.__globals__
        if node.id not in names and not hasattr(builtins, node.id):
            self._refuse(node, "nothing has this name")
        return names.get(node.id, getattr(builtins, node.id, None))

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _values(self, node: ast.expr) -> list[Value]:
        """Return the values of a tuple or of a call that returns one, or the only value there is."""
        if isinstance(node, ast.Tuple):
            return [self.visit(one) for one in node.elts]
        value = self.visit(node)
        return value.code if value.kind == "tuple" else [value]

    def visit_Name(self, node: ast.Name) -> Value:
        if node.id in self._variables:
            return self._load(node)
        return self._constant(node, self._meant(node))

    def visit_Attribute(self, node: ast.Attribute) -> Value:
        return self._constant(node, self._meant(node))

    def visit_Constant(self, node: ast.Constant) -> Value:
        return self._constant(node, node.value)

    def _constant(self, node: ast.AST, value: Any) -> Value:
        kind = type(value).__name__
        if kind not in NUMBERS:
            self._refuse(node, f"must be a number, was {value!r}")
        return Value(kind, ir.Constant(TYPES[kind], value))

    def visit_Subscript(self, node: ast.Subscript) -> Value:
        kind, place = self._place(node)
        return Value(kind, self._to.load(place, typ=TYPES[kind]))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return Value("bool", self._to.not_(self._truth(node.operand)))
        value = self.visit(node.operand)
        if not isinstance(node.op, ast.USub) or value.kind not in ("int", "float"):
            self._refuse(node, "is not understood")
        return Value(value.kind, (self._to.neg if value.kind == "int" else self._to.fneg)(value.code))

    def visit_BinOp(self, node: ast.BinOp) -> Value:
        return self._binary(node, self.visit(node.left), self.visit(node.right))

    def _binary(self, node: ast.BinOp | ast.AugAssign, left: Value, right: Value) -> Value:
        kind = "float" if isinstance(node.op, ast.Div) else self._wider(node, "int", left.kind, right.kind)
        a, b = self._as(node, left, kind).code, self._as(node, right, kind).code
        if isinstance(node.op, ast.Div):
            return Value(kind, self._to.fdiv(a, b))
        if isinstance(node.op, ast.FloorDiv | ast.Mod) and kind == "int":
            return Value(kind, self._floor_division(a, b)[isinstance(node.op, ast.Mod)])
        if type(node.op) not in _ARITHMETIC:
            self._refuse(node, "is not understood")
        return Value(kind, getattr(self._to, _ARITHMETIC[type(node.op)][kind == "float"])(a, b))

    def _floor_division(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Return quotient and remainder of ints, the remainder with the sign of the divisor."""
        to, zero = self._to, ir.Constant(INT, 0)
        quotient, rest = to.sdiv(a, b), to.srem(a, b)
        is_off = to.and_(to.icmp_signed("!=", rest, zero), to.icmp_signed("<", to.xor(rest, b), zero))
        return to.sub(quotient, to.zext(is_off, INT)), to.add(rest, to.select(is_off, b, zero))

    def visit_BoolOp(self, node: ast.BoolOp) -> Value:
        end, ends_if = self._to.append_basic_block("known"), isinstance(node.op, ast.Or)
        known = []
        for one in node.values[:-1]:
            test = self._truth(one)
            known.append((ir.Constant(BIT, ends_if), self._to.block))
            next_ = self._to.append_basic_block("next")
            self._to.cbranch(test, *((end, next_) if ends_if else (next_, end)))
            self._to.position_at_end(next_)
        known.append((self._truth(node.values[-1]), self._to.block))
        self._to.branch(end)
        self._to.position_at_end(end)
        return self._joined("bool", known)

    def visit_IfExp(self, node: ast.IfExp) -> Value:
        test = self._truth(node.test)
        blocks = [self._to.append_basic_block(name) for name in ("if", "else", "either")]
        self._to.cbranch(test, blocks[0], blocks[1])
        values, ends = [], []
        for block, one in zip(blocks, (node.body, node.orelse), strict=False):
            self._to.position_at_end(block)
            values.append(self.visit(one))
            ends.append(self._to.block)
        kind = self._wider(node, *(value.kind for value in values))
        known = []
        for value, end in zip(values, ends, strict=True):
            self._to.position_at_end(end)
            known.append((self._as(node, value, kind).code, end))
            self._to.branch(blocks[2])
        self._to.position_at_end(blocks[2])
        return self._joined(kind, known)

    def _joined(self, kind: str, known: Sequence[tuple[Any, ir.Block]]) -> Value:
        phi = self._to.phi(TYPES[kind])
        for code, block in known:
            phi.add_incoming(code, block)
        return Value(kind, phi)

    def visit_Compare(self, node: ast.Compare) -> Value:
        values = [self.visit(one) for one in (node.left, *node.comparators)]
        found = None
        for left, comparison, right in zip(values, node.ops, values[1:], strict=False):
            if type(comparison) not in _COMPARISONS:
                self._refuse(node, "is not understood")
            test = self._compared(node, _COMPARISONS[type(comparison)], left, right)
            found = test if found is None else self._to.and_(found, test)
        return Value("bool", found)

    def _compared(self, node: ast.AST, sign: str, left: Value, right: Value) -> Any:
        kind = self._wider(node, "int", left.kind, right.kind)
        a, b = self._as(node, left, kind).code, self._as(node, right, kind).code
        if kind == "int":
            return self._to.icmp_signed(sign, a, b)
        # NaN is unequal to everything, and neither above nor below anything.
        return (self._to.fcmp_unordered if sign == "!=" else self._to.fcmp_ordered)(sign, a, b)

    def _truth(self, node: ast.expr) -> Any:
        value = self.visit(node)
        if value.kind != "bool":
            self._refuse(node, f"must be a comparison or a bool, was a {value.kind}")
        return value.code

    # -- kinds ---------------------------------------------------------------------------------------------------------

    def _wider(self, node: ast.AST, *kinds: str) -> str:
        for kind in kinds:
            if kind not in NUMBERS:
                self._refuse(node, f"must be made of numbers, was made of a {kind}")
        return max(kinds, key=NUMBERS.index)

    def _as(self, node: ast.AST, value: Value, kind: str) -> Value:
        """Return a value as one of another kind that holds it."""
        if value.kind == kind:
            return value
        if kind not in NUMBERS or self._wider(node, value.kind, kind) != kind:
            self._refuse(node, f"must be a {kind}, was a {value.kind}")
        if kind == "int":
            return Value(kind, self._to.zext(value.code, INT))
        return Value(kind, (self._to.uitofp if value.kind == "bool" else self._to.sitofp)(value.code, FLOAT))

    # -- calls ---------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> Value:
        called = self._meant(node.func)
        if node.keywords:
            self._refuse(node, "arguments must be given by place")
        values = [self.visit(one) for one in node.args]
        if called in self._callees:
            return self._called(node, self._callees[called], values)
        if called in (min, max):
            return self._extreme(node, "<" if called is min else ">", values)
        if called not in BUILTINS or len(values) != 1:
            self._refuse(node, "is not understood")
        if called is abs and values[0].kind == "int":
            code = values[0].code
            is_below = self._to.icmp_signed("<", code, ir.Constant(INT, 0))
            return Value("int", self._to.select(is_below, self._to.neg(code), code))
        if called is int and values[0].kind != "float":
            return self._as(node, values[0], "int")
        return BUILTINS[called](self._to, self._as(node, values[0], "float").code)

    def _called(self, node: ast.Call, callee: Callee, values: list[Value]) -> Value:
        kinds, returns = tuple(callee.signature.params.values()), callee.signature.returns
        missing = len(kinds) - len(values)
        if missing < 0 or missing > len(callee.defaults):
            self._refuse(node, f"takes {len(kinds)} arguments, was given {len(values)}")
        if missing:
            values = [*values, *(self._constant(node, one) for one in callee.defaults[-missing:])]
        codes = [self._as(node, value, kind).code for value, kind in zip(values, kinds, strict=True)]
        found = self._to.call(callee.code, codes)
        if len(returns) < 2:
            return Value(returns[0] if returns else "None", found)
        parts = [Value(kind, self._to.extract_value(found, place)) for place, kind in enumerate(returns)]
        return Value("tuple", parts)

    def _extreme(self, node: ast.Call, sign: str, values: list[Value]) -> Value:
        """Return the smallest or the largest; as in Python, the first one stays where a comparison does not hold."""
        kind = self._wider(node, *(value.kind for value in values))
        best, *others = (self._as(node, value, kind) for value in values)
        for other in others:
            best = Value(
                kind, self._to.select(self._compared(node, sign, other, best), other.code, best.code)
            )
        return best
