"""The order desk: what strategies ask for on one side, what the broker reports on the other.

Rules of this file:

- Every order that a strategy makes is recorded, also one that is denied; of denials that repeat, the first is recorded
  and the others are counted in a warning.
- Reports of a broker wait in an inbox until the event is over, so a callback never sees half an event.
- What has a handler, such as the orders of an execution algorithm, is told to the handler first, then to the strategy.
- A worked order is filled with its children: what a child fills is counted on both before anybody hears of it.
- ``orders``, ``updates``, ``fills`` and the like are what happened since they were last taken; numbers go on counting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from hookline.broker import Broker
from hookline.clock import EventClock, isoformat
from hookline.errors import ConfigError, OrderError, StrategyError
from hookline.kernel.observing import Observing
from hookline.kernel.runner import Runner, Timed
from hookline.model import (
    Fill,
    Funding,
    Instrument,
    Ledger,
    Market,
    Order,
    OrderHandler,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Position,
    Purse,
    Side,
    transition,
)
from hookline.notifier import Level
from hookline.risk import Decision, Gate, RiskRule, Verdict

__all__ = ["CALLBACKS_PER_EVENT", "News", "OrderDesk", "Purses"]

Purses = Callable[[str, Mapping[str, Market]], Purse]
"""Returns the wallets of a strategy, given its id and the markets."""

CALLBACKS_PER_EVENT = 10_000
# A session that runs for months must not collect texts for ever.
_KINDS_OF_WARNINGS = 1000
# Held here because every order asks for them: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_MARKET = OrderType.MARKET
_SUBMITTED, _ACCEPTED = OrderStatus.SUBMITTED, OrderStatus.ACCEPTED
_PARTIALLY_FILLED, _FILLED = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED
# Makes a named tuple in C, without the Python function that its class would run.
_new = tuple.__new__


class News(NamedTuple):
    """What has happened, in order: see the attributes of :class:`OrderDesk`."""

    orders: list[Order]
    updates: list[OrderUpdate]
    fills: list[Fill]
    seen: list[int]
    payments: list[tuple[int, str, str, float]]
    decisions: list[Decision]


class OrderDesk:
    """Records orders, passes them through the gate, sends them, and books what comes back."""

    def __init__(
        self,
        clock: EventClock,
        broker: Broker,
        instruments: Mapping[str, Instrument],
        cash: Mapping[str, float],
        rules: Sequence[RiskRule] = (),
        observing: Observing | None = None,
        purses: Purses | None = None,
        *,
        flatten_on_halt: bool = False,
    ) -> None:
        self.clock = clock
        self.broker = broker
        self.markets = {symbol: Market(instrument) for symbol, instrument in instruments.items()}
        self.ledgers = {
            strategy: Ledger(
                strategy,
                share,
                self.markets.values(),
                None if purses is None else purses(strategy, self.markets),
            )
            for strategy, share in cash.items()
        }
        self.start_equity = sum(cash.values())
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.updates: list[OrderUpdate] = []
        self.seen: list[int] = []
        self.payments: list[tuple[int, str, str, float]] = []
        self.warnings: dict[str, int] = {}
        self.order_count = 0
        self.fill_count = 0
        self.runners: dict[str, Runner] = {}
        self.stopping = False
        self.gate = Gate(rules, self, flatten_on_halt=flatten_on_halt)
        self._rules_on_fill = [rule for rule in rules if type(rule).on_fill is not RiskRule.on_fill]
        self._order_listeners: set[str] = set()
        self._fill_listeners: set[str] = set()
        self._live: dict[int, Order] = {}
        self._denials: dict[tuple[str, str], tuple[int, str]] = {}
        self._inbox: deque[tuple[Order, Fill | OrderUpdate]] = deque()
        self._funding_news: deque[tuple[str, Funding]] = deque()
        self._observing = observing or Observing()
        broker.connect(self, clock, instruments, self.ledgers)

    # -- what rules and reports may look at --------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the event, nanoseconds UTC."""
        return self.clock.now

    @property
    def equity(self) -> float:
        """Equity of all strategies together, in the session's currency."""
        return sum(ledger.equity for ledger in self.ledgers.values())

    @property
    def fee_rate(self) -> float:
        """Taker fee as a fraction of notional."""
        return self.broker.taker_fee

    def market(self, symbol: str) -> Market:
        """Return what is known of an instrument."""
        return self.markets[symbol]

    def open_orders(self, strategy: str | None = None, symbol: str | None = None) -> list[Order]:
        """Return the open orders, oldest first."""
        return [
            order
            for order in self._live.values()
            if (strategy is None or order.strategy == strategy) and (symbol is None or order.symbol == symbol)
        ]

    def warn(self, text: str) -> None:
        """Add a warning to the result; the same text is counted, not repeated."""
        if text not in self.warnings and len(self.warnings) >= _KINDS_OF_WARNINGS:
            text = "further warnings of other kinds"
        self.warnings[text] = self.warnings.get(text, 0) + 1

    def notify(self, strategy: str, level: Level, text: str) -> None:
        """Pass on what a strategy tells a person."""
        self._observing.notify(strategy, level, text)

    def take(self) -> News:
        """Return what has happened since the last call, and forget it."""
        news = News(self.orders, self.updates, self.fills, self.seen, self.payments, self.gate.decisions)
        self.orders, self.updates, self.fills, self.seen, self.payments = [], [], [], [], []
        self.gate.decisions = []
        return news

    def adopt(self, orders: Iterable[Order]) -> None:
        """Take over open orders of before a restart."""
        for order in orders:
            self._live[order.number] = order
            if order.type is _MARKET and order.status is not OrderStatus.HELD:
                self._pend(order, order.open_lots)

    def denials(self) -> list[tuple[str, str, int, str]]:
        """Return the denials whose repetition is not recorded: strategy, symbol, side, what."""
        return [(*key, *what) for key, what in self._denials.items()]

    def restore_denials(self, denials: Iterable[Sequence[Any]]) -> None:
        """Take over what ``denials`` returned before a restart."""
        self._denials = {(strategy, symbol): (side, what) for strategy, symbol, side, what in denials}

    # -- what strategies ask for -------------------------------------------------------------------------------------

    def submit(self, order: Order) -> Order:
        """Record an order, pass it through the gate and send it.

        The order comes back with status ``DENIED`` and a reason if it was not sent.
        """
        reason = self._unsendable(order)
        verdict = Verdict(reason) if reason else self.gate.judge(order)
        if verdict is not None:
            self._deny(order, verdict.reason)
            if verdict.is_halt:
                self.halt(verdict.reason, flatten=verdict.flatten, until=verdict.until)
            return order
        now = self.clock.now
        self._register(order, _SUBMITTED, now)
        for child in order.children:
            self._register(child, OrderStatus.HELD, now)
        if self._denials:
            self._denials.pop((order.strategy, order.symbol), None)
        if order.type is _MARKET and order.parent is None:
            positions = self.ledgers[order.strategy].positions
            positions[order.position_id or order.instrument.symbol].pending += order.side * order.lots
        if order.handler is None or order.handler.parent is not order:
            self.broker.submit(order)
        return order

    def cancel(self, order: Order, reason: str = "") -> None:
        """Ask the broker to cancel an order; nothing happens to a closed one."""
        if order.handler is not None and order.handler.parent is order:
            order.handler.cancel(reason)
        elif order.is_open:
            self.broker.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        """Ask the broker to change an open order; a larger quantity or another price passes the gate as a new order would.

        Raises:
            OrderError: if the order is closed already, or is worked by an algorithm or a leg group that counts on its terms.
        """
        if order.is_closed:
            raise OrderError(f"order {order.client_order_id}: cannot amend, it is {order.status}")
        if order.handler is not None and (order.handler.parent is not None or lots != order.lots):
            raise OrderError(
                f"order {order.client_order_id}: cannot amend, it is worked for the strategy; cancel it instead"
            )
        reason = self._unamendable(order, lots, limit_price, trigger_price)
        if reason:
            self._report(order, order.status, self.clock.now, f"not amended: {reason}")
            return
        self.broker.amend(order, lots, limit_price, trigger_price)
        if order.is_open:
            self._report(order, order.status, self.clock.now, "amended")

    def _unamendable(
        self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None
    ) -> str:
        """Return why an amendment must not be sent, empty if it may."""
        moved = (limit_price, trigger_price) != (order.limit_price, order.trigger_price)
        if order.reduce_only or lots <= order.filled_lots or not (lots > order.lots or moved):
            return ""
        verdict = self.gate.judge(_amended(order, lots - order.filled_lots, limit_price, trigger_price))
        if verdict is None:
            return ""
        if verdict.is_halt:
            self.halt(verdict.reason, flatten=verdict.flatten, until=verdict.until)
        return verdict.reason

    def halt(self, reason: str, *, flatten: bool | None = None, until: int | None = None) -> None:
        """Cancel every open order that is not reduce-only; from now on only orders that reduce a position pass.

        With ``flatten``, None for what the gate does by default, reduce-only orders are canceled too, and every position is
        closed at the market. ``until`` is when the halt ends by itself, None if somebody must end it.
        """
        if not self.gate.halt(reason, flatten=flatten, until=until):
            return
        flatten = self.gate.flattens
        for order in self.open_orders():
            if (flatten or not order.reduce_only) and order.is_open:
                self.cancel(order, f"halted: {reason}")
        if flatten:
            self.flatten(f"halted: {reason}")
        self._observing.session_halted(reason)
        self._deliver()

    def withdraw(self, reason: str, *, flatten: bool = False, keep_protective: bool = False) -> None:
        """Cancel every open order, and close every position at the market where that is wanted.

        With ``keep_protective`` orders that only reduce a position stay, unless it is closed.
        """
        for order in self.open_orders():
            if order.is_open and (flatten or not (keep_protective and order.reduce_only)):
                self.cancel(order, reason)
        if flatten:
            self.flatten(reason)
        self._deliver()

    def flatten(self, tag: str) -> None:
        """Close every position with reduce-only market orders; what is being closed already is not closed twice."""
        for ledger in self.ledgers.values():
            for position in ledger.positions.values():
                lots, under_way = position.lots, position.pending
                if lots * under_way < 0:
                    lots = 0 if abs(under_way) >= abs(lots) else lots + under_way
                if lots:
                    side = Side.SELL if lots > 0 else Side.BUY
                    instrument = position.market.instrument
                    order = Order(
                        0, ledger.strategy, instrument, side, _MARKET, abs(lots), self.clock.now,
                        reduce_only=True, tag=tag, position_id=position.id if position.id != instrument.symbol else "",
                    )  # fmt: skip
                    self.submit(order)

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
        if self._denials.get(key) == what and (order.handler is None or order.handler.parent is order):
            self.warn(f"{order.strategy}: further orders on {order.symbol} denied: {what[1]}")
            order.status = OrderStatus.DENIED
            order.reason = reason
            return
        self._denials[key] = what
        order.reason = ""
        self.orders.append(order)
        self.order_count = order.number = self.order_count + 1
        self.order_changed(order, OrderStatus.DENIED, self.clock.now, reason)

    def _register(self, order: Order, status: OrderStatus, now: int) -> None:
        """Record an order before it is sent."""
        self.orders.append(order)
        self.order_count = order.number = number = self.order_count + 1
        self._live[number] = order
        transition(order, status, now)
        self._report(order, status, now, "")

    def _pend(self, order: Order, lots: int) -> None:
        """Count lots of a market order as on their way; those of a worked order count once, with their parent."""
        if order.parent is None:  # protective orders have a parent too, but never are market orders
            positions = self.ledgers[order.strategy].positions
            positions[order.position_id or order.instrument.symbol].pending += order.side * lots

    # -- what the broker reports -------------------------------------------------------------------------------------

    def order_adopted(self, order: Order) -> None:
        """Record an order that the venue itself has made, such as a liquidation, and count it as accepted."""
        now = order.time
        self._register(order, _SUBMITTED, now)
        if order.type is _MARKET:
            self._pend(order, order.lots)
        self.order_changed(order, _ACCEPTED, now)

    def order_changed(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """Move an order to a status and queue the news for its strategy."""
        transition(order, status, time, reason)
        if self._live.get(order.number) is order and order.is_closed:
            del self._live[order.number]
            if order.type is _MARKET:
                self._pend(order, -order.open_lots)
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
        self.fill_count = number = self.fill_count + 1
        fill = _new(
            Fill,
            (
                number,
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
                order.position_id,
            ),
        )
        ledger = self.ledgers[order.strategy]
        if order.type is _MARKET and order.parent is None:
            ledger.positions[order.position_id or instrument.symbol].pending -= order.side * lots
        realized = ledger.book(fill)
        self.fills.append(fill)
        self.seen.append(self.clock.now)
        self._report(order, status, time, "")
        if order.strategy in self._fill_listeners or order.handler is not None:
            self._inbox.append((order, fill))
        if order.handler is not None and order.handler.parent is not None:
            self._parent_filled(order.handler.parent, lots, price, time)
        if self._observing.fills:
            self._observing.order_filled(order, fill)
        if self._rules_on_fill:
            for rule in self._rules_on_fill:
                rule.on_fill(order, fill, realized, self)

    def funding_paid(self, symbol: str, time: int, rate: float, amount: float) -> None:
        """Book funding that the venue has settled, by share of what strategies hold, or to who held it last."""
        market = self.markets[symbol]
        market.funding_rate = rate
        positions = [(one, position) for one in self.ledgers.values() for position in one.held(symbol)]
        total = sum(position.lots for _, position in positions)
        for ledger, position in positions:
            share = position.lots / total if total else float(position is _last_held(positions))
            if share:
                self._book_payment(ledger, position, time, amount * share)
                self._funding_news.append((ledger.strategy, Funding(symbol, time, rate, amount * share)))

    def _book_payment(self, ledger: Ledger, position: Position, time: int, amount: float) -> None:
        position.wallet.cash += amount
        ledger.funding += amount * position.wallet.rate
        self.payments.append((time, ledger.strategy, position.id, amount))

    def _parent_filled(self, parent: Order, lots: int, price: float, time: int) -> None:
        """Count what a child of a worked order has filled; the child's fill is booked already."""
        before = parent.filled_lots
        parent.filled_lots = after = before + lots
        parent.average_price = (parent.average_price * before + price * lots) / after
        if parent.type is _MARKET:
            self._pend(parent, -lots)
        status = _FILLED if after == parent.lots else _PARTIALLY_FILLED
        transition(parent, status, time)
        if status is _FILLED:
            del self._live[parent.number]
        self._report(parent, status, time, "")

    def _report(self, order: Order, status: OrderStatus, time: int, reason: str) -> None:
        update = OrderUpdate(time, order.number, status, reason)
        self.updates.append(update)
        if order.strategy in self._order_listeners or order.handler is not None:
            self._inbox.append((order, update))
        if self._observing.updates:
            self._observing.order_updated(order, update)

    def _deliver(self) -> None:
        inbox, calls = self._inbox, 0
        while inbox:
            order, news = inbox.popleft()
            calls += 1
            if calls > CALLBACKS_PER_EVENT:
                raise self._endless(self.runners[order.strategy])
            if order.handler is not None:
                self._tell(order.handler, order, news)
            runner = self.runners[order.strategy]
            listeners = self._fill_listeners if isinstance(news, Fill) else self._order_listeners
            if order.strategy in listeners:
                self._tell(runner, order, news)

    def _tell(self, runner: Runner | OrderHandler, order: Order, news: Fill | OrderUpdate) -> None:
        try:
            runner.on_fill(order, news) if isinstance(news, Fill) else runner.on_order(order, news)
        except (StrategyError, ConfigError):
            raise
        except Exception as error:
            event = "on_fill" if isinstance(news, Fill) else "on_order"
            raise self._blame(runner, event, error) from error

    def _blame(self, runner: Timed | OrderHandler | None, event: str, error: Exception) -> StrategyError:
        assert runner is not None, "only strategies and what works for them are called here"
        when = isoformat(self.clock.now)
        return StrategyError(f"strategy {runner.id!r}: {event} at {when}: {type(error).__name__}: {error}")

    def _endless(self, runner: Runner) -> StrategyError:
        found = f"more than {CALLBACKS_PER_EVENT} callbacks from one event; an order sent from on_order answers itself"
        return StrategyError(f"strategy {runner.id!r}: at {isoformat(self.clock.now)}: {found}")


def _last_held(positions: Sequence[tuple[Ledger, Position]]) -> Position:
    """Return the position that was opened last, of those that are flat by now."""
    return max((position for _, position in positions), key=lambda one: one.opened)


def _amended(order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> Order:
    """Return what is open of an order after an amendment, as an order that the gate can judge in its place."""
    return Order(
        order.number,
        order.strategy,
        order.instrument,
        order.side,
        order.type,
        lots,
        order.time,
        limit_price=limit_price,
        trigger_price=trigger_price,
        reduce_only=order.reduce_only,
        tag=order.tag,
        position_id=order.position_id,
        handler=order.handler,
    )
