"""Those who listen to the exchange, told one after the other."""

from __future__ import annotations

from hookline.model import BookUpdate, Quote, Trade
from hookline_lmex.emulator.records import ExchangeListener, FillNotice, OrderNotice, PositionNotice

__all__ = ["Listeners"]


class Listeners:
    """Passes on what happens to everybody who listens, in the order in which they came."""

    def __init__(self) -> None:
        self._all: list[ExchangeListener] = []

    def add(self, listener: ExchangeListener) -> None:
        """Tell somebody from now on."""
        self._all.append(listener)

    def trade(self, symbol: str, trade: Trade, trade_id: int) -> None:
        """Pass on a public trade."""
        for one in self._all:
            one.trade(symbol, trade, trade_id)

    def book(self, symbol: str, update: BookUpdate) -> None:
        """Pass on a change of the book."""
        for one in self._all:
            one.book(symbol, update)

    def quote(self, symbol: str, quote: Quote) -> None:
        """Pass on a quote."""
        for one in self._all:
            one.quote(symbol, quote)

    def order(self, account: str, notice: OrderNotice) -> None:
        """Pass on one step of an order."""
        for one in self._all:
            one.order(account, notice)

    def fill(self, account: str, notice: FillNotice) -> None:
        """Pass on an execution."""
        for one in self._all:
            one.fill(account, notice)

    def position(self, account: str, notice: PositionNotice) -> None:
        """Pass on a changed position."""
        for one in self._all:
            one.position(account, notice)
