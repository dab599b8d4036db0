"""What a strategy made of different markets: by year, in bull and bear markets, in high and low volatility.

Rules of this file:

- The regime of a bar was known when the bar began: it comes from the closes of whole days (UTC) before the bar's own.
- The close of a day is that of the last bar that ended in it. Days without bars, such as weekends, are not days.
- Figures of a regime are those of its bars, one after the other, as if nothing lay between them.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hookline.model import BarSeries
from hookline.reporting.metrics import YEAR_NS
from hookline.research.statistics.checks import at_least, finite_vector

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Regime", "regime_frame", "regime_labels", "regime_table"]

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

DAY_NS = 86_400 * 10**9
TREND_DAYS = 200
VOLATILITY_DAYS = 30
UNKNOWN = "unknown"

_ORDER = {"bull": 0, "bear": 1, "high": 0, "low": 1, UNKNOWN: 2}


@dataclass(frozen=True)
class Regime:
    """Figures of the bars of one regime.

    Attributes:
        kind: ``year``, ``trend`` or ``volatility``.
        label: Such as ``2024``, ``bull``, ``bear``, ``high``, ``low``; ``unknown`` where there were too few days before.
        bars: How many.
        share: Of all bars.
        total_return: Compounded over the regime's bars.
        volatility: Of a year: sample deviation times the square root of bars per year.
        sharpe: Of a year; NaN where returns do not vary.
        max_drawdown: Deepest fall within the regime's bars, a fraction, 0 or more.
        market_return: What the instrument itself did over the same bars, from close to close, compounded.
    """

    kind: str
    label: str
    bars: int
    share: float
    total_return: float
    volatility: float
    sharpe: float
    max_drawdown: float
    market_return: float


def regime_table(
    returns: ArrayLike,
    series: BarSeries,
    *,
    history: BarSeries | None = None,
    trend_days: int = TREND_DAYS,
    volatility_days: int = VOLATILITY_DAYS,
) -> tuple[Regime, ...]:
    """Return a strategy's figures by regime: years first, then trend, then volatility.

    Args:
        returns: Of the strategy over each bar, costs included.
        series: Those bars, of a day at most.
        history: More bars of the instrument for its regimes, those of ``series`` among them, such as the ones that warmed up; None for no more.
        trend_days: Of the mean that tells a bull from a bear market.
        volatility_days: Of daily returns whose deviation is the volatility.

    Raises:
        ValueError: if there is not one finite return for each bar, or bars are longer than a day.
    """
    values = finite_vector("returns", returns, len(series))
    if not len(values):
        return ()
    kinds = regime_labels(series, history=history, trend_days=trend_days, volatility_days=volatility_days)
    moves = _market_moves(series, series if history is None else history)
    years = (int(series.end[-1]) - int(series.start[0])) / YEAR_NS
    found = []
    for kind, labels in kinds.items():
        names = sorted({str(label) for label in labels}, key=lambda name: (_ORDER.get(name, 0), name))
        for name in names:
            rows = labels == name
            found.append(_figures(kind, name, values[rows], moves[rows], len(values), len(values) / years))
    return tuple(found)


def regime_labels(
    series: BarSeries,
    *,
    history: BarSeries | None = None,
    trend_days: int = TREND_DAYS,
    volatility_days: int = VOLATILITY_DAYS,
) -> dict[str, Labels]:
    """Return the label of each bar by kind of regime.

    - ``year``: the calendar year in which the bar begins, UTC.
    - ``trend``: ``bull`` where the close of the day before was above the mean of the last ``trend_days`` closes, that one included; else
      ``bear``.
    - ``volatility``: ``high`` where the deviation of the last ``volatility_days`` daily returns was above the median of all such deviations
      so far, itself included; else ``low``. It takes ``volatility_days`` deviations before there is a median.

    Raises:
        ValueError: if bars are longer than a day, or a number of days is below 2.
    """
    at_least("trend_days", trend_days, 2)
    at_least("volatility_days", volatility_days, 2)
    if series.duration > DAY_NS:
        raise ValueError(f"{series.symbol}: regimes need bars of a day at most, was {series.timeframe}")
    day, close = _daily(series if history is None else history)
    # Days before the one in which the bar begins; 0 where there are none.
    before = np.searchsorted(day, series.start // DAY_NS, side="left")
    trend, volatility = _trend(close, trend_days), _volatility(close, volatility_days)
    years = series.start.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.str_)
    return {
        "year": years,
        "trend": np.concatenate(([UNKNOWN], trend))[before],
        "volatility": np.concatenate(([UNKNOWN], volatility))[before],
    }


def regime_frame(table: tuple[Regime, ...]) -> pd.DataFrame:
    """Return a table of regimes as a pandas frame, a row for each."""
    import pandas as pd

    return pd.DataFrame([vars(row) for row in table], columns=list(Regime.__dataclass_fields__))


def _daily(series: BarSeries) -> tuple[NDArray[np.int64], Floats]:
    """Return days (since 1970) in which bars ended, and their last closes."""
    day = (series.end - 1) // DAY_NS
    if not len(day):
        return day, series.close
    last = np.append(np.flatnonzero(np.diff(day)), len(day) - 1)
    return day[last], series.close[last]


def _trend(close: Floats, days: int) -> Labels:
    labels = np.full(len(close), UNKNOWN)
    if len(close) >= days:
        means = np.lib.stride_tricks.sliding_window_view(close, days).mean(axis=1)
        labels[days - 1 :] = np.where(close[days - 1 :] > means, "bull", "bear")
    return labels


def _volatility(close: Floats, days: int) -> Labels:
    labels = np.full(len(close), UNKNOWN)
    if len(close) <= days:
        return labels
    moves = _moves(close)[1:]
    deviations = np.lib.stride_tricks.sliding_window_view(moves, days).std(axis=1, ddof=1)
    so_far: list[float] = []
    for place, deviation in enumerate(deviations.tolist(), start=days):
        insort(so_far, deviation)
        if len(so_far) >= days:
            labels[place] = "high" if _is_above_median(so_far, deviation) else "low"
    return labels


def _is_above_median(ordered: list[float], value: float) -> bool:
    half, odd = divmod(len(ordered), 2)
    median = ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2.0
    return value > median


def _moves(close: Floats) -> Floats:
    """Return changes as fractions of the price before, 0 for the first and where there is no price to compare with.

    Of its absolute value: prices below zero have been seen.
    """
    moves = np.zeros(len(close))
    before = np.abs(close[:-1])
    np.divide(np.diff(close), before, out=moves[1:], where=before > 0.0)
    return moves


def _market_moves(series: BarSeries, history: BarSeries) -> Floats:
    """Return the instrument's own return over each bar of a series; a bar without one before it counts from its open."""
    place = np.searchsorted(history.start, series.start)
    moves: Floats = _moves(history.close)
    if len(moves) and history.open[0] > 0.0:
        moves[0] = history.close[0] / history.open[0] - 1.0
    return moves[np.minimum(place, len(moves) - 1)]


def _figures(
    kind: str, label: str, returns: Floats, market: Floats, bars: int, bars_per_year: float
) -> Regime:
    equity = np.cumprod(np.maximum(1.0 + returns, 0.0))
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else float("nan")
    mean = float(returns.mean())
    is_moving = deviation > 1e-12 * abs(mean)
    scale = float(np.sqrt(bars_per_year))
    return Regime(
        kind=kind,
        label=label,
        bars=len(returns),
        share=len(returns) / bars,
        total_return=float(equity[-1]) - 1.0,
        volatility=deviation * scale,
        sharpe=mean / deviation * scale if is_moving else float("nan"),
        max_drawdown=float((1.0 - equity / peak).max()),
        market_return=float(np.prod(1.0 + market)) - 1.0,
    )
