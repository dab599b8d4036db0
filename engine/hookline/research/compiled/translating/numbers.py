"""What Python's own functions of one number are in LLVM code."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from hookline.research.compiled.translating.kinds import FLOAT, INT, Value

__all__ = ["BUILTINS"]


def _intrinsic(to: ir.IRBuilder, name: str, code: Any) -> Any:
    return to.call(to.module.declare_intrinsic(f"llvm.{name}", [FLOAT]), [code])


def _infinite(to: ir.IRBuilder, code: Any) -> tuple[Any, Any]:
    return _intrinsic(to, "fabs", code), ir.Constant(FLOAT, math.inf)


def _whole(name: str) -> Callable[[ir.IRBuilder, Any], Value]:
    return lambda to, code: Value("int", to.fptosi(_intrinsic(to, name, code), INT))


BUILTINS: dict[Any, Callable[[ir.IRBuilder, Any], Value]] = {
    math.isnan: lambda to, code: Value("bool", to.fcmp_unordered("uno", code, code)),
    math.isinf: lambda to, code: Value("bool", to.fcmp_ordered("==", *_infinite(to, code))),
    math.isfinite: lambda to, code: Value("bool", to.fcmp_ordered("!=", *_infinite(to, code))),
    math.sqrt: lambda to, code: Value("float", _intrinsic(to, "sqrt", code)),
    math.floor: _whole("floor"),
    math.ceil: _whole("ceil"),
    round: _whole("rint"),  # half to even, as Python's
    int: _whole("trunc"),
    abs: lambda to, code: Value("float", _intrinsic(to, "fabs", code)),
    float: lambda _to, code: Value("float", code),
}
