"""The text of which the source of a kernel is put together; ``source.py`` says by what rules."""

from __future__ import annotations

__all__ = [
    "CLOSING",
    "DECIDE",
    "FAILED",
    "FINISH",
    "FLOW",
    "HEARD",
    "MARK",
    "MARKED",
    "MARKS",
    "MARK_PAID",
    "MATCH",
    "PAY_AFTER",
    "PAY_BEFORE",
    "RELOAD",
    "SETUP",
    "WATCH",
    "WATCHED",
    "WHOLE",
]

WHOLE = '''"""Compiled run of {name}, written by hookline; safe to delete."""

from collections import namedtuple
from math import inf, nan

from numba import njit

Row = namedtuple("Row", {row_names!r})
Held = namedtuple("Held", ["exposure", "entry_price", "stop", "since"])
Params = namedtuple("Params", {param_names!r})


@njit("void({types})", cache=True, nogil=True, _nrt=False)
def run({arguments}):
    n = len(bars)
    for c in range(len(floats)):
{setup}
        for i in range(n):
{steps}
            if i < begin:
                continue
{loop}
{finish}
'''

SETUP = """
for j in range(len(f_start)):
    f[j] = f_start[j]
for j in range(len(k_start)):
    k[j] = k_start[j]
f[SIZER_A] = floats[c, {sizer}]
f[SIZER_B] = floats[c, {sizer} + 1]
cash = f[CASH]
units = 0.0
is_busy = False
wake_low = -inf
wake_high = inf
settled = -1
exposure = 0.0
entry = nan
stop = nan
since = 0.0
equity = cash
flow = 0.0
moved = begin
"""

RELOAD = """
units = f[UNITS]
is_busy = k[IS_BUSY] != 0
wake_low = f[WAKE_LOW]
wake_high = f[WAKE_HIGH]
"""

HEARD = """
settled = k[SETTLED]
exposure = f[HELD_EXPOSURE]
entry = f[HELD_ENTRY]
stop = f[HELD_STOP]
since = f[HELD_SINCE]
if k[ERROR] != 0:
    break
"""

FAILED = """
if k[ERROR] != 0:
    break
"""

MATCH = """
if is_busy or (units != 0.0 and ({reached})):
    is_moved = True
    f[OPEN] = bars[i, 0]
    f[HIGH] = bars[i, 1]
    f[LOW] = bars[i, 2]
    f[CLOSE] = bars[i, 3]
    k[START] = stamps[i, 4]
    k[END] = stamps[i, 4] + duration
    match(f_at, k_at)
"""

DECIDE = """
if {known}:
    decision = decide(Row({row}), Held(exposure, entry, stop, since), params)
    if decision.plain != settled or decision.plain < 0:
        f[CLOSE] = bars[i, 3]
        k[END] = stamps[i, 4] + duration
        act(f_at, k_at, decision.plain, int(decision.acts), decision.exposure, decision.stop, decision.target)
"""

# The worth of the account is reckoned as ``equity_of`` does, to the last bit.
WATCH = """
if is_moved or is_watched or units != 0.0:
    worth = f[CASH] + units * bars[i, 3] if units != 0.0 else f[CASH]
    if is_watched or worth < calm_low or worth > calm_high:
        f[CLOSE] = bars[i, 3]
        k[END] = stamps[i, 4] + duration
        oversee(f_at, k_at)
"""

WATCHED = """
is_watched = k[IS_WATCHED] != 0
calm_low = f[CALM_LOW]
calm_high = f[CALM_HIGH]
"""

CLOSING = """
f[OPEN] = bars[i, 0]
f[HIGH] = bars[i, 1]
f[LOW] = bars[i, 2]
k[START] = stamps[i, 4]
is_moved = True
"""

MARK = """
f[MARK] = marks[i, 3]
"""

MARKS = """
f[MARK] = marks[i, 3]
f[MARK_OPEN] = marks[i, 0]
f[MARK_LOW] = marks[i, 1]
f[MARK_HIGH] = marks[i, 2]
"""

MARK_PAID = """
f[MARK] = pay_mark[paid]
"""

MARKED = """
mark_low = f[FLOOR]
mark_high = f[CEILING]
"""

PAY_BEFORE = """
while paid < len(pay_bar) and pay_bar[paid] == i and pay_after[paid] == 0:
    f[CLOSE] = bars[max(i - 1, 0), 3]
    inside = stamps[i, 4] + duration if pay_time[paid] > stamps[i, 4] else 0
    pay(f_at, k_at, pay_time[paid], pay_rate[paid], pay_kind, inside)
    paid += 1
    is_moved = True
"""

PAY_AFTER = """
while paid < len(pay_bar) and pay_bar[paid] == i:
    f[CLOSE] = bars[i, 3]
    pay(f_at, k_at, pay_time[paid], pay_rate[paid], pay_kind, 0)
    paid += 1
    is_moved = True
"""

FLOW = """
step = f[BAR_FLOW]
for j in range(min(k[BAR_PAYMENTS], PAID_ROOM)):
    step += f[F_PAID + j]
flow += step
f[BAR_FLOW] = 0.0
k[BAR_PAYMENTS] = 0
moved = i
"""

# A day that has ended is looked back at by the first bar after it that changes equity; days between bring nothing.
DAYS = """
if stamps[i, 4] + duration > day_stop:
    if day_equity > 0.0:
        change = before / day_equity - 1.0
        day_total += change
        day_squares += change * change
    day_equity = before
    day_stop = ((stamps[i, 4] + duration - 1) // 86_400_000_000_000 + 1) * 86_400_000_000_000
"""

FINISH = """
finish(f_at, k_at)
if units == 0.0 and not equity > 0.0 and moved < n - 1:
    is_broken = 1
out_f[c, 0] = units * bars[n - 1, 3] + flow + cash
out_f[c, 1] = total
out_f[c, 2] = squares
out_f[c, 3] = downs
out_f[c, 4] = worst
out_f[c, 5] = equities + (n - counted) * equity
out_f[c, 6] = f[PROFIT]
out_f[c, 7] = f[WON]
out_f[c, 8] = f[LOST]
out_f[c, 9] = f[TRADED]
out_f[c, 10] = f[FEES]
out_f[c, 11] = f[FUNDING]
if day_equity > 0.0:
    change = out_f[c, 0] / day_equity - 1.0
    day_total += change
    day_squares += change * change
out_f[c, 12] = day_total
out_f[c, 13] = day_squares
held = k[HELD_TIME]
if k[LOTS] != 0:
    held += stamps[n - 1, 4] + duration - k[TRIP_BEGIN]
out_k[c, 0] = k[ORDERS]
out_k[c, 1] = k[FILLS]
out_k[c, 2] = k[PAYMENTS]
out_k[c, 3] = k[TRIPS]
out_k[c, 4] = k[WINS]
out_k[c, 5] = held
out_k[c, 6] = is_broken
out_k[c, 7] = k[ERROR]
"""
