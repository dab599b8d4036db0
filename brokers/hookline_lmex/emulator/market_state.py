"""What everybody can see of one market: prices, book, trades, candles, funding."""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np

from hookline.model import Bar, BookUpdate, OrderBook, Quote, Side, Trade
from hookline_lmex.emulator.candles import Candles
from hookline_lmex.emulator.terms import MarketSetup, Product

__all__ = ["MarketState", "PublicTrade"]

_KEPT_TRADES = 20_000
_DAY = 86_400 * 10**9
_NEVER = 2**63 - 1


class PublicTrade(NamedTuple):
    """A trade with the id that it has on the wire."""

    trade: Trade
    trade_id: int


class MarketState:
    """The public side of one market.

    Attributes:
        last: Last price, NaN before the first.
        mark: Mark price, NaN where none is known.
        book: What can be taken; of a market with bars only, one level a side around the last close.
        trades: The last ones, oldest first.
        funding_rate: Of the interval that runs, as far as it is known, else of the last one.
        handled: End of the last bar, or time of the last event of the tape, nanoseconds UTC.
    """

    def __init__(self, setup: MarketSetup) -> None:
        self.setup = setup
        self.symbol = setup.symbol
        self.product = setup.product
        self.candles = Candles(setup.history)
        self.trades: deque[PublicTrade] = deque(maxlen=_KEPT_TRADES)
        self.book = OrderBook(setup.symbol)
        self.mark = math.nan
        self.funding_rate = 0.0
        self.told_rates: list[tuple[int, float]] = []
        self.is_listed = setup.is_listed
        self.has_trades = False
        self.handled = self.candles.last_end
        before = self.candles.last
        self.last = math.nan if before is None else before.close
        self._mark_ends = None if setup.marks is None else setup.marks.end
        self._funding = [] if setup.funding is None else self._schedule()

    def _schedule(self) -> list[tuple[int, float]]:
        funding = self.setup.funding
        assert funding is not None, "only asked for where there is one"
        rows = zip(funding.time.tolist(), funding.value.tolist(), strict=True)
        return [(time, rate) for time, rate in rows if not math.isnan(rate)][::-1]

    @property
    def is_on_tape(self) -> bool:
        """Whether orders are matched against a tape."""
        return bool(self.setup.tape)

    @property
    def is_futures(self) -> bool:
        """Whether it is counted in contracts."""
        return self.product is Product.FUTURES

    @property
    def fair(self) -> float:
        """The mark price where there is one, else the last."""
        return self.last if math.isnan(self.mark) else self.mark

    # -- funding and marks -----------------------------------------------------------------------------------------------

    @property
    def funding_due(self) -> int:
        """When funding is paid next as far as the rates are known, nanoseconds UTC."""
        return self._funding[-1][0] if self._funding else _NEVER

    def pop_funding(self) -> tuple[int, float]:
        """Return time and rate of the next payment."""
        time, rate = self._funding.pop()
        self.funding_rate = self._funding[-1][1] if self._funding else rate
        return time, rate

    def skip_funding(self, before: int) -> None:
        """Drop the payments of earlier times."""
        while self.funding_due < before:
            self.pop_funding()
        if self._funding:
            self.funding_rate = self._funding[-1][1]

    def funding_times(self, since: int, until: int) -> list[tuple[int, float]]:
        """Return time and rate of payments in ``[since, until]``, as far as the setup knows them, newest first."""
        funding = self.setup.funding
        if funding is None:
            return []
        first, last = np.searchsorted(funding.time, (since, until + 1))
        rows = zip(
            funding.time[first:last].tolist(),
            funding.value[first:last].tolist(),
            strict=True,
        )
        return [(time, rate) for time, rate in rows if not math.isnan(rate)][::-1]

    def paid_between(self, since: int, until: int) -> list[tuple[int, float]]:
        """Return time and rate of what was paid in ``[since, until]``, newest first."""
        told = [(time, rate) for time, rate in reversed(self.told_rates) if since <= time <= until]
        return sorted({*told, *self.funding_times(since, until)}, reverse=True)

    def next_funding(self, now: int) -> int:
        """Return when funding is paid next by the clock: at whole intervals of the day, nanoseconds UTC."""
        step = self.setup.funding_interval_minutes * 60 * 10**9
        return now // step * step + step

    def note_mark(self, time: int) -> None:
        """Let the mark be the last one known at a time."""
        if self._mark_ends is not None and self.setup.marks is not None:
            index = int(self._mark_ends.searchsorted(time, "right")) - 1
            if index >= 0:
                self.mark = float(self.setup.marks.close[index])

    # -- events ----------------------------------------------------------------------------------------------------------

    def note_bar(self, bar: Bar) -> tuple[BookUpdate, Trade]:
        """Take in a bar that has closed; return the book and the trade that stand for it where there is no tape."""
        self.candles.add(bar)
        self.handled = bar.end
        self.last = bar.close
        update = self.shown_around(bar.close, bar.end)
        self.book.apply(update)
        quantity = bar.volume or float(self.setup.instrument.lot_size)
        return update, Trade(bar.symbol, bar.end, bar.end, bar.close, quantity, _side(bar))

    def shown_around(self, price: float, time: int) -> BookUpdate:
        """Return a book of one level a side, one tick wide, for a market that has no tape."""
        instrument = self.setup.instrument
        bid = instrument.on_grid(price, -1)
        ask = instrument.on_grid(bid + float(instrument.tick_size))
        quantity = instrument.units(max(1, instrument.lots(1e6 / price)))
        return BookUpdate(self.symbol, time, time, True, [1, -1], [bid, ask], [quantity, quantity])

    def note_trade(self, trade: Trade) -> None:
        """Take in a trade of the tape."""
        self.handled = max(self.handled, trade.time)
        self.last, self.has_trades = trade.price, True
        self.candles.add_trade(trade.venue_time, trade.price, trade.quantity)

    def note_book(self, event: BookUpdate | Quote) -> None:
        """Take in a change of the book."""
        self.handled = max(self.handled, event.time)
        if isinstance(event, Quote):
            self.book.apply_quote(event)
        else:
            self.book.apply(event)
        if not self.has_trades and self.book.is_usable:
            self.last = self.book.mid

    # -- what is asked for -------------------------------------------------------------------------------------------------

    def levels(self, side: Side, depth: int) -> list[tuple[float, float]]:
        """Return price and quantity (base units) of the best levels of a side, best first."""
        if not self.is_on_tape and not self.book.time and not math.isnan(self.last):
            self.book.apply(self.shown_around(self.last, self.handled))
        return self.book.bids(depth) if side > 0 else self.book.asks(depth)

    def day(self, now: int) -> tuple[float, float, float, float, float]:
        """Return first price, high, low, turnover in quote and volume in base units of the last 24 hours."""
        rows = self.candles.between(now - _DAY, now)
        if not rows:
            return self.last, self.last, self.last, 0.0, 0.0
        high, low = max(row.high for row in rows), min(row.low for row in rows)
        return rows[0].open, high, low, sum(row.turnover for row in rows), sum(row.volume for row in rows)


def _side(bar: Bar) -> Side:
    return Side.BUY if bar.close >= bar.open else Side.SELL
