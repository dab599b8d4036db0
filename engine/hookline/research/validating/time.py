"""Tests against time: is there enough of it, and does what was chosen on one stretch hold up on the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline.clock import isoformat
from hookline.reporting.formats import count, fraction, number
from hookline.research.passport import Check, Section, State
from hookline.research.passport.words import label_of, percent
from hookline.research.splits import Kind, Window, split_at, walk_forward_windows
from hookline.research.study import Job
from hookline.research.validating.returns import thinned
from hookline.research.validating.validation import judged_by
from hookline.research.walk_forward import Values, WalkForward, choose, figures_of, walk_forward

if TYPE_CHECKING:
    from hookline.research.statistics import Degradation
    from hookline.research.validating.validation import Case

__all__ = ["size_section", "split_section", "walk_forward_section"]


def size_section(case: Case) -> Section:
    """Return whether there are enough round trips to say anything."""
    metrics, least = case.result.metrics, case.rules.min_round_trips
    state: State = "pass" if metrics.round_trips >= least else "fail"
    meaning = (
        "There are enough finished trades for averages to mean something."
        if state == "pass"
        else "A handful of trades proves nothing: one lucky one makes the whole result. Take a longer history."
    )
    check = Check(
        "size",
        "Enough trades",
        state,
        f"{count(metrics.round_trips)} round trips",
        f"at least {least}",
        meaning,
    )
    return Section("size", (check,), {"metrics": figures_of(case.result)})


def split_section(case: Case) -> Section:
    """Return how what was chosen on the first part of history did on the rest."""
    from hookline.research.statistics import degradation

    window = split_at(case.starts, case.rules.train_fraction, case.rules.embargo_bars)
    metric = judged_by(case.objective)
    chosen = choose(
        case.study,
        case.candidates,
        case.objective,
        (window.train_since, window.train_until),
        executor=case.executor,
        notice=case.tell,
    )
    after = _figures(case, chosen.values, window.test_since, window.test_until)
    held = degradation(chosen.metrics[metric], after[metric])
    own_before = _figures(case, (), window.train_since, window.train_until)
    own_after = _figures(case, (), window.test_since, window.test_until)
    own = degradation(own_before[metric], own_after[metric])
    data = {
        "metric": metric,
        "window": _times(window),
        "chosen": {
            "values": dict(chosen.values),
            "how": chosen.how,
            **_compared(metric, chosen.metrics, after, held),
        },
        "own": _compared(metric, own_before, own_after, own),
    }
    return Section("split", (_held_up(case, metric, chosen.metrics, after, held),), data)


def _figures(case: Case, values: Values, since: int, until: int) -> dict[str, float]:
    return figures_of(case.study.run(Job(values, since=since, until=until)))


def _compared(
    metric: str, before: dict[str, float], after: dict[str, float], held: Degradation
) -> dict[str, Any]:
    names = dict.fromkeys((metric, "total_return", "sharpe", "max_drawdown", "round_trips"))
    return {
        "in_sample": {name: before[name] for name in names},
        "out_of_sample": {name: after[name] for name in names},
        "ratio": held.ratio,
        "band": held.band,
    }


def _held_up(
    case: Case, metric: str, before: dict[str, float], after: dict[str, float], held: Degradation
) -> Check:
    least = case.rules.min_degradation_ratio
    state: State = "pass" if held.ratio >= least else "fail"
    if held.band == "no edge":
        where = (
            "where the parameters were chosen they" if case.has_space else "on the first part of history it"
        )
        meaning = f"Even {where} earned nothing: there is nothing that could hold up."
    elif held.band == "undefined":
        meaning = (
            "One of the two stretches has no such figure, for lack of trades; it cannot be said to hold up."
        )
    elif not case.has_space:
        meaning = (
            "What it earned on the first part of history it went on earning on the rest. Nothing was chosen on either."
            if state == "pass"
            else "Most of what it earned on the first part of history is gone on the rest: the edge does not last."
        )
    elif state == "pass":
        meaning = (
            "Parameters chosen on the first part of history went on working on the part they had never seen."
        )
    else:
        meaning = (
            "Most of what the parameters earned where they were chosen is gone on bars they had not seen: "
            "they fitted the past, not the market."
        )
    ratio = "n/a" if held.ratio != held.ratio else f"{held.ratio:.2f}"
    found = f"{label_of(metric)} {number(before[metric])} in, {number(after[metric])} out of sample: {ratio}, {held.band}"
    return Check("out_of_sample", "Out of sample", state, found, f"a ratio of at least {least:g}", meaning)


def walk_forward_section(case: Case) -> Section:
    """Return how choosing again and again would have done, with a window that rolls and one that grows."""
    checks: list[Check] = []
    data: dict[str, Any] = {}
    for kind in _KINDS:
        if kind == "expanding" and not case.has_space:
            checks.append(_same_as_rolling())
            continue
        rules = case.rules
        windows = walk_forward_windows(
            case.starts, kind, windows=rules.windows, train_fraction=rules.first_train_fraction,
            embargo=rules.embargo_bars,
        )  # fmt: skip
        walked = walk_forward(
            case.study,
            case.candidates,
            case.objective,
            kind,
            windows,
            executor=case.executor,
            notice=case.tell,
        )
        checks.append(_walked_well(case, walked))
        data[kind] = _walk_data(case, walked)
    return Section("walk_forward", tuple(checks), data)


_KINDS: tuple[Kind, ...] = ("rolling", "expanding")


def _same_as_rolling() -> Check:
    meaning = "What comes before a stretch is only chosen by, and nothing is chosen."
    return Check(
        "walk_forward_expanding", "Walk forward (expanding)", "skip", "the same as rolling", meaning=meaning
    )


def _walked_well(case: Case, walked: WalkForward) -> Check:
    least, metrics = case.rules.min_profitable_fraction, walked.metrics
    is_good = metrics.total_return > 0.0 and metrics.sharpe > 0.0 and walked.profitable_fraction >= least
    won = sum(step.metrics["total_return"] > 0.0 for step in walked.steps)
    found = (
        f"{fraction(metrics.total_return)} out of sample, Sharpe {number(metrics.sharpe)}, "
        f"{won} of {len(walked.steps)} windows won"
    )
    who = (
        "Somebody who had chosen the parameters again before each stretch, knowing only what was past,"
        if case.has_space
        else "Somebody who had begun anew with each stretch"
    )
    meaning = f"{who} {'would have made money' if is_good else 'would not have made money dependably'}."
    needed = f"a profit, and in at least {percent(least)} of the windows"
    title = f"Walk forward ({walked.kind})"
    return Check(f"walk_forward_{walked.kind}", title, "pass" if is_good else "fail", found, needed, meaning)


def _walk_data(case: Case, walked: WalkForward) -> dict[str, Any]:
    metric = judged_by(case.objective)
    rows = [
        {
            "window": _times(step.window),
            "values": dict(step.choice.values),
            "how": step.choice.how,
            "in_sample": step.choice.metrics[metric],
            "out_of_sample": step.metrics[metric],
            "total_return": step.metrics["total_return"],
        }
        for step in walked.steps
    ]
    metrics = walked.metrics
    return {
        "metric": metric,
        "steps": rows,
        "curve": thinned(walked.curve),
        "in_sample": walked.in_sample,
        "out_of_sample": walked.out_of_sample,
        "profitable_fraction": walked.profitable_fraction,
        "total_return": metrics.total_return,
        "sharpe": metrics.sharpe,
        "max_drawdown": metrics.max_drawdown,
    }


def _times(window: Window) -> dict[str, str]:
    return {name: isoformat(time) for name, time in window._asdict().items()}
