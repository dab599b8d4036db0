"""A decision becomes orders: ``kernel/signal_runner.py``, and of ``kernel/desk.py`` what its orders pass.

Decisions are made when a bar has closed, and every market order of the bar before is over by then. So no entry is open when a decision
acts, nothing is pending, and an amendment is granted at once.
"""

from __future__ import annotations

import math

from hookline.kernel.sizing import fraction_quantity, risk_quantity, volatility_quantity
from hookline.research.compiled import layout as at
from hookline.research.compiled.booking import add_order, log_order
from hookline.research.compiled.gate import halt, halts, judge
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.money import lots_of, on_grid, units_of
from hookline.research.compiled.rules import equity_of

__all__ = ["act"]


def act(f: Floats, k: Ints, plain: int, acts: bool, exposure: float, stop: float, target: float) -> None:
    """Do what a decision asks for; ``plain`` is which of the decisions without prices it is, -1 for none of them."""
    if not math.isfinite(exposure) or math.isinf(stop) or math.isinf(target):
        k[at.ERROR] = at.NOT_FINITE
        return
    current = f[at.HELD_EXPOSURE]
    wanted = exposure if acts else current
    if wanted < 0.0 and k[at.CAN_SHORT] == 0:
        wanted = 0.0
    if wanted == current:
        if current != 0.0:
            move(f, k, stop, target)
    elif wanted == 0.0:
        leave(f, k)
    elif wanted * current <= 0.0:
        if current != 0.0:
            leave(f, k)
        enter(f, k, wanted, full_quantity(f, k, stop) * abs(wanted), stop, target)
    elif abs(wanted) > abs(current):
        move(f, k, stop, target)
        add(f, k, wanted)
    else:
        reduce(f, k, wanted / current, wanted)
    if k[at.IS_ENTRY_DENIED] == 0:
        k[at.SETTLED] = plain


def full_quantity(f: Floats, k: Ints, stop: float) -> float:
    """Return the quantity of a full exposure."""
    price, kind, a, b = f[at.CLOSE], k[at.SIZER], f[at.SIZER_A], f[at.SIZER_B]
    equity = equity_of(f) / (1.0 + f[at.TAKER_FEE]) * 1.0
    if kind == at.EQUITY_FRACTION:
        return fraction_quantity(equity, price, a)
    if kind == at.FIXED_NOTIONAL:
        return fraction_quantity(a, price, 1.0)
    if kind == at.RISK_BY_STOP:
        return risk_quantity(equity, price, stop, a, b)
    if kind == at.VOLATILITY_TARGET:
        return volatility_quantity(equity, price, f[at.VOLATILITY], a, b)
    return a


# -- entries -----------------------------------------------------------------------------------------------------------


def add(f: Floats, k: Ints, exposure: float) -> None:
    """Grow the position; what is added is protected at the prices of what is there."""
    stop, target, first = f[at.HELD_STOP], math.nan, 0
    for row in range(k[at.OPEN_ORDERS]):
        i = at.K_ORDERS + row * at.K_WIDTH
        is_older = first == 0 or k[i + at.NUMBER] < first
        if k[i + at.REDUCES] != 0 and k[i + at.TYPE] == at.LIMIT_ORDER and is_older:
            first = k[i + at.NUMBER]
            target = f[at.F_ORDERS + row * at.F_WIDTH + at.LIMIT]
    quantity = full_quantity(f, k, stop) * (abs(exposure) - abs(f[at.HELD_EXPOSURE]))
    enter(f, k, exposure, quantity, stop, target)


def enter(f: Floats, k: Ints, exposure: float, quantity: float, stop: float, target: float) -> None:
    """Send an entry with its protection, unless it is denied."""
    if not (0.0 <= quantity < math.inf) or math.isinf(stop):
        k[at.ERROR] = at.NOT_FINITE
        return
    f[at.WANTED_EXPOSURE] = exposure
    side = 1 if exposure > 0.0 else -1
    lots = lots_of(f, k, quantity)
    if not math.isnan(stop):
        stop = on_grid(f, k, stop, 0)
    if not math.isnan(target):
        target = on_grid(f, k, target, side)
    reason = why_unsendable(f, k, side, lots, stop, target)
    if reason == at.NO_REASON and k[at.RULES] != 0:
        reason = judge(f, k, side, lots, stop, target)
        lots = k[at.PASSED]
    if reason != at.NO_REASON:
        deny(f, k, side, lots, 0, at.ENTRY_TAG, reason)
        if reason == at.BY_RULE and halts(k, k[at.ASKED]):
            halt(f, k, k[at.ASKED])
        return
    row = send(f, k, side, at.MARKET, lots, 0, at.ENTRY_TAG)
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    k[at.IS_ENTRY_DENIED] = 0
    k[at.ENTRY] = k[i + at.NUMBER]
    f[g + at.CHILD_STOP], f[g + at.CHILD_TARGET] = stop, target
    if not math.isnan(stop):
        k[at.ORDERS] += 1
        k[i + at.STOP_NUMBER] = k[at.ORDERS]
    if not math.isnan(target):
        k[at.ORDERS] += 1
        k[i + at.TARGET_NUMBER] = k[at.ORDERS]


def why_unsendable(f: Floats, k: Ints, side: int, lots: int, stop: float, target: float) -> int:
    """Return why an entry cannot be sent, ``NO_REASON`` if it can; prices on the grid, NaN for none."""
    last = f[at.CLOSE]
    if lots < k[at.MIN_LOTS]:
        return at.QUANTITY_TOO_SMALL
    if f[at.MIN_NOTIONAL] > 0.0 and abs(last) * units_of(f, lots) < f[at.MIN_NOTIONAL]:
        return at.NOTIONAL_TOO_SMALL
    if not math.isnan(target) and not side * (target - last) > 0.0:
        return at.TARGET_ON_WRONG_SIDE
    if not math.isnan(stop) and not side * (last - stop) > 0.0:
        return at.STOP_ON_WRONG_SIDE
    return at.NO_REASON


