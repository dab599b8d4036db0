"""A position that its margin no longer holds: the rules of ``simulation/liquidation.py`` for one position."""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.booking import add_order, book_fill, end_order, log_order, remove_order
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.margin import backing, band_after_payment, liquidation_level, mark_of
from hookline.research.compiled.money import on_grid, slip

__all__ = ["is_liquidated_before", "liquidate"]


def is_liquidated_before(f: Floats, k: Ints, price: float, at_open: int) -> bool:
    """Liquidate what the price passes on its way to an order; return whether the list of orders may have changed."""
    if k[at.IS_GUARDED] == 0 or k[at.HAS_MARKS] != 0 or (price > f[at.FLOOR] and price < f[at.CEILING]):
        return False
    if price <= f[at.FLOOR]:
        liquidate(f, k, price, f[at.HIGH], at_open)
    else:
        liquidate(f, k, f[at.LOW], price, at_open)
    return True


def liquidate(f: Floats, k: Ints, low: float, high: float, at_open: int) -> None:
    """Close the position if it cannot be held when the price has moved between two prices; else draw its band anew."""
    if k[at.LOTS] == 0 or (low > f[at.FLOOR] and high < f[at.CEILING]):
        return
    level = liquidation_level(f, k, low, high)
    if math.isnan(level):
        band_after_payment(f, k)
        return
    time = k[at.START] if at_open != 0 else k[at.END]
    side = -1 if k[at.LOTS] > 0 else 1
    if at_open != 0:
        level = f[at.OPEN]
    elif k[at.HAS_MARKS] != 0:
        # Where the mark price passed the level, the traded price may have been worse before.
        level = min(level, f[at.OPEN]) if side < 0 else max(level, f[at.OPEN])
    level = min(max(level, f[at.LOW]), f[at.HIGH])
    price = slip(f, k, side, level)
    row = 0
    while row < k[at.OPEN_ORDERS]:
        i = at.K_ORDERS + row * at.K_WIDTH
        if k[i + at.STATUS] != at.SUBMITTED:
            end_order(f, k, row, at.CANCELED, max(time, k[i + at.UPDATED]), at.LIQUIDATED)
        else:
            row += 1
    close_liquidated(f, k, side, price, time)


def close_liquidated(f: Floats, k: Ints, side: int, price: float, time: int) -> None:
    """Let the venue close the position; nobody loses more than the wallet holds."""
    rate = f[at.TAKER_FEE] + f[at.LIQUIDATION_FEE]
    fee = abs(f[at.UNITS] * price) * rate
    if worth(f, k, price) < fee:
        left = worth(f, k, price)
        if left < 0.0:
            units = f[at.UNITS]
            bankrupt = on_grid(f, k, price - left / units, 1 if units > 0.0 else -1)
            price = max(bankrupt, f[at.TICK])
            left = worth(f, k, price)
        fee = min(abs(f[at.UNITS] * price) * rate, left)
    lots = abs(k[at.LOTS])
    k[at.ORDERS] += 1
    row = add_order(f, k, k[at.ORDERS], side, at.MARKET, lots, time, 1, at.LIQUIDATION_TAG)
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    k[i + at.STATUS] = at.FILLED_UP
    k[i + at.FILLED] = lots
    f[g + at.AVERAGE] = price * lots / lots
    log_order(f, k, row)
    remove_order(f, k, row)
    book_fill(f, k, k[at.ORDERS], side, lots, price, fee, 0, time)


def worth(f: Floats, k: Ints, price: float) -> float:
    """Return what backs the position when it is closed at a price, before the fee."""
    if k[at.IS_ISOLATED] != 0:
        return backing(f, k, price)
    mark = mark_of(f)
    at_mark = f[at.CASH] + f[at.UNITS] * mark
    return at_mark + f[at.UNITS] * (price - mark)
