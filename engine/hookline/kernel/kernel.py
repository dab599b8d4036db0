"""The kernel: events in, orders out. Synchronous, and blind to whether a run is a backtest, on paper or live.

Rules of this file:

- What happens in one event is seen by callbacks after it: reports of a broker wait in an inbox until matching is over, so
  a callback never sees half a bar.
- Every order that a strategy makes is recorded, also one that is denied; of denials that repeat, the first is recorded
  and the others are counted in a warning.
- Events of equal time: bars in the order of the session's symbols, then funding, then timers. A timer due at 00:00 sees
  the bar that closed at 00:00.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.broker import Broker
from hookline.clock import EventClock, isoformat
from hookline.errors import ConfigError, OrderError, StrategyError
from hookline.kernel.funding import FundingSchedule, funding_payment
from hookline.kernel.observing import Observing
from hookline.kernel.runner import Runner
from hookline.kernel.timers import NEVER, Timers
from hookline.model import (
    Bar,
    Fill,
    Instrument,
    Ledger,
    Market,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    transition,
)
from hookline.risk import Gate, RiskRule, Verdict

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries

__all__ = ["Kernel", "Lane"]

_CALLBACKS_PER_EVENT = 10_000
# Held here because every order asks for them: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_MARKET = OrderType.MARKET
_SUBMITTED = OrderStatus.SUBMITTED
_PARTIALLY_FILLED, _FILLED = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED
# Makes a named tuple in C, without the Python function that its class would run.
_new = tuple.__new__


class Lane:
    """One instrument in the kernel: its market, its resting orders and the runners that follow it."""

    __slots__ = ("market", "runners", "watch")

    def __init__(self, market: Market, watch: list[Order], runners: list[Runner]) -> None:
        self.market = market
        self.watch = watch
        self.runners = runners


class Kernel:
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
    ) -> None:
        self.clock = clock
        self.broker = broker
        self.markets = {symbol: Market(instrument) for symbol, instrument in instruments.items()}
        self.ledgers = {
            strategy: Ledger(strategy, share, self.markets.values()) for strategy, share in cash.items()
        }
        self.start_equity = sum(cash.values())
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.updates: list[OrderUpdate] = []
        self.seen: list[int] = []
        self.payments: list[tuple[int, str, str, float]] = []
        self.warnings: dict[str, int] = {}
        self.runners: dict[str, Runner] = {}
        self.timers = Timers()
        self.funding = FundingSchedule(funding)
        self.gate = Gate(rules, self)
        self.stopping = False
        self.is_busy = False
        self._active: Runner | None = None
        self._order_listeners: set[str] = set()
        self._fill_listeners: set[str] = set()
        self._live: dict[int, Order] = {}
        self._denials: dict[tuple[str, str], tuple[int, str]] = {}
        self._inbox: deque[tuple[Order, Fill | OrderUpdate]] = deque()
        self._observing = observing or Observing()
        broker.connect(self, clock, instruments, self.ledgers)

    # -- the run -----------------------------------------------------------------------------------------------------

    def start(self, runners: Mapping[str, Runner]) -> None:
        """Let every strategy prepare."""
        self.runners = dict(runners)
        self._order_listeners = {id_ for id_, runner in runners.items() if runner.wants_orders}
        self._fill_listeners = {id_ for id_, runner in runners.items() if runner.wants_fills}
        self.funding.skip_before(self.clock.now)
        self.is_busy = bool(self.gate.watches) or self.funding.due != NEVER
        for runner in self.runners.values():
            self._call(runner, "on_start", runner.start)

    def lane(self, symbol: str) -> Lane:
        """Return the lane of an instrument, once all strategies have started."""
        followers = [follower for runner in self.runners.values() for follower in runner.followers(symbol)]
        return Lane(self.markets[symbol], self.broker.watch(symbol), followers)

    def run(self, lane: Lane, bars: Iterable[Bar]) -> None:
        """Handle bars of a lane: fill what a bar fills, then let strategies see it."""
        clock, market, inbox, watch = self.clock, lane.market, self._inbox, lane.watch
        match, on_bar = self.broker.match, self._on_bar(lane)
        for bar in bars:
            if self.is_busy:
                self._advance(bar.end - 1)
            clock.now = bar.end
            # Callbacks of this bar come at its end, those of its fills too: by then its close is the last price.
            market.last = bar.close
            if watch:
                match(bar)
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

    def _advance(self, until: int) -> None:
        """Make the funding payments and fire the timers that are due up to a time, in order."""
        while min(self.funding.due, self.timers.due) <= until:
            if self.funding.due <= self.timers.due:
                self._pay_funding()
            else:
                self._fire_timer()

    def _watch(self) -> None:
        verdict = None if self.gate.halted else self.gate.watch()
        if verdict is not None:
            self.halt(verdict.reason)

    def every(self, period: int, strategy: str, timer: str) -> None:
        """Call a strategy's ``on_timer`` at whole multiples of a period (nanoseconds) since the epoch."""
        self.timers.every(period, self.clock.now, strategy, timer)
        self.is_busy = True

    def stop(self) -> None:
        """Fire the timers that are due, then let every strategy say goodbye; orders from here on are denied."""
        self._advance(self.clock.now)
        self.stopping = True
        for runner in self.runners.values():
            self._call(runner, "on_stop", runner.stop)

    def halt(self, reason: str) -> None:
        """Cancel every open order; from now on only orders that reduce a position pass."""
        if self.gate.halted:
            return
        self.gate.halted = reason
        for order in self.open_orders():
            if not order.reduce_only:
                self.cancel(order, f"halted: {reason}")
        self._observing.session_halted(reason)
        self._deliver()

    def _fire_timer(self) -> None:
        due, strategy, timer = self.timers.pop()
        self.clock.now = due
        runner = self.runners[strategy]
        self._call(runner, "on_timer", lambda: runner.on_timer(timer))

    def _pay_funding(self) -> None:
        time, symbol, rate = self.funding.pop()
        for ledger in self.ledgers.values():
            position = ledger.positions[symbol]
            if position.lots:
                amount = funding_payment(position.quantity, position.market.last, rate)
                ledger.cash += amount
                ledger.funding += amount
                self.payments.append((time, ledger.strategy, symbol, amount))

    def _call(self, runner: Runner, event: str, callback: Callable[[], None]) -> None:
        try:
            callback()
        except (StrategyError, ConfigError):
            raise
        except Exception as error:
            raise self._blame(runner, event, error) from error
        if self._inbox:
            self._deliver()

    def _blame(self, runner: Runner | None, event: str, error: Exception) -> StrategyError:
        assert runner is not None, "only strategies are called here"
        when = isoformat(self.clock.now)
        return StrategyError(f"strategy {runner.id!r}: {event} at {when}: {type(error).__name__}: {error}")

    # -- orders: what strategies ask for -----------------------------------------------------------------------------

    def submit(self, order: Order) -> Order:
        """Record an order, pass it through the gate and send it.

        The order comes back with status ``DENIED`` and a reason if it was not sent.
        """
        reason = self._unsendable(order)
        verdict = Verdict(reason) if reason else self.gate.judge(order)
        if verdict is not None:
            self._deny(order, verdict.reason)
            if verdict.is_halt:
                self.halt(verdict.reason)
            return order
        now = self.clock.now
        self._register(order, _SUBMITTED, now)
        for child in order.children:
            self._register(child, OrderStatus.HELD, now)
        if self._denials:
            self._denials.pop((order.strategy, order.symbol), None)
        if order.type is _MARKET:
            self.ledgers[order.strategy].positions[order.instrument.symbol].pending += order.side * order.lots
        self.broker.submit(order)
        return order

    def cancel(self, order: Order, reason: str = "") -> None:
        """Ask the broker to cancel an order; nothing happens to a closed one."""
        if order.is_open:
            self.broker.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        """Ask the broker to change an open order; a larger quantity passes the gate as a new order would.

        Raises:
            OrderError: if the order is closed already.
        """
        if order.is_closed:
            raise OrderError(f"order {order.client_order_id}: cannot amend, it is {order.status}")
        if lots > order.lots:
            verdict = self.gate.judge(_larger(order, lots, limit_price, trigger_price))
            if verdict is not None:
                self._report(order, order.status, self.clock.now, f"not amended: {verdict.reason}")
                if verdict.is_halt:
                    self.halt(verdict.reason)
                return
        self.broker.amend(order, lots, limit_price, trigger_price)
        if order.is_open:
            self._report(order, order.status, self.clock.now, "amended")

    def open_orders(self, strategy: str | None = None, symbol: str | None = None) -> list[Order]:
        """Return the open orders, oldest first."""
        return [
            order
            for order in self._live.values()
            if (strategy is None or order.strategy == strategy) and (symbol is None or order.symbol == symbol)
        ]

    @property
    def equity(self) -> float:
        """Equity of all strategies together."""
        return sum(ledger.equity for ledger in self.ledgers.values())

    def warn(self, text: str) -> None:
        """Add a warning to the result; the same text is counted, not repeated."""
        self.warnings[text] = self.warnings.get(text, 0) + 1

    def _unsendable(self, order: Order) -> str:
        instrument = order.instrument
        if self.stopping:
            return "the session is stopping"
        least_lots = 1 if order.reduce_only else instrument.min_lots
        if order.lots < least_lots:
            least = instrument.units(least_lots)
            return f"quantity below the minimum: {order.quantity:g} of {least:g} {order.symbol}"
        if instrument.min_notional_float > 0.0 and not order.reduce_only:
            price = order.limit_price or order.trigger_price or self.markets[order.symbol].last
            if abs(price) * order.quantity < instrument.min_notional_float:
                return f"notional below the minimum: {abs(price) * order.quantity:.2f} of {instrument.min_notional}"
        return order.reason

    def _deny(self, order: Order, reason: str) -> None:
        # A strategy that asks for the impossible on every bar would fill the record: repetitions are only counted.
        key, what = (order.strategy, order.symbol), (int(order.side), reason.split(":", maxsplit=1)[0])
        if self._denials.get(key) == what:
            self.warn(f"{order.strategy}: further orders on {order.symbol} denied: {what[1]}")
            order.status = OrderStatus.DENIED
            order.reason = reason
            return
        self._denials[key] = what
        order.reason = ""
        self.orders.append(order)
        order.number = len(self.orders)
        self.order_changed(order, OrderStatus.DENIED, self.clock.now, reason)

    def _register(self, order: Order, status: OrderStatus, now: int) -> None:
        """Record an order before it is sent."""
        self.orders.append(order)
        order.number = number = len(self.orders)
        self._live[number] = order
        transition(order, status, now)
        self._report(order, status, now, "")

    # -- orders: what the broker reports -----------------------------------------------------------------------------

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move an order to a status and queue the news for its strategy."""
        transition(order, status, time, reason)
        if self._live.get(order.number) is order and order.is_closed:
            del self._live[order.number]
            if order.type is _MARKET:
                position = self.ledgers[order.strategy].positions[order.symbol]
                position.pending -= order.side * order.open_lots
        self._report(order, status, time, reason)

    def order_filled(
        self, order: Order, lots: int, price: float, fee: float, is_maker: bool, time: int
    ) -> None:
        """Book an execution, then queue the news for the strategy."""
        before = order.filled_lots
        order.filled_lots = after = before + lots
        order.average_price = (order.average_price * before + price * lots) / after
        status = _FILLED if after == order.lots else _PARTIALLY_FILLED
        transition(order, status, time)
        if status is _FILLED:
            del self._live[order.number]
        instrument = order.instrument
        fill = _new(
            Fill,
            (
                len(self.fills) + 1,
                time,
                order.number,
                order.strategy,
                instrument.symbol,
                order.side,
                lots,
                instrument.units(lots),
                price,
                fee,
                is_maker,
            ),
        )
        ledger = self.ledgers[order.strategy]
        if order.type is _MARKET:
            ledger.positions[instrument.symbol].pending -= order.side * lots
        ledger.book(fill)
        self.fills.append(fill)
        self.seen.append(self.clock.now)
        self._report(order, status, time, "")
        if order.strategy in self._fill_listeners:
            self._inbox.append((order, fill))
        if self._observing.fills:
            self._observing.order_filled(order, fill)

    def _report(self, order: Order, status: OrderStatus, time: int, reason: str) -> None:
        update = OrderUpdate(time, order.number, status, reason)
        self.updates.append(update)
        if order.strategy in self._order_listeners:
            self._inbox.append((order, update))
        if self._observing.updates:
            self._observing.order_updated(order, update)

    def _deliver(self) -> None:
        inbox, calls = self._inbox, 0
        while inbox:
            order, news = inbox.popleft()
            runner = self.runners[order.strategy]
            calls += 1
            if calls > _CALLBACKS_PER_EVENT:
                raise self._endless(runner)
            try:
                runner.on_fill(order, news) if isinstance(news, Fill) else runner.on_order(order, news)
            except StrategyError:
                raise
            except Exception as error:
                event = "on_fill" if isinstance(news, Fill) else "on_order"
                raise self._blame(runner, event, error) from error

    def _endless(self, runner: Runner) -> StrategyError:
        found = f"more than {_CALLBACKS_PER_EVENT} callbacks from one event; an order sent from on_order answers itself"
        return StrategyError(f"strategy {runner.id!r}: at {isoformat(self.clock.now)}: {found}")


def _larger(order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> Order:
    """Return what an amendment adds to an order, as an order that the gate can judge."""
    return Order(
        order.number,
        order.strategy,
        order.instrument,
        order.side,
        order.type,
        lots - order.lots,
        order.time,
        limit_price=limit_price,
        trigger_price=trigger_price,
        reduce_only=order.reduce_only,
        tag=order.tag,
    )
