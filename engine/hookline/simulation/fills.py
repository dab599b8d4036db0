"""Fill rules on bars.

A bar tells four prices and not their order in time, so every rule here is a choice. The table is the whole of it, and
``tests/simulation/test_fill_rules.py`` has one test for each row. *Beyond* means at or past a price, in the direction that
triggers the order; *better* is from the order's point of view.

=====  ======================================  ==========================================================================
row    situation                               result
=====  ======================================  ==========================================================================
M1     market order                            the open of the first bar that starts at or after the order's time
L1     limit, open at the limit or better      the open (the better of limit and open)
L2     limit, bar touches the limit            the limit; with ``limit_fill: through`` the bar must pass it
L3     limit that met its price on arrival     taker fee; a limit that rested first pays the maker fee
P1     post-only, open at the limit or better  rejected: it would take; otherwise it rests and pays the maker fee
A1     limit amended to another price          arrives anew at the next open: it may take, post-only is judged again
S1     stop, open beyond the trigger           the open (the worse of stop and open)
S2     stop, bar reaches the trigger           the trigger
SL1    stop-limit, triggered at the open       a limit order at the open: filled there if the limit allows
SL2    stop-limit, triggered inside the bar    the trigger if the limit allows that price
SL3    stop-limit, trigger past the limit      the limit if the bar closes at the limit or better, else it rests
T1     take-profit, open beyond the trigger    the open
T2     take-profit, bar reaches the trigger    the trigger
TR1    trailing stop                           S1 and S2 with the level that the bars before have set
TR2    trailing stop, level moved by this bar  the new level if the bar closes beyond it, else it waits
B1     bar reaches both stop and target        the stop, unless ``intrabar: path``
B2     entry at the open                       its stop and target are tested on the rest of the same bar
B3     entry inside the bar                    its stop is tested on the same bar, its target from the next bar on
B4     entry inside the bar, trailing stop     the first level is tested; only the bar's close can move it
O1     one cancels other                       any fill of one cancels the others, in the same bar too
I1     IOC, FOK                                only the first open counts (of a stop: its trigger): filled or canceled
G1     GTD                                     bars that start before its time; in the bar that holds it, the open only
R1     reduce-only                             cut to the position; canceled as soon as there is nothing to reduce
F1     more than the funds allow               cut to what they allow; rejected if that is nothing, and for FOK
F2     spot, selling more than is held         rejected when it would fill
F3     limit that rests beyond the free funds  rejected on arrival: those that rest already have reserved theirs; ``reserving.py``
LQ1    liquidation level reached               the worse of level and open, after what the price fills on the way; ``liquidation.py``
D1     cancel-all-after                        at its time, what was sent up to then is canceled, unless it was renewed
Q1     canceled or amended inside a bar        its open counts as before; then a cancel counts, an amendment a bar later
C1     order sent on a bar's close             never fills before the next event: the first bar that starts later
C2     market order, with ``fill: close``      the close of the bar at whose end it was sent; sent at another time: M1
=====  ======================================  ==========================================================================

With ``intrabar: path`` a bar is walked open, nearer extreme, other extreme, close, and orders fill in the order in which
that path meets them (ties of distance go to the low first). Slippage moves market, stop and take-profit fills against the
order and rounds to the tick, against the order; limit fills have none.

``fill: close`` is the convention of vectorised studies: a decision trades at the very price that it was made on. It concerns market
orders alone. Every other order, protective ones of an entry at the close among them, comes to the market with the next bar.

All functions are scalar, pure and compilable by numba. ``side`` is +1 or -1, NaN means "no fill".
"""

from __future__ import annotations

import math

__all__ = ["limit_price", "path", "slipped", "stop_limit_price", "stop_price", "touch_price", "trail_level"]


def limit_price(side: int, limit: float, open_: float, high: float, low: float, through: bool) -> float:
    """Return the fill price of a limit order on a bar (rows L1, L2), NaN if there is none."""
    if side * (limit - open_) >= 0.0:
        return open_
    reach = low if side > 0 else high
    distance = side * (limit - reach)
    if distance > 0.0 or (distance == 0.0 and not through):
        return limit
    return math.nan


def stop_price(side: int, trigger: float, open_: float, high: float, low: float) -> float:
    """Return the price at which a stop triggers on a bar (rows S1, S2), NaN if it does not."""
    if side * (open_ - trigger) >= 0.0:
        return open_
    reach = high if side > 0 else low
    if side * (reach - trigger) >= 0.0:
        return trigger
    return math.nan


def touch_price(side: int, trigger: float, open_: float, high: float, low: float) -> float:
    """Return the price at which a take-profit triggers on a bar (rows T1, T2), NaN if it does not."""
    return limit_price(side, trigger, open_, high, low, False)


def stop_limit_price(side: int, trigger: float, limit: float, close: float, through: bool) -> float:
    """Return the fill price of a stop-limit order triggered inside a bar (rows SL2, SL3), NaN if it rests."""
    if side * (limit - trigger) >= 0.0:
        return trigger
    distance = side * (limit - close)
    if distance > 0.0 or (distance == 0.0 and not through):
        return limit
    return math.nan


def trail_level(side: int, extreme: float, amount: float, fraction: float) -> float:
    """Return the trigger of a trailing stop behind the extreme price seen; one of amount and fraction is 0."""
    return extreme + side * (amount + abs(extreme) * fraction)


def slipped(
    side: int, price: float, high: float, low: float, fraction: float, amount: float, range_fraction: float
) -> float:
    """Return a price moved against the order by a fraction of it, an amount, and a fraction of the bar's range."""
    return price + side * (abs(price) * fraction + amount + (high - low) * range_fraction)


def path(open_: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    """Return the assumed path of prices inside a bar: open, nearer extreme, other extreme, close."""
    if high - open_ < open_ - low:
        return open_, high, low, close
    return open_, low, high, close
