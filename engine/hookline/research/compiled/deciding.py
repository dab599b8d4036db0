"""``decide`` as compiled code can call it: what it reads of the parameters, and what ``long`` and its like return there.

Interpreted, ``long()`` returns one object each time, and the same object again means that there is nothing to do. Compiled code has no
objects, so a decision there carries a number: which of the four decisions without prices it is, -1 for any other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import cache, lru_cache
from types import FunctionType
from typing import Any, NamedTuple

from hookline import signals
from hookline.columns.fingerprint import reached_functions
from hookline.columns.kernels import stand_in
from hookline.research.compiled.refusing import NotCompilable
from hookline.signals import SignalStrategy

__all__ = ["Decided", "Deciding", "decide_of", "kinds_of", "parameters_of", "prepare"]

_HOLD, _FLAT, _LONG, _SHORT, _OTHER = 0, 1, 2, 3, -1


class Decided(NamedTuple):
    """A decision, and which of the plain ones it is."""

    acts: bool
    exposure: float
    stop: float
    target: float
    plain: int


def long_(size: float = 1.0, stop: float = math.nan, target: float = math.nan) -> Decided:
    """Return what ``long`` does."""
    if size == 1.0 and math.isnan(stop) and math.isnan(target):
        return Decided(True, 1.0, math.nan, math.nan, _LONG)
    return Decided(True, float(size), float(stop), float(target), _OTHER)


def short_(size: float = 1.0, stop: float = math.nan, target: float = math.nan) -> Decided:
    """Return what ``short`` does."""
    if size == 1.0 and math.isnan(stop) and math.isnan(target):
        return Decided(True, -1.0, math.nan, math.nan, _SHORT)
    return Decided(True, -float(size), float(stop), float(target), _OTHER)


def flat_() -> Decided:
    """Return what ``flat`` does."""
    return Decided(True, 0.0, math.nan, math.nan, _FLAT)


def hold_(stop: float = math.nan, target: float = math.nan) -> Decided:
    """Return what ``hold`` does."""
    if math.isnan(stop) and math.isnan(target):
        return Decided(False, 0.0, math.nan, math.nan, _HOLD)
    return Decided(False, 0.0, float(stop), float(target), _OTHER)


_STAND_INS = {signals.long: long_, signals.short: short_, signals.flat: flat_, signals.hold: hold_}


@cache
def prepare() -> None:
    """Let compiled code call the stand-ins of ``long`` and its like."""
    for function, other in _STAND_INS.items():
        stand_in(function, other)


class Deciding(NamedTuple):
    """The decision function of a strategy, and the names that it reads of anything."""

    function: FunctionType
    names: frozenset[str]


@lru_cache(maxsize=64)
def decide_of(kind: type[SignalStrategy]) -> Deciding:
    """Return the decision function of a class of strategies.

    Raises:
        NotCompilable: if it is more than a function of its arguments.
    """
    found = vars(next(one for one in kind.__mro__ if "decide" in vars(one)))["decide"]
    decide = getattr(found, "__func__", found)
    decide = getattr(decide, "py_func", decide)
    if not isinstance(found, staticmethod) or not isinstance(decide, FunctionType):
        raise NotCompilable(f"{kind.__name__}.decide must be a static method, was {type(found).__name__}")
    names: set[str] = set()
    for function in reached_functions(decide):
        where = f"{kind.__name__}.decide"
        if function is not decide:
            where = f"{function.__qualname__}, which {where} calls,"
        if function.__closure__:
            raise NotCompilable(f"{where} reads variables of the function that it was defined in")
        if "**" in _operators(function):
            raise NotCompilable(f"{where} uses **, which compiled code rounds differently; write x * x")
        names.update(function.__code__.co_names)
    return Deciding(decide, frozenset(names))


def _operators(function: FunctionType) -> list[str]:
    from dis import get_instructions

    return [
        one.argrepr.rstrip("=")
        for one in get_instructions(function)
        if one.opname in {"BINARY_OP", "INPLACE_OP"}
    ]


def parameters_of(strategy: SignalStrategy, names: Collection[str], can_short: bool) -> dict[str, float]:
    """Return the parameters among the names that a decision reads.

    Raises:
        NotCompilable: if one of them is no number.
    """
    own = [one.name for one in fields(strategy)]  # type: ignore[arg-type]
    values: dict[str, Any] = {name: getattr(strategy, name) for name in own if name in names}
    if values.get("allow_short", False) is None:
        values["allow_short"] = can_short
    for name, value in values.items():
        if not isinstance(value, bool | int | float):
            found = f"{type(strategy).__name__}.decide reads p.{name}, which must be a number to be compiled"
            raise NotCompilable(f"{found}, was {value!r}")
    return values


def kinds_of(values: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Return the names of parameters with their kinds: ``bool``, ``int`` or ``float``."""
    return tuple((name, type(value).__name__) for name, value in values.items())
