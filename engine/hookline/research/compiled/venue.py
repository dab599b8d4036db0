"""A bar meets the orders that are open: the fill rules of ``simulation/bar_venue.py`` and ``simulation/core.py``.

One instrument, one position, and what a signal strategy sends: market orders, stops that reduce, limits that reduce. So an order never
rests before its funds are asked for, none has a time of its own, and what fills inside a bar has no children.
"""

from __future__ import annotations

import math

from hookline.research.compiled import layout as at
from hookline.research.compiled.booking import (
    add_order,
    book_fill,
    book_payment,
    end_order,
    end_trip,
    find_order,
    log_order,
    remove_order,
)
from hookline.research.compiled.layout import Floats, Ints
from hookline.research.compiled.liquidating import is_liquidated_before, liquidate
from hookline.research.compiled.margin import affordable, band_after_payment, mark_of
from hookline.research.compiled.money import slip, units_of
from hookline.simulation.fills import limit_price, stop_price
from hookline.simulation.funding import funding_payment, interest_payment

__all__ = ["match", "match_close", "pay", "watch"]


def match(f: Floats, k: Ints) -> None:
    """Fill what the present bar fills, and tell the strategy's side of it."""
    fills = k[at.FILLS]
    k[at.IS_ENTRY_FILLED] = 0
    if k[at.IS_GUARDED] != 0:
        price = f[at.OPEN] if k[at.HAS_MARKS] == 0 else f[at.MARK_OPEN]
        if price <= f[at.FLOOR] or price >= f[at.CEILING]:
            liquidate(f, k, price, price, 1)
    meet_opens(f, k)
    if k[at.IS_GUARDED] != 0:
        inside_guarded(f, k)
    elif k[at.OPEN_ORDERS] > 0:
        meet_inside(f, k, -math.inf, math.inf)
    if k[at.IS_LEAVING] != 0:
        end_trip(f, k, f[at.TRIP_PAID] + f[at.TRIP_INSIDE])
    if k[at.FILLS] != fills:
        hear(f, k)
    watch(f, k)


def match_close(f: Floats, k: Ints) -> None:
    """Fill the market orders that were sent on the close of the present bar at that close, and tell the strategy's side of it."""
    fills, count = k[at.FILLS], 0
    k[at.IS_ENTRY_FILLED] = 0
    for row in range(k[at.OPEN_ORDERS]):
        if k[at.K_ORDERS + row * at.K_WIDTH + at.TYPE] == at.MARKET:
            k[at.K_SCRATCH + count] = k[at.K_ORDERS + row * at.K_WIDTH + at.NUMBER]
            count += 1
    for index in range(count):
        row = find_order(k, k[at.K_SCRATCH + index])
        if row >= 0:
            fill_market(f, k, row, f[at.CLOSE], k[at.END])
    if k[at.FILLS] != fills:
        hear(f, k)


def hear(f: Floats, k: Ints) -> None:
    """Let the strategy's side know what it holds now that fills have come."""
    k[at.SETTLED] = -1
    if k[at.LOTS] == 0:
        f[at.HELD_EXPOSURE], f[at.HELD_ENTRY], f[at.HELD_STOP], f[at.HELD_SINCE] = 0.0, 0.0, math.nan, 0.0
    elif k[at.IS_ENTRY_FILLED] != 0:
        f[at.HELD_EXPOSURE] = f[at.WANTED_EXPOSURE]
        f[at.HELD_ENTRY] = f[at.ENTRY_PRICE]
        f[at.HELD_SINCE] = k[at.OPENED] / 1e9
        if k[at.IS_ENTRY_FILLED] == 1:
            f[at.HELD_STOP] = f[at.WANTED_STOP]


def pay(f: Floats, k: Ints, time: int, rate: float, is_interest: int, inside: int) -> None:
    """Settle funding, or interest on what is borrowed, on what is held, at the mark or last price; ``inside`` as for ``book_payment``."""
    if k[at.LOTS] != 0:
        if is_interest != 0:
            amount = interest_payment(f[at.UNITS], mark_of(f), rate)
        else:
            amount = funding_payment(f[at.UNITS], mark_of(f), rate)
        if amount != 0.0:
            book_payment(f, k, time, amount, inside)
        f[at.ADDED] += amount
    if k[at.IS_GUARDED] != 0:
        band_after_payment(f, k)
    watch(f, k)


