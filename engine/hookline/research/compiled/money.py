"""Prices and quantities of one instrument in scalars.

Each function is the formula of a method of ``Instrument`` or of a slippage model, operation by operation, so that both give the same floats:
``tests/research/compiled`` compares them.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints
from hookline.simulation.fills import slipped

__all__ = [
    "lots_of",
    "on_grid",
    "slip",
    "units_of",
]

_TOLERANCE = 1e-6  # as Instrument's


def lots_of(f: Floats, k: Ints, quantity: float) -> int:
    """Return ``Instrument.lots(quantity)``."""
    per_unit = f[at.LOTS_PER_UNIT]
    scaled = quantity * per_unit if per_unit != 0.0 else quantity / f[at.LOT]
    if not abs(scaled) < at.LARGEST:
        k[at.ERROR] = at.TOO_LARGE
        return 0
    nearest = round(scaled)
    if abs(scaled - nearest) <= _TOLERANCE:
        return nearest
    return int(scaled)


def units_of(f: Floats, lots: int) -> float:
    """Return ``Instrument.units(lots)``."""
    per_unit = f[at.LOTS_PER_UNIT]
    if per_unit != 0.0:
        return lots / per_unit
    return lots * f[at.LOT_NUMERATOR] / f[at.LOT_DENOMINATOR]


def on_grid(f: Floats, k: Ints, price: float, rounding: int) -> float:
    """Return ``Instrument.on_grid(price, rounding)``."""
    scale = f[at.TICKS_PER_UNIT]
    scaled = price * scale if scale != 0.0 else price / f[at.TICK]
    if not abs(scaled) < at.LARGEST:
        k[at.ERROR] = at.TOO_LARGE
        return price
    ticks = round(scaled)
    if rounding != 0 and abs(scaled - ticks) > _TOLERANCE:
        ticks = math.ceil(scaled) if rounding > 0 else math.floor(scaled)
    if scale != 0.0:
        return ticks / scale
    return ticks * f[at.TICK_NUMERATOR] / f[at.TICK_DENOMINATOR]


def slip(f: Floats, k: Ints, side: int, price: float) -> float:
    """Return what an order that takes liquidity pays on the present bar."""
    if f[at.SLIP_FRACTION] != 0.0 or f[at.SLIP_AMOUNT] != 0.0 or f[at.SLIP_RANGE] != 0.0:
        price = slipped(
            side, price, f[at.HIGH], f[at.LOW], f[at.SLIP_FRACTION], f[at.SLIP_AMOUNT], f[at.SLIP_RANGE]
        )
    return on_grid(f, k, price, side)
