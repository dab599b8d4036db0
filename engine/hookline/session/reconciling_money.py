"""Balances and settings here against those at the venue: reported, never changed.

A strategy's cash is the sum of its cash flows, so a perpetual's whole notional is in it. What a venue calls the balance is cash plus
quantity times entry price of perpetuals; one that counts unrealized profit in says more or less than that. Only a balance below both
is told.
"""

from __future__ import annotations

from decimal import Decimal

from hookline.model import InstrumentKind, Ledger, Wallet
from hookline.session.differences import DifferenceAction, DifferenceKind
from hookline.session.reconciling_look import Look

__all__ = ["compare_balances", "compare_settings"]

_K, _NOTED = DifferenceKind, DifferenceAction.NOTED


def compare_balances(look: Look) -> None:
    """Tell where the venue holds less money than the strategies believe to have."""
    totals = {one.currency: one.total for one in look.account.balances}
    for currency, (settled, marked) in _believed(look).items():
        total = totals.get(currency)
        least = min(settled, marked) if marked == marked else settled  # noqa: PLR0124
        if least <= 0.0 or (total is not None and float(total) >= least * (1.0 - _tolerance(look))):
            continue
        venues = "none" if total is None else f"{_plain(total)} {currency}"
        both = f"{least:,.2f} {currency}", venues
        text = f"strategies have {both[0]}, the venue holds {venues}"
        look.add(_K.BALANCE, currency, currency, both, _NOTED, text)


def _tolerance(look: Look) -> float:
    return look.policy.balance_tolerance_fraction


def _believed(look: Look) -> dict[str, tuple[float, float]]:
    """Return, by currency, the balance that strategies believe in, without and with unrealized profits."""
    believed: dict[str, tuple[float, float]] = {}
    for ledger in look.kernel.ledgers.values():
        for wallet in ledger.wallets:
            currency = wallet.currency or next(iter(ledger.positions.values())).market.instrument.quote
            settled, gained = _balance(ledger, wallet)
            before = believed.get(currency, (0.0, 0.0))
            believed[currency] = before[0] + settled, before[1] + settled + gained
    return believed


def _balance(ledger: Ledger, wallet: Wallet) -> tuple[float, float]:
    held = [
        one
        for one in ledger.positions.values()
        if one.wallet is wallet and one.lots and one.market.instrument.kind is not InstrumentKind.SPOT
    ]
    entries = sum(one.quantity * one.entry_price for one in held)
    return wallet.cash + entries, sum(one.unrealized for one in held)


def _plain(value: Decimal) -> str:
    return f"{value:,.2f}"


def compare_settings(look: Look) -> None:
    """Tell where leverage or margin mode of a position is not what is configured; the venue's stays."""
    for one in look.account.positions:
        market = look.kernel.markets.get(one.symbol)
        if market is None or market.instrument.kind is InstrumentKind.SPOT:
            continue
        instrument, id_ = market.instrument, one.position_id
        wanted = look.kernel.broker.leverage if instrument.leverage is None else float(instrument.leverage)
        if one.leverage > 0.0 and one.leverage != wanted:
            text = f"position {id_}: leverage is {wanted:g} in the configuration and {one.leverage:g} at the venue, which stays"
            mark = f"{_K.LEVERAGE}:{id_}:{one.leverage:g}"
            both = f"{wanted:g}", f"{one.leverage:g}"
            look.add(_K.LEVERAGE, one.symbol, id_, both, _NOTED, text, mark=mark)
        if one.margin_mode and one.margin_mode != instrument.margin_mode:
            both = str(instrument.margin_mode), one.margin_mode
            text = f"position {id_}: margin mode is {both[0]} in the configuration and {both[1]} at the venue, which stays"
            mark = f"{_K.MARGIN_MODE}:{id_}:{one.margin_mode}"
            look.add(_K.MARGIN_MODE, one.symbol, id_, both, _NOTED, text, mark=mark)
