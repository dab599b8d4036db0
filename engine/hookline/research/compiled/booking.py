"""The order list and the books of a compiled run: orders come and go, fills and payments are booked.

Semantics are those of ``kernel/desk.py`` and ``model/account.py``; the round trip that is open is followed as
``reporting/round_trips.py`` works it out after a run. An order is written to the log when it ends, those still open at the end.
"""

from __future__ import annotations

import math

from hookline.model.account import apply_fill
from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.margin import band_after_fill
from hookline.research.compiled.money import units_of
from hookline.research.compiled.rules import hear_fill

__all__ = [
    "add_order",
    "book_fill",
    "book_payment",
    "end_order",
    "end_trip",
    "find_order",
    "finish",
    "log_child",
    "log_order",
    "remove_order",
]


def find_order(k: Ints, number: int) -> int:
    """Return the row of an open order, -1 if it is not open."""
    for row in range(k[at.OPEN_ORDERS]):
        if k[at.K_ORDERS + row * at.K_WIDTH + at.NUMBER] == number:
            return row
    return -1


def add_order(
    f: Floats, k: Ints, number: int, side: int, kind: int, lots: int, time: int, reduces: int, tag: int
) -> int:
    """Append an order to those at the venue and return its row; with no room the last one is overwritten and the run fails."""
    row = k[at.OPEN_ORDERS]
    if row >= at.ROWS:
        k[at.ERROR] = at.TOO_MANY_ORDERS
        row = at.ROWS - 1
    k[at.OPEN_ORDERS] = row + 1
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    for column in range(at.K_WIDTH):
        k[i + column] = 0
    for column in range(at.F_WIDTH):
        f[g + column] = math.nan
    k[i + at.NUMBER] = number
    k[i + at.SIDE] = side
    k[i + at.TYPE] = kind
    k[i + at.QUANTITY] = lots
    k[i + at.TIME] = time
    k[i + at.REDUCES] = reduces
    k[i + at.TAG] = tag
    k[i + at.STATUS] = at.SUBMITTED
    k[i + at.UPDATED] = time
    return row


def remove_order(f: Floats, k: Ints, row: int) -> None:
    """Take an order off the list; those behind it move up."""
    count = k[at.OPEN_ORDERS] - 1
    for index in range(row * at.K_WIDTH, count * at.K_WIDTH):
        k[at.K_ORDERS + index] = k[at.K_ORDERS + index + at.K_WIDTH]
    for index in range(row * at.F_WIDTH, count * at.F_WIDTH):
        f[at.F_ORDERS + index] = f[at.F_ORDERS + index + at.F_WIDTH]
    k[at.OPEN_ORDERS] = count


def end_order(f: Floats, k: Ints, row: int, status: int, time: int, reason: int) -> None:
    """Close an open order; the children of an entry that never filled are canceled with it."""
    i = at.K_ORDERS + row * at.K_WIDTH
    k[i + at.STATUS] = status
    k[i + at.UPDATED] = time
    k[i + at.REASON] = reason
    log_order(f, k, row)
    if k[i + at.FILLED] == 0:
        log_children(f, k, row, at.CANCELED, time, at.ENTRY_ENDED)
    remove_order(f, k, row)


def log_order(f: Floats, k: Ints, row: int) -> None:
    """Write an order as it stands to the log, if there is one."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    number = k[i + at.NUMBER]
    if number > k[at.ORDER_ROOM]:
        return
    to, into = at.K_LOG + (number - 1) * at.K_WIDTH, at.F_LOG + (number - 1) * at.F_WIDTH
    for column in range(at.K_WIDTH):
        k[to + column] = k[i + column]
    for column in range(at.F_WIDTH):
        f[into + column] = f[g + column]


def log_children(f: Floats, k: Ints, row: int, status: int, time: int, reason: int) -> None:
    """Write the children that wait for an entry to the log."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    stop, target = k[i + at.STOP_NUMBER], k[i + at.TARGET_NUMBER]
    group = stop if stop != 0 and target != 0 else 0
    if stop != 0:
        log_child(f, k, row, stop, at.STOP_ORDER, f[g + at.CHILD_STOP], group, status, time, reason)
    if target != 0:
        log_child(f, k, row, target, at.LIMIT_ORDER, f[g + at.CHILD_TARGET], group, status, time, reason)


