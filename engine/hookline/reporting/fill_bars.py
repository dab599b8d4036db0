"""The bar in which a fill counts.

Rule: a fill counts from the end of the bar that holds it, in the series of its own symbol. A record that keeps when each fill was
seen says so exactly. Without that it is inferred. A fill is stamped with the start of its bar when it happened at the
open and with the end when it happened inside. Where one bar ends (*this* bar) as the next begins, the stamp alone does
not tell, and the order does:

- made at that very moment: the next bar's open; this bar was over before the order existed;
- limit and stop-limit orders fill inside a bar at their limit or trigger and nowhere else: at any other price, or when this
  bar did not reach the price, it was the next bar's open;
- stops, take-profits and trailing stops fill inside at the trigger (moved by slippage): when this bar did not reach the
  trigger, it was the next bar's open. When it did, it was still the next open if that lies beyond the trigger, explains
  the price, and this bar closed short of the trigger: the trigger has moved, by trailing or an amendment, after this
  bar had passed it.

The last rule is wrong by one bar when slippage hides whether a fill was at the trigger or at a next open within the slippage of it;
the equity after that bar is the same in either case.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Fill, Order, OrderType

__all__ = ["inferred_bars", "seen_bars"]

Ints = NDArray[np.int64]

_TRIGGERED = frozenset({OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


def seen_bars(seen: Ints, series: BarSeries) -> Ints:
    """Return the index of the bar in which each fill counts, given the times at which they were seen."""
    bar: Ints = np.minimum(np.searchsorted(series.start, seen - series.duration), len(series) - 1)
    return bar


def inferred_bars(fills: Sequence[Fill], orders: dict[int, Order], series: BarSeries) -> Ints:
    """Return the index of the bar in which each fill of a symbol counts.

    Args:
        fills: Fills of one symbol.
        orders: Orders by number.
        series: Bars of that symbol, at least one.
    """
    last = len(series) - 1
    time = np.fromiter((fill.time for fill in fills), np.int64, len(fills))
    bar = seen_bars(time, series)
    following = np.minimum(bar + 1, last)
    is_boundary = (series.start[bar] + series.duration == time) & (series.start[following] == time)
    for row in np.flatnonzero(is_boundary).tolist():
        fill = fills[row]
        order = orders.get(fill.order_number)
        if order is None or order.time == fill.time or _is_at_next_open(fill, order, series, int(bar[row])):
            bar[row] += 1
    return bar


def _is_at_next_open(fill: Fill, order: Order, series: BarSeries, this: int) -> bool:
    price, trigger = fill.price, order.trigger_price
    if order.type not in _TRIGGERED or trigger is None:
        is_own_price = price in {order.limit_price, trigger}
        return not is_own_price or not series.low[this] <= price <= series.high[this]
    if not series.low[this] <= trigger <= series.high[this]:
        return True
    # +1 where a rising price sets the order off: a stop to buy, a take-profit to sell.
    rising = -fill.side if order.type is OrderType.TAKE_PROFIT else fill.side
    next_open = series.open[this + 1]
    is_beyond = rising * (next_open - trigger) >= 0.0
    is_short_of_it = rising * (series.close[this] - trigger) < 0.0
    explains = price != trigger and fill.side * (price - next_open) >= 0.0
    return bool(is_beyond and is_short_of_it and explains)
