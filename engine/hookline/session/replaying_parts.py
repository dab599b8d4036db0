"""What each cause has contributed to the difference between two runs: a chain of valuations that telescopes.

Rules of this file:

- One fill of ``q`` base units at price ``p``, side ``s`` (+1 bought, -1 sold), known from time ``t``, is worth

      u = s q (P + K(t) - p) - r |q p|

  where ``P`` is the symbol's last price, ``K(t)`` what one unit has received as funding from ``t`` on, and ``r`` the fee rate of the model for
  makers or takers. It is linear, so the worth of an order is the sum of its fills', and that of a run the sum of its orders'.
- What a run has really gained is the sum of ``u`` plus two corrections: of fees (``r |q p|`` minus the fee charged, for each fill) and of
  funding (what was paid minus ``s q K(t)`` of all fills, for each strategy and symbol).
- With the runs L (what the session did), T (the strategies as it received its data, its latency on all orders), R (the same without
  latency) and C (complete data, without latency):

      gained(L) - gained(C) =   [fee corrections of L - of C]            fees
                              + [funding corrections of L - of C]        funding
                              + [u(L) - u(T)]                            slippage, queue, logic
                              + [u(T) - u(R)]                            latency
                              + [u(R) - u(C)]                            missed

  Each ``u`` stands once with plus and once with minus: the sum telescopes whatever the fills are.
- ``u(L) - u(T)`` is split by order. Of two orders that are the same, lots are laid side by side in the order of their fills. Where both
  took, what the price makes (its fee included) is slippage. All else is the queue and fill model: makers' prices and times, lots
  that only one run has filled. :mod:`hookline.session.replaying_logic` says which orders of one run only are logic; the others follow from what
  the venue did, and belong to the queue and fill model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from hookline.model import Fill
from hookline.session.replaying_logic import mark_logic
from hookline.session.replaying_model import PARTS, Difference, Rates, Row, Runs
from hookline.session.replaying_run import Account, FundingPoint

__all__ = ["Market", "explain"]

_CENT = 0.005


class Market:
    """What is known of the market once everything is over.

    Args:
        last: Last prices by symbol.
        points: What a unit received at the funding times.
        worth: What the currency of each symbol is worth in the session's; 1 where it is not named.
        rates: Fees of the model, by symbol.
    """

    def __init__(
        self,
        last: Mapping[str, float],
        points: Iterable[FundingPoint],
        worth: Mapping[str, float],
        rates: Mapping[str, Rates],
    ) -> None:
        self._last, self._worth, self._rates = last, worth, rates
        self._times: dict[str, list[int]] = {}
        amounts: dict[str, list[float]] = {}
        for point in sorted(points, key=lambda one: one.time):
            self._times.setdefault(point.symbol, []).append(point.time)
            amounts.setdefault(point.symbol, []).append(point.amount)
        self._sums = {symbol: _sums_from(values) for symbol, values in amounts.items()}

    def worth(self, symbol: str) -> float:
        """Return what one unit of a symbol's currency is worth in the session's."""
        return self._worth.get(symbol, 1.0)

    def last(self, symbol: str) -> float:
        """Return the last price of a symbol."""
        return self._last[symbol]

    def carry(self, symbol: str, seen: int) -> float:
        """Return what one unit has received as funding from a time on; a fill at a funding time is held at it."""
        times = self._times.get(symbol)
        return self._sums[symbol][bisect_left(times, seen)] if times else 0.0

    def fee(self, fill: Fill) -> float:
        """Return what the model charges for a fill."""
        rates = self._rates[fill.symbol]
        return (rates.maker if fill.is_maker else rates.taker) * abs(fill.quantity * fill.price)


@dataclass(frozen=True)
class _Lots:
    """Lots of one fill, with what each of them is worth."""

    lots: int
    price: float
    side: int
    is_maker: bool
    priced: float
    """Of one lot: what the price makes, the model's fee included."""
    carried: float
    """Of one lot: what it receives as funding."""


def explain(runs: Runs, market: Market) -> Difference:
    """Return what each cause has contributed; the parts sum to the whole."""
    chain = [_Worths(account, market) for account in (runs.live, runs.timed, runs.received, runs.complete)]
    rows = [_order_row(path, chain) for path in _paths(runs)]
    mark_logic(rows, runs)
    rows += _funding_rows(runs.live, runs.complete, market)
    rows.sort(key=_row_time)
    parts = {name: fsum(row.parts[name] for row in rows) for name in PARTS}
    found = Difference(rows, parts, chain[0].gained, chain[-1].gained)
    gap = found.total - fsum(parts.values())
    assert abs(gap) < _CENT * max(1.0, abs(found.total) * 1e-9), (
        f"the parts must sum to the whole, {gap!r} is left"
    )
    return found


class _Worths:
    """The fills of a run by order, and what the run has gained."""

    def __init__(self, account: Account, market: Market) -> None:
        self.orders = {order.number: order for order in account.orders}
        self.fills: dict[int, list[tuple[Fill, int]]] = {}
        for fill, seen in account.seen_fills():
            self.fills.setdefault(fill.order_number, []).append((fill, seen))
        self._market = market
        fills = [_gained(fill, market) for fill in account.fills]
        paid = [amount * market.worth(_symbol(id_)) for _, _, id_, amount in account.payments]
        self.gained = fsum([*fills, *paid])

    def of(self, number: int | None) -> float:
        """Return ``u`` of an order, 0 where there is none."""
        return fsum(one.lots * (one.priced + one.carried) for one in self.lots(number))

    def lots(self, number: int | None) -> list[_Lots]:
        market = self._market
        fills = [] if number is None else self.fills.get(number, [])
        return [_lots(fill, seen, market) for fill, seen in fills]

    def fee_correction(self, number: int | None) -> float:
        fills = [] if number is None else self.fills.get(number, [])
        market = self._market
        return fsum((market.fee(fill) - fill.fee) * market.worth(fill.symbol) for fill, _ in fills)


