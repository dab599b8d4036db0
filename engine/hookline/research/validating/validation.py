"""Validation: everything that is asked of a session before its backtest is believed.

Rules of this file:

- A test that cannot be made says why and stops no other; what is unknown then is no pass.
- The session's own parameters are what the passport is for. The space says what else was tried, and is what choices are made from.
- The runs of a validation count in the ledger as what they are: the session, and each variant of the space, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline import plugins
from hookline.clock import SystemClock, isoformat
from hookline.errors import HooklineError
from hookline.research.ledger import uncounted
from hookline.research.ledger.counting import count_outcomes, count_run
from hookline.research.passport import Check, Passport, Section
from hookline.research.passport.policy import session_digest, session_facts
from hookline.research.splits import starts_of
from hookline.research.study import Job, Study
from hookline.research.table import Objective
from hookline.research.walk_forward import Candidates, Choice, choice_of, run_all
from hookline.session.validation_rules import ValidationRules

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.research.space import Space
    from hookline.research.table import Outcome
    from hookline.session.executors import Executor

__all__ = ["Case", "Progress", "judged_by", "validate_study"]

_logger = logging.getLogger("hookline.research")

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction of all that is done."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is validated, and what several tests need of it."""

    study: Study
    candidates: Candidates
    objective: Objective
    rules: ValidationRules
    executor: Executor | None = None
    told: dict[str, None] = field(default_factory=dict)

    def tell(self, notice: str) -> None:
        """Keep what a reader should know, once."""
        self.told[notice] = None

    @cached_property
    def result(self) -> Result:
        """The session as it is, on all its bars."""
        return self.study.run(Job())

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Starts of the session's bars, rising, nanoseconds UTC."""
        return starts_of(list(self.result.record.series.values()))

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """Every variant of the space on all bars, in the order of the candidates."""
        return run_all(self.study, self.candidates, executor=self.executor, notice=self.tell)

    @cached_property
    def choice(self) -> Choice:
        """What would be chosen from the space on all bars."""
        return choice_of(self.study.name, self.candidates, self.objective, self.outcomes)

    @cached_property
    def variant_returns(self) -> NDArray[np.float64]:
        """What each day brought in each variant that is examined: a row for each day, a column for each variant."""
        from hookline.research.validating.luck import variant_returns

        return variant_returns(self)

    @property
    def has_space(self) -> bool:
        """Whether there is anything to choose from."""
        return bool(self.candidates.parameters)


_Maker = Callable[[Case], Section]


def validate_study(
    study: Study,
    space: Space | None = None,
    *,
    objective: Objective | None = None,
    rules: ValidationRules | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Passport:
    """Make every test of a session and return its passport.

    Args:
        study: The session; its own parameters are validated.
        space: What was, or could have been, chosen from; None where nothing was.
        objective: By what variants are chosen; the Sharpe ratio by default.
        rules: How to test and what must hold; the session's own by default.
        executor: Where runs are worked off.
        progress: Told how far it is.

    Raises:
        ConfigError: if the session, or the space, cannot be run.
        DataError: if the data is missing or cannot be trusted.
        StrategyError: if a strategy raises with the session's own parameters.
    """
    if space is not None:
        from hookline.research.sweeping.checks import check_space

        check_space(study, space)
    with plugins.remembering():
        return _validated(
            Case(
                study,
                Candidates.of(space),
                objective or Objective(),
                rules or study.config().validation,
                executor,
            ),
            progress or (lambda _what, _fraction: None),
        )


def _validated(case: Case, tell: Progress) -> Passport:
    study = case.study
    tell("the session as it is", 0.0)
    with uncounted():
        result = case.result
        outcomes = case.outcomes if case.has_space else []
    count_run(study.plan(Job()), result)
    count_outcomes(study, outcomes, case.objective.metric)
    with uncounted():
        sections = tuple(_sections(case, tell))
    plan = study.plan(Job())
    facts = {**session_facts(plan), "period": [isoformat(result.start), isoformat(result.end)]}
    return Passport(
        study.name, SystemClock().now, session_digest(plan), facts,
        {**asdict(case.rules), "objective": case.objective.metric}, sections, tuple(_notices(case)),
    )  # fmt: skip


def _sections(case: Case, tell: Progress) -> Iterator[Section]:
    makers = list(_makers())
    for number, (title, name, make) in enumerate(makers):
        tell(title, number / len(makers))
        try:
            yield make(case)
        except (HooklineError, ValueError, ImportError) as error:
            _logger.debug("%s: %s", name, error, exc_info=True)
            yield Section(name, (_unknown(name, title, error),))
    tell("done", 1.0)


def _makers() -> Iterator[tuple[str, str, _Maker]]:
    from hookline.research.validating import leaks, luck, market, time

    yield "Enough to judge", "size", time.size_section
    yield "Out of sample", "split", time.split_section
    yield "Walk forward", "walk_forward", time.walk_forward_section
    yield "Chance", "permutation", luck.permutation_section
    yield "Uncertainty", "bootstrap", luck.bootstrap_section
    yield "Number of trials", "trials", luck.trials_section
    yield "Overfitting", "overfitting", luck.overfitting_section
    yield "Costs", "costs", market.costs_section
    yield "Delay", "delay", market.delay_section
    yield "Regimes", "regimes", market.regimes_section
    yield "Look-ahead", "look_ahead", leaks.look_ahead_section
    yield "Warm-up", "warm_up", leaks.warm_up_section


def _unknown(name: str, title: str, error: Exception) -> Check:
    meaning = "This could not be tested, so nobody knows. What is unknown is no pass."
    return Check(name, title, "unknown", str(error) or type(error).__name__, meaning=meaning)


def judged_by(objective: Objective) -> str:
    """Return the figure by which history in and out of sample is compared: more of it must be better."""
    return objective.metric if objective.sign > 0 else "sharpe"


def _notices(case: Case) -> Iterator[str]:
    record: Any = case.result.record
    yield from record.warnings
    yield from case.told
    if not case.has_space:
        yield (
            "Nothing varies: no --param and no 'sweep' in the session. If these parameters were found by trying others, "
            "say which, or luck looks like skill."
        )
