"""Data that the code of a plugin holds without having been given it: a file that was read as its module was imported, say.

It is cut and drawn anew as parameters are, see :mod:`hookline.research.peeking.inputs`, and put back afterwards. What was made from it
before is a table of its own; one that is made with the future gives itself away, see
:mod:`hookline.research.peeking.foresight`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries
from hookline.research.peeking.code import Global, forget, globals_of
from hookline.research.peeking.inputs import (
    FutureChange,
    altered,
    dated_times,
    is_data,
    is_frame,
    is_opaque,
    is_prices,
)

__all__ = ["aligned", "changed", "held_by", "hidden"]

Floats = NDArray[np.float64]
_FEWEST = 20  # values, below which a container holds no data
_COVERED = 0.9  # of the bars, for a table to be one of them


def held_by(plugins: Iterable[object], ends: NDArray[np.int64]) -> list[Global]:
    """Return the data that the code of plugins holds and that can be changed."""
    return [one for one in globals_of(*map(type, plugins)) if is_data(one.value, ends)]


def hidden(plugins: Iterable[object], ends: NDArray[np.int64]) -> Iterator[str]:
    """Yield what the code of plugins holds that may be data and cannot be changed, a line each."""
    for one in globals_of(*map(type, plugins)):
        if not is_data(one.value, ends) and _may_be_data(one.value):
            yield f"{one.where}: {one.name} (of type {type(one.value).__name__}) is no table with times, and stayed as it is"


def _may_be_data(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return False
    if hasattr(value, "__len__"):
        return len(value) >= _FEWEST
    # Loggers, zones, patterns, functions of numpy.
    is_known = type(value).__module__.partition(".")[0] in {
        *sys.stdlib_module_names,
        "hookline",
        "numba",
        "numpy",
    }
    return is_opaque(value) and not is_known


@contextmanager
def changed(plugins: Iterable[object], held: Sequence[Global], change: FutureChange) -> Iterator[None]:
    """Let the code of plugins hold data with another future, and functions that it calls forget what they returned."""
    code = [type(plugin) for plugin in plugins]
    made: dict[int, Any] = {}
    try:
        for one in held:
            if id(one.value) not in made:
                made[id(one.value)] = altered(one.value, change)
            one.put(made[id(one.value)])
        forget(*code)
        yield
    finally:
        for one in held:
            one.put(one.value)
        forget(*code)


def aligned(value: Any, bars: BarSeries) -> Iterator[tuple[str, Floats]]:
    """Yield the columns of a table that has a row for each bar: what it says at the bar of that place, or that begins at that time."""
    if is_frame(value):
        names = getattr(value, "columns", None)
        times = (value.index.tz_localize("UTC") if value.index.tz is None else value.index).as_unit("ns").asi8
        if names is None:
            yield from _placed("", value.to_numpy(), times, bars)
        elif not is_prices(map(str, names)):
            for name in names:
                yield from _placed(f" column {name!r}", value[name].to_numpy(), times, bars)
    elif (known := dated_times(value)) is not None:
        yield from _placed("", np.array(list(value.values())), known, bars)
    elif isinstance(value, np.ndarray | list | tuple) and len(value) == len(bars):
        yield from _placed("", np.asarray(value), bars.start, bars)


def _placed(
    name: str, values: NDArray[Any], times: NDArray[np.int64], bars: BarSeries
) -> Iterator[tuple[str, Floats]]:
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        return
    _, mine, theirs = np.intersect1d(bars.start, times, return_indices=True)
    if len(mine) >= _COVERED * len(bars):
        found = np.full(len(bars), np.nan)
        found[mine] = values[theirs]
        yield name, found
