"""The gate: ``risk/gate.py``, and what ``kernel/desk.py`` does when trading halts.

Rules are asked in the order of the session. The first that denies or halts ends the matter; each that shrinks leaves less for those
after it. A halt cancels what is open and would add to a position, or all of it, and lets no entry pass until its time is over.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.booking import add_order, end_order
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.money import units_of
from hookline.research.compiled.rules import ask, wants_halt

__all__ = ["halt", "halts", "judge", "oversee"]


# -- entries -----------------------------------------------------------------------------------------------------------


def judge(f: Floats, k: Ints, side: int, lots: int, stop: float, target: float) -> int:
    """Return why an entry must not be sent, ``NO_REASON`` if it may; ``PASSED`` is what is left of its lots."""
    k[at.PASSED], k[at.FOUND_WHOLE] = lots, 0
    if is_halted(k):
        k[at.ASKED] = k[at.HALTED_BY] - 1
        k[at.FOUND_WHOLE] = k[at.HALT_UNTIL]
        f[at.FOUND], f[at.AGAINST] = f[at.HALT_FOUND], f[at.HALT_AGAINST]
        return at.HALTED
    for row in range(k[at.RULES]):
        f[at.FOUND], f[at.AGAINST], f[at.LEFT] = math.nan, math.nan, math.nan
        k[at.ASKED] = row
        said = ask(f, k, row, side, lots, stop, target)
        kept, k[at.PASSED] = k[at.PASSED], lots
        if said == at.SHRINK and kept < lots:
            if kept < k[at.MIN_LOTS] or units_of(f, kept) * abs(f[at.CLOSE]) < f[at.MIN_NOTIONAL]:
                f[at.LEFT] = units_of(f, kept)
                return at.BY_RULE
            lots, k[at.PASSED] = kept, kept
        elif said >= at.DENY:
            return at.BY_RULE
    return at.NO_REASON


def halts(k: Ints, row: int) -> bool:
    """Return whether a rule watches the account, and halts rather than denies."""
    return k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_KIND] >= at.MAX_DRAWDOWN


# -- halts -------------------------------------------------------------------------------------------------------------


def oversee(f: Floats, k: Ints) -> None:
    """Look at the account after a bar, and halt where a rule says so that is to be listened to."""
    is_on = is_halted(k)
    for row in range(k[at.RULES]):
        if halts(k, row) and wants_halt(f, k, row) and (not is_on or escalates(k, row)):
            halt(f, k, row)
            return
    note_calm(f, k)


def is_halted(k: Ints) -> bool:
    """Return whether trading is halted; a halt whose time is over ends."""
    if k[at.HALTED_BY] != 0 and k[at.HALT_UNTIL] != 0 and k[at.END] >= k[at.HALT_UNTIL]:
        k[at.HALTED_BY], k[at.HALT_UNTIL], k[at.FLATTENS] = 0, 0, 0
    return k[at.HALTED_BY] != 0


def escalates(k: Ints, row: int) -> bool:
    """Return whether the halt that a rule wants demands more than the one that is on."""
    flattens = k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_FLAG]
    lasts = k[at.HALT_UNTIL] != 0 and k[at.FOUND_WHOLE] == 0
    return lasts or (flattens != 0 and k[at.FLATTENS] == 0)


def halt(f: Floats, k: Ints, row: int) -> None:
    """Halt for what a rule has just found: cancel orders, and close the position where that is wanted."""
    is_timeless = k[at.HALTED_BY] != 0 and k[at.HALT_UNTIL] == 0
    if k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_FLAG] != 0:
        k[at.FLATTENS] = 1
    k[at.HALT_UNTIL] = 0 if is_timeless else k[at.FOUND_WHOLE]
    k[at.HALTED_BY] = row + 1
    f[at.HALT_FOUND], f[at.HALT_AGAINST] = f[at.FOUND], f[at.AGAINST]
    cancel_open(f, k, row)
    if k[at.FLATTENS] != 0 and k[at.LOTS] != 0:
        k[at.ORDERS] += 1
        k[at.DENIED_SIDE] = 0
        side, lots = -1 if k[at.LOTS] > 0 else 1, abs(k[at.LOTS])
        order = add_order(f, k, k[at.ORDERS], side, at.MARKET, lots, k[at.END], 1, at.HALT_TAG + row)
        g = at.F_ORDERS + order * at.F_WIDTH
        # A market order has no prices: here is what its tag says.
        f[g + at.LIMIT], f[g + at.TRIGGER] = f[at.FOUND], f[at.AGAINST]
    # The rules after this one are asked after the next bar, whatever it brings.
    k[at.IS_WATCHED] = 1


def cancel_open(f: Floats, k: Ints, row: int) -> None:
    """Cancel the orders that a halt does not leave."""
    order = 0
    while order < k[at.OPEN_ORDERS]:
        i = at.K_ORDERS + order * at.K_WIDTH
        if k[at.FLATTENS] == 0 and k[i + at.REDUCES] != 0:
            order += 1
            continue
        number = k[i + at.NUMBER]
        end_order(f, k, order, at.CANCELED, k[at.END], at.HALTED)
        if number <= k[at.ORDER_ROOM]:
            to, into = at.K_LOG + (number - 1) * at.K_WIDTH, at.F_LOG + (number - 1) * at.F_WIDTH
            k[to + at.STOP_NUMBER] = row
            f[into + at.CHILD_STOP], f[into + at.CHILD_TARGET] = f[at.FOUND], f[at.AGAINST]


def note_calm(f: Floats, k: Ints) -> None:
    """Work out between which equities no rule has anything to say, and whether even time alone may bring something."""
    low, high = -math.inf, math.inf
    k[at.IS_WATCHED] = 1 if k[at.HALTED_BY] != 0 and k[at.HALT_UNTIL] != 0 else 0
    for row in range(k[at.RULES]):
        g = at.F_RULES + row * at.RULE_F_WIDTH
        kind = k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_KIND]
        if kind == at.MAX_DRAWDOWN:
            highest = f[g + at.RULE_SUM]
            high = min(high, highest)
            # A little more than rounding can do.
            low = max(low, highest * (1.0 - f[g + at.RULE_LIMIT] + 1e-12) if highest > 0.0 else highest)
        elif kind == at.DAILY_LOSS_LIMIT:
            low, high = math.inf, -math.inf
    f[at.CALM_LOW], f[at.CALM_HIGH] = low, high
