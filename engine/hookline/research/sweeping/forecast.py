"""Say what a sweep will do before it does it: how many runs, compiled or not, and how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hookline.reporting.formats import counted
from hookline.research.evaluating import first_runs, local_executor
from hookline.research.searching import search_of
from hookline.research.study import Study
from hookline.research.sweeping.checks import check_space
from hookline.research.sweeping.request import SweepRequest
from hookline.research.sweeping.sweep import jobs_of, markets_of
from hookline.session.executors import Executor

__all__ = ["Forecast", "forecast"]


@dataclass(frozen=True)
class Forecast:
    """What a sweep will do.

    Attributes:
        combinations: Of values.
        markets: Symbols times periods.
        compiled: Whether runs are compiled.
        reason: Why not.
        seconds: For one run, on one core.
        startup_seconds: Before the first run: reading data, compiling.
        executor: Name of what works the runs off.
        slots: How many it works on at a time.
        errors: What went wrong with the runs that were timed.
        timed: How many runs were timed.
    """

    combinations: int
    markets: int
    compiled: bool
    reason: str
    seconds: float
    startup_seconds: float
    executor: str
    slots: int
    errors: Sequence[str] = ()
    timed: int = 0

    @property
    def can_run(self) -> bool:
        """Whether any of the runs that were timed came to its end."""
        return len(self.errors) < self.timed

    @property
    def runs(self) -> int:
        """Runs in all."""
        return self.combinations * self.markets

    @property
    def total_seconds(self) -> float:
        """How long the sweep takes."""
        return self.startup_seconds * self.markets + self.seconds * self.runs / self.slots

    def __str__(self) -> str:
        """What a person is told."""
        each = f": {self.combinations:,} combinations, each on {self.markets:,} markets or periods"
        runs = f"{counted(self.runs, 'run')}{each if self.markets > 1 else ''}"
        if not self.can_run:
            return f"{runs}\n{counted(self.timed, 'run')} tried, all failed: {self.errors[0]}"
        lines = [
            runs,
            "compiled" if self.compiled else f"through the event kernel, not compiled: {self.reason}",
            f"{_duration(self.seconds)} each, {self.slots} at a time ({self.executor}): about {_duration(self.total_seconds)}",
        ]
        if self.errors:
            lines.append(
                f"{len(self.errors)} of {counted(self.timed, 'run')} tried failed; the first: {self.errors[0]}"
            )
        return "\n".join(lines)


def forecast(study: Study, request: SweepRequest, executor: Executor | None = None) -> Forecast:
    """Return what a sweep will do, after running a few of its runs.

    Raises:
        ConfigError: if the sweep cannot be run as it is asked for.
    """
    check_space(study, request.space)
    markets = list(markets_of(study, request.symbols, request.periods))
    search = search_of(request.space)
    jobs = jobs_of(request.space, search.ask(), markets[:1])
    trial = first_runs(study, jobs)
    seconds = trial.seconds * search.total * len(markets)
    works = executor or local_executor(seconds, compiled=trial.compiled)
    return Forecast(
        search.total,
        len(markets),
        trial.compiled,
        trial.reason,
        trial.seconds,
        trial.startup_seconds,
        works.name,
        works.slots,
        [one.error for one in trial.outcomes if one.error],
        len(trial.outcomes),
    )


def _duration(seconds: float) -> str:
    """Return a time as a person says it.

    >>> _duration(0.00012), _duration(0.43), _duration(75), _duration(9000)
    ('0.12 ms', '430 ms', '1.2 minutes', '2.5 hours')
    """
    for size, unit in ((3600.0, "hours"), (60.0, "minutes"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds * 1e3:.0f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.2g} ms"
