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
from hookline.risk.falls import fall_of

__all__ = ["ask", "equity_of", "hear_fill", "wants_halt"]

_DAY = 86_400 * 10**9


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
    if kind <= at.MAX_POSITION_NOTIONAL:
        return judge_position(f, k, row, side, lots)
    if kind <= at.STRATEGY_BUDGET:
        return judge_gross(f, k, row, side, lots)
    if kind <= at.STOP_COOLDOWN:
        k[at.FOUND_WHOLE] = k[r + at.RULE_TIME]
        return at.DENY if k[at.END] < k[r + at.RULE_TIME] else at.PASS
    if kind == at.MAX_TRADES:
        k[at.FOUND_WHOLE] = opened_today(k, row)
        is_adding = k[at.LOTS] * side > 0
        return at.DENY if not is_adding and k[at.FOUND_WHOLE] >= k[r + at.RULE_MOST] else at.PASS
    if kind == at.MAX_OPEN_ORDERS:
        k[at.FOUND_WHOLE] = k[at.OPEN_ORDERS]
        added = 1 + (0 if math.isnan(stop) else 1) + (0 if math.isnan(target) else 1)
        f[at.FOUND] = added
        return at.DENY if k[at.OPEN_ORDERS] + added > k[r + at.RULE_MOST] else at.PASS
    if kind == at.TRADING_HOURS:
        k[at.FOUND_WHOLE] = k[at.END]
        return at.DENY if is_closed(k, row) else at.PASS
    if kind == at.MIN_EDGE:
        return judge_edge(f, k, row, side, target)
    return at.HALT if wants_halt(f, k, row) else at.PASS


def wants_halt(f: Floats, k: Ints, row: int) -> bool:
    """Return whether a rule that watches the account wants trading to halt."""
    kind = k[at.K_RULES + row * at.RULE_K_WIDTH + at.RULE_KIND]
    if kind == at.MAX_DRAWDOWN:
        return has_fallen(f, k, row)
    return kind == at.DAILY_LOSS_LIMIT and has_lost_today(f, k, row)


# -- halts -------------------------------------------------------------------------------------------------------------


def has_fallen(f: Floats, k: Ints, row: int) -> bool:
    """Return whether equity has fallen too far from its highest (``max_drawdown``)."""
    g = at.F_RULES + row * at.RULE_F_WIDTH
    equity = equity_of(f)
    highest = max(f[g + at.RULE_SUM], equity)
    f[g + at.RULE_SUM] = highest
    fall = fall_of(equity, highest)
    f[at.FOUND], f[at.AGAINST] = fall, highest
    k[at.FOUND_WHOLE] = 0
    return fall > f[g + at.RULE_LIMIT]


def has_lost_today(f: Floats, k: Ints, row: int) -> bool:
    """Return whether too much was lost since the day began (``daily_loss_limit``)."""
    g, r = at.F_RULES + row * at.RULE_F_WIDTH, at.K_RULES + row * at.RULE_K_WIDTH
    equity, offset = equity_of(f), k[r + at.RULE_PERIOD]
    day = (k[at.END] - offset) // _DAY
    if k[r + at.RULE_TIME] != day:
        f[g + at.RULE_SUM] = f[g + at.RULE_LAST]
        k[r + at.RULE_TIME] = day
    f[g + at.RULE_LAST] = equity
    start = f[g + at.RULE_SUM]
    lost = fall_of(equity, start)
    f[at.FOUND], f[at.AGAINST] = lost, start
    k[at.FOUND_WHOLE] = (day + 1) * _DAY + offset if k[r + at.RULE_MOST] != 0 else 0
    return lost > f[g + at.RULE_LIMIT]


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


def judge_position(f: Floats, k: Ints, row: int, side: int, lots: int) -> int:
    """Judge what would be held, in lots (``max_position``) or by its value (``max_position_notional``)."""
    g, r = at.F_RULES + row * at.RULE_F_WIDTH, at.K_RULES + row * at.RULE_K_WIDTH
    reached, most = lots_if_filled(k, side, lots), k[r + at.RULE_MOST]
    if k[r + at.RULE_KIND] == at.MAX_POSITION:
        f[at.FOUND] = units_of(f, reached)
        if reached <= most:
            return at.PASS
    else:
        f[at.FOUND] = units_of(f, reached) * abs(f[at.CLOSE])
        if f[at.FOUND] <= f[g + at.RULE_LIMIT]:
            return at.PASS
        most = lots_within(f, k, f[g + at.RULE_LIMIT], f[at.CLOSE])
    k[at.PASSED] = max(0, lots - (reached - most))
    return at.SHRINK if k[r + at.RULE_FLAG] != 0 else at.DENY


