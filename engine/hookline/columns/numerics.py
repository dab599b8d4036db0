"""Scalar arithmetic that steps share. Plain Python that numba compiles."""

from __future__ import annotations

__all__ = ["exact_mean", "two_sum"]

# 2**27 + 1 cuts a double into two halves whose products with a small integer are exact (Veltkamp 1968).
_SPLIT = 134217729.0


def two_sum(a: float, b: float) -> tuple[float, float]:
    """Return ``a + b`` as a float and the rounding error of that sum (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def exact_mean(total: float, rest: float, n: int) -> float:
    """Return ``(total + rest) / n`` with one rounding; the mean of n equal values is that value.

    ``rest`` is what :func:`two_sum` left over while ``total`` was summed; n is below 2**26.
    """
    mean = total / n
    cut = _SPLIT * mean
    high = cut - (cut - mean)
    low = mean - high
    return mean + (((total - high * n) - low * n) + rest) / n
