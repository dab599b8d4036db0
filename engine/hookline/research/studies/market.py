"""Sweeps and validations from Python: a strategy, bars in memory, values to try."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.errors import ConfigError
from hookline.model import Instrument
from hookline.problems import did_you_mean
from hookline.research.studies.local import LocalStudy, Setting, Values, local_study, plain_values
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.kernel.sizing import Sizer
    from hookline.research.passport import Passport
    from hookline.research.space import Method, Space
    from hookline.research.table import SweepTable
    from hookline.session.executors import Executor
    from hookline.session.validation_rules import ValidationRules

__all__ = ["sweep", "validate"]

_STRATEGY = "strategies[0].params."


def sweep(
    strategy: Strategy | type[Strategy],
    data: Any,
    parameters: Mapping[str, Values],
    *,
    objective: str = "sharpe",
    constraint: str | Sequence[str] = (),
    method: Method = "grid",
    runs: int | None = None,
    symbols: Sequence[str] = (),
    folder: Path | str | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    cash: float = 10_000.0,
    sizer: Sizer | None = None,
    instruments: Sequence[Instrument] = (),
    external: Mapping[str, ExternalSeries] | None = None,
    funding: Mapping[str, ExternalSeries] | None = None,
    seed: int = 0,
    name: str = "",
    **broker_params: Any,
) -> SweepTable:
    """Run a strategy with many values of its parameters on bars in memory.

    >>> import hookline as hl
    >>> from hookline.testing.market import random_bars
    >>> from hookline_strategies.ema_cross import EmaCross
    >>> found = hl.sweep(EmaCross, random_bars("ETH", 500), {"fast": [5, 10], "slow": [20, 40]}, constraint="fast < slow")
    >>> len(found.frame)
    4

    Args:
        strategy: A class, or an instance whose other parameters stay as they are.
        data: As for :func:`hookline.backtest`: bars of one instrument, or a mapping of symbols to those.
        parameters: What to try, by name: a list of values, or text such as ``"5:50:5"``. A name with a dot is an address in the
            session, such as ``broker.params.taker_fee_bps`` or ``strategies[0].sizer.params.target_fraction``.
        objective: The figure by which runs are compared, one of :data:`hookline.research.table.METRICS`.
        constraint: Rules between parameters, such as ``fast < slow``.
        method: ``grid``, ``random`` or ``bayes``.
        runs: How many of ``random`` and ``bayes``.
        symbols: Instruments, each of which is traded alone; ``("each",)`` for all of them. Without, a run trades all together.
        folder: Where rows and data are kept; the same sweep goes on there where it stopped.
        executor: Where runs are worked off; on this machine by default.
        progress: Called with the number of runs done and of all.
        cash: Cash at the start, in quote currency.
        sizer: Sizing model; the strategy's own by default.
        instruments: Steps and limits of the instruments; what is missing is taken from the prices.
        external: Series for ``external()`` columns, by name.
        funding: Funding rates of perpetuals, by symbol.
        seed: Start of all randomness, of the strategy and of the search.
        name: Of the study in reports; the strategy's by default.
        **broker_params: Parameters of the paper broker, such as ``taker_fee_bps=5`` or ``fill="close"``.

    Returns:
        The table; ``frame`` is a pandas frame with a row for each run.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the bars cannot be trusted.
    """
    from hookline.research.sweeping import run_sweep
    from hookline.research.table import Objective

    where = None if folder is None else Path(folder)
    setting = Setting(data, cash, sizer, instruments, external, funding, seed, name, broker_params)
    study = local_study(strategy, setting, parameters, where)
    return run_sweep(
        study,
        _space_of(parameters, constraint, method, runs, seed),
        Objective(objective),
        folder=where,
        executor=executor or _executor_of(study),
        progress=progress,
        symbols=symbols,
    )


def validate(
    strategy: Strategy | type[Strategy],
    data: Any,
    parameters: Mapping[str, Values] | None = None,
    *,
    rules: ValidationRules | Mapping[str, Any] | None = None,
    objective: str = "sharpe",
    constraint: str | Sequence[str] = (),
    method: Method = "grid",
    runs: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[str, float], None] | None = None,
    cash: float = 10_000.0,
    sizer: Sizer | None = None,
    instruments: Sequence[Instrument] = (),
    external: Mapping[str, ExternalSeries] | None = None,
    funding: Mapping[str, ExternalSeries] | None = None,
    seed: int = 0,
    name: str = "",
    **broker_params: Any,
) -> Passport:
    """Ask everything of a strategy on bars in memory that ``hookline validate`` asks of a session.

    Args:
        strategy: With the parameters that are to be believed: an instance, or a class whose defaults they are.
        data: As for :func:`sweep`.
        parameters: What else was tried, or could have been: what choices are made from.
        rules: How to test and what must hold, as the session file has it under ``validation``.
        objective: By what variants are chosen.
        constraint: Rules between parameters.
        method: ``grid``, ``random`` or ``bayes``.
        runs: How many of ``random`` and ``bayes``.
        executor: Where runs are worked off; on this machine by default.
        progress: Called with what is being done, and the fraction of all that is done.
        cash: Cash at the start, in quote currency.
        sizer: Sizing model; the strategy's own by default.
        instruments: Steps and limits of the instruments; what is missing is taken from the prices.
        external: Series for ``external()`` columns, by name.
        funding: Funding rates of perpetuals, by symbol.
        seed: Start of all randomness, of the strategy and of the search.
        name: Of the study in reports; the strategy's by default.
        **broker_params: Parameters of the paper broker.

    Returns:
        The passport: what was tested, what came of it, and a verdict.

    Raises:
        ConfigError: if a parameter breaks its rule.
        DataError: if the bars cannot be trusted.
        StrategyError: if the strategy raises.
    """
    from hookline.research.table import Objective
    from hookline.research.validating import validate_study

    setting = Setting(data, cash, sizer, instruments, external, funding, seed, name, broker_params)
    study = local_study(strategy, setting, parameters)
    return validate_study(
        study,
        _space_of(parameters, constraint, method, runs, seed) if parameters else None,
        objective=Objective(objective),
        rules=_rules_of(rules),
        executor=executor or _executor_of(study),
        progress=progress,
    )


def _rules_of(given: ValidationRules | Mapping[str, Any] | None) -> ValidationRules | None:
    from hookline.params import check_params
    from hookline.session.validation_rules import ValidationRules

    if given is None or isinstance(given, ValidationRules):
        return given
    known = [item.name for item in dataclasses.fields(ValidationRules)]
    for name in given:
        if name not in known:
            raise ConfigError(f"rules: there is no {name!r}{did_you_mean(name, known)}")
    made = ValidationRules(**given)
    check_params(made, "rules")
    return made


def _space_of(
    parameters: Mapping[str, Values],
    constraint: str | Sequence[str],
    method: Method,
    runs: int | None,
    seed: int,
) -> Space:
    """Return what is tried: parameters by name or address, rules between them, and the way through them.

    Raises:
        ConfigError: if a rule has no meaning, or the method cannot search these parameters.
    """
    from hookline.research.space import Space

    rules = (constraint,) if isinstance(constraint, str) else tuple(constraint)
    values = {_address_of(name): plain_values(one) for name, one in parameters.items()}
    return Space.of(values, constraints=rules, method=method, runs=runs, seed=seed)


def _executor_of(study: LocalStudy) -> Executor | None:
    """Return where runs of a study must be worked off, None where that does not matter."""
    from hookline.session.executors import SerialExecutor

    return None if study.can_travel else SerialExecutor()


def _address_of(name: str) -> str:
    """Return the address of a parameter: of the strategy's own it is the name alone that is given."""
    return name if "." in name or "[" in name else _STRATEGY + name
