"""Loops that run a step over arrays: compiled, or interpreted where numba cannot compile it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import cache
from textwrap import shorten
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.columns.kernels import compile_module
from hookline.columns.op import Op

__all__ = ["reason_of", "run_op", "start_lists"]

Floats = NDArray[np.float64]
Number = int | float

_log = logging.getLogger("hookline.columns")

# The loop gets the start state and makes none, so no array in it is ever freed or made: without reference counting
# (_nrt=False) a step with a ring buffer takes a third to a half less time.
_SOURCE = '''"""Compiled loop of {name!r}, written by hookline; safe to delete."""

from numba import njit


@njit("void({types})", cache=True, nogil=True, _nrt=False)
def run({arguments}):
    state = ({state})
    for i in range(n):
        state, {values} = step({inputs})
{stores}
'''
_READ, _WRITE = "Array(float64, 1, 'C', True, aligned=True)", "float64[::1]"
_KINDS = {int: "int64", float: "float64", np.ndarray: _WRITE}


def run_op(op: Op, out: Sequence[Floats], inputs: Sequence[Floats | float], params: Sequence[Number]) -> None:
    """Fill arrays with the outputs of an op.

    Args:
        op: What to compute.
        out: One array for each output of the op, all of one length.
        inputs: Arrays of that length, or numbers that are the same on every bar.
        params: Parameters of the op.

    Raises:
        TypeError: if the start state holds anything but ints, floats and 1-D float64 arrays.
    """
    state = op.init(*params)
    kinds = tuple(_kind(op, part) for part in state)
    run = _compiled(op, len(inputs), kinds, tuple(type(value) for value in params))
    if run is None:
        _interpret(op, out, inputs, params)
        return
    arrays = [value if isinstance(value, np.ndarray) else np.array([value]) for value in inputs]
    # A stride of 0 repeats a constant without an array of its length.
    strides = [int(isinstance(value, np.ndarray)) for value in inputs]
    run(len(out[0]), *out, *arrays, *strides, *state, *params)


def start_lists(op: Op, params: Sequence[Number]) -> tuple[Any, ...]:
    """Return an op's start state with lists in place of arrays: plain Python indexes them several times faster."""
    return tuple(part.tolist() if isinstance(part, np.ndarray) else part for part in op.init(*params))


def _kind(op: Op, part: object) -> type:
    if (
        isinstance(part, np.ndarray)
        and part.ndim == 1
        and part.dtype == np.float64
        and part.flags.c_contiguous
    ):
        return np.ndarray
    for kind in (int, float):
        if isinstance(part, kind) and not isinstance(part, bool):
            return kind
    raise TypeError(f"op {op.name}: init must return ints, floats and 1-D float64 arrays, was {part!r}")


@cache
def _compiled(
    op: Op, inputs: int, state: tuple[type, ...], params: tuple[type, ...]
) -> Callable[..., None] | None:
    """Return the compiled loop of an op, None after a warning if there can be none."""
    try:
        run: Callable[..., None] = compile_module(
            op.name, _source(op, inputs, state, params), {"step": op.step}
        ).run
    # A third-party step can break the compiler in any way; if the step itself is wrong, interpreting it will tell.
    except Exception as error:  # noqa: BLE001
        _log.warning(
            "op %r cannot be compiled and is interpreted, which is slow: %s", op.name, reason_of(error)
        )
        return None
    return run


def reason_of(error: Exception) -> str:
    """Return in a line why numba could not compile something."""
    # numba's errors run over a page and begin with the name of a compiler pass.
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed in nopython mode pipeline")]
    text = re.sub(" at 0x[0-9a-f]+", "", " ".join(told))
    return shorten(text or type(error).__name__, 300, placeholder=" ...")


def _source(op: Op, inputs: int, state: Sequence[type], params: Sequence[type]) -> str:
    def names(letter: str, count: int) -> list[str]:
        return [f"{letter}{index}" for index in range(count)]

    outs, values = names("out", len(op.outputs)), names("value", len(op.outputs))
    arrays, strides = names("a", inputs), names("stride", inputs)
    parts, parameters = names("part", len(state)), names("p", len(params))
    types = ["int64", *[_WRITE] * len(outs), *[_READ] * inputs, *["int64"] * inputs]
    types += [_KINDS[kind] for kind in (*state, *params)]
    return _SOURCE.format(
        name=op.name,
        types=", ".join(types),
        arguments=", ".join(["n", *outs, *arrays, *strides, *parts, *parameters]),
        state="".join(f"{part}, " for part in parts),
        values=values[0] if op.is_single else f"({', '.join(values)})",
        inputs=", ".join(
            ["state", *(f"{a}[i * {s}]" for a, s in zip(arrays, strides, strict=True)), *parameters]
        ),
        stores="\n".join(f"        {out}[i] = {value}" for out, value in zip(outs, values, strict=True)),
    )


def _interpret(
    op: Op, out: Sequence[Floats], inputs: Sequence[Floats | float], params: Sequence[Number]
) -> None:
    size = len(out[0])
    columns = [value.tolist() if isinstance(value, np.ndarray) else [value] * size for value in inputs]
    state, step = start_lists(op, params), op.step
    for index, row in enumerate(zip(*columns, strict=True)):
        state, value = step(state, *row, *params)
        for target, part in zip(out, (value,) if op.is_single else value, strict=True):
            target[index] = part
