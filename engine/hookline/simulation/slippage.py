"""Slippage: what taking liquidity costs beyond the price on the bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hookline.model import Bar, Instrument, Side
from hookline.simulation.fills import slipped

__all__ = ["BarSlippage", "NoSlippage", "SlippageModel"]


class SlippageModel(Protocol):
    """Moves the price of an order that takes liquidity."""

    def price(self, instrument: Instrument, side: Side, price: float, bar: Bar) -> float:
        """Return the price after slippage, on the tick grid."""


class NoSlippage:
    """The price on the bar, rounded to the tick against the order where the data is off the grid."""

    def price(self, instrument: Instrument, side: Side, price: float, bar: Bar) -> float:  # noqa: ARG002
        return instrument.on_grid(price, side)


@dataclass(frozen=True, slots=True)
class BarSlippage:
    """The sum of three parts, each 0 by default.

    Args:
        bps: Basis points of the price: a constant half spread plus impact.
        ticks: Price steps.
        range_fraction: Share of the bar's high-low range: grows with volatility.
    """

    bps: float = 0.0
    ticks: int = 0
    range_fraction: float = 0.0

    def price(self, instrument: Instrument, side: Side, price: float, bar: Bar) -> float:
        amount = self.ticks * float(instrument.tick_size)
        moved = slipped(side, price, bar.high, bar.low, self.bps / 1e4, amount, self.range_fraction)
        return instrument.on_grid(moved, side)
