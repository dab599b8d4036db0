"""Tests of luck: would chance have done as well, how sure are the figures, and how many were tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hookline.reporting.curve import returns_of
from hookline.reporting.formats import counted, fraction, number
from hookline.reporting.metrics import YEAR_NS
from hookline.research.ledger import Ledger
from hookline.research.ledger.counting import data_of
from hookline.research.ledger.ratios import ratios_of
from hookline.research.passport import Check, Section, State
from hookline.research.passport.words import percent
from hookline.research.study import Job
from hookline.research.validating.holdings import holdings_of
from hookline.research.validating.returns import daily_returns, returns_by_day

if TYPE_CHECKING:
    from hookline.research.ledger import Trial
    from hookline.research.statistics import DeflatedSharpe, Overfitting, PermutationTest
    from hookline.research.validating.validation import Case

__all__ = ["bootstrap_section", "overfitting_section", "permutation_section", "trials_section"]

Floats = NDArray[np.float64]
_BINS = 40
_MOST_PARTS = 16
_FEWEST_DAYS = 8
_SCHEMES = {
    "returns": ("Chance (bars shuffled)", "with the bars of the market in any other order"),
    "blocks": (
        "Chance (blocks shuffled)",
        "with blocks of the market's bars in another order, so that its trends stay whole",
    ),
    "shifts": ("Chance (positions shifted)", "with the same positions at another time"),
}


def permutation_section(case: Case) -> Section:
    """Return how often the same positions would have done as well in a market put in another order."""
    from hookline.research.statistics import permutation_test

    held, rules = holdings_of(case.result), case.rules
    checks, data = [], {}
    for scheme in ("returns", "blocks", "shifts"):
        found = permutation_test(
            held.moves, held.positions, held.costs, scheme=scheme, permutations=rules.permutations, seed=rules.seed,
            bars_per_year=_bars_per_year(case),
        )  # fmt: skip
        checks.append(_beats_chance(case, found))
        data[scheme] = _permutation_data(found)
    return Section("permutation", tuple(checks), data)


def _bars_per_year(case: Case) -> float:
    result = case.result
    return len(result.equity.time) / ((result.end - result.start) / YEAR_NS)


def _beats_chance(case: Case, found: PermutationTest) -> Check:
    title, how = _SCHEMES[found.scheme]
    most, p_value = case.rules.max_p_value, found.p_value
    is_good = p_value <= most
    if math.isnan(p_value):
        meaning = "There is no figure to compare, for lack of trades."
    elif is_good:
        meaning = f"Only {fraction(p_value)} of random histories, {how}, would have paid as well: the timing counts for something."
    else:
        meaning = f"{fraction(p_value)} of random histories, {how}, would have paid as well: luck is enough to explain this."
    shown = "n/a" if math.isnan(p_value) else f"p = {p_value:.4f}, {found.band}"
    return Check(
        f"permutation_{found.scheme}",
        title,
        "pass" if is_good else "fail",
        shown,
        f"p at most {most:g}",
        meaning,
    )


def _permutation_data(found: PermutationTest) -> dict[str, Any]:
    null = found.null[np.isfinite(found.null)]
    counts, edges = np.histogram(null, _BINS) if len(null) else (np.empty(0), np.empty(0))
    return {
        "objective": found.objective,
        "actual": found.actual,
        "p_value": found.p_value,
        "band": found.band,
        "block_length": found.block_length,
        "permutations": len(found.null),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def bootstrap_section(case: Case) -> Section:
    """Return between which ends the figures may truly be, and whether the Sharpe ratio's reach zero."""
    from hookline.research.statistics import bootstrap_intervals

    rules = case.rules
    found = bootstrap_intervals(
        _returns(case), figures=("sharpe", "cagr", "max_drawdown"), confidence=rules.confidence, samples=rules.resamples,
        bars_per_year=_bars_per_year(case), seed=rules.seed,
    )  # fmt: skip
    low, high = found["sharpe"].low, found["sharpe"].high
    is_good = low > 0.0
    meaning = (
        "Even the pessimistic end of what the Sharpe ratio may truly be is above zero."
        if is_good
        else "There is no Sharpe ratio, for lack of trades."
        if math.isnan(low)
        else "The true Sharpe ratio may well be zero or less: this history is too short, or the edge too small, to tell."
    )
    shown = "n/a" if math.isnan(low) else f"Sharpe {number(low)} to {number(high)}"
    needed = f"above zero with {percent(rules.confidence)} confidence"
    check = Check(
        "bootstrap", "Sharpe ratio above zero", "pass" if is_good else "fail", shown, needed, meaning
    )
    data = {
        name: {"value": one.value, "low": one.low, "high": one.high, "block_length": one.block_length}
        for name, one in found.items()
    }
    return Section("bootstrap", (check,), {"confidence": rules.confidence, "intervals": data})


