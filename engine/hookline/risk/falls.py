"""How far equity has fallen."""

from __future__ import annotations

import math

__all__ = ["fall_of"]


def fall_of(equity: float, start: float) -> float:
    """Return the fall of equity from where it began, as a fraction of that; negative for a rise.

    Of nothing, or of debts, there is no fraction: from there every loss is infinite, and a rise is 0.
    """
    if start > 0.0:
        return 1.0 - equity / start
    return math.inf if equity < start else 0.0
