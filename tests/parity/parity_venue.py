"""An emulated venue that moves by steps, and a live feed that moves it: each event only once all that came of the last one has been heard.

Rules of this file:

- Requests, answers, notifications and market data go over real sockets; only time is taken from the emulator, where it stands
  between two events. So what a session is told, and in which order, does not depend on how fast anything is.
- Before an event is played, nothing is under way: no request, no fill that was not heard, no order that one side
  believes open and the other does not.
- After it, what it did to orders is heard before the event itself, as in a backtest. Funding that is paid at that moment is heard
  after the event, and before the next one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

from hookline import hookimpl
from hookline.clock import Clock
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    FundingRate,
    Instrument,
    MarketData,
    MarketEvent,
    Trade,
)
from hookline.session.session import Session
from hookline_lmex.broker_news import Action
from hookline_lmex.emulator import AccountConfig, Emulator, EmulatorConfig, RateRules
from hookline_lmex.emulator.market_data import Group, load_market_data
from hookline_lmex.emulator.socket_books import Chain
from hookline_lmex.emulator.terms import Product
from hookline_lmex.streams import AccountStream

T = TypeVar("T")

KEY, SECRET = "a-parity-key", "a-parity-secret-worth-nothing"
LABEL = "parity"
_PATIENCE = 60.0  # seconds that anything may take before a run fails
_SOON = 0.001
_NOTHING = 1e-9  # of funding: what two sums of the same floats may differ by
_FUNDING = 110  # type of an entry in the history of a wallet
_SECOND = 10**9
_REQUESTS = frozenset(map(str, Action))


class SteppedTime:
    """The time of an emulator that moves by steps, for clients in the same process.

    Args:
        emulator: Whose time.
        ask: Asks the venue for its time, as a client does when it begins.
    """

    round_trip_seconds = 0.0
    is_measured = True
    offset_seconds = 0.0

    def __init__(self, emulator: Emulator, ask: Callable[[], Coroutine[Any, Any, int]]) -> None:
        self._emulator, self._ask = emulator, ask

    @property
    def now(self) -> int:
        """Nanoseconds UTC."""
        return self._emulator.clock.now

    @property
    def now_ms(self) -> int:
        """The same in milliseconds."""
        return self.now // 1_000_000

    def seconds_until(self, venue_ns: int) -> float:
        """Return a moment while a time lies ahead; within its second it has come, for a clock that stands shows nothing later."""
        return 0.0 if self.now >= venue_ns // _SECOND * _SECOND else 2 * _SOON

    async def measure(self, samples: int = 1) -> float:
        """Ask once, so that a venue that does not answer is noticed."""
        del samples
        await self._ask()
        return 0.0

    async def refine(self) -> None:
        """Know the time already."""


class SteppedVenue:
    """An emulator in a thread of its own, and what it will play.

    Args:
        config: With ``speed=None``.
        feeds: Made in Python, by the names that the configuration uses.
    """

    def __init__(self, config: EmulatorConfig, feeds: Mapping[str, Feed] | None = None) -> None:
        self.emulator = Emulator(config, feeds)
        self._groups: Iterator[Group] = load_market_data(config, feeds).groups(loop=False)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator")
        self._chains: dict[str, Chain] = {}
        self._told = Told()
        self.emulator.exchange.listen(self._told)

    @contextmanager
    def open(self) -> Iterator[SteppedVenue]:
        """Run it, and let every client in the process live in its time."""
        self._thread.start()
        try:
            self.do(self.emulator.start())
            try:
                with patch("hookline_lmex.client.VenueTime", lambda ask, _: SteppedTime(self.emulator, ask)):
                    yield self
            finally:
                self.do(self.emulator.stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE)
            self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine returns in the emulator's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def ask(self, question: Callable[[], T]) -> T:
        """Return the answer to a question about the emulator, given in its own loop."""

        async def answer() -> T:
            return question()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answer(), self._loop))

    async def play(self) -> Sequence[MarketEvent] | None:
        """Let an order arrive, or else play the next events; return those, None if nothing is left to happen."""
        due, event = self.emulator.journeys.next_arrival, self.emulator.pacer.next_time
        if due is not None and (event is None or due < event):
            arrival = self.emulator.journeys.arrive()
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(arrival, self._loop))
            return ()
        if not await self.ask(self.emulator.play_next):
            return None
        return next(self._groups)[1]

    async def end(self) -> None:
        """Let the clock run, for what is still sent when everything is over."""
        await self.ask(lambda: self.emulator.set_speed(1.0))

    def tells_book(self, symbol: str) -> bool:
        """Return whether the last event changed what sockets tell of a book; to be asked once after each of its events."""
        if symbol not in self._chains:
            self._chains[symbol] = Chain(self.emulator.exchange.states[symbol], 0, 0)
            return True
        return self._chains[symbol].update() is not None

    def standing(self) -> Standing:
        """Return what the account has come to, and what it was told."""
        desks = [self.emulator.exchange.desk(LABEL, product) for product in Product]
        paid = sum(entry.amount for desk in desks for entry in desk.entries if entry.type == _FUNDING)
        return Standing(self._told.count, sum(len(desk.fills) for desk in desks), paid)

    def sent(self) -> Counter[str]:
        """Return how often an order of each client id has come."""
        desks = [self.emulator.exchange.desk(LABEL, product) for product in Product]
        return Counter(one.client_order_id for desk in desks for one in desk.records.values())

    def positions(self) -> dict[str, int]:
        """Return the lots that are held of each perpetual."""
        desk = self.emulator.exchange.desk(LABEL, Product.FUTURES)
        return {one.symbol: one.lots for one in desk.each_position()}


class Standing(NamedTuple):
    """What an account has come to: notices of orders and fills, executions, and funding received in quote currency."""

    notices: int
    fills: int
    funding: float


class Told:
    """Counts what an exchange tells the account; whatever else it tells is passed over.

    Attributes:
        count: Notices of orders and fills.
    """

    def __init__(self) -> None:
        self.count = 0

    def order(self, account: str, notice: object) -> None:
        """Count a step of an order."""
        del account, notice
        self.count += 1

    fill = order

    def trade(self, *told: object) -> None:
        """Pass over."""

    book = quote = position = trade


class Heard:
    """An observer that counts executions, of which a session keeps none in memory, and what its account's sockets hear.

    Attributes:
        notices: Of orders and fills.
        fills: That were booked.
    """

    def __init__(self) -> None:
        self.notices = self.fills = 0

    @hookimpl
    def order_filled(self) -> None:
        """Count an execution."""
        self.fills += 1

    def stream(self, *args: Any, **terms: Any) -> AccountStream:
        """Return the account's stream; every notice is counted once it was handed on."""
        *before, on_order, on_fill = args[:6]
        return AccountStream(*before, self._counted(on_order), self._counted(on_fill), *args[6:], **terms)

    def _counted(self, hand_on: Callable[[Any], None]) -> Callable[[Any], None]:
        def counted(notice: Any) -> None:
            hand_on(notice)
            self.notices += 1

        return counted


