"""An emulated venue on this machine: REST and sockets on 127.0.0.1, for tests in process and rehearsals of live trading."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

from hookline.clock import isoformat, stopwatch
from hookline.errors import VenueError
from hookline.feed import Feed
from hookline_lmex.emulator.admin import Admin
from hookline_lmex.emulator.config import AccountConfig, EmulatorConfig
from hookline_lmex.emulator.exchange import Exchange
from hookline_lmex.emulator.fault_schedule import FaultSchedule
from hookline_lmex.emulator.faults import Fault, FaultSwitches
from hookline_lmex.emulator.journeys import Journeys
from hookline_lmex.emulator.market_data import load_market_data
from hookline_lmex.emulator.pacing import Pacer
from hookline_lmex.emulator.request_faults import RequestFaults
from hookline_lmex.emulator.rest import RestInterface
from hookline_lmex.emulator.rest_auth import Gate
from hookline_lmex.emulator.sockets import Sockets
from hookline_lmex.emulator.terms import AccountSetup
from hookline_lmex.emulator.venue_clock import SkewedClock, VenueClock

__all__ = ["Emulator"]

_HOST = "127.0.0.1"
_TICK_SECONDS = 0.02


class Emulator:
    """A venue that speaks the wire protocol of LMEX.

    In a test::

        async with Emulator(EmulatorConfig(markets=[...], speed=None)) as emulator:
            await emulator.step()
            ...

    Attributes:
        config: What it was made from.
        clock: The venue's time.
        shown_clock: The time that it tells its clients, which a fault may skew.
        exchange: Markets and accounts.
        faults: What goes wrong.
        sockets: The sockets.
        rest: The REST interface.

    Args:
        config: What it serves and how it behaves.
        feeds: Feeds made in Python, by the name under which the configuration uses them.

    Raises:
        ConfigError: if the configuration contradicts itself.
        DataError: if the feeds have no data, or none that can be trusted.
        PluginError: if there is no such feed.
    """

    def __init__(self, config: EmulatorConfig | None = None, feeds: Mapping[str, Feed] | None = None) -> None:
        self.config = config = config or EmulatorConfig()
        data = load_market_data(config, feeds)
        self.clock = VenueClock(data.start, None)
        self.shown_clock = SkewedClock(self.clock)
        options = replace(config.exchange, seed=config.seed, unknown_fields=config.quirks)
        self.exchange = Exchange(data.setups, [_account(one) for one in config.accounts], self.clock, options)
        self.faults = FaultSwitches(config.seed)
        self.faults.listen(self._on_fault)
        self.sockets = Sockets(self.exchange, self.shown_clock, self.faults, config)
        self._requests = RequestFaults(self.faults, self.clock, self.shown_clock, config.order_latency_ms)
        gate = Gate(
            self.exchange,
            self.shown_clock,
            window_seconds=config.nonce_window_seconds,
            strictly_increasing=config.nonce_must_rise,
        )
        self.rest = RestInterface(
            self.exchange, gate=gate, shown_clock=self.shown_clock, rules=config.limits, limit_timer=stopwatch
        )
        groups = data.groups(loop=config.at_end == "loop")
        self.pacer = Pacer(self.exchange, groups, self.clock, self.sockets.flush)
        self._schedules: list[tuple[FaultSchedule, Literal["wall", "venue"], float]] = []
        self._dropped = 0.0
        self._delisted: str | None = None
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._port = 0

    # -- life --------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the port and let the clock run.

        Raises:
            VenueError: if the port is taken.
        """
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self.config.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise VenueError(
                f"emulator: cannot listen on port {self.config.port}: {error.strerror}"
            ) from error
        self._port = self._runner.addresses[0][1]
        for fault in self.config.start_faults():
            self.faults.put(fault)
        self.set_speed(self.config.speed)
        self._tasks = [asyncio.create_task(self.pacer.run()), asyncio.create_task(self._watch_faults())]

    async def stop(self) -> None:
        """Cut the sockets, close the port and let nothing run on."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.sockets.cut_all()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def failed(self) -> None:
        """Wait until something of the emulator itself breaks, and raise that."""
        await asyncio.gather(*self._tasks)

    def _application(self) -> web.Application:
        requests = self._requests

        @web.middleware
        async def disturbed(request: web.Request, handler: Any) -> web.StreamResponse:
            return await requests(request, handler)

        application = web.Application(middlewares=[disturbed])
        application.add_routes(Admin(self).routes)
        application.add_routes(self.sockets.routes)
        application.add_routes(self.rest.routes)
        return application

    @property
    def journeys(self) -> Journeys:
        """What is on its way while the clock stands."""
        return self._requests.journeys

    @property
    def rest_url(self) -> str:
        """Where REST is: ``http://127.0.0.1:PORT``."""
        return f"http://{_HOST}:{self._port}"

    @property
    def socket_url(self) -> str:
        """Where the sockets are: ``ws://127.0.0.1:PORT``."""
        return f"ws://{_HOST}:{self._port}"

    # -- time --------------------------------------------------------------------------------------------------------------

    async def step(self, events: int = 1) -> int:
        """Play the next events at once, and let what comes of them go out; return how many there were.

        Orders that ``order_latency_ms`` keeps on their way arrive between the events, at their times.
        """
        played = 0
        while played < events:
            await self._let_arrive()
            if not self.play_next():
                break
            played += 1
            await asyncio.sleep(0)
        return played

    async def _let_arrive(self) -> None:
        """Let arrive what comes before the next event."""
        journeys, event = self.journeys, self.pacer.next_time
        while (due := journeys.next_arrival) is not None and (event is None or due < event):
            await journeys.arrive()
            await asyncio.sleep(0)

    def play_next(self) -> bool:
        """Play the next event, or the bars that end together, at once; return whether there was one."""
        played = self.pacer.step()
        self._follow_schedules()
        return played

    def set_speed(self, speed: float | None) -> None:
        """Let the venue's time run so many times as fast as ours; None for a clock that stands."""
        self.pacer.set_speed(speed)
        if speed is not None:
            self.journeys.hurry()
        self.sockets.set_data_delay(self.config.data_latency_ms / 1000.0 / speed if speed else 0.0)

    # -- faults ------------------------------------------------------------------------------------------------------------

    def follow(self, schedule: FaultSchedule, by: Literal["wall", "venue"] = "wall") -> None:
        """Let the faults of a schedule happen from now on, by our time or the venue's."""
        self._schedules.append((schedule, by, self._seconds(by)))

    def _seconds(self, by: Literal["wall", "venue"]) -> float:
        return stopwatch() if by == "wall" else self.clock.now / 1e9

    async def _watch_faults(self) -> None:
        """Begin, repeat and end faults at their times."""
        while True:
            self._follow_schedules()
            fault = self.faults.find("drop_sockets")
            if fault is not None and stopwatch() - self._dropped >= fault.number:
                self._drop()
            await asyncio.sleep(_TICK_SECONDS)

    def _follow_schedules(self) -> None:
        for schedule, by, since in self._schedules:
            timer = partial(self._seconds, by)
            schedule.apply(self.faults, timer() - since, timer)
        self.faults.expire()

    def _drop(self) -> None:
        self._dropped = stopwatch()
        fault = self.faults.find("drop_sockets")
        if fault is not None and self.faults.fires("drop_sockets", fault.only):
            self.sockets.cut_all(fault.only)
        if fault is not None and fault.value is None:
            self.faults.clear("drop_sockets")

    def _on_fault(self, name: str, fault: Fault | None) -> None:
        if name == "clock_skew":
            self.shown_clock.skew_ms = 0.0 if fault is None else fault.number
        elif name == "drop_sockets" and fault is not None:
            self._dropped = 0.0
        elif name == "delist":
            self._delist(None if fault is None else str(fault.value))

    def _delist(self, symbol: str | None) -> None:
        if self._delisted is not None:
            self.exchange.set_listed(self._delisted, listed=True)
        self._delisted = symbol if symbol in self.exchange.states else None
        if self._delisted is not None:
            self.exchange.set_listed(self._delisted, listed=False)

    # -- looking -----------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return how things are, as values that JSON can hold; no secret is among them."""
        due = self.pacer.next_time
        return {
            "time": isoformat(self.clock.now),
            "speed": self.clock.speed,
            "next_event": None if due is None else isoformat(due),
            "events_played": self.pacer.handled,
            "requests": self._requests.requests,
            "sockets": self.sockets.count,
            "markets": {
                symbol: {
                    "product": str(state.product),
                    "listed": state.is_listed,
                    "last": state.last if state.last == state.last else None,
                    "tape": sorted(state.setup.tape),
                }
                for symbol, state in self.exchange.states.items()
            },
            "accounts": [one.label for one in self.config.accounts],
            "faults": self.faults.state(),
        }


def _account(config: AccountConfig) -> AccountSetup:
    return AccountSetup(
        config.label,
        config.key,
        config.secret,
        spot=config.spot_cash,
        futures=config.cash,
        permissions=frozenset(config.permissions),
    )
