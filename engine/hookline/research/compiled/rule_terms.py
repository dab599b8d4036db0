"""Risk rules as rows of numbers, and what they found as the texts that the event kernel writes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.research.compiled import layout as at
from hookline.research.compiled.refusing import NotCompilable
from hookline.risk import RiskRule
from hookline.session.plan import Plan

__all__ = ["Found", "check_rules", "has_watches", "put_rules", "text_of"]


@dataclass(frozen=True)
class _Row:
    """What a rule is in the arrays, by the columns of ``layout.py``; it begins to remember with ``sum`` and ``last``."""

    kind: int
    limit: float = 0.0
    other: float = 0.0
    sum: float = 0.0
    last: float = 0.0
    most: int = 0
    flag: bool = False
    period: int = 0
    time: int = 0


class Found(NamedTuple):
    """What a rule found when it denied or halted."""

    found: float
    against: float
    left: float
    whole: int


class _Compiled(NamedTuple):
    """How a rule is compiled: its row, given the plan, and what it says."""

    row: Callable[[Any, Plan], _Row]
    text: Callable[[Any, Found, Plan], str]


def check_rules(plan: Plan) -> None:
    """Check that all rules of a plan can be compiled.

    Raises:
        NotCompilable: if one of them cannot, or there are too many.
    """
    rows_of(plan)
    if len(plan.rules) > at.RULE_ROOM:
        raise NotCompilable(f"there must be at most {at.RULE_ROOM} risk rules, were {len(plan.rules)}")


def has_watches(plan: Plan) -> bool:
    """Return whether a rule of a plan looks at the account after every bar."""
    return any(row.kind >= at.MAX_DRAWDOWN for row in rows_of(plan))


def rows_of(plan: Plan) -> list[_Row]:
    """Return the rules of a plan as rows.

    Raises:
        NotCompilable: if one of them cannot be compiled.
    """
    return [_compiled(rule).row(rule, plan) for rule in plan.rules]


def put_rules(f: NDArray[np.float64], k: NDArray[np.int64], plan: Plan) -> None:
    """Write the rules of a plan into the arrays of a run."""
    rows = rows_of(plan)
    k[at.RULES] = len(rows)
    k[at.HEARS_FILLS] = any(row.kind in _HEARS for row in rows)
    f[at.CALM_LOW], f[at.CALM_HIGH] = np.inf, -np.inf
    for number, row in enumerate(rows):
        g, r = at.F_RULES + number * at.RULE_F_WIDTH, at.K_RULES + number * at.RULE_K_WIDTH
        f[g + at.RULE_LIMIT], f[g + at.RULE_OTHER] = row.limit, row.other
        f[g + at.RULE_SUM], f[g + at.RULE_LAST] = row.sum, row.last
        k[r + at.RULE_KIND], k[r + at.RULE_MOST], k[r + at.RULE_FLAG] = row.kind, row.most, row.flag
        k[r + at.RULE_PERIOD], k[r + at.RULE_TIME] = row.period, row.time


def text_of(plan: Plan, number: int, found: Found) -> str:
    """Return the reason that a rule of a plan gave, with its name."""
    rule = plan.rules[number]
    text = _compiled(rule).text(rule, found, plan)
    if not math.isnan(found.left) and rule.name != "require_stop":
        text += f"; {found.left:g} would be left, below the minimum order"
    return f"{rule.name}: {text}"


def _compiled(rule: RiskRule) -> _Compiled:
    kind = type(rule)
    # By where it was written: the engine imports no plugin, and another's rule of that name is another rule.
    found = _COMPILED.get(f"{kind.__module__}.{kind.__qualname__}")
    if found is None:
        raise NotCompilable(f"the risk rule {rule.name!r} is not compiled")
    return found


def _flattens(rule: Any, plan: Plan) -> bool:
    return plan.flatten_on_halt if rule.flatten is None else rule.flatten


def _start_equity(plan: Plan) -> float:
    return sum(seat.cash for seat in plan.seats)


# -- each rule ---------------------------------------------------------------------------------------------------------


def _require_stop(rule: Any, plan: Plan) -> _Row:  # noqa: ARG001
    return _Row(at.REQUIRE_STOP, limit=rule.threshold_leverage)


def _stop_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    (instrument,) = plan.instruments.values()
    covered = f"stops cover {found.left:g} of {instrument.units(found.whole):g}"
    return f"position could be worth {found.found:.2f} with {found.against:.2f} of equity: it needs a stop, {covered}"


def _order_notional(rule: Any, plan: Plan) -> _Row:  # noqa: ARG001
    return _Row(at.MAX_ORDER_NOTIONAL, limit=rule.limit, flag=rule.shrink)


def _order_notional_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    return f"order worth {found.found:.2f}, at most {rule.limit:.2f}"


def _drawdown(rule: Any, plan: Plan) -> _Row:
    return _Row(at.MAX_DRAWDOWN, limit=rule.max_fraction, sum=_start_equity(plan), flag=_flattens(rule, plan))


def _drawdown_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    return f"equity fell {found.found:.1%} from {found.against:.2f}, at most {rule.max_fraction:.1%}"


def _edge(rule: Any, plan: Plan) -> _Row:
    return _Row(at.MIN_EDGE, limit=_edge_needed(rule, plan), flag=rule.without_target == "deny")


def _edge_needed(rule: Any, plan: Plan) -> float:
    return float(rule.times * 2.0 * (plan.broker.taker_fee * 1e4 + rule.slippage_bps))


def _edge_text(rule: Any, found: Found, plan: Plan) -> str:
    if math.isnan(found.found):
        return "no target to compare with the fees"
    needed = _edge_needed(rule, plan)
    return f"target is {found.found:.1f} bps away, at least {needed:.1f} for {rule.times:g} times the costs"


_HEARS = frozenset({at.MAX_TRADES, at.CONSECUTIVE_LOSSES, at.STOP_COOLDOWN})
_COMPILED = {
    "hookline.risk.require_stop.RequireStop": _Compiled(_require_stop, _stop_text),
    "hookline_risk.max_order_notional.MaxOrderNotional": _Compiled(_order_notional, _order_notional_text),
    "hookline_risk.max_drawdown.MaxDrawdown": _Compiled(_drawdown, _drawdown_text),
    "hookline_risk.min_edge.MinEdge": _Compiled(_edge, _edge_text),
}
