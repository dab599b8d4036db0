"""A websocket server for tests: it does what the test says, and remembers what it was sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

from aiohttp import WSMsgType, web

from hookline_lmex.streams import SocketTimes

QUICK = SocketTimes(
    ping_seconds=0.05,
    silence_seconds=0.4,
    connect_seconds=2.0,
    login_seconds=0.15,
    answer_seconds=0.3,
    backoff_seconds=0.01,
    backoff_most_seconds=0.05,
    stable_seconds=0.2,
    refused_seconds=0.3,
    resync_seconds=0.08,
    resync_most_seconds=0.3,
    quiet_seconds=60.0,
    old_news_seconds=1.0,
)
"""Intervals of a venue that answers at once."""


class Connection:
    """One client; what it sent is in ``heard``, its topics in ``topics``."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.path = request.path
        self.headers = request.headers
        self.heard: list[Any] = []
        self.pings = 0
        self.topics: list[str] = []

    async def send(self, message: Any) -> None:
        await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    def drop(self) -> None:
        """End the connection without a word."""
        transport = self.socket._req.transport
        assert transport is not None
        transport.abort()

    def asked(self, op: str) -> list[list[str]]:
        """The arguments of all requests of an operation."""
        return [each["args"] for each in self.heard if each["op"] == op]


class SmallVenue:
    """The server; its attributes say how it behaves, and may be changed while it runs.

    ``on_subscribed`` is called with each connection and the topics it was just granted, after the acknowledgement.
    """

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.refused: set[str] = set()
        self.login_ops = {"authKeyExpires", "login"}
        self.login_success = True
        self.closes_after_login = False
        self.is_mute = False
        self.answers_pings_only = False
        self.acknowledges = True
        self.acknowledges_again = True
        self.heartbeat: float | None = None
        self.greeting: str | None = None
        self.connect_status = 0
        self.attempts = 0
        self.on_subscribed: Callable[[Connection, list[str]], Awaitable[None]] | None = None
        self.on_subscribing: Callable[[Connection, list[str]], Awaitable[None]] | None = None
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/ws/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"ws://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self.connections:
            if not connection.socket.closed and connection.socket._req.transport is not None:
                connection.drop()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    def of(self, path: str) -> Connection:
        """The newest connection to a path."""
        return [each for each in self.connections if each.path == path][-1]

    async def send_all(self, path: str, messages: Iterable[Any]) -> None:
        for message in messages:
            await self.of(path).send(message)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        if self.connect_status:
            return web.Response(status=self.connect_status)
        socket = web.WebSocketResponse(autoping=True, heartbeat=self.heartbeat)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self.connections.append(connection)
        if self.greeting is not None:
            await connection.send(self.greeting)
        async for message in socket:
            if message.type is WSMsgType.TEXT and not self.is_mute:
                await self._answer(connection, message.data)
        return socket

    async def _answer(self, connection: Connection, text: str) -> None:
        if text == "ping":
            connection.pings += 1
            await connection.send("pong")
            return
        if self.answers_pings_only:
            return
        asked = json.loads(text)
        connection.heard.append(asked)
        op = asked["op"]
        if op in {"authKeyExpires", "login"}:
            if op in self.login_ops:
                await connection.send({"event": "login", "success": self.login_success})
            if self.closes_after_login:
                await connection.socket.close(code=1008)
            return
        granted = [topic for topic in asked["args"] if topic not in self.refused]
        if op == "subscribe" and self.on_subscribing is not None:
            await self.on_subscribing(connection, granted)
        is_new = not set(granted) & set(connection.topics)
        if self.acknowledges and (is_new or self.acknowledges_again):
            await connection.send({"event": op, "channel": granted[::-1]})
        for topic in granted:
            if op == "unsubscribe":
                connection.topics.remove(topic)
            elif topic not in connection.topics:
                connection.topics.append(topic)
        if op == "subscribe" and self.on_subscribed is not None:
            await self.on_subscribed(connection, granted)


async def until(what: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is so; fail if it takes too long."""
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)


def no_tasks_left() -> bool:
    """Whether nothing runs but the test itself."""
    return asyncio.all_tasks() <= {asyncio.current_task()}
