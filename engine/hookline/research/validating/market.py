"""Tests against a harsher world: higher costs, slower orders, other markets."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hookline.errors import HooklineError
from hookline.reporting.curve import returns_of
from hookline.reporting.formats import fraction, number
from hookline.research.passport import Check, Section
from hookline.research.stress import costs_of, run_late, with_costs
from hookline.research.study import Job
from hookline.research.walk_forward import figures_of

if TYPE_CHECKING:
    from hookline.model import BarSeries
    from hookline.research.validating.validation import Case

__all__ = ["costs_section", "delay_section", "regimes_section"]

_MULTIPLES = (2.0, 3.0)
# Two hundred days of a market that is shut on some of them.
_HISTORY_NS = 320 * 86_400 * 10**9
_NO_PROFIT = "There is no profit as it is, so none could be left."
_FIGURES = ("total_return", "sharpe", "max_drawdown", "round_trips", "fees")


def costs_section(case: Case) -> Section:
    """Return what is left when trading costs more than assumed."""
    costs = costs_of(case.study)
    needed = case.rules.cost_multiple
    if not any(costs.values()):
        meaning = "The session has neither fees nor slippage. Every real trade costs something: name what your venue takes."
        check = Check("costs", f"Costs x {needed:g}", "fail", "no costs at all", "a profit", meaning)
        return Section("costs", (check,), {"costs": costs, "rows": []})
    rows = [{"multiple": 1.0, **_kept(figures_of(case.result))}]
    for multiple in sorted({*_MULTIPLES, needed}):
        result = case.study.run(Job(with_costs(case.study, multiple)))
        rows.append({"multiple": multiple, **_kept(figures_of(result))})
    judged = next(row for row in rows if row["multiple"] == needed)
    is_good = judged["total_return"] > 0.0
    if is_good:
        meaning = "There is a profit left when every trade costs a multiple of what was assumed."
    elif rows[0]["total_return"] > 0.0:
        meaning = (
            "The profit lives on the assumption that trading is cheap. Somewhat worse fills or fees eat it."
        )
    else:
        meaning = _NO_PROFIT
    found = f"{fraction(judged['total_return'])}, Sharpe {number(judged['sharpe'])}"
    check = Check("costs", f"Costs x {needed:g}", "pass" if is_good else "fail", found, "a profit", meaning)
    return Section("costs", (check,), {"costs": costs, "rows": rows})


def _kept(metrics: dict[str, float]) -> dict[str, float]:
    return {name: metrics[name] for name in _FIGURES}


def delay_section(case: Case) -> Section:
    """Return what is left when every order acts one bar late."""
    plan = case.study.plan(Job())
    if plan.tapes:
        meaning = "It trades on the tape, where a bar means nothing; give its broker a latency instead."
        return Section(
            "delay", (Check("delay", "One bar late", "skip", "trades on the tape", meaning=meaning),)
        )
    late = figures_of(run_late(plan))
    is_good = late["total_return"] > 0.0
    if is_good:
        meaning = "Acting a bar late leaves a profit: the edge does not hang on being first."
    elif case.result.metrics.total_return > 0.0:
        meaning = (
            "Acting a bar late, the profit is gone. Either the edge is over in a moment, or it is not there."
        )
    else:
        meaning = _NO_PROFIT
    found = f"{fraction(late['total_return'])}, Sharpe {number(late['sharpe'])}"
    check = Check("delay", "One bar late", "pass" if is_good else "fail", found, "a profit", meaning)
    return Section("delay", (check,), {"on_time": _kept(figures_of(case.result)), "late": _kept(late)})


def regimes_section(case: Case) -> Section:
    """Return what the strategy made of different markets, by its first instrument."""
    from hookline.research.statistics import regime_table

    result = case.result
    series = next(iter(result.record.series.values()))
    returns = returns_of(result.equity.value, result.record.cash)
    if len(returns) != len(series):
        raise ValueError(
            f"regimes need the instruments' bars to end together, those of {series.symbol} do not"
        )
    rows = [asdict(row) for row in regime_table(returns, series, history=_history(case, series))]
    won = [row for row in rows if row["total_return"] > 0.0]
    lost = [_market(row) for row in rows if row["total_return"] < 0.0 and row["label"] != "unknown"]
    meaning = (
        f"It lost money in: {', '.join(lost)}." if lost else "It lost money in none of the markets looked at."
    )
    found = f"a profit in {len(won)} of {len(rows)} markets"
    return Section(
        "regimes", (Check("regimes", "In different markets", "note", found, meaning=meaning),), {"rows": rows}
    )


def _history(case: Case, series: BarSeries) -> BarSeries | None:
    """Return the instrument's bars with those before the session's own: they tell the regimes of the first days."""
    from hookline.session.feeding import load_bars

    known = case.study.series().get(series.symbol)
    plan = case.study.plan(Job())
    request = next((one for one in plan.requests if one.symbol == series.symbol), None)
    # A live feed has to ask its venue, and one with a tape makes bars of all of it.
    if known is None or request is None or plan.feed.is_live or plan.tapes:
        return known
    try:
        longer = load_bars(plan.feed, replace(request, since=int(known.start[0]) - _HISTORY_NS))
    except HooklineError:
        return known
    # A feed that makes bars up, or adjusts them, may give others when it is asked for more.
    same = longer.between(int(known.start[0]), None)
    return longer if np.array_equal(same.close, known.close) else known


def _market(row: dict[str, Any]) -> str:
    kinds = {"trend": f"{row['label']} markets", "volatility": f"{row['label']} volatility"}
    return kinds.get(row["kind"], str(row["label"]))
