"""Code that numba compiles, kept on disk between runs.

numba can cache neither closures nor code that was never in a file, so each loop is written to a small module of
its own and imported from there. Rules:

- The file's name holds a digest of everything that shapes the machine code: the code of the op's functions and of
  all they call, the files these live in, the versions of Python, numba and hookline. A changed step has another
  name and never meets an old kernel.
- Files appear by rename, so another process sees a whole file or none; a file that is there is never written again.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hookline.columns.fingerprint import code_digest, reached_functions, source_digest

# Only compiled code calls the functions of a module, so that they need no way in from Python or C.
_INNER: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

__all__ = ["compile_module", "kernel_folder", "module_digest", "stand_in", "write_once"]


def compile_module(
    name: str,
    text: str,
    functions: dict[str, Callable[..., Any]],
    constants: dict[str, Any] | None = None,
) -> Any:
    """Return a module made of source text, with the given functions and constants as its globals.

    The functions are plain Python; compiled code in the module may call them.
    """
    _load_numba()
    from numba.extending import register_jitable

    for function in reached_functions(*functions.values()):
        if function not in _registered:
            register_jitable(**_INNER)(function)
            _registered.add(function)
    digest = module_digest(repr((text, constants)), functions)
    path = kernel_folder() / f"{name}_{digest}.py"
    write_once(path, text.encode())
    spec = importlib.util.spec_from_file_location(f"hookline_kernel_{name}_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    vars(module).update({**functions, **(constants or {})})
    # numba reads a cached kernel back only if its module can be found by name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


def _load_numba() -> None:
    """Load what numba knows of arrays, without ``scipy.linalg``: 17 MB, and a tenth of a second of each start.

    numba loads that only to see whether it is there, for code that multiplies matrices. Such code asks again when it is compiled.
    """
    with _loading:
        if "numba.np.arraymath" in sys.modules or importlib.util.find_spec("scipy") is None:
            return
        from numba.np import linalg

        ensure_blas, linalg.ensure_blas = linalg.ensure_blas, lambda: None
        try:
            importlib.import_module("numba.np.arraymath")
        finally:
            linalg.ensure_blas = ensure_blas


_loading = threading.Lock()


def stand_in(function: Callable[..., Any], other: Callable[..., Any]) -> None:
    """Let compiled code call another function wherever it calls this one; both take the same arguments."""
    from numba.extending import overload

    _registered.add(function)
    overload(function, jit_options=_INNER, strict=False)(lambda *_args, **_named: other)


# numba's own registry of functions grows with each registration, so this remembers them as long as it does.
_registered: set[Callable[..., Any]] = set()


def module_digest(text: str, functions: Mapping[str, Callable[..., Any]]) -> str:
    """Return a digest of source text, and of functions with all that they call."""
    codes = code_digest(*functions.values()), source_digest(*functions.values())
    return blake2b(repr((text, list(functions), codes, _versions())).encode(), digest_size=12).hexdigest()


@cache
def _versions() -> tuple[str, str, str]:
    return sys.version, version("numba"), version("hookline")


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless it is there, so that nobody ever sees a part of it."""
    if path.exists():
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


def kernel_folder() -> Path:
    """Return the folder of compiled kernels, made if it was not there.

    It is ``kernels`` in the folder that the environment variable HOOKLINE_CACHE_DIR names, else
    ``~/.cache/hookline/kernels``; where that cannot be written, a temporary folder that is removed when Python
    exits.
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
