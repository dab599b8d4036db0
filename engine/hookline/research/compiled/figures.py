"""From the sums of a compiled run to the figures of ``reporting.metrics``."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NamedTuple

from hookline.reporting.metrics import MIN_BARS, YEAR_NS, ratio
from hookline.reporting.metrics import growth_rate as cagr_of
from hookline.research.compiled.source import Figures

__all__ = ["Period", "figures_for", "figures_of", "is_sharp"]

NAN = math.nan
_RISK = frozenset({"volatility", "sharpe", "sortino", "daily_sharpe"})


class Period(NamedTuple):
    """Bars and length (nanoseconds) of a run, its cash at the start, and the days (UTC) on which bars end."""

    bars: int
    length: int
    cash: float
    days: int


def figures_for(metrics: Collection[str]) -> Figures:
    """Return what the loop must follow for these metrics, ``daily_sharpe`` among them."""
    wanted = set(metrics)
    return Figures(
        returns=bool(wanted & _RISK),
        downside="sortino" in wanted,
        drawdown=bool(wanted & {"max_drawdown", "calmar"}),
        mean="turnover" in wanted,
    )


def is_sharp(sums: Any, period: Period) -> bool:
    """Return whether the variance of returns is known to enough digits: not where nearly all of their squares is their mean's."""
    return all(
        size < MIN_BARS or total * total <= 0.999 * squares * size or squares == 0.0
        for total, squares, size in ((sums[1], sums[2], period.bars), (sums[12], sums[13], period.days))
    )


def figures_of(sums: Any, counts: Any, period: Period) -> dict[str, float]:
    """Return all figures of a run; those that the loop did not follow are not to be used."""
    (
        final,
        total,
        squares,
        downs,
        worst,
        equities,
        profit,
        won,
        lost,
        traded,
        fees,
        funding,
        day_total,
        day_squares,
    ) = sums.tolist()
    orders, fills, _, trips, wins, held, is_broken, _ = counts.tolist()
    bars, length, cash, days = period
    years = length / YEAR_NS
    growth = ratio(final, cash) if cash > 0.0 else NAN
    cagr = cagr_of(growth, years) if bars >= MIN_BARS else NAN
    drawdown = 1.0 - worst if cash > 0.0 else NAN
    mean_equity = equities / bars
    volatility, sharpe, sortino = NAN, NAN, NAN
    if bars >= MIN_BARS and not is_broken and cash > 0.0:
        volatility, sharpe, sortino = _risk(total, squares, downs, bars, math.sqrt(bars / years))
    return {
        "final_equity": final,
        "total_return": growth - 1.0,
        "cagr": cagr,
        "volatility": volatility,
        "sharpe": sharpe,
        "sortino": sortino,
        "calmar": ratio(cagr, drawdown),
        "max_drawdown": drawdown,
        "round_trips": float(trips),
        "win_rate": ratio(float(wins), float(trips)),
        "profit_factor": ratio(won, lost),
        "expectancy": profit / trips if trips else NAN,
        "exposure": held / length if length > 0 else NAN,
        "turnover": ratio(traded, mean_equity) if mean_equity > 0.0 else NAN,
        "traded_notional": traded,
        "fees": fees,
        "funding": funding,
        "orders": float(orders),
        "fills": float(fills),
        "bars": float(bars),
        "daily_sharpe": _risk(day_total, day_squares, 0.0, days, 1.0)[1] if days >= MIN_BARS else NAN,
    }


def _risk(total: float, squares: float, downs: float, bars: int, scale: float) -> tuple[float, float, float]:
    mean = total / bars
    deviation = math.sqrt(max(0.0, squares - mean * mean * bars) / (bars - 1))
    if deviation <= 1e-12 * abs(mean):  # nothing but rounding error
        deviation = 0.0
    return deviation * scale, scale * ratio(mean, deviation), scale * ratio(mean, math.sqrt(downs / bars))
