"""Public market data of LMEX as it happens: quotes, trades and books of both products, in our model."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from hookline.clock import Clock
from hookline.errors import ConfigError
from hookline.model import BookUpdate, Instrument, InstrumentKind, MarketData, Quote, Trade
from hookline_lmex.settings import Settings
from hookline_lmex.streams.connection import Socket
from hookline_lmex.streams.market_lines import (
    BookLine,
    Line,
    TradeLine,
    book_topic,
    quote_topic,
    trade_topic,
)
from hookline_lmex.streams.stamp import Stamp
from hookline_lmex.streams.subscribing import Topic
from hookline_lmex.streams.times import SocketTimes
from hookline_lmex.streams.together import first_of

__all__ = ["MarketStatus", "MarketStream"]

_MARKETS_ON_A_SOCKET = 50
"""A connection holds 100 topics; a market has up to two of one socket."""


@dataclass(frozen=True)
class MarketStatus:
    """How a market stream is doing; counts are since its start.

    Args:
        sockets: How many there are.
        sockets_up: How many of them are up.
        messages: Data messages that came.
        losses: How often a socket was lost.
        malformed: Messages that could not be read.
        gaps: How often messages of a book were missing.
        crossings: How often a book was crossed or locked.
        resyncs: How often a fresh snapshot was asked for.
        repeated_trades: Trades that came again.
        old_trades: Trades from before the subscription.
        ahead: Messages more than a minute ahead of the clock.
        stale: Symbols whose book is not that of the venue now.
        refused: Topics that the venue refused.
    """

    sockets: int
    sockets_up: int
    messages: int
    losses: int
    malformed: int
    gaps: int
    crossings: int
    resyncs: int
    repeated_trades: int
    old_trades: int
    ahead: int
    stale: tuple[str, ...]
    refused: tuple[str, ...]


def _ignore(*_: str) -> None:
    return None


class MarketStream:
    """Public data of both products.

    A strategy's book hears a snapshot, then deltas that follow each other. While a book is brought in step again it hears nothing;
    ``is_stale`` says so meanwhile.

    Args:
        settings: Where the venue is.
        clock: The venue's time as it is known here.
        instruments: By symbol; their kind says where they trade, their contract size what a size means.
        seed: Of the jitter of waits.
        times: Intervals.
        on_up: Told the name of a socket, such as ``oss/futures``, each time it is up.
        on_down: Told the name of a socket and the reason of each loss.
        on_trouble: Told what went wrong without a loss, and messages that could not be read.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        *,
        seed: int = 0,
        times: SocketTimes | None = None,
        on_up: Callable[[str], None] = _ignore,
        on_down: Callable[[str, str], None] = _ignore,
        on_trouble: Callable[[str], None] = _ignore,
    ) -> None:
        self.lines: dict[str, Line] = {}
        self._settings = settings
        self._clock = clock
        self._instruments = instruments
        self._rng = random.Random(seed)  # noqa: S311
        self._times = times or SocketTimes()
        self._on_up = on_up
        self._on_down = on_down
        self._on_trouble = on_trouble
        self._stamp = Stamp(clock, settings.clock_speed)
        self._stop = asyncio.Event()
        self._over: asyncio.Event | None = None

    async def run(
        self,
        wanted: Mapping[str, frozenset[MarketData]],
        put: Callable[[Quote | Trade | BookUpdate], None],
    ) -> None:
        """Follow markets until closed or canceled.

        Args:
            wanted: What is followed of each symbol; bars are not told here.
            put: Given each event as it comes; must not wait. What it raises ends the stream.

        Raises:
            ConfigError: if a symbol has no instrument.
        """
        for symbol in wanted:
            if symbol not in self._instruments:
                raise ConfigError(f"market stream: {symbol!r} must be a market of LMEX, is not known")
        self._open(wanted, put)
        self._over = asyncio.Event()
        try:
            await first_of(self._wait(), self._tend(), *(line.socket.run() for line in self.lines.values()))
        finally:
            self._over.set()

    async def aclose(self) -> None:
        """Close all sockets and wait until ``run`` is over."""
        self._stop.set()
        if self._over is not None:
            await self._over.wait()

    def is_stale(self, symbol: str) -> bool:
        """Return whether the book of a symbol is not that of the venue now; one that is not followed is."""
        return all(
            symbol not in line.keepers or line.keepers[symbol].is_stale
            for line in self.lines.values()
            if isinstance(line, BookLine)
        )

    @property
    def is_up(self) -> bool:
        """Whether all sockets are up."""
        return bool(self.lines) and all(line.socket.is_up for line in self.lines.values())

    def status(self) -> MarketStatus:
        """Return how the stream is doing."""
        lines = list(self.lines.values())
        books = [line for line in lines if isinstance(line, BookLine)]
        keepers = [keeper for line in books for keeper in line.keepers.values()]
        sieves = [sieve for line in lines if isinstance(line, TradeLine) for sieve in line.sieves.values()]
        counts = [line.socket.counts for line in lines]
        return MarketStatus(
            sockets=len(lines),
            sockets_up=sum(line.socket.is_up for line in lines),
            messages=sum(each.messages for each in counts),
            losses=sum(each.losses for each in counts),
            malformed=sum(each.malformed for each in counts),
            gaps=sum(keeper.gaps for keeper in keepers),
            crossings=sum(keeper.crossings for keeper in keepers),
            resyncs=sum(line.resyncs for line in books),
            repeated_trades=sum(sieve.repeated for sieve in sieves),
            old_trades=sum(sieve.old for sieve in sieves),
            ahead=self._stamp.ahead,
            stale=tuple(keeper.symbol for keeper in keepers if keeper.is_stale),
            refused=tuple(
                topic for line in lines if line.socket.is_up for topic in line.socket.topics.refused
            ),
        )

    # -- sockets -------------------------------------------------------------------------------------------------------

    def _open(
        self,
        wanted: Mapping[str, frozenset[MarketData]],
        put: Callable[[Quote | Trade | BookUpdate], None],
    ) -> None:
        """Make the sockets that are needed."""
        for product in ("spot", "futures"):
            symbols = [symbol for symbol in wanted if _product(self._instruments[symbol]) == product]
            books = [symbol for symbol in symbols if wanted[symbol] & {MarketData.BOOK, MarketData.QUOTES}]
            for number, part in enumerate(_parts(books)):
                self._open_books(_name(f"oss/{product}", number), part, wanted, put)
            trades = [symbol for symbol in symbols if MarketData.TRADES in wanted[symbol]]
            for number, part in enumerate(_parts(trades)):
                self._open_trades(_name(product, number), part, put)

    def _open_books(
        self,
        name: str,
        symbols: Sequence[str],
        wanted: Mapping[str, frozenset[MarketData]],
        put: Callable[[Quote | Trade | BookUpdate], None],
    ) -> None:
        books = [symbol for symbol in symbols if MarketData.BOOK in wanted[symbol]]
        quotes = [symbol for symbol in symbols if MarketData.QUOTES in wanted[symbol]]
        topics: list[Topic] = [book_topic(symbol) for symbol in books]
        topics += [quote_topic(symbol, is_futures="futures" in name) for symbol in quotes]
        self.lines[name] = BookLine(
            self._of(books), self._of(quotes), partial(self._socket, name, topics), self._stamp, put, self._times
        )  # fmt: skip

    def _open_trades(
        self, name: str, symbols: Sequence[str], put: Callable[[Quote | Trade | BookUpdate], None]
    ) -> None:
        topics = [trade_topic(symbol, is_futures="futures" in name) for symbol in symbols]
        self.lines[name] = TradeLine(
            self._of(symbols),
            partial(self._socket, name, topics),
            self._stamp,
            put,
            self._times,
            lambda: self._clock.now,
            self._settings.clock_speed,
        )

    def _of(self, symbols: Iterable[str]) -> list[Instrument]:
        return [self._instruments[symbol] for symbol in symbols]

    def _socket(
        self, name: str, topics: Sequence[Topic], on_message: Callable[[str, msgspec.Raw], None]
    ) -> Socket:
        return Socket(
            f"{self._settings.socket_url}/ws/{name.partition('#')[0]}",
            topics,
            on_message,
            on_up=partial(self._up, name),
            on_down=partial(self._down, name),
            on_trouble=self._on_trouble,
            on_malformed=partial(self._unread, name),
            times=self._times,
            rng=random.Random(self._rng.getrandbits(64)),  # noqa: S311
        )

    def _up(self, name: str) -> None:
        self.lines[name].up()
        self._on_up(name)

    def _down(self, name: str, reason: str) -> None:
        self.lines[name].down(reason)
        self._on_down(name, reason)

    def _unread(self, name: str, text: str) -> None:
        self.lines[name].unread(text)
        self._on_trouble(text)

    async def _tend(self) -> None:
        while True:
            await asyncio.sleep(min(0.25, self._times.resync_seconds / 4.0))
            for line in self.lines.values():
                line.tend()

    async def _wait(self) -> None:
        await self._stop.wait()


def _product(instrument: Instrument) -> str:
    return "spot" if instrument.kind is InstrumentKind.SPOT else "futures"


def _name(base: str, number: int) -> str:
    return f"{base}#{number + 1}" if number else base


def _parts(symbols: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(symbols), _MARKETS_ON_A_SOCKET):
        yield symbols[start : start + _MARKETS_ON_A_SOCKET]
