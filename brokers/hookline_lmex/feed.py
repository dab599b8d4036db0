"""Market data of LMEX as a feed: history, and the market as it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

from hookline.clock import Clock, SystemClock
from hookline.errors import ConfigError
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.hookspecs import hookimpl
from hookline.model import BarSeries, Instrument, MarginMode, MarketEvent, TapeSeries, timeframe_ns
from hookline.params import Doc, Ge, Gt
from hookline_lmex.client import LmexClient
from hookline_lmex.feed_bars import BarRules
from hookline_lmex.feed_history import (
    begin_of,
    funding_series,
    load_bars,
    load_instrument,
    require_timeframe,
)
from hookline_lmex.feed_hosts import Environment, rest_host, socket_host
from hookline_lmex.feed_live import LiveRules, LiveStream
from hookline_lmex.limits import Limits
from hookline_lmex.settings import Settings, VolumeUnit

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline_lmex.venue_time import VenueTime

__all__ = ["LmexFeed", "register_feeds", "run_blocking"]

T = TypeVar("T")
_SECOND = 1_000_000_000
_MANY_BARS = 3_000


@dataclass
class LmexFeed(Feed):
    """Bars, quotes, trades, books, mark prices and funding of LMEX, spot and perpetuals. Needs no key.

    ``load`` answers with bars that are closed: over for ``close_grace_seconds`` by the venue's clock. ``stream`` begins with those of
    the past and goes on with each bar once it is closed, which takes a second or so where the market trades; a bar without
    trades may be absent. Quotes, trades and books come over websockets; a book with a gap begins anew with a snapshot. Mark
    prices and funding come with every perpetual.

    The venue keeps no tape and no mark prices of the past. Its bars count turnover; volumes in base units are that divided by
    the typical price, unless ``volume_unit`` says that the venue counts otherwise.
    """

    name = "lmex"
    is_live = True

    environment: Annotated[Environment, Doc("hosts of the venue, or of its test system")] = "production"
    rest_url: Annotated[str | None, Doc("another host for REST, such as that of an emulator")] = None
    socket_url: Annotated[str | None, Doc("another host for websockets")] = None
    clock_speed: Annotated[
        float, Gt(0), Doc("venue seconds in one of ours; other than 1 only for an emulator")
    ] = 1.0
    volume_unit: Annotated[VolumeUnit, Doc("what the volume of the venue's bars counts")] = "quote"
    min_notional: Annotated[
        float, Ge(0), Doc("smallest order in quote currency; the venue hides smaller ones")
    ] = 5.0
    margin_mode: Annotated[
        Literal["isolated", "cross"],
        Doc("of perpetuals, unless 'instruments' says otherwise; the broker sets it where no position is"),
    ] = "isolated"
    mark_seconds: Annotated[float, Ge(0), Doc("between two mark prices of perpetuals; 0 for none")] = 1.0
    close_grace_seconds: Annotated[
        float, Ge(0), Doc("from a bar's end until it counts as closed though there is no newer one")
    ] = 3.0
    query_rate: Annotated[float, Gt(0), Doc("questions a second that the venue allows to one path")] = 15.0
    user_rate: Annotated[float, Gt(0), Doc("questions a second that it allows altogether")] = 30.0
    timeout_seconds: Annotated[float, Gt(0), Doc("longest wait for an answer")] = 10.0
    retries: Annotated[int, Ge(0), Doc("how often a question is asked again")] = 4
    seed: Annotated[int, Ge(0), Doc("of the jitter in pauses")] = 0
    _settings: Settings = field(init=False, repr=False, compare=False)
    _limits: Limits | None = field(init=False, repr=False, compare=False, default=None)
    _time: _FeedTime | None = field(init=False, repr=False, compare=False, default=None)
    _begins: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)
    _instruments: dict[str, Instrument] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Put the settings together.

        Raises:
            ConfigError: if a URL cannot be one.
        """
        settings = Settings(
            rest_url=rest_host(self.environment, self.rest_url),
            clock_speed=self.clock_speed,
            query_rate=self.query_rate,
            user_rate=self.user_rate,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            volume_unit=self.volume_unit,
            min_notional=self.min_notional,
        )
        if not self._lacks_sockets:
            settings = replace(settings, socket_url=socket_host(self.environment, self.socket_url))
        self._settings = settings

    @property
    def clock(self) -> Clock:
        """The venue's time; the first use asks the venue.

        Raises:
            LmexError: if the venue does not answer.
        """
        if self._time is None:
            self._ask(_nothing)
        assert self._time is not None, "every question sets it"
        return self._time

    def load(self, request: BarRequest) -> BarSeries:
        """Return the closed bars of a request; without a ``since`` from the market's first one on.

        Raises:
            ConfigError: if the venue has no such market or no such timeframe.
            DataError: if there are none or they cannot be trusted.
            LmexError: if the venue gives no usable answer.
        """
        grace = round(self.close_grace_seconds * _SECOND)

        async def load(client: LmexClient) -> BarSeries:
            instrument = await self._instrument(client, request.symbol)
            begin = await self._begin(client, request)
            return await load_bars(client, request, grace, instrument.contract_size, begin)

        require_timeframe(request)
        return self._ask(load)

    def tape(self, request: TapeRequest) -> TapeSeries:
        """Refuse: the venue has no recorded tape.

        Raises:
            ConfigError: always.
        """
        _refuse_tape(request)

    def instrument(self, symbol: str) -> Instrument:
        """Return tick, lot, contract size, smallest order and margin tiers, as the venue says.

        Raises:
            ConfigError: if it has no such market.
            DataError: if its terms make no sense.
            LmexError: if it gives no usable answer.
        """
        if symbol not in self._instruments:
            self._ask(lambda client: self._instrument(client, symbol))
        return self._instruments[symbol]

    def funding(self, symbol: str, since: int | None, until: int | None) -> ExternalSeries | None:
        """Return the funding rates of a perpetual that were settled in ``[since, until)``, None of other markets.

        Raises:
            ConfigError: if the venue has no such market.
            LmexError: if it gives no usable answer.
        """
        return self._ask(lambda client: funding_series(client, symbol, since, until))

    def mark(self, request: BarRequest) -> BarSeries | None:  # noqa: ARG002
        """Return None: the venue has no mark prices of the past."""
        return None

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        """Yield what the requests ask for: bars of the past, then what happens, in the order in which it is known.

        Raises:
            ConfigError: if the venue has no such market or timeframe, or the host of the websockets is not known.
            DataError: if the session is so slow that trades would be lost.
            LmexError: if the venue cannot be reached at the start.
        """
        for request in requests:
            if isinstance(request, BarRequest):
                require_timeframe(request)
            elif self._lacks_sockets:
                socket_host(self.environment, self.socket_url)
        async with LmexClient(self._settings) as client:
            self._follow(client.clock)
            instruments = {one.symbol: await self._instrument(client, one.symbol) for one in requests}
            live = LiveStream(client, requests, instruments, self._rules())
            async with aclosing(live.events()) as events:
                async for event in events:
                    yield event

    @property
    def _lacks_sockets(self) -> bool:
        return self.environment != "production" and self.socket_url is None

    def _rules(self) -> LiveRules:
        bars = BarRules(grace_seconds=self.close_grace_seconds)
        return LiveRules(bars, self.mark_seconds, seed=self.seed)

    async def _instrument(self, client: LmexClient, symbol: str) -> Instrument:
        if symbol not in self._instruments:
            self._instruments[symbol] = await load_instrument(
                client, symbol, self.min_notional, MarginMode(self.margin_mode)
            )
        return self._instruments[symbol]

    async def _begin(self, client: LmexClient, request: BarRequest) -> int:
        """Return a time before the market's first bar where that saves questions, else 0."""
        span = None if request.since is None else client.clock.now - request.since
        if span is not None and span < _MANY_BARS * timeframe_ns(request.timeframe):
            return 0
        if request.symbol not in self._begins:
            self._begins[request.symbol] = await begin_of(client, request.symbol)
        return self._begins[request.symbol]

    def _ask(self, question: Callable[[LmexClient], Awaitable[T]]) -> T:
        """Return the answer to a question, asked with a client of its own; all of them keep the venue's limits together."""

        async def ask() -> T:
            async with LmexClient(self._settings, limits=limits) as client:
                self._follow(client.clock)
                return await question(client)

        limits = self._limits or Limits(self._settings)
        self._limits = None  # those of a question that was broken off are not used again
        answer = run_blocking(ask)
        self._limits = limits
        return answer

    def _follow(self, time: VenueTime) -> None:
        if self._time is None:
            self._time = _FeedTime(time)
        self._time.source = time


class _FeedTime:
    """The venue's time as the latest client knows it."""

    def __init__(self, source: VenueTime) -> None:
        self.source = source

    @property
    def now(self) -> int:
        return self.source.now if self.source.is_measured else SystemClock().now


def run_blocking(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what a coroutine returns, in a loop of its own; where one runs already, that one is in another thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(make())).result()


async def _nothing(_: LmexClient) -> None:
    return None


def _refuse_tape(request: TapeRequest) -> NoReturn:
    raise ConfigError(
        f"feed 'lmex': LMEX has no recorded tape of {request.symbol}; follow it live and record it: stream: {{record: true}}"
    )


@hookimpl
def register_feeds() -> list[type[Feed]]:
    return [LmexFeed]
