"""A venue in a process of its own: the emulator for orders and accounts, and market data at a steady rate from prepared books.

It prints one line of JSON, where it listens and the key of its account, and runs until it is told to end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from hookline_lmex.emulator import Emulator
from hookline_lmex.emulator.config import default_config

_DEPTH = 40  # levels on each side of a book
_TRADES = 0.1  # of all events
_BEAT_SECONDS = 0.001


class Market:
    """One market as the sockets tell it: a book around a price that stands still, and trades."""

    def __init__(self, symbol: str, tick: float, price: float, rng: random.Random) -> None:
        self.symbol = symbol
        self._tick, self._middle, self._rng = tick, round(price / tick), rng
        self._places = max(0, len(f"{tick:.10f}".rstrip("0").partition(".")[2]))
        self._sequence, self._trade = 1000, 0

    def snapshot(self) -> str:
        bids = [self._level(-ticks) for ticks in range(1, _DEPTH + 1)]
        asks = [self._level(ticks) for ticks in range(1, _DEPTH + 1)]
        return self._book("snapshot", bids, asks)

    def delta(self) -> str:
        self._sequence += 1
        levels = [self._level(self._rng.randint(1, _DEPTH)) for _ in range(self._rng.randint(1, 3))]
        bids = [self._level(-self._rng.randint(1, _DEPTH))] if self._rng.random() < 0.5 else []
        return self._book("delta", bids, levels)

    def trade(self) -> str:
        self._trade += 1
        row = {
            "symbol": self.symbol,
            "side": self._rng.choice(("BUY", "SELL")),
            "size": self._rng.randint(1, 50),
            "price": self._middle * self._tick,
            "tradeId": self._trade,
            "timestamp": time.time_ns() // 1_000_000,
        }
        return json.dumps({"topic": f"tradeHistoryApiV3:{self.symbol}", "data": [row]})

    def _level(self, ticks: int) -> list[str]:
        return [f"{(self._middle + ticks) * self._tick:.{self._places}f}", str(self._rng.randint(1, 900))]

    def _book(self, kind: str, bids: list[list[str]], asks: list[list[str]]) -> str:
        data = {
            "bids": bids,
            "asks": asks,
            "seqNum": self._sequence,
            "prevSeqNum": self._sequence - 1,
            "type": kind,
            "timestamp": time.time_ns() // 1_000_000,
            "symbol": self.symbol,
        }
        return json.dumps({"topic": f"update:{self.symbol}_0", "data": data})


class Firehose:
    """Sockets with books and trades of some markets, so many messages a second all told."""

    def __init__(self, markets: list[Market], rate: float, rng: random.Random) -> None:
        self._markets = {one.symbol: one for one in markets}
        self._rate, self._rng = rate, rng
        self._held: list[tuple[web.WebSocketResponse, Callable[[], str], bool]] = []
        self.sent = 0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data != "ping":
                await self._answer(socket, json.loads(message.data))
            elif message.type is WSMsgType.TEXT:
                await socket.send_str("pong")
        self._held = [one for one in self._held if one[0] is not socket]
        return socket

    async def _answer(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        topics = said.get("args", [])
        await socket.send_str(json.dumps({"event": said["op"], "channel": topics}))
        for topic in topics if said["op"] == "subscribe" else ():
            name, _, rest = topic.partition(":")
            market = self._markets[rest.removesuffix("_0")]
            if name == "update":
                await socket.send_str(market.snapshot())
                self._held.append((socket, market.delta, False))
            else:
                self._held.append((socket, market.trade, True))

    async def run(self) -> None:
        began, due = time.perf_counter(), 0.0
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            books = [one for one in self._held if not one[2]]
            trades = [one for one in self._held if one[2]]
            now = time.perf_counter()
            due, began = due + (now - began) * self._rate, now
            if not books or not trades:
                due = 0.0
            while due >= 1.0:
                socket, made, _ = self._rng.choice(trades if self._rng.random() < _TRADES else books)
                if not socket.closed:
                    await socket.send_str(made())
                self.sent, due = self.sent + 1, due - 1.0


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="market events a second")
    arguments = parser.parse_args()
    rng, stopped = random.Random(1), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Emulator(default_config(port=0)) as emulator:
        states = emulator.exchange.states
        markets = [
            Market(symbol, float(one.setup.instrument.tick_size), one.last, rng)
            for symbol, one in states.items()
        ]
        firehose = Firehose(markets, arguments.rate, rng)
        application = web.Application()
        application.router.add_get("/ws/{path:.*}", firehose.serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        account = emulator.config.accounts[0]
        said = {
            "rest_url": emulator.rest_url,
            "socket_url": emulator.socket_url,
            "data_url": f"ws://127.0.0.1:{runner.addresses[0][1]}",
            "key": account.key,
            "secret": account.secret,
        }
        print(json.dumps(said), flush=True)
        sending = asyncio.create_task(firehose.run())
        await stopped.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
