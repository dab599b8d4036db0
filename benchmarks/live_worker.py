"""Run a live session once, in a process of its own, and print how long its orders took, as JSON.

What is measured, with ``perf_counter``, for each order that a strategy decides on:

- ``gate``: from the moment in which the strategy's ``on_book`` is entered to the end of the callback: sizing, risk rules, the order.
- ``journal``: from there until the event is in the journal and the broker may send.
- ``task``: from there to the moment in which the broker's task begins to make the request: the event loop's queue.
- ``sign``: from there until the body is encoded and the headers are signed.
- ``http``: until the transport's ``write`` is called with the body: the HTTP client and once more the event loop.
- ``write``: that call, in which the operating system takes the bytes.
- ``total``: from entering ``on_book`` to the return of that call.
- ``cpu``: the processor time that the session itself used meanwhile. What ``total`` has beyond it is waiting: for the disk, and on a
  busy machine for other processes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import sys
import tempfile
import time
from asyncio import selector_events
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hookline import Context, OrderBook, Strategy, Trade
from hookline.feed import BarRequest
from hookline.journal import Journal
from hookline.model import MarketData
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline_lmex.broker import LmexBroker
from hookline_lmex.broker_sending import Sender
from hookline_lmex.feed import LmexFeed
from hookline_lmex.http import Transport

SYMBOLS = ("BTC-PERP", "ETH-PERP", "BTC-USDT")
_QUANTITY = {"BTC-PERP": 0.001, "ETH-PERP": 0.02}
_WARM_UP = 40  # first orders that are not counted: connections are made, code is warmed
_CLIENT_ID = re.compile(rb'"clOrderID":\s*"([^"]+)"')
_clock = time.perf_counter


@dataclass
class Times:
    """Moments of one order."""

    decided: float = 0.0
    done: float = 0.0
    committed: float = 0.0
    begun: float = 0.0
    signed: float = 0.0
    writing: float = 0.0
    written: float = 0.0
    cpu_before: float = 0.0
    cpu: float = 0.0

    def parts(self) -> dict[str, float]:
        return {
            "gate": self.done - self.decided,
            "journal": self.committed - self.done,
            "task": self.begun - self.committed,
            "sign": self.signed - self.begun,
            "http": self.writing - self.signed,
            "write": self.written - self.writing,
            "total": self.written - self.decided,
            "cpu": self.cpu,
        }


@dataclass
class Decider(Strategy):
    """Buy and sell by turns, so many orders a second."""

    name: ClassVar[str] = "decider"

    rate: float = 20.0
    orders: int = 2000
    probe: Any = None
    sides: dict[str, int] = field(default_factory=dict)

    def on_start(self, ctx: Context) -> None:
        self._next = self._left = 0.0
        self._sent = 0

    def on_book(self, ctx: Context, book: OrderBook) -> None:
        now = _clock()
        self.probe.events += 1
        if now < self._next or book.symbol not in _QUANTITY:
            return
        if self._sent == self.orders:
            self.probe.finish()
            return
        cpu = self.probe.cpu()
        self._next, self._sent = max(self._next + 1.0 / self.rate, now - 0.5), self._sent + 1
        side = self.sides[book.symbol] = -self.sides.get(book.symbol, -1)
        submit = ctx.buy if side > 0 else ctx.sell
        order = submit(book.symbol, _QUANTITY[book.symbol])
        self.probe.decided(order, now, cpu)

    def on_trade(self, ctx: Context, trade: Trade) -> None:
        self.probe.events += 1


class Probe:
    """Takes the moments down; what it wraps does the same as before."""

    def __init__(self, wants_cpu: bool) -> None:
        self.wants_cpu = wants_cpu
        self.events = 0
        self.times: dict[int, Times] = {}
        self.commits: list[float] = []
        self.pauses: list[float] = []
        self.began = self.ended = 0.0
        self.events_before = self.events_after = 0
        self.cpu_before = self.cpu_after = 0.0
        self.session: Session | None = None
        self._fresh: deque[Times] = deque()
        self._ids: dict[bytes, int] = {}
        self._gc_began = 0.0

    def decided(self, order: Any, entered: float, cpu: float) -> None:
        now = _clock()
        times = self.times[order.number] = Times(entered, now, cpu_before=cpu)
        self._fresh.append(times)
        if len(self.times) == _WARM_UP:
            self.began, self.events_before, self.cpu_before = now, self.events, time.process_time()

    def finish(self) -> None:
        if not self.ended:
            self.ended, self.events_after, self.cpu_after = _clock(), self.events, time.process_time()
            assert self.session is not None
            assert self.session._watch is not None  # noqa: SLF001
            assert self.session._watch.end is not None  # noqa: SLF001
            self.session._watch.end()  # noqa: SLF001

    def cpu(self) -> float:
        """Return the processor time used, 0 unless it is wanted: asking takes a tenth of a millisecond on some machines."""
        return time.thread_time() if self.wants_cpu else 0.0

    def attach(self) -> None:
        self._watch_commits()
        self._watch_sending()
        self._watch_writes()
        gc.callbacks.append(self._collected)

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began = _clock()
        else:
            self.pauses.append(_clock() - self._gc_began)

    def _watch_commits(self) -> None:
        probe, commit, flush = self, Journal.commit, LmexBroker.flush

        def timed(self: Journal, *args: Any, **options: Any) -> int:
            began = _clock()
            number = commit(self, *args, **options)
            probe.commits.append(_clock() - began)
            return number

        def flushed(self: LmexBroker) -> None:
            now = _clock()
            while probe._fresh:
                probe._fresh.popleft().committed = now
            flush(self)

        Journal.commit, LmexBroker.flush = timed, flushed  # type: ignore[method-assign]

    def _watch_sending(self) -> None:
        probe, outcome, headers = self, Sender._outcome, Transport._headers  # noqa: SLF001

        async def begun(self: Sender, track: Any, action: Any) -> Any:
            times = probe.times.get(track.order.number)
            if times is not None and not times.begun:
                times.begun = _clock()
                probe._ids[track.client_id.encode()] = track.order.number
            return await outcome(self, track, action)

        def signed(self: Transport, endpoint: Any, content: bytes) -> dict[str, str]:
            made = headers(self, endpoint, content)
            times = probe._of(content)
            if times is not None:
                times.signed = _clock()
            return made

        Sender._outcome, Transport._headers = begun, signed  # type: ignore[method-assign]  # noqa: SLF001

    def _of(self, content: Any) -> Times | None:
        found = _CLIENT_ID.search(content) if b"clOrderID" in content else None
        number = None if found is None else self._ids.get(found[1])
        return None if number is None else self.times[number]

    def _watch_writes(self) -> None:
        probe, transport = self, selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # noqa: SLF001
        write = transport.write

        def timed(self: Any, content: Any) -> None:
            began = _clock()
            write(self, content)
            times = probe._of(content)
            if times is not None and not times.written:
                times.writing, times.written = began, _clock()
                times.cpu = probe.cpu() - times.cpu_before

        transport.write = timed

    def report(self) -> dict[str, Any]:
        counted = [one.parts() for one in list(self.times.values())[_WARM_UP:] if one.written]
        seconds = self.ended - self.began
        return {
            "orders": len(counted),
            "parts": {name: [one[name] for one in counted] for name in counted[0]},
            "events_per_second": (self.events_after - self.events_before) / seconds,
            "commits": self.commits,
            "pauses": self.pauses,
            "seconds": seconds,
            "busy": (self.cpu_after - self.cpu_before) / seconds,
        }


def plan(venue: dict[str, str], folder: Path, durable: bool, decider: Decider) -> Plan:
    feed = LmexFeed(rest_url=venue["rest_url"], socket_url=venue["data_url"])
    broker = LmexBroker(
        rest_url=venue["rest_url"],
        socket_url=venue["socket_url"],
        key_env="BENCH_KEY",
        secret_env="BENCH_SECRET",
    )
    instruments = {symbol: feed.instrument(symbol) for symbol in SYMBOLS}
    kinds = frozenset({MarketData.BOOK, MarketData.TRADES})
    return Plan(
        name="latency", mode="live", currency="USDT", seed=1, timeframe="1m", feed=feed, broker=broker,
        requests=[BarRequest(symbol, "1m") for symbol in SYMBOLS], instruments=instruments,
        seats=[Seat("decider", "decider", decider, SYMBOLS, 50_000.0)],
        tapes=dict.fromkeys(SYMBOLS, kinds), journal=JournalPlan(folder / "journal", durable=durable), on_stop="flatten",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--decisions", type=float, default=20.0)
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--profile", type=Path)
    arguments = parser.parse_args()
    venue = json.load(sys.stdin)
    os.environ.update(BENCH_KEY=venue["key"], BENCH_SECRET=venue["secret"])
    probe = Probe(arguments.cpu)
    probe.attach()
    decider = Decider(arguments.decisions, arguments.orders + _WARM_UP, probe)
    with tempfile.TemporaryDirectory(dir=os.environ.get("HOOKLINE_BENCH_DIR")) as name:
        session = probe.session = Session(plan(venue, Path(name), arguments.durable, decider))
        if arguments.profile is not None:
            import cProfile

            with cProfile.Profile() as profile:
                session.run()
            profile.dump_stats(arguments.profile)
        else:
            session.run()
    json.dump(probe.report(), sys.stdout)


if __name__ == "__main__":
    asyncio.set_event_loop_policy(None)
    main()
