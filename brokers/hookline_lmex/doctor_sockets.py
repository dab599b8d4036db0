"""Whether the websockets can be reached, answer, and accept the key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import aiohttp
import msgspec

from hookline.clock import stopwatch
from hookline.diagnosis import Finding
from hookline_lmex.client import LmexClient
from hookline_lmex.credentials import Credentials
from hookline_lmex.nonce import nonces_of
from hookline_lmex.signing import login_message

__all__ = ["examine_sockets"]

_SECONDS = 8.0
_LOGIN_SECONDS = 3.0
_GONE = frozenset(
    {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
)
_LOGINS = ("authKeyExpires", "login")


async def examine_sockets(
    client: LmexClient, products: Sequence[str], credentials: Credentials | None
) -> list[Finding]:
    """Connect to the socket of each product, hear its ``pong``, and log in where there is a key."""
    async with aiohttp.ClientSession() as session:
        return [await _examine(session, client, product, credentials) for product in products]


async def _examine(
    session: aiohttp.ClientSession, client: LmexClient, product: str, credentials: Credentials | None
) -> Finding:
    name, path = f"{product} socket", f"/ws/{product}"
    url = client.settings.socket_url + path
    try:
        async with (
            asyncio.timeout(_SECONDS),
            session.ws_connect(url, origin="https://lmex.io", timeout=aiohttp.ClientWSTimeout(1.0)) as socket,
        ):
            began = stopwatch()
            await socket.send_str("ping")
            await _hear(socket, lambda text: text == "pong")
            text = f"{url} answers in {1e3 * (stopwatch() - began):.0f} ms"
            if credentials is None:
                return Finding(name, "ok", text)
            return await _log_in(socket, client, path, credentials, Finding(name, "ok", text))
    except TimeoutError:
        why = f"no answer within {_SECONDS:g} s"
    except aiohttp.ClientError as error:
        why = (
            type(error).__name__
            if not isinstance(error, aiohttp.WSServerHandshakeError)
            else f"HTTP {error.status}"
        )
    except EOFError:
        why = "closed by the venue"
    fix = "see that a firewall or proxy lets websockets pass; or correct socket_url"
    return Finding(name, "fail", f"{url}: {why}", fix)


async def _log_in(
    socket: aiohttp.ClientWebSocketResponse,
    client: LmexClient,
    path: str,
    credentials: Credentials,
    reached: Finding,
) -> Finding:
    nonces = nonces_of(client.settings.rest_url, credentials.key)
    for op in _LOGINS:
        nonce = nonces.next(client.clock.now_ms)
        message = login_message(credentials.key, credentials.secret, path, nonce, op)
        await socket.send_str(msgspec.json.encode(message).decode())
        try:
            async with asyncio.timeout(_LOGIN_SECONDS):
                answer = await _hear(socket, lambda text: '"login"' in text)
        except TimeoutError:
            continue  # the other spelling of it, then
        if _is_accepted(answer):
            return Finding(reached.name, "ok", f"{reached.text} and accepts the key")
        fix = "compare key and secret with those on the web site; set this machine's clock right"
        return Finding(reached.name, "fail", f"{reached.text}, but refuses the key", fix)
    return Finding(reached.name, "fail", f"{reached.text}, but does not answer a login")


def _is_accepted(answer: str) -> bool:
    try:
        said = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return False
    return isinstance(said, dict) and said.get("success") is True


async def _hear(socket: aiohttp.ClientWebSocketResponse, is_it: Callable[[str], bool]) -> str:
    """Return the first text that is what is waited for.

    Raises:
        EOFError: if the venue closes the socket.
    """
    while True:
        message = await socket.receive()
        if message.type in _GONE:
            raise EOFError
        if message.type is aiohttp.WSMsgType.TEXT and is_it(message.data):
            return str(message.data)
