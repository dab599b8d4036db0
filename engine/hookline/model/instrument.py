"""What is traded: steps, limits and fees of one instrument.

Floats are for thinking, integers for counting, Decimals for the edge. Inside the simulation a quantity is an int number
of lots, so that flat is exactly zero, and a price is a float that lies on the tick grid: the float nearest to the
decimal price, the same float that parsing the venue's text gives. ``price()`` and ``quantity()`` are the only ways out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

__all__ = ["Instrument", "InstrumentKind"]

# A value within this share of a step of the grid is on the grid; it absorbs the rounding error of float arithmetic.
_GRID_TOLERANCE = 1e-6


class InstrumentKind(StrEnum):
    """Spot can only be sold when held; a perpetual can be sold short."""

    SPOT = "spot"
    PERPETUAL = "perpetual"


@dataclass(frozen=True)
class Instrument:
    """One tradable thing at a venue.

    Args:
        symbol: Name at the venue, such as ``BTC-PERP``.
        kind: ``spot`` or ``perpetual``.
        tick_size: Smallest price step.
        lot_size: Smallest quantity step, in base units.
        min_quantity: Smallest order in base units.
        min_notional: Smallest order in quote currency.
        quote: Currency of prices and cash.
    """

    symbol: str
    kind: InstrumentKind = InstrumentKind.SPOT
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("0.000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    quote: str = "USDT"
    # Floats of the above for the hot paths. A step such as 0.01 is kept as its inverse 100, because n / 100 is the float
    # nearest to the decimal price while n * 0.01 often is not.
    _tick: float = field(init=False, repr=False, compare=False)
    _ticks_per_unit: float = field(init=False, repr=False, compare=False)
    _lot: float = field(init=False, repr=False, compare=False)
    _lots_per_unit: float = field(init=False, repr=False, compare=False)
    min_lots: int = field(init=False, repr=False, compare=False)
    min_notional_float: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the steps and derive their floats.

        Raises:
            TypeError: if a step or a minimum is not a Decimal.
            ValueError: if a step is not positive or a minimum is negative.
        """
        for name in ("tick_size", "lot_size", "min_quantity", "min_notional"):
            value = getattr(self, name)
            if not isinstance(value, Decimal | int):
                raise TypeError(
                    f"{self.symbol}.{name}: must be a Decimal such as Decimal('0.01'), was {value!r}"
                )
            object.__setattr__(self, name, Decimal(value))
        for name in ("tick_size", "lot_size"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{self.symbol}.{name}: must be above 0, was {getattr(self, name)}")
        for name in ("min_quantity", "min_notional"):
            if getattr(self, name) < 0:
                raise ValueError(f"{self.symbol}.{name}: must be 0 or more, was {getattr(self, name)}")
        put = object.__setattr__
        put(self, "_tick", float(self.tick_size))
        put(self, "_ticks_per_unit", _inverse(self.tick_size))
        put(self, "_lot", float(self.lot_size))
        put(self, "_lots_per_unit", _inverse(self.lot_size))
        put(self, "min_lots", max(1, math.ceil(self.min_quantity / self.lot_size)))
        put(self, "min_notional_float", float(self.min_notional))

    @property
    def can_short(self) -> bool:
        """Whether a position may be negative."""
        return self.kind is not InstrumentKind.SPOT

    def lots(self, quantity: float) -> int:
        """Return the whole lots in a quantity of base units, rounded towards zero."""
        scaled = quantity * self._lots_per_unit if self._lots_per_unit else quantity / self._lot
        nearest = round(scaled)
        if abs(scaled - nearest) <= _GRID_TOLERANCE:
            return nearest
        return int(scaled)

    def units(self, lots: int) -> float:
        """Return the base units of a number of lots: the float nearest to the decimal quantity."""
        return lots / self._lots_per_unit if self._lots_per_unit else _times(lots, self.lot_size)

    def on_grid(self, price: float, rounding: int = 0) -> float:
        """Return the price on the tick grid: nearest for 0, up for 1, down for -1."""
        scale = self._ticks_per_unit
        scaled = price * scale if scale else price / self._tick
        ticks = round(scaled)
        if rounding and abs(scaled - ticks) > _GRID_TOLERANCE:
            ticks = math.ceil(scaled) if rounding > 0 else math.floor(scaled)
        return ticks / scale if scale else _times(ticks, self.tick_size)

    def price(self, value: float | Decimal | str) -> Decimal:
        """Return a price as the Decimal on the tick grid nearest to the value.

        >>> Instrument("BTC-PERP", tick_size=Decimal("0.5")).price(101.3)
        Decimal('101.5')
        """
        steps = (_exact(value) / self.tick_size).to_integral_value(ROUND_HALF_EVEN)
        return steps * self.tick_size

    def quantity(self, value: float | Decimal | str) -> Decimal:
        """Return a quantity as a Decimal on the lot grid, rounded down.

        >>> Instrument("BTC-PERP", lot_size=Decimal("0.001")).quantity(0.12349)
        Decimal('0.123')
        """
        steps = (abs(_exact(value)) / self.lot_size).to_integral_value(ROUND_FLOOR)
        return (steps * self.lot_size).copy_sign(_exact(value))


def _exact(value: float | Decimal | str) -> Decimal:
    # repr of a float is the shortest decimal that reads back as the same float: the number a person meant.
    return (
        value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    )


def _inverse(step: Decimal) -> float:
    """Return 1 / step where that is a whole number that a float holds exactly, else 0."""
    inverse = 1 / step
    return float(inverse) if inverse == inverse.to_integral_value() and inverse < 2**53 else 0.0


def _times(count: int, step: Decimal) -> float:
    """Return the float nearest to count * step, for steps such as 25 or 0.3 whose inverse is no whole number."""
    numerator, denominator = step.as_integer_ratio()
    return count * numerator / denominator
