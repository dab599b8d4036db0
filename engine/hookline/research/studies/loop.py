"""The loop over bars that holds positions: scalar functions, compiled where they are run.

Rules are those of :mod:`hookline.research.studies.positions`. Prices of instruments that have none yet are 1; nothing is held of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["hold", "holding"]

Floats = NDArray[np.float64]

_SOURCE = '''"""The loop over bars that holds positions, written by hookline; safe to delete."""

from numba import njit

MATRIX, VECTOR = "float64[:, ::1]", "float64[::1]"


@njit(
    f"void({MATRIX}, {MATRIX}, {MATRIX}, boolean, float64, float64, float64, {VECTOR}, {MATRIX}, {VECTOR}, {VECTOR})",
    cache=True,
    nogil=True,
)
def run(close, opens, wanted, at_close, fee, slippage, cash, equity, units, costs, traded):
    hold(close, opens, wanted, at_close, fee, slippage, cash, equity, units, costs, traded)
'''


def hold(
    close: Floats,
    opens: Floats,
    wanted: Floats,
    at_close: bool,
    fee: float,
    slippage: float,
    cash: float,
    equity: Floats,
    units: Floats,
    costs: Floats,
    traded: Floats,
) -> None:
    """Hold positions over all bars.

    Args:
        close: Closes, a row for each bar and a column for each instrument.
        opens: Opens in the same shape.
        wanted: Shares of equity wanted at each close, NaN to leave what is held.
        at_close: Whether trades happen at the close that was decided on, else at the next open.
        fee: Fraction of what is traded.
        slippage: Fraction by which prices move against trades.
        cash: At the start.
        equity: Filled with the equity at each close.
        units: Filled with the units held at the end of each bar, zeros before.
        costs: Filled with fees and slippage of each bar, zeros before.
        traded: Filled with the value traded on each bar, zeros before.
    """
    count = close.shape[1]
    held, target = np.zeros(count), np.zeros(count)
    has_target, is_lost = False, False
    for bar in range(len(close)):
        if has_target:
            cash = trade(bar, opens[bar], held, target, fee, slippage, cash, costs, traded)
        has_target = False
        worth = cash + value_of(held, close[bar])
        if worth <= 0.0:
            is_lost = has_target = True
            for one in range(count):
                target[one] = 0.0
        elif not is_lost:
            has_target = aim(wanted[bar], worth, close[bar], held, target)
        if has_target and at_close:
            cash = trade(bar, close[bar], held, target, fee, slippage, cash, costs, traded)
            has_target = False
        equity[bar] = cash + value_of(held, close[bar])
        for one in range(count):
            units[bar, one] = held[one]


def value_of(held: Floats, price: Floats) -> float:
    """Return what units are worth at prices."""
    value = 0.0
    for one in range(len(held)):
        value += held[one] * price[one]
    return value


def aim(wanted: Floats, worth: float, price: Floats, held: Floats, target: Floats) -> bool:
    """Set the units to hold, and return whether any were asked for."""
    acts = False
    for one in range(len(held)):
        if np.isnan(wanted[one]):
            target[one] = held[one]
        else:
            target[one] = wanted[one] * worth / price[one]
            acts = True
    return acts


def trade(
    bar: int,
    price: Floats,
    held: Floats,
    target: Floats,
    fee: float,
    slippage: float,
    cash: float,
    costs: Floats,
    traded: Floats,
) -> float:
    """Trade from what is held to a target at prices of a bar, and return the cash that is left."""
    for one in range(len(held)):
        change = target[one] - held[one]
        side = 1.0 if change > 0.0 else -1.0
        paid = price[one] * (1.0 + side * slippage)
        value = abs(change) * paid
        cash -= change * paid + value * fee
        held[one] = target[one]
        costs[bar] += value * fee + abs(change) * price[one] * slippage
        traded[bar] += value
    return cash


@cache
def holding() -> Any:
    """Return :func:`hold`, compiled."""
    from hookline.columns.kernels import compile_module

    return compile_module("holding", _SOURCE, {"hold": hold}).run
