"""Arithmetic of one instrument held by one wallet, in scalars: grids, funds, and where a position is liquidated.

Each function is the formula of a method of the event kernel, operation by operation, so that both give the same floats:
``Instrument`` (grids), ``affordable_lots`` and ``Funds`` (funds), ``MarginAccount`` and ``liquidation_price`` (liquidation) with one
tier and one position. ``tests/research/compiled`` compares them.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints
from hookline.simulation.fills import slipped

__all__ = [
    "affordable",
    "band_after_fill",
    "band_after_payment",
    "liquidation_level",
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


def affordable(f: Floats, k: Ints, side: int, price: float, fee_rate: float) -> int:
    """Return the most lots that may be filled at a price on that side, fee included; 0 or less for none."""
    closing = max(0, -side * k[at.LOTS])
    units = f[at.UNITS]
    if k[at.IS_PLAIN] != 0:
        own = units * price
        room = f[at.LEVERAGE] * (f[at.CASH] + own) - 0.0 - side * own
        if price <= 0.0 or room <= 0.0:
            return closing
        return max(closing, lots_of(f, k, room / (price * (1.0 + f[at.LEVERAGE] * fee_rate))))
    if price <= 0.0:
        return closing
    own = side * units * price
    room = f[at.CASH] + units * price + fee_rate * own
    most = min(room / (1.0 / min(f[at.LEVERAGE], f[at.TIER_LEVERAGE]) + fee_rate), f[at.TIER_UP_TO])
    most = (max(0.0, most)) - own
    return max(closing, lots_of(f, k, most / price)) if most > 0.0 else closing


def band_after_fill(f: Floats) -> None:
    """Draw the band of prices inside of which the position is not liquidated, as after a fill."""
    units, share = f[at.UNITS], f[at.CLOSE_SHARE]
    f[at.FLOOR], f[at.CEILING] = -math.inf, math.inf
    if units > 0.0:
        floor = -f[at.CASH] / (units * (1.0 - share))
        if floor > 0.0:
            f[at.FLOOR] = floor
    elif units < 0.0:
        f[at.CEILING] = f[at.CASH] / (-units * (1.0 + share))


def band_after_payment(f: Floats) -> None:
    """Draw the band as after a payment, or after a price that left it and liquidated nothing: from the last price."""
    units, price = f[at.UNITS], f[at.CLOSE]
    f[at.FLOOR], f[at.CEILING] = -math.inf, math.inf
    if units == 0.0:
        return
    floor, ceiling = math.nan, math.nan
    if units > 0.0:
        floor = liquidation_price(f, -1, price)
    else:
        ceiling = liquidation_price(f, 1, price)
    if floor >= price or ceiling <= price:
        f[at.FLOOR], f[at.CEILING] = math.inf, -math.inf
        return
    if not math.isnan(floor):
        f[at.FLOOR] = floor
    if not math.isnan(ceiling):
        f[at.CEILING] = ceiling


def liquidation_price(f: Floats, step: int, price: float) -> float:
    """Return ``hookline.simulation.margin.liquidation_price`` of the position with its only tier, searched from a price."""
    net = f[at.UNITS]
    equity = f[at.CASH] + net * price
    slope = net - abs(net) * f[at.CLOSE_SHARE]
    constant = equity - net * price
    if constant + slope * price <= 0.0:
        return price
    if slope * step < 0.0:
        found = -constant / slope
        if found > 0.0:
            return found
    return math.nan


def liquidation_level(f: Floats, low: float, high: float) -> float:
    """Return the price between two prices at which the position is due, NaN for none."""
    if f[at.UNITS] > 0.0:
        level = liquidation_price(f, -1, high)
        return level if low - level <= 0.0 else math.nan
    level = liquidation_price(f, 1, low)
    return level if high - level >= 0.0 else math.nan
