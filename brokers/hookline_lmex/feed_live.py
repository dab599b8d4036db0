"""What happens at the venue, as one stream: bars as they close, the tape, mark prices and funding.

Rules of this file:

- Bars of the past come first, then everything in the order in which it is known here. Bars that end together come together.
- A venue that does not answer never ends the stream: it is logged and asked again, and the age of the data tells the session. What
  ends it is a market that does not exist, bars that cannot be trusted, and a session so slow that trades would be lost.
- Mark prices are told only while all sockets are up and no bar is overdue. They come by themselves, and would hide from the age of the data
  that nothing else does.
- The venue's clock is measured again now and then: sessions last longer than two clocks agree.
- Whatever this begins it ends when the stream is closed.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hookline.clock import isoformat
from hookline.errors import ConfigError, HooklineError
from hookline.feed import BarRequest, TapeRequest
from hookline.model import (
    BookUpdate,
    FundingRate,
    Instrument,
    InstrumentKind,
    MarketData,
    MarketEvent,
    MarkPrice,
    Quote,
    Trade,
)
from hookline_lmex.client import LmexClient
from hookline_lmex.errors import LmexError
from hookline_lmex.feed_bars import BarFollower, BarJoin, BarRules, pause_after
from hookline_lmex.feed_history import asker, funding_points, market_of
from hookline_lmex.feed_queue import EventQueue
from hookline_lmex.results import FundingPoint
from hookline_lmex.streams.market_lines import BookLine
from hookline_lmex.streams.market_stream import MarketStream
from hookline_lmex.streams.times import Backoff
from hookline_lmex.streams.together import first_of

__all__ = ["LiveRules", "LiveStream"]

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_USUAL_INTERVAL = 480 * _MINUTE
_FUNDING_TRIES = 20
_OVERDUE = 30 * _SECOND  # after its end, a bar that is not settled is missed
_SHORTEST_SECONDS = 0.2  # between two mark prices, however fast the venue's clock runs
_BREATH = 16
_logger = logging.getLogger("hookline.lmex")


@dataclass(frozen=True)
class LiveRules:
    """How a market is followed.

    Args:
        bars: When bars are asked for.
        mark_seconds: Between two mark prices, in seconds of the venue; 0 for none.
        funding_delay_seconds: From a funding time until the settled rate is asked for, in seconds of the venue.
        longest_pause_seconds: Between two tries where the venue does not answer.
        capacity: Events that may wait for the session.
        clock_seconds: Between two measurements of the venue's clock.
        seed: Of the jitter.
    """

    bars: BarRules = field(default_factory=BarRules)
    mark_seconds: float = 1.0
    funding_delay_seconds: float = 5.0
    longest_pause_seconds: float = 30.0
    capacity: int = 100_000
    clock_seconds: float = 300.0
    seed: int = 0


class LiveStream:
    """One stream of market events.

    Args:
        client: Open; closed by whoever opened it.
        requests: What to follow.
        instruments: By symbol, of all requests.
        rules: How.

    Attributes:
        queue: What waits for the session.
        followers: Of the bars.
        market: The sockets, None where no tape was asked for.
    """

    def __init__(
        self,
        client: LmexClient,
        requests: Sequence[BarRequest | TapeRequest],
        instruments: Mapping[str, Instrument],
        rules: LiveRules,
    ) -> None:
        self._client = client
        self._rules = rules
        self._instruments = instruments
        self._rng = random.Random(rules.seed)  # noqa: S311
        self._tapes = [one for one in requests if isinstance(one, TapeRequest)]
        self.followers = [self._follower(one) for one in requests if isinstance(one, BarRequest)]
        self.queue = EventQueue(self._resync, capacity=rules.capacity)
        self._join = BarJoin(self.followers, client.clock, rules.bars, self.queue.put)
        self.market: MarketStream | None = None

    async def events(self) -> AsyncGenerator[MarketEvent, None]:
        """Yield what happens until the requests are over, or forever.

        Raises:
            DataError: if the session is so slow that trades would be lost.
            LmexError: if there is no such market.
        """
        work = asyncio.create_task(self._work(), name="lmex-feed")
        work.add_done_callback(self._done)
        count = 0
        try:
            while (event := await self.queue.get()) is not None:
                yield event
                count += 1
                if count % _BREATH == 0:  # what waits already is taken without ever letting others run
                    await asyncio.sleep(0)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _done(self, work: asyncio.Task[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if isinstance(error, Exception):
            self.queue.fail(error)
        else:
            self.queue.finish()

    async def _work(self) -> None:
        await first_of(self._bars_and_tape(), self._beside())

    async def _bars_and_tape(self) -> None:
        """Follow bars and tape until all of it is over."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._join.run())
                if self._tapes:
                    await self._join.has_begun.wait()
                    group.create_task(self._tape())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _beside(self) -> None:
        """Follow mark prices and funding of the perpetuals, and the venue's clock; this is never over."""
        await self._join.has_begun.wait()
        perpetuals = [
            symbol for symbol, one in self._instruments.items() if one.kind is InstrumentKind.PERPETUAL
        ]
        works = [self._keep_time(), *(self._funding(symbol) for symbol in perpetuals)]
        if perpetuals and self._rules.mark_seconds:
            works.append(self._marks(perpetuals))
        await first_of(*works)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(self._rules.clock_seconds)
            try:
                await self._client.clock.measure(samples=3)
            except LmexError as error:
                _logger.warning("the venue's clock cannot be read: %s", error)

    # -- bars ----------------------------------------------------------------------------------------------------------

    def _follower(self, request: BarRequest) -> BarFollower:
        ask = asker(self._client, request, self._instruments[request.symbol].contract_size)
        rng = random.Random(self._rng.getrandbits(64))  # noqa: S311
        return BarFollower(request, ask, self._client.clock, self._rules.bars, rng)

    # -- the tape ------------------------------------------------------------------------------------------------------

    async def _tape(self) -> None:
        wanted: dict[str, frozenset[MarketData]] = {}
        for request in self._tapes:
            wanted[request.symbol] = wanted.get(request.symbol, frozenset()) | request.kinds
        self.market = MarketStream(
            self._client.settings,
            self._client.clock,
            self._instruments,
            seed=self._rng.getrandbits(32),
            on_up=lambda name: _logger.info("market data of %s is up", name),
            on_down=lambda name, reason: _logger.warning("market data of %s is lost: %s", name, reason),
            on_trouble=lambda text: _logger.warning("market data: %s", text),
        )
        ends = {one.symbol: one.until for one in self._tapes if one.until is not None}
        if len(ends) < len(wanted):
            await self.market.run(wanted, self.queue.put)
        else:
            await first_of(self.market.run(wanted, self._before(ends)), self._until(max(ends.values())))

    def _before(self, ends: Mapping[str, int]) -> Callable[[Quote | Trade | BookUpdate], None]:
        def put(event: Quote | Trade | BookUpdate) -> None:
            if event.time < ends[event.symbol]:
                self.queue.put(event)

        return put

    async def _until(self, time: int) -> None:
        clock = self._client.clock
        # In steps, because the venue's clock may be measured anew meanwhile.
        while (seconds := clock.seconds_until(time)) > 0:  # noqa: ASYNC110 - a time tells no events
            await asyncio.sleep(min(seconds, 60.0))

    def _resync(self, symbol: str) -> None:
        """Make the sockets ask for a fresh snapshot of a book."""
        _logger.warning("%s: the session is too slow for the book, it begins anew", symbol)
        for line in () if self.market is None else self.market.lines.values():
            if isinstance(line, BookLine) and symbol in line.keepers:
                line.keepers[symbol].spoil("the session was too slow for it")

    # -- mark prices and funding ---------------------------------------------------------------------------------------

    async def _marks(self, symbols: Sequence[str]) -> None:
        futures, clock = self._client.futures, self._client.clock
        backoff = self._backoff()
        while True:
            try:
                found = [await futures.price(symbols[0])] if len(symbols) == 1 else await futures.prices()
            except LmexError as error:
                await self._pause(backoff, "no mark prices", error)
                continue
            backoff.reset()
            now = clock.now
            for price in found if self._is_whole(now) else ():
                if price.symbol in symbols and price.mark > 0:
                    self.queue.put(MarkPrice(price.symbol, now, now, float(price.mark)))
            pause = round(self._rules.mark_seconds * self._rng.uniform(0.9, 1.1) * _SECOND)
            await asyncio.sleep(max(clock.seconds_until(clock.now + pause), _SHORTEST_SECONDS))

    def _is_whole(self, now: int) -> bool:
        """Return whether all that was asked for comes."""
        overdue = now - _OVERDUE
        late = any(not one.is_over and one.settled + one.duration < overdue for one in self.followers)
        return not late and (not self._tapes or (self.market is not None and self.market.is_up))

    async def _funding(self, symbol: str) -> None:
        """Tell each rate once it is settled; those that were missed meanwhile too."""
        told = self._client.clock.now
        while True:
            due = await self._next_funding(symbol, told)
            for point in await self._settled(symbol, told, due):
                told = point.time
                self.queue.put(FundingRate(symbol, self._client.clock.now, point.time, float(point.rate)))

    async def _next_funding(self, symbol: str, told: int) -> int:
        """Return when funding is paid next, by the venue's interval where it does not say."""
        backoff = self._backoff()
        while True:
            try:
                summary = await market_of(self._client, symbol)
            except (LmexError, ConfigError) as error:  # a market may be off the list for a while
                await self._pause(backoff, f"{symbol}: no time of funding", error)
                continue
            interval = summary.funding_interval_minutes * _MINUTE or _USUAL_INTERVAL
            return summary.next_funding if summary.next_funding > told else told + interval

    async def _settled(self, symbol: str, told: int, due: int) -> list[FundingPoint]:
        """Return the rates that have been settled since a time, oldest first; none where the venue has none long after it was due."""
        clock, backoff = self._client.clock, self._backoff()
        delay = round(self._rules.funding_delay_seconds * _SECOND)
        await self._until(due + delay)
        for _ in range(_FUNDING_TRIES):
            try:
                points = await funding_points(self._client, symbol, told + 1, clock.now)
            except LmexError as error:
                await self._pause(backoff, f"{symbol}: no funding", error)
                continue
            if points:
                return points
            await self._until(clock.now + delay)
            delay = min(2 * delay, _MINUTE)
        _logger.warning("%s: the funding of %s is not told by the venue", symbol, isoformat(due))
        return []

    async def _pause(self, backoff: Backoff, what: str, error: HooklineError) -> None:
        seconds = pause_after(error, backoff)
        _logger.warning("%s, asked again in %.1f s: %s", what, seconds, error)
        await asyncio.sleep(seconds)

    def _backoff(self) -> Backoff:
        return Backoff(self._rng, 1.0, self._rules.longest_pause_seconds)
