"""Figures of a run and their definitions.

Conventions, for all of them:

- Returns are those of the bars of the run: the first is measured from the starting cash, each later one from the bar before.
- A year has 365 days. The number of bars in a year is ``bars / years`` of the whole period (start of the first bar to end of
  the last), so that sessions and gaps count as what they are: about 252 for daily bars of stocks, 525,600 for
  one-minute bars that never pause.
- The risk-free rate is zero.
- A figure that is not defined is NaN, never infinite: no variance, no losing round trip, fewer than two bars, equity of zero
  or less. Reports show it as "n/a".
- Fractions are fractions: 0.25 means 25 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.reporting.book import Book
from hookline.reporting.curve import Curve, blocks, drawdowns, rate_at, returns_of
from hookline.reporting.round_trips import RoundTrips

__all__ = [
    "MIN_BARS",
    "YEAR_NS",
    "CurveMetrics",
    "Metrics",
    "curve_metrics",
    "growth_rate",
    "ratio",
    "run_metrics",
    "sharpe_of",
]

NAN = math.nan
YEAR_NS = 365 * 86_400 * 10**9
MIN_BARS = 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CurveMetrics:
    """What an equity curve alone tells.

    Attributes:
        bars: Points of the curve.
        period_seconds: From the start of the first bar to the end of the last.
        start_equity: Cash at the start.
        final_equity: Equity at the end of the last bar.
        total_return: ``final_equity / start_equity - 1``.
        cagr: ``(final_equity / start_equity) ** (1 / years) - 1``; -1 when nothing is left.
        volatility: Sample standard deviation of the returns, times the square root of bars per year.
        sharpe: Mean return / sample standard deviation, times the square root of bars per year (Sharpe 1994).
        sortino: Mean return / downside deviation, times the square root of bars per year. Downside deviation is
            ``sqrt(mean(min(return, 0) ** 2))`` over all bars (Sortino and Price 1994, target zero).
        calmar: ``cagr / max_drawdown``, over the whole period.
        max_drawdown: Deepest fall below the highest equity so far, as a fraction of that peak, 0 or more.
        max_drawdown_seconds: Length of that fall: from its peak to the first bar back at or above it, or to the end.
        longest_drawdown_seconds: The longest time under a peak.
    """

    bars: int
    period_seconds: float
    start_equity: float
    final_equity: float
    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_seconds: float
    longest_drawdown_seconds: float


@dataclass(frozen=True)
class Metrics(CurveMetrics):
    """All figures of a run: those of its equity curve and those of its round trips.

    Attributes:
        round_trips: Finished round trips; the figures below are about these.
        open_round_trips: Positions still held at the end.
        win_rate: Share with a profit above zero, net of fees and funding.
        profit_factor: Sum of profits / sum of losses.
        expectancy: Mean profit, in quote currency.
        expectancy_fraction: Mean of profit / notional at entry.
        payoff: Mean profit of the winning ones / mean loss of the losing ones.
        average_win: Mean profit of the winning ones.
        average_loss: Mean loss of the losing ones, a positive number.
        best_round_trip: Largest profit.
        worst_round_trip: Smallest profit; a loss is negative.
        average_bars: Mean number of bars from entry to exit.
        exposure: Share of the period's time during which anything was held, open positions included.
        turnover: Traded notional / mean equity.
        traded_notional: Sum of price times quantity of all fills.
        fees: Paid on all fills; negative when rebates exceed fees.
        funding: Received less paid.
        orders: Orders made, whatever became of them.
        fills: Executions.
    """

    round_trips: int
    open_round_trips: int
    win_rate: float
    profit_factor: float
    expectancy: float
    expectancy_fraction: float
    payoff: float
    average_win: float
    average_loss: float
    best_round_trip: float
    worst_round_trip: float
    average_bars: float
    exposure: float
    turnover: float
    traded_notional: float
    fees: float
    funding: float
    orders: int
    fills: int


def curve_metrics(curve: Curve, cash: float, start: int) -> CurveMetrics:
    """Return the figures of an equity curve.

    Args:
        curve: Equity at bar ends.
        cash: Equity before the first bar.
        start: Start of the first bar, nanoseconds UTC.
    """
    bars = len(curve.time)
    if bars == 0:
        return CurveMetrics(0, 0.0, cash, cash, 0.0, *(NAN,) * 5, 0.0, 0.0, 0.0)
    final = float(curve.value[-1])
    years = (int(curve.time[-1]) - start) / YEAR_NS
    growth = ratio(final, cash) if cash > 0.0 else NAN
    cagr = growth_rate(growth, years) if bars >= MIN_BARS else NAN
    volatility, sharpe, sortino = _per_bar(curve.value, cash, bars / years)
    deepest, deepest_ns, longest_ns = _falls(curve, cash, start)
    return CurveMetrics(
        bars=bars,
        period_seconds=(int(curve.time[-1]) - start) / 1e9,
        start_equity=cash,
        final_equity=final,
        total_return=growth - 1.0,
        cagr=cagr,
        volatility=volatility,
        sharpe=sharpe,
        sortino=sortino,
        calmar=ratio(cagr, deepest),
        max_drawdown=deepest,
        max_drawdown_seconds=deepest_ns / 1e9,
        longest_drawdown_seconds=longest_ns / 1e9,
    )


def sharpe_of(curve: Curve, cash: float, start: int) -> float:
    """Return the Sharpe ratio of :func:`curve_metrics`, without its other figures."""
    if not len(curve.time):
        return NAN
    years = (int(curve.time[-1]) - start) / YEAR_NS
    return _per_bar(curve.value, cash, len(curve.time) / years)[1]


def ratio(above: float, below: float) -> float:
    """Return a quotient, NaN where it is not defined or not finite."""
    if below == 0.0 or math.isnan(below):
        return NAN
    quotient = above / below
    return quotient if math.isfinite(quotient) else NAN


def growth_rate(growth: float, years: float) -> float:
    """Return the yearly rate of a growth factor, -1 where nothing is left, NaN where it is not defined or not finite."""
    if math.isnan(growth) or years <= 0.0:
        return NAN
    if growth <= 0.0:
        return -1.0
    exponent = math.log(growth) / years
    # A gain of a few percent in minutes has no finite yearly rate.
    return math.expm1(exponent) if exponent < 700.0 else NAN


def _per_bar(value: Floats, cash: float, bars_per_year: float) -> tuple[float, float, float]:
    """Return annualised volatility, Sharpe and Sortino ratio."""
    size, total, losses = len(value), 0.0, 0.0
    for part in _returns(value, cash):
        if not np.isfinite(part).all():
            return NAN, NAN, NAN
        total += float(part.sum())
        losses += float(np.square(part[part < 0.0]).sum())
    if size < MIN_BARS:
        return NAN, NAN, NAN
    mean, downside = total / size, math.sqrt(losses / size)
    squares = sum(float(np.square(part - mean).sum()) for part in _returns(value, cash))
    deviation = math.sqrt(squares / (size - 1))
    if deviation <= 1e-12 * abs(mean):  # nothing but rounding error
        deviation = 0.0
    scale = math.sqrt(bars_per_year)
    return deviation * scale, scale * ratio(mean, deviation), scale * ratio(mean, downside)


def _returns(value: Floats, cash: float) -> Iterator[Floats]:
    for part in blocks(len(value)):
        yield returns_of(value[part], float(value[part.start - 1]) if part.start else cash)


def _falls(curve: Curve, cash: float, start: int) -> tuple[float, int, int]:
    """Return the deepest drawdown, its length and that of the longest one, in nanoseconds."""
    size = len(curve.value)
    if not size or not cash > 0.0 or math.isnan(curve.value[0]):
        return NAN, 0, 0
    deepest, trough, at_peak = _peaks(curve.value, cash)
    # A drawdown begins at a peak (or at the start of the run) and ends at the next bar that is no lower, or at the end.
    begins = np.append(np.int64(start), curve.time[at_peak])
    ends = np.append(curve.time[at_peak], curve.time[-1])
    first = np.append(0, at_peak + 1)  # bars under water, from here to before the next peak
    is_fall = np.append(at_peak, size) > first
    if not is_fall.any():
        return 0.0, 0, 0
    lengths = (ends - begins)[is_fall]
    which = int(np.searchsorted(first[is_fall], trough, side="right")) - 1
    return deepest, int(lengths[which]), int(lengths.max())


def _peaks(value: Floats, cash: float) -> tuple[float, int, Ints]:
    """Return the deepest drawdown, its bar, and the bars that are at a peak."""
    troughs, depths, at_peak, top = [], [], [], cash
    for part in blocks(len(value)):
        below = drawdowns(value[part], top)
        trough = int(np.argmax(below))
        troughs.append(part.start + trough)
        depths.append(float(below[trough]))
        at_peak.append(part.start + np.flatnonzero(below <= 1e-12))  # more is a fall, less is rounding error
        top = max(top, float(value[part].max()))
    deepest = int(np.argmax(depths))
    return depths[deepest], troughs[deepest], np.concatenate(at_peak)


def run_metrics(
    curve: Curve, cash: float, start: int, trips: RoundTrips, book: Book, strategy: int | None = None
) -> Metrics:
    """Return all figures of a run, or of one strategy (its index) given its own curve and round trips."""
    base = curve_metrics(curve, cash, start)
    fills = {symbol: columns.of(strategy) for symbol, columns in book.fills.items()}
    funding = [
        _sum(book, symbol, times[rows], amounts[rows])
        for symbol, (times, who, amounts, _) in book.funding.items()
        for rows in (_rows_of(who, strategy),)
    ]
    traded = sum(_sum(book, symbol, one.time, np.abs(one.notional)) for symbol, one in fills.items())
    mean_equity = float(curve.value.mean()) if base.bars else cash
    name = None if strategy is None else book.record.strategies[strategy].id
    orders = book.record.orders
    return Metrics(
        **vars(base),
        **_trip_figures(trips),
        exposure=_exposure(trips, base.period_seconds * 1e9),
        turnover=ratio(traded, mean_equity) if mean_equity > 0.0 else NAN,
        traded_notional=traded,
        fees=sum(_sum(book, symbol, one.time, one.fee) for symbol, one in fills.items()),
        funding=sum(funding),
        orders=len(orders) if name is None else sum(order.strategy == name for order in orders),
        fills=sum(len(columns) for columns in fills.values()),
    )


def _sum(book: Book, symbol: str, time: Ints, amounts: Floats) -> float:
    """Return the sum of amounts in a symbol's quote currency, in the run's currency at the rates of their times."""
    rate = rate_at(book.record, symbol, time)
    return float(amounts.sum() if rate is None else (amounts * rate).sum())


def _rows_of(who: Ints, strategy: int | None) -> NDArray[np.bool_]:
    return np.full(len(who), True) if strategy is None else who == strategy


def _trip_figures(trips: RoundTrips) -> dict[str, Any]:
    finished = trips.take(np.flatnonzero(~trips.is_open))
    profit = finished.profit
    win, loss = profit[profit > 0.0], -profit[profit < 0.0]
    fractions = finished.return_fraction[np.isfinite(finished.return_fraction)]
    return {
        "round_trips": len(finished),
        "open_round_trips": len(trips) - len(finished),
        "win_rate": ratio(float(len(win)), float(len(finished))),
        "profit_factor": ratio(float(win.sum()), float(loss.sum())),
        "expectancy": _mean(profit),
        "expectancy_fraction": _mean(fractions),
        "payoff": ratio(_mean(win), _mean(loss)),
        "average_win": _mean(win),
        "average_loss": _mean(loss),
        "best_round_trip": float(profit.max()) if len(profit) else NAN,
        "worst_round_trip": float(profit.min()) if len(profit) else NAN,
        "average_bars": _mean(finished.bars.astype(np.float64)),
    }


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else NAN


def _exposure(trips: RoundTrips, period_ns: float) -> float:
    """Return the share of time in which any round trip was open; overlapping ones count once."""
    if period_ns <= 0.0:
        return NAN
    # Round trips come by entry time. Each adds what it reaches beyond everything before it.
    reached = np.maximum.accumulate(trips.exit_time) if len(trips) else trips.exit_time
    before = np.append(trips.entry_time[:1], reached[:-1])
    added = trips.exit_time - np.maximum(trips.entry_time, before)
    return float(np.maximum(added, 0).sum()) / period_ns
