"""A walk forward: parameters are chosen on one stretch of history and judged on the next, again and again.

Rules of this file:

- A choice sees nothing but its training stretch. A test stretch starts flat, with the full cash and columns that are warm.
- The chosen one is the centre of the plateau where there is one, else the peak; see ``docs/plateau.md``.
- The stitched curve chains the returns of the test stretches. A position still open at the end of one is valued at its last close; what it
  would cost to close it is not taken off, nor to open it again in the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hookline.errors import ConfigError
from hookline.reporting.curve import Curve
from hookline.reporting.metrics import CurveMetrics, curve_metrics
from hookline.research.splits import Kind, Window
from hookline.research.study import Job, Study
from hookline.research.table import METRICS, Objective, Outcome, Parameter, SweepTable

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.research.space import Space
    from hookline.session.executors import Executor

__all__ = [
    "Candidates",
    "Choice",
    "Step",
    "Values",
    "WalkForward",
    "choice_of",
    "choose",
    "figures_of",
    "run_all",
    "table_of",
    "walk_forward",
]

Values = tuple[tuple[str, Any], ...]
Notice = Callable[[str], None]


@dataclass(frozen=True)
class Candidates:
    """The variants that are chosen from.

    Args:
        parameters: What varies; empty where nothing does.
        values: Of each variant, by address.
    """

    parameters: tuple[Parameter, ...] = ()
    values: tuple[Values, ...] = ((),)

    @classmethod
    def of(cls, space: Space | None) -> Candidates:
        """Return the variants of a space: all of a grid, else as many as it wants, drawn at random.

        A Bayesian search goes where earlier runs were good, which in each window is elsewhere; here its space is drawn from instead.

        Raises:
            ConfigError: if no combination keeps the constraints.
        """
        if space is None:
            return cls()
        from hookline.research.searching import sample, search_of

        chosen = search_of(space).ask() if space.method == "grid" else sample(space)
        addresses = [one.address for one in space.parameters]
        return cls(space.parameters, tuple(tuple(zip(addresses, one, strict=True)) for one in chosen))

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Choice:
    """What was chosen on a stretch.

    Attributes:
        values: Of the chosen variant, by address.
        how: ``plateau``, ``peak``, or ``fixed`` where there was nothing to choose.
        metrics: Of the chosen variant on the stretch, METRICS by name.
        table: All variants on the stretch.
    """

    values: Values
    how: str
    metrics: dict[str, float]
    table: SweepTable


@dataclass(frozen=True)
class Step:
    """One window: what was chosen, how it had done, and how it did after."""

    window: Window
    choice: Choice
    result: Result

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Figures out of sample, METRICS by name."""
        return figures_of(self.result)


@dataclass(frozen=True)
class WalkForward:
    """All windows of a walk forward.

    Attributes:
        kind: How the training stretch moved.
        objective: By what was chosen.
        steps: In order of time.
    """

    kind: Kind
    objective: Objective
    steps: tuple[Step, ...]

    @cached_property
    def curve(self) -> Curve:
        """Equity out of sample at every bar end, 1 at the start: each test stretch goes on with what the one before left."""
        times, values, left = [], [], 1.0
        for step in self.steps:
            equity = step.result.equity
            grown = equity.value / step.result.record.cash * left
            times.append(equity.time)
            values.append(grown)
            left = float(grown[-1]) if len(grown) else left
        return Curve(np.concatenate(times), np.concatenate(values))

    @cached_property
    def metrics(self) -> CurveMetrics:
        """Figures of the stitched curve."""
        return curve_metrics(self.curve, 1.0, self.steps[0].result.start)

    @property
    def in_sample(self) -> float:
        """Mean of the objective where it was chosen."""
        return _mean([step.choice.metrics[self.objective.metric] for step in self.steps])

    @property
    def out_of_sample(self) -> float:
        """Mean of the objective where it was judged."""
        return _mean([step.metrics[self.objective.metric] for step in self.steps])

    @property
    def profitable_fraction(self) -> float:
        """Share of the test stretches that made money."""
        return float(np.mean([step.metrics["total_return"] > 0.0 for step in self.steps]))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def figures_of(result: Result) -> dict[str, float]:
    """Return METRICS of a run by name."""
    metrics = result.metrics
    return {name: float(getattr(metrics, name)) for name in METRICS}


