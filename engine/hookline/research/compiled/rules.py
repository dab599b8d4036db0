"""The risk rules: what each says of an entry, of the account after a bar, and what it learns of a fill.

Each function is the method of a rule of ``hookline_risk``, or of ``risk/require_stop.py``, for one strategy with one position, operation
by operation. What is judged is always a market order that opens or adds: a signal strategy's other orders reduce, and pass. No entry
is open when one is judged, so that of the open orders only those count that reduce.

A rule has a row in each array, which holds its parameters and what it remembers. What it found goes to ``FOUND``, ``AGAINST``, ``FOUND_WHOLE``
and ``PASSED``.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.money import lots_of, units_of

__all__ = ["ask", "equity_of", "wants_halt"]


def equity_of(f: Floats) -> float:
    """Return cash and what the position is worth at the last price."""
    return f[at.CASH] + f[at.UNITS] * f[at.CLOSE] if f[at.UNITS] != 0.0 else f[at.CASH]


def ask(f: Floats, k: Ints, row: int, side: int, lots: int, stop: float, target: float) -> int:
    """Return what a rule says of an entry: ``PASS``, ``DENY``, ``SHRINK`` to ``PASSED`` lots, or ``HALT``."""
    r = at.K_RULES + row * at.RULE_K_WIDTH
    kind = k[r + at.RULE_KIND]
    if kind == at.REQUIRE_STOP:
        return at.DENY if math.isnan(stop) and lacks_stop(f, k, row, side, lots) else at.PASS
    if kind == at.MAX_ORDER_NOTIONAL:
        return judge_order_notional(f, k, row, lots)
    if kind == at.MIN_EDGE:
        return judge_edge(f, k, row, side, target)
    return at.HALT if wants_halt(f, k, row) else at.PASS


def wants_halt(f: Floats, k: Ints, row: int) -> bool:
    """Return whether a rule that watches the account wants trading to halt."""
    kind = k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_KIND]
    if kind == at.MAX_DRAWDOWN:
        return has_fallen(f, k, row)
    return False


# -- halts -------------------------------------------------------------------------------------------------------------


def has_fallen(f: Floats, k: Ints, row: int) -> bool:
    """Return whether equity has fallen too far from its highest (``max_drawdown``)."""
    g = at.F_RULES + row * at.RULE_F_WIDTH
    equity = equity_of(f)
    highest = max(f[g + at.RULE_SUM], equity)
    f[g + at.RULE_SUM] = highest
    if highest == 0.0:
        k[at.ERROR] = at.NOTHING_LEFT
        return False
    fall = 1.0 - equity / highest
    f[at.FOUND], f[at.AGAINST] = fall, highest
    k[at.FOUND_WHOLE] = 0
    return fall > f[g + at.RULE_LIMIT]


# -- sizes -------------------------------------------------------------------------------------------------------------


def judge_order_notional(f: Floats, k: Ints, row: int, lots: int) -> int:
    """Judge what an order is worth (``max_order_notional``)."""
    r, limit = at.K_RULES + row * at.RULE_K_WIDTH, f[at.F_RULES + row * at.RULE_F_WIDTH + at.RULE_LIMIT]
    notional = units_of(f, lots) * abs(f[at.CLOSE])
    if notional <= limit:
        return at.PASS
    f[at.FOUND] = notional
    if k[r + at.RULE_FLAG] == 0:
        return at.DENY
    k[at.PASSED] = lots_within(f, k, limit, f[at.CLOSE])
    return at.SHRINK


def lots_within(f: Floats, k: Ints, notional: float, price: float) -> int:
    """Return how many lots are worth at most a notional."""
    price = abs(price)
    if not (notional > 0.0 and price > 0.0):
        return 0
    lots = lots_of(f, k, notional / price)
    while lots > 0 and units_of(f, lots) * price > notional:
        lots -= 1
    return lots


def lots_if_filled(k: Ints, side: int, lots: int) -> int:
    """Return what would be held on an entry's side if it and all open orders on that side filled."""
    held, closing = side * k[at.LOTS], 0
    for row in range(k[at.OPEN_ORDERS]):
        i = at.K_ORDERS + row * at.K_WIDTH
        if k[i + at.SIDE] == side:
            closing += k[i + at.QUANTITY]
    return max(held, min(held + closing, 0)) + lots


# -- prices ------------------------------------------------------------------------------------------------------------


def judge_edge(f: Floats, k: Ints, row: int, side: int, target: float) -> int:
    """Judge how far the target is, if there is one (``min_edge``)."""
    needed, last = f[at.F_RULES + row * at.RULE_F_WIDTH + at.RULE_LIMIT], f[at.CLOSE]
    if math.isnan(target):
        return at.DENY if k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_FLAG] != 0 else at.PASS
    move = side * (target - last) / abs(last) * 1e4 if last != 0.0 else 0.0
    f[at.FOUND] = move
    return at.PASS if move >= needed - 1e-9 else at.DENY


# -- stops -------------------------------------------------------------------------------------------------------------


def lacks_stop(f: Floats, k: Ints, row: int, side: int, lots: int) -> bool:
    """Return whether an entry without a stop would leave a leveraged position without one (``require_stop``)."""
    if k[at.IS_SPOT] != 0 and k[at.CAN_SHORT] == 0:
        return False
    last, signed = abs(f[at.CLOSE]), side * k[at.LOTS]
    held, against = max(signed, 0), max(-signed, 0)
    leaving, covered = 0, 0
    for one in range(k[at.OPEN_ORDERS]):
        i = at.K_ORDERS + one * at.K_WIDTH
        if k[i + at.REDUCES] != 0:
            if k[i + at.SIDE] == side:
                leaving += k[i + at.QUANTITY]
            elif k[i + at.TYPE] == at.STOP_ORDER:
                covered += k[i + at.QUANTITY]
    left = against - min(against, leaving)
    value = held * last + (lots - min(left, lots)) * last
    value = value * units_of(f, 1) * 1.0
    threshold = f[at.F_RULES + row * at.RULE_F_WIDTH + at.RULE_LIMIT]
    if value <= equity_of(f) * threshold * (1.0 + 1e-9):
        return False
    f[at.FOUND], f[at.AGAINST] = value, equity_of(f)
    f[at.LEFT] = units_of(f, covered)
    k[at.FOUND_WHOLE] = lots_if_filled(k, side, lots)
    return covered < k[at.FOUND_WHOLE]
