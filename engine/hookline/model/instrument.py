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

__all__ = ["Instrument", "InstrumentKind", "MarginMode", "MarginTier", "PositionMode", "TierStyle"]

_ABOVE_ZERO = ("tick_size", "lot_size", "contract_size", "leverage")
_ZERO_OR_MORE = ("min_quantity", "min_notional", "borrow_limit", "borrow_rate")
_OPTIONAL = ("contract_size", "leverage")
# A value within this share of a step of the grid is on the grid; it absorbs the rounding error of float arithmetic.
_GRID_TOLERANCE = 1e-6


class InstrumentKind(StrEnum):
    """Spot can only be sold when held or borrowed; a perpetual can be sold short."""

    SPOT = "spot"
    PERPETUAL = "perpetual"


class PositionMode(StrEnum):
    """One position that a sale turns, or a long and a short held side by side."""

    ONE_WAY = "one_way"
    HEDGE = "hedge"


class MarginMode(StrEnum):
    """Positions backed by all that their wallet holds, or each by the margin posted for it alone."""

    CROSS = "cross"
    ISOLATED = "isolated"


class TierStyle(StrEnum):
    """What the rates of a margin tier apply to.

    ``marginal``: each tier's rate to the part of the notional inside it, like an income tax; the requirement has no jumps.
    ``flat``: the rate of the tier that the notional falls into to the whole of it; the requirement jumps at the borders.
    """

    MARGINAL = "marginal"
    FLAT = "flat"


@dataclass(frozen=True)
class MarginTier:
    """What a venue demands of positions up to a size.

    Args:
        up_to: Largest notional of the tier in quote currency; None for no end.
        maintenance: Margin below which a position is liquidated, as a fraction of notional.
        max_leverage: Most that may be chosen for positions of this size; its inverse is the initial margin.
    """

    up_to: Decimal | None
    maintenance: Decimal
    max_leverage: Decimal


