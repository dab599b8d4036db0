"""What holding costs: funding of perpetuals, interest on borrowed spot."""

from __future__ import annotations

__all__ = ["funding_payment", "interest_payment"]

_YEAR = 365 * 86_400 * 10**9  # nanoseconds; venues quote yearly rates for 365 days


def funding_payment(quantity: float, price: float, rate: float) -> float:
    """Return what a position receives, negative when it pays, in quote currency; ``rate`` is for the interval that ends."""
    return -quantity * price * rate


def interest_payment(quantity: float, price: float, yearly_rate: float, duration: int) -> float:
    """Return what a spot position receives for a time (nanoseconds): below zero if it is borrowed, else 0."""
    return min(0.0, quantity) * price * yearly_rate * (duration / _YEAR)
