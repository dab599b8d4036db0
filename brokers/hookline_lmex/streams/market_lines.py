"""The public sockets: one with books and quotes, one with trades. Each turns what comes into events of our model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from hookline.model import BookUpdate, Instrument, Quote, Side, Trade
from hookline_lmex.streams.book_keeper import BookKeeper, base_units
from hookline_lmex.streams.connection import Socket
from hookline_lmex.streams.stamp import Stamp
from hookline_lmex.streams.subscribing import Topic
from hookline_lmex.streams.symbols import known_names
from hookline_lmex.streams.times import SocketTimes
from hookline_lmex.streams.trade_sieve import TradeSieve
from hookline_lmex.streams.wire import BookData, Level, TradeData, decode_book, decode_trades

__all__ = ["BookLine", "Line", "TradeLine", "book_topic", "quote_topic", "trade_topic"]

Put = Callable[[Quote | Trade | BookUpdate], None]

_BOOK = "update:"
_QUOTE = "snapshotL1:"
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}


def book_topic(symbol: str) -> str:
    """Return the topic of a book at the market's own tick."""
    return f"{_BOOK}{symbol}_0"


def quote_topic(symbol: str, *, is_futures: bool) -> Topic:
    """Return the topic of best bid and ask."""
    plain = f"{_QUOTE}{symbol}"
    return (f"{plain}_0", plain) if is_futures else (plain, f"{plain}_0")


def trade_topic(symbol: str, *, is_futures: bool) -> Topic:
    """Return the topic of public trades, in the spellings that a market may have."""
    versions = ("tradeHistoryApiV3", "tradeHistoryApiV2", "tradeHistoryApi")
    return tuple(f"{name}:{symbol}" for name in (versions if is_futures else versions[-1:]))


def _symbol_in(topic: str) -> str:
    """Return the symbol of a topic, which may have a group behind it or not."""
    name = topic.partition(":")[2]
    symbol, _, group = name.rpartition("_")
    return symbol if group.isdigit() else name


class Line:
    """One public socket and what it hears.

    Args:
        socket: Makes the socket, given what to do with its messages.
        stamp: Gives events their times.
        put: Given each event.
        times: Intervals.
    """

    def __init__(
        self,
        socket: Callable[[Callable[[str, msgspec.Raw], None]], Socket],
        stamp: Stamp,
        put: Put,
        times: SocketTimes,
    ) -> None:
        self.unknown = 0
        self._stamp = stamp
        self._put = put
        self._times = times
        self.socket = socket(self._take)

    def up(self) -> None:
        """Learn that the socket is up."""

    def down(self, reason: str) -> None:
        """Learn that the socket is lost."""

    def unread(self, text: str) -> None:
        """Learn of a message that could not be read."""

    def tend(self) -> None:
        """Look after what has waited too long; called several times a second."""

    def _take(self, topic: str, data: msgspec.Raw) -> None:
        try:
            self._read(topic, data)
        except (msgspec.DecodeError, _UnusableError) as error:
            self.socket.malformed(f"{topic}: {error}: {bytes(data).decode('utf-8', 'replace')}")

    def _read(self, topic: str, data: msgspec.Raw) -> None:
        raise NotImplementedError


class _UnusableError(Exception):
    """A message that can be read, but says something that cannot be."""


@dataclass
class _Pace:
    """When a book may be asked for again."""

    pause: float = 0.0
    next_at: float = -math.inf
    awaited_until: float = -math.inf
    asked: int = 0

    def allows(self, now: float, *, is_awaited: bool) -> bool:
        """Return whether it may be asked for now; ``is_awaited`` where a snapshot should be on its way."""
        return now >= self.next_at and not (is_awaited and now < self.awaited_until)

    def ask(self, now: float, times: SocketTimes) -> None:
        """Note that it is asked for; the next time is later each time, unless all was well for a while."""
        was_well = now - self.next_at > 2.0 * times.resync_most_seconds
        self.pause = (
            times.resync_seconds
            if was_well or not self.pause
            else min(2.0 * self.pause, times.resync_most_seconds)
        )
        self.next_at = now + self.pause
        self.asked += 1


