"""Tells of order books those who have subscribed to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from hookline.clock import Clock
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.faults import FaultSwitches
from hookline_lmex.emulator.socket_books import Chain, best_level
from hookline_lmex.emulator.socket_connection import Connection
from hookline_lmex.emulator.socket_topics import BookTopic
from hookline_lmex.emulator.wire_numbers import milliseconds

__all__ = ["BookSender"]

_Key = tuple[str, int]


class BookSender:
    """The chains of the books that somebody follows.

    Args:
        exchange: Whose books.
        clock: The time in messages.
        faults: What may go wrong.
        sequence: Numbers of messages begin above it.
    """

    def __init__(self, exchange: Exchange, clock: Clock, faults: FaultSwitches, sequence: int) -> None:
        self._exchange, self._clock, self._faults = exchange, clock, faults
        self._sequence = sequence
        self._chains: dict[_Key, Chain] = {}
        self._best: dict[str, list[Any]] = {}
        self._dirty: set[str] = set()
        self.delay_seconds = 0.0
        """From the exchange to the socket, our time."""

    @property
    def delay(self) -> float:
        """Seconds that market data is late now."""
        slow = self._faults.fires("slow_market_data")
        return self.delay_seconds + (0.0 if slow is None else slow.number / 1000.0)

    def begin(self, one: Connection, topic: BookTopic) -> None:
        """Send what a topic begins with: a snapshot, or the best level."""
        if topic.is_silent:
            return
        if topic.is_best:
            data = best_level(self._exchange.states[topic.symbol], self._now_ms)
        else:
            data = self._chain(topic).snapshot(self._now_ms)
        one.send({"topic": topic.name, "data": data}, topic.name, self.delay)

    def mark(self, symbol: str) -> None:
        """Note that a book has changed."""
        self._dirty.add(symbol)

    def flush(self, connections: Collection[Connection]) -> None:
        """Send what has changed since the last call."""
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, set()
        holders = list(_book_topics(connections))
        for key, chain in self._chains.items():
            if key[0] in dirty and self._exchange.states[key[0]].is_listed:
                self._send_delta(key, chain, holders)
        for symbol in dirty:
            self._send_best(symbol, holders)

    def forget(self, connections: Collection[Connection]) -> None:
        """Stop following books that nobody hears of."""
        held = {(topic.symbol, topic.group) for _, topic in _book_topics(connections) if not topic.is_best}
        for key in self._chains.keys() - held:
            del self._chains[key]

    @property
    def _now_ms(self) -> int:
        return milliseconds(self._clock.now)

    def _chain(self, topic: BookTopic) -> Chain:
        key = topic.symbol, topic.group
        if key not in self._chains:
            self._sequence += 1000
            self._chains[key] = Chain(self._exchange.states[topic.symbol], topic.group, self._sequence)
        return self._chains[key]

    def _send_delta(self, key: _Key, chain: Chain, holders: list[tuple[Connection, BookTopic]]) -> None:
        changes = chain.update()
        if changes is None:
            return
        bids, asks = changes
        name = f"update:{key[0]}_{key[1]}"
        if self._faults.fires("sequence_gaps", name):
            chain.sequence += 1
            return
        crossing = chain.crossing_bid if self._faults.find("crossed_books") else None
        if crossing is not None and self._faults.fires("crossed_books", name):
            bids = [*bids, crossing]
        data, delay = chain.delta(bids, asks, self._now_ms), self.delay
        for one, topic in holders:
            if (topic.symbol, topic.group) == key and not topic.is_best:
                one.send({"topic": topic.name, "data": data}, topic.name, delay)

    def _send_best(self, symbol: str, holders: list[tuple[Connection, BookTopic]]) -> None:
        chosen = [(one, topic) for one, topic in holders if topic.is_best and topic.symbol == symbol]
        if not chosen or not self._exchange.states[symbol].is_listed:
            return
        data = best_level(self._exchange.states[symbol], self._now_ms)
        levels = [data["bids"], data["asks"]]
        if self._best.get(symbol) == levels:
            return
        self._best[symbol] = levels
        for one, topic in chosen:
            one.send({"topic": topic.name, "data": data}, topic.name, self.delay)


def _book_topics(connections: Collection[Connection]) -> Iterator[tuple[Connection, BookTopic]]:
    for one in connections:
        for topic in one.topics.values():
            if isinstance(topic, BookTopic):
                yield one, topic
