"""Sweeps: a session run with every combination of a space, on every instrument and period asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hookline.research.evaluating import evaluate
from hookline.research.keeping import Keeper
from hookline.research.keeping.rows import frame_of
from hookline.research.searching import Search, search_of
from hookline.research.space import Combination, Space
from hookline.research.study import Job, Study
from hookline.research.sweeping.checks import check_space
from hookline.research.sweeping.story import story_of
from hookline.research.table import Objective, Outcome, SweepTable

if TYPE_CHECKING:
    from hookline.session.executors import Executor

__all__ = ["EACH", "Period", "jobs_of", "markets_of", "run_sweep"]

EACH = "each"
"""Instead of symbols: every one of the session's, on its own."""


class Period(NamedTuple):
    """When runs trade: bars that start in ``[since, until)``, nanoseconds UTC; None for the session's own."""

    since: int | None = None
    until: int | None = None


def run_sweep(
    study: Study,
    space: Space,
    objective: Objective,
    *,
    folder: Path | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    symbols: Sequence[str] = (),
    periods: Sequence[Period] = (),
    fresh: bool = False,
) -> SweepTable:
    """Run a sweep and return its rows; an interrupt (Ctrl-C) returns those that are done.

    Args:
        study: The session.
        space: What varies and how it is searched.
        objective: By what runs are compared.
        folder: Where rows are kept; the same sweep goes on there where it stopped. None keeps nothing.
        executor: Where runs are worked off; see :func:`hookline.research.evaluating.evaluate`.
        progress: Called with the number of runs done and of all.
        symbols: Instruments, each of which is traded alone; ``("each",)`` for each of the session's. None of them runs the
            session as it is.
        periods: When runs trade; all bars of the session before a period warm up its columns.
        fresh: Begin anew; what the folder holds is moved aside.

    Raises:
        ConfigError: if the sweep cannot be run as it is asked for, or the folder holds another one.
        DataError: if the data is missing or cannot be trusted.
    """
    check_space(study, space)
    markets = tuple(markets_of(study, symbols, periods))
    search = search_of(space)
    say = progress or (lambda _done, _total: None)
    if folder is None:
        return _Sweep(study, space, objective, markets, search, executor, say).run()
    story = story_of(study, space, objective, markets)
    # Only a search that learns goes another way for another objective.
    free = () if space.method == "bayes" else ("objective",)
    with closing(Keeper(folder, space.parameters, story, free=free, fresh=fresh)) as keeper:
        return _Sweep(study, space, objective, markets, search, executor, say, keeper).run()


def markets_of(
    study: Study, symbols: Sequence[str] = (), periods: Sequence[Period] = ()
) -> Iterator[tuple[str, Period]]:
    """Yield each symbol with each period; an empty symbol is the session as it is."""
    named = study.config().symbols if tuple(symbols) == (EACH,) else symbols
    for symbol in named or ("",):
        for period in periods or (Period(),):
            yield symbol, period


def jobs_of(
    space: Space, combinations: Sequence[Combination], markets: Sequence[tuple[str, Period]]
) -> list[Job]:
    """Return a job for each combination on each market; those of one market follow each other."""
    addresses = [one.address for one in space.parameters]
    values = [tuple(zip(addresses, combination, strict=True)) for combination in combinations]
    return [Job(each, symbol, *period) for symbol, period in markets for each in values]


@dataclass
class _Sweep:
    """A sweep while it runs."""

    study: Study
    space: Space
    objective: Objective
    markets: tuple[tuple[str, Period], ...]
    search: Search
    executor: Executor | None
    progress: Callable[[int, int], None]
    keeper: Keeper | None = None
    asked: list[Job] = field(default_factory=list)
    found: dict[Job, Outcome] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def run(self) -> SweepTable:
        """Go the way of the search to its end, or to an interrupt."""
        total = self.search.total * len(self.markets)
        try:
            while combinations := self.search.ask():
                jobs = jobs_of(self.space, combinations, self.markets)
                self.asked += jobs
                self._evaluate(jobs, total)
                self.search.tell(combinations, self._scores(jobs, len(combinations)))
            total = len(self.asked)
        except KeyboardInterrupt:
            pass  # what is missing shows in the table
        return self._table(total)

    def _evaluate(self, jobs: Sequence[Job], total: int) -> None:
        """Find out what comes of jobs; what is known is not run again."""
        left = []
        for job in jobs:
            known = None if self.keeper is None else self.keeper.get(job)
            if known is None:
                left.append(job)
            else:
                self.found[job] = known
        self.progress(len(self.found), total)
        with closing(evaluate(self.study, left, executor=self.executor, notice=self._notice)) as outcomes:
            for outcome in outcomes:
                self.found[outcome.job] = outcome
                if self.keeper is not None:
                    self.keeper.add(outcome)
                self.progress(len(self.found), total)

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)

    def _scores(self, jobs: Sequence[Job], combinations: int) -> list[float]:
        """Return how good each combination was: the mean of its objective over all markets, more being better."""
        metric, sign = self.objective.metric, self.objective.sign
        values = [sign * self.found[job].metrics[metric] for job in jobs]
        each = [values[number::combinations] for number in range(combinations)]
        return [math.fsum(part) / len(part) for part in each]

    def _table(self, total: int) -> SweepTable:
        outcomes = [self.found[job] for job in self.asked if job in self.found]
        if self.keeper is not None:
            self.keeper.finish(outcomes)
        parameters = self.space.parameters
        frame = frame_of(parameters, outcomes)
        return SweepTable(self.study.name, parameters, self.objective, frame, total, self.notices)
