"""What a session and its variants brought each day.

Rule of this file: days are UTC, and end with the last bar that ends in each; of bars longer than a day returns are those of the bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline import plugins
from hookline.reporting.curve import Curve
from hookline.reporting.daily import returns_by_day
from hookline.reporting.result import Result
from hookline.research.ledger import uncounted
from hookline.research.study import Job, Study
from hookline.signals import SignalStrategy

if TYPE_CHECKING:
    from hookline.research.compiled import CompiledRun

__all__ = ["daily_returns", "returns_by_day", "thinned"]

Floats = NDArray[np.float64]
_POINTS = 600


def daily_returns(study: Study, jobs: Sequence[Job]) -> list[Floats]:
    """Return what each day brought in each of several runs on all bars; they count in no ledger.

    What is given and what is returned may be sent to another process.
    """
    found = []
    with uncounted(), plugins.remembering():
        compiled = _compiled(study, jobs[0]) if jobs else None
        for job in jobs:
            result = _result_of(study, job, compiled)
            found.append(np.nan_to_num(returns_by_day(result.equity, result.record.cash).value))
    return found


def _compiled(study: Study, job: Job) -> CompiledRun | None:
    from hookline.research.compiled import CompiledRun, NotCompilable

    try:
        return CompiledRun(study.plan(job))
    except NotCompilable:
        return None


def _result_of(study: Study, job: Job, compiled: CompiledRun | None) -> Result:
    """Return the result of a job, compiled where that is possible; orders and fills are the same."""
    from hookline.research.compiled import NotCompilable

    strategy = None if compiled is None else study.strategy(job)
    if compiled is None or not isinstance(strategy, SignalStrategy):
        return study.run(job)
    try:
        return Result(compiled.record(strategy))
    except NotCompilable:
        return study.run(job)


def thinned(curve: Curve, points: int = _POINTS) -> dict[str, list[Any]]:
    """Return a curve with few enough points to draw: milliseconds UTC and values; the first and the last are kept."""
    size = len(curve.time)
    rows = np.unique(np.linspace(0, max(size - 1, 0), min(points, size)).round().astype(np.int64))
    return {"t": (curve.time[rows] // 10**6).tolist(), "y": curve.value[rows].tolist()}
