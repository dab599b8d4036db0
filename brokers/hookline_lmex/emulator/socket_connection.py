"""One socket of one client: what it has subscribed to, who it is, and what waits to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import WSMsgType, web

from hookline_lmex.emulator.socket_outbox import Outbox
from hookline_lmex.emulator.terms import Product

if TYPE_CHECKING:
    from hookline_lmex.emulator.config import SocketsConfig
    from hookline_lmex.emulator.faults import FaultSwitches

__all__ = ["Connection", "encoded"]

_LOOK_SECONDS = 0.05
_END = {WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR}


def encoded(message: Any) -> str:
    """Return a message as the text of a frame."""
    return msgspec.json.encode(message).decode()


class Connection:
    """One open socket.

    Attributes:
        product: Spot or futures.
        is_book: Whether it is an order-book socket.
        path: Of the socket, such as ``/ws/oss/futures``.
        topics: What it has subscribed to, and what that means to the one who sends it.
        account: Whose it is, None before a login.
        failures: Requests that were refused.
        positions_sent: When all positions were sent last, time of the event loop.

    Args:
        request: The request that became the socket.
        socket: The socket, prepared.
        product: Spot or futures.
        is_book: Whether it is an order-book socket.
        config: Habits of the sockets.
        faults: What may go wrong.
    """

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        product: Product,
        is_book: bool,
        config: SocketsConfig,
        faults: FaultSwitches,
    ) -> None:
        self.product, self.is_book, self.path = product, is_book, request.path
        self.topics: dict[str, Any] = {}
        self.account: str | None = None
        self.failures = 0
        self.positions_sent = 0.0
        self.outbox = Outbox(config.queue)
        self._request, self._socket, self._config, self._faults = request, socket, config, faults
        self._loop = asyncio.get_running_loop()
        self._heard = self._pinged = self._loop.time()
        self._is_dead = self._is_closing = False
        self._close_code = 1000
        self._public_due = 0.0

    # -- sending -----------------------------------------------------------------------------------------------------------

    def send(self, message: Any, topic: str = "", delay_seconds: float = 0.0) -> None:
        """Send a message, perhaps later."""
        self.send_text(encoded(message), topic, delay_seconds)

    def send_text(self, text: str, topic: str = "", delay_seconds: float = 0.0) -> None:
        """Send the text of a message, perhaps later; a reader that is too slow loses the socket."""
        if self._is_dead:
            return
        due = self._loop.time() + delay_seconds
        if ":" in topic:  # public data may be late, and stays in its order
            self._public_due = due = max(due, self._public_due)
        self.outbox.put(text, topic, due)
        if self.outbox.is_full:
            self.cut()

    def cut(self) -> None:
        """End the connection without a word, as a network does."""
        self._is_closing = True
        if self._request.transport is not None:
            self._request.transport.abort()

    def die(self) -> None:
        """Hear and say nothing from now on, with the connection left open."""
        self._is_dead = True

    def close_after(self, code: int) -> None:
        """Close in order, once what waits has been sent."""
        self._is_closing = True
        self._close_code = code
        self.outbox.put("", "close", self._loop.time())

    # -- serving -----------------------------------------------------------------------------------------------------------

    async def serve(
        self, on_text: Callable[[Connection, str], None], on_tick: Callable[[Connection], None]
    ) -> None:
        """Answer what comes in until the connection ends.

        Args:
            on_text: Called with each text of the client but ``ping``.
            on_tick: Called every now and then, for what is sent at intervals.
        """
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._watch(on_tick))]
        try:
            await self._read(on_text)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            if self._is_closing or self._is_dead:
                self.cut()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _read(self, on_text: Callable[[Connection, str], None]) -> None:
        while not self._is_closing or not self._is_gone():
            message = await self._socket.receive()
            if message.type in _END:
                return
            if self._is_dead:
                await self._lie()
                return
            self._heard = self._loop.time()
            if message.type is WSMsgType.PING:
                await self._pong(message.data)
            elif message.type is WSMsgType.CLOSE:
                await self._socket.close()
                return
            elif message.type is WSMsgType.TEXT and message.data == "ping":
                self.outbox.put_urgent("pong")
            elif message.type is WSMsgType.TEXT:
                on_text(self, message.data)

    async def _pong(self, data: bytes) -> None:
        try:
            await self._socket.pong(data)
        except ConnectionError:  # the client has left meanwhile; the next read says so
            return

    async def _lie(self) -> None:
        """Stay until the client has given up."""
        while not self._is_gone():  # noqa: ASYNC110  # a transport tells nobody that it is closing
            await asyncio.sleep(_LOOK_SECONDS)

    def _is_gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    async def _write(self) -> None:
        try:
            while True:
                text, topic = await self.outbox.get()
                if self._is_dead:
                    continue
                if topic == "close":
                    await self._socket.close(code=self._close_code)
                    return
                if topic and self._faults.fires("drop_on_message", topic):
                    self.cut()
                    return
                broken = topic and self._faults.find("malformed_json")
                if broken and broken.value != "rest" and self._faults.fires("malformed_json", topic):
                    text = text[: len(text) // 2]
                await self._socket.send_str(text)
        except ConnectionError:  # the client has left; the reader ends the connection
            return

    async def _watch(self, on_tick: Callable[[Connection], None]) -> None:
        config = self._config
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS * 5, config.idle_seconds / 4))
            now = self._loop.time()
            if self._is_dead:
                continue
            if now - self._heard > config.idle_seconds:
                self.cut()
                return
            if now - self._pinged > config.ping_seconds:
                self._pinged = now
                try:
                    await self._socket.ping()
                except ConnectionError:  # the client has left; the reader ends the connection
                    return
            on_tick(self)
