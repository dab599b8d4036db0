"""What a look-ahead check finds, and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LookAheadFinding", "LookAheadKind", "LookAheadReport"]

LookAheadKind = Literal["column", "order", "error", "feed", "unsteady", "foresight", "scale"]

_PROOFS = frozenset({"column", "order", "error", "feed", "unsteady"})


@dataclass(frozen=True)
class LookAheadFinding:
    """One thing that knows the future, or seems to.

    Args:
        kind: ``column`` a column whose past values changed with the future, ``order`` requests that did, ``error`` a strategy that
            raised before the cut, ``feed`` bars that a feed gives otherwise when it is asked for less, ``unsteady`` a session
            that does not repeat itself; suspicions: ``foresight`` values that foresee returns, ``scale`` values scaled to all
            of them.
        where: What it is, such as ``strategies[0] ema_cross: column 'up' on BTC-PERP``.
        text: What was found.
        bars: How many bars ahead it looks at least, 0 where that is not known.
    """

    kind: LookAheadKind
    where: str
    text: str
    bars: int = 0

    @property
    def is_proof(self) -> bool:
        """Whether it was shown by changing the future; else it is a suspicion."""
        return self.kind in _PROOFS

    def __str__(self) -> str:
        return f"{self.where}: {'' if self.is_proof else 'suspicious: '}{self.text}"


@dataclass(frozen=True)
class LookAheadReport:
    """What came of a look-ahead check.

    Attributes:
        name: Of the session.
        findings: What knows the future, or seems to; proofs first.
        cuts: The times at which the future was changed, nanoseconds UTC.
        runs: How many backtests were made.
        checked: What was compared, a line each.
        unseen: What could not be changed, a line each: a leak through it would show only as a suspicion, if at all.
    """

    name: str
    findings: tuple[LookAheadFinding, ...]
    cuts: tuple[int, ...]
    runs: int
    checked: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found, neither proof nor suspicion."""
        return not self.findings

    @property
    def lines(self) -> list[str]:
        """The report as lines for people."""
        verdict = "no look-ahead found" if self.is_clean else _verdict(self.findings)
        found = [f"{self.name}: {verdict} ({len(self.cuts)} cuts, {self.runs} runs)"]
        found += [f"  {one}" for one in self.findings]
        found += [f"  compared: {one}" for one in self.checked]
        found += [f"  not seen: {one}" for one in self.unseen]
        return found


def _verdict(findings: tuple[LookAheadFinding, ...]) -> str:
    proofs = sum(one.is_proof for one in findings)
    words = [f"{proofs} leak{'s' * (proofs != 1)}"] if proofs else []
    if proofs < len(findings):
        suspicions = len(findings) - proofs
        words.append(f"{suspicions} suspicion{'s' * (suspicions != 1)}")
    return f"look-ahead: {' and '.join(words)}"