# -- the open ----------------------------------------------------------------------------------------------------------


def meet_opens(f: Floats, k: Ints) -> None:
    """Let every order that was sent before this bar meet its open, in the order in which they were sent."""
    count = k[at.OPEN_ORDERS]
    for index in range(count):
        k[at.K_SCRATCH + index] = k[at.K_ORDERS + index * at.K_WIDTH + at.NUMBER]
    for index in range(count):
        row = find_order(k, k[at.K_SCRATCH + index])
        if row >= 0:
            meet_open(f, k, row)


def meet_open(f: Floats, k: Ints, row: int) -> None:
    """Let an order meet the open."""
    i = at.K_ORDERS + row * at.K_WIDTH
    if k[i + at.TYPE] == at.MARKET:
        fill_market(f, k, row, f[at.OPEN], k[at.START])
    else:
        meet_open_resting(f, k, row)


def meet_open_resting(f: Floats, k: Ints, row: int) -> None:
    """Let a stop or a limit order meet the open: it fills there, or rests."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    side = k[i + at.SIDE]
    if k[i + at.TYPE] == at.STOP_ORDER:
        if side * (f[at.OPEN] - f[g + at.TRIGGER]) < 0.0:
            rest(f, k, row)
        else:
            execute(f, k, row, f[at.OPEN], k[at.START], 0)
        return
    arrives = k[i + at.REPRICED] != 0 or k[i + at.STATUS] == at.SUBMITTED
    k[i + at.REPRICED] = 0
    if side * (f[g + at.LIMIT] - f[at.OPEN]) < 0.0:
        rest(f, k, row)
    else:
        execute(f, k, row, f[at.OPEN], k[at.START], 0 if arrives else 1)


def rest(f: Floats, k: Ints, row: int) -> None:
    """Let an order that has arrived rest, unless it has nothing to reduce."""
    i = at.K_ORDERS + row * at.K_WIDTH
    if k[i + at.STATUS] == at.SUBMITTED:
        if k[i + at.SIDE] * k[at.LOTS] >= 0:
            end_order(f, k, row, at.CANCELED, k[at.START], at.NOTHING_TO_REDUCE)
        else:
            k[i + at.STATUS] = at.ACCEPTED
            k[i + at.UPDATED] = k[at.START]


# -- inside the bar ----------------------------------------------------------------------------------------------------


def inside_guarded(f: Floats, k: Ints) -> None:
    """Fill what the bar fills after its open, and liquidate what it liquidates."""
    low, high = f[at.LOW], f[at.HIGH]
    if k[at.HAS_MARKS] != 0:
        low, high = f[at.MARK_LOW], f[at.MARK_HIGH]
    if low <= f[at.FLOOR] or high >= f[at.CEILING]:
        level = f[at.FLOOR] if low <= f[at.FLOOR] else f[at.CEILING]
        meet_inside(f, k, min(f[at.OPEN], level), max(f[at.OPEN], level))
        liquidate(f, k, low, high, 0)
    if k[at.OPEN_ORDERS] > 0:
        meet_inside(f, k, -math.inf, math.inf)
        if low <= f[at.FLOOR] or high >= f[at.CEILING]:
            liquidate(f, k, low, high, 0)


def meet_inside(f: Floats, k: Ints, above: float, below: float) -> None:
    """Fill the orders whose price lies between two prices and is reached inside the bar: stops, then limits."""
    count = 0
    for kind in (at.STOP_ORDER, at.LIMIT_ORDER):
        for row in range(k[at.OPEN_ORDERS]):
            i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
            price = f[g + at.TRIGGER] if kind == at.STOP_ORDER else f[g + at.LIMIT]
            if k[i + at.TYPE] == kind and above < price < below:
                k[at.K_SCRATCH + count] = k[i + at.NUMBER]
                count += 1
    for index in range(count):
        row = find_order(k, k[at.K_SCRATCH + index])
        if row >= 0:
            test_inside(f, k, row)


def test_inside(f: Floats, k: Ints, row: int) -> None:
    """Fill a stop or a limit order if the bar reaches its price."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    side, is_stop = k[i + at.SIDE], k[i + at.TYPE] == at.STOP_ORDER
    if is_stop:
        price = stop_price(side, f[g + at.TRIGGER], f[at.OPEN], f[at.HIGH], f[at.LOW])
    else:
        through = k[at.IS_THROUGH] != 0
        price = limit_price(side, f[g + at.LIMIT], f[at.OPEN], f[at.HIGH], f[at.LOW], through)
    if not math.isnan(price):
        execute(f, k, row, price, k[at.END], 0 if is_stop else 1)


