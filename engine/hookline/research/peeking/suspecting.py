"""What foresees the bars, or is scaled to all of them, although it stayed the same when the future was changed.

Rules of this file:

- A column that is made of bars alone, and stayed the same when the bars that followed were others, cannot know them. Where it goes
  with what they did, the market has trends, and the column follows them. So it is with orders of a strategy whose code is closed.
- Anything else may have been made with the future before the session saw it, and is held against what the bars did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hookline.research.peeking.code import Global, globals_of, is_closed, is_of_bars, numbers_in
from hookline.research.peeking.foresight import Foresight, foresight_of, scale_of, values_at
from hookline.research.peeking.held import aligned
from hookline.research.peeking.inputs import sort_inputs
from hookline.research.peeking.market import MarketCopy
from hookline.research.peeking.order_foresight import foresight_of_orders, foresight_of_prices
from hookline.research.peeking.report import LookAheadFinding
from hookline.research.peeking.runs import Trace
from hookline.research.peeking.sample_numbers import SampleNumbers

if TYPE_CHECKING:
    from hookline.session.plan import Plan, Seat

__all__ = ["suspicions"]


def suspicions(
    plan: Plan, market: MarketCopy, whole: Trace, held: Sequence[Global], known: Sequence[LookAheadFinding]
) -> list[LookAheadFinding]:
    """Return what foresees the bars, or is scaled to all of its values; what is proven to leak is left out.

    Args:
        plan: What was run; its plugins did not.
        market: What it was run on.
        whole: What came of it.
        held: Data that the code of its plugins holds.
        known: What changed with the future.
    """
    proven = {one.where for one in known}
    found = list(_of_series(market))
    for place, read in whole.columns.items():
        if str(place) not in proven:
            if not is_of_bars(read.column):
                found += _peeks(foresight_of(read.values, market.bars[place.symbol]), str(place))
            scale = scale_of(read.values)
            found += [LookAheadFinding("scale", str(place), scale)] if scale else []
    found += _of_instruments(market)
    found += _of_held(market, held)
    found += [one for one in _of_numbers(plan, market, whole) if one.where not in proven]
    if not any(one.kind == "order" for one in known):
        found += _of_orders(plan, market, whole)
    return found


def _of_series(market: MarketCopy) -> Iterator[LookAheadFinding]:
    for name, series in market.external.items():
        where = f"external series {name!r}"
        seen = [(symbol, foresight_of(values_at(series, bars), bars)) for symbol, bars in market.bars.items()]
        best = max(
            (one for one in seen if one[1]), key=lambda one: one[1].strength if one[1] else 0.0, default=None
        )
        if best is not None:
            yield from _peeks(best[1], where, f" of {best[0]}")
        scale = scale_of(series.value)
        if scale:
            yield LookAheadFinding("scale", where, scale)
    for symbol, series in market.funding.items():
        bars = market.bars[symbol]
        yield from _peeks(foresight_of(values_at(series, bars), bars), f"funding of {symbol}")
    for symbol, mark in market.marks.items():
        bars = market.bars[symbol]
        index = np.searchsorted(mark.end, bars.end)
        there = (index < len(mark)) & (mark.end[np.minimum(index, len(mark) - 1)] == bars.end)
        values = np.where(there, mark.close[np.minimum(index, len(mark) - 1)], np.nan)
        yield from _peeks(foresight_of(values, bars, equality_only=True), f"mark prices of {symbol}")


def _of_instruments(market: MarketCopy) -> Iterator[LookAheadFinding]:
    """Yield instruments whose bars are those of another one, moved: labelled with their ends, or with another zone's times."""
    for symbol, bars in market.bars.items():
        for other, later in market.bars.items():
            if symbol != other:
                _, mine, its = np.intersect1d(bars.start, later.start, return_indices=True)
                values = np.full(len(later), np.nan)
                values[its] = bars.close[mine]
                found = foresight_of(values, later, equality_only=True)
                yield from _peeks(found, f"bars of {symbol}", f" of {other}")


def _of_held(market: MarketCopy, held: Sequence[Global]) -> Iterator[LookAheadFinding]:
    """Yield tables that code holds, with a row for each bar, and that foresee the bars."""
    for one in held:
        for symbol, bars in market.bars.items():
            for column, values in aligned(one.value, bars):
                yield from _peeks(
                    foresight_of(values, bars), f"{one.where}: {one.name}{column}", f" of {symbol}"
                )


def _of_numbers(plan: Plan, market: MarketCopy, whole: Trace) -> Iterator[LookAheadFinding]:
    """Yield what holds a number that is a figure of the whole sample."""
    sample = SampleNumbers(market.bars)
    places: list[tuple[str, float]] = [
        (str(place), number) for place, read in whole.columns.items() for number in numbers_in(read.column)
    ]
    for seat in plan.seats:
        values: Mapping[str, object] = vars(seat.strategy)
        places += [(f"{seat.id}: {name}", one) for name, one in values.items() if isinstance(one, float)]
    for one in globals_of(*(type(seat.strategy) for seat in plan.seats)):
        if isinstance(one.value, float):
            places.append((f"{one.where}: {one.name}", one.value))
    for where, number in dict.fromkeys(places):
        what = sample.name_of(number)
        if what:
            yield LookAheadFinding("scale", where, f"holds {number:.8g}, {what}: fitted to the whole sample")


def _of_orders(plan: Plan, market: MarketCopy, whole: Trace) -> Iterator[LookAheadFinding]:
    """Yield strategies whose orders the bars that follow prove right far too often."""
    for seat in plan.seats:
        if _is_closed(seat, market, whole):
            continue
        for symbol in seat.symbols:
            bars, where = market.bars[symbol], f"{seat.id}: orders on {symbol}"
            orders = [one for one in whole.orders if one.strategy == seat.id and one.symbol == symbol]
            prices = [
                one for one in whole.prices if one.order.strategy == seat.id and one.order.symbol == symbol
            ]
            yield from _peeks(foresight_of_orders(orders, bars), where)
            yield from _peeks(foresight_of_prices(prices, bars), where)


def _is_closed(seat: Seat, market: MarketCopy, whole: Trace) -> bool:
    """Whether the orders of a strategy can know nothing but bars."""
    data, opaque = sort_inputs(seat.strategy, next(iter(market.bars.values())).end)
    columns = [read.column for place, read in whole.columns.items() if place.strategy == seat.id]
    return not data and not opaque and all(map(is_of_bars, columns)) and is_closed(type(seat.strategy))


def _peeks(found: Foresight | None, where: str, of: str = "") -> Iterator[LookAheadFinding]:
    if found is not None:
        yield LookAheadFinding("foresight", where, f"{found.text}{of}", found.bars)