def log_child(
    f: Floats, k: Ints, row: int, number: int, kind: int, price: float, group: int, status: int, time: int,
    reason: int,
) -> None:  # fmt: skip
    """Write a child that was never sent to the log."""
    if number > k[at.ORDER_ROOM]:
        return
    i = at.K_ORDERS + row * at.K_WIDTH
    to, into = at.K_LOG + (number - 1) * at.K_WIDTH, at.F_LOG + (number - 1) * at.F_WIDTH
    k[to + at.NUMBER] = number
    k[to + at.SIDE] = -k[i + at.SIDE]
    k[to + at.TYPE] = kind
    k[to + at.QUANTITY] = k[i + at.QUANTITY]
    k[to + at.TIME] = k[i + at.TIME]
    k[to + at.REDUCES] = 1
    k[to + at.PARENT] = k[i + at.NUMBER]
    k[to + at.GROUP] = group
    k[to + at.TAG] = k[i + at.TAG]
    k[to + at.STATUS] = status
    k[to + at.UPDATED] = time
    k[to + at.REASON] = reason
    f[into + at.LIMIT] = price if kind == at.LIMIT_ORDER else math.nan
    f[into + at.TRIGGER] = price if kind == at.STOP_ORDER else math.nan
    f[into + at.AVERAGE] = math.nan


def finish(f: Floats, k: Ints) -> None:
    """Count what was set aside, and write what is still open to the log."""
    end_late_trip(f, k)
    for row in range(k[at.OPEN_ORDERS]):
        log_order(f, k, row)
        i = at.K_ORDERS + row * at.K_WIDTH
        if k[i + at.FILLED] == 0:
            log_children(f, k, row, at.HELD_BACK, k[i + at.TIME], at.NO_REASON)


def book_fill(
    f: Floats, k: Ints, number: int, side: int, lots: int, price: float, fee: float, maker: int, time: int
) -> None:
    """Book an execution: position, cash, the open round trip, the log."""
    before = k[at.LOTS]
    after = before + side * lots
    quantity = side * units_of(f, lots)
    entry, realized = apply_fill(before, f[at.UNITS], f[at.ENTRY_PRICE], side * lots, quantity, price)
    notional = quantity * price
    k[at.LOTS] = after
    f[at.UNITS] = units_of(f, after)
    f[at.ENTRY_PRICE] = entry
    f[at.CASH] -= notional + fee
    f[at.BAR_FLOW] += -(notional + fee)
    f[at.FEES] += fee
    f[at.TRADED] += abs(notional)
    if before == 0:
        begin_trip(f, k, time)
    f[at.TRIP_FEES] += fee
    if abs(after) > abs(before):
        f[at.TRIP_ENTERED] += notional
    else:
        f[at.TRIP_LEFT] += notional
    if after == 0:
        k[at.HELD_TIME] += time - k[at.TRIP_BEGIN]
        leave_trip(f, k, time)
    elif before != 0 and (after > 0) != (before > 0):
        k[at.ERROR] = at.CROSSED
    if k[at.IS_GUARDED] != 0:
        band_after_fill(f, k, before)
    if k[at.HEARS_FILLS] != 0:
        tell_rules(f, k, number, before, realized, fee)
    k[at.FILLS] += 1
    row = k[at.FILLS] - 1
    if row < k[at.FILL_ROOM]:
        _log_fill(f, k, row, number, side, lots, price, fee, maker, time)


def tell_rules(f: Floats, k: Ints, number: int, before: int, realized: float, fee: float) -> None:
    """Let rules learn of a fill; the venue's own orders are market orders and not on the list."""
    row = find_order(k, number)
    kind = at.MARKET if row < 0 else k[at.K_ORDERS + row * at.K_WIDTH + at.TYPE]
    hear_fill(f, k, kind, before, realized, fee)


def begin_trip(f: Floats, k: Ints, time: int) -> None:
    """Begin a round trip; one that has just been left at this open gives it what was paid later inside this bar."""
    paid = 0.0
    if k[at.IS_LEAVING] != 0:
        paid = f[at.TRIP_INSIDE]
        end_trip(f, k, f[at.TRIP_PAID])
    k[at.OPENED] = time
    k[at.TRIP_BEGIN] = time
    f[at.TRIP_ENTERED], f[at.TRIP_LEFT], f[at.TRIP_FEES] = 0.0, 0.0, 0.0
    f[at.TRIP_PAID], f[at.TRIP_INSIDE] = paid, 0.0


