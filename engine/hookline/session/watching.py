"""What a session does around its stream: bars kept for the result, a journal for a restart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING

from hookline.feed import BarRequest, TapeRequest
from hookline.journal import SessionHeader, read_journal, to_record
from hookline.journal.content import JournalContent
from hookline.model import Bar, BookUpdate, Quote, Trade
from hookline.reporting.record import RunRecord, StrategyRecord
from hookline.session.keeper import Keeper
from hookline.session.plan import Plan, Seat, WalletPlan
from hookline.session.recorder import BarRecorder
from hookline.session.streaming import Watcher

if TYPE_CHECKING:
    from hookline.session.session import Session

__all__ = ["SessionWatch", "header_of", "past_bars", "past_tapes", "resumed_requests", "strategy_record"]


class SessionWatch(Watcher):
    """Keeps the bars of a stream, and the journal where the plan wants one.

    Attributes:
        keeper: The journal's, None without one.
        past: What the journal held of earlier runs, None for a session that begins.
    """

    def __init__(self, session: Session, recorder: BarRecorder) -> None:
        self._session = session
        self._recorder = recorder
        plan = session.plan
        self.keeper = None if plan.journal is None else Keeper(plan.journal, header_of(plan))
        past = None if self.keeper is None else self.keeper.past
        self.past = past if past is not None and past.time else None

    def event_done(self, time: int, bars: list[Bar]) -> None:
        if self.keeper is None:
            self._recorder.keep(bars)
        else:
            self._recorder.show(bars)
            self.keeper.event_done(self._session.kernel, time, bars)

    def tape_done(self, event: Quote | Trade | BookUpdate) -> None:
        if self.keeper is not None:
            self.keeper.handled(event)
            self.keeper.event_done(self._session.kernel, event.time, ())

    def finish(self, interrupted: bool, seconds: float) -> RunRecord:
        """Close the journal and return the record of the whole session, earlier runs included.

        Raises:
            JournalError: if the journal cannot be written or read.
        """
        keeper, kernel = self.keeper, self._session.kernel
        assert keeper is not None, "only called with a journal"
        keeper.commit(kernel, kernel.clock.now)
        keeper.close("interrupted" if interrupted else "finished")
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
        strategies=[strategy_record(seat) for seat in plan.seats],
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


def strategy_record(seat: Seat) -> StrategyRecord:
    """Return what results say of a strategy."""
    return StrategyRecord(seat.id, seat.use, dict(seat.params), seat.symbols, seat.cash)


def past_bars(past: JournalContent) -> Iterator[Bar]:
    """Yield the bars that were handled before, by end time and then in the order of the symbols."""
    bars = [bar for series in past.series.values() for bar in map(series.bar, range(len(series)))]
    return iter(sorted(bars, key=attrgetter("end")))


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
            resumed.append(replace(request, since=ends.get(request.symbol, request.since)))
        else:
            known = tapes.get(request.symbol)
            resumed.append(replace(request, since=known[0]) if known else request)
    return resumed
