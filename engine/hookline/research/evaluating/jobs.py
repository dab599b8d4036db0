"""Run the jobs of a study, wherever they are run, and say what came of each.

Rules of this file:

- A job is compiled where that is possible. Where it is not, it goes through the event kernel, and one notice says why.
- What goes wrong with one job is its outcome, and stops no other. An interrupt stops all, and what was given out stands.
- The first jobs of a study run in this process and are timed. The rest is cut into pieces of about a second, and leaves the process
  where an executor is given or that saves time.
"""

from __future__ import annotations

import logging
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hookline.clock import stopwatch
from hookline.research.evaluating.batch import Batch, Done, run_batch
from hookline.research.evaluating.data import digests_of
from hookline.research.ledger.counting import counting
from hookline.research.study import Job, Study
from hookline.research.table import Outcome
from hookline.session.executors import (
    Executor,
    ProcessExecutor,
    SerialExecutor,
    ThreadExecutor,
    cores,
)

__all__ = ["Trial", "evaluate", "first_runs", "local_executor"]

_logger = logging.getLogger("hookline.research")

_PIECE_SECONDS = 1.0
_MOST_IN_A_PIECE = 4096
# A new process has to import everything and to read the data: some seconds.
_WORTH_PROCESSES = 10.0
_WORTH_THREADS = 0.2
_TIMED = {True: 8, False: 1}


@dataclass(frozen=True)
class Trial:
    """What the first jobs of a study showed.

    Attributes:
        outcomes: What came of them.
        compiled: Whether they were compiled.
        reason: Why not.
        seconds: For one job, on one core, without what only the first one takes.
        startup_seconds: What the first one took: reading data, compiling.
    """

    outcomes: list[Outcome]
    compiled: bool
    reason: str
    seconds: float
    startup_seconds: float


class _Pace(NamedTuple):
    """How long a job of a study takes, in seconds, and why it is not compiled, if it is not."""

    seconds: float
    reason: str


_PACES: OrderedDict[Study, _Pace] = OrderedDict()
_MOST_PACES = 64


def first_runs(study: Study, jobs: Sequence[Job]) -> Trial:
    """Run the first few jobs in this process and time them."""
    began = stopwatch()
    done = run_batch(Batch(study, tuple(jobs[:1])))
    startup = seconds = stopwatch() - began
    compiled = not done.reason
    outcomes = list(done.outcomes)
    timed = tuple(jobs[1 : 1 + _TIMED[compiled]])
    if timed:
        began = stopwatch()
        outcomes += run_batch(Batch(study, timed, compiled)).outcomes
        seconds = (stopwatch() - began) / len(timed)
    return Trial(outcomes, compiled, done.reason, seconds, startup)


def evaluate(
    study: Study,
    jobs: Sequence[Job],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    notice: Callable[[str], None] | None = None,
) -> Generator[Outcome, None, None]:
    """Yield what comes of each job, in the order of jobs; closing the generator ends the work.

    Args:
        study: What is run.
        jobs: The runs.
        executor: Where they are run; by default threads for compiled runs and processes for others, as far as that saves time.
        progress: Called with the number of jobs done and of all.
        notice: Told once why runs are not compiled; the log by default.
    """
    tell = _Once(notice or _logger.warning)
    with counting(study) as count:
        for done, outcome in enumerate(_outcomes(study, jobs, executor, tell), 1):
            count(outcome)
            if progress is not None:
                progress(done, len(jobs))
            yield outcome


def local_executor(seconds: float, *, compiled: bool) -> Executor:
    """Return what runs jobs on this machine soonest that take so many seconds one after the other."""
    if cores() > 1:
        if compiled and seconds > _WORTH_THREADS:
            return ThreadExecutor()
        if not compiled and seconds > _WORTH_PROCESSES and _can_spawn():
            return ProcessExecutor()
    return SerialExecutor()


def _outcomes(study: Study, jobs: Sequence[Job], executor: Executor | None, tell: _Once) -> Iterator[Outcome]:
    if not jobs:
        return
    left, pace = jobs, _PACES.get(study)
    if pace is None:
        trial = first_runs(study, jobs)
        pace = _Pace(trial.seconds, trial.reason)
        _remember(study, pace, trial)
        yield from trial.outcomes
        left = jobs[len(trial.outcomes) :]
    tell(pace.reason)
    if not left:
        return
    compiled = not pace.reason
    works = executor or local_executor(pace.seconds * len(left), compiled=compiled)
    size = _piece(len(left), pace.seconds, works.slots)
    pieces = [
        Batch(study, part, compiled, digests_of(study, part))
        for part in (tuple(left[first : first + size]) for first in range(0, len(left), size))
    ]
    done: Done
    for done in works.map(run_batch, pieces):
        tell(done.reason)
        yield from done.outcomes


def _remember(study: Study, pace: _Pace, trial: Trial) -> None:
    """Keep the pace of a study for its next jobs, if it was taken at more than the first one and nothing failed."""
    if len(trial.outcomes) > 1 and not any(one.error for one in trial.outcomes):
        _PACES[study] = pace
        while len(_PACES) > _MOST_PACES:
            _PACES.popitem(last=False)


def _piece(jobs: int, seconds: float, slots: int) -> int:
    """Return how many jobs make a piece: about a second's, and enough pieces to keep every slot busy to the end."""
    lasting = math.ceil(_PIECE_SECONDS / max(seconds, 1e-6))
    shared = math.ceil(jobs / (4 * slots)) if slots > 1 else jobs
    return max(1, min(lasting, shared, _MOST_IN_A_PIECE))


class _Once:
    """Passes on the first reason that it is given."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say: Callable[[str], None] | None = say

    def __call__(self, reason: str) -> None:
        if reason and self._say is not None:
            self._say(f"not compiled, so runs go through the event kernel: {reason}")
            self._say = None


def _can_spawn() -> bool:
    """Return whether a new process may import the main module again: a notebook has none, a script may run once more."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return file is None or Path(file).stem == "hookline"
