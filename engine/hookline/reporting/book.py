"""Fills and funding payments of a run as columns, by symbol."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hookline.errors import DataError
from hookline.model import Fill
from hookline.reporting.fill_bars import inferred_bars, seen_bars

if TYPE_CHECKING:
    from hookline.reporting.record import RunRecord

__all__ = ["Book", "FillColumns", "FundingColumns", "book_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)
# Ends of the ids of positions in hedge mode.
_SIDES = {"|long": 1, "short": -1}


@dataclass(frozen=True, eq=False)
class FillColumns:
    """Fills of one symbol in the order of events: one row each.

    ``strategy`` is an index into the record's strategies, ``position`` 1 for the long and -1 for the short of an instrument in
    hedge mode and 0 for the only position of others, ``lots`` is signed, ``notional`` is the signed value in quote
    currency, ``bar`` the index of the bar in which the fill counts.
    """

    strategy: Ints
    position: Ints
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
        return self._rows(self.strategy == strategy)

    def of_position(self, position: int) -> FillColumns:
        """Return the rows of one position."""
        return self._rows(self.position == position)

    def _rows(self, keep: NDArray[np.bool_]) -> FillColumns:
        return FillColumns(*(getattr(self, item.name)[keep] for item in fields(self)))


class FundingColumns(NamedTuple):
    """Funding payments of one symbol by time; ``strategy`` and ``position`` as in :class:`FillColumns`."""

    time: Ints
    strategy: Ints
    amount: Floats
    position: Ints


@dataclass(frozen=True, eq=False)
class Book:
    """All fills and funding payments of a run as columns, by symbol."""

    record: RunRecord
    fills: dict[str, FillColumns]
    funding: dict[str, FundingColumns]

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
        DataError: if a symbol was traded or paid funding but has no bars to value it with.
    """
    if record.unvalued:
        symbols = ", ".join(record.unvalued)
        raise DataError(f"{record.name}: the record has no bars of what was traded: {symbols}")
    numbers = {strategy.id: index for index, strategy in enumerate(record.strategies)}
    rows: dict[str, list[int]] = {}
    for row, fill in enumerate(record.fills):
        rows.setdefault(fill.symbol, []).append(row)
    fills = {}
    for symbol, own in rows.items():
        fills[symbol] = _columns([record.fills[row] for row in own], _bars(record, symbol, own), numbers)
    return Book(record, fills, _funding(record, numbers))


def _bars(record: RunRecord, symbol: str, rows: list[int]) -> Ints:
    """Return the bar in which each fill of a symbol counts; ``rows`` says which of the record's fills they are."""
    series = record.series[symbol]
    if len(record.seen) == len(record.fills):
        return seen_bars(np.fromiter((record.seen[row] for row in rows), np.int64, len(rows)), series)
    orders = {order.number: order for order in record.orders}
    return inferred_bars([record.fills[row] for row in rows], orders, series)


def _columns(fills: list[Fill], bar: Ints, numbers: dict[str, int]) -> FillColumns:
    # Column by column: zip(*fills) makes an object for each fill, and each few thousand of those set off a search for garbage.
    sides, prices = _column(fills, "side", np.int64), _column(fills, "price", np.float64)
    names = map(attrgetter("strategy"), fills)
    positions = [fill.position_id for fill in fills]
    return FillColumns(
        strategy=np.fromiter(map(numbers.get, names, repeat(-1)), np.int64, len(fills)),
        position=np.fromiter((_SIDES.get(id_[-5:], 0) for id_ in positions), np.int64, len(fills))
        if any(positions)
        else np.zeros(len(fills), np.int64),
        time=_column(fills, "time", np.int64),
        lots=sides * _column(fills, "lots", np.int64),
        price=prices,
        notional=sides * _column(fills, "quantity", np.float64) * prices,
        fee=_column(fills, "fee", np.float64),
        bar=bar,
    )


def _column(fills: list[Fill], name: str, kind: type[Number]) -> NDArray[Number]:
    return np.fromiter(map(attrgetter(name), fills), kind, len(fills))


def _funding(record: RunRecord, numbers: dict[str, int]) -> dict[str, FundingColumns]:
    by_symbol: dict[str, list[tuple[int, int, float, int]]] = {}
    for time, strategy, position, amount in record.funding:
        symbol, _, side = position.partition("|")
        row = (time, numbers.get(strategy, -1), amount, {"long": 1, "short": -1}.get(side, 0))
        by_symbol.setdefault(symbol, []).append(row)
    columns = {}
    for symbol, rows in by_symbol.items():
        times, strategies, amounts, positions = zip(*rows, strict=True)
        columns[symbol] = FundingColumns(
            np.array(times, np.int64),
            np.array(strategies, np.int64),
            np.array(amounts, np.float64),
            np.array(positions, np.int64),
        )
    return columns