def judge_gross(f: Floats, k: Ints, row: int, side: int, lots: int) -> int:
    """Judge the value of what would be held, beside equity (``max_leverage``) or a budget (``strategy_budget``)."""
    g, r = at.F_RULES + row * at.RULE_F_WIDTH, at.K_RULES + row * at.RULE_K_WIDTH
    equity, gross = equity_of(f), gross_if_filled(f, k, side, lots)
    if k[r + at.RULE_KIND] == at.MAX_LEVERAGE:
        most = f[g + at.RULE_LIMIT] * equity
        if gross <= most:
            return at.PASS
        if not equity > 0.0:
            f[at.AGAINST] = equity
            return at.DENY
        f[at.FOUND] = gross / equity
    else:
        lost = f[g + at.RULE_SUM] - equity
        if not math.isnan(f[g + at.RULE_LAST]) and not lost < f[g + at.RULE_LAST]:
            f[at.AGAINST] = lost
            return at.DENY
        most = f[g + at.RULE_LIMIT]
        if not math.isnan(f[g + at.RULE_OTHER]):
            most = min(most, f[g + at.RULE_OTHER] * max(0.0, equity))
        if gross <= most:
            return at.PASS
        f[at.FOUND], f[at.AGAINST] = gross, most
    if k[r + at.RULE_FLAG] == 0:
        return at.DENY
    k[at.PASSED] = lots_within_gross(f, k, side, lots, most)
    return at.SHRINK


def gross_if_filled(f: Floats, k: Ints, side: int, lots: int) -> float:
    """Return the value of the position without its sign if the worst of the open orders and an entry of so many lots filled."""
    last = abs(f[at.CLOSE])
    worst = abs(k[at.LOTS]) * last
    ahead, behind = lots_if_filled(k, side, 0), lots_if_filled(k, -side, 0)
    worst = max(worst, max(ahead, 0) * last + max(lots + min(ahead, 0), 0) * last)
    worst = max(worst, max(behind, 0) * last)
    return worst * units_of(f, 1) * 1.0


def lots_within_gross(f: Floats, k: Ints, side: int, lots: int, most: float) -> int:
    """Return how many lots of an entry may stay for ``gross_if_filled`` to be at most a limit."""
    if not gross_if_filled(f, k, side, 0) <= most:
        return 0
    excess = gross_if_filled(f, k, side, lots) - most
    worth = units_of(f, 1) * abs(f[at.CLOSE]) * 1.0
    if not (worth > 0.0 and excess < math.inf):
        return 0
    return max(0, lots - math.ceil(excess / worth - 1e-9))


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


# -- what was traded ---------------------------------------------------------------------------------------------------


def hear_fill(f: Floats, k: Ints, kind: int, before: int, realized: float, fee: float) -> None:
    """Let rules learn of a fill that was just booked; ``kind`` is the type of its order, ``before`` the lots held till then."""
    for row in range(k[at.RULES]):
        r = at.K_RULES + row * at.RULE_K_WIDTH
        if k[r + at.RULE_KIND] == at.CONSECUTIVE_LOSSES:
            count_losses(f, k, row, realized, fee)
        elif k[r + at.RULE_KIND] == at.STOP_COOLDOWN:
            is_spared = k[r + at.RULE_FLAG] != 0 and realized >= 0.0
            # Every stop here reduces.
            if kind == at.STOP_ORDER and not is_spared:
                k[r + at.RULE_TIME] = k[at.END] + k[r + at.RULE_PERIOD]
        elif k[r + at.RULE_KIND] == at.MAX_TRADES and k[at.LOTS] != 0 and before * k[at.LOTS] <= 0:
            k[r + at.RULE_COUNT] = opened_today(k, row) + 1


def count_losses(f: Floats, k: Ints, row: int, realized: float, fee: float) -> None:
    """Count round trips that lost, one after the other, and pause after too many (``consecutive_losses``)."""
    g, r = at.F_RULES + row * at.RULE_F_WIDTH, at.K_RULES + row * at.RULE_K_WIDTH
    profit = f[g + at.RULE_SUM] + realized
    if k[at.LOTS] != 0:
        f[g + at.RULE_SUM] = profit - fee
        return
    f[g + at.RULE_SUM] = 0.0
    k[r + at.RULE_COUNT] = k[r + at.RULE_COUNT] + 1 if profit - fee < 0.0 else 0
    if k[r + at.RULE_COUNT] >= k[r + at.RULE_MOST]:
        k[r + at.RULE_TIME] = k[at.END] + k[r + at.RULE_PERIOD]
        k[r + at.RULE_COUNT] = 0


def opened_today(k: Ints, row: int) -> int:
    """Return how many positions were opened today (``max_trades``)."""
    r = at.K_RULES + row * at.RULE_K_WIDTH
    day = k[at.END] // _DAY
    if k[r + at.RULE_TIME] != day:
        k[r + at.RULE_TIME], k[r + at.RULE_COUNT] = day, 0
    return k[r + at.RULE_COUNT]


# -- times -------------------------------------------------------------------------------------------------------------


def is_closed(k: Ints, row: int) -> bool:
    """Return whether now is outside of trading hours: after an odd number of the times at which they end and begin again."""
    r = at.K_RULES + row * at.RULE_K_WIDTH
    low, high = 0, k[r + at.RULE_COUNT]
    first = k[at.HOURS] + k[r + at.RULE_MOST]
    while low < high:
        middle = (low + high) // 2
        if k[first + middle] <= k[at.END]:
            low = middle + 1
        else:
            high = middle
    return low % 2 == 1


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
