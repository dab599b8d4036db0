"""Positions and cash of one strategy.

One ledger belongs to one strategy; the account is the sum of the ledgers. Cash here is the sum of all cash flows: buying
takes the whole notional from it, for perpetuals too. Equity is the same as with margin accounting
(cash + quantity * price), and conservation is one line: ``cash = start - sum(signed notional) - fees``.
"""

from __future__ import annotations

from collections.abc import Iterable

from hookline.model.fill import Fill
from hookline.model.instrument import Instrument

__all__ = ["Ledger", "Market", "Position", "apply_fill"]


class Market:
    """What is known now of one instrument: the last price and when it was seen."""

    __slots__ = ("instrument", "last", "time")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.last = float("nan")
        self.time = 0


class Position:
    """Holding of one instrument by one strategy. ``lots`` and ``quantity`` are negative for a short.

    ``pending`` is the signed number of lots in market orders on their way: what the position is about to become.
    """

    __slots__ = ("entry_price", "fees", "lots", "market", "opened", "pending", "quantity", "realized")

    def __init__(self, market: Market) -> None:
        self.market = market
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
    """Cash and positions of one strategy."""

    __slots__ = ("cash", "fees", "funding", "positions", "start_cash", "strategy")

    def __init__(self, strategy: str, cash: float, markets: Iterable[Market]) -> None:
        self.strategy = strategy
        self.start_cash = cash
        self.cash = cash
        self.fees = 0.0
        self.funding = 0.0
        self.positions = {market.instrument.symbol: Position(market) for market in markets}

    @property
    def equity(self) -> float:
        """Cash plus the value of all positions at the last prices."""
        total = self.cash
        for position in self.positions.values():
            if position.lots:
                total += position.quantity * position.market.last
        return total

    @property
    def gross_notional(self) -> float:
        """Sum of the positions' values without their signs."""
        return sum(abs(position.notional) for position in self.positions.values())

    def book(self, fill: Fill) -> float:
        """Apply a fill and return the profit it realized, before fees."""
        position = self.positions[fill.symbol]
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
        self.cash -= quantity * fill.price + fill.fee
        self.fees += fill.fee
        return realized