# -- executions --------------------------------------------------------------------------------------------------------


def execute(f: Floats, k: Ints, row: int, price: float, time: int, maker: int) -> None:
    """Fill an order without children at a price of the bar, with slippage where it takes what it gets."""
    i = at.K_ORDERS + row * at.K_WIDTH
    number, kind = k[i + at.NUMBER], k[i + at.TYPE]
    if is_liquidated_before(f, k, price, 1 if time == k[at.START] else 0):
        row = find_order(k, number)
        if row < 0:
            return
    if maker == 0 and kind != at.LIMIT_ORDER:
        price = slip(f, k, k[at.K_ORDERS + row * at.K_WIDTH + at.SIDE], price)
    fill(f, k, row, price, time, maker)


def fill_market(f: Floats, k: Ints, row: int, price: float, time: int) -> None:
    """Fill a market order at the open or the close of the bar."""
    i = at.K_ORDERS + row * at.K_WIDTH
    number, has_children = k[i + at.NUMBER], k[i + at.STOP_NUMBER] + k[i + at.TARGET_NUMBER] > 0
    if is_liquidated_before(f, k, price, 1 if time == k[at.START] else 0):
        row = find_order(k, number)
        if row < 0:
            return
    price = slip(f, k, k[at.K_ORDERS + row * at.K_WIDTH + at.SIDE], price)
    if has_children:
        fill_entry(f, k, row, price, time)
    else:
        fill(f, k, row, price, time, 0)


def fill(f: Floats, k: Ints, row: int, price: float, time: int, maker: int) -> None:
    """Fill an order without children as far as position and funds allow."""
    i = at.K_ORDERS + row * at.K_WIDTH
    held, number, group = k[at.LOTS], k[i + at.NUMBER], k[i + at.GROUP]
    if take(f, k, row, price, time, maker) > 0:
        follow(f, k, number, group, held, time)