def walk_forward(
    study: Study,
    candidates: Candidates,
    objective: Objective,
    kind: Kind,
    windows: Sequence[Window],
    *,
    executor: Executor | None = None,
    notice: Notice | None = None,
) -> WalkForward:
    """Choose and judge in each window.

    Args:
        study: The session.
        candidates: What is chosen from.
        objective: By what.
        kind: How the training stretches of the windows move.
        windows: In order of time.
        executor: Where runs are worked off.
        notice: Told why runs are not compiled.

    Raises:
        ConfigError: if no variant has a figure to be chosen by in some window.
    """
    steps = []
    for window in windows:
        choice = choose(
            study,
            candidates,
            objective,
            (window.train_since, window.train_until),
            executor=executor,
            notice=notice,
        )
        job = Job(choice.values, since=window.test_since, until=window.test_until)
        steps.append(Step(window, choice, study.run(job)))
    return WalkForward(kind, objective, tuple(steps))


def choose(
    study: Study,
    candidates: Candidates,
    objective: Objective,
    stretch: tuple[int | None, int | None] = (None, None),
    *,
    executor: Executor | None = None,
    notice: Notice | None = None,
) -> Choice:
    """Run every variant on a stretch and return the one to take.

    Args:
        study: The session.
        candidates: What is chosen from.
        objective: By what.
        stretch: Since and until, nanoseconds UTC; None for the session's own.
        executor: Where runs are worked off.
        notice: Told why runs are not compiled.

    Raises:
        ConfigError: if no variant has a figure to be chosen by.
    """
    outcomes = run_all(study, candidates, stretch, executor=executor, notice=notice)
    return choice_of(study.name, candidates, objective, outcomes)


def run_all(
    study: Study,
    candidates: Candidates,
    stretch: tuple[int | None, int | None] = (None, None),
    *,
    executor: Executor | None = None,
    notice: Notice | None = None,
) -> list[Outcome]:
    """Run every variant on a stretch; the arguments are those of :func:`choose`."""
    from hookline.research.evaluating import evaluate

    since, until = stretch
    jobs = [Job(values, since=since, until=until) for values in candidates.values]
    return list(evaluate(study, jobs, executor=executor, notice=notice))


def choice_of(name: str, candidates: Candidates, objective: Objective, outcomes: Sequence[Outcome]) -> Choice:
    """Return the variant to take.

    Raises:
        ConfigError: if none has a figure to be chosen by.
    """
    table = table_of(name, candidates, objective, outcomes)
    row, how = _best(table) if candidates.parameters else (0, "fixed")
    chosen = outcomes[row]
    if chosen.error:
        raise ConfigError(f"{name}: the run to be judged failed: {chosen.error}")
    return Choice(chosen.job.values, how, chosen.metrics, table)


def table_of(
    name: str, candidates: Candidates, objective: Objective, outcomes: Sequence[Outcome]
) -> SweepTable:
    """Return outcomes as the table of a sweep."""
    import pandas as pd

    return SweepTable(
        name, candidates.parameters, objective, pd.DataFrame(list(_rows(outcomes))), len(outcomes)
    )


def _rows(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    for one in outcomes:
        job = one.job
        yield {
            **dict(job.values),
            "symbol": job.symbol,
            "since": -1 if job.since is None else job.since,
            "until": -1 if job.until is None else job.until,
            **one.metrics,
            "how": one.how,
            "error": one.error,
        }


def _best(table: SweepTable) -> tuple[int, str]:
    """Return the row to take, and whether it is the middle of a plateau or only a peak."""
    from hookline.research.plateau import find_peak, find_plateau

    plateau = find_plateau(table)
    if plateau is not None:
        return plateau.row, "plateau"
    peak = find_peak(table)
    if peak is None:
        metric = table.objective.metric
        raise ConfigError(
            f"{table.name}: a variant must have a {metric} to be chosen by, none of {table.total:,} has"
        )
    return peak, "peak"
