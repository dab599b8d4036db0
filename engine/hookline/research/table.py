"""What a sweep amounts to: a row for each run, with the values of its parameters and its figures."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.errors import ConfigError
from hookline.problems import did_you_mean
from hookline.research.study import Job

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, RenderableType

__all__ = ["METRICS", "Objective", "Outcome", "Parameter", "SweepTable"]

METRICS = (
    "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "round_trips",
    "win_rate", "profit_factor", "expectancy", "exposure", "turnover", "traded_notional", "fees", "funding", "orders",
    "fills", "bars",
)  # fmt: skip
"""Figures of each run, as :class:`hookline.reporting.metrics.Metrics` defines them."""

# Where less is better.
_COSTS = frozenset({"volatility", "max_drawdown", "turnover", "fees", "orders", "fills", "traded_notional"})


@dataclass(frozen=True)
class Parameter:
    """One thing that varies.

    Args:
        address: As ``--set`` takes it, such as ``strategies[0].params.fast``.
        values: Those that are tried, in order; of a continuous range, its two ends.
        is_continuous: Whether anything between the ends may be tried.
        is_log: Whether, of a continuous range, each power of ten is as likely as another.
    """

    address: str
    values: tuple[Any, ...]
    is_continuous: bool = False
    is_log: bool = False

    @property
    def label(self) -> str:
        """The last part of the address: the parameter's own name."""
        return self.address.rpartition(".")[2]


@dataclass(frozen=True)
class Objective:
    """The figure by which runs are compared.

    Raises:
        ConfigError: if there is no such figure.
    """

    metric: str = "sharpe"

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            hint = did_you_mean(self.metric, METRICS)
            raise ConfigError(f"objective: must be one of {', '.join(METRICS)}, was {self.metric!r}{hint}")

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.metric in _COSTS else 1


class Outcome(NamedTuple):
    """What came of one run.

    ``metrics`` holds METRICS, NaN where one is not defined; ``how`` is ``compiled`` or ``event``; ``error`` is empty unless the run
    failed, and then every figure is NaN. ``daily_sharpe`` is the Sharpe ratio of daily returns, not annualised, for the ledger of
    trials; NaN where it is not known.
    """

    job: Job
    metrics: dict[str, float]
    how: str
    error: str = ""
    daily_sharpe: float = math.nan


@dataclass
class SweepTable:
    """The runs of a sweep.

    Attributes:
        name: Of the session.
        parameters: What varied.
        objective: By what runs are compared.
        frame: A row for each run that is done, in the order of the space: a column for each address, ``symbol``, ``since`` and
            ``until`` (nanoseconds UTC, -1 for the session's own), METRICS, ``how`` and ``error``.
        total: How many runs the sweep has in all; more than rows where it was interrupted.
        notices: What a reader should know, such as why runs were not compiled.
    """

    name: str
    parameters: tuple[Parameter, ...]
    objective: Objective
    frame: pd.DataFrame
    total: int
    notices: list[str] = field(default_factory=list)

    def best(self, count: int = 10) -> pd.DataFrame:
        """Return the best runs first, with parameters by their own names where these tell them apart; failed ones are left out."""
        labels = [one.label for one in self.parameters]
        names = {one.address: one.label for one in self.parameters if labels.count(one.label) == 1}
        metric = self.objective.metric
        known = self.frame[self.frame[metric].notna()]
        ordered = known.sort_values(metric, ascending=self.objective.sign < 0, kind="stable")
        return ordered.head(count).rename(columns=names).reset_index(drop=True)

    def __rich__(self) -> RenderableType:
        from hookline.research.sweep_report.text import render

        return render(self)

    def __str__(self) -> str:
        return self._drawn().export_text()

    def _repr_html_(self) -> str:
        return self._drawn().export_html(inline_styles=True, code_format="<pre>{code}</pre>")

    def _drawn(self) -> Console:
        from rich.console import Console

        console = Console(record=True, file=io.StringIO(), width=100)
        console.print(self)
        return console
