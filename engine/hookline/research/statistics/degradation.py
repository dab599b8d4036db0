"""How much of what was found in sample is left out of sample."""

from __future__ import annotations

from math import isfinite, nan
from typing import NamedTuple

__all__ = ["Degradation", "degradation", "degradation_band"]

_BANDS = ((0.5, "acceptable"), (0.2, "weak"), (0.0, "poor"))


class Degradation(NamedTuple):
    """``ratio`` is out of sample / in sample, NaN where that says nothing; ``band`` is what it is called."""

    ratio: float
    band: str


def degradation(in_sample: float, out_of_sample: float) -> Degradation:
    """Return how a figure of which more is better, such as a Sharpe ratio, held up out of sample.

    A ratio needs something that can degrade. Where the figure in sample is zero or less, the ratio is NaN and the band ``no edge``: two
    losses have a positive ratio, and it would be no good news. Where either figure is NaN or infinite, the band is ``undefined``.

    >>> degradation(2.0, 1.2)
    Degradation(ratio=0.6, band='acceptable')
    """
    if not (isfinite(in_sample) and isfinite(out_of_sample)):
        return Degradation(nan, "undefined")
    if in_sample <= 0.0:
        return Degradation(nan, "no edge")
    ratio = out_of_sample / in_sample
    if not isfinite(ratio):
        return Degradation(nan, "undefined")
    return Degradation(ratio, degradation_band(ratio))


def degradation_band(ratio: float) -> str:
    """Return what a ratio of out of sample to in sample is called.

    Above 0.8 ``excellent``, from 0.5 ``acceptable``, from 0.2 ``weak``, from 0 ``poor`` (no loss, but next to nothing is left), below
    0 ``failed``; ``undefined`` for NaN. The limits are a rule of thumb.

    >>> [degradation_band(ratio) for ratio in (0.81, 0.8, 0.3, 0.1, -0.1)]
    ['excellent', 'acceptable', 'weak', 'poor', 'failed']
    """
    if ratio != ratio:  # noqa: PLR0124 - NaN
        return "undefined"
    if ratio > 0.8:
        return "excellent"
    return next((name for limit, name in _BANDS if ratio >= limit), "failed")
