"""What a fill costs in quote currency, whatever it was paid in.

- A fee in the quote currency is what it is, and so is one of which no currency is told.
- A fee in the base currency, as on buys of spot, is valued at the fill's price. The venue then holds a little less than was bought. So
  that nothing is believed to be held that is not, whole lots are sold here, without the venue, at that price and without a fee, tagged
  ``fee in BTC``: after each fill as many as it takes for *lots sold so* times the lot size to be at least the sum of the fees. What the
  venue holds beyond that is below one lot for each strategy and symbol, and carried into the next fee. The value of the ledger does not
  change by it: the fee was taken from cash at the same price.
- A fee in any other currency is reckoned from the venue's rates, with a warning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

from hookline.broker import BrokerListener
from hookline.model import Instrument, InstrumentKind, Order, OrderType, Side
from hookline_lmex.broker_news import FillNews

__all__ = ["BaseFees", "Rates", "fee_in_quote"]


class Rates:
    """Fees of the session's markets as fractions of notional.

    Args:
        assumed: What taking costs, as long as the venue has not said.
    """

    def __init__(self, assumed: float) -> None:
        self._assumed = assumed
        self._known: dict[str, tuple[float, float]] = {}

    @property
    def taker(self) -> float:
        """The highest fee for taking."""
        return max((taker for _, taker in self._known.values()), default=self._assumed)

    def learn(self, symbol: str, maker: float, taker: float) -> None:
        """Learn what the venue says of a market."""
        self._known[symbol] = (maker, taker)

    def of(self, symbol: str, *, is_maker: bool) -> float:
        """Return the fee of a market."""
        maker, taker = self._known.get(symbol, (self._assumed, self._assumed))
        return maker if is_maker else taker

    def is_maker(self, symbol: str, notional: Decimal, fee: Decimal, price: Decimal) -> bool:
        """Return which of the two fees a trade has paid, where its record does not say; ``fee`` may be in base currency."""
        maker, taker = self._known.get(symbol, (0.0, 0.0))
        if not notional or maker == taker:
            return False
        paid = (float(fee / notional), float(fee * price / notional))
        return min(abs(rate - maker) for rate in paid) < min(abs(rate - taker) for rate in paid)


def fee_in_quote(instrument: Instrument, news: FillNews, rates: Rates, warn: Callable[[str], None]) -> float:
    """Return what a fill costs in quote currency, below zero for a rebate."""
    currency = news.fee_currency
    if currency in ("", instrument.quote) or not news.fee:
        return float(news.fee)
    if instrument.kind is InstrumentKind.SPOT and currency == instrument.base:
        return float(news.fee * news.price)
    warn(f"{instrument.symbol}: a fee was paid in {currency}; its worth is reckoned from the venue's rates")
    counted = instrument.lot_size if instrument.kind is InstrumentKind.SPOT else instrument.contract_size
    units = news.size if instrument.kind is InstrumentKind.SPOT else news.size * (counted or Decimal(1))
    return float(units * news.price) * rates.of(instrument.symbol, is_maker=news.is_maker)


class BaseFees:
    """Fees that were paid in what was bought.

    Args:
        listener: Who hears of the lots that went.
    """

    def __init__(self, listener: BrokerListener) -> None:
        self._listener = listener
        self._ahead: dict[tuple[str, str], Decimal] = {}

    def booked(self, order: Order, news: FillNews) -> None:
        """Sell here what a fill that was just booked has cost in base currency."""
        instrument = order.instrument
        if (
            instrument.kind is not InstrumentKind.SPOT
            or news.fee_currency != instrument.base
            or news.fee <= 0
        ):
            return
        key = (order.strategy, order.symbol)
        missing = news.fee - self._ahead.get(key, Decimal(0))
        lots = max(0, math.ceil((missing / instrument.lot_size).to_integral_value(ROUND_CEILING)))
        self._ahead[key] = lots * instrument.lot_size - missing
        if not lots:
            return
        gone = Order(
            0, order.strategy, instrument, Side.SELL, OrderType.MARKET, lots, news.time, tag=f"fee in {instrument.base}"
        )  # fmt: skip
        self._listener.order_adopted(gone)
        self._listener.order_filled(gone, lots, float(news.price), 0.0, False, news.time)

    def save(self) -> list[list[str]]:
        """Return what must survive a restart, as values that JSON can hold."""
        return [[strategy, symbol, str(ahead)] for (strategy, symbol), ahead in self._ahead.items() if ahead]

    def restore(self, saved: Sequence[Sequence[str]], instruments: Mapping[str, Instrument]) -> None:
        """Take over what ``save`` returned."""
        self._ahead = {
            (strategy, symbol): Decimal(ahead) for strategy, symbol, ahead in saved if symbol in instruments
        }
