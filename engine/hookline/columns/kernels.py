"""Loops that numba compiles, one for each op, kept on disk between runs.

numba can cache neither closures nor code that was never in a file, so each loop is written to a small module of its own and
imported from there. Rules:

- The file's name holds a digest of everything that shapes the machine code: the code of the op's functions and of all they
  call, the files these live in, the versions of Python, numba and hookline. A changed step has another name and never meets
  an old kernel.
- Files appear by rename, so another process sees a whole file or none; a file that is there is never written again.
- A step that numba cannot compile is interpreted, after one warning.
"""

from __future__ import annotations

import atexit
import importlib.util
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.columns.fingerprint import code_digest, reached_functions, source_digest
from hookline.columns.op import Op

__all__ = ["compile_module", "kernel_folder", "op_kernel"]

Floats = NDArray[np.float64]
Kernel = Callable[[int, Sequence[Floats], Sequence[Floats], Sequence[int], Sequence[float]], None]

_log = logging.getLogger("hookline.columns")

_HEADER = '"""Compiled loop of {name}, written by hookline; safe to delete."""\n\nfrom numba import njit\n\n'
_READ, _WRITE = "Array(float64, 1, 'C', True, aligned=True)", "float64[::1]"


@cache
def op_kernel(op: Op, inputs: int, param_types: tuple[type, ...]) -> Kernel:
    """Return the loop that fills arrays with the values of an op, compiled if numba can.

    The kernel is called with the number of bars, output arrays, input arrays, a stride for each input (1, or 0 for an array of
    one constant) and the parameters.
    """
    text = _op_source(op, inputs, param_types)
    try:
        run = compile_module(op.name, text, {"init": op.init, "step": op.step}).run
    # A third-party step may break the compiler in any way; the interpreter will say if the step itself is wrong.
    except Exception as error:  # noqa: BLE001
        reason = str(error).strip().splitlines() or [type(error).__name__]
        _log.warning(
            "op %r cannot be compiled and is interpreted, which is slower: %s", op.name, " ".join(reason)
        )
        return lambda n, out, arrays, strides, params: _interpret(op, n, out, arrays, strides, params)

    def kernel(
        n: int,
        out: Sequence[Floats],
        arrays: Sequence[Floats],
        strides: Sequence[int],
        params: Sequence[float],
    ) -> None:
        run(n, *out, *arrays, *strides, *params)

    return kernel


def _op_source(op: Op, inputs: int, param_types: Sequence[type]) -> str:
    outs = [f"out{i}" for i in range(len(op.outputs))]
    arrays, strides = [f"a{i}" for i in range(inputs)], [f"s{i}" for i in range(inputs)]
    params = [f"p{i}" for i in range(len(param_types))]
    kinds = ["int64" if kind is int else "float64" for kind in param_types]
    types = ["int64", *[_WRITE] * len(outs), *[_READ] * inputs, *["int64"] * inputs, *kinds]
    values = [f"y{i}" for i in range(len(outs))]
    result = values[0] if op.is_single else f"({', '.join(values)})"
    arguments = ["state", *(f"{a}[i * {s}]" for a, s in zip(arrays, strides, strict=True)), *params]
    lines = [
        f'@njit("void({", ".join(types)})", cache=True, nogil=True)',
        f"def run({', '.join(['n', *outs, *arrays, *strides, *params])}):",
        f"    state = init({', '.join(params)})",
        "    for i in range(n):",
        f"        state, {result} = step({', '.join(arguments)})",
        *(f"        {out}[i] = {value}" for out, value in zip(outs, values, strict=True)),
    ]
    return _HEADER.format(name=op.name) + "\n".join(lines) + "\n"


def _interpret(
    op: Op,
    n: int,
    out: Sequence[Floats],
    arrays: Sequence[Floats],
    strides: Sequence[int],
    params: Sequence[float],
) -> None:
    state, step = start_state(op, params), op.step
    inputs = [a.tolist() if stride else a.tolist() * n for a, stride in zip(arrays, strides, strict=True)]
    for i in range(n):
        state, value = step(state, *(values[i] for values in inputs), *params)
        for target, part in zip(out, (value,) if op.is_single else value, strict=True):
            target[i] = part


def start_state(op: Op, params: Sequence[float]) -> tuple[Any, ...]:
    """Return an op's start state for the interpreter: its arrays as lists, which Python indexes several times faster."""
    return tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in op.init(*params))


def compile_module(
    name: str,
    text: str,
    functions: dict[str, Callable[..., Any]],
    constants: dict[str, Any] | None = None,
) -> Any:
    """Return a module made of source text, with the given functions and constants as its globals.

    The functions are plain Python; compiled code in the module may call them.
    """
    from numba.extending import register_jitable

    for function in reached_functions(*functions.values()):
        if function not in _registered:
            register_jitable(function)
            _registered.add(function)
    digest = _module_digest(repr((text, constants)), functions)
    path = kernel_folder() / f"{name}_{digest}.py"
    _write_once(path, text)
    spec = importlib.util.spec_from_file_location(f"hookline_kernel_{name}_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module).update({**functions, **(constants or {})})
    # numba reads a cached kernel back only if its module can be found by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# numba's own registry of functions grows with each registration, so this remembers them as long as it does.
_registered: set[Callable[..., Any]] = set()


def _module_digest(text: str, functions: dict[str, Callable[..., Any]]) -> str:
    codes = code_digest(*functions.values()), source_digest(*functions.values())
    versions = sys.version, version("numba"), version("hookline")
    return blake2b(repr((text, list(functions), codes, versions)).encode(), digest_size=12).hexdigest()


def _write_once(path: Path, text: str) -> None:
    if path.exists():
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)


def kernel_folder() -> Path:
    """Return the folder of compiled kernels, made if it was not there.

    It is ``kernels`` in the folder that the environment variable HOOKLINE_CACHE_DIR names, else ``~/.cache/hookline/kernels``;
    where that cannot be written, a temporary folder that is removed when Python exits.
    """
    try:
        base = os.environ.get("HOOKLINE_CACHE_DIR") or Path.home() / ".cache" / "hookline"
        folder = Path(base).expanduser() / "kernels"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return _temporary_folder()
    return folder if os.access(folder, os.W_OK | os.X_OK) else _temporary_folder()


@cache
def _temporary_folder() -> Path:
    # Never a fixed name: code is loaded from here, and anyone may write to the system's temporary folder.
    folder = tempfile.mkdtemp(prefix="hookline-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
