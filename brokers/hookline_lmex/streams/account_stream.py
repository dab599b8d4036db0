"""What happens to an account at LMEX as it happens: orders, fills and positions of both products."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import msgspec

from hookline.clock import Clock
from hookline.errors import ConfigError
from hookline_lmex.credentials import Credentials
from hookline_lmex.nonce import nonces_of
from hookline_lmex.settings import Settings
from hookline_lmex.signing import login_message
from hookline_lmex.streams.connection import Socket
from hookline_lmex.streams.notices import FillNotice, OrderNotice, PositionNotice
from hookline_lmex.streams.private_wire import Reader, read_fill, read_order, read_position, read_rows
from hookline_lmex.streams.subscribing import Topic
from hookline_lmex.streams.times import SocketTimes
from hookline_lmex.streams.together import first_of

__all__ = ["AccountStream"]

_TOPICS: dict[str, tuple[Topic, ...]] = {
    "spot": (("notificationApiV3", "notificationApiV2"), "fills"),
    "futures": (
        ("notificationApiV4", "notificationApiV3", "notificationApiV2"),
        ("fillsV2", "fills"),
        ("allPositionV4", "allPositionV3", "allPositionV2", "allPosition"),
        ("positionsV3", "positionsV2", "positions"),
    ),
}
_READERS: dict[str, Reader] = {
    "notificationApi": read_order,
    "fills": read_fill,
    "allPosition": read_position,
    "positions": read_position,
}


def _ignore(*_: str) -> None:
    return None


class AccountStream:
    """Orders, fills and positions of an account.

    Nothing is replayed after a loss, and a message may come twice: after each ``on_up`` the REST state has to be read, and fills be told
    apart by their trade id. The same holds after ``on_unread``, for what it said is not known.

    Args:
        settings: Where the venue is.
        credentials: Of the account.
        clock: The venue's time as it is known here; nonces are made of it.
        products: ``spot``, ``futures`` or both; each has a socket of its own.
        on_order: Given each change of an order.
        on_fill: Given each fill.
        on_position: Given each change of a position.
        on_up: Told the product of a socket each time it is logged in and subscribed. What it waits for is canceled if the connection is
            lost meanwhile.
        on_down: Told the product and the reason, once of each loss.
        on_unread: Told the product and the text of a message that could not be read.
        on_trouble: Told what went wrong without a loss.
        seed: Of the jitter of waits.
        times: Intervals.
    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        clock: Clock,
        products: Iterable[str],
        on_order: Callable[[OrderNotice], None],
        on_fill: Callable[[FillNotice], None],
        on_position: Callable[[PositionNotice], None],
        on_up: Callable[[str], Awaitable[None] | None],
        on_down: Callable[[str, str], None],
        *,
        on_unread: Callable[[str, str], None] = _ignore,
        on_trouble: Callable[[str], None] = _ignore,
        seed: int = 0,
        times: SocketTimes | None = None,
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._clock = clock
        self._on_order = on_order
        self._on_fill = on_fill
        self._on_position = on_position
        self._on_up = on_up
        self._on_down = on_down
        self._on_unread = on_unread
        self._on_trouble = on_trouble
        self._times = times or SocketTimes()
        self._rng = random.Random(seed)  # noqa: S311
        self._nonces = nonces_of(settings.rest_url, credentials.key)
        self._stop = asyncio.Event()
        self._over: asyncio.Event | None = None
        self.unread = 0
        self.sockets = {product: self._socket(product) for product in products}

    async def run(self) -> None:
        """Follow the account until closed or canceled.

        Raises:
            VenueError: if the venue refuses the login.
        """
        self._over = asyncio.Event()
        try:
            await first_of(self._wait(), *(socket.run() for socket in self.sockets.values()))
        finally:
            self._over.set()

    async def aclose(self) -> None:
        """Close all sockets and wait until ``run`` is over."""
        self._stop.set()
        if self._over is not None:
            await self._over.wait()

    @property
    def is_up(self) -> bool:
        """Whether all sockets are logged in and subscribed."""
        return bool(self.sockets) and all(socket.is_up for socket in self.sockets.values())

    def missing(self, product: str) -> tuple[str, ...]:
        """Return the kinds of news that the venue refused in every version, by their latest topic: these have to be asked for by REST."""
        socket = self.sockets[product]
        return tuple(socket.topics.refused) if socket.is_up else ()

    def _socket(self, product: str) -> Socket:
        if product not in _TOPICS:
            raise ConfigError(f"account stream: a product must be 'spot' or 'futures', was {product!r}")
        return Socket(
            f"{self._settings.socket_url}/ws/{product}",
            _TOPICS[product],
            partial(self._take, product),
            login=partial(self._login, f"/ws/{product}"),
            on_up=partial(self._on_up, product),
            on_down=partial(self._on_down, product),
            on_trouble=self._tell,
            on_malformed=partial(self._tell_unread, product),
            times=self._times,
            rng=random.Random(self._rng.getrandbits(64)),  # noqa: S311
        )

    def _login(self, path: str, op: str) -> dict[str, Any]:
        nonce = self._nonces.next(self._clock.now // 1_000_000)
        return login_message(self._credentials.key, self._credentials.secret, path, nonce, op)

    def _take(self, product: str, topic: str, data: msgspec.Raw) -> None:
        reader = next((read for prefix, read in _READERS.items() if topic.startswith(prefix)), None)
        if reader is None:
            return
        try:
            rows = read_rows(data)
        except msgspec.DecodeError as error:
            self._malformed(product, topic, data, error)
            return
        for row in rows:
            try:
                notice = reader(product, topic, row, self._clock.now)
            except (msgspec.DecodeError, ValueError) as error:
                self._malformed(product, topic, row, error)
            else:
                self._hand_on(notice)

    def _hand_on(self, notice: OrderNotice | FillNotice | PositionNotice) -> None:
        if isinstance(notice, OrderNotice):
            self._on_order(notice)
        elif isinstance(notice, FillNotice):
            self._on_fill(notice)
        else:
            self._on_position(notice)

    def _malformed(self, product: str, topic: str, data: msgspec.Raw, error: Exception) -> None:
        text = bytes(data).decode("utf-8", "replace")
        self.sockets[product].malformed(f"{topic}: {error}: {text}")

    def _tell(self, text: str) -> None:
        self._on_trouble(self._credentials.redacted(text))

    def _tell_unread(self, product: str, text: str) -> None:
        self.unread += 1
        self._on_unread(product, self._credentials.redacted(text))

    async def _wait(self) -> None:
        await self._stop.wait()
