"""What there is to say about a sweep, for whatever shows it: best combinations, peak, plateau, failures and cautions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from shlex import quote
from typing import Any

import numpy as np

from hookline.clock import isoformat
from hookline.reporting.formats import FIGURES, count, counted, money
from hookline.research.plateau import Plateau, plateau_of
from hookline.research.plateau.cells import Cells, Floats, Ints, RunSet, labels_of
from hookline.research.plateau.neighbours import Neighbourhoods, neighbourhoods
from hookline.research.statistics.sharpe import expected_maximum
from hookline.research.table import METRICS, SweepTable

__all__ = ["SIGNED", "Digest", "figure_label", "figure_text", "value_text"]

_FORMATS: dict[str, tuple[str, Callable[[float], str]]] = {
    **{figure.name: (figure.label, figure.text) for block in FIGURES for figure in block},
    "traded_notional": ("Traded notional", money),
    "bars": ("Bars", count),
}
# What a person looks at first.
_MAIN = (
    "total_return",
    "sharpe",
    "max_drawdown",
    "round_trips",
    "profit_factor",
    "win_rate",
    "exposure",
    "fees",
)
# Figures that are below zero where money is lost.
SIGNED = frozenset({"total_return", "cagr", "sharpe", "sortino", "calmar", "expectancy"})
_LOW_RATIO = 0.5  # of plateau to peak
_NUMBERS = re.compile(r"\d+")
_FEWEST_BEYOND = 3  # values beside a neighbourhood, of a range whose end says something


def figure_label(metric: str) -> str:
    """Return the name of a figure for people."""
    return _FORMATS[metric][0]


def figure_text(metric: str, value: float) -> str:
    """Return a figure for people, in its unit.

    >>> figure_text("sharpe", 1.234), figure_text("max_drawdown", 0.25)
    ('1.23', '25.0 %')
    """
    return _FORMATS[metric][1](value)


def value_text(value: Any) -> str:
    """Return a parameter's value for people; six digits of a number.

    >>> [value_text(value) for value in (10, 0.1 + 0.2, True, "sma", None, [1, 2])]
    ['10', '0.3', 'true', 'sma', 'null', '[1, 2]']
    """
    if isinstance(value, str):
        return value
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value, default=str)


def _period_text(one: RunSet) -> str:
    since, until = ("" if time < 0 else isoformat(time)[:10] for time in (one.since, one.until))
    return f"{since or 'the start'} to {until or 'the end'}"


@dataclass(frozen=True)
class Digest:
    """A sweep, looked through.

    Args:
        table: The sweep.
        radius: Steps that a neighbourhood reaches to each side.
    """

    table: SweepTable
    radius: int = 1

    @cached_property
    def cells(self) -> Cells:
        """The combinations."""
        return Cells.of(self.table)

    @cached_property
    def around(self) -> Floats:
        """Mean objective of each combination and its neighbours."""
        return self.table.objective.sign * self._neighbourhoods.mean

    @property
    def is_grid(self) -> bool:
        """Whether neighbours are those some steps away, else the nearest."""
        return self._neighbourhoods.near is None

    @cached_property
    def order(self) -> Ints:
        """Combinations with an objective, the best first; equal ones in the order of the space."""
        found = np.argsort(-self.cells.score, kind="stable")
        return np.asarray(found[: np.isfinite(self.cells.score).sum()], dtype=np.int64)

    @property
    def peak(self) -> int | None:
        """The best combination."""
        return int(self.order[0]) if len(self.order) else None

    @cached_property
    def plateau(self) -> Plateau | None:
        """The combination to prefer, as a place in the table."""
        return plateau_of(self._neighbourhoods)

    @property
    def center(self) -> int | None:
        """The combination to prefer."""
        return None if self.plateau is None else int(self.cells.cell_of[self.plateau.row])

    @property
    def has_plateau(self) -> bool:
        """Whether there is a combination with enough neighbours on all sides to be preferred."""
        return self.center is not None and len(self.cells) > 1 and self.has_neighbours(self.center)

    @property
    def members(self) -> list[int]:
        """The combinations of the plateau, its centre first."""
        if self.plateau is None:
            return []
        return [int(self.cells.cell_of[row]) for row in (self.plateau.row, *self.plateau.neighbours)]

    @cached_property
    def labels(self) -> list[str]:
        """Short names of the parameters."""
        return labels_of(self.table.parameters)

    @cached_property
    def failures(self) -> list[tuple[str, int]]:
        """Errors and how many runs ended in each, the most frequent first; errors that differ only in numbers are one."""
        kinds: dict[str, list[str]] = {}
        for text in self.table.frame["error"].tolist():
            if text:
                kinds.setdefault(_NUMBERS.sub("0", text), []).append(text)
        errors = [
            (texts[0] + (", and alike" if len(set(texts)) > 1 else ""), len(texts))
            for texts in kinds.values()
        ]
        return sorted(errors, key=lambda item: (-item[1], item[0]))

    @property
    def is_losing(self) -> bool:
        """Whether not even the best neighbourhood has a mean objective above zero, for objectives of which zero is the border."""
        return self.plateau is not None and self.table.objective.metric in SIGNED and self.plateau.mean <= 0.0

    @property
    def figures(self) -> list[str]:
        """Names of all figures, the objective first and then what a person looks at first."""
        return list(dict.fromkeys([self.table.objective.metric, *_MAIN, *METRICS]))

    @property
    def main_figures(self) -> list[str]:
        """The first of them, which fit into a table."""
        return list(dict.fromkeys([self.table.objective.metric, *_MAIN]))

    def values(self, cell: int) -> list[str]:
        """Return the values of a combination for people."""
        return [value_text(value) for value in self.cells.values(cell).values()]

    def around_text(self, cell: int) -> str:
        """Return the mean over a combination and its neighbours; in parentheses where it lacks neighbours to be a plateau."""
        text = figure_text(self.table.objective.metric, float(self.around[cell]))
        return text if self.has_neighbours(cell) else f"({text})"

    def has_neighbours(self, cell: int) -> bool:
        """Whether a combination has enough neighbours on all sides to be a plateau."""
        return bool(self._neighbourhoods.is_centre[cell])

    def settings(self, cell: int) -> list[str]:
        """Return the options that run a combination."""
        pairs = self.cells.values(cell).items()
        texts = [
            f"{address}={value if isinstance(value, str) else json.dumps(value)}" for address, value in pairs
        ]
        return [f"--set {quote(text)}" for text in texts]

    def headline(self) -> str:
        """Return how many runs there are and what they are compared by, in one line."""
        done, failed = len(self.table.frame), sum(size for _, size in self.failures)
        runs = (
            f"{counted(done, 'run')}"
            if done == self.table.total
            else f"{done:,} of {self.table.total:,} runs"
        )
        where = self.where_text()
        parts = [runs + (f" on {where}" if where else ""), *([f"{failed:,} failed"] if failed else [])]
        if len(self.cells.sets) > 1:
            parts.append(f"{counted(len(self.cells), 'combination')} on {self.sets_text()}")
        return f"{self.table.name}: {', '.join(parts)}; objective {self.objective_text()}"

    def objective_text(self) -> str:
        """Return the objective and which way it is better."""
        way = "more" if self.table.objective.sign > 0 else "less"
        return f"{figure_label(self.table.objective.metric)}, {way} is better"

    def sets_text(self) -> str:
        """Return how many instruments and periods there are."""
        symbols = len({one.symbol for one in self.cells.sets})
        periods = len({one[1:] for one in self.cells.sets})
        texts = [counted(symbols, "instrument")] if symbols > 1 else []
        texts += [counted(periods, "period")] if periods > 1 else []
        return " and ".join(texts)

    def where_text(self) -> str:
        """Return the instrument and the period that all runs were on, empty where these are several, or the session's own."""
        if len(self.cells.sets) != 1:
            return ""
        (one,) = self.cells.sets
        is_whole = one.since < 0 and one.until < 0
        return ", ".join(text for text in (one.symbol, "" if is_whole else _period_text(one)) if text)

    def set_text(self, one: RunSet) -> str:
        """Return an instrument and a period for people."""
        symbol = one.symbol or "the session's instruments"
        if len({other[1:] for other in self.cells.sets}) < 2:
            return symbol
        period = _period_text(one)
        return f"{symbol}, {period}" if len({other.symbol for other in self.cells.sets}) > 1 else period

    def cautions(self) -> list[str]:
        """Return what a reader must know before believing the best figures, then the sweep's notices."""
        found = []
        if len(self.table.frame) < self.table.total:
            found.append(f"Not complete: {len(self.table.frame):,} of {self.table.total:,} runs are done")
        found += [
            *self._luck(),
            *self._losses(),
            *self._gap(),
            *self._ends(),
            *self._few_values(),
            *self._loneliness(),
        ]
        return found + self.table.notices

    @cached_property
    def _neighbourhoods(self) -> Neighbourhoods:
        return neighbourhoods(self.cells, self.radius)

    def _luck(self) -> list[str]:
        scores = self.cells.score[self.order]
        if len(scores) < 2:
            return []
        # Bailey and Lopez de Prado (2014); neighbouring combinations are alike, so that there are fewer independent draws than cells.
        chance = expected_maximum(len(scores))
        text = (
            f"The best of {counted(len(scores), 'combination')} is partly luck: of as many independent draws of pure chance the best "
            f"lies about {chance:.1f} standard deviations above their mean"
        )
        spread = float(scores.std(ddof=1))
        if spread > 0.0:
            text += f", and this peak lies {(scores[0] - scores.mean()) / spread:.1f} above"
        return [f"{text}. Earlier sweeps on the same bars add to the draws"]

    def _losses(self) -> list[str]:
        if not self.is_losing:
            return []
        metric = self.table.objective.metric
        return [
            f"No neighbourhood has a mean {figure_label(metric)} above zero: there is nothing here to prefer"
        ]

    def _gap(self) -> list[str]:
        if self.plateau is None or not self.plateau.ratio < _LOW_RATIO:
            return []
        return [
            f"The peak stands alone: the best neighbourhood has {self.plateau.ratio:.0%} of it on average"
        ]

    def _ends(self) -> list[str]:
        if self.center is None or self.peak is None or not self.is_grid:
            return []
        reached = self._at_ends(self.center, self.radius)
        found = [f"The plateau reaches the end of the space ({reached})"] if reached else []
        lies = self._at_ends(self.peak, 0)
        found += [f"The peak lies at the end of the space ({lies})"] if lies else []
        return [f"{text}: beyond it may be better ones" for text in found]

    def _at_ends(self, cell: int, reach: int) -> str:
        """Return the ends of long ranges that lie so many steps from a combination."""
        found = []
        for axis, code, label in zip(self.cells.axes, self.cells.codes[cell], self.labels, strict=True):
            size = len(axis.values)
            if (
                axis.is_numeric
                and size >= 2 * self.radius + _FEWEST_BEYOND
                and code in {reach, size - 1 - reach}
            ):
                found.append(f"{label}={value_text(axis.values[0 if code == reach else -1])}")
        return ", ".join(found)

    def _few_values(self) -> list[str]:
        if self.center is None or not self.is_grid:
            return []
        # The middle one alone sees all the others.
        found = [
            f"{label}={value_text(axis.values[self.radius])}"
            for axis, label in zip(self.cells.axes, self.labels, strict=True)
            if axis.is_numeric and len(axis.values) == 2 * self.radius + 1
        ]
        if not found:
            return []
        return [f"Too few values to choose from, so only the middle can be a plateau: {', '.join(found)}"]

    def _loneliness(self) -> list[str]:
        if self.plateau is None or self.has_plateau:
            return []
        if len(self.cells) < 2:
            return ["One combination alone says nothing about those beside it"] if self.labels else []
        if not self.plateau.neighbours:
            return ["No combination has neighbours to compare it with: the plateau is the peak"]
        return ["No combination has enough neighbours on all sides to be a plateau: more runs would tell"]
