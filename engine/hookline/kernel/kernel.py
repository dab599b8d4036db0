"""The kernel: events in, orders out. Synchronous, and blind to whether a run is a backtest, on paper or live.

Rules of this file:

- What happens in one event is seen by callbacks after it, so a callback never sees half an event.
- Events of equal time: bars in the order of the session's symbols, then the tape, then funding, then timers. A timer due at
  00:00 sees the bar that closed at 00:00.
- Bars that end together are one event: all of them are matched before a strategy sees the first.
- Where the broker fills at the close, it does so once all strategies have seen the bars; what they send later at that same time, in
  answer to such a fill or from a timer, fills at that close too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.broker import Broker
from hookline.clock import EventClock
from hookline.errors import ConfigError, StrategyError
from hookline.kernel.desk import CALLBACKS_PER_EVENT, OrderDesk, Purses
from hookline.kernel.funding import FundingSchedule, MarkSchedule
from hookline.kernel.observing import Observing
from hookline.kernel.runner import Runner, Timed
from hookline.kernel.timers import NEVER, Timers
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Funding,
    FundingRate,
    Instrument,
    Market,
    MarketData,
    MarkPrice,
    Order,
    OrderBook,
    Quote,
    Trade,
)
from hookline.risk import RiskRule
from hookline.simulation.funding import InterestSchedule, funding_payment, interest_payment

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["Kernel", "Lane", "TapeEvent"]

_LOWEST, _HIGHEST = float("-inf"), float("inf")
TapeEvent = Quote | Trade | BookUpdate
_Take = Callable[[Any], None]
_Note = Callable[[Market, Any], None]
_Callback = tuple[Runner, str, Callable[[Any], None]]


class Lane:
    """One instrument in the kernel: its market, its resting orders and the runners that follow it."""

    __slots__ = ("limits", "market", "runners", "watch")

    def __init__(
        self, market: Market, watch: list[Order], limits: Sequence[float] | None, runners: list[Runner]
    ) -> None:
        self.market = market
        self.watch = watch
        self.limits = limits
        self.runners = runners

    def callbacks(self, name: str, kind: MarketData) -> list[_Callback]:
        """Return the callbacks of those who follow a kind of market data, each with its runner and name."""
        return [(runner, name, getattr(runner, name)) for runner in self.runners if kind in runner.wants]


class Kernel(OrderDesk):
    """Dispatches events, records what happens and keeps the strategies' ledgers."""

    def __init__(
        self,
        clock: EventClock,
        broker: Broker,
        instruments: Mapping[str, Instrument],
        cash: Mapping[str, float],
        rules: Sequence[RiskRule] = (),
        observing: Observing | None = None,
        funding: Mapping[str, ExternalSeries] | None = None,
        marks: Mapping[str, BarSeries] | None = None,
        purses: Purses | None = None,
        *,
        flatten_on_halt: bool = False,
    ) -> None:
        super().__init__(
            clock, broker, instruments, cash, rules, observing, purses, flatten_on_halt=flatten_on_halt
        )
        self.timers = Timers()
        self.funding = FundingSchedule(funding)
        self.interest = InterestSchedule(instruments)
        self.marks = MarkSchedule(marks or {}, self.markets)
        self.is_busy = False
        self.is_scheduled = False
        self._fills_at_close = False
        self._active: Runner | None = None
        self._resumed: dict[str, int] = {}

    # -- the run -----------------------------------------------------------------------------------------------------

    def start(self, runners: Mapping[str, Runner]) -> None:
        """Let every strategy prepare."""
        self.runners = dict(runners)
        self._order_listeners = {id_ for id_, runner in runners.items() if runner.wants_orders}
        self._fill_listeners = {id_ for id_, runner in runners.items() if runner.wants_fills}
        first = self.clock.now
        self.funding.skip_before(self._resumed.get("funding_due", first))
        self.interest.skip_before(self._resumed.get("interest_due", first))
        scheduled = min(self.funding.due, self.interest.due) != NEVER
        self.is_scheduled = bool(self.marks) or scheduled or self.broker.has_delays
        self.is_busy = self.is_scheduled or bool(self.gate.watches)
        self._fills_at_close = self.broker.fills_at_close
        for runner in self.runners.values():
            self._call(runner, "on_start", runner.start)

    def resume_schedules(self, state: Mapping[str, int]) -> None:
        """Begin with the payments that were next before a restart: ``funding_due`` and ``interest_due``."""
        self._resumed = dict(state)

    def lane(self, symbol: str) -> Lane:
        """Return the lane of an instrument, once all strategies have started."""
        followers = [follower for runner in self.runners.values() for follower in runner.followers(symbol)]
        broker = self.broker
        return Lane(self.markets[symbol], broker.watch(symbol), broker.limits(symbol), followers)

    def run(self, lane: Lane, bars: Iterable[Bar]) -> None:
        """Handle bars of a lane, one after the other: fill what a bar fills, then let strategies see it.

        It ends early, after a bar, once something is scheduled: what is due before a bar ends must happen before columns show
        the bar, so whoever holds the bars calls ``advance`` before taking each one.
        """
        if self._fills_at_close:
            self._run_closing(lane, bars)
        else:
            self._run_opening(lane, bars)

    def _run_opening(self, lane: Lane, bars: Iterable[Bar]) -> None:
        """Handle bars of a lane where nothing fills before the next one."""
        clock, market, inbox, watch = self.clock, lane.market, self._inbox, lane.watch
        match, on_bar, limits = self.broker.match, self._on_bar(lane), lane.limits
        is_exposed = limits is not None
        for bar in bars:
            if self.is_busy:
                self._advance(bar.end - 1)
                is_exposed = limits is not None
            clock.now = bar.end
            # Callbacks of this bar come at its end, those of its fills too: by then its close is the last price.
            market.last = bar.close
            if watch or (is_exposed and (bar.low <= limits[0] or bar.high >= limits[1])):  # type: ignore[index]
                match((bar,))
                # Only fills and payments move the limits, and while nothing is held there are none.
                is_exposed = limits is not None and (limits[0] != _LOWEST or limits[1] != _HIGHEST)
                if inbox:
                    self._deliver()
            try:
                on_bar(bar)
            except StrategyError:
                raise
            except Exception as error:
                raise self._blame(self._active, "on_bar", error) from error
            if inbox:
                self._deliver()
            if self.is_busy:
                self._watch()
                if self.is_scheduled:
                    return

    def _run_closing(self, lane: Lane, bars: Iterable[Bar]) -> None:
        """Handle bars of a lane where what is sent on a close may fill at it."""
        on_bar, is_alone = self._on_bar(lane), len(self.markets) == 1
        for bar in bars:
            if is_alone and not self.is_busy:
                self._run_quietly(lane, bar, on_bar)
            else:
                self.run_together((lane,), (bar,))
            if self.is_scheduled:
                return

    def _run_quietly(self, lane: Lane, bar: Bar, on_bar: Callable[[Bar], None]) -> None:
        """Handle a bar of the only market while nothing is due; the broker hears of it where an order waits, or soon may."""
        self.clock.now = bar.end
        lane.market.last = bar.close
        if _concerns(lane, bar):
            self.broker.match((bar,))
            if self._inbox:
                self._deliver()
        try:
            on_bar(bar)
        except StrategyError:
            raise
        except Exception as error:
            raise self._blame(self._active, "on_bar", error) from error
        if self._inbox:
            self._deliver()
        if lane.watch or self.is_busy:
            self._fill_at_close((bar,))
        if self.is_busy:
            self._watch()

    def run_together(self, lanes: Sequence[Lane], bars: Sequence[Bar]) -> None:
        """Handle bars of several lanes that end at the same time as one event."""
        if self.is_busy:
            self._advance(bars[0].end - 1)
        self.clock.now = bars[0].end
        for lane, bar in zip(lanes, bars, strict=True):
            lane.market.last = bar.close
        if any(_concerns(lane, bar) for lane, bar in zip(lanes, bars, strict=True)):
            self.broker.match(bars)
            if self._inbox:
                self._deliver()
        for lane, bar in zip(lanes, bars, strict=True):
            for runner in lane.runners:
                self._see(runner, "on_bar", runner.on_bar, bar)
        if self._fills_at_close:
            self._fill_at_close(bars)
        if self.is_busy:
            self._watch()

    def _fill_at_close(self, bars: Sequence[Bar] = ()) -> None:
        """Let what was sent at the time of a close fill at it, and strategies hear and answer, until there is nothing more."""
        rounds = 0
        while self.broker.match_close(bars):
            self._deliver()
            bars = ()
            rounds += 1
            if rounds > CALLBACKS_PER_EVENT:
                raise self._endless(self.runners[self.orders[-1].strategy])

    def _on_bar(self, lane: Lane) -> Callable[[Bar], None]:
        """Return what to call with each bar: the only runner's callback where there is one, else all in turn."""
        runners = lane.runners
        if len(runners) == 1:
            self._active = runners[0]
            return runners[0].on_bar

        def on_bar(bar: Bar) -> None:
            for runner in runners:
                self._active = runner
                runner.on_bar(bar)
                if self._inbox:
                    self._deliver()

        return on_bar

    def run_tape(self, lane: Lane, events: Iterable[TapeEvent], *, seen: bool = False) -> None:
        """Handle quotes, trades and book updates of a lane: fill what they fill, then let strategies see them.

        Args:
            lane: Of the instrument.
            events: In the order of their times.
            seen: Whether the broker has seen them already, in the venue's time.
        """
        clock, inbox, market, broker = self.clock, self._inbox, lane.market, self.broker
        handlers = self._handlers(lane)
        funding, interest, timers, gate = self.funding, self.interest, self.timers, self.gate
        has_marks = bool(self.marks)
        for event in events:
            time = event.time
            # ``_advance`` would find nothing to do: most events come before anything is due.
            if self.is_busy and (
                has_marks
                or timers.due < time
                or broker.due < time
                or funding.due < time
                or interest.due < time
            ):
                self._advance(time - 1)
            clock.now = time
            take, note, callbacks = handlers[type(event)]
            if not seen:
                take(event)
            note(market, event)
            if inbox:
                self._deliver()
            for runner, name, callback in callbacks:
                try:
                    callback(event)
                except StrategyError:
                    raise
                except Exception as error:
                    raise self._blame(runner, name, error) from error
                if inbox:
                    self._deliver()
            if self.is_busy and (gate.watches or gate.halted):
                self._watch()

    def _handlers(self, lane: Lane) -> dict[type, tuple[_Take, _Note, list[_Callback]]]:
        """Return for each kind of event what the broker does with it, what the market does, and whom to call."""
        broker, market = self.broker, lane.market
        note_quote: _Note = self._note_quote
        note_book: _Note = self._note_book
        if market.book is not None and broker.book(market.instrument.symbol) is market.book:
            # The broker has brought it up to date by then: known for all events, so not asked for each.
            note_quote = note_book = self._show_top
        return {
            Trade: (broker.on_trade, self._note_trade, lane.callbacks("on_trade", MarketData.TRADES)),
            Quote: (broker.on_quote, note_quote, lane.callbacks("on_quote", MarketData.QUOTES)),
            BookUpdate: (broker.on_book, note_book, lane.callbacks("on_book", MarketData.BOOK)),
        }

    def venue_sees(self, event: TapeEvent) -> None:
        """Let a broker that lives in the venue's time see an event when it happens there, before strategies do."""
        self._advance(event.venue_time - 1)
        if isinstance(event, BookUpdate):
            self.broker.on_book(event)
        elif isinstance(event, Trade):
            self.broker.on_trade(event)
        else:
            self.broker.on_quote(event)

    def recall(self, event: TapeEvent) -> None:
        """Let books follow a message that was handled before a restart; nothing else happens."""
        self.broker.recall(event)
        if isinstance(event, BookUpdate):
            book = self._book(event.symbol)
            if self.broker.book(event.symbol) is not book:
                book.apply(event)
        elif isinstance(event, Quote):
            own = self.markets[event.symbol].book
            if own is not None and self.broker.book(event.symbol) is not own:
                own.apply_quote(event)

    def _note_trade(self, market: Market, trade: Trade) -> None:
        market.last = trade.price
        market.time = trade.time
        market.has_trades = True

    def _note_quote(self, market: Market, quote: Quote) -> None:
        book = market.book
        if book is None:
            market.bid, market.ask = quote.bid_price, quote.ask_price
            if not market.has_trades:
                market.last = (quote.bid_price + quote.ask_price) / 2.0
        else:
            self._apply(market, book, book.apply_quote, quote)

    def _note_book(self, market: Market, update: BookUpdate) -> None:
        book = market.book or self._book(update.symbol)
        self._apply(market, book, book.apply, update)

    def _book(self, symbol: str) -> OrderBook:
        """Return the book of a market, which is the broker's where it keeps one."""
        market = self.markets[symbol]
        if market.book is None:
            market.book = self.broker.book(symbol) or OrderBook(symbol)
        return market.book

    def _apply(
        self, market: Market, book: OrderBook, apply: Callable[[Any], object], event: Quote | BookUpdate
    ) -> None:
        """Bring the book of a market up to date, unless the broker's own book is it and has seen the event."""
        if self.broker.book(event.symbol) is not book:
            apply(event)
        self._show_top(market, event)

    def _show_top(self, market: Market, event: Quote | BookUpdate) -> None:
        """Let a market show the top of its book."""
        book = market.book
        assert book is not None, "only called where there is one"
        market.time = event.time
        market.bid, market.ask = book.best_bid, book.best_ask
        if not market.has_trades and book.is_usable:
            market.last = book.mid

    def note(self, event: MarkPrice | FundingRate) -> None:
        """Learn a mark price or a funding rate of a market that is followed live; where no venue pays, funding is paid by it."""
        self.clock.now = event.time
        market = self.markets[event.symbol]
        if isinstance(event, MarkPrice):
            market.mark = event.price
        elif self.broker.settles_funding:
            market.funding_rate = event.rate
        else:
            self._settle_funding(event.time, event.symbol, event.rate)
        if self.is_busy:
            self._watch()

    def hear(self, now: int) -> None:
        """Let the broker report what has come from a venue since the last call, and tell strategies."""
        self.clock.now = now
        self.broker.deliver()
        self._deliver()
        while self._funding_news:
            strategy, funding = self._funding_news.popleft()
            runner = self.runners.get(strategy)
            if runner is not None and runner.wants_funding:
                self._see(runner, "on_funding", runner.on_funding, funding)
        if self.is_busy:
            self._watch()

    # -- time --------------------------------------------------------------------------------------------------------

    def _advance(self, until: int) -> None:
        """Let what is due up to a time happen, in order: arrivals at the venue, payments, timers."""
        while True:
            funding, interest, timer = self.funding.due, self.interest.due, self.timers.due
            due = min(funding, interest, timer)
            arrives = self.broker.due
            if arrives <= min(due, until):
                self._reach(arrives)
                self.broker.advance(arrives)
                self._deliver()
            elif due > until:
                break
            elif funding == due:
                self._pay_funding()
            elif interest == due:
                self._pay_interest()
            else:
                self._fire_timer()
        if self.marks:
            # As the last price: an event at the time that follows knows the mark of that time.
            self.marks.note(until + 1)

    def _reach(self, time: int) -> None:
        """Set the clock to when something is due, and the marks to those known then."""
        self.clock.now = now = max(self.clock.now, time)
        if self.marks:
            self.marks.note(now)

    def advance(self, until: int) -> None:
        """Let what is due up to a time happen, before columns show what comes after it."""
        if self.is_busy:
            self._advance(until)

    def pass_time(self, until: int) -> None:
        """Let what is due up to a time happen although no event has come; for markets that are followed live."""
        if self.is_busy:
            self._advance(until)
            self._watch()

    def _watch(self) -> None:
        verdict = self.gate.watch()
        if verdict is not None:
            self.halt(verdict.reason, flatten=verdict.flatten, until=verdict.until)
            if self._fills_at_close:
                self._fill_at_close()

    def every(self, period: int, strategy: str, timer: str) -> None:
        """Call a strategy's ``on_timer`` at whole multiples of a period (nanoseconds) since the epoch."""
        self.timers.every(period, self.clock.now, self.runners[strategy], timer)
        self.is_busy = self.is_scheduled = True

    def call_at(self, due: int, target: Timed, timer: str) -> None:
        """Call ``on_timer`` once at a time (nanoseconds), or with the next event if that has passed."""
        self.timers.at(due, target, timer)
        self.is_busy = self.is_scheduled = True

    def stop(self) -> None:
        """Let what is due happen, then let every strategy say goodbye; orders from here on are denied."""
        self._advance(self.clock.now)
        self.stopping = True
        for runner in self.runners.values():
            self._call(runner, "on_stop", runner.stop)

    def _fire_timer(self) -> None:
        due, target, timer = self.timers.pop()
        self._reach(due)
        self._call(target, "on_timer", lambda: target.on_timer(timer))
        if self._fills_at_close:
            self._fill_at_close()

    def _pay_funding(self) -> None:
        time, symbol, rate = self.funding.pop()
        self._reach(time)
        self._settle_funding(time, symbol, rate)

    def _settle_funding(self, time: int, symbol: str, rate: float) -> None:
        self.markets[symbol].funding_rate = rate
        received = self._pay(time, symbol, lambda quantity, price: funding_payment(quantity, price, rate))
        for strategy, amount in received.items():
            runner = self.runners[strategy]
            if runner.wants_funding and runner.followers(symbol):
                self._see(runner, "on_funding", runner.on_funding, Funding(symbol, time, rate, amount))
        if self._fills_at_close:
            self._fill_at_close()

    def _pay_interest(self) -> None:
        time, rates = self.interest.pop()
        self._reach(time)
        for symbol, rate in rates.items():
            self._pay(time, symbol, partial(interest_payment, yearly_rate=rate))

    def _pay(self, time: int, symbol: str, payment: Callable[[float, float], float]) -> dict[str, float]:
        """Pay what positions of a symbol are due at the mark, else the last price; return what each strategy received."""
        market = self.markets[symbol]
        price = market.mark if market.mark == market.mark else market.last
        received = {}
        for ledger in self.ledgers.values():
            total = 0.0
            for position in ledger.held(symbol):
                amount = payment(position.quantity, price) if position.lots else 0.0
                if amount:
                    self._book_payment(ledger, position, time, amount)
                    total += amount
            received[ledger.strategy] = total
        self.broker.paid(symbol)
        return received

    def _see(self, runner: Runner, name: str, callback: Callable[[Any], None], event: object) -> None:
        self._call(runner, name, lambda: callback(event))

    def _call(self, runner: Timed, event: str, callback: Callable[[], None]) -> None:
        try:
            callback()
        except (StrategyError, ConfigError):
            raise
        except Exception as error:
            raise self._blame(runner, event, error) from error
        if self._inbox:
            self._deliver()


def _concerns(lane: Lane, bar: Bar) -> bool:
    """Return whether a bar may fill an order or liquidate a position."""
    limits = lane.limits
    return bool(lane.watch) or (limits is not None and (bar.low <= limits[0] or bar.high >= limits[1]))
