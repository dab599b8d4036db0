"""News of orders that are not followed: the venue's own, those that were given up, and those of others."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping

from hookline.broker import BrokerListener
from hookline.model import Instrument, InstrumentKind, Ledger, Order, OrderType, Position
from hookline_lmex.broker_news import FillNews, OrderNews
from hookline_lmex.broker_orders import Book
from hookline_lmex.codes import OrderCode
from hookline_lmex.wire_orders import lots_of, number_of

__all__ = ["Strangers"]

_OWN_DOING = {
    OrderCode.FROM_LIQUIDATION: "liquidation",
    OrderCode.FROM_DELEVERAGING: "auto-deleveraging",
}
_KEPT = 1000
_logger = logging.getLogger("hookline.lmex")


class Strangers:
    """Adopts what the venue does with our positions, and cancels what should not be open.

    Args:
        listener: Who hears of adopted orders.
        book: The orders that are followed.
        instruments: Of the session.
        ledgers: By strategy; never changed here.
        fee: Returns the fee of a fill in quote currency.
        cancel: Cancels an order at the venue by its symbol and the venue's id.
    """

    def __init__(
        self,
        listener: BrokerListener,
        book: Book,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        fee: Callable[[Instrument, FillNews], float],
        cancel: Callable[[str, str], None],
    ) -> None:
        self._listener = listener
        self._book = book
        self._instruments = instruments
        self._ledgers = ledgers
        self._fee = fee
        self._cancel = cancel
        self._doings: OrderedDict[str, str] = OrderedDict()
        self._waiting: OrderedDict[str, list[FillNews]] = OrderedDict()
        self.adopted: OrderedDict[str, int] = OrderedDict()
        """Ids of adopted fills, with their times."""

    def state(self, news: OrderNews) -> None:
        """Hear of an order."""
        what = _OWN_DOING.get(news.code)
        if what is not None:
            self._doings[news.order_id] = what
            _bound(self._doings)
            for fill in self._waiting.pop(news.order_id, []):
                self._adopt(fill, what)
        elif news.code.is_open and number_of(self._book.tag, news.client_order_id):
            self.cancel(news)

    def cancel(self, news: OrderNews) -> None:
        """Cancel an order of ours that ended here and is open at the venue."""
        self._listener.warn(f"{news.client_order_id} had ended here and was open at the venue: canceled")
        _logger.warning("%s had ended here and is open at the venue: canceling it", news.client_order_id)
        self._cancel(news.symbol, news.order_id)

    def fill(self, news: FillNews, known_until: int) -> None:
        """Hear of a fill; those of orders that may turn out to be the venue's own are kept for a while."""
        if news.symbol not in self._instruments or news.trade_id in self.adopted:
            return
        what = self._doings.get(news.order_id)
        if what is not None:
            self._adopt(news, what)
        elif number_of(self._book.tag, news.client_order_id):
            if news.time > known_until:
                self._listener.warn(
                    f"{news.client_order_id} had ended here long ago and was filled at the venue: left to reconciliation"
                )
        else:
            fills = self._waiting.setdefault(news.order_id, [])
            if news not in fills:
                fills.append(news)
            _bound(self._waiting)

    def late(self, order: Order, news: FillNews, lots: int) -> None:
        """Adopt a fill of an order that has ended here."""
        self._listener.warn(f"{order.client_order_id} had ended here and was filled at the venue: adopted")
        tag = f"late fill of {order.client_order_id}"
        self._book_as(order.strategy, order.position_id, news, lots, tag, self._fee(order.instrument, news))

    def _adopt(self, news: FillNews, what: str) -> None:
        """Book a fill that the venue made of our positions, for those who hold them."""
        if news.trade_id in self.adopted:
            return
        self.adopted[news.trade_id] = news.time
        _bound(self.adopted)
        instrument = self._instruments[news.symbol]
        left = total = lots_of(instrument, news.size)
        fee = self._fee(instrument, news)
        for strategy, position in self._reduced(news):
            part = min(left, abs(position.lots))
            if part:
                left -= part
                id_ = position.id if position.id != news.symbol else ""
                self._book_as(strategy, id_, news, part, what, fee * part / total)
        if left:
            self._listener.warn(f"{news.symbol}: a {what} of more than is held here: left to reconciliation")

    def _reduced(self, news: FillNews) -> list[tuple[str, Position]]:
        return [
            (strategy, position)
            for strategy, ledger in self._ledgers.items()
            for position in ledger.held(news.symbol)
            if position.lots * news.side < 0
        ]

    def _book_as(
        self, strategy: str, position_id: str, news: FillNews, lots: int, tag: str, fee: float
    ) -> None:
        instrument = self._instruments[news.symbol]
        order = Order(
            0,
            strategy,
            instrument,
            news.side,
            OrderType.MARKET,
            lots,
            news.time,
            reduce_only=instrument.kind is not InstrumentKind.SPOT and not tag.startswith("late"),
            tag=tag,
            position_id=position_id,
        )
        self._listener.order_adopted(order)
        self._listener.order_filled(order, lots, float(news.price), fee, news.is_maker, news.time)
        _logger.warning("%s: %s: %s %d lots at %s", news.symbol, tag, news.side.name, lots, news.price)


def _bound(memory: OrderedDict[str, object] | OrderedDict[str, str] | OrderedDict[str, int] | OrderedDict[str, list[FillNews]]) -> None:  # fmt: skip
    while len(memory) > _KEPT:
        memory.popitem(last=False)
