"""Margin arithmetic of linear perpetuals: what a position must have behind it, and where it is liquidated.

Rules of this file, with q the quantity, e the entry price, L the leverage, m and d the rate and the deduction of the tier
that the notional q * p falls into, f the fee of closing, s = +1 for a long and -1 for a short:

=====================  ==============================================================================================
initial margin         q * p / min(L, the tier's most)
maintenance margin     q * p * m - d; with ``flat`` tiers d = 0, with ``marginal`` ones d makes the tiers meet:
                       d[k] = d[k-1] + border[k-1] * (m[k] - m[k-1])
equity of a position   M + s * q * (p - e), where M is the margin posted for it (isolated), or what the wallet holds beyond
                       the profit of this position and the maintenance of all others (cross)
liquidated             where equity <= maintenance + f * q * p, hence at
                       p = (q * e - s * (M + d)) / (q * (1 - s * (m + f)))
bankrupt               where equity = f * q * p, hence at p = (q * e - s * M) / (q * (1 - s * f))
=====================  ==============================================================================================

The tier is that of the notional *at* the liquidation price, so the price is searched tier by tier. Prices are above zero;
NaN means that no price liquidates.

Sources: Binance, "How to Calculate Liquidation Price of USDS-M Futures Contracts" (the formula above with f = 0, its
"maintenance amount" is d, its hedge mode the sum of both sides), and Bybit, "Liquidation Price (USDT Contract)" and
"Maintenance Margin (USDT Contract)" (f: the estimated fee to close; they take the maintenance at the entry price, which is
a little nearer for longs and a little farther for shorts). What LMEX does is not published; choose ``tier_style`` to match.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from hookline.model.instrument import (
    DEFAULT_TIERS,
    Instrument,
    InstrumentKind,
    MarginMode,
    MarginTier,
    TierStyle,
)

__all__ = [
    "SPOT_TIERS",
    "MarginTerms",
    "Tiers",
    "bankruptcy_price",
    "estimate_liquidation",
    "initial_margin",
    "liquidation_price",
    "liquidation_price_cross",
    "liquidation_price_isolated",
    "maintenance_margin",
    "margin_terms",
    "max_leverage",
    "tiers_of",
]


class Tiers(NamedTuple):
    """Margin tiers as floats, one entry for each, smallest first."""

    up_to: tuple[float, ...]
    maintenance: tuple[float, ...]
    deduction: tuple[float, ...]
    leverage: tuple[float, ...]


_UNLIMITED = Tiers((math.inf,), (0.0,), (0.0,), (math.inf,))


def tiers_of(tiers: Sequence[MarginTier], style: TierStyle = TierStyle.MARGINAL) -> Tiers:
    """Return tiers as floats, with the deductions that their style asks for."""
    deductions = [Decimal(0)]
    for before, tier in pairwise(tiers):
        assert before.up_to is not None, "an instrument checks that only its last tier has no end"
        step = before.up_to * (tier.maintenance - before.maintenance)
        deductions.append(deductions[-1] + (step if style is TierStyle.MARGINAL else 0))
    return Tiers(
        tuple(math.inf if tier.up_to is None else float(tier.up_to) for tier in tiers),
        tuple(float(tier.maintenance) for tier in tiers),
        tuple(map(float, deductions)),
        tuple(float(tier.max_leverage) for tier in tiers),
    )


class MarginTerms(NamedTuple):
    """What an instrument asks of those who hold it: chosen leverage, tiers, and whether margin is isolated."""

    leverage: float
    tiers: Tiers
    is_isolated: bool


SPOT_TIERS = tiers_of(DEFAULT_TIERS)
"""Of spot that is borrowed or bought on leverage."""


def margin_terms(instrument: Instrument, leverage: float) -> MarginTerms:
    """Return the terms of an instrument; ``leverage`` is the broker's, for one that has chosen none."""
    chosen = leverage if instrument.leverage is None else float(instrument.leverage)
    tiers = tiers_of(instrument.tiers, instrument.tier_style) if instrument.tiers else _UNLIMITED
    return MarginTerms(chosen, tiers, instrument.margin_mode is MarginMode.ISOLATED)


def tier_of(notional: float, tiers: Tiers) -> int:
    """Return the index of the tier that a notional falls into; a border belongs to the tier below it."""
    for number, border in enumerate(tiers.up_to):
        if notional <= border:
            return number
    return len(tiers.up_to) - 1


def maintenance_margin(notional: float, tiers: Tiers) -> float:
    """Return the margin below which a position of that value is liquidated; beyond the last tier its rate goes on."""
    number = tier_of(notional, tiers)
    return notional * tiers.maintenance[number] - tiers.deduction[number]


def max_leverage(notional: float, tiers: Tiers) -> float:
    """Return the most leverage that a position of that value may have; 0 beyond the last tier."""
    return tiers.leverage[tier_of(notional, tiers)] if notional <= tiers.up_to[-1] else 0.0


def initial_margin(notional: float, leverage: float, tiers: Tiers) -> float:
    """Return the margin that opens a position of that value; infinite where no tier allows it."""
    allowed = min(leverage, max_leverage(notional, tiers))
    return notional / allowed if allowed > 0.0 else math.inf


