"""Tests of the strategy itself: does it see the future, and does it know enough of the past when it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.research.passport import Check, Section

if TYPE_CHECKING:
    from hookline.research.validating.validation import Case

__all__ = ["look_ahead_section", "warm_up_section"]

_MOST_LINES = 40


def look_ahead_section(case: Case) -> Section:
    """Return whether orders depend on bars that had not happened yet."""
    from hookline.research.peeking import check_look_ahead

    report = check_look_ahead(case.study, seed=case.rules.seed)
    if report.is_clean:
        meaning = "Changing or deleting the future changed nothing that was done before it."
    elif any(one.is_proof for one in report.findings):
        meaning = (
            "What was done before changed when only the future was changed: the strategy knows what it cannot know, and every figure "
            "here is worthless."
        )
    else:
        meaning = (
            "Something that the strategy reads goes with returns that come after it, more than chance allows. Find out why before "
            "believing any figure here."
        )
    return _section("look_ahead", "No look-ahead", report.is_clean, list(report.lines), meaning)


def warm_up_section(case: Case) -> Section:
    """Return whether orders depend on how long the history before them is."""
    from hookline.research.warming import check_warm_up

    report = check_warm_up(case.study)
    meaning = (
        "With a shorter history before it, the strategy does the same once it is warm."
        if report.is_clean
        else "What the strategy does depends on how much history it was given: live, it will do something else than in this backtest."
    )
    return _section("warm_up", "Warm-up", report.is_clean, list(report.lines), meaning)


def _section(name: str, title: str, is_clean: bool, lines: list[str], meaning: str) -> Section:
    found = "clean" if is_clean else (lines[0].partition(": ")[2] if lines else "not clean")
    check = Check(name, title, "pass" if is_clean else "fail", found, "clean", meaning)
    return Section(name, (check,), {"lines": lines[:_MOST_LINES]})
