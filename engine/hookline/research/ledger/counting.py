"""What of a run goes into the ledger of trials."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from hookline import plugins
from hookline.reporting.daily import returns_by_day
from hookline.reporting.metrics import YEAR_NS, sharpe_of
from hookline.research.ledger.code import code_digest
from hookline.research.ledger.data import DataSet, data_set_of
from hookline.research.ledger.trials import Trial, Unit, count_trials, is_counting

if TYPE_CHECKING:
    from hookline.reporting.result import Result
    from hookline.research.study import Job, Study
    from hookline.research.table import Outcome
    from hookline.risk import RiskRule
    from hookline.session.plan import Plan, Seat
    from hookline.strategy import Strategy

__all__ = [
    "Configuration",
    "bar_sharpe",
    "configuration_of",
    "count_outcomes",
    "count_run",
    "counting",
    "daily_sharpe",
    "data_of",
]

_AT_ONCE = 5000


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What makes one trial differ from another.

    Args:
        digest: Of everything below, with the code of the strategies.
        strategy: Names of the strategies.
        params: Of each, by id, as JSON.
    """

    digest: str
    strategy: str
    params: str


def configuration_of(
    seats: Sequence[Seat], rules: Sequence[RiskRule], instead: Strategy | None = None
) -> Configuration:
    """Return the configuration of a session's strategies and risk rules.

    Args:
        seats: Its strategies.
        rules: Its risk rules.
        instead: Takes the place of the only strategy.
    """
    from hookline.session.config import jsonable

    strategies = [instead or seat.strategy for seat in seats]
    params = {seat.id: _fields(one) for seat, one in zip(seats, strategies, strict=True)}
    parts = [
        {
            "use": seat.use,
            "code": code_digest(type(one)),
            "params": params[seat.id],
            "symbols": list(seat.symbols),
            "sizer": None if seat.sizer is None else [type(seat.sizer).__name__, _fields(seat.sizer)],
            "cash_fraction": round(seat.cash_fraction, 9),
        }
        for seat, one in zip(seats, strategies, strict=True)
    ]
    gate = [[rule.name, _fields(rule)] for rule in rules]
    text = json.dumps([parts, gate], sort_keys=True, default=str)
    names = ", ".join(dict.fromkeys(seat.use for seat in seats))
    digest = blake2b(text.encode(), digest_size=12).hexdigest()
    return Configuration(digest, names, json.dumps(jsonable(params), sort_keys=True))


def _fields(one: Any) -> dict[str, Any]:
    """Return the parameters of a plugin as JSON can hold them."""
    from hookline.session.config import jsonable

    if not dataclasses.is_dataclass(one):
        return {}
    found: dict[str, Any] = jsonable(one)
    return found


def count_run(plan: Plan, result: Result) -> None:
    """Count one backtest, unless that is switched off by :func:`hookline.research.ledger.uncounted`.

    Of its figures only those of the equity curve are worked out; the curve is kept for whoever asks for more.
    """
    if not is_counting():
        return
    data = [data_set_of(series) for series in result.record.series.values() if len(series)]
    if not data:
        return
    what = configuration_of(plan.seats, plan.rules)
    with np.errstate(all="ignore"):  # equity may have been lost to the last, and more
        value = sharpe_of(result.equity, result.record.cash, result.start)
    trial = Trial(what.digest, what.strategy, what.params, "sharpe", value, daily_sharpe(result))
    count_trials(data, [trial])


def daily_sharpe(result: Result) -> float:
    """Return the Sharpe ratio of a run's daily returns, not annualised; days after equity was lost bring nothing.

    It is the one of the moments that its passport works with.
    """
    from hookline.research.statistics.sharpe import sharpe_moments

    with np.errstate(all="ignore"):
        days = returns_by_day(result.equity, result.record.cash).value
        return sharpe_moments(np.nan_to_num(days)).sharpe


@contextmanager
def counting(study: Study) -> Iterator[Callable[[Outcome], None]]:
    """Give what is told of each outcome; they are counted many at a time, and at the end, however it ends."""
    if not is_counting():
        yield lambda _outcome: None
        return
    held: list[Outcome] = []

    def count(outcome: Outcome) -> None:
        held.append(outcome)
        if len(held) >= _AT_ONCE:
            count_outcomes(study, held)
            held.clear()

    try:
        yield count
    finally:
        count_outcomes(study, held)


def count_outcomes(study: Study, outcomes: Iterable[Outcome], objective: str = "sharpe") -> None:
    """Count the runs of a sweep, all at once; those that failed were no trials."""
    stretches: dict[tuple[str, int | None, int | None], list[Outcome]] = {}
    for one in outcomes:
        if not one.error:
            stretches.setdefault((one.job.symbol, one.job.since, one.job.until), []).append(one)
    for (symbol, since, until), group in stretches.items():
        data = data_of(study, symbol, since, until)
        if data:
            with plugins.remembering():
                base = study.plan(group[0].job)
                trials = [_trial(study, base, one, data, objective) for one in group]
            count_trials(data, trials)


def _trial(study: Study, base: Plan, outcome: Outcome, data: Sequence[DataSet], objective: str) -> Trial:
    plan, instead = _parts(study, base, outcome.job)
    what = configuration_of(plan.seats, plan.rules, instead)
    metrics = outcome.metrics
    per: Unit = "bar" if math.isnan(outcome.daily_sharpe) else "day"
    sharpe = outcome.daily_sharpe if per == "day" else bar_sharpe(metrics["sharpe"], metrics["bars"], data)
    return Trial(
        what.digest,
        what.strategy,
        what.params,
        objective,
        metrics[objective],
        sharpe,
        "sweep",
        sharpe_per=per,
    )


def _parts(study: Study, base: Plan, job: Job) -> tuple[Plan, Strategy | None]:
    """Return the plan of a job; where only its strategy varies, another job's and the strategy, which is much sooner made."""
    strategy = study.strategy(job)
    return (study.plan(job), None) if strategy is None else (base, strategy)


def data_of(
    study: Study, symbol: str = "", since: int | None = None, until: int | None = None
) -> list[DataSet]:
    """Return the data of a study on a stretch of time, of its own instruments or another one."""
    cut = [series.between(since, until) for series in study.series(symbol).values()]
    return [data_set_of(series) for series in cut if len(series)]


def bar_sharpe(sharpe: float, bars: float, data: Sequence[DataSet]) -> float:
    """Return the Sharpe ratio of one bar: the annualised one without the square root of bars per year."""
    years = (max(one.until for one in data) - min(one.since for one in data)) / YEAR_NS
    if not bars > 0 or not math.isfinite(sharpe):
        return math.nan
    return sharpe / math.sqrt(bars / years)
