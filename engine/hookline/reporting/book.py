"""Fills as columns, each laid on the bar in which it counts.

Rule: a fill counts from the end of the bar that holds it, in the series of its own symbol. A fill is stamped with the start
of its bar when it happened at the open and with the end when it happened inside, so where one bar ends as the next
begins the time alone does not tell. The fill belongs to the open of the next bar when its order was made at that very moment
(it could not have been filled by the bar that was already over) or when the bar before never reached the order's
price; else it belongs to the bar that ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hookline.errors import DataError
from hookline.model import BarSeries, Fill, Order, OrderType

if TYPE_CHECKING:
    from hookline.reporting.record import RunRecord

__all__ = ["Book", "FillColumns", "book_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Orders that fill at their trigger, moved by slippage: only the trigger tells which bar reached them.
_TRIGGERED = frozenset({OrderType.STOP, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True, eq=False)
class FillColumns:
    """Fills of one symbol in the order of events: one row each.

    ``strategy`` is an index into the record's strategies, ``lots`` is signed, ``notional`` is the signed value in quote
    currency, ``bar`` the index of the bar in which the fill counts.
    """

    strategy: Ints
    time: Ints
    lots: Ints
    price: Floats
    notional: Floats
    fee: Floats
    bar: Ints

    def __len__(self) -> int:
        return len(self.time)

    def of(self, strategy: int | None) -> FillColumns:
        """Return the rows of one strategy, all rows for None."""
        if strategy is None:
            return self
        keep = self.strategy == strategy
        names = ("strategy", "time", "lots", "price", "notional", "fee", "bar")
        return FillColumns(*(getattr(self, name)[keep] for name in names))


@dataclass(frozen=True, eq=False)
class Book:
    """All fills and funding payments of a run as columns, by symbol."""

    record: RunRecord
    fills: dict[str, FillColumns]
    # Funding by symbol: time, strategy index, amount.
    funding: dict[str, tuple[Ints, Ints, Floats]]

    def strategy_index(self, strategy_id: str) -> int:
        """Return the position of a strategy in the record.

        Raises:
            KeyError: naming the strategies there are.
        """
        ids = [strategy.id for strategy in self.record.strategies]
        if strategy_id not in ids:
            raise KeyError(f"the run has no strategy {strategy_id!r}; it has {', '.join(ids) or 'none'}")
        return ids.index(strategy_id)


def book_of(record: RunRecord) -> Book:
    """Return the fills and funding of a record as columns.

    Raises:
        DataError: if a symbol was traded but has no bars to value it with.
    """
    numbers = {strategy.id: index for index, strategy in enumerate(record.strategies)}
    orders = {order.number: order for order in record.orders}
    by_symbol: dict[str, list[Fill]] = {}
    for fill in record.fills:
        by_symbol.setdefault(fill.symbol, []).append(fill)
    fills = {}
    for symbol, rows in by_symbol.items():
        if not len(record.series.get(symbol, ())):
            raise DataError(f"{record.name}: {symbol} was traded but the record has no bars of it")
        fills[symbol] = _columns(rows, record.series[symbol], numbers, orders)
    return Book(record, fills, _funding(record, numbers))


def _columns(
    rows: list[Fill],
    series: BarSeries,
    numbers: dict[str, int],
    orders: dict[int, Order],
) -> FillColumns:
    size = len(rows)
    _, time, order_number, strategy, _, side, lots, quantity, price, fee, _ = zip(*rows, strict=True)
    sides = np.fromiter(side, np.int64, size)
    prices = np.fromiter(price, np.float64, size)
    times = np.fromiter(time, np.int64, size)
    made = np.fromiter((orders[n].time if n in orders else -1 for n in order_number), np.int64, size)
    reach = np.fromiter(map(_trigger_of, (orders.get(n) for n in order_number)), np.float64, size)
    reach = np.where(np.isnan(reach), prices, reach)
    return FillColumns(
        strategy=np.fromiter((numbers.get(name, -1) for name in strategy), np.int64, size),
        time=times,
        lots=sides * np.fromiter(lots, np.int64, size),
        price=prices,
        notional=sides * np.fromiter(quantity, np.float64, size) * prices,
        fee=np.fromiter(fee, np.float64, size),
        bar=_bar_of(series, times, made, reach),
    )


def _trigger_of(order: Order | None) -> float:
    if order is None or order.trigger_price is None or order.type not in _TRIGGERED:
        return float("nan")
    return order.trigger_price


def _bar_of(series: BarSeries, time: Ints, made: Ints, reach: Floats) -> Ints:
    """Return the bar in which each fill counts, by the rule at the top of this file."""
    last = len(series) - 1
    bar = np.minimum(np.searchsorted(series.start, time - series.duration), last)
    following = np.minimum(bar + 1, last)
    is_boundary = (series.start[bar] + series.duration == time) & (series.start[following] == time)
    unreached = (reach < series.low[bar]) | (reach > series.high[bar])
    moved: Ints = np.where(is_boundary & ((made == time) | unreached), following, bar).astype(np.int64)
    return moved


def _funding(record: RunRecord, numbers: dict[str, int]) -> dict[str, tuple[Ints, Ints, Floats]]:
    by_symbol: dict[str, list[tuple[int, int, float]]] = {}
    for time, strategy, symbol, amount in record.funding:
        by_symbol.setdefault(symbol, []).append((time, numbers.get(strategy, -1), amount))
    columns = {}
    for symbol, rows in by_symbol.items():
        if not len(record.series.get(symbol, ())):
            raise DataError(f"{record.name}: {symbol} paid funding but the record has no bars of it")
        times, strategies, amounts = zip(*rows, strict=True)
        columns[symbol] = (
            np.array(times, np.int64),
            np.array(strategies, np.int64),
            np.array(amounts, np.float64),
        )
    return columns
