"""Kernels of graphs, compiled when they are first needed and kept on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from hookline.columns.kernels import compile_module
from hookline.columns.loops import reason_of
from hookline.research.compiled import booking, deciding, desk, layout, venue
from hookline.research.compiled.graph import Graph
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.source import Form, source_of

__all__ = ["kernel_of"]

_lock = threading.RLock()
_kernels: dict[Any, Any] = {}
_NAMES = (
    "SIZER_A", "SIZER_B", "CASH", "UNITS", "IS_BUSY", "WAKE_LOW", "WAKE_HIGH", "SETTLED", "HELD_EXPOSURE", "HELD_ENTRY",
    "HELD_STOP", "HELD_SINCE", "ERROR", "OPEN", "HIGH", "LOW", "CLOSE", "START", "END", "PROFIT", "WON", "LOST", "TRADED", "FEES",
    "FUNDING", "HELD_TIME", "LOTS", "TRIP_BEGIN", "ORDERS", "FILLS", "PAYMENTS", "TRIPS", "WINS", "VOLATILITY",
)  # fmt: skip

_ACCOUNT = '''"""The account of compiled runs, written by hookline; safe to delete."""

from numba import njit

MATCH = njit("void(float64[::1], int64[::1])", cache=True, nogil=True)(match_)


'''


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
    deciding.prepare()
    functions: dict[str, Callable[..., Any]] = {
        f"step{number}": one.op.step for number, one in enumerate(graph.steps)
    }
    functions |= {"decide": decide, **_account()}
    constants = {one: getattr(layout, one) for one in _NAMES}
    safe = "".join(letter if letter.isalnum() else "_" for letter in name)
    try:
        return compile_module(f"run_{safe}", source_of(safe, graph, form), functions, constants).run
    # A strategy's code can break the compiler in any way; the event kernel tells whether it is wrong.
    except Exception as error:
        raise NotCompilable(f"{name}: numba cannot compile it: {reason_of(error)}") from error


@cache
def _account() -> dict[str, Callable[..., Any]]:
    return {
        "match": venue.match,
        "pay": venue.pay,
        "watch": venue.watch,
        "act": desk.act,
        "finish": booking.finish,
    }
