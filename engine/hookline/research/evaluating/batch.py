"""A few jobs of one study, run in one place: this process, a thread, another process, or another machine.

Everything here is named by the study, so it may be sent anywhere; what it needs again, such as data and compiled runs, each process
keeps.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hookline import plugins
from hookline.errors import ConfigError, DataError, HooklineError
from hookline.research.evaluating.data import differences
from hookline.research.ledger import uncounted
from hookline.research.ledger.counting import daily_sharpe
from hookline.research.study import Job, Study
from hookline.research.table import METRICS, Outcome

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.research.compiled import CompiledRun
    from hookline.signals import SignalStrategy

__all__ = ["Batch", "Done", "metrics_of", "run_batch", "run_job"]

_PARAMS = "strategies[0].params."
_FAILED = dict.fromkeys(METRICS, math.nan)
_MOST_KEPT = 4


@dataclass(frozen=True)
class Batch:
    """Jobs to run together.

    Args:
        study: What is run.
        jobs: The runs.
        compiled: Whether to compile them where that is possible.
        expected: What session and data must be like where they run, see :func:`hookline.research.evaluating.data.digests_of`.
    """

    study: Study
    jobs: tuple[Job, ...]
    compiled: bool = True
    expected: tuple[tuple[str, str], ...] = ()


class _EventOnlyError(Exception):
    """Why jobs must go through the event kernel."""


class Done(NamedTuple):
    """What came of a batch: an outcome for each job, in order, and why it was not compiled, if it was not."""

    outcomes: list[Outcome]
    reason: str = ""


def run_batch(batch: Batch) -> Done:
    """Run the jobs of a batch; what goes wrong with one is its outcome.

    Raises:
        KeyboardInterrupt: if a run was interrupted.
    """
    # Whoever evaluates counts all outcomes at once.
    with plugins.remembering(), uncounted():
        return _run(batch)


def _run(batch: Batch) -> Done:
    wrong = _wrong(batch)
    if wrong:
        return Done([_failure(job, "event", wrong) for job in batch.jobs])
    if not batch.compiled:
        return Done([run_job(batch.study, job) for job in batch.jobs])
    found: dict[int, Outcome] = {}
    reason = ""
    for market, numbers in _markets(batch.jobs).items():
        jobs = [batch.jobs[number] for number in numbers]
        try:
            outcomes = _compiled(batch.study, market, jobs)
        except _EventOnlyError as error:
            reason = reason or str(error)
            outcomes = [run_job(batch.study, job) for job in jobs]
        found.update(zip(numbers, outcomes, strict=True))
    return Done([found[number] for number in range(len(batch.jobs))], reason)


def _wrong(batch: Batch) -> HooklineError | None:
    """Return what keeps every job of a batch from being run here."""
    try:
        differing = differences(batch.study, batch.expected)
    except HooklineError as error:
        return error
    return DataError(differing) if differing else None


def run_job(study: Study, job: Job) -> Outcome:
    """Run one job through the event kernel.

    Raises:
        KeyboardInterrupt: if the run was interrupted.
    """
    try:
        result = study.run(job)
    except Exception as error:  # noqa: BLE001  # a plugin is called, and no job may stop the others
        return _failure(job, "event", error)
    if result.record.interrupted:
        raise KeyboardInterrupt
    return Outcome(job, metrics_of(result), "event", daily_sharpe=daily_sharpe(result))


def metrics_of(result: Result) -> dict[str, float]:
    """Return METRICS of a result."""
    return {name: float(getattr(result.metrics, name)) for name in METRICS}


def _failure(job: Job, how: str, error: Exception) -> Outcome:
    text = str(error) if isinstance(error, HooklineError) else f"{type(error).__name__}: {error}"
    return Outcome(job, dict(_FAILED), how, text or type(error).__name__)


def _markets(jobs: Sequence[Job]) -> dict[Job, list[int]]:
    """Return the numbers of jobs that differ in parameters of the strategy alone, by what they have in common."""
    found: dict[Job, list[int]] = {}
    for number, job in enumerate(jobs):
        rest = tuple(value for value in job.values if not value[0].startswith(_PARAMS))
        found.setdefault(Job(rest, job.symbol, job.since, job.until), []).append(number)
    return found


def _compiled(study: Study, market: Job, jobs: Sequence[Job]) -> list[Outcome]:
    """Run jobs on one market with its compiled run.

    Raises:
        _EventOnlyError: saying why they cannot be compiled.
    """
    outcomes: dict[int, Outcome] = {}
    strategies: list[SignalStrategy] = []
    numbers: list[int] = []
    for number, job in enumerate(jobs):
        try:
            strategies.append(_strategy(study, job))
            numbers.append(number)
        except ConfigError as error:
            outcomes[number] = _failure(job, "compiled", error)
    if numbers:
        try:
            found = _RUNS.metrics(study, market, jobs[numbers[0]], strategies)
        except HooklineError as error:  # of the data, and so of every job
            return [outcomes.get(n) or _failure(job, "compiled", error) for n, job in enumerate(jobs)]
        for number, metrics in zip(numbers, found, strict=True):
            # A run that fails has no figures; the event kernel says why.
            failed = math.isnan(metrics["bars"])
            outcomes[number] = run_job(study, jobs[number]) if failed else _outcome(jobs[number], metrics)
    return [outcomes[number] for number in range(len(jobs))]


def _outcome(job: Job, figures: dict[str, float]) -> Outcome:
    metrics = {name: figures[name] for name in METRICS}
    return Outcome(job, metrics, "compiled", daily_sharpe=figures["daily_sharpe"])


def _strategy(study: Study, job: Job) -> SignalStrategy:
    """Return the strategy of a job.

    Raises:
        ConfigError: if a parameter breaks its rule.
        _EventOnlyError: if it is not all there is to run.
    """
    from hookline.signals import SignalStrategy

    own = tuple(value for value in job.values if value[0].startswith(_PARAMS))
    strategy = study.strategy(Job(own))
    if strategy is None:
        raise _EventOnlyError("the session has several strategies, or parameters within parameters vary")
    if not isinstance(strategy, SignalStrategy):
        raise _EventOnlyError(f"{type(strategy).__name__} is no SignalStrategy")
    return strategy


class _Kept:
    """Compiled runs of this process, the latest few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[Study, Job], CompiledRun | str] = OrderedDict()

    def metrics(
        self, study: Study, market: Job, job: Job, strategies: Sequence[SignalStrategy]
    ) -> list[dict[str, float]]:
        """Return the figures of strategies on a market; ``job`` is one of those on it.

        Raises:
            _EventOnlyError: saying why they cannot be compiled.
            HooklineError: if the data is missing or cannot be trusted.
        """
        from hookline.research.compiled import NotCompilable

        with self._lock:
            key = (study, market)
            if key not in self._runs:
                self._runs[key] = _made(study, job)
                while len(self._runs) > _MOST_KEPT:
                    self._runs.popitem(last=False)
            self._runs.move_to_end(key)
            found = self._runs[key]
        if isinstance(found, str):
            raise _EventOnlyError(found)
        try:
            return found.metrics(strategies, metrics=(*METRICS, "daily_sharpe"))
        except NotCompilable as error:
            raise _EventOnlyError(error.reason) from error


def _made(study: Study, job: Job) -> CompiledRun | str:
    """Return the compiled run of a job's market, or why there is none."""
    from hookline.research.compiled import CompiledRun, NotCompilable

    try:
        return CompiledRun(study.plan(job))
    except NotCompilable as error:
        return error.reason


_RUNS = _Kept()