def fill_entry(f: Floats, k: Ints, row: int, price: float, time: int) -> None:
    """Fill an entry at the open or the close, and send its children; those of an entry at the open meet it too."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    held, number, side, tag = k[at.LOTS], k[i + at.NUMBER], k[i + at.SIDE], k[i + at.TAG]
    stop, target = k[i + at.STOP_NUMBER], k[i + at.TARGET_NUMBER]
    trigger, limit = f[g + at.CHILD_STOP], f[g + at.CHILD_TARGET]
    group = stop if stop > 0 and target > 0 else 0
    lots = take(f, k, row, price, time, 0)
    if lots <= 0:
        return
    if stop > 0:
        child = send_child(f, k, number, stop, -side, at.STOP_ORDER, lots, time, tag, group)
        f[at.F_ORDERS + child * at.F_WIDTH + at.TRIGGER] = trigger
    if target > 0:
        child = send_child(f, k, number, target, -side, at.LIMIT_ORDER, lots, time, tag, group)
        f[at.F_ORDERS + child * at.F_WIDTH + at.LIMIT] = limit
    if time == k[at.START]:
        for one in (stop, target):
            if one > 0:
                child = find_order(k, one)
                if child >= 0:
                    meet_open_resting(f, k, child)
    follow(f, k, number, 0, held, time)


def send_child(
    f: Floats, k: Ints, parent: int, number: int, side: int, kind: int, lots: int, time: int, tag: int, group: int
) -> int:  # fmt: skip
    """Append a child of an entry that has filled and return its row."""
    row = add_order(f, k, number, side, kind, lots, time, 1, tag)
    i = at.K_ORDERS + row * at.K_WIDTH
    k[i + at.PARENT] = parent
    k[i + at.GROUP] = group
    return row


def take(f: Floats, k: Ints, row: int, price: float, time: int, maker: int) -> int:
    """Book what position and funds allow of an order, end it, and return the lots filled."""
    i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
    rate = f[at.MAKER_FEE] if maker != 0 else f[at.TAKER_FEE]
    lots = allowed(f, k, row, price, rate, time)
    if lots <= 0:
        return 0
    fee = units_of(f, lots) * abs(price) * rate
    number, wanted = k[i + at.NUMBER], k[i + at.QUANTITY]
    k[i + at.FILLED] = lots
    k[i + at.UPDATED] = time
    f[g + at.AVERAGE] = price * lots / lots
    if number == k[at.ENTRY]:
        k[at.IS_ENTRY_FILLED] = 2 if k[i + at.REDUCES] != 0 else 1
        f[at.WANTED_STOP] = f[g + at.CHILD_STOP]
    book_fill(f, k, number, k[i + at.SIDE], lots, price, fee, maker, time)
    if lots < wanted:
        reason = at.POSITION_CLOSED if k[i + at.REDUCES] != 0 else at.FUNDS_FOR_REST
        end_order(f, k, row, at.CANCELED, time, reason)
    else:
        k[i + at.STATUS] = at.FILLED_UP
        log_order(f, k, row)
        remove_order(f, k, row)
    return lots


def allowed(f: Floats, k: Ints, row: int, price: float, rate: float, time: int) -> int:
    """Return how many lots position and funds allow; where that is none the order is ended, and 0 returned."""
    i = at.K_ORDERS + row * at.K_WIDTH
    held, side, lots = k[at.LOTS], k[i + at.SIDE], k[i + at.QUANTITY]
    if k[i + at.REDUCES] != 0:
        against = -side * held
        if against <= 0:
            end_order(f, k, row, at.CANCELED, time, at.NOTHING_TO_REDUCE)
            return 0
        lots = min(lots, against)
    after = held + side * lots
    if k[at.IS_SPOT] != 0 and after < 0 and after < -k[at.BORROW_LOTS]:
        end_order(f, k, row, at.REJECTED, time, at.NOT_HELD)
        return 0
    if abs(after) > abs(held) or after * held < 0:
        most = affordable(f, k, side, price, rate)
        if most < lots:
            if most <= 0:
                end_order(f, k, row, at.REJECTED, time, at.FUNDS)
                return 0
            return most
    return lots


def follow(f: Floats, k: Ints, number: int, group: int, held: int, time: int) -> None:
    """End what a fill makes void: the rest of its group, and what protected a position that is closed."""
    if group != 0:
        row = 0
        while row < k[at.OPEN_ORDERS]:
            i = at.K_ORDERS + row * at.K_WIDTH
            if k[i + at.GROUP] == group and k[i + at.NUMBER] != number:
                end_order(f, k, row, at.CANCELED, max(time, k[i + at.TIME]), at.GROUP_FILLED)
            else:
                row += 1
    lots = k[at.LOTS]
    if held != 0 and lots * held <= 0:
        row = 0
        while row < k[at.OPEN_ORDERS]:
            i = at.K_ORDERS + row * at.K_WIDTH
            waits = k[i + at.STATUS] != at.SUBMITTED
            if k[i + at.REDUCES] != 0 and waits and k[i + at.SIDE] * lots >= 0:
                end_order(f, k, row, at.CANCELED, time, at.POSITION_CLOSED)
            else:
                row += 1


def watch(f: Floats, k: Ints) -> None:
    """Work out when to look next: at the next bar, or once a price leaves the range in which nothing can happen."""
    low, high, is_busy = f[at.FLOOR], f[at.CEILING], 0
    if k[at.HAS_MARKS] != 0:
        low, high = -math.inf, math.inf
    for row in range(k[at.OPEN_ORDERS]):
        i, g = at.K_ORDERS + row * at.K_WIDTH, at.F_ORDERS + row * at.F_WIDTH
        side = k[i + at.SIDE]
        if k[i + at.STATUS] == at.SUBMITTED or k[i + at.REPRICED] != 0:
            is_busy = 1
        elif (k[i + at.TYPE] == at.STOP_ORDER) == (side > 0):
            high = min(high, f[g + at.TRIGGER] if side > 0 else f[g + at.LIMIT])
        else:
            low = max(low, f[g + at.LIMIT] if side > 0 else f[g + at.TRIGGER])
    f[at.WAKE_LOW], f[at.WAKE_HIGH] = low, high
    k[at.IS_BUSY] = is_busy
