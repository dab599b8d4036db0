"""Rating bands, and the warnings that belong beside the figures.

===============  ==================  ==============  =========
figure           good                acceptable      warning
===============  ==================  ==============  =========
Sharpe           above 2             1 to 2          below 1
max drawdown     below 10 %          below 25 %      25 % and more
win rate         above 55 %          above 45 %      45 % and less
profit factor    above 1.5           above 1.1       1.1 and less
round trips      above 100           above 30        30 and fewer
===============  ==================  ==============  =========

A result looks too good when one of these holds; each is far outside what published, traded strategies show after costs,
and the usual cause is a mistake (look-ahead, missing costs, parameters fitted to the same data):

- Sharpe above 4 with more than 30 round trips,
- no losing round trip among 20 or more,
- a profit factor above 5 with 30 round trips or more,
- a drawdown below 1 % with a return above 50 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from hookline.model import OrderStatus
from hookline.reporting.metrics import Metrics
from hookline.risk import Action

if TYPE_CHECKING:
    from hookline.reporting.record import RunRecord

__all__ = ["Rating", "rate", "warnings_of"]

SHORT_PERIOD_DAYS = 90
_REFUSED = (OrderStatus.DENIED, OrderStatus.REJECTED)
_DID = {
    Action.DENY: "denied",
    Action.SHRINK: "shrank",
    Action.WARN: "warned",
    Action.HALT: "halted",
    Action.RESUME: "resumed",
}


class Rating(StrEnum):
    """How a figure stands against its band."""

    GOOD = "good"
    ACCEPTABLE = "acceptable"
    WARNING = "warning"


# figure: what makes it good, what makes it acceptable
_BANDS: dict[str, tuple[Callable[[float], bool], Callable[[float], bool]]] = {
    "sharpe": (lambda x: x > 2.0, lambda x: x >= 1.0),
    "max_drawdown": (lambda x: x < 0.10, lambda x: x < 0.25),
    "win_rate": (lambda x: x > 0.55, lambda x: x > 0.45),
    "profit_factor": (lambda x: x > 1.5, lambda x: x > 1.1),
    "round_trips": (lambda x: x > 100, lambda x: x > 30),
}


def rate(metrics: Metrics) -> dict[str, Rating]:
    """Return the rating of each figure that has a band and is defined; none where nothing was traded."""
    ratings = {}
    for name, (is_good, is_acceptable) in _BANDS.items():
        value = float(getattr(metrics, name))
        # Without a fill there is nothing to praise: staying in cash has no drawdown.
        if not math.isnan(value) and metrics.fills:
            acceptable = Rating.ACCEPTABLE if is_acceptable(value) else Rating.WARNING
            ratings[name] = Rating.GOOD if is_good(value) else acceptable
    return ratings


def warnings_of(record: RunRecord, metrics: Metrics) -> list[str]:
    """Return what a reader must know before believing the figures, the gravest first."""
    found = []
    if record.halted:
        found.append(f"Halted before the end: {record.halted}")
    if record.interrupted:
        found.append("Interrupted: figures cover the bars up to the interruption")
    found += _too_good(metrics)
    if metrics.max_drawdown >= 1.0:
        found.append("Equity fell to zero or below: figures that need returns are not defined")
    if not metrics.fills:
        found.append(f"No order was filled{_why_none(record)}" if metrics.bars else "No bars were processed")
    days = metrics.period_seconds / 86_400
    if metrics.fills and days < SHORT_PERIOD_DAYS:
        found.append(f"The period is {days:.1f} days: figures for a year are extrapolated from it")
    return [*found, *_gate(record), *record.warnings]


def _gate(record: RunRecord) -> list[str]:
    """Return what the risk gate did, counted by rule, in one line."""
    counts = Counter((decision.rule, decision.verdict) for decision in record.decisions if decision.rule)
    texts = [f"{rule} {_DID[verdict]} {count:,}" for (rule, verdict), count in counts.items()]
    return [f"Risk rules: {', '.join(texts)}"] if texts else []


def _why_none(record: RunRecord) -> str:
    """Return how often and why orders were refused, the most frequent reason; empty if none was."""
    # What follows the colon are the figures of one order.
    reasons = Counter(
        f"{update.status}, {update.reason}".split(":", maxsplit=1)[0]
        for update in record.updates
        if update.reason and update.status in _REFUSED
    )
    if not reasons:
        return ""
    reason, times = reasons.most_common(1)[0]
    return f"; {times:,} order{' was' if times == 1 else 's were'} {reason}"


def _too_good(metrics: Metrics) -> list[str]:
    trips = metrics.round_trips
    reasons = []
    if metrics.sharpe > 4.0 and trips > 30:
        reasons.append(f"Sharpe {metrics.sharpe:.1f} over {trips} round trips")
    if trips >= 20 and metrics.win_rate == 1.0:
        reasons.append(f"none of {trips} round trips lost")
    if metrics.profit_factor > 5.0 and trips >= 30:
        reasons.append(f"profit factor {metrics.profit_factor:.1f} over {trips} round trips")
    if metrics.max_drawdown < 0.01 and metrics.total_return > 0.5:
        reasons.append(f"{metrics.total_return:.0%} return with a drawdown of {metrics.max_drawdown:.2%}")
    if not reasons:
        return []
    advice = "check for look-ahead, missing fees and slippage, and parameters fitted to these same bars"
    return [f"Looks too good ({'; '.join(reasons)}): {advice}"]
