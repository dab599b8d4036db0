"""``intrabar: path``: walk a bar along its assumed path and fill orders in the order in which the path meets them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from hookline.model import Bar, Order, OrderStatus, OrderType
from hookline.simulation.fills import path

if TYPE_CHECKING:
    from hookline.simulation.bar_venue import BarVenue

__all__ = ["walk"]


def walk(venue: BarVenue, bar: Bar) -> None:
    """Fill the orders that the path from the bar's open to its close meets."""
    for begin, stop in pairwise(path(bar.open, bar.high, bar.low, bar.close)):
        _walk_leg(venue, bar, begin, stop)


def _walk_leg(venue: BarVenue, bar: Bar, begin: float, stop: float) -> None:
    here = begin
    while True:
        met = [
            (_meets(venue, order, here, stop), order)
            for order in venue.open[bar.symbol]
            if order.time <= bar.start
        ]
        met = [(price, order) for price, order in met if not math.isnan(price)]
        due = venue.due_between(bar, here, stop)
        if all(abs(due - here) <= abs(price - here) for price, _ in met) and not math.isnan(due):
            _trail_to(venue, bar, due)
            venue.liquidate_between(bar, min(here, stop), max(here, stop))
            here = due
            continue
        if not met:
            break
        here, order = min(met, key=lambda pair: abs(pair[0] - here))
        _trail_to(venue, bar, here)
        if order.type is OrderType.STOP_LIMIT and order.status is not OrderStatus.TRIGGERED:
            venue.trigger(order, bar, here)
        else:
            venue.execute(order, here, bar, bar.end, is_maker=_is_maker(order))
    _trail_to(venue, bar, stop)


def _is_maker(order: Order) -> bool:
    # A target that its entry's price has passed already meets the market on arrival.
    return order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.status is not OrderStatus.SUBMITTED


def _trail_to(venue: BarVenue, bar: Bar, price: float) -> None:
    for order in venue.open[bar.symbol]:
        if (
            order.type is OrderType.TRAILING_STOP
            and order.time <= bar.start
            and order.trigger_price is not None
        ):
            venue.trail(order, price)


def _meets(venue: BarVenue, order: Order, here: float, stop: float) -> float:
    """Return where between ``here`` and ``stop`` the path meets an order, NaN if it does not."""
    resting = order.type in (OrderType.LIMIT, OrderType.TAKE_PROFIT) or order.status is OrderStatus.TRIGGERED
    price = order.trigger_price if order.type is OrderType.TAKE_PROFIT or not resting else order.limit_price
    if price is None:
        return math.nan
    # A buy stop and a sell limit wait above the price, a sell stop and a buy limit below it.
    above = (order.side > 0) != resting
    sign = 1.0 if above else -1.0
    must_pass = resting and venue.passes_through(order)
    for begin, price_there in ((here, here), (stop, price)):
        distance = sign * (begin - price)
        if distance > 0.0 or (distance == 0.0 and not must_pass):
            return price_there
    return math.nan