class BookLine(Line):
    """The socket of books and quotes of one product.

    Args:
        books: Instruments whose book is followed.
        quotes: Instruments whose best bid and ask are followed.
        socket: As in ``Line``.
        stamp: As in ``Line``.
        put: As in ``Line``.
        times: As in ``Line``.
    """

    def __init__(
        self,
        books: Iterable[Instrument],
        quotes: Iterable[Instrument],
        socket: Callable[[Callable[[str, msgspec.Raw], None]], Socket],
        stamp: Stamp,
        put: Put,
        times: SocketTimes,
    ) -> None:
        self.keepers = {each.symbol: BookKeeper(each.symbol, each.contract_size) for each in books}
        self.crossed_quotes = self.old_quotes = 0
        self._paces = {symbol: _Pace() for symbol in self.keepers}
        self._units = {each.symbol: base_units(each.contract_size) for each in quotes}
        self._names = known_names([*self.keepers, *self._units])
        self._quoted: dict[str, int] = {}
        super().__init__(socket, stamp, put, times)

    @property
    def resyncs(self) -> int:
        """How often a fresh snapshot was asked for on a connection that was up."""
        return sum(pace.asked for pace in self._paces.values())

    def up(self) -> None:
        """Wait for the snapshots that subscriptions begin with."""
        now = asyncio.get_running_loop().time()
        for pace in self._paces.values():
            pace.awaited_until = now + self._times.resync_seconds

    def down(self, reason: str) -> None:
        """Trust no book."""
        self._quoted.clear()
        for keeper in self.keepers.values():
            keeper.lose(reason)

    def tend(self) -> None:
        """Ask for the snapshots that are due."""
        if self.socket.is_up:
            for symbol, keeper in self.keepers.items():
                if keeper.is_stale:
                    self._resync(symbol, keeper)

    def _resync(self, symbol: str, keeper: BookKeeper) -> None:
        """Ask for a snapshot, unless one was asked for a moment ago."""
        now, pace = asyncio.get_running_loop().time(), self._paces[symbol]
        topic = book_topic(symbol)
        if not self.socket.is_up or topic not in self.socket.topics.accepted:
            return
        if not pace.allows(now, is_awaited=not keeper.needs_snapshot):
            return
        pace.ask(now, self._times)
        keeper.lose(keeper.reason)
        self.socket.resubscribe([topic])

    def unread(self, text: str) -> None:
        """Make the book stale that the message was about; all of them where it does not say."""
        if _QUOTE in text:
            return
        named = [symbol for symbol in self.keepers if book_topic(symbol) in text]
        for symbol in named or self.keepers:
            self.keepers[symbol].spoil("a message could not be read")
            self._resync(symbol, self.keepers[symbol])

    def _read(self, topic: str, data: msgspec.Raw) -> None:
        message = decode_book(data)
        symbol = self._names.get(message.symbol or _symbol_in(topic))
        if topic.startswith(_BOOK) and symbol in self.keepers:
            self._read_book(symbol, message)
        elif not topic.startswith(_BOOK) and symbol in self._units:
            self._read_quote(symbol, message)
        else:
            self.unknown += 1

    def _read_book(self, symbol: str, message: BookData) -> None:
        keeper = self.keepers[symbol]
        try:
            update = keeper.take(message, *self._stamp.of(message.timestamp))
        except ValueError as error:
            raise _UnusableError(str(error)) from None
        if update is not None:
            self._put(update)
        elif keeper.needs_snapshot:
            self._resync(symbol, keeper)

    def _read_quote(self, symbol: str, message: BookData) -> None:
        time, venue_time = self._stamp.of(message.timestamp)
        if venue_time < self._quoted.get(symbol, 0):
            self.old_quotes += 1
            return
        try:
            units = self._units[symbol]
            bid, bid_quantity = _best(message.bids, units, max)
            ask, ask_quantity = _best(message.asks, units, min)
        except ValueError as error:
            raise _UnusableError(str(error)) from None
        if bid >= ask:
            self.crossed_quotes += 1
            return
        self._quoted[symbol] = venue_time
        self._put(Quote(symbol, time, venue_time, bid, bid_quantity, ask, ask_quantity))


def _best(
    levels: list[Level],
    units: Callable[[str | float], float],
    best: Callable[[list[tuple[float, float]]], tuple[float, float]],
) -> tuple[float, float]:
    """Return price and quantity of the best level, NaN and 0 of an empty side."""
    side = [(float(price), units(size)) for price, size in levels]
    side = [(price, quantity) for price, quantity in side if quantity]
    if not side:
        return math.nan, 0.0
    price, quantity = best(side)
    if not (math.isfinite(price) and 0.0 < quantity < math.inf):
        raise ValueError(f"a level must be finite, was {price} x {quantity}")
    return price, quantity


class TradeLine(Line):
    """The socket of public trades of one product.

    Args:
        instruments: Whose trades are followed.
        socket: As in ``Line``.
        stamp: As in ``Line``.
        put: As in ``Line``.
        times: As in ``Line``.
        now: The venue's time as it is known here, nanoseconds.
        clock_speed: Venue seconds in one second here.
    """

    def __init__(
        self,
        instruments: Iterable[Instrument],
        socket: Callable[[Callable[[str, msgspec.Raw], None]], Socket],
        stamp: Stamp,
        put: Put,
        times: SocketTimes,
        now: Callable[[], int],
        clock_speed: float = 1.0,
    ) -> None:
        self._markets = {each.symbol: (TradeSieve(), base_units(each.contract_size)) for each in instruments}
        self.sieves = {symbol: sieve for symbol, (sieve, _) in self._markets.items()}
        self._names = known_names(self._markets)
        self._now = now
        self._speed = clock_speed
        self._since_ms = 0
        super().__init__(socket, stamp, put, times)

    def _read(self, topic: str, data: msgspec.Raw) -> None:
        trades, problems = decode_trades(data)
        by_symbol: dict[str, list[TradeData]] = {}
        for trade in trades:
            by_symbol.setdefault(trade.symbol, []).append(trade)
        since_ms = self._history_before()
        for name, group in by_symbol.items():
            symbol = self._names.get(name)
            if symbol is None:
                self.unknown += len(group)
                continue
            sieve, units = self._markets[symbol]
            for trade in sieve.news(group, since_ms):
                made = self._made(symbol, trade, units)
                if made is None:
                    problems.append(f"a trade needs a side, a size and a price: {trade}")
                else:
                    self._put(made)
        for problem in problems:
            self.socket.malformed(f"{topic}: {problem}")

    def _history_before(self) -> int:
        """Return the time in milliseconds before which trades are history, 0 once none of the past can come any more."""
        if not self._since_ms:
            passed = int(self.socket.asked_seconds * self._speed * 1e9)
            self._since_ms = (self._now() - passed) // 1_000_000
        return self._since_ms if self.socket.asked_seconds < self._times.old_news_seconds else 0

    def _made(self, symbol: str, trade: TradeData, units: Callable[[str | float], float]) -> Trade | None:
        side, quantity = _SIDES.get(trade.side.removeprefix("MODE_")), units(trade.size)
        if side is None or not (0.0 < quantity < math.inf and math.isfinite(trade.price)):
            return None
        time, venue_time = self._stamp.of(trade.timestamp)
        return Trade(symbol, time, venue_time, trade.price, quantity, side)
