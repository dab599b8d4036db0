"""What an account holds at one product: wallets, coins, positions, and the history of its money.

On spot the fee is taken in the currency received: a buyer gets fewer coins, and can sell only what whole lots they make up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hookline.clock import EventClock
from hookline.model import (
    Instrument,
    InstrumentKind,
    Ledger,
    MarginMode,
    Market,
    Order,
    Position,
    PositionMode,
    Purse,
    Side,
    Wallet,
)
from hookline.simulation.funds import Funds
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.records import WalletEntry
from hookline_lmex.emulator.terms import AccountSetup, ExchangeOptions, Product
from hookline_lmex.emulator.wire_numbers import Ids

__all__ = ["Holdings"]

_FUTURES = Product.FUTURES
_NO_LEVERAGE = 1.0


class Holdings:
    """Money and positions of one account at one product.

    Attributes:
        instruments: With the account's own leverage, margin and position mode.
        markets: What is known of prices, by symbol.
        coins: Of spot, beside the quote currencies.
        wallets: Money by quote currency.
        ledger: Positions and money as the simulated venue reads them.
        funds: What the wallets can afford.
        entries: History of the money, oldest first.
        leverage_setting: As it was set, by symbol; 0 for the most that is allowed.
        risk_levels: Chosen risk limit by symbol, from 1.
        settle_with: Currency that positions are settled in, by symbol.
    """

    def __init__(
        self,
        account: AccountSetup,
        product: Product,
        states: Mapping[str, MarketState],
        options: ExchangeOptions,
        time: EventClock,
        ids: Ids,
    ) -> None:
        self.account, self.product, self.states, self.options = account, product, states, options
        self.time, self.ids = time, ids
        self.instruments = {symbol: _own(state, options) for symbol, state in states.items()}
        self.markets = {symbol: Market(one) for symbol, one in self.instruments.items()}
        self.coins: dict[str, float] = {}
        self.wallets = self._open_wallets()
        self.ledger = self._new_ledger()
        self.entries: list[WalletEntry] = []
        self.leverage_setting = {symbol: _setting(one, options) for symbol, one in self.instruments.items()}
        self.risk_levels = dict.fromkeys(states, 1)
        self.settle_with: dict[str, str] = {}
        self.funds = Funds(self.instruments, _NO_LEVERAGE)
        self.sync_coins()

    def _open_wallets(self) -> list[Wallet]:
        cash = self.account.spot if self.product is Product.SPOT else self.account.futures
        quotes = dict.fromkeys(one.quote for one in self.instruments.values())
        self.coins = {currency: float(amount) for currency, amount in cash.items() if currency not in quotes}
        return [Wallet(float(cash.get(quote, 0.0)), self.product, quote) for quote in quotes]

    def _new_ledger(self) -> Ledger:
        start = sum(wallet.start_cash for wallet in self.wallets)
        purse = Purse(self.wallets or [Wallet(0.0)], is_shared=not self.wallets)
        return Ledger(self.account.label, start, self.markets.values(), purse)

    def renew_funds(self) -> None:
        """Judge what wallets can afford by the instruments as they are now."""
        added = self.funds.added
        self.funds = Funds(self.instruments, _NO_LEVERAGE)
        self.funds.added.update(added)

    def replace_positions(self) -> None:
        """Hold positions by the position modes as they are now."""
        before = self.ledger.positions
        self.ledger = self._new_ledger()
        self.ledger.positions.update(
            {id_: before[id_] for id_ in self.ledger.positions if id_ in before},
        )

    def position_of(self, order: Order) -> Position:
        """Return the position that an order changes."""
        return self.ledger.positions[order.position_id or order.instrument.symbol]

    def enter(self, kind: int, amount: float, currency: str, fee: float = 0.0, symbol: str = "") -> None:
        """Write a line into the history of the wallet."""
        wallet = "CROSS@" if self.product is _FUTURES else "@SPOT"
        if symbol and self.instruments[symbol].margin_mode is MarginMode.ISOLATED:
            wallet = f"ISOLATED@{symbol}-{self.options.market_id_quote}"
        entry = WalletEntry(
            self.product, self.time.now, kind, amount, fee, currency, wallet, self.ids.entry(), symbol
        )
        self.entries.append(entry)

    def settle_coins(
        self, instrument: Instrument, position: Position, side: Side, lots: int, price: float, fee: float
    ) -> tuple[float, str]:
        """Move the coins of a spot fill; return its fee and the currency of that."""
        units, base = instrument.units(lots), instrument.base
        if side > 0:
            position.wallet.cash += fee  # booked in quote currency, taken in coins
            coin_fee = fee / price
            self.coins[base] = self.coins.get(base, 0.0) + units - coin_fee
            found = coin_fee, base
        else:
            self.coins[base] = self.coins.get(base, 0.0) - units
            found = fee, instrument.quote
        self.sync_coins()
        return found

    def sync_coins(self) -> None:
        """Let the positions of spot be the whole lots in the coins held."""
        for position in self.ledger.positions.values():
            instrument = position.market.instrument
            if instrument.kind is InstrumentKind.SPOT:
                position.lots = instrument.lots(self.coins.get(instrument.base, 0.0))
                position.quantity = instrument.units(position.lots)

    def spare(self) -> dict[str, float]:
        """Return what each wallet could back new positions with, by currency; resting orders left out."""
        if self.product is not _FUTURES:
            return {wallet.currency: wallet.cash for wallet in self.wallets} | self.coins
        return {wallet.currency: self.funds.spare(self.ledger, wallet) for wallet in self.wallets}

    def change_money(self, currency: str, amount: float, describe: str = "") -> None:
        """Put money into the wallet, or take it out if below zero."""
        for wallet in self.wallets:
            if wallet.currency == currency:
                wallet.cash += amount
                break
        else:
            self.coins[currency] = self.coins.get(currency, 0.0) + amount
            self.sync_coins()
        self.enter(105, amount, currency)
        self.entries[-1] = replace(self.entries[-1], description=describe)

    def each_position(self) -> Iterable[Position]:
        """Yield the positions that are not flat."""
        return (position for position in self.ledger.positions.values() if position.lots)

    def balances(self) -> dict[str, float]:
        """Return what is there by currency: coins, and money without the unrealized profit of positions."""
        found = dict(self.coins)
        for wallet in self.wallets:
            found[wallet.currency] = wallet.cash
        if self.product is _FUTURES:
            # Cash in a ledger is the sum of all cash flows; what positions were entered at was never spent.
            for position in self.each_position():
                found[position.wallet.currency] += position.quantity * position.entry_price
        return found


def _own(state: MarketState, options: ExchangeOptions) -> Instrument:
    """Return the terms of a market as an account has them before it sets anything."""
    instrument = state.setup.instrument
    base = instrument.base or instrument.symbol.split("-", maxsplit=1)[0]
    terms: dict[str, Any] = {"venue": str(state.product), "base": base, "min_notional": Decimal(0)}
    if instrument.kind is not InstrumentKind.SPOT:
        most = instrument.tiers[0].max_leverage
        terms["leverage"] = min(most, instrument.leverage or options.leverage or most)
        terms["contract_size"] = instrument.contract_size or instrument.lot_size
        terms["position_mode"] = PositionMode.ONE_WAY
    return replace(instrument, **terms)


def _setting(instrument: Instrument, options: ExchangeOptions) -> float:
    """Return what the leverage setting shows at first: 0 for the most that is allowed, in cross margin."""
    if instrument.leverage is None or (
        options.leverage is None and instrument.leverage == instrument.tiers[0].max_leverage
    ):
        return 0.0
    return float(instrument.leverage)
