"""Positions and cash of one strategy.

One ledger belongs to one strategy; the account is the sum of the ledgers. Cash here is the sum of all cash flows: buying
takes the whole notional from it, for perpetuals too. Equity is the same as with margin accounting
(cash + quantity * price), and conservation is one line: ``cash = start - sum(signed notional) - fees``.

Money lies in wallets, one for each venue and quote currency. A ledger's ``cash`` and ``equity`` are in the session's
currency: what lies in another one counts at the last price of the instrument that the session names as its rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hookline.model.fill import Fill
from hookline.model.instrument import Instrument, InstrumentKind, PositionMode

if TYPE_CHECKING:
    from hookline.model.book import OrderBook

__all__ = ["Ledger", "Market", "Position", "Purse", "Wallet", "apply_fill"]

_NAN = float("nan")


class Market:
    """What is known now of one instrument.

    Attributes:
        last: Last price: of the last trade, else the mid of the last quote or book, else the last bar's close.
        mark: Mark price where there is one, else NaN.
        bid: Best bid, NaN where no quotes or books are followed.
        ask: Best ask, NaN likewise.
        book: The local order book, None where no books are followed.
        funding_rate: Rate of the last funding payment, NaN before the first.
        has_trades: Whether a trade was seen, so that ``last`` is a trade's price.
        time: When ``last`` was seen, nanoseconds UTC.
    """

    __slots__ = ("ask", "bid", "book", "funding_rate", "has_trades", "instrument", "last", "mark", "time")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.last = _NAN
        self.mark = _NAN
        self.bid = _NAN
        self.ask = _NAN
        self.book: OrderBook | None = None
        self.funding_rate = _NAN
        self.has_trades = False
        self.time = 0

    def show(self, last: float, time: int) -> None:
        """Take a price of before the start as the last one, unless a later one is known."""
        if time > self.time:
            self.last, self.time = last, time


class Wallet:
    """Cash of one strategy at one venue in one currency.

    ``rate`` is the worth of one unit in the session's currency; ``rate_market`` is where it comes from, None for 1.
    """

    __slots__ = ("cash", "currency", "rate_market", "start_cash", "venue")

    def __init__(
        self, cash: float, venue: str = "", currency: str = "", rate_market: Market | None = None
    ) -> None:
        self.venue = venue
        self.currency = currency
        self.start_cash = cash
        self.cash = cash
        self.rate_market = rate_market

    def __repr__(self) -> str:
        return f"Wallet({self.cash:g} {self.currency} at {self.venue or 'the venue'})"

    @property
    def name(self) -> str:
        """The currency, and the venue where a session has several."""
        return f"{self.currency}@{self.venue}" if self.venue else self.currency

    @property
    def rate(self) -> float:
        """Worth of one unit of the currency in the session's currency."""
        return 1.0 if self.rate_market is None else self.rate_market.last


class Purse:
    """The wallets of one strategy.

    Args:
        wallets: At least one.
        is_shared: Whether the first one pays for everything, whatever its currency.
    """

    __slots__ = ("_is_shared", "wallets")

    def __init__(self, wallets: Sequence[Wallet], *, is_shared: bool = False) -> None:
        self.wallets = list(wallets)
        self._is_shared = is_shared

    def pays(self, instrument: Instrument) -> Wallet:
        """Return the wallet that an instrument is paid from.

        Raises:
            ValueError: if there is none in its currency at its venue.
        """
        for wallet in self.wallets:
            if self._is_shared or (wallet.venue, wallet.currency) == (instrument.venue, instrument.quote):
                return wallet
        there = ", ".join(wallet.name for wallet in self.wallets)
        at = f" at {instrument.venue}" if instrument.venue else ""
        raise ValueError(f"{instrument.symbol}: needs cash in {instrument.quote}{at}, there is {there}")


class Position:
    """Holding of one instrument by one strategy. ``lots`` and ``quantity`` are negative for a short.

    ``pending`` is the signed number of lots in market orders on their way: what the position is about to become.
    ``id`` is the symbol; in hedge mode, where a long and a short are held side by side, ``SYMBOL|long`` or ``SYMBOL|short``.
    """

    __slots__ = (
        "entry_price", "fees", "id", "lots", "market", "opened", "pending", "quantity", "realized", "wallet",
    )  # fmt: skip

    def __init__(self, market: Market, wallet: Wallet, id_: str = "") -> None:
        self.market = market
        self.wallet = wallet
        self.id = id_ or market.instrument.symbol
        self.lots = 0
        self.pending = 0
        self.quantity = 0.0
        self.entry_price = 0.0
        self.realized = 0.0
        self.fees = 0.0
        self.opened = 0

    def __repr__(self) -> str:
        return f"Position({self.market.instrument.symbol}, {self.quantity:g} @ {self.entry_price:g})"

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self.market.instrument.symbol

    @property
    def is_flat(self) -> bool:
        """Whether nothing is held."""
        return self.lots == 0

    @property
    def is_long(self) -> bool:
        """Whether the holding is positive."""
        return self.lots > 0

    @property
    def is_short(self) -> bool:
        """Whether the holding is negative."""
        return self.lots < 0

    @property
    def notional(self) -> float:
        """Signed value of the holding at the last price."""
        return self.quantity * self.market.last if self.lots else 0.0

    @property
    def unrealized(self) -> float:
        """Profit of the holding at the last price, before fees."""
        return self.quantity * (self.market.last - self.entry_price) if self.lots else 0.0


