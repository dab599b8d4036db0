"""Functions and all that they call as one module of LLVM code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from llvmlite import ir

from hookline.columns.fingerprint import reached_functions
from hookline.research.compiled.translating.kinds import ITEMS, Callee, Signature
from hookline.research.compiled.translating.statements import Statements

__all__ = ["translate"]


def translate(entries: Mapping[str, Callable[..., Any]]) -> str:
    """Return the LLVM code of a module with functions and all that they call.

    Args:
        entries: Functions that can be called from outside, by the names under which they are found there.

    Raises:
        TypeError: if one of them does what is not understood.
    """
    module = ir.Module("account")
    callees: dict[FunctionType, Callee] = {}
    names: dict[Callable[..., Any], str] = {function: name for name, function in entries.items()}
    for number, function in enumerate(reached_functions(*entries.values())):
        signature = Signature.of(function)
        code = ir.Function(module, signature.type, names.get(function, f"{function.__name__}.{number}"))
        code.linkage = "external" if function in names else "internal"
        code.attributes.add("nounwind")
        for argument, kind in zip(code.args, signature.params.values(), strict=True):
            if kind in ITEMS:
                argument.add_attribute("noalias")
        callees[function] = Callee(signature, code, function.__defaults__ or ())
    for function in callees:
        Statements(function, callees).write()
    return str(module)
