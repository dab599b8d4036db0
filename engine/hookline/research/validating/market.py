"""Tests against a harsher world: higher costs, slower orders, other markets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hookline.reporting.formats import fraction, number
from hookline.research.passport import Check, Section
from hookline.research.stress import costs_of, run_late, with_costs
from hookline.research.study import Job
from hookline.research.validating.returns import holdings_of
from hookline.research.walk_forward import figures_of

if TYPE_CHECKING:
    from hookline.research.validating.validation import Case

__all__ = ["costs_section", "delay_section", "regimes_section"]

_MULTIPLES = (2.0, 3.0)
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
    meaning = (
        "There is a profit left when every trade costs a multiple of what was assumed."
        if is_good
        else "The profit lives on the assumption that trading is cheap. Somewhat worse fills or fees eat it."
    )
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
    meaning = (
        "Acting a bar late leaves a profit: the edge does not hang on being first."
        if is_good
        else "Acting a bar late, the profit is gone. Either the edge is over in a moment, or it is not there."
    )
    found = f"{fraction(late['total_return'])}, Sharpe {number(late['sharpe'])}"
    check = Check("delay", "One bar late", "pass" if is_good else "fail", found, "a profit", meaning)
    return Section("delay", (check,), {"on_time": _kept(figures_of(case.result)), "late": _kept(late)})


def regimes_section(case: Case) -> Section:
    """Return what the strategy made of different markets, by its first instrument."""
    from hookline.research.statistics import regime_table

    result = case.result
    series = next(iter(result.record.series.values()))
    held = holdings_of(result)
    if len(held.returns) != len(series):
        raise ValueError(
            f"regimes need the instruments' bars to end together, those of {series.symbol} do not"
        )
    history = case.study.series().get(series.symbol)
    rows = [asdict(row) for row in regime_table(held.returns, series, history=history)]
    won = [row for row in rows if row["total_return"] > 0.0]
    lost = [_market(row) for row in rows if row["total_return"] < 0.0 and row["label"] != "unknown"]
    meaning = (
        f"It lost money in: {', '.join(lost)}." if lost else "It lost money in none of the markets looked at."
    )
    found = f"a profit in {len(won)} of {len(rows)} markets"
    return Section(
        "regimes", (Check("regimes", "In different markets", "note", found, meaning=meaning),), {"rows": rows}
    )


def _market(row: dict[str, Any]) -> str:
    kinds = {"trend": f"{row['label']} markets", "volatility": f"{row['label']} volatility"}
    return kinds.get(row["kind"], str(row["label"]))