def apply_fill(
    lots: int, quantity: float, entry_price: float, fill_lots: int, fill_quantity: float, price: float
) -> tuple[float, float]:
    """Return ``(entry_price, realized)`` after a signed fill, before fees.

    Adding averages the entry price by quantity; reducing realizes ``quantity * (price - entry)``; going through zero
    realizes the old position and opens the rest at the fill's price.
    """
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return (quantity * entry_price + fill_quantity * price) / (quantity + fill_quantity), 0.0
    if abs(fill_lots) < abs(lots):
        return entry_price, -fill_quantity * (price - entry_price)
    realized = quantity * (price - entry_price)
    return (price if abs(fill_lots) > abs(lots) else 0.0), realized


class Ledger:
    """Cash and positions of one strategy.

    Args:
        strategy: Id of the strategy.
        cash: Start cash of all wallets, in the session's currency.
        markets: The instruments.
        purse: Its wallets; one with the start cash by default.
    """

    __slots__ = ("_only", "fees", "funding", "positions", "start_cash", "strategy", "wallets")

    def __init__(
        self, strategy: str, cash: float, markets: Iterable[Market], purse: Purse | None = None
    ) -> None:
        self.strategy = strategy
        self.start_cash = cash
        self.fees = 0.0
        self.funding = 0.0
        purse = purse or Purse([Wallet(cash)], is_shared=True)
        positions = [
            Position(market, purse.pays(market.instrument), id_)
            for market in markets
            for id_ in _position_ids(market.instrument)
        ]
        self.positions = {position.id: position for position in positions}
        self.wallets = purse.wallets
        self._only = (
            self.wallets[0] if len(self.wallets) == 1 and self.wallets[0].rate_market is None else None
        )

    def of(self, symbols: Iterable[str]) -> Ledger:
        """Return a view of this ledger with the positions of some symbols and what they are paid from: one venue's part.

        Positions and wallets are the ledger's own; only the sums differ. Fees and funding are counted where they are booked.
        """
        view = object.__new__(Ledger)
        view.strategy, view.start_cash = self.strategy, self.start_cash
        view.fees, view.funding = 0.0, 0.0
        wanted = set(symbols)
        view.positions = {id_: one for id_, one in self.positions.items() if one.symbol in wanted}
        view.wallets = list(dict.fromkeys(one.wallet for one in view.positions.values()))
        only = view.wallets[0] if len(view.wallets) == 1 else None
        view._only = only if only is not None and only.rate_market is None else None
        return view

    @property
    def cash(self) -> float:
        """Cash of all wallets in the session's currency."""
        if self._only is not None:
            return self._only.cash
        return sum(wallet.cash * wallet.rate for wallet in self.wallets)

    @property
    def equity(self) -> float:
        """Cash plus the value of all positions at the last prices, in the session's currency."""
        if self._only is not None:
            total = self._only.cash
            for position in self.positions.values():
                if position.lots:
                    total += position.quantity * position.market.last
            return total
        return sum(self.equity_of(wallet) * wallet.rate for wallet in self.wallets)

    def equity_of(self, wallet: Wallet) -> float:
        """Return a wallet's cash plus the value of the positions paid from it, in its currency."""
        return wallet.cash + sum(p.notional for p in self.positions.values() if p.wallet is wallet)

    @property
    def gross_notional(self) -> float:
        """Sum of the positions' values without their signs, in the session's currency."""
        return sum(abs(position.notional) * position.wallet.rate for position in self.positions.values())

    def held(self, symbol: str) -> list[Position]:
        """Return the positions of a symbol: one, or long and short in hedge mode."""
        return [position for position in self.positions.values() if position.symbol == symbol]

    def balances(self) -> dict[str, float]:
        """Return what is held by currency: cash, and the base currency of spot positions."""
        found: dict[str, float] = {}
        for wallet in self.wallets:
            found[wallet.currency] = found.get(wallet.currency, 0.0) + wallet.cash
        for position in self.positions.values():
            instrument = position.market.instrument
            if instrument.kind is InstrumentKind.SPOT and position.lots:
                base = instrument.base or instrument.symbol
                found[base] = found.get(base, 0.0) + position.quantity
        return found

    def book(self, fill: Fill) -> float:
        """Apply a fill and return the profit it realized, before fees, in quote currency."""
        position = self.positions[fill.position_id or fill.symbol]
        lots, quantity = fill.side * fill.lots, fill.side * fill.quantity
        entry, realized = apply_fill(
            position.lots, position.quantity, position.entry_price, lots, quantity, fill.price
        )
        before = position.lots
        position.lots = after = before + lots
        # Units come from the integer lots, never from adding floats, so that flat is exactly zero.
        position.quantity = position.market.instrument.units(after)
        position.entry_price = entry
        position.realized += realized
        position.fees += fill.fee
        if after and (before == 0 or (before > 0) != (after > 0)):
            position.opened = fill.time
        position.wallet.cash -= quantity * fill.price + fill.fee
        self.fees += fill.fee
        return realized


def _position_ids(instrument: Instrument) -> tuple[str, ...]:
    if instrument.position_mode is PositionMode.HEDGE:
        return f"{instrument.symbol}|long", f"{instrument.symbol}|short"
    return (instrument.symbol,)
