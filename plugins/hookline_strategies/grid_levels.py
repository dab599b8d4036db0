"""What grids have in common: the quantity of a level, and a budget that is refused with the number that would work."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hookline import Instrument

__all__ = ["level_lots", "on_ticks"]

Levels = Callable[[int], Sequence[float]]


def on_ticks(instrument: Instrument, prices: Sequence[float]) -> list[float]:
    """Return rising prices on the tick grid.

    Raises:
        ValueError: if two of them fall on the same price step.
    """
    levels = [instrument.on_grid(price) for price in prices]
    if len(set(levels)) < len(levels):
        most = int((prices[-1] - prices[0]) / float(instrument.tick_size))
        found = f"was {len(levels) - 1} between {prices[0]!r} and {prices[-1]!r}"
        raise ValueError(f"num_grids: must be at most {most}, one for each price step, {found}")
    return levels


def level_lots(instrument: Instrument, levels: Levels, count: int, budget: float, spendable: float) -> int:
    """Return the lots that can be bought at every level but the highest for a budget.

    Args:
        instrument: What is traded.
        levels: Returns the prices of a grid with that many distances, rising.
        count: Distances of the grid.
        budget: Quote currency.
        spendable: Quote currency that is there to be spent.

    Raises:
        ValueError: if the budget is more than there is, or gives a level less than the minimum order.
    """
    if budget > spendable:
        most = math.floor(spendable * 100) / 100
        raise ValueError(
            f"budget: must be at most {most!r}, so that all buys can be paid at once, was {budget!r}"
        )

    def lots(number: int) -> int:
        return instrument.lots(budget / sum(levels(number)[:-1]))

    bought = levels(count)[:-1]
    least = _least_lots(instrument, bought[0])
    if lots(count) < least:
        needed = math.ceil(instrument.units(least) * sum(bought) * 100) / 100
        fits = next((number for number in range(count - 1, 1, -1) if lots(number) >= least), None)
        hint = "" if fits is None else f"; num_grids {fits} would work"
        rule = f"must be at least {needed!r} for {count} levels of the minimum order"
        raise ValueError(f"budget: {rule}, was {budget!r}{hint}")
    return lots(count)


def _least_lots(instrument: Instrument, price: float) -> int:
    """Return the smallest order at a price."""
    quantity = instrument.min_notional_float / price
    lots = instrument.lots(quantity)
    return max(instrument.min_lots, lots if instrument.units(lots) >= quantity else lots + 1)
