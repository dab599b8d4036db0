"""What holding costs: funding of perpetuals, interest on borrowed spot.

Spot that is borrowed accrues interest once a day, at 00:00 UTC, on the position held then, for the day that ends:
``quantity * price * yearly rate / 365``. Venues that accrue by the hour come to the same where a position is held for days.
"""

from __future__ import annotations

from collections.abc import Mapping

from hookline.model import Instrument

__all__ = ["InterestSchedule", "funding_payment", "interest_payment"]

_DAY = 86_400 * 10**9  # nanoseconds
_YEAR = 365 * _DAY
_NEVER = 2**63 - 1


def funding_payment(quantity: float, price: float, rate: float) -> float:
    """Return what a position receives, negative when it pays, in quote currency; ``rate`` is for the interval that ends."""
    return -quantity * price * rate


def interest_payment(quantity: float, price: float, yearly_rate: float, duration: int = _DAY) -> float:
    """Return what a spot position receives for a time (nanoseconds): below zero if it is borrowed, else 0."""
    return min(0.0, quantity) * price * yearly_rate * (duration / _YEAR)


class InterestSchedule:
    """The daily interest of all instruments that can be borrowed at a rate.

    Args:
        instruments: All that may be held.
    """

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.rates = {
            symbol: float(one.borrow_rate)
            for symbol, one in instruments.items()
            if one.borrow_lots and one.borrow_rate
        }
        self.due = _NEVER

    def skip_before(self, time: int) -> None:
        """Begin with the first midnight at or after a time; with nothing to borrow there is never one."""
        if self.rates:
            self.due = -(-time // _DAY) * _DAY

    def pop(self) -> tuple[int, dict[str, float]]:
        """Return the next midnight and the yearly rates by symbol."""
        due = self.due
        self.due = due + _DAY
        return due, self.rates
