"""Where a session's cash lies: by venue and currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed
from hookline.model import Instrument
from hookline.session.config import SessionConfig
from hookline.session.feeding import load_bars
from hookline.session.plan import WalletPlan

__all__ = ["check_wallets", "start_cash", "wallets_of"]


def wallets_of(config: SessionConfig) -> list[WalletPlan]:
    """Return where the session's cash lies; empty where it is all in the session's currency and pays for everything."""
    wallets = [WalletPlan("", currency, float(cash)) for currency, cash in config.balances.items()]
    for name, venue in config.venues.items():
        wallets += [WalletPlan(name, currency, float(cash)) for currency, cash in venue.balances.items()]
    return wallets


def check_wallets(instruments: Mapping[str, Instrument], wallets: Sequence[WalletPlan]) -> None:
    """Refuse instruments that no wallet pays for.

    Raises:
        ConfigError: naming the currency that is missing and where.
    """
    there = {(wallet.venue, wallet.currency) for wallet in wallets}
    for symbol, one in instruments.items():
        if wallets and (one.venue, one.quote) not in there:
            at = f"venues.{one.venue}.balances" if one.venue else "balances"
            raise ConfigError(
                f"{at}: must hold {one.quote}, which {symbol} is paid in; 0 will do, say instruments.{symbol}.quote if it is another"
            )


def start_cash(
    config: SessionConfig, wallets: Sequence[WalletPlan], feed: Feed, requests: Sequence[BarRequest]
) -> float:
    """Return the session's cash in its currency, other currencies at the first open of their rates."""
    if not wallets:
        return float(config.cash)
    asked = {request.symbol: request for request in requests}
    rates = {config.currency: 1.0}
    for currency, symbol in config.rates.items():
        rates[currency] = float(load_bars(feed, asked[symbol]).open[0])
    return sum(wallet.cash * rates[wallet.currency] for wallet in wallets)