def _returns(case: Case) -> Floats:
    """Return what each bar brought."""
    returns = returns_of(case.result.equity.value, case.result.record.cash)
    if not np.isfinite(returns).all():
        raise ValueError(
            f"{case.study.name}: equity must stay above zero to be looked at by fractions, does not"
        )
    return returns


def trials_section(case: Case) -> Section:
    """Return whether the Sharpe ratio is more than the luckiest of all trials on this data would show."""
    from hookline.research.statistics import (
        deflated_sharpe,
        minimum_backtest_years,
        minimum_track_record,
        probabilistic_sharpe,
        sharpe_moments,
    )

    days = returns_by_day(case.result.equity, case.result.record.cash).value
    moments = sharpe_moments(np.nan_to_num(days))
    trials = Ledger().trials(data_of(case.study))
    total = max(len(trials), len(case.candidates), 1)
    independent = _independent(case, total)
    ratios = ratios_of(trials, len(case.result.equity.time) / max(len(days), 1))
    spread = ratios.variance
    found = deflated_sharpe(moments, independent, moments.variance if math.isnan(spread) else spread)
    check = _beats_the_luckiest(case, total, found)
    data = {
        "trials": total,
        "independent": independent,
        "runs": sum(one.runs for one in trials),
        "days": len(days),
        "sharpe_of_a_day": moments.sharpe,
        "skew": moments.skew,
        "kurtosis": moments.kurtosis,
        "variance": spread,
        "variance_of": ratios.per,
        "luckiest": found.threshold * math.sqrt(_days_per_year(case, len(days))),
        "sharpe": moments.sharpe * math.sqrt(_days_per_year(case, len(days))),
        "probabilistic": probabilistic_sharpe(moments),
        "deflated": found.probability,
        "needed_days": minimum_track_record(moments, found.threshold, 0.95),
        "needed_years": minimum_backtest_years(independent),
        "ledger": _ledger_rows(trials),
    }
    return Section("trials", (check,), data)


def _days_per_year(case: Case, days: int) -> float:
    return days / ((case.result.end - case.result.start) / YEAR_NS)


def _independent(case: Case, total: int) -> float:
    """Return how many independent trials all of them are worth, if the others resemble each other as the variants of the space do."""
    from hookline.research.statistics import independent_trials

    if not case.has_space:
        return float(total)
    matrix = case.variant_returns
    variants = matrix.shape[1]
    if variants < 2:
        return float(total)
    alike = (variants - independent_trials(matrix)) / (variants - 1)
    return float(alike + (1.0 - alike) * total)


def _beats_the_luckiest(case: Case, total: int, found: DeflatedSharpe) -> Check:
    least, probability = case.rules.min_deflated_sharpe, found.probability
    is_good = probability >= least
    worth = f", worth {counted(round(found.trials), 'independent one')}" if total > 1 else ""
    tried = f"{counted(total, 'different trial')} on this data {'is' if total == 1 else 'are'} known{worth}"
    if math.isnan(probability):
        meaning = (
            f"{tried}. There is no Sharpe ratio to compare with the luckiest of them, for lack of trades."
        )
    elif is_good:
        meaning = f"{tried}. The result is more than the luckiest of so many would show by chance."
    elif total == 1:
        meaning = f"{tried}. Even a single one without any edge would now and then look as good."
    else:
        meaning = f"{tried}. The luckiest of so many would often look as good without any edge."
    shown = "n/a" if math.isnan(probability) else f"deflated Sharpe {fraction(probability)}"
    return Check(
        "deflated_sharpe", "Better than the luckiest trial", "pass" if is_good else "fail", shown, f"at least {percent(least)}", meaning
    )  # fmt: skip


