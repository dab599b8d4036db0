"""Several venues in one session: one feed and one broker in front, each symbol's own behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock, SystemClock
from hookline.diagnosis import Finding, PlannedOrder
from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Instrument,
    Ledger,
    MarketData,
    MarketEvent,
    Order,
    OrderBook,
    Position,
    Quote,
    TapeSeries,
    Trade,
    VenueAccount,
    VenueBalance,
)
from hookline.problems import Location
from hookline.session.netting import NettedBroker

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.session.config import SessionConfig

__all__ = ["VenueBroker", "VenueFeed", "broker_of", "feed_of"]


class VenueFeed(Feed):
    """The feeds of several venues as one.

    Args:
        feeds: By symbol.
    """

    name = "venues"

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = dict(feeds)
        self.is_live = any(feed.is_live for feed in feeds.values())  # type: ignore[misc]

    @property
    def clock(self) -> Clock:
        return next((feed.clock for feed in self._feeds.values() if feed.is_live), SystemClock())

    def load(self, request: BarRequest) -> BarSeries:
        return self._feeds[request.symbol].load(request)

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self._feeds[request.symbol].tape(request)

    def instrument(self, symbol: str) -> Instrument | None:
        return self._feeds[symbol].instrument(symbol)

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
        return self._feeds[symbol].funding(symbol, since, until)

    def mark(self, request: BarRequest) -> BarSeries | None:
        return self._feeds[request.symbol].mark(request)

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        """Yield what the feeds send: of history by time, live as it comes."""
        groups: dict[Feed, list[BarRequest | TapeRequest]] = {}
        for request in requests:
            groups.setdefault(self._feeds[request.symbol], []).append(request)
        streams = [feed.stream(own) for feed, own in groups.items()]
        merge = _as_they_come if any(feed.is_live for feed in groups) else _by_time
        async for event in merge(streams):
            yield event


async def _by_time(streams: Sequence[AsyncIterator[MarketEvent]]) -> AsyncIterator[MarketEvent]:
    """Yield events by time, bars first, then in the order of the streams; each stream is in order itself."""
    heads: dict[int, MarketEvent] = {}
    for number, stream in enumerate(streams):
        await _advance(heads, number, stream)
    while heads:
        number = min(heads, key=lambda one: (*_moment(heads[one]), one))
        yield heads[number]
        await _advance(heads, number, streams[number])


async def _advance(heads: dict[int, MarketEvent], number: int, stream: AsyncIterator[MarketEvent]) -> None:
    try:
        heads[number] = await anext(stream)
    except StopAsyncIteration:
        heads.pop(number, None)


def _moment(event: MarketEvent) -> tuple[int, int]:
    return (event.end, 0) if isinstance(event, Bar) else (event.time, 1)


async def _as_they_come(streams: Sequence[AsyncIterator[MarketEvent]]) -> AsyncIterator[MarketEvent]:
    """Yield events in the order of their arrival."""
    import asyncio

    waiting = {asyncio.ensure_future(anext(stream)): stream for stream in streams}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                stream = waiting.pop(task)
                try:
                    event = task.result()
                except StopAsyncIteration:
                    continue
                waiting[asyncio.ensure_future(anext(stream))] = stream
                yield event
    finally:
        for task in waiting:
            task.cancel()


class VenueBroker(Broker):
    """The brokers of several venues as one.

    Args:
        brokers: By symbol.

    Raises:
        ConfigError: if only some of them send orders to a venue.
    """

    name = "venues"

    def __init__(self, brokers: Mapping[str, Broker]) -> None:
        self._brokers = dict(brokers)
        self._all = list({id(broker): broker for broker in brokers.values()}.values())
        self.leverage = max(broker.leverage for broker in self._all)
        kinds = {broker.is_live for broker in self._all}
        if len(kinds) > 1:
            raise ConfigError("venues: must all take orders over a network, or all simulate; they are mixed")
        self.is_live = kinds.pop()  # type: ignore[misc]
        self.settles_funding = any(broker.settles_funding for broker in self._all)  # type: ignore[misc]

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        for broker in self._all:
            own = {symbol: one for symbol, one in instruments.items() if self._brokers[symbol] is broker}
            broker.connect(listener, clock, own, {id_: ledger.of(own) for id_, ledger in ledgers.items()})

    @property
    def taker_fee(self) -> float:
        return max(broker.taker_fee for broker in self._all)

    def liquidation_price(self, position: Position) -> float:
        return self._brokers[position.symbol].liquidation_price(position)

    def submit(self, order: Order) -> None:
        self._brokers[order.symbol].submit(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._brokers[order.symbol].cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._brokers[order.symbol].amend(order, lots, limit_price, trigger_price)

    def cancel_all_after(self, seconds: float | None) -> None:
        for broker in self._all:
            broker.cancel_all_after(seconds)

    def watch(self, symbol: str) -> list[Order]:
        return self._brokers[symbol].watch(symbol)

    def limits(self, symbol: str) -> Sequence[float] | None:
        return self._brokers[symbol].limits(symbol)

    def match(self, bars: Sequence[Bar]) -> None:
        for broker in self._all:
            own = [bar for bar in bars if self._brokers[bar.symbol] is broker]
            if own:
                broker.match(own)

    @property
    def fills_at_close(self) -> bool:
        return any(broker.fills_at_close for broker in self._all)

    def match_close(self, bars: Sequence[Bar]) -> bool:
        matched = False
        for broker in self._all:
            if broker.fills_at_close:
                own = [bar for bar in bars if self._brokers[bar.symbol] is broker]
                matched = broker.match_close(own) or matched
        return matched

    def paid(self, symbol: str) -> None:
        self._brokers[symbol].paid(symbol)

    def follow(self, tapes: Mapping[str, frozenset[MarketData]], marks: Mapping[str, BarSeries]) -> None:
        for broker in self._all:
            broker.follow(self._own(tapes, broker), self._own(marks, broker))

    def _own(self, given: Mapping[str, Any], broker: Broker) -> dict[str, Any]:
        return {symbol: one for symbol, one in given.items() if self._brokers[symbol] is broker}

    @property
    def has_own_time(self) -> bool:
        return any(broker.has_own_time for broker in self._all)

    @property
    def has_delays(self) -> bool:
        return any(broker.has_delays for broker in self._all)

    @property
    def due(self) -> int:
        return min(broker.due for broker in self._all)

    def advance(self, until: int) -> None:
        for broker in sorted(self._all, key=lambda one: one.due):
            broker.advance(until)

    def book(self, symbol: str) -> OrderBook | None:
        return self._brokers[symbol].book(symbol)

    def on_quote(self, quote: Quote) -> None:
        self._brokers[quote.symbol].on_quote(quote)

    def on_trade(self, trade: Trade) -> None:
        self._brokers[trade.symbol].on_trade(trade)

    def on_book(self, update: BookUpdate) -> None:
        self._brokers[update.symbol].on_book(update)

    def finish(self) -> None:
        for broker in self._all:
            broker.finish()

    def recall(self, event: Quote | Trade | BookUpdate) -> None:
        self._brokers[event.symbol].recall(event)

    def save(self) -> dict[str, Any]:
        return {str(number): broker.save() for number, broker in enumerate(self._all)}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        for number, broker in enumerate(self._all):
            own = {key: order for key, order in orders.items() if self._brokers[order.symbol] is broker}
            broker.restore(state.get(str(number), {}), own)

    # -- brokers over a network ----------------------------------------------------------------------------------------

    async def open(self, wake: Callable[[], None]) -> None:
        for broker in self._all:
            await broker.open(wake)

    def flush(self) -> None:
        for broker in self._all:
            broker.flush()

    @property
    def has_requests(self) -> bool:
        return any(broker.has_requests for broker in self._all)

    def deliver(self) -> None:
        for broker in self._all:
            broker.deliver()

    async def catch_up(self) -> None:
        for broker in self._all:
            await broker.catch_up()

    async def venue_account(self) -> VenueAccount:
        """Return the accounts of all venues as one; orders at each are of its own symbols, balances are added."""
        accounts = [await broker.venue_account() for broker in self._all if broker.is_live]
        totals: dict[str, VenueBalance] = {}
        for one in (balance for account in accounts for balance in account.balances):
            known = totals.get(one.currency, VenueBalance(one.currency, Decimal(0), Decimal(0)))
            totals[one.currency] = VenueBalance(
                one.currency, known.total + one.total, known.available + one.available
            )
        return VenueAccount(
            max(account.time for account in accounts),
            tuple(order for account in accounts for order in account.orders),
            tuple(position for account in accounts for position in account.positions),
            tuple(totals.values()),
        )

    async def cancel_foreign(self, venue_order_ids: Sequence[str]) -> None:
        for broker in self._all:
            if broker.is_live:
                await broker.cancel_foreign(venue_order_ids)

    async def settle(self, seconds: float) -> bool:
        return all([await broker.settle(seconds) for broker in self._all])

    async def aclose(self) -> None:
        for broker in self._all:
            await broker.aclose()

    async def withdraw(self, symbols: Sequence[str], *, flatten: bool) -> list[str]:
        done = []
        for broker in self._all:
            own = [symbol for symbol in symbols if self._brokers[symbol] is broker]
            if broker.is_live and own:
                done += await broker.withdraw(own, flatten=flatten)
        return done

    async def diagnose(
        self, instruments: Mapping[str, Instrument | None], planned: Sequence[PlannedOrder] = ()
    ) -> list[Finding]:
        """Return what each venue's broker finds of its own symbols."""
        found = []
        for broker in self._all:
            orders = [one for one in planned if self._brokers[one.symbol] is broker]
            found += await broker.diagnose(self._own(instruments, broker), orders)
        return found


def feed_of(config: SessionConfig, built: Mapping[Location, Any]) -> Feed:
    """Return the session's feed, or that of its venues as one where they have feeds of their own."""
    own = {name: built.get(("venues", name, "feed"), built[("feed",)]) for name in config.venues}
    if all(feed is built[("feed",)] for feed in own.values()):
        feed: Feed = built[("feed",)]
        return feed
    return VenueFeed(_by_symbol(config, own))


def broker_of(config: SessionConfig, built: Mapping[Location, Any]) -> Broker:
    """Return the session's broker, or those of its venues as one; each is one account where accounts are netted."""

    def at(place: Location) -> Broker:
        broker: Broker = built[place]
        return NettedBroker(broker) if config.accounts == "netted" else broker

    if not config.venues:
        return at(("broker",))
    return VenueBroker(_by_symbol(config, {name: at(("venues", name, "broker")) for name in config.venues}))


def _by_symbol(config: SessionConfig, ones: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each symbol has, in the session's order, given what each venue has."""
    venue_of = {symbol: name for name, entry in config.venues.items() for symbol in entry.symbols}
    return {symbol: ones[venue_of[symbol]] for symbol in config.symbols}
