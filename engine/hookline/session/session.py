"""A session: one run from a plan to a result."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hookline.clock import EventClock, SteadyClock, isoformat, stopwatch
from hookline.errors import ConfigError, DataError
from hookline.feed import BarRequest, TapeRequest
from hookline.kernel.context import Context
from hookline.kernel.kernel import Kernel
from hookline.kernel.observing import Observing
from hookline.kernel.runner import EventRunner, Runner
from hookline.kernel.signal_runner import SignalRunner
from hookline.kernel.state import restore_kernel, restore_strategies
from hookline.model import BarSeries, Fill, MarketEvent, Order, OrderStatus, OrderUpdate, timeframe_ns
from hookline.notifier import Level
from hookline.reporting.record import RunRecord
from hookline.session.backtest import Progress, run_backtest
from hookline.session.feeding import load_bars, load_tape, stream_events
from hookline.session.plan import Plan, Seat
from hookline.signals import SignalStrategy

if TYPE_CHECKING:
    from hookline.observers import Observers
    from hookline.reporting.result import Result
    from hookline.session.config import SessionConfig
    from hookline.session.live import Confirm
    from hookline.session.streaming import StreamDriver
    from hookline.session.watching import SessionWatch

__all__ = ["Session"]

_logger = logging.getLogger("hookline.session")


class Session:
    """Runs strategies on a feed against a broker.

    A mode is a combination: ``backtest`` runs whole columns of history, ``paper`` streams the feed event by event with simulated
    fills, ``live`` streams it and sends orders to a venue; all go through the same kernel.
    """

    def __init__(self, plan: Plan) -> None:
        from hookline.observers import Observers

        self.plan = plan
        self.name = plan.name
        self.on_stop = plan.on_stop
        self.observers = Observers(plan.modules, plan.notifiers, plan.name)
        self._watch: SessionWatch | None = None
        self._runners: dict[str, Runner] = {}
        follows = plan.feed.is_live and plan.mode != "backtest"
        self.kernel = Kernel(
            SteadyClock() if follows else EventClock(),
            plan.broker,
            plan.instruments,
            {seat.id: seat.cash for seat in plan.seats},
            plan.rules,
            _Listening(self, self.observers),
            plan.funding,
            plan.marks,
            plan.purses(),
            flatten_on_halt=plan.flatten_on_halt,
        )

    @classmethod
    def from_config(cls, config: SessionConfig, *, accept_changes: bool = False) -> Session:
        """Build the session that a configuration describes.

        Args:
            config: What to run.
            accept_changes: Go on with a journal that was begun with another configuration.

        Raises:
            ConfigError: if a parameter breaks its rule.
            PluginError: if a plugin is missing or broken.
            DataError: if the data is missing or cannot be trusted.
        """
        from hookline.session.assembly import assemble

        plan = assemble(config)
        if plan.journal is not None:
            plan = replace(plan, journal=replace(plan.journal, accept_changes=accept_changes))
        return cls(plan)

    def run(self, progress: Progress | None = None, confirm: Confirm | None = None) -> Result:
        """Run to the end of the data, or to an interrupt, and return the result.

        Args:
            progress: Called now and then with the fraction done and the time reached (nanoseconds UTC).
            confirm: Live, asked before anything is sent; None trades without asking.

        Raises:
            ConfigError: live, if the session needs a passport and has none that holds.
            DataError: if the data is missing or cannot be trusted.
            StrategyError: if a strategy raises.
            VenueError: live, if the venue cannot be reached or the account contradicts the session.
        """
        from hookline.reporting.result import Result

        if self.plan.live.require_passport and self.plan.broker.is_live:
            from hookline.research.passport.policy import require_passport

            require_passport(self.plan)
        began = stopwatch()
        try:
            series, interrupted = (
                self._backtest(progress) if self.plan.mode == "backtest" else self._stream(progress, confirm)
            )
        except Exception as error:
            if self._watch is not None:
                self._watch.abandon(error)
            raise
        self.plan.broker.finish()
        seconds = stopwatch() - began
        if self._watch is None or self._watch.keeper is None:
            record = self._record(series, interrupted, seconds)
        else:
            record = self._watch.finish(interrupted, seconds)
        result = Result(record)
        if self.plan.mode == "backtest":
            from hookline.research.ledger.counting import count_run

            count_run(self.plan, result)
        self.observers.session_finished(self, result)
        return result

    def _backtest(self, progress: Progress | None) -> tuple[list[BarSeries], bool]:
        plan = self.plan
        series = [plan.loaded.get(request) or load_bars(plan.feed, request) for request in plan.requests]
        shown = [one.between(plan.begin, None) for one in series]
        if not any(len(one) for one in shown):
            raise DataError(f"{plan.name}: no bars from {isoformat(plan.begin or 0)} on")
        self._start(min(int(one.start[0]) for one in shown if len(one)))
        tapes = [load_tape(plan.feed, request) for request in self._tape_requests()]
        if tapes and plan.begin is not None:
            raise ConfigError(f"{plan.name}: a run that follows a tape must begin with the tape")
        interrupted = run_backtest(self.kernel, series, plan.external, progress, tapes, plan.begin)
        series = shown
        if interrupted:
            seen = self.kernel.clock.now
            series = [one.between(None, seen - one.duration + 1) for one in series]
        self.kernel.stop()
        return series, interrupted

    def _stream(self, progress: Progress | None, confirm: Confirm | None) -> tuple[list[BarSeries], bool]:
        # Here, because a backtest needs none of it: neither sockets nor a database.
        import asyncio

        from hookline.session.recorder import BarRecorder
        from hookline.session.streaming import StreamDriver
        from hookline.session.watching import SessionWatch

        plan = self.plan
        recorder = BarRecorder(plan.timeframe, plan.requests, progress)
        self._watch = watch = SessionWatch(self, recorder)
        rules = replace(plan.stream, is_live=plan.feed.is_live)
        clock = plan.feed.clock
        driver = StreamDriver(self.kernel, plan.timeframe, plan.external, self._start, rules, watch, clock)
        watch.end = driver.end
        if confirm is not None and plan.broker.is_live:
            asyncio.run(self._ask(confirm, self._warmup(clock.now)))
        if plan.feed.is_live:
            with _short_pauses():
                interrupted = asyncio.run(self._follow(driver, watch, self._warmup(clock.now)))
        else:
            interrupted = self._replay(driver, watch)
        return recorder.series(), interrupted

    def _replay(self, driver: StreamDriver, watch: SessionWatch) -> bool:
        """Run a stream of history, from where the journal ends."""
        import asyncio

        from hookline.journal.bars import all_bars
        from hookline.session.watching import past_tapes, resumed_requests

        plan = self.plan
        requests: list[BarRequest | TapeRequest] = [*plan.requests, *self._tape_requests()]
        past = watch.past
        if past is not None:
            assert watch.keeper is not None, "without a journal there is no past"
            _logger.info("%s: goes on at %s, where its journal ends", self.name, isoformat(past.time))
            requests = resumed_requests(requests, past)
            driver.resume(all_bars(watch.keeper.path), past_tapes(past))
            watch.taken_over()
        try:
            interrupted = bool(requests) and asyncio.run(_run(driver, stream_events(plan.feed, requests)))
        except DataError as error:
            if past is None or driver.has_begun:
                raise
            _logger.warning("%s: the feed has nothing new: %s", self.name, error)
            interrupted = False
        if not self.kernel.clock.now:
            raise DataError(f"feed {plan.feed.name!r}: sent no bar")
        if self.on_stop != "keep":
            self.kernel.withdraw("the session stops", flatten=self.on_stop == "flatten")
        self.kernel.stop()
        return interrupted

    async def _ask(self, confirm: Confirm, history: Sequence[BarSeries]) -> None:
        """Let a person look at the account before anything is begun."""
        from hookline.session.confirming import consent

        prices = {one.symbol: float(one.close[-1]) for one in history}
        await consent(partial(confirm, await self.plan.broker.venue_account(), prices))

    async def _follow(self, driver: StreamDriver, watch: SessionWatch, warmup: Sequence[BarSeries]) -> bool:
        """Follow a market as it moves: indicators are warmed up with what was, strategies see what comes."""
        plan = self.plan
        now = plan.feed.clock.now
        if watch.past is not None:
            _logger.info("%s: goes on; its journal ends at %s", self.name, isoformat(watch.past.time))
        self._prepare(now)
        ends = {one.symbol: int(one.end[-1]) for one in warmup}
        requests: list[BarRequest | TapeRequest] = [
            replace(request, since=ends.get(request.symbol, now)) for request in plan.requests
        ]
        requests += [replace(request, since=now, until=None) for request in self._tape_requests()]

        def start() -> None:
            driver.begin(now)
            driver.warm(one.bar(index) for one in warmup for index in range(len(one)))
            for one in warmup:
                self.kernel.markets[one.symbol].show(float(one.close[-1]), ends[one.symbol])

        if plan.broker.is_live:
            from hookline.session.live import VenueLink

            async with aclosing(stream_events(plan.feed, requests)) as events:
                return await VenueLink(self, driver, watch).run(events, start)
        start()
        interrupted = await _run(driver, stream_events(plan.feed, requests))
        if self.on_stop != "keep":
            self.kernel.withdraw("the session stops", flatten=self.on_stop == "flatten")
        self.kernel.stop()
        return interrupted

    def _warmup(self, now: int) -> list[BarSeries]:
        """Return the closed bars before the start, as many as the session warms up with."""
        found = []
        for request in self.plan.requests:
            since = request.since
            if since is None and not self.plan.warmup_bars:
                continue
            if since is None:
                since = now - self.plan.warmup_bars * timeframe_ns(request.timeframe)
            try:
                series = load_bars(self.plan.feed, replace(request, since=since, until=None))
            except DataError as error:
                _logger.warning("%s: no bars to warm up with: %s", self.name, error)
                continue
            series = series.between(None, now - series.duration + 1)
            if len(series):
                found.append(series)
        return found

    def _tape_requests(self) -> list[TapeRequest]:
        return [
            TapeRequest(request.symbol, self.plan.tapes[request.symbol], request.since, request.until)
            for request in self.plan.requests
            if request.symbol in self.plan.tapes
        ]

    def _start(self, time: int) -> None:
        """Start the strategies, at the time of the first event."""
        if not self._runners:
            self._prepare(time)
        kernel, past = self.kernel, None if self._watch is None else self._watch.past
        self.observers.session_starting(self)
        kernel.start(self._runners)
        if past is not None:
            restore_strategies(kernel, past.states)

    def _prepare(self, time: int) -> None:
        """Put everything where the journal left it, if there is one."""
        kernel, past = self.kernel, None if self._watch is None else self._watch.past
        kernel.clock.now = time
        self.plan.broker.follow(self.plan.tapes, self.plan.marks)
        self._runners = {seat.id: self._runner(seat) for seat in self.plan.seats}
        if past is not None:
            restore_kernel(kernel, past)
            for id_, runner in self._runners.items():
                runner.prepare(past.states.get(f"strategy:{id_}", {}))
            if self._watch is not None:
                self._watch.end_halt()

    def _runner(self, seat: Seat) -> Runner:
        ctx = Context(self.kernel, seat.id, seat.symbols, self.plan.seed)
        if isinstance(seat.strategy, SignalStrategy):
            return SignalRunner(seat.id, seat.strategy, ctx, seat.sizer, self.plan.timeframe)
        return EventRunner(seat.id, seat.strategy, ctx)

    @property
    def warnings(self) -> list[str]:
        """What the plan notes and the kernel warns of; a text that repeats is counted."""
        counted = self.kernel.warnings.items()
        return [
            *self.plan.notes,
            *(text if count == 1 else f"{text} ({count:,} times)" for text, count in counted),
        ]

    def _record(self, series: Sequence[BarSeries], interrupted: bool, seconds: float) -> RunRecord:
        kernel, plan = self.kernel, self.plan
        return RunRecord(
            name=plan.name,
            mode=plan.mode,
            currency=plan.currency,
            cash=kernel.start_equity,
            config=dict(plan.config),
            series={one.symbol: one for one in series},
            instruments=dict(plan.instruments),
            strategies=[seat.record for seat in plan.seats],
            orders=kernel.orders,
            fills=kernel.fills,
            updates=kernel.updates,
            funding=kernel.payments,
            seen=kernel.seen,
            warnings=self.warnings,
            decisions=kernel.gate.decisions,
            halted=kernel.gate.halted,
            interrupted=interrupted,
            seconds=seconds,
            balances=plan.balances(),
            rates=dict(plan.rates),
        )


async def _run(driver: StreamDriver, stream: AsyncGenerator[MarketEvent, None]) -> bool:
    """Run a stream, and leave nothing of it open however the run ends."""
    async with aclosing(stream) as events:
        return await driver.run(events)


@contextmanager
def _short_pauses() -> Iterator[None]:
    """Keep the garbage collector from going through all that was there before: it would stop a live session for many milliseconds."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Listening(Observing):
    """Passes what the kernel tells on to the observers of a session."""

    def __init__(self, session: Session, observers: Observers) -> None:
        self._session = session
        self._observers = observers
        self._is_live = session.plan.broker.is_live
        self.updates = observers.has("order_updated") or self._is_live
        self.fills = observers.has("order_filled")

    def order_updated(self, order: Order, update: OrderUpdate) -> None:
        self._observers.order_updated(order, update)
        is_protective = order.reduce_only or order.parent is not None
        if self._is_live and is_protective and update.status is OrderStatus.REJECTED:
            title = f"{self._session.name}: an order that protects a position was rejected"
            self._observers.notify("error", title, f"{order!r}: {update.reason}")

    def order_filled(self, order: Order, fill: Fill) -> None:
        self._observers.order_filled(order, fill)

    def notify(self, strategy: str, level: Level, text: str) -> None:
        self._observers.notify(level, f"{self._session.name}: {strategy}", text)

    def session_halted(self, reason: str) -> None:
        self._observers.session_halted(self._session, reason)