def liquidation_price_isolated(
    side: int, quantity: float, entry: float, margin: float, tiers: Tiers, fee_rate: float = 0.0
) -> float:
    """Return where a position with margin of its own is liquidated, NaN if nowhere.

    Args:
        side: +1 for a long, -1 for a short.
        quantity: Base units, without a sign.
        entry: Average entry price.
        margin: What was posted for it, in quote currency, less the funding it has paid.
        tiers: Of the instrument.
        fee_rate: Kept for closing, as a fraction of notional.
    """
    return _adverse(side, quantity, entry, margin, tiers, fee_rate)


def liquidation_price_cross(
    side: int,
    quantity: float,
    price: float,
    equity: float,
    tiers: Tiers,
    fee_rate: float = 0.0,
    other_maintenance: float = 0.0,
) -> float:
    """Return where a position that shares its wallet is liquidated while all other prices stay, NaN if nowhere.

    Args:
        side: +1 for a long, -1 for a short.
        quantity: Base units, without a sign.
        price: Mark price now.
        equity: What the wallet is worth at that price, this position and the other shared ones included.
        tiers: Of the instrument.
        fee_rate: Kept for closing, as a fraction of notional.
        other_maintenance: Maintenance margin of the wallet's other shared positions, their fees of closing included.
    """
    return _adverse(side, quantity, price, equity - other_maintenance, tiers, fee_rate)


def bankruptcy_price(side: int, quantity: float, price: float, equity: float, fee_rate: float = 0.0) -> float:
    """Return where nothing is left of a position after it is closed and the fee is paid, NaN if nowhere.

    ``equity`` is what backs the position at ``price``: with the entry price, the margin posted for it.
    """
    found = (quantity * price - side * equity) / (quantity * (1.0 - side * fee_rate))
    return found if found > 0.0 else math.nan


def liquidation_price(
    step: int,
    long_quantity: float,
    short_quantity: float,
    price: float,
    equity: float,
    tiers: Tiers,
    fee_rate: float = 0.0,
) -> float:
    """Return the first price on the way up or down at which a long and a short of one instrument are liquidated together.

    In hedge mode both sides need maintenance, each by its own tier, so that even a balanced pair is liquidated by a rise.

    Args:
        step: -1 to search below the price, +1 above it.
        long_quantity: Base units of the long, 0 for none.
        short_quantity: Base units of the short, without a sign, 0 for none.
        price: Where to start.
        equity: What backs both at that price.
        tiers: Of the instrument.
        fee_rate: Kept for closing, as a fraction of notional.

    Returns:
        The price; ``price`` itself if it liquidates already; NaN if no price on that way does.
    """
    quantities = (long_quantity, short_quantity)
    net = long_quantity - short_quantity
    for begin, end in _segments(step, quantities, price, tiers):
        # Inside a segment neither side changes its tier: excess(p) = constant + slope * p.
        inside = (begin + end) / 2.0 if end < math.inf else begin * 2.0
        slope, constant = net, equity - net * price
        for quantity in quantities:
            number = tier_of(quantity * inside, tiers)
            slope -= quantity * (tiers.maintenance[number] + fee_rate)
            constant += tiers.deduction[number]
        if constant + slope * begin <= 0.0:
            return begin
        if slope * step < 0.0:
            found = -constant / slope
            if found > 0.0 and (end - found) * step >= 0.0:
                return found
    return math.nan


def estimate_liquidation(
    instrument: Instrument,
    side: int,
    quantity: float,
    price: float,
    equity: float,
    *,
    leverage: float = 1.0,
    fee_rate: float = 0.0,
    other_maintenance: float = 0.0,
) -> float:
    """Return where a position would be liquidated if it were opened now, NaN if nowhere.

    Args:
        instrument: What to hold; its margin mode, tiers and own leverage count.
        side: +1 for a long, -1 for a short.
        quantity: Base units of the whole position, without a sign.
        price: Its average entry price.
        equity: What the wallet is worth before the order, without its isolated positions.
        leverage: Of the broker, for an instrument that has chosen none.
        fee_rate: Taker fee as a fraction, paid on entry and kept for closing.
        other_maintenance: Maintenance margin of the wallet's other cross positions.
    """
    notional = quantity * price
    if notional <= 0.0:
        return math.nan
    terms = margin_terms(instrument, leverage)
    if terms.is_isolated:
        tiers, backing = terms.tiers, initial_margin(notional, terms.leverage, terms.tiers)
    else:
        tiers = SPOT_TIERS if instrument.kind is InstrumentKind.SPOT else terms.tiers
        backing = equity - notional * fee_rate - other_maintenance
    long, short = (quantity, 0.0) if side > 0 else (0.0, quantity)
    return liquidation_price(-side, long, short, price, backing, tiers, fee_rate)


def _adverse(side: int, quantity: float, price: float, equity: float, tiers: Tiers, fee_rate: float) -> float:
    long, short = (quantity, 0.0) if side > 0 else (0.0, quantity)
    return liquidation_price(-side, long, short, price, equity, tiers, fee_rate)


def _segments(
    step: int, quantities: tuple[float, float], price: float, tiers: Tiers
) -> Iterator[tuple[float, float]]:
    """Yield the ranges of price on the way from a price within which no side changes its tier."""
    borders = {border / quantity for quantity in quantities if quantity for border in tiers.up_to[:-1]}
    ahead = sorted((border for border in borders if (border - price) * step > 0.0), reverse=step < 0)
    begin = price
    for border in [*ahead, math.inf if step > 0 else 0.0]:
        yield begin, border
        begin = border
