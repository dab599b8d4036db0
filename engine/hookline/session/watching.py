"""What a session does around its stream: bars kept for the result, a journal for a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.clock import stopwatch
from hookline.errors import JournalError
from hookline.feed import BarRequest, TapeRequest
from hookline.journal import SessionHeader, read_journal, to_record
from hookline.journal.content import JournalContent
from hookline.model import Bar, BookUpdate, FundingRate, MarketEvent, MarkPrice, Quote, Trade
from hookline.reporting.record import RunRecord
from hookline.risk.rule import Action, Decision
from hookline.session.keeper import Keeper
from hookline.session.market_recorder import MarketRecorder
from hookline.session.plan import Plan, WalletPlan
from hookline.session.pulse import Pulse
from hookline.session.recorder import BarRecorder
from hookline.session.requests import obey_kill
from hookline.session.streaming import Watcher

if TYPE_CHECKING:
    from hookline.session.session import Session

__all__ = ["SessionWatch", "header_of", "past_tapes", "resumed_requests"]

_logger = logging.getLogger("hookline.session")


class SessionWatch(Watcher):
    """Keeps the bars of a stream, and where the plan wants them a journal, signs of life and the market data.

    Attributes:
        keeper: The journal's, None without one.
        past: What the journal held of earlier runs, None for a session that begins; forgotten once it is taken over.
        end: Ends the stream, set while it runs; called when somebody asks for the session to be killed.
    """

    def __init__(self, session: Session, recorder: BarRecorder) -> None:
        self._session = session
        self._recorder = recorder
        plan = session.plan
        journal = plan.journal
        self._market: MarketRecorder | None = None
        self._pulse: Pulse | None = None
        self._dropped: dict[str, tuple[int, int]] = {}
        self.end: Callable[[], None] | None = None
        self.keeper = None if journal is None else Keeper(journal, header_of(plan))
        past = None if self.keeper is None else self.keeper.past
        self.past = past if past is not None and past.time else None
        if journal is not None:
            self._pulse = Pulse(
                journal.folder,
                plan.name,
                is_live=plan.feed.is_live,
                quiet_seconds=plan.quiet_seconds,
                file=plan.file,
            )
            if journal.record is not None:
                position = None if self.past is None else self.past.position
                until = 0 if self.past is None else self.past.time
                self._market = MarketRecorder(
                    journal.record, plan.timeframe, position, follows=plan.feed.is_live, until=until
                )
                self._market.know(plan.funding, plan.marks)

    # -- events --------------------------------------------------------------------------------------------------------

    def event_done(self, time: int, bars: list[Bar]) -> None:
        if self.keeper is None:
            self._recorder.keep(bars)
            return
        self._recorder.show(bars)
        if self._market is not None:
            self._market.keep(bars)
        self._record_news(time)
        self._written(self.keeper.event_done(self._session.kernel, time, bars), time)

    def tape_done(self, event: Quote | Trade | BookUpdate) -> None:
        if self.keeper is None:
            return
        if self._market is not None:
            self._market.keep_message(event)
        self._record_news(event.time)
        self.keeper.handled(event)
        self._written(self.keeper.event_done(self._session.kernel, event.time, ()), event.time)

    def began(self, time: int) -> None:
        if self._market is not None:
            self._market.began(time, self._session.plan.broker.taker_fee)

    def warmed(self, bars: list[Bar]) -> None:
        if self._market is not None:
            self._market.warmed(bars)

    def noted(self, event: MarkPrice | FundingRate) -> None:
        if self._market is not None:
            self._market.keep_note(event)

    def _record_news(self, time: int, *, heard: bool = False) -> None:
        """Record what the journal gets with the next commit, before it gets it."""
        if self._market is not None:
            kernel = self._session.kernel
            self._market.news(time, len(kernel.updates), len(kernel.payments), heard=heard)

    def _written(self, is_committed: bool, time: int) -> None:
        if is_committed and self._market is not None:
            self._market.committed()
        pulse = self._pulse
        assert pulse is not None, "a session with a journal has a pulse"
        pulse.received(self._session.kernel, time)
        if pulse.is_due:
            self._attend(pulse)

    def took(self, seconds: float) -> None:
        if self._pulse is not None:
            self._pulse.took(seconds)

    def time_passed(self) -> None:
        if self.keeper is not None:
            kernel = self._session.kernel
            self._record_news(kernel.clock.now, heard=True)
            self.keeper.event_done(kernel, kernel.clock.now, ())

    def looked(self) -> None:
        if self._pulse is not None and self._pulse.is_due:
            self._attend(self._pulse)

    def tell(self, state: str) -> None:
        """Give a sign of life in a state that is not the usual one: ``starting``, ``stopping``."""
        if self._pulse is not None:
            self._pulse.beat(self._session.kernel, state)

    def _attend(self, pulse: Pulse) -> None:
        """Give a sign of life, and do what was asked for from outside."""
        self.obey()
        reason = pulse.request()
        if reason is not None:
            self._resume(reason, pulse)
        pulse.beat(self._session.kernel)

    def obey(self) -> None:
        """Halt, withdraw and end for good if somebody has asked for that."""
        pulse, session = self._pulse, self._session
        request = None if pulse is None else pulse.kill_request()
        if pulse is None or request is None:
            return
        session.on_stop = obey_kill(session.kernel, request)
        self._keep()
        pulse.killed()
        if self.end is not None:
            self.end()

    def _resume(self, reason: str, pulse: Pulse) -> None:
        kernel, keeper = self._session.kernel, self.keeper
        assert keeper is not None, "requests are looked for where there is a journal"
        if kernel.gate.halted:
            _logger.warning("resumed: %s (was halted: %s)", reason, kernel.gate.halted)
            kernel.gate.resume(reason)
            self._session.observers.notify("info", f"{self._session.name} resumed", reason)
            self._record_news(kernel.clock.now)
            keeper.commit(kernel, kernel.clock.now)
        pulse.done()

    # -- the feed ------------------------------------------------------------------------------------------------------

    def stalled(self, seconds: float) -> None:
        session, kernel = self._session, self._session.kernel
        action = session.plan.on_stall
        text = f"feed stalled for {seconds:,.0f} s"
        _logger.warning("%s: %s", session.name, text)
        session.observers.feed_stalled(session, seconds)
        self._note(text)
        if action != "warn" and kernel.clock.now:
            kernel.halt(text) if action == "halt" else kernel.withdraw(text)
        self._keep()
        if self._pulse is not None:
            self._pulse.set_stalled(True)

    def recovered(self, seconds: float) -> None:
        text = f"data again after {seconds:,.0f} s"
        _logger.info("%s: %s", self._session.name, text)
        self._note(text)
        self._keep()
        self._session.observers.feed_recovered(self._session, seconds)
        if self._pulse is not None:
            self._pulse.set_stalled(False)

    def _note(self, text: str) -> None:
        """Let the journal tell of the feed among the decisions."""
        kernel = self._session.kernel
        if kernel.clock.now:
            kernel.gate.decisions.append(Decision(kernel.clock.now, "feed", Action.WARN, "", "", 0, text))

    def _keep(self) -> None:
        kernel = self._session.kernel
        if self.keeper is not None and kernel.clock.now:
            self._record_news(kernel.clock.now)
            self.keeper.commit(kernel, kernel.clock.now)

    def dropped(self, event: MarketEvent, problem: str) -> None:
        """Record a dropped event, and log it, at most one a minute for each symbol."""
        if self._market is not None:
            self._market.dropped(event)
        minute = int(stopwatch() // 60)
        told, count = self._dropped.get(event.symbol, (-1, 0))
        self._dropped[event.symbol] = (minute if minute != told else told, count + 1)
        if minute != told:
            _logger.warning("dropped: %s (%s so far)", problem, f"{count + 1:,}")

    # -- beginning and end ---------------------------------------------------------------------------------------------

    def end_halt(self) -> None:
        """End a halt that somebody has resumed while the session was stopped."""
        past, gate = self.past, self._session.kernel.gate
        if past is not None and gate.halted and not past.halted:
            reason = past.resumes[-1][1] if past.resumes else "resumed"
            gate.resume(reason)
            gate.decisions.pop()  # the journal says so already

    def taken_over(self) -> None:
        """Forget what the journal held."""
        self.past = None
        if self.keeper is not None:
            self.keeper.past = None

    def abandon(self, error: Exception) -> None:
        """Close the journal of a session that failed; the event that it failed in is not in it."""
        if self._market is not None:
            self._market.release()
        if self.keeper is None:
            return
        with suppress(JournalError):  # which may be what failed
            self.keeper.close(f"failed: {type(error).__name__}: {error}".splitlines()[0])
        if self._pulse is not None:
            self._pulse.beat(self._session.kernel, "failed")

    def finish(self, interrupted: bool, seconds: float) -> RunRecord:
        """Close the journal and return the record of the whole session, earlier runs included.

        Raises:
            JournalError: if the journal cannot be written or read.
        """
        keeper, kernel = self.keeper, self._session.kernel
        assert keeper is not None, "only called with a journal"
        self._record_news(kernel.clock.now)
        keeper.commit(kernel, kernel.clock.now)
        if self._market is not None:
            self._market.close(kernel.clock.now)
        keeper.close("interrupted" if interrupted else "finished")
        if self._pulse is not None:
            self._pulse.beat(kernel, "interrupted" if interrupted else "finished")
        record = to_record(read_journal(keeper.path))
        return replace(
            record,
            warnings=self._session.warnings,
            halted=kernel.gate.halted,
            interrupted=interrupted,
            seconds=seconds,
        )


def header_of(plan: Plan) -> SessionHeader:
    """Return what a journal says of a session."""
    return SessionHeader(
        name=plan.name,
        mode=plan.mode,
        currency=plan.currency,
        config=plan.config,
        instruments=plan.instruments,
        strategies=[seat.record for seat in plan.seats],
        wallets={
            symbol: WalletPlan(one.venue, one.quote, 0.0).name for symbol, one in plan.instruments.items()
        }
        if plan.wallets
        else {},
        cash={
            seat.id: {one.name: Decimal(repr(one.cash * seat.cash_fraction)) for one in plan.wallets}
            for seat in plan.seats
            if plan.wallets
        },
    )


def past_tapes(past: JournalContent) -> dict[str, tuple[int, int]]:
    """Return, by symbol, the time of the last message handled and how many of that time were."""
    return {symbol: (time, count) for symbol, (time, count) in past.position.get("tape", {}).items()}


def resumed_requests(
    requests: Sequence[BarRequest | TapeRequest], past: JournalContent
) -> list[BarRequest | TapeRequest]:
    """Return requests for what comes after that which was handled."""
    ends, tapes = past.position.get("bars", {}), past_tapes(past)
    resumed: list[BarRequest | TapeRequest] = []
    for request in requests:
        if isinstance(request, BarRequest):
            since = ends.get(request.symbol, request.since)
            if since is None or request.until is None or since < request.until:
                resumed.append(replace(request, since=since))
        else:
            known = tapes.get(request.symbol)
            # From just before, so that a book that is made up for the beginning is known from messages of that time.
            resumed.append(replace(request, since=known[0] - 1) if known else request)
    return resumed