def reduce(f: Floats, k: Ints, keep: float, exposure: float) -> None:
    """Sell or buy back a part of the position."""
    side = -1 if k[at.LOTS] > 0 else 1
    lots = lots_of(f, k, abs(f[at.UNITS]) * (1.0 - keep))
    f[at.WANTED_EXPOSURE] = exposure
    if lots < 1:
        deny(f, k, side, lots, 1, at.REDUCE_TAG, at.QUANTITY_TOO_SMALL)
        return
    row = send(f, k, side, at.MARKET, lots, 1, at.REDUCE_TAG)
    k[at.IS_ENTRY_DENIED] = 0
    k[at.ENTRY] = k[at.K_ORDERS + row * at.K_WIDTH + at.NUMBER]


def leave(f: Floats, k: Ints) -> None:
    """Close the position."""
    if k[at.LOTS] != 0:
        send(f, k, -1 if k[at.LOTS] > 0 else 1, at.MARKET, abs(k[at.LOTS]), 1, at.EXIT_TAG)


def send(f: Floats, k: Ints, side: int, kind: int, lots: int, reduces: int, tag: int) -> int:
    """Send an order and return its row; what was denied before may be denied anew."""
    k[at.ORDERS] += 1
    k[at.DENIED_SIDE] = 0
    return add_order(f, k, k[at.ORDERS], side, kind, lots, k[at.END], reduces, tag)


def deny(f: Floats, k: Ints, side: int, lots: int, reduces: int, tag: int, reason: int) -> None:
    """Record an order that is not sent, with what the gate has found; the same denial again is not recorded."""
    k[at.ENTRY] = 0
    k[at.IS_ENTRY_DENIED] = 1
    kind = reason
    if reason == at.BY_RULE:
        kind += k[at.K_RULES + k[at.ASKED] * at.RULE_K_WIDTH + at.RULE_KIND]
    if k[at.DENIED_SIDE] == side and k[at.DENIED_KIND] == kind:
        return
    k[at.DENIED_SIDE], k[at.DENIED_KIND] = side, kind
    k[at.ORDERS] += 1
    row = add_order(f, k, k[at.ORDERS], side, at.MARKET, lots, k[at.END], reduces, tag)
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    k[i + at.STATUS], k[i + at.REASON] = at.DENIED, reason
    if reason >= at.HALTED:
        k[i + at.STOP_NUMBER], k[i + at.REPRICED] = k[at.ASKED], k[at.FOUND_WHOLE]
        f[g + at.CHILD_STOP], f[g + at.CHILD_TARGET] = f[at.FOUND], f[at.AGAINST]
        f[g + at.AVERAGE] = f[at.LEFT]
    log_order(f, k, row)
    k[at.OPEN_ORDERS] -= 1


# -- protection --------------------------------------------------------------------------------------------------------


def move(f: Floats, k: Ints, stop: float, target: float) -> None:
    """Move the protective orders of the position, or send those that are missing."""
    if not math.isnan(stop) and stop != f[at.HELD_STOP]:
        moved = 0
        for row in range(k[at.OPEN_ORDERS]):
            i = at.K_ORDERS + row * at.K_WIDTH
            if k[i + at.REDUCES] != 0 and k[i + at.TYPE] == at.STOP_ORDER:
                f[at.F_ORDERS + row * at.F_WIDTH + at.TRIGGER] = on_grid(f, k, stop, 0)
                moved += 1
        if moved == 0:
            guard(f, k, at.STOP_ORDER, stop)
        f[at.HELD_STOP] = stop
    if not math.isnan(target):
        move_target(f, k, target)


def move_target(f: Floats, k: Ints, target: float) -> None:
    """Move the limits that take profit; one that has another price meets the market anew."""
    there = 0
    for row in range(k[at.OPEN_ORDERS]):
        i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
        if k[i + at.REDUCES] != 0 and k[i + at.TYPE] == at.LIMIT_ORDER:
            there += 1
            price = on_grid(f, k, target, -k[i + at.SIDE])
            if price != f[g + at.LIMIT]:
                if k[i + at.STATUS] != at.SUBMITTED:
                    k[i + at.REPRICED] = 1
                f[g + at.LIMIT] = price
    if there == 0:
        guard(f, k, at.LIMIT_ORDER, target)


def guard(f: Floats, k: Ints, kind: int, price: float) -> None:
    """Send a protective order for the whole position, one that cancels the other where there is one other."""
    side, other, others = -1 if k[at.LOTS] > 0 else 1, -1, 0
    for row in range(k[at.OPEN_ORDERS]):
        i = at.K_ORDERS + row * at.K_WIDTH
        if k[i + at.REDUCES] != 0 and k[i + at.TYPE] != kind and k[i + at.TYPE] != at.MARKET:
            others += 1
            other = i
    group = 0
    if others == 1:
        if k[other + at.GROUP] == 0:
            k[other + at.GROUP] = k[other + at.NUMBER]
        group = k[other + at.GROUP]
    row = send(f, k, side, kind, abs(k[at.LOTS]), 1, at.PROTECT_TAG)
    g = at.F_ORDERS + row * at.F_WIDTH
    k[at.K_ORDERS + row * at.K_WIDTH + at.GROUP] = group
    if kind == at.STOP_ORDER:
        f[g + at.TRIGGER] = on_grid(f, k, price, 0)
    else:
        f[g + at.LIMIT] = on_grid(f, k, price, -side)
