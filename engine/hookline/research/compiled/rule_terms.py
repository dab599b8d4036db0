"""Risk rules as rows of numbers, and what they found as the texts that the event kernel writes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.clock import isoformat
from hookline.model import timeframe_ns
from hookline.research.compiled import layout as at
from hookline.research.compiled.refusing import NotCompilable
from hookline.research.compiled.trading_times import closed_text
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
    """How a rule is compiled: its row, given the plan, and what it says, if it ever does."""

    row: Callable[[Any, Plan], _Row]
    text: Callable[[Any, Found, Plan], str] = lambda *_: ""


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
        why = _LOOKS_AT.get(rule.name, "what it asks is not known to compiled runs")
        raise NotCompilable(f"the risk rule {rule.name!r}: {why}")
    return found


# -- each rule: its row ------------------------------------------------------------------------------------------------


def _drawdown(rule: Any, plan: Plan) -> _Row:
    return _Row(at.MAX_DRAWDOWN, limit=rule.max_fraction, sum=_start_equity(plan), flag=_flattens(rule, plan))


def _daily(rule: Any, plan: Plan) -> _Row:
    return _Row(
        at.DAILY_LOSS_LIMIT,
        limit=rule.max_fraction,
        last=_start_equity(plan),
        most=rule.until == "next_day",
        flag=_flattens(rule, plan),
        period=rule.day_begins_hour * 3600 * 10**9,
        time=_NO_DAY,
    )


def _flattens(rule: Any, plan: Plan) -> bool:
    return plan.flatten_on_halt if rule.flatten is None else rule.flatten


def _start_equity(plan: Plan) -> float:
    return sum(seat.cash for seat in plan.seats)


def _position(rule: Any, plan: Plan) -> _Row:
    (instrument,) = plan.instruments.values()
    if rule.symbols and instrument.symbol not in rule.symbols:
        return _Row(at.PASSES_ALL)
    most = min(instrument.lots(rule.limit), 2**62)
    return _Row(at.MAX_POSITION, most=most, flag=rule.shrink)


def _budget(rule: Any, plan: Plan) -> _Row:
    (seat,) = plan.seats
    if rule.strategies and seat.id not in rule.strategies:
        return _Row(at.PASSES_ALL)
    return _Row(
        at.STRATEGY_BUDGET,
        limit=math.inf if rule.max_notional is None else rule.max_notional,
        other=math.nan if rule.max_fraction is None else rule.max_fraction,
        sum=seat.cash,
        last=math.nan if rule.max_loss is None else rule.max_loss,
        flag=rule.shrink,
    )


def _trades(rule: Any) -> _Row:
    # One position is held at once, so that only days can have too many.
    if rule.per_day is None:
        return _Row(at.PASSES_ALL)
    return _Row(at.MAX_TRADES, most=rule.per_day, time=_NO_DAY)


def _order_rate(rule: Any, plan: Plan) -> _Row:
    bars = -(-round(rule.window_seconds * 1e9) // timeframe_ns(plan.timeframe))
    if rule.limit < bars:
        found = f"it counts orders over {bars} bars, more than its limit of {rule.limit}"
        raise NotCompilable(f"the risk rule {rule.name!r}: {found}")
    # One entry is sent at the end of a bar at most: there never are too many.
    return _Row(at.PASSES_ALL)


def _edge(rule: Any, plan: Plan) -> _Row:
    return _Row(at.MIN_EDGE, limit=_edge_needed(rule, plan), flag=rule.without_target == "deny")


def _edge_needed(rule: Any, plan: Plan) -> float:
    return float(rule.times * 2.0 * (plan.broker.taker_fee * 1e4 + rule.slippage_bps))


# -- each rule: what it says -------------------------------------------------------------------------------------------


def _units(plan: Plan, lots: int) -> float:
    (instrument,) = plan.instruments.values()
    return instrument.units(lots)


def _stop_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    covered = f"stops cover {found.left:g} of {_units(plan, found.whole):g}"
    return f"position could be worth {found.found:.2f} with {found.against:.2f} of equity: it needs a stop, {covered}"


def _leverage_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    if math.isnan(found.found):
        return f"leverage needs equity, there is {found.against:.2f}"
    return f"leverage could be {found.found:.2f}, at most {rule.limit:g}"


def _budget_text(rule: Any, found: Found, plan: Plan) -> str:
    (seat,) = plan.seats
    if math.isnan(found.found):
        return f"{seat.id} has lost {found.against:.2f}, at most {rule.max_loss:.2f}"
    return f"{seat.id} could hold {found.found:.2f}, at most {found.against:.2f}"


def _cooldown_text(rule: Any, found: Found, plan: Plan) -> str:  # noqa: ARG001
    (symbol,) = plan.instruments
    return f"stopped out of {symbol}, cooling down until {isoformat(found.whole)}"


def _edge_text(rule: Any, found: Found, plan: Plan) -> str:
    if math.isnan(found.found):
        return "no target to compare with the fees"
    needed = _edge_needed(rule, plan)
    return f"target is {found.found:.1f} bps away, at least {needed:.1f} for {rule.times:g} times the costs"


_HEARS = frozenset({at.MAX_TRADES, at.CONSECUTIVE_LOSSES, at.STOP_COOLDOWN})
_LOOKS_AT = {
    "kill_switch": "it looks at a file while the session runs",
    "spread_guard": "it looks at quotes",
    "liquidity_guard": "it looks at books",
}
_NO_DAY = -(2**62)
_COMPILED = {
    "hookline.risk.require_stop.RequireStop": _Compiled(
        lambda rule, _: _Row(at.REQUIRE_STOP, limit=rule.threshold_leverage), _stop_text
    ),
    "hookline_risk.max_drawdown.MaxDrawdown": _Compiled(
        _drawdown,
        lambda rule, found, _: (
            f"equity fell {found.found:.1%} from {found.against:.2f}, at most {rule.max_fraction:.1%}"
        ),
    ),
    "hookline_risk.daily_loss_limit.DailyLossLimit": _Compiled(
        _daily,
        lambda rule, found, _: (
            f"lost {found.found:.1%} of {found.against:.2f} today, at most {rule.max_fraction:.1%}"
        ),
    ),
    "hookline_risk.max_order_notional.MaxOrderNotional": _Compiled(
        lambda rule, _: _Row(at.MAX_ORDER_NOTIONAL, limit=rule.limit, flag=rule.shrink),
        lambda rule, found, _: f"order worth {found.found:.2f}, at most {rule.limit:.2f}",
    ),
    "hookline_risk.max_position.MaxPosition": _Compiled(
        _position, lambda rule, found, _: f"position could be {found.found:g}, at most {rule.limit:g}"
    ),
    "hookline_risk.max_position_notional.MaxPositionNotional": _Compiled(
        lambda rule, _: _Row(at.MAX_POSITION_NOTIONAL, limit=rule.limit, flag=rule.shrink),
        lambda rule, found, _: f"position could be worth {found.found:.2f}, at most {rule.limit:.2f}",
    ),
    "hookline_risk.max_leverage.MaxLeverage": _Compiled(
        lambda rule, _: _Row(at.MAX_LEVERAGE, limit=rule.limit, flag=rule.shrink), _leverage_text
    ),
    "hookline_risk.strategy_budget.StrategyBudget": _Compiled(_budget, _budget_text),
    "hookline_risk.consecutive_losses.ConsecutiveLosses": _Compiled(
        lambda rule, _: _Row(at.CONSECUTIVE_LOSSES, most=rule.limit, period=round(rule.pause_seconds * 1e9)),
        lambda rule, found, _: f"{rule.limit} losses in a row, pausing until {isoformat(found.whole)}",
    ),
    "hookline_risk.stop_cooldown.StopCooldown": _Compiled(
        lambda rule, _: _Row(
            at.STOP_COOLDOWN, flag=rule.only_losses, period=round(rule.cooldown_seconds * 1e9)
        ),
        _cooldown_text,
    ),
    "hookline_risk.max_trades.MaxTrades": _Compiled(
        lambda rule, _: _trades(rule),
        lambda rule, found, _: f"{found.whole} positions opened today, at most {rule.per_day}",
    ),
    "hookline_risk.max_open_orders.MaxOpenOrders": _Compiled(
        lambda rule, _: _Row(at.MAX_OPEN_ORDERS, most=rule.limit),
        lambda rule, found, _: f"{found.whole} orders open and {found.found:g} more, at most {rule.limit}",
    ),
    "hookline_risk.trading_hours.TradingHours": _Compiled(
        lambda *_: _Row(at.TRADING_HOURS), lambda rule, found, _: closed_text(rule, found.whole)
    ),
    "hookline_risk.min_edge.MinEdge": _Compiled(_edge, _edge_text),
    "hookline_risk.max_order_rate.MaxOrderRate": _Compiled(_order_rate),
    # Without quotes a market order is valued at the last price, which is no distance away from itself.
    "hookline_risk.price_collar.PriceCollar": _Compiled(lambda *_: _Row(at.PASSES_ALL)),
}
