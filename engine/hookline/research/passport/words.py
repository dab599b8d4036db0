"""What a passport says in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.reporting.formats import FIGURES

if TYPE_CHECKING:
    from hookline.research.passport.document import Passport

__all__ = ["SCHEMES", "WORDS", "chance_text", "headline", "label_of", "percent", "values_text"]

_LABELS = {one.name: one.label for block in FIGURES for one in block}
SCHEMES = {
    "returns": "bars shuffled",
    "blocks": "blocks of bars shuffled",
    "shifts": "positions shifted in time",
}
WORDS = {"pass": "PASS", "fail": "FAIL", "incomplete": "INCOMPLETE"}


def headline(passport: Passport) -> str:
    """Return the verdict in a sentence."""
    checks = passport.checks
    judged = [check for check in checks if check.state in {"pass", "fail", "unknown"}]
    chance, agree = chance_text(passport)
    aside = "" if agree else f" {chance}"
    failed = [check.title for check in judged if check.state == "fail"]
    unknown = [check.title for check in judged if check.state == "unknown"]
    if passport.verdict == "pass":
        return f"All {len(judged)} tests passed. That makes luck and overfitting unlikely; it promises nothing about tomorrow's market."
    if passport.verdict == "fail":
        more = f" Could not be tested: {_listed(unknown)}." if unknown else ""
        return f"{len(failed)} of {len(judged)} tests failed: {_listed(failed)}. Do not trade this as it is.{aside}{more}"
    return f"No test failed, but {_listed(unknown)} could not be tested.{aside}"


def chance_text(passport: Passport) -> tuple[str, bool]:
    """Return what the ways of asking chance say together, by the largest of their p-values, and whether they agree."""
    values = {
        scheme: one["p_value"]
        for scheme, one in passport.section("permutation").items()
        if one["p_value"] is not None and not math.isnan(one["p_value"])
    }
    if not values:
        return "", True
    worst = max(values, key=lambda scheme: values[scheme])
    most = passport.rules.get("max_p_value", 0.05)
    agree = len({value <= most for value in values.values()}) == 1
    shown = f"p = {values[worst]:.4f} ({SCHEMES[worst]})"
    if agree:
        return f"The largest p-value is {shown}.", True
    passed = [f"p = {value:.4f} ({SCHEMES[scheme]})" for scheme, value in values.items() if value <= most]
    return (
        f"The tests of chance disagree, so the largest p-value counts, {shown}, and not {_listed(passed)}.",
        False,
    )


def _listed(names: list[str]) -> str:
    names = [name if name.startswith("Sharpe") else name[:1].lower() + name[1:] for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def percent(share: float) -> str:
    """Return a share as a whole number of percent, as figures are written elsewhere.

    >>> percent(0.95)
    '95 %'
    """
    return f"{100.0 * share:.0f} %"


def label_of(metric: str) -> str:
    """Return what reports call a figure.

    >>> label_of("max_drawdown")
    'Max drawdown'
    """
    return _LABELS.get(metric, metric)


def values_text(values: Mapping[str, Any]) -> str:
    """Return values of parameters by the last part of their addresses.

    >>> values_text({"strategies[0].params.fast": 9, "strategies[0].params.slow": 21})
    'fast 9, slow 21'
    """
    return (
        ", ".join(f"{address.rpartition('.')[2]} {value}" for address, value in values.items())
        or "as they are"
    )
