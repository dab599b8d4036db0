"""What a strategy may see of the world and of itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from hookline.clock import from_ns
from hookline.errors import OrderError
from hookline.model import Instrument, Market, Order, OrderBook, Position, PositionMode

if TYPE_CHECKING:
    from hookline.kernel.kernel import Kernel

__all__ = ["Outlook"]


class Outlook:
    """What is known to one strategy. Quantities are base units, prices quote currency per base unit."""

    def __init__(self, kernel: Kernel, id_: str, symbols: tuple[str, ...]) -> None:
        self.id = id_
        self.symbols = symbols
        self._kernel = kernel
        self._ledger = kernel.ledgers[id_]
        self._positions = self._ledger.positions

    @property
    def now(self) -> datetime:
        """The time of the event, UTC."""
        return from_ns(self._kernel.clock.now)

    @property
    def symbol(self) -> str:
        """The instrument, for strategies that trade one.

        Raises:
            OrderError: if the strategy trades several.
        """
        if len(self.symbols) != 1:
            raise OrderError(f"ctx.symbol: needs exactly one instrument, was {', '.join(self.symbols)}")
        return self.symbols[0]

    @property
    def cash(self) -> float:
        """Cash after all cash flows: buying takes the whole notional."""
        return self._ledger.cash

    @property
    def equity(self) -> float:
        """Cash plus the value of the positions at the last prices."""
        return self._ledger.equity

    @property
    def spendable(self) -> float:
        """Equity less the taker fee of spending all of it: what sizing starts from."""
        return self._ledger.equity / self._fee_room

    @property
    def _fee_room(self) -> float:
        # Asked for each time: a broker at a venue learns its fee only once it has connected.
        return 1.0 + self._kernel.broker.taker_fee

    @property
    def fee_rate(self) -> float:
        """Taker fee as a fraction of notional."""
        return self._kernel.fee_rate

    def position(self, symbol: str, side: str = "") -> Position:
        """Return the live position of this strategy; ``quantity`` is negative for a short.

        Args:
            symbol: One of the session's instruments.
            side: ``long`` or ``short`` for an instrument in hedge mode, which has both; empty otherwise.
        """
        try:
            return self._positions[f"{symbol}|{side}" if side else symbol]
        except KeyError:
            raise self._no_position(symbol, side) from None

    def _no_position(self, symbol: str, side: str) -> OrderError:
        market = self._kernel.markets.get(symbol)
        if market is None:
            return OrderError(f"ctx.position: must be one of {', '.join(self.symbols)}, was {symbol!r}")
        mode = market.instrument.position_mode
        rule = "side must be 'long' or 'short'" if mode is PositionMode.HEDGE else "takes no side"
        return OrderError(f"ctx.position: {symbol} is in {mode} mode: {rule}, was {side!r}")

    def balances(self) -> dict[str, float]:
        """Return what the strategy holds by currency: cash, and the base currency of spot."""
        return self._ledger.balances()

    def instrument(self, symbol: str) -> Instrument:
        """Return the steps, limits and kind of an instrument."""
        return self._market(symbol).instrument

    def last(self, symbol: str) -> float:
        """Return the last price: of a trade, else the mid of quotes, else a bar's close; NaN before the first."""
        return self._market(symbol).last

    def bid(self, symbol: str) -> float:
        """Return the best bid, NaN where neither quotes nor books are followed."""
        return self._market(symbol).bid

    def ask(self, symbol: str) -> float:
        """Return the best ask, NaN where neither quotes nor books are followed."""
        return self._market(symbol).ask

    def mark(self, symbol: str) -> float:
        """Return the mark price, NaN where none is known."""
        return self._market(symbol).mark

    def funding_rate(self, symbol: str) -> float:
        """Return the rate of the last funding time, NaN before the first."""
        return self._market(symbol).funding_rate

    def liquidation_price(
        self, symbol: str, quantity: float | None = None, *, price: float | None = None
    ) -> float:
        """Return the price at which a position is liquidated while all other prices stay; NaN for nowhere, or unknown.

        Args:
            symbol: One of the session's instruments, not in hedge mode.
            quantity: Signed base units of a position to be opened; left out: of the position that is held.
            price: Entry price of the position to be opened; left out: the last price.
        """
        if quantity is None:
            return self._kernel.broker.liquidation_price(self.position(symbol))
        from hookline.simulation.margin import estimate_liquidation

        broker, market = self._kernel.broker, self._market(symbol)
        return estimate_liquidation(
            market.instrument,
            1 if quantity > 0 else -1,
            abs(quantity),
            market.last if price is None else price,
            self.equity,
            leverage=broker.leverage,
            fee_rate=broker.taker_fee,
        )

    def book(self, symbol: str) -> OrderBook:
        """Return the live order book of an instrument.

        Raises:
            OrderError: if none is followed; a strategy follows books by overriding ``on_book``.
        """
        book = self._market(symbol).book
        if book is None:
            raise OrderError(
                f"ctx.book: no book of {symbol} is followed yet; override on_book, or name 'book' in market_data"
            )
        return book

    def _market(self, symbol: str) -> Market:
        try:
            return self._kernel.markets[symbol]
        except KeyError:
            raise OrderError(
                f"{symbol!r}: the session has no such symbol, it has {', '.join(self._kernel.markets)}"
            ) from None

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the open orders of this strategy, oldest first."""
        return self._kernel.open_orders(self.id, symbol)

    @property
    def positions(self) -> Mapping[str, Position]:
        """All positions of this strategy by symbol."""
        return self._positions
