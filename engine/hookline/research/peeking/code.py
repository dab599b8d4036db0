"""What the code of a plugin reads besides what it is handed: globals of modules, attributes of classes, variables of functions around it.

Rules of this file:

- Code of Python, of this package and of libraries is not looked into: what they know of a market they are handed.
- Code is closed if all that it names is code or a few plain values, and it names nothing that opens files. What cannot be told is
  not closed.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import lru_cache
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from hookline.columns import Column
from hookline.columns.column import Call, External, Field, Held

__all__ = ["Global", "forget", "globals_of", "is_closed", "is_of_bars", "numbers_in"]

_SAFE = {"abc", "bisect", "builtins", "collections", "dataclasses", "datetime", "decimal", "enum", "functools", "heapq",
         "hookline", "itertools", "math", "numba", "numpy", "operator", "statistics", "typing"}  # fmt: skip
_OURS_THAT_READ = {"hookline.clock", "hookline.data", "hookline.research", "hookline.session"}
_READERS = {"DataSource", "__dict__", "__import__", "compile", "eval", "exec", "fromfile", "genfromtxt", "getattr", "globals",
            "import_module", "input", "load", "loads", "loadtxt", "memmap", "open", "open_memmap", "read_bytes", "read_file",
            "read_text", "sys", "vars"}  # fmt: skip
_Cached = type(lru_cache(int))  # what functools makes of a function that remembers what it returned
_MOST_MEMBERS = 20  # of a container that is no data
_MOST_NUMBERS = 100  # in a column that holds no table of them


class Global(NamedTuple):
    """Something that code reads and was not handed: where that is in words, its name, its value, and what holds it."""

    where: str
    name: str
    value: Any
    holder: Any

    def put(self, value: Any) -> None:
        """Put another value in its place; defaults of functions stay as they are."""
        if isinstance(self.holder, dict):
            self.holder[self.name] = value
        elif isinstance(self.holder, CellType):
            self.holder.cell_contents = value
        elif not isinstance(self.holder, FunctionType):
            setattr(self.holder, self.name, value)


def globals_of(*code: object) -> list[Global]:
    """Return what functions and classes, and those of theirs that they reach, read besides what they are handed; no code."""
    return [
        one
        for one in _Walk(code).found
        if not isinstance(_plain(one.value), ModuleType | FunctionType | type)
    ]


def forget(*code: object) -> None:
    """Let functions that remember what they returned forget it: what they return may depend on data that is changed."""
    for one in _Walk(code).cached:
        one.cache_clear()


def is_closed(*code: object) -> bool:
    """Whether functions and classes can know nothing but what they are handed."""
    walk = _Walk(code)
    return all(_is_harmless(one.value) for one in walk.found) and not any(map(_reads, walk.functions))


def is_of_bars(column: Column) -> bool:
    """Whether a column can know nothing but bars: no external series, no table of numbers, no op that reads a table of its own."""
    ops: set[object] = set()
    numbers: list[float] = []
    for node in _nodes(column):
        if isinstance(node, External):
            return False
        if isinstance(node, Call):
            numbers += [one for one in (*node.inputs, *node.params) if not isinstance(one, Column)]
            if node.op.step.__module__.partition(".")[0] != "hookline":
                ops |= {node.op.init, node.op.step}
    return len(numbers) <= _MOST_NUMBERS and is_closed(*ops)


def numbers_in(column: Column) -> list[float]:
    """Return the numbers that a column is made with."""
    calls = [node for node in _nodes(column) if isinstance(node, Call)]
    return [float(one) for node in calls for one in node.inputs if not isinstance(one, Column)]


def _nodes(column: Column) -> Iterator[Field | External | Held | Call]:
    seen, waiting = set(), [column]
    while waiting:
        node: Any = waiting.pop().node
        if node in seen:
            continue
        seen.add(node)
        yield node
        if isinstance(node, Held):
            waiting.append(node.column)
        elif isinstance(node, Call):
            waiting += [one for one in node.inputs if isinstance(one, Column)]


class _Walk:
    """Everything that some code reaches."""

    def __init__(self, code: tuple[object, ...]) -> None:
        self.functions: list[FunctionType] = []
        self.cached: list[Any] = []
        self._roots = {_top(one) for one in code}
        self._seen: set[int] = set()
        waiting, places = list(code), dict[tuple[int, str], Global]()
        while waiting:
            for one in self._of(_plain(waiting.pop())):
                value = _plain(one.value)
                if isinstance(value, FunctionType | type) and not self._is_foreign(value):
                    waiting.append(value)
                    self.cached += [one.value] if isinstance(one.value, _Cached) else []
                else:
                    places[id(one.holder), one.name] = one
        self.found = list(places.values())

    def _of(self, one: object) -> Iterator[Global]:
        if id(one) in self._seen:
            return
        self._seen.add(id(one))
        if isinstance(one, type):
            yield from _of_class(one)
        elif (
            isinstance(one, FunctionType) and one.__code__.co_filename != "<string>"
        ):  # what a dataclass makes
            self.functions.append(one)
            yield from _of_function(one)

    def _is_foreign(self, value: object) -> bool:
        top = _top(value)
        if top == "hookline" or top in sys.stdlib_module_names:
            return True
        file = getattr(sys.modules.get(getattr(value, "__module__", "") or ""), "__file__", "") or ""
        return top not in self._roots and "site-packages" in file


def _top(value: object) -> str:
    """Return the package in which code was written."""
    # A function that wraps another one says that it is of the other one's module.
    scope = value.__globals__ if isinstance(value, FunctionType) else {}
    return str(scope.get("__name__") or getattr(value, "__module__", None) or "").partition(".")[0]


def _plain(value: object) -> object:
    """Return the function in a compiled or remembering one, a property or a static or class method; anything else as it is."""
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "__func__", value) if isinstance(value, staticmethod | classmethod) else value
    if isinstance(value, _Cached):
        value = value.__wrapped__
    wrapped = getattr(value, "py_func", None) if not isinstance(value, type | Mapping) else None
    return wrapped if isinstance(wrapped, FunctionType) else value


def _of_class(cls: type) -> Iterator[Global]:
    fields = getattr(cls, "__dataclass_fields__", {})
    for base in cls.__bases__:
        yield Global(cls.__qualname__, "", base, cls)
    for name, value in vars(cls).items():
        is_code = isinstance(_plain(value), FunctionType | type)
        is_special = name.startswith("__") and name.endswith("__")
        # Special methods may have been made by Python for a dataclass, and other special attributes are its own.
        if is_special and (not isinstance(value, FunctionType) or _top(value) in sys.stdlib_module_names):
            continue
        if is_code or not (name in fields or name == "_abc_impl" or hasattr(type(value), "__get__")):
            yield Global(f"class {cls.__qualname__}", name, value, cls)


def _of_function(function: FunctionType) -> Iterator[Global]:
    names = list(dict.fromkeys(_names(function.__code__)))
    scope = function.__globals__
    for name in names:
        if name in scope:
            yield Global(f"module {function.__module__}", name, scope[name], scope)
            value = scope[name]
            if (
                isinstance(value, ModuleType)
                and value.__name__.partition(".")[0] not in sys.stdlib_module_names | _SAFE
            ):
                yield from _of_module(value, names)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__":
            yield Global(function.__qualname__, name, cell.cell_contents, cell)
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield Global(function.__qualname__, "a default", value, function)


def _of_module(module: ModuleType, names: list[str]) -> Iterator[Global]:
    if "site-packages" in (getattr(module, "__file__", None) or ""):
        return
    for name in names:
        if name in vars(module):
            yield Global(f"module {module.__name__}", name, vars(module)[name], vars(module))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_harmless(value: object) -> bool:
    """Whether a value is none from which much can be read: a plain one, a few of those, code or a module that opens nothing."""
    if isinstance(value, ModuleType):
        return _is_safe(value.__name__)
    value = _plain(value)
    if isinstance(value, FunctionType | BuiltinFunctionType | type | np.ufunc):
        return _is_safe(getattr(value, "__module__", None) or "builtins")
    if isinstance(value, Mapping):
        return len(value) <= _MOST_MEMBERS and all(map(_is_harmless, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return len(value) <= _MOST_MEMBERS and all(map(_is_harmless, value))
    return isinstance(value, bool | int | float | str | Enum | type(None)) or _is_op(value)


def _is_op(value: object) -> bool:
    from hookline.columns import Op

    return isinstance(value, Op) and is_closed(value.init, value.step)


def _is_safe(module: str) -> bool:
    parts = module.split(".")
    return parts[0] in _SAFE and ".".join(parts[:2]) not in _OURS_THAT_READ


def _reads(function: FunctionType) -> bool:
    """Whether a function names something that opens files, or imports what might."""
    return not _READERS.isdisjoint(_names(function.__code__)) or any(
        step.opname == "IMPORT_NAME" and not _is_safe(str(step.argval))
        for code in _codes(function.__code__)
        for step in dis.get_instructions(code)
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
