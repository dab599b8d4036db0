"""Fees by liquidity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["FeeModel", "MakerTaker", "NoFee"]


class FeeModel(Protocol):
    """Rates as fractions of notional; a negative rate is a rebate."""

    @property
    def maker(self) -> float:
        """Rate for adding liquidity."""

    @property
    def taker(self) -> float:
        """Rate for taking liquidity."""


@dataclass(frozen=True, slots=True)
class MakerTaker:
    """One rate for orders that rested, one for orders that took."""

    maker: float
    taker: float

    @classmethod
    def from_bps(cls, maker_bps: float, taker_bps: float) -> MakerTaker:
        """Make the model from rates in basis points."""
        return cls(maker_bps / 1e4, taker_bps / 1e4)


@dataclass(frozen=True, slots=True)
class NoFee:
    """Trading is free."""

    maker: float = 0.0
    taker: float = 0.0