def end_trip(f: Floats, k: Ints, paid: float) -> None:
    """Count a round trip that is over, with what was paid to it."""
    k[at.IS_LEAVING] = 0
    end_late_trip(f, k)
    count_trip(f, k, 0.0 - f[at.TRIP_LEFT] - f[at.TRIP_ENTERED] - f[at.TRIP_FEES] + paid)


def leave_trip(f: Floats, k: Ints, time: int) -> None:
    """End the round trip that is open, once all is known that is paid to it."""
    if k[at.FILLS_AT_CLOSE] != 0 and time == k[at.END]:
        set_trip_aside(f, k, time)
    elif time != k[at.START] or k[at.INSIDE_BAR] != k[at.END]:
        end_trip(f, k, f[at.TRIP_PAID] + f[at.TRIP_INSIDE])
    else:
        k[at.IS_LEAVING] = 1


def set_trip_aside(f: Floats, k: Ints, time: int) -> None:
    """Keep a round trip that ends as the bar does: what the one that begins at its close pays at that moment counts to this one."""
    end_late_trip(f, k)
    f[at.LATE_ENTERED], f[at.LATE_LEFT], f[at.LATE_FEES] = (
        f[at.TRIP_ENTERED],
        f[at.TRIP_LEFT],
        f[at.TRIP_FEES],
    )
    f[at.LATE_PAID] = f[at.TRIP_PAID] + f[at.TRIP_INSIDE]
    k[at.LATE_TIME] = time


def end_late_trip(f: Floats, k: Ints) -> None:
    """Count the round trip that was set aside, if there is one."""
    if k[at.LATE_TIME] != 0:
        k[at.LATE_TIME] = 0
        count_trip(f, k, 0.0 - f[at.LATE_LEFT] - f[at.LATE_ENTERED] - f[at.LATE_FEES] + f[at.LATE_PAID])


def count_trip(f: Floats, k: Ints, profit: float) -> None:
    """Count a round trip by its profit."""
    k[at.TRIPS] += 1
    f[at.PROFIT] += profit
    if profit > 0.0:
        k[at.WINS] += 1
        f[at.WON] += profit
    elif profit < 0.0:
        f[at.LOST] -= profit


def _log_fill(
    f: Floats,
    k: Ints,
    row: int,
    number: int,
    side: int,
    lots: int,
    price: float,
    fee: float,
    maker: int,
    time: int,
) -> None:
    i = at.K_LOG + k[at.ORDER_ROOM] * at.K_WIDTH + row * at.FILL_K_WIDTH
    g = at.F_LOG + k[at.ORDER_ROOM] * at.F_WIDTH + row * at.FILL_F_WIDTH
    k[i + at.FILL_TIME] = time
    k[i + at.FILL_ORDER] = number
    k[i + at.FILL_SIDE] = side
    k[i + at.FILL_LOTS] = lots
    k[i + at.FILL_IS_MAKER] = maker
    k[i + at.FILL_SEEN] = k[at.END]
    f[g + at.FILL_PRICE] = price
    f[g + at.FILL_FEE] = fee


def book_payment(f: Floats, k: Ints, time: int, amount: float, inside: int) -> None:
    """Book a payment to the position that is held; ``inside`` is the end of the bar inside of which it is made, 0 for none."""
    f[at.CASH] += amount
    kept = min(k[at.BAR_PAYMENTS], at.PAID_ROOM - 1)
    f[at.F_PAID + kept] = amount + (f[at.F_PAID + kept] if kept < k[at.BAR_PAYMENTS] else 0.0)
    k[at.BAR_PAYMENTS] += 1
    f[at.FUNDING] += amount
    if k[at.INSIDE_BAR] != inside:
        f[at.TRIP_PAID] += f[at.TRIP_INSIDE]
        f[at.TRIP_INSIDE] = 0.0
        k[at.INSIDE_BAR] = inside
    if time == k[at.LATE_TIME]:
        f[at.LATE_PAID] += amount
    elif inside != 0:
        f[at.TRIP_INSIDE] += amount
    else:
        f[at.TRIP_PAID] += amount
    k[at.PAYMENTS] += 1
    row = k[at.PAYMENTS] - 1
    if row < k[at.PAYMENT_ROOM]:
        i = at.K_LOG + k[at.ORDER_ROOM] * at.K_WIDTH + k[at.FILL_ROOM] * at.FILL_K_WIDTH + row
        g = at.F_LOG + k[at.ORDER_ROOM] * at.F_WIDTH + k[at.FILL_ROOM] * at.FILL_F_WIDTH + row
        k[i] = time
        f[g] = amount
