"""Round trips: from flat to flat, for each strategy and symbol.

Rules of this file:

- A fill that goes through zero ends one round trip and starts the next; its notional and fee are split by quantity.
- ``profit`` is net of fees and funding, so that the profits of all round trips add up to the change of equity.
- A position that is still open after the last fill is a round trip marked ``is_open``: valued at the last close, with no
  fee for the exit that has not happened. It counts in no statistic of finished round trips.
- A funding payment belongs to the round trip that was open just before it.
- ``fees``, ``funding`` and ``profit`` of an instrument in another currency are in the run's, at the rate of the exit. What the rate
  does to cash in other currencies belongs to no round trip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.model import BarSeries, Instrument
from hookline.reporting.book import Book, FillColumns
from hookline.reporting.curve import rate_at

__all__ = ["RoundTrip", "RoundTrips", "round_trips"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class RoundTrip(NamedTuple):
    """One holding from flat to flat; times are nanoseconds UTC, money is in quote currency.

    ``quantity`` is the largest holding, ``entry_price`` and ``exit_price`` are averages by quantity, ``return_fraction`` is
    ``profit / (quantity * entry_price)``, ``bars`` counts the bars from the entry's to the exit's.
    """

    strategy: str
    symbol: str
    side: Literal["long", "short"]
    quantity: float
    entry_time: int
    exit_time: int
    entry_price: float
    exit_price: float
    fees: float
    funding: float
    profit: float
    return_fraction: float
    bars: int
    is_open: bool


@dataclass(frozen=True, eq=False)
class RoundTrips:
    """Round trips as columns, in the order of their entries; see :class:`RoundTrip` for the meaning of each."""

    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    strategy: Ints
    symbol: Ints
    side: Ints
    quantity: Floats
    entry_time: Ints
    exit_time: Ints
    entry_price: Floats
    exit_price: Floats
    fees: Floats
    funding: Floats
    profit: Floats
    return_fraction: Floats
    bars: Ints
    is_open: Flags

    COLUMNS = RoundTrip._fields

    def __len__(self) -> int:
        return len(self.profit)

    def of(self, strategy: int) -> RoundTrips:
        """Return the round trips of one strategy (its index)."""
        return self.take(np.flatnonzero(self.strategy == strategy))

    def take(self, rows: Ints) -> RoundTrips:
        """Return some of the round trips, in the given order."""
        columns = {name: getattr(self, name)[rows] for name in self.COLUMNS}
        return RoundTrips(self.strategies, self.symbols, **columns)

    def columns(self) -> dict[str, list[Any]]:
        """Return plain Python values by column, names instead of indices."""
        columns: dict[str, list[Any]] = {name: getattr(self, name).tolist() for name in self.COLUMNS}
        columns["strategy"] = [self.strategies[index] for index in columns["strategy"]]
        columns["symbol"] = [self.symbols[index] for index in columns["symbol"]]
        columns["side"] = ["long" if side > 0 else "short" for side in columns["side"]]
        return columns

    def rows(self) -> list[RoundTrip]:
        """Return the round trips as a list of tuples."""
        return list(map(RoundTrip._make, zip(*self.columns().values(), strict=True)))


def round_trips(book: Book) -> RoundTrips:
    """Return the round trips of a run, by entry time, then strategy, then symbol."""
    record = book.record
    strategies = tuple(strategy.id for strategy in record.strategies)
    symbols = tuple(record.series)
    parts = []
    for number, symbol in enumerate(symbols):
        if symbol not in book.fills:
            continue
        instrument = record.instruments.get(symbol) or Instrument(symbol)
        owners = np.unique(book.fills[symbol].strategy)
        for strategy in owners:
            of_strategy = book.fills[symbol].of(int(strategy) if len(owners) > 1 else None)
            sides = np.unique(of_strategy.position)
            for side in sides:
                fills = of_strategy.of_position(int(side)) if len(sides) > 1 else of_strategy
                paid = _funding_of(book, symbol, int(strategy), int(side))
                part = _group(fills, record.series[symbol], instrument, paid)
                rate = rate_at(record, symbol, part["exit_time"])
                if rate is not None:
                    part |= {name: part[name] * rate for name in ("fees", "funding", "profit")}
                rows = len(part["side"])
                parts.append({"strategy": np.full(rows, strategy), "symbol": np.full(rows, number), **part})
    if not parts:
        empty: dict[str, NDArray[Any]] = {
            name: np.empty(0, _DTYPES.get(name, np.float64)) for name in RoundTrips.COLUMNS
        }
        return RoundTrips(strategies, symbols, **empty)
    # A column is let go of as soon as there is another in its place.
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in RoundTrips.COLUMNS}
    order = np.lexsort((columns["symbol"], columns["strategy"], columns["entry_time"]))
    return RoundTrips(strategies, symbols, **{name: columns.pop(name)[order] for name in RoundTrips.COLUMNS})


_DTYPES: dict[str, type] = {
    **dict.fromkeys(("strategy", "symbol", "side", "entry_time", "exit_time", "bars"), np.int64),
    "is_open": np.bool_,
}


def _funding_of(book: Book, symbol: str, strategy: int, position: int) -> tuple[Ints, Floats]:
    if symbol not in book.funding:
        return np.empty(0, np.int64), np.empty(0)
    times, strategies, amounts, positions = book.funding[symbol]
    keep = (strategies == strategy) & (positions == position)
    return times[keep], amounts[keep]


class _Legs(NamedTuple):
    """Fills cut where they go through zero: ``before`` is the holding in lots, ``lots`` what the leg adds."""

    before: Ints
    lots: Ints
    notional: Floats
    fee: Floats
    time: Ints
    bar: Ints


def _legs(fills: FillColumns) -> _Legs:
    after = np.cumsum(fills.lots)
    before = after - fills.lots
    crosses = (before * np.sign(after)) < 0
    if not crosses.any():
        return _Legs(before, fills.lots, fills.notional, fills.fee, fills.time, fills.bar)
    # A crossing fill becomes two rows: the first closes what was held, the second opens the rest.
    row = np.repeat(np.arange(len(fills)), 1 + crosses)
    is_second = np.zeros(len(row), dtype=np.bool_)
    is_second[1:] = row[1:] == row[:-1]
    is_first = np.zeros(len(row), dtype=np.bool_)
    is_first[:-1] = is_second[1:]
    lots = np.where(is_second, after[row], np.where(is_first, -before[row], fills.lots[row]))
    share = lots / fills.lots[row]
    return _Legs(
        before=np.where(is_second, 0, before[row]),
        lots=lots,
        notional=fills.notional[row] * share,
        fee=fills.fee[row] * share,
        time=fills.time[row],
        bar=fills.bar[row],
    )


def _group(
    fills: FillColumns, series: BarSeries, instrument: Instrument, funding: tuple[Ints, Floats]
) -> dict[str, NDArray[Any]]:
    """Return the round trips of one strategy in one symbol, oldest first, as columns."""
    legs = _legs(fills)
    first = np.flatnonzero(legs.before == 0)
    last = np.append(first[1:], len(legs.lots)) - 1
    held = legs.before + legs.lots
    side = np.sign(legs.lots[first])
    remaining = held[last]
    is_open = remaining != 0
    mark = float(series.close[-1])
    quantity = _units(instrument, np.maximum.reduceat(np.abs(held), first))
    is_entry = legs.lots * np.repeat(side, last - first + 1) > 0
    entered, entered_lots = _sums(legs, first, is_entry)
    left, left_lots = _sums(legs, first, ~is_entry)
    # What is still held counts as if it left at the last close.
    received = _units(instrument, remaining) * mark - left
    fees = np.add.reduceat(legs.fee, first)
    exit_time = np.where(is_open, series.start[-1] + series.duration, legs.time[last])
    paid = _assign_funding(funding, legs.time[first], exit_time)
    profit = received - entered - fees + paid
    entry_price = entered / _units(instrument, entered_lots)
    cost = quantity * np.abs(entry_price)
    return {
        "side": side,
        "quantity": quantity,
        "entry_time": legs.time[first],
        "exit_time": exit_time,
        "entry_price": entry_price,
        "exit_price": received / _units(instrument, remaining - left_lots),
        "fees": fees,
        "funding": paid,
        "profit": profit,
        "return_fraction": np.divide(profit, cost, out=np.full(len(cost), np.nan), where=cost > 0.0),
        "bars": np.where(is_open, len(series) - 1, legs.bar[last]) - legs.bar[first],
        "is_open": is_open,
    }


def _sums(legs: _Legs, first: Ints, keep: Flags) -> tuple[Floats, Ints]:
    """Return the signed value and lots of the legs kept, by round trip."""
    value: Floats = np.add.reduceat(np.where(keep, legs.notional, 0.0), first)
    lots: Ints = np.add.reduceat(np.where(keep, legs.lots, 0), first)
    return value, lots


def _units(instrument: Instrument, lots: Ints) -> Floats:
    units: Floats = np.asarray(instrument.units(lots))  # type: ignore[arg-type]
    return units


def _assign_funding(funding: tuple[Ints, Floats], entry: Ints, leave: Ints) -> Floats:
    """Return the funding of each round trip of one strategy and symbol."""
    times, amounts = funding
    index = np.searchsorted(entry, times, side="left") - 1
    following = np.minimum(index + 1, len(entry) - 1)
    index = np.maximum(index, 0)
    # Paid at the moment of an entry after the one before had ended: it belongs to the new one.
    is_new = (leave[index] < times) & (entry[following] == times)
    paid = np.bincount(np.where(is_new, following, index), weights=amounts, minlength=len(entry))
    return paid.astype(np.float64)  # without any payment numpy gives integers
