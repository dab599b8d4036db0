"""What one position needs of its wallet, and where it is liquidated, in scalars.

Each function is the formula of a method of the event kernel, operation by operation, so that both give the same floats:
``affordable_lots`` and ``Funds`` (funds), ``MarginAccount`` and ``liquidation_price`` (liquidation) with one position. ``tests/research/compiled``
compares them.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.money import lots_of

__all__ = [
    "affordable",
    "backing",
    "band_after_fill",
    "band_after_payment",
    "liquidation_level",
    "liquidation_price",
    "mark_of",
]


# -- funds -------------------------------------------------------------------------------------------------------------


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
    if k[at.IS_ISOLATED] == 0:
        own = side * units * price
        room = f[at.CASH] + units * price + fee_rate * own
    elif side * k[at.LOTS] >= 0:
        own = abs(units) * f[at.ENTRY_PRICE]
        room = spare(f, k) + required(f, k, own) + fee_rate * own
    else:
        own = -abs(units) * price
        room = spare(f, k) + backing(f, k, price) + fee_rate * own
    most = largest(f, k, room, fee_rate) - own
    return max(closing, lots_of(f, k, most / price)) if most > 0.0 else closing


def spare(f: Floats, k: Ints) -> float:
    """Return what the wallet holds beside an isolated position."""
    if k[at.LOTS] == 0:
        return f[at.CASH]
    return f[at.CASH] + (f[at.UNITS] * f[at.ENTRY_PRICE] - posted(f, k))


def posted(f: Floats, k: Ints) -> float:
    """Return the margin of an isolated position: what it posted as it opened, with the funding it has received or paid since."""
    return required(f, k, abs(f[at.UNITS]) * f[at.ENTRY_PRICE]) + f[at.ADDED]


def required(f: Floats, k: Ints, notional: float) -> float:
    """Return the initial margin of a position that is there."""
    return notional / min(f[at.LEVERAGE], f[tier_of(f, k, notional) + at.TIER_LEVERAGE])


def backing(f: Floats, k: Ints, price: float) -> float:
    """Return what backs the position at a price: what the wallet is worth, or what was posted for the position and its profit."""
    if k[at.IS_ISOLATED] == 0:
        return f[at.CASH] + f[at.UNITS] * price
    return posted(f, k) + f[at.UNITS] * (price - f[at.ENTRY_PRICE])


def largest(f: Floats, k: Ints, room: float, fee_rate: float) -> float:
    """Return the largest notional whose margin and fee some money covers, by the tier that it falls into; 0 for none."""
    for above in range(k[at.TIERS]):
        row = at.F_TIERS + (k[at.TIERS] - 1 - above) * at.TIER_WIDTH
        leverage = min(f[at.LEVERAGE], f[row + at.TIER_LEVERAGE])
        most = min(room / (1.0 / leverage + fee_rate), f[row + at.TIER_UP_TO])
        below = f[row - at.TIER_WIDTH + at.TIER_UP_TO] if row > at.F_TIERS else 0.0
        if most > below:
            return most
    return 0.0


def tier_of(f: Floats, k: Ints, notional: float) -> int:
    """Return where the row of the tier begins that a notional falls into; a border belongs to the tier below it."""
    row = at.F_TIERS
    for _ in range(k[at.TIERS] - 1):
        if notional <= f[row + at.TIER_UP_TO]:
            break
        row += at.TIER_WIDTH
    return row


def mark_of(f: Floats) -> float:
    """Return the price that the position is valued at for margin and payments: the mark price where one is known, else the last."""
    return f[at.CLOSE] if math.isnan(f[at.MARK]) else f[at.MARK]


# -- liquidation -------------------------------------------------------------------------------------------------------


def band_after_fill(f: Floats, k: Ints, before: int) -> None:
    """Draw the band of prices inside of which the position is not liquidated, as after a fill; ``before`` are the lots until then."""
    if k[at.IS_ISOLATED] != 0:
        # What a fill has closed takes its part of the funding with it.
        f[at.ADDED] = f[at.ADDED] * min(1.0, k[at.LOTS] / before) if k[at.LOTS] * before > 0 else 0.0
    if k[at.TIERS] > 1 or k[at.IS_ISOLATED] != 0:
        band_after_payment(f, k)
        return
    units, share = f[at.UNITS], f[at.CLOSE_SHARE]
    f[at.FLOOR], f[at.CEILING] = -math.inf, math.inf
    if units > 0.0:
        floor = -f[at.CASH] / (units * (1.0 - share))
        if floor > 0.0:
            f[at.FLOOR] = floor
    elif units < 0.0:
        f[at.CEILING] = f[at.CASH] / (-units * (1.0 + share))


def band_after_payment(f: Floats, k: Ints) -> None:
    """Draw the band as after a payment, or after a price that left it and liquidated nothing: from the mark or last price."""
    units, price = f[at.UNITS], mark_of(f)
    f[at.FLOOR], f[at.CEILING] = -math.inf, math.inf
    if units == 0.0:
        return
    floor, ceiling = math.nan, math.nan
    if units > 0.0:
        floor = liquidation_price(f, k, -1, price)
    else:
        ceiling = liquidation_price(f, k, 1, price)
    if floor >= price or ceiling <= price:
        f[at.FLOOR], f[at.CEILING] = math.inf, -math.inf
        return
    if not math.isnan(floor):
        f[at.FLOOR] = floor
    if not math.isnan(ceiling):
        f[at.CEILING] = ceiling


def liquidation_price(f: Floats, k: Ints, step: int, price: float) -> float:
    """Return ``hookline.simulation.margin.liquidation_price`` of the position, searched from a price: tier by tier."""
    quantity, equity = abs(f[at.UNITS]), backing(f, k, price)
    begin, borders = price, k[at.TIERS] - 1
    for index in range(borders + 1):
        end = math.inf if step > 0 else 0.0
        if index < borders:
            number = index if step > 0 else borders - 1 - index
            end = f[at.F_TIERS + number * at.TIER_WIDTH + at.TIER_UP_TO] / quantity
            if (end - begin) * step <= 0.0:
                continue
        inside = (begin + end) / 2.0 if end < math.inf else begin * 2.0
        row = tier_of(f, k, quantity * inside)
        slope = f[at.UNITS] - quantity * (f[row + at.TIER_MAINTENANCE] + f[at.TAKER_FEE])
        constant = equity - f[at.UNITS] * price + f[row + at.TIER_DEDUCTION]
        if constant + slope * begin <= 0.0:
            return begin
        if slope * step < 0.0:
            found = -constant / slope
            if found > 0.0 and (end - found) * step >= 0.0:
                return found
        begin = end
    return math.nan


def liquidation_level(f: Floats, k: Ints, low: float, high: float) -> float:
    """Return the price between two prices at which the position is due, NaN for none."""
    if f[at.UNITS] > 0.0:
        level = liquidation_price(f, k, -1, high)
        return level if low - level <= 0.0 else math.nan
    level = liquidation_price(f, k, 1, low)
    return level if high - level >= 0.0 else math.nan
