"""Kinds of values that translated functions have: numbers, arrays of them, and functions."""

from __future__ import annotations

from types import FunctionType
from typing import Any, NamedTuple

from llvmlite import ir

__all__ = ["BIT", "FLOAT", "INT", "ITEMS", "NUMBERS", "TYPES", "Callee", "Signature", "Value"]

BIT, INT, FLOAT, ARRAY = ir.IntType(1), ir.IntType(64), ir.DoubleType(), ir.PointerType()
TYPES = {"bool": BIT, "int": INT, "float": FLOAT, "Floats": ARRAY, "Ints": ARRAY}
ITEMS = {"Floats": "float", "Ints": "int"}
NUMBERS = ("bool", "int", "float")  # each can become the next


class Value(NamedTuple):
    """A number or an array in the code; of kind ``tuple`` a list of them."""

    kind: str
    code: Any


class Signature(NamedTuple):
    """What a function takes and returns."""

    params: dict[str, str]
    returns: tuple[str, ...]

    @classmethod
    def of(cls, function: FunctionType) -> Signature:
        kinds = {name: str(getattr(one, "__name__", one)) for name, one in function.__annotations__.items()}
        returned = kinds.pop("return", "")
        inner = returned.removeprefix("tuple[").removesuffix("]")
        returns = () if returned == "None" else tuple(part.strip() for part in inner.split(","))
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        if tuple(kinds) != names or not {*kinds.values(), *returns} <= TYPES.keys():
            raise TypeError(
                f"{function.__module__}.{function.__qualname__}: its annotations must be those of numbers and arrays"
            )
        return cls(kinds, returns)

    @property
    def type(self) -> ir.FunctionType:
        results = [TYPES[kind] for kind in self.returns]
        result: ir.Type = ir.VoidType()
        if results:
            result = results[0] if len(results) == 1 else ir.LiteralStructType(results)
        return ir.FunctionType(result, [TYPES[kind] for kind in self.params.values()])


class Callee(NamedTuple):
    """A function that may be called: its code, and the values of its last parameters where none are given."""

    signature: Signature
    code: ir.Function
    defaults: tuple[Any, ...]
