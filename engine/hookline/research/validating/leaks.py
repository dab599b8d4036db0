"""Tests of the strategy itself: does it see the future, and does it know enough of the past when it begins."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hookline.clock import isoformat
from hookline.reporting.formats import counted
from hookline.research.passport import Check, Section

if TYPE_CHECKING:
    from hookline.research.peeking import LookAheadReport
    from hookline.research.validating.validation import Case
    from hookline.research.warming import WarmUpReport

__all__ = ["look_ahead_section", "warm_up_section"]

_MOST = 40  # findings that are kept, of each kind


def look_ahead_section(case: Case) -> Section:
    """Return whether orders depend on bars that had not happened yet."""
    from hookline.research.peeking import check_look_ahead

    report = check_look_ahead(case.study, seed=case.rules.seed)
    proofs = sum(one.is_proof for one in report.findings)
    suspicions = len(report.findings) - proofs
    if report.is_clean:
        found = "clean"
        meaning = "Changing or deleting the future changed nothing that was done before it."
    elif proofs:
        found = counted(proofs, "leak") + (f" and {counted(suspicions, 'suspicion')}" if suspicions else "")
        meaning = (
            "What was done before changed when only the future was changed: the strategy knows what it cannot know, and every figure "
            "here is worthless."
        )
    else:
        found = counted(suspicions, "suspicion")
        meaning = (
            "Something that the strategy reads goes with returns that come after it, more than chance allows. Find out why before "
            "believing any figure here."
        )
    if report.unseen:
        found += f"; {counted(len(report.unseen), 'thing')} could not be checked"
    state: Any = "pass" if report.is_clean else "fail"
    check = Check("look_ahead", "No look-ahead", state, found, "clean", meaning)
    return Section("look_ahead", (check,), _look_ahead_data(report))


def _look_ahead_data(report: LookAheadReport) -> dict[str, Any]:
    return {
        "findings": [{**asdict(one), "is_proof": one.is_proof} for one in report.findings[:_MOST]],
        "compared": list(report.checked[:_MOST]),
        "unseen": list(report.unseen[:_MOST]),
        "cuts": [isoformat(cut) for cut in report.cuts],
        "runs": report.runs,
    }


def warm_up_section(case: Case) -> Section:
    """Return whether orders depend on how long the history before them is."""
    from hookline.research.warming import check_warm_up

    report = check_warm_up(case.study)
    if report.is_clean:
        state: Any = "pass"
        meaning = "With a shorter history before it, the strategy does the same once it is warm."
        found = f"{counted(report.warmup_bars, 'bar')} of history are enough"
    else:
        state = "fail"
        meaning = "What the strategy does depends on how much history it was given: live, it will do something else than in this backtest."
        found = f"{counted(report.warmup_bars, 'bar')} of history are not enough"
    check = Check("warm_up", "Warm-up", state, found, "the same orders", meaning)
    return Section("warm_up", (check,), _warm_up_data(report))


def _warm_up_data(report: WarmUpReport) -> dict[str, Any]:
    return {
        "findings": [asdict(one) for one in report.findings[:_MOST]],
        "compared": [str(one) for one in report.columns[:_MOST]],
        "unseen": list(report.notes[:_MOST]),
        "warmup_bars": report.warmup_bars,
        "recommended": report.recommended,
    }