DEFAULT_TIERS = (MarginTier(None, Decimal("0.005"), Decimal(100)),)
"""Of a perpetual that names none: half a percent, a hundred times. Venues start near this for large coins and ask more of others."""


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
        base: Currency of quantities, empty if unknown.
        venue: Where it trades, empty where a session has one venue.
        position_mode: One position, or a long and a short side by side.
        contract_size: Base units of one contract where the venue counts contracts; the lot is a whole number of them.
        leverage: What positions are leveraged with; None for the broker's own. Their margin is notional / leverage.
        margin_mode: Whether positions share the wallet's equity or have margin of their own.
        margin_tiers: Demands by size of position, smallest first; ``DEFAULT_TIERS`` for a perpetual without.
        tier_style: How the tiers add up.
        borrow_limit: Most base units of spot that may be sold without being held.
        borrow_rate: Interest on what is borrowed, as a fraction of its value for a year.
    """

    symbol: str
    kind: InstrumentKind = InstrumentKind.SPOT
    tick_size: Decimal = Decimal("0.01")
    lot_size: Decimal = Decimal("0.000001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(0)
    quote: str = "USDT"
    base: str = ""
    venue: str = ""
    position_mode: PositionMode = PositionMode.ONE_WAY
    contract_size: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode = MarginMode.CROSS
    margin_tiers: tuple[MarginTier, ...] = ()
    tier_style: TierStyle = TierStyle.MARGINAL
    borrow_limit: Decimal = Decimal(0)
    borrow_rate: Decimal = Decimal(0)
    # Floats of the above for the hot paths. A step such as 0.01 is kept as its inverse 100, because n / 100 is the float
    # nearest to the decimal price while n * 0.01 often is not.
    _tick: float = field(init=False, repr=False, compare=False)
    _ticks_per_unit: float = field(init=False, repr=False, compare=False)
    _lot: float = field(init=False, repr=False, compare=False)
    _lots_per_unit: float = field(init=False, repr=False, compare=False)
    min_lots: int = field(init=False, repr=False, compare=False)
    min_notional_float: float = field(init=False, repr=False, compare=False)
    can_short: bool = field(init=False, repr=False, compare=False)
    """Whether a position may be negative."""
    borrow_lots: int = field(init=False, repr=False, compare=False)
    """Most lots of spot that may be short; 0 for a perpetual, which borrows nothing."""
    lot_contracts: int = field(init=False, repr=False, compare=False)
    """Contracts in one lot; 0 where there are no contracts."""

    def __post_init__(self) -> None:
        """Check the terms and derive their floats.

        Raises:
            TypeError: if an amount is not a Decimal.
            ValueError: if a step is not positive, a minimum is negative, the lot is no whole number of contracts, the tiers
                contradict each other, or spot has terms of a perpetual or the other way round.
        """
        self._check_amounts()
        if self.contract_size is not None and self.lot_size % self.contract_size:
            raise ValueError(
                f"{self.symbol}.lot_size: must be a whole multiple of contract_size {self.contract_size}, "
                f"was {self.lot_size}"
            )
        if self.kind is InstrumentKind.SPOT:
            self._check_spot()
        else:
            self._check_perpetual()
        self._derive()

    def _check_amounts(self) -> None:
        for name in (*_ABOVE_ZERO, *_ZERO_OR_MORE):
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, Decimal | int):
                raise TypeError(
                    f"{self.symbol}.{name}: must be a Decimal such as Decimal('0.01'), was {value!r}"
                )
            object.__setattr__(self, name, Decimal(value))
            if name in _ABOVE_ZERO and not value > 0:
                raise ValueError(f"{self.symbol}.{name}: must be above 0, was {value}")
            if value < 0:
                raise ValueError(f"{self.symbol}.{name}: must be 0 or more, was {value}")

    def _check_spot(self) -> None:
        for name, plain in (
            ("position_mode", PositionMode.ONE_WAY),
            ("margin_mode", MarginMode.CROSS),
            ("margin_tiers", ()),
        ):
            if getattr(self, name) != plain:
                raise ValueError(
                    f"{self.symbol}.{name}: only a perpetual has one, spot had {getattr(self, name)!r}"
                )

    def _check_perpetual(self) -> None:
        for name in ("borrow_limit", "borrow_rate"):
            if getattr(self, name):
                raise ValueError(
                    f"{self.symbol}.{name}: only spot is borrowed, a perpetual had {getattr(self, name)}"
                )
        object.__setattr__(self, "margin_tiers", tuple(self.margin_tiers))
        _check_tiers(self.symbol, self.margin_tiers)
        most = self.tiers[0].max_leverage
        if self.leverage is not None and self.leverage > most:
            raise ValueError(
                f"{self.symbol}.leverage: must be at most {most}, as its margin tiers say, was {self.leverage}"
            )

    def _derive(self) -> None:
        put = object.__setattr__
        put(self, "_tick", float(self.tick_size))
        put(self, "_ticks_per_unit", _inverse(self.tick_size))
        put(self, "_lot", float(self.lot_size))
        put(self, "_lots_per_unit", _inverse(self.lot_size))
        put(self, "min_lots", max(1, math.ceil(self.min_quantity / self.lot_size)))
        put(self, "min_notional_float", float(self.min_notional))
        put(self, "borrow_lots", int(self.borrow_limit / self.lot_size))
        put(self, "can_short", self.kind is not InstrumentKind.SPOT or self.borrow_lots > 0)
        put(self, "lot_contracts", int(self.lot_size / self.contract_size) if self.contract_size else 0)

    @property
    def tiers(self) -> tuple[MarginTier, ...]:
        """The margin tiers of a perpetual, those of the engine if it names none; empty for spot."""
        return self.margin_tiers or (() if self.kind is InstrumentKind.SPOT else DEFAULT_TIERS)

    def contracts(self, lots: int) -> int:
        """Return the contracts in a number of lots, as they are counted on the wire.

        Raises:
            ValueError: if the instrument is not counted in contracts.

        >>> perpetual = Instrument("BTC-PERP", lot_size=Decimal("0.001"), contract_size=Decimal("0.00001"))
        >>> perpetual.contracts(5), perpetual.lots_of_contracts(599)
        (500, 5)
        """
        return lots * self._counted()

    def lots_of_contracts(self, contracts: int) -> int:
        """Return the whole lots in a number of contracts, rounded towards zero.

        Raises:
            ValueError: if the instrument is not counted in contracts.
        """
        lots = abs(contracts) // self._counted()
        return lots if contracts >= 0 else -lots

    def _counted(self) -> int:
        if not self.lot_contracts:
            raise ValueError(f"{self.symbol}.contract_size: must be set to count contracts, was None")
        return self.lot_contracts

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


def _check_tiers(symbol: str, tiers: tuple[MarginTier, ...]) -> None:
    """Refuse tiers that contradict themselves or each other.

    Raises:
        TypeError: if a tier holds anything but Decimals.
        ValueError: naming the first tier that is wrong, what should hold and what was found.
    """
    before: MarginTier | None = None
    for number, tier in enumerate(tiers):
        where = f"{symbol}.margin_tiers[{number}]"
        for name in ("up_to", "maintenance", "max_leverage"):
            value = getattr(tier, name)
            if not isinstance(value, Decimal | int) and not (name == "up_to" and value is None):
                raise TypeError(f"{where}.{name}: must be a Decimal, was {value!r}")
        if tier.up_to is None and number < len(tiers) - 1:
            raise ValueError(f"{where}.up_to: only the last tier may have no end, was None")
        if not tier.max_leverage >= 1:
            raise ValueError(f"{where}.max_leverage: must be at least 1, was {tier.max_leverage}")
        if not 0 < tier.maintenance * tier.max_leverage < 1:
            raise ValueError(
                f"{where}.maintenance: must be above 0 and below 1 / max_leverage {tier.max_leverage}, "
                f"was {tier.maintenance}"
            )
        _check_next(where, before, tier)
        before = tier


def _check_next(where: str, before: MarginTier | None, tier: MarginTier) -> None:
    least = Decimal(0) if before is None or before.up_to is None else before.up_to
    if tier.up_to is not None and not tier.up_to > least:
        raise ValueError(f"{where}.up_to: must be above {least}, was {tier.up_to}")
    if before is None:
        return
    if tier.maintenance < before.maintenance:
        raise ValueError(
            f"{where}.maintenance: must not be below the tier before ({before.maintenance}), was {tier.maintenance}"
        )
    if tier.max_leverage > before.max_leverage:
        raise ValueError(
            f"{where}.max_leverage: must not be above the tier before ({before.max_leverage}), was {tier.max_leverage}"
        )


def _inverse(step: Decimal) -> float:
    """Return 1 / step where that is a whole number that a float holds exactly, else 0."""
    inverse = 1 / step
    return float(inverse) if inverse == inverse.to_integral_value() and inverse < 2**53 else 0.0


def _times(count: int, step: Decimal) -> float:
    """Return the float nearest to count * step, for steps such as 25 or 0.3 whose inverse is no whole number."""
    numerator, denominator = step.as_integer_ratio()
    return count * numerator / denominator