@dataclass
class LockstepFeed(Feed):
    """The feed of a venue that is moved by its own session, one event after the other.

    Args:
        inner: The feed of the venue, over its sockets.
        venue: What it follows.
    """

    name = "lockstep"
    is_live = True

    inner: Feed
    venue: SteppedVenue
    heard: Heard = field(default_factory=Heard, repr=False)
    session: Session | None = field(default=None, repr=False)

    @property
    def clock(self) -> Clock:
        """The venue's time."""
        return self.inner.clock

    def load(self, request: BarRequest) -> BarSeries:
        """Return what the venue has."""
        return self.inner.load(request)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return what the venue says."""
        return self.inner.instrument(symbol)

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        """Yield what the venue tells, and play its next event whenever all is quiet."""
        since = {one.symbol: one.since or 0 for one in requests if isinstance(one, BarRequest)}
        kinds = {one.symbol: one.kinds for one in requests if isinstance(one, TapeRequest)}
        async with aclosing(self.inner.stream(requests)) as events:  # type: ignore[type-var]
            async for event in self._begin(events, kinds):
                yield event
            await self._quiet()
            while (played := await self.venue.play()) is not None:
                told = [one for one in played if self._is_told(one, since, kinds)]
                await self._quiet(paid=False)
                waiting = len(told)
                while waiting:
                    event = await _next(events)
                    waiting -= not isinstance(event, FundingRate)  # which comes in its own time
                    yield event
                await self._quiet()
        await self.venue.end()

    async def _begin(
        self, events: AsyncIterator[MarketEvent], kinds: Mapping[str, frozenset[MarketData]]
    ) -> AsyncIterator[MarketEvent]:
        """Yield the books that subscriptions begin with."""
        followed = [symbol for symbol, wanted in kinds.items() if MarketData.BOOK in wanted]
        if followed:
            played = await self.venue.play()
            assert played is not None
            assert all(isinstance(one, BookUpdate) for one in played)
        for symbol in followed:
            assert self.venue.tells_book(symbol)
            yield await _next(events)

    def _is_told(
        self, event: MarketEvent, since: Mapping[str, int], kinds: Mapping[str, frozenset[MarketData]]
    ) -> bool:
        if isinstance(event, Bar):
            return event.start >= since[event.symbol]
        wanted = kinds.get(event.symbol, frozenset())
        if isinstance(event, Trade):
            return MarketData.TRADES in wanted
        return MarketData.BOOK in wanted and self.venue.tells_book(event.symbol)

    async def _quiet(self, *, paid: bool = True) -> None:
        """Wait until all that was told is heard and nothing is on its way but what the emulator keeps there.

        Args:
            paid: Whether funding must have been heard as well.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                while not await self._is_quiet(paid):  # noqa: ASYNC110  # many things end it
                    await asyncio.sleep(_SOON)
        except TimeoutError as error:
            found = f"venue {self.venue.standing()}, session {self._standing()}, under way {_under_way()}"
            raise AssertionError(f"both sides must come to agree, were {found}") from error

    async def _is_quiet(self, paid: bool) -> bool:
        if not await self._agrees(paid):
            return False
        await asyncio.sleep(0)  # what was heard is delivered, and answered, in the next turns of the loop
        await asyncio.sleep(0)
        travelling = self.venue.emulator.journeys.travelling
        if travelling != _under_way():
            return False
        broker = self._running.plan.broker
        return (travelling > 0 or await broker.settle(0.0)) and await self._agrees(paid)

    async def _agrees(self, paid: bool) -> bool:
        theirs, ours = await self.venue.ask(self.venue.standing), self._standing()
        is_paid = abs(theirs.funding - ours.funding) < _NOTHING
        if paid and not is_paid:  # no socket tells of it
            await self._running.plan.broker.catch_up()
        return theirs[:2] == ours[:2] and (is_paid or not paid)

    def _standing(self) -> Standing:
        paid = sum(ledger.funding for ledger in self._running.kernel.ledgers.values())
        return Standing(self.heard.notices, self.heard.fills, paid)

    @property
    def _running(self) -> Session:
        assert self.session is not None, "it is given before it runs"
        return self.session


def _under_way() -> int:
    """Return how many requests of orders wait for their answer: each is a task of the broker's."""
    names = (task.get_name().partition(" ")[0] for task in asyncio.all_tasks())
    return sum(name in _REQUESTS for name in names)


async def _next(events: AsyncIterator[MarketEvent]) -> MarketEvent:
    async with asyncio.timeout(_PATIENCE):
        return await anext(events)


def stepped(cash: float, **said: Any) -> EmulatorConfig:
    """Return the configuration of a venue that moves by steps, without limits that are about wall time.

    Args:
        cash: USDT in each wallet of the account.
        said: Further fields.
    """
    # Requests that the emulator keeps on their way for long have overtaken each other on different connections before. A client
    # whose nonces are refused for that sends one at a time, and waits half a second of ours for a clock that stands.
    is_slow = bool(said.get("order_latency_ms"))
    money = {"USDT": Decimal(repr(cash))}
    return EmulatorConfig(
        accounts=[AccountConfig(LABEL, KEY, SECRET, cash=money, spot_cash=money)],
        speed=None,
        nonce_window_seconds=None,
        nonce_must_rise=not is_slow,
        limits=RateRules(is_enforced=False),
        **said,
    )
