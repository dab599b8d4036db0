"""One websocket that stays connected.

Rules of this file:

- Nothing is replayed after a loss: each connection logs in and subscribes again, and ``on_up`` says that whatever happened
  meanwhile has to be asked for.
- A socket is dead when nothing was heard for a while, whatever the operating system says of it; the text ``ping`` makes a
  living one speak. One that has no news for long has to acknowledge its subscriptions once more: some only answer pings.
- Messages that cannot be read are reported with their text and survived. Nothing that is sent is ever part of a report:
  a login carries the key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import msgspec

from hookline.errors import VenueError
from hookline_lmex.streams.conversation import (
    NETWORK_ERRORS,
    Conversation,
    Login,
    LostError,
    problem_of,
    sent,
)
from hookline_lmex.streams.frames import read_frame, shorten
from hookline_lmex.streams.subscribing import Topic, Topics
from hookline_lmex.streams.times import Backoff, SocketTimes
from hookline_lmex.streams.together import first_of

__all__ = ["Socket", "SocketCounts"]

_BREATH = 8
_GRACE_SECONDS = 0.05
_LOGINS_REFUSED = 10
_DATA = frozenset({aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY})


@dataclass
class SocketCounts:
    """What happened to a socket since it was made.

    Args:
        connections: How often it was up.
        losses: How often it was lost after being up.
        messages: Data messages handed on.
        malformed: Messages that could not be read.
        errors: Errors that the venue told.
    """

    connections: int = 0
    losses: int = 0
    messages: int = 0
    malformed: int = 0
    errors: int = 0


def _nothing(_: str) -> None:
    return None


class Socket:
    """One websocket that stays connected until it is closed.

    Args:
        url: Such as ``wss://HOST/ws/futures``.
        topics: Asked for on every connection; a tuple for spellings of one topic, best first: the first that is accepted.
        on_message: Given the topic and the undecoded data of each message, while it is in hand; must not wait.
        login: Makes the message that logs in, given its ``op``; None for a public socket.
        on_up: Called on every connection once logged in and subscribed. What it waits for is cancelled if the connection
            is lost meanwhile.
        on_down: Told once of each loss after ``on_up``, and why.
        on_trouble: Told of what went wrong without a loss: refused topics, errors of the venue, failed tries to connect.
        on_malformed: Told the text of a message that could not be read; what it said is not known.
        times: Intervals.
        rng: For the jitter of the waits.
        origin: Sent as ``Origin``.
        chunk: Topics in one request.
    """

    def __init__(
        self,
        url: str,
        topics: Iterable[Topic],
        on_message: Callable[[str, msgspec.Raw], None],
        *,
        login: Login | None = None,
        on_up: Callable[[], Awaitable[None] | None] | None = None,
        on_down: Callable[[str], None] = _nothing,
        on_trouble: Callable[[str], None] = _nothing,
        on_malformed: Callable[[str], None] = _nothing,
        times: SocketTimes | None = None,
        rng: random.Random | None = None,
        origin: str = "https://lmex.io",
        chunk: int = 20,
    ) -> None:
        self.url = url
        self.topics = Topics(topics)
        self.counts = SocketCounts()
        self.is_up = False
        self._on_message = on_message
        self._login = login
        self._on_up = on_up
        self._on_down = on_down
        self._on_trouble = on_trouble
        self._on_malformed = on_malformed
        self._times = times or SocketTimes()
        self._backoff = Backoff(
            rng or random.Random(0),  # noqa: S311
            self._times.backoff_seconds,
            self._times.backoff_most_seconds,
        )
        self._origin = origin
        self._chunk = chunk
        self._stop = asyncio.Event()
        self._talk: Conversation | None = None
        self._running: asyncio.Event | None = None
        self._heard = self._news_at = self._up_at = 0.0
        self._logins_refused = 0
        self._last_trouble = ""

    @property
    def accepted(self) -> frozenset[str]:
        """Topics held on this connection."""
        return frozenset(self.topics.accepted)

    @property
    def silent_seconds(self) -> float:
        """How long nothing was heard on this connection."""
        return asyncio.get_running_loop().time() - self._heard

    @property
    def asked_seconds(self) -> float:
        """How long ago this connection asked for its topics."""
        return 0.0 if self._talk is None else asyncio.get_running_loop().time() - self._talk.asked_at

    async def run(self) -> None:
        """Stay connected until closed or canceled.

        Raises:
            VenueError: if the venue refuses the login: at once the first time, and after several refusals in a row later.
        """
        if self._running is not None:
            raise RuntimeError(f"{self.url}: a socket runs once")
        self._running = asyncio.Event()
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
                await first_of(self._keep(session), _until(self._stop))
        finally:
            self._running.set()

    async def aclose(self) -> None:
        """Close the connection and wait until ``run`` is over."""
        self._stop.set()
        if self._running is not None:
            await self._running.wait()

    def resubscribe(self, topics: Iterable[str]) -> None:
        """Ask for topics again, so that each begins with a fresh snapshot; does nothing while the socket is down."""
        if self.is_up and self._talk is not None:
            self._talk.want_again(topics)

    # -- staying connected ---------------------------------------------------------------------------------------------

    async def _keep(self, session: aiohttp.ClientSession) -> None:
        while True:
            least = 0.0
            try:
                async with asyncio.timeout(self._times.connect_seconds):
                    socket = await self._connect(session)
            except aiohttp.WSServerHandshakeError as error:
                least = self._times.refused_seconds if error.status == 400 else 0.0
                self._tell(f"the venue refused the connection with HTTP {error.status}")
            except NETWORK_ERRORS as error:
                self._tell(problem_of(error))
            else:
                await self._use(socket)
            await asyncio.sleep(max(least, self._backoff.next()))

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        return await session.ws_connect(
            self.url,
            origin=self._origin,
            compress=15,
            autoping=False,
            autoclose=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )

    async def _use(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Speak and listen until the connection is lost, and say so."""
        self._heard = self._news_at = asyncio.get_running_loop().time()
        talk = self._talk = Conversation(socket, self.topics, self._times, self._tell, self._chunk)
        try:
            await first_of(
                self._read(socket, talk), self._speak(talk), self._beat(socket, talk), lesser=LostError
            )
        except LostError as lost:
            if talk.was_refused:
                self._count_refusal()
            self._fell(str(lost))
        finally:
            self._rest()
            with suppress(*NETWORK_ERRORS):
                await socket.close()

    def _count_refusal(self) -> None:
        """Refuse to go on where the login is refused, whether the venue closed the connection as well or not."""
        self._logins_refused += 1
        if not self.counts.connections or self._logins_refused >= _LOGINS_REFUSED:
            raise VenueError(
                f"{self.url}: the venue refused the login; the key, its secret, its allowed addresses and "
                "the clock must be right"
            )

    def _fell(self, reason: str) -> None:
        """Say once that the connection is lost."""
        was_up = self.is_up
        self._rest()
        if not was_up:
            self._tell(reason)
            return
        if asyncio.get_running_loop().time() - self._up_at >= self._times.stable_seconds:
            self._backoff.reset()
        self.counts.losses += 1
        self._on_down(reason)

    def _rest(self) -> None:
        """Hold nothing: there is no connection."""
        self.is_up = False
        self.topics.forget()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, talk: Conversation) -> None:
        loop, count = asyncio.get_running_loop(), 0
        while True:
            message = await socket.receive()
            self._heard = loop.time()
            if message.type in _DATA:
                self._take(message.data, talk)
            elif message.type is aiohttp.WSMsgType.PING:
                await sent(socket.pong(message.data), self._times.silence_seconds)
            elif message.type is aiohttp.WSMsgType.ERROR:
                raise LostError(f"the connection broke: {message.data}")
            elif message.type is not aiohttp.WSMsgType.PONG:
                raise LostError(f"the venue closed the connection with code {socket.close_code}")
            count += 1
            if count % _BREATH == 0:  # messages that wait already are read without ever letting others run
                await asyncio.sleep(0)

    async def _beat(self, socket: aiohttp.ClientWebSocketResponse, talk: Conversation) -> None:
        """Make the venue speak, and notice when it does not."""
        times = self._times
        loop = asyncio.get_running_loop()
        next_ping = loop.time() + times.ping_seconds
        while True:
            next_look = self._heard + times.silence_seconds, self._news_at + times.quiet_seconds
            await asyncio.sleep(max(0.0, min(next_ping, *next_look) - loop.time()))
            if loop.time() >= self._heard + times.silence_seconds:
                await asyncio.sleep(
                    _GRACE_SECONDS
                )  # what came while the loop was busy with something else is read first
            if (silent := self.silent_seconds) >= times.silence_seconds:
                raise LostError(f"nothing was heard for {silent:.1f} seconds")
            if loop.time() >= self._news_at + times.quiet_seconds:
                self._news_at = loop.time()
                if self.is_up:
                    talk.probe()
            if loop.time() >= next_ping:
                next_ping = loop.time() + times.ping_seconds
                await sent(socket.send_str("ping"), times.silence_seconds)

    async def _speak(self, talk: Conversation) -> None:
        await talk.begin(self._login)
        self.is_up = True
        self._up_at = asyncio.get_running_loop().time()
        self.counts.connections += 1
        self._last_trouble = ""
        self._logins_refused = 0
        if self._on_up is not None and (waiting := self._on_up()) is not None:
            await waiting
        await talk.serve()

    # -- what is heard -------------------------------------------------------------------------------------------------

    def _take(self, text: str | bytes, talk: Conversation) -> None:
        try:
            frame = read_frame(text)
        except msgspec.DecodeError:
            self.malformed(text)
            return
        if frame is None:
            return
        if topic := frame.topic:
            talk.saw(topic)
            self._news_at = self._heard
            self.counts.messages += 1
            self._on_message(topic, frame.data)
        elif frame.event:
            talk.answered(frame)
        for problem in frame.errors or ():
            self.counts.errors += 1
            talk.refused(problem)
            self._tell(f"error {problem.error.code} of {problem.arg!r}: {shorten(problem.error.message)}")

    def malformed(self, raw: object) -> None:
        """Count and report a message that cannot be read."""
        self.counts.malformed += 1
        self._on_malformed(f"{self.url}: a message cannot be read: {shorten(raw)}")

    def _tell(self, text: str) -> None:
        if text != self._last_trouble:
            self._last_trouble = text
            self._on_trouble(f"{self.url}: {text}")


async def _until(event: asyncio.Event) -> None:
    await event.wait()