_Path = tuple[int | None, int | None, int | None, int | None]


def _paths(runs: Runs) -> Iterator[_Path]:
    """Yield each order once with its numbers in the four runs."""
    steps = (runs.live_timed, runs.timed_received, runs.received_complete)
    accounts = (runs.live, runs.timed, runs.received, runs.complete)
    reached: list[set[int]] = [set(), *(set(step.values()) for step in steps)]
    for first, account in enumerate(accounts):
        for order in account.orders:
            if order.number in reached[first]:
                continue
            path: list[int | None] = [None] * first + [order.number]
            for step in steps[first:]:
                here = path[-1]
                path.append(None if here is None else step.get(here))
            yield path[0], path[1], path[2], path[3]


def _order_row(path: _Path, chain: Sequence[_Worths]) -> Row:
    orders = [None if number is None else run.orders[number] for number, run in zip(path, chain, strict=True)]
    one = next(order for order in orders if order is not None)
    row = Row(one.strategy, one.symbol, (orders[0], orders[1], orders[2], orders[3]))
    live, timed, received, complete = (run.of(number) for run, number in zip(chain, path, strict=True))
    row.parts["slippage"], row.parts["queue"] = _compared(chain[0].lots(path[0]), chain[1].lots(path[1]))
    row.parts["latency"] = timed - received
    row.parts["missed"] = received - complete
    first, last = chain[0].fee_correction(path[0]), chain[-1].fee_correction(path[-1])
    row.parts["fees"] = first - last
    row.gained_live, row.gained_again = live + first, complete + last
    if one.tag.startswith("fee in "):  # spot that left as a fee
        row.parts["fees"] += row.parts["slippage"] + row.parts["queue"]
        row.parts["slippage"] = row.parts["queue"] = 0.0
    return row


def _compared(live: Sequence[_Lots], again: Sequence[_Lots]) -> tuple[float, float]:
    """Return what slippage and the fill model make of the difference between two lists of lots."""
    slippage: list[float] = []
    queue: list[float] = []
    left, right = list(live), list(again)
    while left and right:
        one, other = left[0], right[0]
        lots = min(one.lots, other.lots)
        priced, carried = lots * (one.priced - other.priced), lots * (one.carried - other.carried)
        (queue if one.is_maker or other.is_maker else slippage).append(priced)
        queue.append(carried)
        for rest, head in ((left, one), (right, other)):
            rest[:1] = [_fewer(head, lots)] if head.lots > lots else []
    queue += [one.lots * (one.priced + one.carried) for one in left]
    queue += [-one.lots * (one.priced + one.carried) for one in right]
    return fsum(slippage), fsum(queue)


def _fewer(one: _Lots, lots: int) -> _Lots:
    return _Lots(one.lots - lots, one.price, one.side, one.is_maker, one.priced, one.carried)


# -- fills and funding -------------------------------------------------------------------------------------------------


def _lots(fill: Fill, seen: int, market: Market) -> _Lots:
    worth = market.worth(fill.symbol)
    unit = fill.quantity / fill.lots * worth
    side = int(fill.side)
    priced = side * unit * (market.last(fill.symbol) - fill.price) - market.fee(fill) / fill.lots * worth
    carried = side * unit * market.carry(fill.symbol, seen)
    return _Lots(fill.lots, fill.price, side, fill.is_maker, priced, carried)


def _gained(fill: Fill, market: Market) -> float:
    gained = fill.side * fill.quantity * (market.last(fill.symbol) - fill.price) - fill.fee
    return gained * market.worth(fill.symbol)


def _funding_rows(live: Account, again: Account, market: Market) -> Iterator[Row]:
    """Yield one row for each strategy and symbol whose funding was not what the rates say."""
    first, second = _funding_corrections(live, market), _funding_corrections(again, market)
    for strategy, symbol in dict.fromkeys([*first, *second]):
        row = Row(strategy, symbol)
        row.gained_live, row.gained_again = (
            first.get((strategy, symbol), 0.0),
            second.get((strategy, symbol), 0.0),
        )
        row.parts["funding"] = row.total
        yield row


def _funding_corrections(account: Account, market: Market) -> dict[tuple[str, str], float]:
    """Return what was paid minus what the rates say, by strategy and symbol."""
    amounts: dict[tuple[str, str], list[float]] = {}
    for _, strategy, id_, amount in account.payments:
        symbol = _symbol(id_)
        amounts.setdefault((strategy, symbol), []).append(amount * market.worth(symbol))
    for fill, seen in account.seen_fills():
        carried = fill.side * fill.quantity * market.carry(fill.symbol, seen) * market.worth(fill.symbol)
        if carried:
            amounts.setdefault((fill.strategy, fill.symbol), []).append(-carried)
    return {key: fsum(values) for key, values in amounts.items()}


def _symbol(position_id: str) -> str:
    return position_id.partition("|")[0]


def _sums_from(values: Sequence[float]) -> list[float]:
    """Return the sum from each place on, and 0 at the end."""
    sums = [0.0]
    for value in reversed(values):
        sums.append(sums[-1] + value)
    return sums[::-1]


def _row_time(row: Row) -> tuple[int, int, str, str]:
    order = next((one for one in row.orders if one is not None), None)
    return (2**63 - 1, 0, row.strategy, row.symbol) if order is None else (order.time, order.number, "", "")
