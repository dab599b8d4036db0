"""The sockets of an emulated venue: main ones with trades and private topics, and those of the order books.

Rules of this file:

- Main sockets know nothing of books and book sockets nothing else: such a topic is left out of the answer, or an error there.
- A private topic that is subscribed before the login is acknowledged, and silent for ever.
- Subscribing again to a topic of books gives a fresh snapshot. Nothing is ever sent again after a reconnection.
"""

from __future__ import annotations

import asyncio
import hmac
import random
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from hookline.clock import Clock
from hookline.model import BookUpdate, Quote, Trade
from hookline_lmex.emulator.config import EmulatorConfig
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.faults import Fault, FaultSwitches
from hookline_lmex.emulator.records import FillNotice, OrderNotice, PositionNotice
from hookline_lmex.emulator.rest_auth import signature
from hookline_lmex.emulator.socket_book_sender import BookSender
from hookline_lmex.emulator.socket_connection import Connection, encoded
from hookline_lmex.emulator.socket_messages import (
    fill_row,
    notification,
    position_row,
    trade_message,
    trade_row,
)
from hookline_lmex.emulator.socket_topics import (
    BAD_REQUEST,
    TOO_MANY_FAILURES,
    UNKNOWN_OPERATION,
    BookTopic,
    TopicError,
    book_topic,
    is_private,
    trade_topic,
)
from hookline_lmex.emulator.terms import Permission, Product
from hookline_lmex.emulator.wire_numbers import milliseconds

__all__ = ["Sockets"]

_RECENT_TRADES = 50
_SILENT = object()  # a private topic that was subscribed before the login
_PATHS = {
    "/ws/spot": (Product.SPOT, False),
    "/ws/futures": (Product.FUTURES, False),
    "/ws/oss/spot": (Product.SPOT, True),
    "/ws/oss/futures": (Product.FUTURES, True),
}


