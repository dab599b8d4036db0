"""Checks of the numbers that indicators are called with."""

from __future__ import annotations

import math
from numbers import Integral, Real

__all__ = ["number", "period"]


def period(name: str, value: int, least: int = 1) -> int:
    """Return a number of bars.

    Raises:
        ValueError: if it is not a whole number or below the least.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name}: a period must be a whole number of at least {least}, was {value!r}")
    return int(value)


def number(name: str, value: float, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a finite number between two bounds.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, was {value!r}")
    if not least <= value <= most:
        bounds = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
        raise ValueError(f"{name} must be {bounds}, was {value!r}")
    return float(value)
