"""Kernels of graphs, compiled when they are first needed and kept on disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from hookline.clock import stopwatch
from hookline.columns.kernels import compile_module
from hookline.columns.loops import reason_of
from hookline.research.compiled import booking, deciding, desk, layout, venue
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
    "FUNDING", "HELD_TIME", "LOTS", "TRIP_BEGIN", "ORDERS", "FILLS", "PAYMENTS", "TRIPS", "WINS", "VOLATILITY",
)  # fmt: skip

# Pointers and not arrays, and calls by symbol: so that no kernel is linked with the account, whose optimization would then be done again
# for each of them.
_ACCOUNT = '''"""The account of compiled runs, written by hookline; safe to delete."""

from numba import cfunc

ARRAYS = "CPointer(float64), CPointer(int64)"


@cfunc(f"void({ARRAYS})", cache=True)
def match(f, k):
    match_(f, k)


@cfunc(f"void({ARRAYS})", cache=True)
def finish(f, k):
    finish_(f, k)


@cfunc(f"void({ARRAYS}, int64, float64, int64, int64)", cache=True)
def pay(f, k, time, rate, is_interest, inside):
    pay_(f, k, time, rate, is_interest, inside)


@cfunc(f"void({ARRAYS}, int64, int64, float64, float64, float64)", cache=True)
def act(f, k, plain, acts, exposure, stop, target):
    act_(f, k, plain, acts != 0, exposure, stop, target)
    watch_(f, k)
'''
_SYMBOLS = {
    "match": "",
    "finish": "",
    "pay": "ifii",
    "act": "iifff",
}  # ints and floats after the addresses of the two arrays


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
    functions |= {"decide": decide, **_ENTRIES}
    constants = {one: getattr(layout, one) for one in _NAMES} | _symbols()
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


_ENTRIES: dict[str, Callable[..., Any]] = {
    "match_": venue.match,
    "finish_": booking.finish,
    "pay_": venue.pay,
    "act_": desk.act,
    "watch_": venue.watch,
}


@cache
def _symbols() -> dict[str, Any]:
    """Return what kernels call the account by, after it was compiled and its addresses are known to the linker."""
    from llvmlite.binding import add_symbol  # type: ignore[import-untyped]
    from numba import types

    module = compile_module("account", _ACCOUNT, _ENTRIES)
    found = {}
    for name, letters in _SYMBOLS.items():
        symbol = f"hookline_{name}"
        add_symbol(symbol, getattr(module, name).address)
        arguments = [types.float64 if letter == "f" else types.int64 for letter in "ii" + letters]
        found[name] = types.ExternalFunction(symbol, types.void(*arguments))
    return found
