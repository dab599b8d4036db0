"""Tell whether code has changed: digests of functions and of everything of ours that they reach.

A compiled kernel outlives the process that made it. It may be used again only if the functions it was made of are
the same, so its file name holds these digests. Two things are digested, because either can change alone: the
functions in memory (a notebook, a reloaded module) and the files they came from (an edit since).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["code_digest", "reached_functions", "source_digest"]

# Their code is not part of a kernel: numba has its own, and numba's version is in the kernel's name.
_FOREIGN = frozenset({"builtins", "math", "numba", "numpy"})
_PLAIN = (bool, int, float, str, tuple, type(None))


def code_digest(*functions: Callable[..., Any]) -> str:
    """Return a digest of the bytecode of functions, of the functions they call and of the constants they read."""
    digest = blake2b(digest_size=16)
    for function in reached_functions(*functions):
        digest.update(
            repr((function.__module__, function.__qualname__, _code_parts(function.__code__))).encode()
        )
        for name, value in _globals_of(function):
            if isinstance(value, _PLAIN):
                digest.update(repr((name, value)).encode())
    return digest.hexdigest()


def source_digest(*functions: Callable[..., Any]) -> str:
    """Return a digest of the whole files that define functions and the functions they call."""
    files = {inspect.getsourcefile(function) or "" for function in reached_functions(*functions)}
    digest = blake2b(digest_size=16)
    for file in sorted(files):
        path = Path(file)
        # A cell of a notebook has no file; its bytecode is digested all the same.
        if path.is_file():
            stat = path.stat()
            digest.update(_file_digest(file, stat.st_mtime_ns, stat.st_size))
    return digest.hexdigest()


def reached_functions(*functions: Callable[..., Any]) -> Iterator[FunctionType]:
    """Yield the plain Python functions among those given and all that they call, each once, callers first."""
    seen: set[FunctionType] = set()
    waiting = [_plain(function) for function in reversed(functions)]
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        yield function
        waiting += [_plain(value) for _, value in reversed(_globals_of(function))]


@lru_cache(maxsize=1024)
def _file_digest(file: str, _modified: int, _size: int) -> bytes:
    return blake2b(Path(file).read_bytes(), digest_size=16).digest()


def _plain(value: object) -> FunctionType | None:
    value = getattr(value, "py_func", value)
    if not isinstance(value, FunctionType) or (value.__module__ or "").partition(".")[0] in _FOREIGN:
        return None
    return value


def _globals_of(function: FunctionType) -> list[tuple[str, object]]:
    """Return names and values of the globals a function reads, attributes of modules included."""
    names = list(dict.fromkeys(_names(function.__code__)))
    found = [(name, function.__globals__[name]) for name in names if name in function.__globals__]
    modules = [value for _, value in found if isinstance(value, ModuleType)]
    ours = [module for module in modules if module.__name__.partition(".")[0] not in _FOREIGN]
    return found + [
        (name, getattr(module, name)) for module in ours for name in names if hasattr(module, name)
    ]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _code_parts(code: CodeType) -> tuple[object, ...]:
    # A code object's own repr holds an address, so nested ones are taken apart as well.
    constants = [_code_parts(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return (code.co_code, tuple(constants), code.co_names, code.co_varnames, code.co_argcount)
