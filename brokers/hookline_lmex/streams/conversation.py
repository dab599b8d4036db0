"""What is said on one connection: the login, subscriptions, and what the venue answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import aiohttp
import msgspec

from hookline_lmex.streams.frames import Frame, FrameError
from hookline_lmex.streams.subscribing import Request, Topics, chunks
from hookline_lmex.streams.times import SocketTimes

__all__ = ["LOGIN_OPS", "NETWORK_ERRORS", "Conversation", "Login", "LostError", "problem_of", "sent"]

LOGIN_OPS = ("authKeyExpires", "login")
"""How a login is spelled; the second is tried where the first gets no answer."""

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)
"""What a broken connection raises."""

Login = Callable[[str], dict[str, Any]]
"""Makes the message that logs in, given how it is spelled; each with a nonce of its own."""

_LOGIN_EVENTS = frozenset(LOGIN_OPS)


class LostError(Exception):
    """The connection cannot be used any longer; says why."""


class Conversation:
    """Speaks on one connection. Whoever reads it hands on the answers.

    Args:
        socket: The connection.
        topics: What is asked for, and what is held.
        times: Intervals.
        tell: Told of what went wrong without a loss.
        chunk: Topics in one request.

    Attributes:
        asked_at: When topics were first asked for, time of the event loop.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        topics: Topics,
        times: SocketTimes,
        tell: Callable[[str], None],
        chunk: int,
    ) -> None:
        self.asked_at = asyncio.get_running_loop().time()
        self._socket = socket
        self._topics = topics
        self._times = times
        self._tell = tell
        self._chunk = chunk
        self._wake = asyncio.Event()
        self._again: set[str] = set()
        self._is_probing = False
        self._request: Request | None = None
        self._answer: asyncio.Future[bool] | None = None

    async def begin(self, login: Login | None) -> None:
        """Log in, and ask for every topic in its spellings.

        Raises:
            LostError: if the login is refused, or the venue does not answer.
        """
        if login is not None:
            await self._log_in(login)
        self.asked_at = asyncio.get_running_loop().time()
        for names in self._topics.rounds():
            await self._subscribe(names)
        if news := self._topics.news():
            self._tell(f"the venue refused the topics {', '.join(news)}")

    async def serve(self) -> None:
        """Ask for topics again when that is wanted; this is never over.

        Raises:
            LostError: if the venue does not answer.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            again, self._again = sorted(self._again), set()
            is_probing, self._is_probing = self._is_probing, False
            for part in chunks(again, self._chunk):
                await self._ask("unsubscribe", part)
                await self._subscribe(part)
            if is_probing:
                self._topics.probes += 1
                await self._subscribe(sorted(self._topics.accepted))
                self._topics.probes_answered += 1

    def want_again(self, topics: Iterable[str]) -> None:
        """Have topics given back and asked for again."""
        self._again.update(topics)
        self._wake.set()

    def probe(self) -> None:
        """Subscribe once more to what is held, so that the venue has to answer; not where it never does."""
        if self._topics.may_probe:
            self._is_probing = True
            self._wake.set()

    @property
    def was_refused(self) -> bool:
        """Whether the venue said no to the login."""
        answer = self._answer
        return answer is not None and answer.done() and not answer.cancelled() and not answer.result()

    async def _log_in(self, login: Login) -> None:
        for op in LOGIN_OPS:
            self._answer = asyncio.get_running_loop().create_future()
            await self._send(login(op))
            try:
                async with asyncio.timeout(self._times.login_seconds):
                    is_in = await self._answer
            except TimeoutError:
                continue
            if is_in:
                return
            raise LostError("the venue refused the login")
        raise LostError(f"no answer to a login within {self._times.login_seconds:g} seconds")

    async def _subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics and keep those that the venue accepts."""
        for part in chunks(topics, self._chunk):
            request = await self._ask("subscribe", part)
            self._topics.accepted |= request.accepted
            if not request.done.is_set() and not request.accepted:
                raise LostError(
                    f"no acknowledgement of a subscription within {self._times.answer_seconds:g} seconds"
                )

    async def _ask(self, op: str, topics: Sequence[str]) -> Request:
        """Return a request with what the venue said of it in time."""
        request = self._request = Request(op, topics)
        try:
            await self._send({"op": op, "args": list(topics)})
            async with asyncio.timeout(self._times.answer_seconds):
                await request.done.wait()
        except TimeoutError:
            self._tell(f"no answer to {op} of {', '.join(topics)}")
        finally:
            self._request = None
        return request

    async def _send(self, message: dict[str, Any]) -> None:
        text = msgspec.json.encode(message).decode()
        await sent(self._socket.send_str(text), self._times.silence_seconds)

    # -- what the venue answers ----------------------------------------------------------------------------------------

    def saw(self, topic: str) -> None:
        """Learn that data of a topic came."""
        if self._request is not None:
            self._request.saw(topic)

    def answered(self, frame: Frame) -> None:
        """Learn of an answer."""
        if frame.event in _LOGIN_EVENTS:
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(frame.is_success)
        elif self._request is not None:
            self._request.answer(frame)
        elif frame.event == "subscribe":  # an acknowledgement that came too late to be waited for
            self._topics.accepted.update(frame.channel or ())

    def refused(self, problem: FrameError) -> None:
        """Learn of an error."""
        if self._request is not None and isinstance(problem.arg, str):
            self._request.refuse(problem.arg)


async def sent(sending: Awaitable[None], seconds: float) -> None:
    """Wait until something is sent.

    Raises:
        LostError: if that takes too long, as where nobody reads at the other end, or the connection is broken.
    """
    try:
        async with asyncio.timeout(seconds):
            await sending
    except NETWORK_ERRORS as error:
        raise LostError(problem_of(error)) from None


def problem_of(error: Exception) -> str:
    """Return what an error of the network says, which may be only its name."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