class Sockets:
    """All sockets of a venue. Listens to the exchange.

    Args:
        exchange: What it tells of.
        clock: The time that it shows.
        faults: What may go wrong.
        config: Habits of the venue.
    """

    def __init__(
        self, exchange: Exchange, clock: Clock, faults: FaultSwitches, config: EmulatorConfig
    ) -> None:
        self._exchange, self._clock, self._faults, self._config = exchange, clock, faults, config
        self._random = random.Random(config.seed)  # noqa: S311  # habits, not secrets
        self._connections: set[Connection] = set()
        self._books = BookSender(exchange, clock, faults, 400_000 + self._random.randrange(100_000))
        self.count = 0
        """How many sockets are open."""
        exchange.listen(self)
        faults.listen(self._on_fault)

    @property
    def routes(self) -> list[web.RouteDef]:
        """The paths of the sockets."""
        return [web.get(path, self._connect) for path in _PATHS]

    def set_data_delay(self, seconds: float) -> None:
        """Send market data so much later, in our time."""
        self._books.delay_seconds = seconds

    def flush(self) -> None:
        """Send what has changed in the books since the last call."""
        self._books.flush(self._connections)

    # -- connections -------------------------------------------------------------------------------------------------------

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if self._faults.find("ban") or self.count >= self._config.sockets.max_connections:
            return web.Response(status=400, text="Bad Request")
        if self._faults.find("maintenance") or self._faults.fires("refuse_sockets", request.path):
            return web.Response(status=503, text="Service Unavailable")
        self.count += 1
        try:
            socket = web.WebSocketResponse(autoping=False, autoclose=False, timeout=1.0)
            await socket.prepare(request)
            await self._serve(request, socket)
        finally:
            self.count -= 1
        return socket

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        product, is_book = _PATHS[request.path]
        one = Connection(request, socket, product, is_book, self._config.sockets, self._faults)
        if self._faults.fires("half_open", request.path):
            one.die()
        stalled = self._faults.find("stall_sockets")
        one.outbox.hold(stalled is not None and stalled.only in one.path)
        if self._config.sockets.greeting:
            one.send_text("connect success")
        self._connections.add(one)
        try:
            await one.serve(self._on_text, self._on_tick)
        finally:
            self._connections.discard(one)
            self._books.forget(self._connections)

    def cut_all(self, only: str = "") -> None:
        """End all connections without a word, or those whose path contains a text."""
        for one in list(self._connections):
            if only in one.path:
                one.cut()

    def _on_fault(self, name: str, fault: Fault | None) -> None:
        for one in list(self._connections):
            if name == "stall_sockets":
                one.outbox.hold(fault is not None and fault.only in one.path)
            elif name == "half_open" and fault is not None and self._faults.fires("half_open", one.path):
                one.die()
            elif name == "maintenance" and fault is not None:
                one.close_after(1001)

    # -- what clients say --------------------------------------------------------------------------------------------------

    def _on_text(self, one: Connection, text: str) -> None:
        try:
            said = msgspec.json.decode(text)
            operation, arguments = said["op"], said.get("args")
        except (msgspec.DecodeError, TypeError, KeyError, AttributeError):
            self._refuse(one, [(text[:80], BAD_REQUEST, "Invalid request")])
            return
        if operation in {"subscribe", "unsubscribe"}:
            if isinstance(arguments, list):  # without arguments there is no answer
                topics = [topic for topic in arguments if isinstance(topic, str)]
                (self._subscribe if operation == "subscribe" else self._unsubscribe)(one, topics)
        elif operation in self._config.sockets.login_operations and not one.is_book:
            one.account = self._login(one, arguments)
            one.send({"event": "login", "success": one.account is not None})
        else:
            self._refuse(one, [(str(operation)[:80], UNKNOWN_OPERATION, "Operation is not supported")])

    def _refuse(self, one: Connection, errors: list[tuple[str, int, str]]) -> None:
        """Tell a book socket what was wrong; a main socket says nothing."""
        if not one.is_book:
            return
        rows = [{"arg": arg, "error": {"code": code, "message": text}} for arg, code, text in errors]
        one.send({"severity": "ERROR", "errors": rows})
        one.failures += len(errors)
        if one.failures > self._config.sockets.max_failures:
            one.send(
                {
                    "severity": "ERROR",
                    "errors": [
                        {
                            "arg": "",
                            "error": {"code": TOO_MANY_FAILURES, "message": "Too many failed requests"},
                        }
                    ],
                }
            )
            one.close_after(1008)

    def _login(self, one: Connection, arguments: Any) -> str | None:
        """Return the label of the account that arguments prove, None if they prove none."""
        if not (isinstance(arguments, list) and len(arguments) == 3):
            return None
        key, nonce, signed = map(str, arguments)
        account = self._exchange.account_of_key(key)
        if account is None or not nonce.isdigit() or Permission.READ not in account.setup.permissions:
            return None
        window = self._config.nonce_window_seconds
        if window is not None and abs(int(nonce) - milliseconds(self._clock.now)) > 1000 * window:
            return None
        expected = signature(account.setup.secret, f"/ws/{one.product}", nonce)
        return account.setup.label if hmac.compare_digest(expected, signed) else None

    def _subscribe(self, one: Connection, topics: list[str]) -> None:
        accepted, errors = [], []
        for topic in topics:
            if not self._has_room(one, topic):
                continue
            try:
                meaning = self._meaning(one, topic)
            except TopicError as error:
                errors.append((topic, error.code, str(error)))
                continue
            if meaning is not None:
                one.topics[topic] = meaning
                accepted.append(topic)
        if errors:
            self._refuse(one, errors)
        if accepted or not one.is_book:
            self._welcome(one, accepted)

    def _has_room(self, one: Connection, topic: str) -> bool:
        config = self._config.sockets
        if topic.startswith(tuple(config.refused_topics)):
            return False
        return topic in one.topics or len(one.topics) < config.max_topics

    def _meaning(self, one: Connection, topic: str) -> Any:
        """Return what a topic means here, None for one that is left out.

        Raises:
            TopicError: if a book socket refuses it.
        """
        states = self._exchange.states
        symbols = [name for name in states if self._exchange.state(name, one.product) is not None]
        if one.is_book:
            return book_topic(one.product, topic, symbols)
        if is_private(one.product, topic):
            return _SILENT if one.account is None else one.account
        return trade_topic(one.product, topic, symbols)

    def _welcome(self, one: Connection, accepted: list[str]) -> None:
        """Acknowledge topics, in any order, and send what each begins with; on book sockets that may come first."""
        shown = list(accepted)
        self._random.shuffle(shown)
        data_first = one.is_book and self._random.random() < 0.5
        if not data_first:
            one.send({"event": "subscribe", "channel": shown})
        for topic in accepted:
            self._begin(one, topic)
        if data_first:
            one.send({"event": "subscribe", "channel": shown})

    def _unsubscribe(self, one: Connection, topics: list[str]) -> None:
        for topic in topics:
            one.topics.pop(topic, None)
        one.send({"event": "unsubscribe", "channel": topics})
        self._books.forget(self._connections)

    def _begin(self, one: Connection, topic: str) -> None:
        meaning = one.topics[topic]
        if isinstance(meaning, BookTopic):
            self._books.begin(one, meaning)
        elif topic.startswith("allPosition"):
            self._send_positions(one)
        elif topic.startswith("tradeHistoryApi") and one.product is Product.SPOT:
            trades = self._exchange.recent_trades(meaning, _RECENT_TRADES)
            instrument = self._exchange.states[meaning].setup.instrument
            rows = [trade_row(instrument, trade, number) for trade, number in trades]
            if rows:
                one.send(trade_message(topic, rows), topic, self._books.delay)

    # -- what the exchange says ----------------------------------------------------------------------------------------------

    def book(self, symbol: str, update: BookUpdate) -> None:
        """Hear of new quantities at price levels."""
        del update  # the exchange's own book has it when it is flushed
        self._books.mark(symbol)

    def quote(self, symbol: str, quote: Quote) -> None:
        """Hear of a new best bid and ask."""
        del quote
        self._books.mark(symbol)

    def trade(self, symbol: str, trade: Trade, trade_id: int) -> None:
        """Send a public trade to all who follow its market."""
        holders = [
            (one, topic)
            for one in self._connections
            for topic, meaning in one.topics.items()
            if meaning == symbol and not one.is_book and topic.startswith("tradeHistoryApi")
        ]
        state = self._exchange.states[symbol]
        if not holders or not state.is_listed:
            return
        row, delay = trade_row(state.setup.instrument, trade, trade_id), self._books.delay
        texts = {topic: encoded(trade_message(topic, [row])) for _, topic in holders}
        for one, topic in holders:
            one.send_text(texts[topic], topic, delay)

    def order(self, account: str, notice: OrderNotice) -> None:
        """Send one step of an order to its owner."""
        config = self._config.sockets
        for one, topic in self._private(account, notice.product, "notificationApi"):
            message = notification(
                topic,
                notice,
                as_list=config.spot_notification_is_list,
                mode_side=config.spot_side_is_mode,
            )
            one.send(self._odd(message), topic, self._disorder(topic))

    def fill(self, account: str, notice: FillNotice) -> None:
        """Send an execution to its owner."""
        for one, topic in self._private(account, notice.product, "fills"):
            text = encoded(self._odd({"topic": topic, "id": "", "data": [fill_row(notice)]}))
            delay = self._disorder(topic)
            one.send_text(text, topic, delay)
            again = self._faults.fires("duplicate_fills", topic)
            if again is not None:
                one.send_text(text, topic, delay + again.number / 1000.0)

    def position(self, account: str, notice: PositionNotice) -> None:
        """Send a changed position to its owner, and soon after all of them to those who want all."""
        for one, topic in self._private(account, Product.FUTURES, "positions"):
            one.send(self._odd({"topic": topic, "data": [self._position_row(notice)]}), topic)
        for one in {one for one, _ in self._private(account, Product.FUTURES, "allPosition")}:
            asyncio.get_running_loop().call_soon(self._send_positions, one)

    def _position_row(self, notice: PositionNotice) -> dict[str, Any]:
        return position_row(notice, self._config.futures_fees.taker_bps / 1e4)

    def _odd(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message, now and then with a field that nobody has documented."""
        if not self._config.quirks or self._random.random() >= 0.25:
            return message
        strange, data = {"fieldOfLaterDate": {"nested": [1, None]}}, message["data"]
        odd = [row | strange for row in data] if isinstance(data, list) else data | strange
        return message | {"data": odd} | strange

    def _disorder(self, topic: str) -> float:
        fault = self._faults.fires("reorder_fills", topic)
        return 0.0 if fault is None else self._faults.draw(fault.number) / 1000.0

    def _private(self, account: str, product: Product, name: str) -> Iterator[tuple[Connection, str]]:
        for one in self._connections:
            if one.account == account and one.product is product and not one.is_book:
                for topic, meaning in one.topics.items():
                    if meaning == account and topic.startswith(name) and is_private(product, topic):
                        yield one, topic

    def _send_positions(self, one: Connection) -> None:
        """Send all positions of a connection's account, where it wants them."""
        one.positions_sent = asyncio.get_running_loop().time()
        topics = [
            topic
            for topic, meaning in one.topics.items()
            if topic.startswith("allPosition") and meaning == one.account
        ]
        if one.account is None or not topics:
            return
        rows = [self._position_row(notice) for notice in self._exchange.positions(one.account)]
        for topic in topics:
            one.send({"topic": topic, "data": rows}, topic)

    def _on_tick(self, one: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if not one.is_book and now - one.positions_sent > self._config.sockets.positions_seconds:
            self._send_positions(one)