def _ledger_rows(trials: list[Trial]) -> list[dict[str, Any]]:
    """Return the trials by strategy: how many, and the best."""
    by_strategy: dict[str, list[Trial]] = {}
    for one in trials:
        by_strategy.setdefault(one.strategy, []).append(one)
    return [
        {
            "strategy": name,
            "trials": len(group),
            "runs": sum(one.runs for one in group),
            "best_sharpe_of_a_day": max(
                (one.sharpe for one in group if one.sharpe_per == "day" and math.isfinite(one.sharpe)),
                default=math.nan,
            ),
        }
        for name, group in by_strategy.items()
    ]


def overfitting_section(case: Case) -> Section:
    """Return how likely it is that the best variant is one that was fitted to noise."""
    from hookline.research.statistics import probability_of_overfitting

    if not case.has_space or len(case.candidates) < 2:
        meaning = "There is nothing to choose from, so nothing can be chosen wrongly."
        return Section(
            "overfitting",
            (Check("overfitting", "Choice not overfit", "skip", "one variant", meaning=meaning),),
        )
    matrix = case.variant_returns
    if matrix.shape[1] < 2:
        raise ValueError("only one of the variants can be run, so there is no choice to be tested")
    parts = min(_MOST_PARTS, len(matrix) // _FEWEST_DAYS * 2)
    if parts < 2:
        raise ValueError(
            f"there must be at least {_FEWEST_DAYS} days for the choice to be tested, there are {len(matrix)}"
        )
    found = probability_of_overfitting(matrix, parts - parts % 2)
    data = {
        "probability": found.probability,
        "loss_probability": found.loss_probability,
        "slope": found.slope,
        "trials": found.trials,
        "parts": found.parts,
        "variants": len(case.candidates),
        "logits": _histogram(found.logits),
    }
    return Section("overfitting", (_not_overfit(case, found),), data)


def _histogram(values: Floats) -> dict[str, list[float]]:
    counts, edges = np.histogram(values[np.isfinite(values)], 24)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _not_overfit(case: Case, found: Overfitting) -> Check:
    most = case.rules.max_overfit_probability
    likely, loss = found.probability, found.loss_probability
    state: State = "pass" if likely <= most or loss <= most else "fail"
    if likely <= most:
        meaning = "The variant that did best on one half of the history was mostly among the better ones on the other half."
    elif state == "pass":
        meaning = (
            "Which variant did best on one half says little about the other half, but that does little harm: whichever was chosen "
            "mostly made money there."
        )
    else:
        meaning = (
            "The variant that did best on one half of the history was often among the worse ones on the other half, and lost money: "
            "choosing the best of these is choosing noise."
        )
    shown = f"overfit with {percent(likely)}, loss with {percent(loss)} probability"
    return Check(
        "overfitting", "Choice not overfit", state, shown, f"either at most {percent(most)}", meaning
    )


def variant_returns(case: Case) -> Floats:
    """Return what each day brought in each variant that is examined: a row for each day, a column for each variant."""
    from hookline.clock import stopwatch
    from hookline.research.evaluating import local_executor

    values = [one.job.values for one in case.outcomes if not one.error]
    failed = [one for one in case.outcomes if one.error]
    if failed:
        case.tell(
            f"{len(failed):,} of {counted(len(case.outcomes), 'variant')} cannot be run and "
            f"{'is' if len(failed) == 1 else 'are'} left out: {failed[0].error}"
        )
    if not values:
        raise ValueError("none of the variants can be run")
    most = case.rules.examined_variants
    if len(values) > most:
        chosen = np.sort(np.random.default_rng(case.rules.seed).permutation(len(values))[:most])
        values = [values[index] for index in chosen.tolist()]
    jobs = [Job(one) for one in values]
    began = stopwatch()
    found = daily_returns(case.study, jobs[:1])
    works = case.executor or local_executor((stopwatch() - began) * len(jobs), compiled=False)
    pieces = [jobs[first : first + 8] for first in range(1, len(jobs), 8)]
    for piece in works.map(_Daily(case.study), pieces):
        found += piece
    return np.column_stack(found)


class _Daily:
    """Runs jobs of a study; it may be sent to another process."""

    def __init__(self, study: Any) -> None:
        self._study = study

    def __call__(self, jobs: list[Job]) -> list[Floats]:
        return daily_returns(self._study, jobs)
