"""Instruments from what the venue says of its markets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hookline.errors import DataError
from hookline.model import Instrument, InstrumentKind, MarginMode, MarginTier, PositionMode, TierStyle
from hookline_lmex.results import Fee, MarketSummary, RiskTier

__all__ = ["fee_of", "instrument_of", "margin_tiers"]


def instrument_of(
    summary: MarketSummary,
    risk_limits: Iterable[RiskTier] = (),
    *,
    venue: str = "",
    min_notional: Decimal = Decimal(5),
    leverage: Decimal | None = None,
    margin_mode: MarginMode = MarginMode.CROSS,
    position_mode: PositionMode = PositionMode.ONE_WAY,
    tier_style: TierStyle = TierStyle.FLAT,
) -> Instrument:
    """Return the instrument of a market.

    The quantities of an instrument are base units: on futures its lot is the contract size times the step in contracts. Symbols
    with a multiplier (``K_``, ``M_``, ``B_``) are taken as they are, and a unit of theirs is that many coins.

    Args:
        summary: What the venue says of the market.
        risk_limits: The venue's margin tiers; those of other symbols are passed over.
        venue: Name of the venue in the session.
        min_notional: Smallest order in quote currency; the venue hides smaller ones.
        leverage: What positions are leveraged with.
        margin_mode: Of positions.
        position_mode: Of positions.
        tier_style: How the tiers add up, which the venue does not say; flat demands the most.

    Raises:
        DataError: if the venue's terms make no sense.
    """
    contract = summary.contract_size
    unit = Decimal(1) if contract is None else contract
    try:
        spot = Instrument(
            symbol=summary.symbol,
            tick_size=_plain(summary.tick_size),
            lot_size=_plain(unit * summary.size_step),
            min_quantity=_plain(unit * summary.min_size),
            min_notional=min_notional,
            quote=summary.quote,
            base=summary.base,
            venue=venue,
        )
        if contract is None:
            return spot
        return replace(
            spot,
            kind=InstrumentKind.PERPETUAL,
            position_mode=position_mode,
            contract_size=_plain(contract),
            leverage=leverage,
            margin_mode=margin_mode,
            margin_tiers=margin_tiers(summary.symbol, risk_limits),
            tier_style=tier_style,
        )
    except (ValueError, TypeError) as error:
        raise DataError(f"terms of {summary.symbol!r} at the venue: {error}") from error


def margin_tiers(symbol: str, risk_limits: Iterable[RiskTier]) -> tuple[MarginTier, ...]:
    """Return the margin tiers of one market, smallest first.

    The most that may be chosen in a tier is what its initial margin allows, where that is less than the venue's ``maxLeverage``.
    """
    tiers = sorted(
        (tier for tier in risk_limits if tier.symbol == symbol), key=lambda tier: tier.notional_limit
    )
    return tuple(
        MarginTier(
            _plain(tier.notional_limit),
            tier.maintenance_margin,
            min(tier.max_leverage, 1 / tier.initial_margin) if tier.initial_margin else tier.max_leverage,
        )
        for tier in tiers
    )


def fee_of(symbol: str, fees: Iterable[Fee]) -> Fee:
    """Return the fees of a market.

    Raises:
        DataError: if the venue named none.
    """
    for fee in fees:
        if fee.symbol == symbol:
            return fee
    raise DataError(f"fees of {symbol!r}: must be there, was missing in the venue's answer")


def _plain(value: Decimal) -> Decimal:
    """Return a number without an exponent and without zeros at its end: ``1E-7`` and ``0.50`` are steps like any other."""
    return Decimal(format(value.normalize(), "f"))
