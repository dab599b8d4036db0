"""Statements of the account's functions as LLVM code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import Any

from llvmlite import ir

from hookline.research.compiled.translating.expressions import Expressions
from hookline.research.compiled.translating.kinds import INT, TYPES, Callee, Value

__all__ = ["Statements"]


class Statements(Expressions):
    """Writes the code of one function."""

    def __init__(self, function: FunctionType, callees: Mapping[FunctionType, Callee]) -> None:
        super().__init__(function, callees)
        self._loops: list[tuple[ir.Block, ir.Block]] = []

    def write(self) -> None:
        lines, self._first_line = inspect.getsourcelines(self._function)
        (definition,) = ast.parse(textwrap.dedent("".join(lines))).body
        assert isinstance(definition, ast.FunctionDef)
        for argument, (name, kind) in zip(self._code.args, self._signature.params.items(), strict=True):
            self._put(definition, name, Value(kind, argument))
        self._statements(definition.body)
        if not self._to.block.is_terminated:
            if self._signature.returns:
                self._to.unreachable()
            else:
                self._to.ret_void()
        self._to.position_at_end(self._begin)
        self._to.branch(self._code.basic_blocks[1])

    def _statements(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.visit(node.value)

    def visit_Pass(self, _node: ast.Pass) -> None:
        """Write nothing."""

    def visit_Return(self, node: ast.Return) -> None:
        values = [] if node.value is None else self._values(node.value)
        kinds = self._signature.returns
        if len(values) != len(kinds):
            self._refuse(node, f"must return {len(kinds)} values")
        codes = [self._as(node, value, kind).code for value, kind in zip(values, kinds, strict=True)]
        if not codes:
            self._to.ret_void()
        elif len(codes) == 1:
            self._to.ret(codes[0])
        else:
            self._to.ret(self._struct(codes))

    def _struct(self, codes: Sequence[Any]) -> Any:
        struct: Any = ir.Constant(ir.LiteralStructType([code.type for code in codes]), ir.Undefined)
        for place, code in enumerate(codes):
            struct = self._to.insert_value(struct, code, place)
        return struct

    def visit_Assign(self, node: ast.Assign) -> None:
        (target,) = node.targets
        if isinstance(target, ast.Tuple):
            values = self._values(node.value)
            if len(values) != len(target.elts):
                self._refuse(node, f"has {len(values)} values for {len(target.elts)} names")
            for one, value in zip(target.elts, values, strict=True):
                self._assign(one, value)
        else:
            self._assign(target, self.visit(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._assign(node.target, self._binary(node, self._load(node.target), self.visit(node.value)))
            return
        place = self._place(node.target)
        before = Value(place.kind, self._to.load(place.code, typ=TYPES[place.kind]))
        after = self._as(node, self._binary(node, before, self.visit(node.value)), place.kind)
        self._to.store(after.code, place.code)

    def _assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._put(target, target.id, value)
        else:
            place = self._place(target)
            self._to.store(self._as(target, value, place.kind).code, place.code)

    def visit_If(self, node: ast.If) -> None:
        test = self._truth(node.test)
        then, otherwise, end = (self._to.append_basic_block(name) for name in ("then", "else", "end"))
        self._to.cbranch(test, then, otherwise)
        for block, body in ((then, node.body), (otherwise, node.orelse)):
            self._to.position_at_end(block)
            self._statements(body)
            if not self._to.block.is_terminated:
                self._to.branch(end)
        self._to.position_at_end(end)

    def visit_While(self, node: ast.While) -> None:
        test, body, end = (self._to.append_basic_block(name) for name in ("while", "do", "done"))
        self._to.branch(test)
        self._to.position_at_end(test)
        self._to.cbranch(self._truth(node.test), body, end)
        self._to.position_at_end(body)
        self._loop(node, test, end)
        self._to.position_at_end(end)

    def visit_For(self, node: ast.For) -> None:
        over = node.iter
        if isinstance(over, ast.Tuple):
            self._for_each(node, over.elts)
        elif isinstance(over, ast.Call) and self._meant(over.func) is range:
            self._for_range(node, over.args)
        else:
            self._refuse(over, "a loop must be one over a range or a tuple")

    def _for_each(self, node: ast.For, values: Sequence[ast.expr]) -> None:
        end = self._to.append_basic_block("done")
        for value in [self.visit(one) for one in values]:
            next_ = self._to.append_basic_block("each")
            self._assign(node.target, value)
            self._loop(node, next_, end)
            self._to.position_at_end(next_)
        self._to.branch(end)
        self._to.position_at_end(end)

    def _for_range(self, node: ast.For, limits: Sequence[ast.expr]) -> None:
        bounds = [self._as(node, self.visit(one), "int").code for one in limits]
        if len(bounds) > 2:
            self._refuse(node.iter, "a range must have no step")
        counter = self._variable(INT)
        self._to.store(bounds[0] if len(bounds) == 2 else ir.Constant(INT, 0), counter)
        test, body, step, end = (self._to.append_basic_block(one) for one in ("for", "do", "step", "done"))
        self._to.branch(test)
        self._to.position_at_end(test)
        now = self._to.load(counter, typ=INT)
        self._to.cbranch(self._to.icmp_signed("<", now, bounds[-1]), body, end)
        self._to.position_at_end(body)
        self._assign(node.target, Value("int", now))
        self._loop(node, step, end)
        self._to.position_at_end(step)
        self._to.store(self._to.add(self._to.load(counter, typ=INT), ir.Constant(INT, 1)), counter)
        self._to.branch(test)
        self._to.position_at_end(end)

    def _loop(self, node: ast.For | ast.While, again: ir.Block, end: ir.Block) -> None:
        if node.orelse:
            self._refuse(node, "a loop must have no else")
        self._loops.append((again, end))
        self._statements(node.body)
        self._loops.pop()
        if not self._to.block.is_terminated:
            self._to.branch(again)

    def visit_Continue(self, _node: ast.Continue) -> None:
        self._to.branch(self._loops[-1][0])

    def visit_Break(self, _node: ast.Break) -> None:
        self._to.branch(self._loops[-1][1])
