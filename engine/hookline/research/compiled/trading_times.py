"""Trading hours as times: when entries begin to be denied, and when no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hookline.clock import to_ns
from hookline.research.compiled import layout as at
from hookline.risk import RiskRule

__all__ = ["closed_text", "put_hours"]


def put_hours(k: NDArray[np.int64], rules: Sequence[RiskRule], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times at which trading hours end and begin again, rule after rule, and write to its row where a rule's are.

    Args:
        k: The ints that a run begins with; the rules are in them already.
        rules: All rules of a session.
        ends: The times at which entries are sent: ends of bars, nanoseconds UTC.
    """
    tables, size = [np.empty(0, np.int64)], 0
    for number, rule in enumerate(rules):
        r = at.K_RULES + number * at.RULE_K_WIDTH
        if k[r + at.RULE_KIND] == at.TRADING_HOURS:
            tables.append(changes(is_closed(rule, ends), ends))
            k[r + at.RULE_MOST], k[r + at.RULE_COUNT] = size, len(tables[-1])
            size += len(tables[-1])
    return np.concatenate(tables)


def changes(closed: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times at which a rule begins to deny, and no longer does, one after the other."""
    return ends[np.flatnonzero(np.diff(closed, prepend=False))]


def is_closed(rule: Any, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each time whether a rule denies entries."""
    import pandas as pd

    closed = np.zeros(len(ends), bool)
    for text in rule.closed:
        begin, end = (_instant(part) for part in text.split("/"))
        closed |= (begin <= ends) & (ends < end)
    if rule.windows:
        local = pd.DatetimeIndex(ends, tz="UTC").tz_convert(rule.time_zone)
        minutes = ((local.day_of_week * 24 + local.hour) * 60 + local.minute).to_numpy()
        # What windows say depends on the minute of the week alone: each that there is is asked for once.
        by_windows = replace(rule, closed=[])
        _, firsts, places = np.unique(minutes, return_index=True, return_inverse=True)
        said = [by_windows.check(None, SimpleNamespace(now=int(ends[first]))) for first in firsts]
        closed |= np.array([one is not None for one in said])[places]
    return closed


def closed_text(rule: Any, time: int) -> str:
    """Return what a rule says of an entry at a time at which it denies."""
    verdict = rule.check(None, SimpleNamespace(now=time))
    return str(verdict.reason)


def _instant(text: str) -> int:
    moment = datetime.fromisoformat(text.strip())
    return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
