"""Sharpe ratios of trials, all of one kind, so that they may be compared with each other and with moments of days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hookline.research.ledger.trials import Trial, Unit

__all__ = ["Ratios", "ratios_of"]


class Ratios(NamedTuple):
    """Sharpe ratios of one day each, not annualised.

    Attributes:
        values: One for each trial that is looked at.
        per: What they were measured on: a ``day``, or a ``bar`` and then brought to a day as if bars were independent.
        left_out: Trials whose ratio is of the other kind; they count as trials all the same.
    """

    values: NDArray[np.float64]
    per: Unit
    left_out: int

    @property
    def variance(self) -> float:
        """Sample variance, NaN of fewer than two."""
        return float(self.values.var(ddof=1)) if len(self.values) > 1 else math.nan


def ratios_of(trials: Sequence[Trial], bars_per_day: float) -> Ratios:
    """Return the ratios of trials: those of days, or of bars where more trials have these.

    A ratio of bars is brought to a day by the root of the bars in a day. That is right for bars that are independent of each other, so
    the two kinds are never mixed: how they differ would look like a difference between trials.
    """
    days = [one.sharpe for one in trials if one.sharpe_per == "day" and math.isfinite(one.sharpe)]
    bars = [one.sharpe for one in trials if one.sharpe_per == "bar" and math.isfinite(one.sharpe)]
    if len(bars) > len(days):
        return Ratios(np.array(bars) * math.sqrt(bars_per_day), "bar", len(days))
    return Ratios(np.array(days), "day", len(bars))
