"""Sizing models: how much a full exposure is.

The formulas are scalar functions, compilable by numba; the classes hold their parameters and make them plugins.
Prices and equity are in quote currency, quantities in base units without a sign.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from hookline.hookspecs import hookimpl
from hookline.params import Doc, Ge, Gt, Le

if TYPE_CHECKING:
    from hookline.columns import Bars, Column

__all__ = [
    "EquityFraction",
    "FixedNotional",
    "FixedQuantity",
    "RiskByStop",
    "Sizer",
    "VolatilityTarget",
    "fraction_quantity",
    "risk_quantity",
    "volatility_quantity",
]


def fraction_quantity(equity: float, price: float, fraction: float) -> float:
    """Return ``equity * fraction / price``, 0 where price or equity is not positive."""
    return equity * fraction / price if price > 0.0 and equity > 0.0 else 0.0


def risk_quantity(
    equity: float, price: float, stop: float, risk_fraction: float, max_position_fraction: float
) -> float:
    """Return ``equity * risk_fraction / |price - stop|``, at most ``equity * max_position_fraction / price``.

    The loss at the stop is then ``risk_fraction`` of equity. 0 without a stop, or with a stop at the price.
    """
    distance = abs(price - stop)
    if not distance > 0.0 or not equity > 0.0 or not price > 0.0:
        return 0.0
    return min(equity * risk_fraction / distance, equity * max_position_fraction / price)


def volatility_quantity(
    equity: float, price: float, volatility: float, target_fraction: float, max_leverage: float
) -> float:
    """Return ``equity * min(max_leverage, target / volatility) / price``; the scalar is 1 while volatility is unknown."""
    scalar = 1.0
    if volatility == volatility:  # noqa: PLR0124
        scalar = min(max_leverage, target_fraction / volatility) if volatility > 0.0 else max_leverage
    return fraction_quantity(equity, price, scalar)


class Sizer(ABC):
    """Turns equity into a quantity. Subclasses are dataclasses and set ``name``."""

    name: ClassVar[str]

    @abstractmethod
    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:
        """Return the quantity of a full exposure.

        Args:
            equity: What the strategy has for this instrument, less the taker fee of spending all of it.
            price: Last price.
            stop: Price of the protective stop, NaN if there is none.
            volatility: Value of the column from ``volatility``, NaN if there is none or it is not ready.
        """

    def volatility(self, bars: Bars, bars_per_year: float) -> Column | None:  # noqa: ARG002
        """Return the column that the model needs, None if none."""
        return None


@dataclass
class FixedQuantity(Sizer):
    """The same quantity every time."""

    name: ClassVar[str] = "fixed_quantity"

    base: Annotated[float, Gt(0), Doc("base units")] = 1.0

    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:  # noqa: ARG002
        return self.base


@dataclass
class FixedNotional(Sizer):
    """The same value every time."""

    name: ClassVar[str] = "fixed_notional"

    quote: Annotated[float, Gt(0), Doc("quote currency")] = 1000.0

    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:  # noqa: ARG002
        return fraction_quantity(self.quote, price, 1.0)


@dataclass
class EquityFraction(Sizer):
    """A share of equity."""

    name: ClassVar[str] = "equity_fraction"

    fraction: Annotated[float, Gt(0), Le(100), Doc("share of equity; above 1 needs leverage")] = 1.0

    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:  # noqa: ARG002
        return fraction_quantity(equity, price, self.fraction)


@dataclass
class RiskByStop(Sizer):
    """As much as loses a fixed share of equity at the stop; an entry without a stop is not sized."""

    name: ClassVar[str] = "risk_by_stop"

    risk_fraction: Annotated[float, Gt(0), Le(1), Doc("share of equity lost at the stop")] = 0.01
    max_position_fraction: Annotated[float, Gt(0), Doc("largest position as a share of equity")] = 1.0

    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:  # noqa: ARG002
        return risk_quantity(equity, price, stop, self.risk_fraction, self.max_position_fraction)


@dataclass
class VolatilityTarget(Sizer):
    """As much as moves equity by a target volatility a year; the full equity until the period is full."""

    name: ClassVar[str] = "volatility_target"

    target_fraction: Annotated[float, Gt(0), Doc("volatility a year, as a fraction")] = 0.30
    max_leverage: Annotated[float, Gt(0), Doc("largest scalar")] = 2.0
    period: Annotated[int, Ge(2), Doc("bars of the standard deviation")] = 720

    def quantity(self, equity: float, price: float, stop: float, volatility: float) -> float:  # noqa: ARG002
        return volatility_quantity(equity, price, volatility, self.target_fraction, self.max_leverage)

    def volatility(self, bars: Bars, bars_per_year: float) -> Column | None:
        """Sample deviation of one-bar returns, times the root of the bars in a year of 365 days."""
        from hookline.columns import std

        returns = bars.close / bars.close.shift(1) - 1.0
        return std(returns, self.period) * math.sqrt(bars_per_year)


@hookimpl
def register_sizers() -> list[type[Sizer]]:
    """Return the built-in sizing models."""
    return [FixedQuantity, FixedNotional, EquityFraction, RiskByStop, VolatilityTarget]
