"""What a session on paper must have shown before it may trade money, read from its journal.

The thresholds are those that desks commonly ask for; none of them promises anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hookline.journal import read_journal, to_record
from hookline.journal.content import JournalContent
from hookline.model import OrderStatus, OrderType
from hookline.reporting.result import Result
from hookline.session.pulse import read_status

__all__ = ["FIRST_CAPITAL", "STAGES", "Check", "checklist_of"]

FIRST_CAPITAL = 0.05
STAGES = (0.05, 0.25, 0.5, 1.0)
_DAY = 86_400 * 10**9
_DAYS = 14.0
_SHARPE = 1.5
_DRAWDOWN = 0.15
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True)
class Check:
    """One row: what is looked at, what was found, what is needed, and whether that is so."""

    name: str
    found: str
    needed: str
    passed: bool


def checklist_of(folder: Path, first_capital_fraction: float | None = None) -> list[Check]:
    """Return the checklist of a session.

    Args:
        folder: The session's.
        first_capital_fraction: Share of the capital that the first stage with money is to have; None if it is not planned yet.

    Raises:
        JournalError: if there is no journal, or it cannot be read.
    """
    content = read_journal(folder)
    return [
        _days(content, folder),
        *_results(content),
        *_seen(content),
        _alerts(content),
        _capital(first_capital_fraction),
    ]


def _days(content: JournalContent, folder: Path) -> Check:
    """Count both clocks: a month that was replayed in a minute is no month on paper."""
    market = max(0, content.time - content.first_time) / _DAY
    last = max(
        [stop.time for stop in content.stops] + [start.time for start in content.starts],
        default=0,
    )
    last = max(last, read_status(folder).get("written", 0))
    clock = (last - content.starts[0].time) / _DAY if content.starts else 0.0
    found = f"{market:.1f} days of market data in {clock:.1f} days by the clock"
    return Check("time on paper", found, f"{_DAYS:g} days of both", min(market, clock) >= _DAYS)


def _results(content: JournalContent) -> Iterator[Check]:
    sharpe = drawdown = math.nan
    record = to_record(content)
    if record.series and not record.unvalued:
        metrics = Result(record).metrics
        sharpe, drawdown = metrics.sharpe, metrics.max_drawdown
    yield Check("Sharpe ratio", _shown(sharpe, ".2f"), f"at least {_SHARPE:g}", sharpe >= _SHARPE)
    yield Check(
        "max drawdown", _shown(abs(drawdown), ".1%"), f"at most {_DRAWDOWN:.0%}", abs(drawdown) <= _DRAWDOWN
    )


def _shown(value: float, form: str) -> str:
    return "unknown" if value != value else format(value, form)  # noqa: PLR0124


def _seen(content: JournalContent) -> Iterator[Check]:
    fired = sum(order.type in _STOPS and order.filled_lots > 0 for order in content.orders)
    ended = [update.status for update in content.updates]
    stalls = sum(one.rule == "feed" and "stalled" in one.reason for one in content.decisions)
    for name, count in (
        ("stops that fired", fired),
        ("orders that the venue rejected", ended.count(OrderStatus.REJECTED)),
        ("orders that were denied", ended.count(OrderStatus.DENIED)),
        ("restarts", len(content.starts) - 1),
        ("stalls of the feed", stalls),
    ):
        yield Check(name, f"{count:,}", "at least 1", count >= 1)


def _alerts(content: JournalContent) -> Check:
    names = [
        use["use"] if isinstance(use, dict) else str(use)
        for use in content.header.config.get("notifiers") or ()
    ]
    others = [name for name in names if name != "log"]
    return Check(
        "alerts", ", ".join(names) or "none", "a notifier that reaches a person, other than log", bool(others)
    )


def _capital(fraction: float | None) -> Check:
    found = "not planned" if fraction is None else f"{fraction:.1%}"
    passed = fraction is not None and 0.0 < fraction <= FIRST_CAPITAL
    return Check("first capital", found, f"at most {FIRST_CAPITAL:.0%} of what is planned", passed)
