"""One user: a desk for each product, and the dead man's switch of each."""

from __future__ import annotations

from collections.abc import Mapping

from hookline.clock import Clock, EventClock
from hookline_lmex.emulator.desk import Desk
from hookline_lmex.emulator.market_state import MarketState
from hookline_lmex.emulator.records import ExchangeListener, OrderRecord, Truth
from hookline_lmex.emulator.terms import AccountSetup, ExchangeOptions, Product
from hookline_lmex.emulator.wire_numbers import Ids

__all__ = ["Account"]


class Account:
    """A user of the exchange.

    Attributes:
        setup: Name, key, permissions and what it began with.
        desks: Orders, positions and money by product.
    """

    def __init__(
        self,
        setup: AccountSetup,
        states: Mapping[str, MarketState],
        options: ExchangeOptions,
        time: EventClock,
        clock: Clock,
        ids: Ids,
        hear: ExchangeListener,
    ) -> None:
        self.setup = setup
        self.desks = {
            product: Desk(
                setup,
                product,
                {symbol: one for symbol, one in states.items() if one.product is product},
                options,
                time,
                clock,
                ids,
                hear,
            )
            for product in Product
        }
        self._switches: dict[Product, int] = {}

    # -- the dead man's switch ---------------------------------------------------------------------------------------------

    def set_switch(self, product: Product, due: int | None) -> None:
        """Cancel everything of a product at a time (nanoseconds UTC) unless called again before; None switches it off."""
        if due is None:
            self._switches.pop(product, None)
        else:
            self._switches[product] = due

    def switch_due(self, product: Product) -> int | None:
        """Return when everything of a product will be canceled, None if it will not."""
        return self._switches.get(product)

    def due_switches(self, until: int) -> list[Product]:
        """Return the products whose switch has run out by a time, and forget those switches."""
        due = [product for product, time in self._switches.items() if time <= until]
        for product in due:
            del self._switches[product]
        return due

    # -- orders --------------------------------------------------------------------------------------------------------------

    def cancel(self, record: OrderRecord, reason: str = "") -> None:
        """Cancel an open order; the exchange has stamped the time."""
        desk = self.desks[record.product]
        record.is_withdrawn = True
        if desk.is_deferred(record):
            desk.drop_deferred(record, reason)
        else:
            desk.broker.cancel(record.order, reason)

    def cancel_symbol(self, product: Product, symbol: str, reason: str = "") -> list[OrderRecord]:
        """Cancel every open order of a market and return those."""
        found = self.desks[product].open_records(symbol)
        for record in found:
            if record.is_open:
                self.cancel(record, reason)
        return found

    # -- truth ---------------------------------------------------------------------------------------------------------------

    def truth(self) -> Truth:
        """Return what is so of this account."""
        desks = self.desks.values()
        orders = sorted(
            (record for desk in desks for record in desk.records.values()), key=lambda one: one.request_id
        )
        fills = sorted((fill for desk in desks for fill in desk.fills), key=lambda one: one.serial_id)
        futures, spot = self.desks[Product.FUTURES], self.desks[Product.SPOT]
        positions = {position.id: position.lots for position in futures.each_position()}
        balances: dict[tuple[Product, str], float] = {}
        for desk in (spot, futures):
            for currency, amount in desk.balances().items():
                balances[desk.product, currency] = amount
        return Truth(
            tuple(one for one in orders if one.is_open), tuple(orders), tuple(fills), positions, balances
        )
