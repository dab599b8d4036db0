"""Kernels of graphs, compiled when they are first needed and kept on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from hookline.clock import stopwatch
from hookline.columns.kernels import compile_module
from hookline.columns.loops import reason_of
from hookline.research.compiled import deciding, layout
from hookline.research.compiled.account import symbols
from hookline.research.compiled.graph import Graph
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.source import Form, source_of

__all__ = ["kernel_of"]

_logger = logging.getLogger("hookline.research.compiling")
_lock = threading.RLock()
_kernels: dict[Any, Any] = {}
_NAMES = (
    "SIZER_A", "SIZER_B", "CASH", "UNITS", "BAR_FLOW", "BAR_PAYMENTS", "PAID_ROOM", "F_PAID", "IS_BUSY", "WAKE_LOW", "WAKE_HIGH", "SETTLED", "HELD_EXPOSURE", "HELD_ENTRY",
    "HELD_STOP", "HELD_SINCE", "ERROR", "OPEN", "HIGH", "LOW", "CLOSE", "START", "END", "PROFIT", "WON", "LOST", "TRADED", "FEES",
    "FUNDING", "HELD_TIME", "LOTS", "TRIP_BEGIN", "ORDERS", "FILLS", "PAYMENTS", "TRIPS", "WINS", "VOLATILITY", "CALM_LOW", "CALM_HIGH", "IS_WATCHED",
    "FLOOR", "CEILING", "MARK", "MARK_OPEN", "MARK_LOW", "MARK_HIGH",
)  # fmt: skip


def kernel_of(name: str, graph: Graph, form: Form, decide: Callable[..., Any]) -> Any:
    """Return the compiled loop of a graph and a decision.

    Raises:
        NotCompilable: if numba cannot compile it.
    """
    key = (graph.shape, form, decide)
    with _lock:
        if key not in _kernels:
            _kernels[key] = _compiled(name, graph, form, decide)
        return _kernels[key]


def _compiled(name: str, graph: Graph, form: Form, decide: Callable[..., Any]) -> Any:
    began = stopwatch()
    _logger.info("%s: compiling", name)
    deciding.prepare()
    functions: dict[str, Callable[..., Any]] = {
        f"step{number}": one.op.step for number, one in enumerate(graph.steps)
    }
    functions["decide"] = decide
    constants = {one: getattr(layout, one) for one in _NAMES} | symbols()
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)
    try:
        run = compile_module(f"run_{safe}", source_of(safe, graph, form), functions, constants).run
    # A strategy's code can break the compiler in any way; the event kernel tells whether it is wrong.
    except Exception as error:
        raise NotCompilable(f"{name}: numba cannot compile it: {reason_of(error)}") from error
    seconds = stopwatch() - began
    _logger.info(
        "%s: compiled in %.1f s; it is kept for later runs", name, seconds, extra={"seconds": seconds}
    )
    return run
