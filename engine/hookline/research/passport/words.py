"""What a passport says in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline.reporting.formats import FIGURES

if TYPE_CHECKING:
    from hookline.research.passport.document import Passport

__all__ = ["WORDS", "headline", "label_of", "values_text"]

_LABELS = {one.name: one.label for block in FIGURES for one in block}
WORDS = {"pass": "PASS", "fail": "FAIL", "incomplete": "INCOMPLETE"}


def headline(passport: Passport) -> str:
    """Return the verdict in a sentence."""
    checks = passport.checks
    judged = [check for check in checks if check.state in {"pass", "fail", "unknown"}]
    failed = [check.title for check in judged if check.state == "fail"]
    unknown = [check.title for check in judged if check.state == "unknown"]
    if passport.verdict == "pass":
        return f"All {len(judged)} tests passed. That makes luck and overfitting unlikely; it promises nothing about tomorrow's market."
    if passport.verdict == "fail":
        more = f" Could not be tested: {_listed(unknown)}." if unknown else ""
        return f"{len(failed)} of {len(judged)} tests failed: {_listed(failed)}. Do not trade this as it is.{more}"
    return f"No test failed, but {_listed(unknown)} could not be tested."


def _listed(names: list[str]) -> str:
    names = [name[:1].lower() + name[1:] for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


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
