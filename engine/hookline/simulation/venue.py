"""The matching core: orders in, fills out, driven by bars.

The rules are the table in ``fills.py``. Each strategy trades a ledger of its own, as if it had a sub-account at the venue.
The venue reads ledgers and never writes them: the listener books a fill before ``order_filled`` returns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from hookline.broker import BrokerListener
from hookline.clock import Clock
from hookline.model import Bar, Instrument, Ledger, Order, OrderStatus, OrderType, TimeInForce
from hookline.simulation.fees import FeeModel
from hookline.simulation.fills import limit_price, stop_limit_price, stop_price, trail_level
from hookline.simulation.funds import affordable_lots
from hookline.simulation.requests import Request, Requests
from hookline.simulation.slippage import SlippageModel
from hookline.simulation.walk import walk

__all__ = ["SimulatedVenue"]

# Held here because every order asks for it: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_MARKET = OrderType.MARKET
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_STOPS = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})
_LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


class SimulatedVenue:
    """Matches orders of any number of strategies and instruments against bars."""

    def __init__(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        fees: FeeModel,
        slippage: SlippageModel,
        *,
        leverage: float = 1.0,
        through: bool = False,
        walk_path: bool = False,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._ledgers = ledgers
        self._fees = fees
        self._slippage = slippage
        self._leverage = leverage
        self._through = through
        self._walk_path = walk_path
        self._deadline: int | None = None
        self._entered: list[tuple[Order, float]] = []
        self._repriced: set[Order] = set()
        self._requests = Requests(instruments, self._grant)
        self.open: dict[str, list[Order]] = {symbol: [] for symbol in instruments}

    # -- requests ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Take an order; it reaches the market at the first event after its time."""
        self.open[order.instrument.symbol].append(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        """Cancel an open order and the children that wait for it."""
        self._requests.ask(Request(self._clock.now, order, reason))

    def amend(self, order: Order, lots: int, limit: float | None, trigger: float | None) -> None:
        """Change an open order in place; a quantity at or below what is filled cancels the rest."""
        terms = {"lots": lots, "limit_price": limit, "trigger_price": trigger}
        changes = {name: value for name, value in terms.items() if value != getattr(order, name)}
        self._requests.ask(Request(self._clock.now, order, "amended to its filled quantity", changes))

    def cancel_all_after(self, seconds: float | None) -> None:
        """Cancel everything open once that much time has passed without another call."""
        now = self._clock.now
        if self._deadline is not None and self._deadline < now:
            self._pass_deadline()
        self._deadline = None if seconds is None else now + round(seconds * 1e9)

    def _grant(self, request: Request) -> None:
        order, changes = request.order, request.changes
        if order.is_closed:
            return
        if changes is None or changes.get("lots", order.lots) <= order.filled_lots:
            self._close(order, OrderStatus.CANCELED, request.time, request.reason)
            return
        if "limit_price" in changes:
            self._repriced.add(order)
        for name, value in changes.items():
            setattr(order, name, value)

    def _pass_deadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        assert deadline is not None, "only a deadline that is set can pass"
        for orders in self.open.values():
            for order in tuple(orders):
                if order.time <= deadline:
                    self._requests.ask(Request(deadline, order, "cancel-all-after: not renewed in time"))

    # -- matching ----------------------------------------------------------------------------------------------------

    def match(self, bar: Bar) -> None:
        """Fill what the bar fills."""
        if self._deadline is not None and self._deadline < bar.end:
            self._pass_deadline()
        self._requests.begin(bar)
        self._match(bar)
        self._requests.finish(bar)

    def _match(self, bar: Bar) -> None:
        orders = self.open[bar.symbol]
        for order in orders[:]:
            if order.time <= bar.start and order.is_open:
                self._at_open(order, bar)
        if not orders:
            return
        self._requests.opened(bar)
        self._expire(orders, bar)
        live = [order for order in orders if order.time <= bar.start]
        if live:
            self._entered.clear()
            if self._walk_path:
                walk(self, bar)
            else:
                self._inside(live, bar)
                self._trail(orders, bar)

    def _at_open(self, order: Order, bar: Bar) -> None:
        if order.expire_time is not None and order.expire_time <= bar.start:
            self._close(order, OrderStatus.EXPIRED, order.expire_time)
            return
        if order.type is _MARKET:
            self.execute(order, bar.open, bar, bar.start)
            return
        if order.type is OrderType.LIMIT or order.status is OrderStatus.TRIGGERED:
            self._limit_at_open(order, bar, self._arrives(order))
            return
        if order.trigger_price is None:
            self.start_trailing(order, bar.open)
        trigger = _level(order.trigger_price)
        beyond = trigger - bar.open if order.type is OrderType.TAKE_PROFIT else bar.open - trigger
        if order.side * beyond < 0.0:
            self._rest(order, bar)
        elif order.type is OrderType.STOP_LIMIT:
            self._listener.order_changed(order, OrderStatus.TRIGGERED, bar.start)
            self._limit_at_open(order, bar, arriving=True)
        else:
            self.execute(order, bar.open, bar, bar.start)

    def _arrives(self, order: Order) -> bool:
        """Return whether a limit order meets the market for the first time at its price."""
        if order in self._repriced:
            self._repriced.remove(order)
            return True
        return order.status is OrderStatus.SUBMITTED

    def _limit_at_open(self, order: Order, bar: Bar, arriving: bool) -> None:
        if order.side * (_level(order.limit_price) - bar.open) < 0.0:
            if arriving:
                self._rest(order, bar)
        elif arriving and order.post_only:
            reason = f"post-only: would take at {bar.open!r}"
            self._close(order, OrderStatus.REJECTED, bar.start, reason)
        else:
            self.execute(order, bar.open, bar, bar.start, is_maker=not arriving)

    def _rest(self, order: Order, bar: Bar) -> None:
        if order.type is OrderType.LIMIT or order.status is OrderStatus.TRIGGERED:
            self._cancel_immediate(order, bar.start)
        if order.status is OrderStatus.SUBMITTED:
            if order.reduce_only and order.side * self._held(order) >= 0:
                self._close(order, OrderStatus.CANCELED, bar.start, "reduce-only: nothing to reduce")
            else:
                self._listener.order_changed(order, OrderStatus.ACCEPTED, bar.start)

    def _cancel_immediate(self, order: Order, time: int) -> None:
        if order.time_in_force in _IMMEDIATE:
            self._close(order, OrderStatus.CANCELED, time, "nothing to match at once")

    def _held(self, order: Order) -> int:
        return self._ledgers[order.strategy].positions[order.symbol].lots

    def _expire(self, orders: Sequence[Order], bar: Bar) -> None:
        for order in tuple(orders):
            if order.expire_time is not None and order.expire_time < bar.end:
                self._close(order, OrderStatus.EXPIRED, order.expire_time)

    def _inside(self, live: Iterable[Order], bar: Bar) -> None:
        reached: list[Order] = []
        for order in live:
            if order.type in _STOPS:
                self._test_stop(order, bar, bar.open)
            elif order.type is OrderType.STOP_LIMIT and order.status is not OrderStatus.TRIGGERED:
                self._test_stop_limit(order, bar)
            else:
                reached.append(order)
        for order in reached:
            if order.is_open:
                price = limit_price(
                    order.side, reach_price(order), bar.open, bar.high, bar.low, self.passes_through(order)
                )
                if price == price:  # noqa: PLR0124
                    self.execute(order, price, bar, bar.end, is_maker=order.type is not OrderType.TAKE_PROFIT)
        for child, entry in self._entered:
            if child.type in _STOPS and child.is_open:
                self._test_stop(child, bar, entry)

    def passes_through(self, order: Order) -> bool:
        """Return whether the price must pass the order's price rather than touch it."""
        return self._through and order.type is not OrderType.TAKE_PROFIT

    def _test_stop(self, order: Order, bar: Bar, begin: float) -> None:
        if order.is_open:
            price = stop_price(order.side, _level(order.trigger_price), begin, bar.high, bar.low)
            if price == price:  # noqa: PLR0124
                self.execute(order, price, bar, bar.end)

    def _test_stop_limit(self, order: Order, bar: Bar) -> None:
        trigger, limit = _level(order.trigger_price), _level(order.limit_price)
        if order.is_open and not math.isnan(stop_price(order.side, trigger, bar.open, bar.high, bar.low)):
            self._listener.order_changed(order, OrderStatus.TRIGGERED, bar.end)
            price = stop_limit_price(order.side, trigger, limit, bar.close, self._through)
            if price == trigger or (price == price and order.time_in_force not in _IMMEDIATE):  # noqa: PLR0124
                self.execute(order, price, bar, bar.end, is_maker=price != trigger)
            else:
                self._cancel_immediate(order, bar.end)

    def trigger(self, order: Order, bar: Bar, price: float) -> None:
        """Turn a stop-limit order into a limit order inside a bar, filled at once where the limit allows the price."""
        self._listener.order_changed(order, OrderStatus.TRIGGERED, bar.end)
        if order.side * (_level(order.limit_price) - price) >= 0.0:
            self.execute(order, price, bar, bar.end)
        else:
            self._cancel_immediate(order, bar.end)

    def _trail(self, orders: Sequence[Order], bar: Bar) -> None:
        entered = [child for child, _ in self._entered]
        for order in tuple(orders):
            if order.type is OrderType.TRAILING_STOP and order.time <= bar.start and order.is_open:
                # Of the bar that filled its entry, only the close is sure to come after the entry.
                extreme = bar.low if order.side > 0 else bar.high
                self.trail(order, bar.close if order in entered else extreme)
                if order.side * (bar.close - _level(order.trigger_price)) >= 0.0:
                    self.execute(order, _level(order.trigger_price), bar, bar.end)

    def start_trailing(self, order: Order, price: float) -> None:
        """Set the first level of a trailing stop behind a price."""
        level = trail_level(order.side, price, order.trail_amount or 0.0, order.trail_fraction or 0.0)
        order.trigger_price = order.instrument.on_grid(level, order.side)

    def trail(self, order: Order, extreme: float) -> None:
        """Move a trailing stop's level behind an extreme price; it never moves back."""
        before = _level(order.trigger_price)
        self.start_trailing(order, extreme)
        if order.side * (_level(order.trigger_price) - before) > 0.0:
            order.trigger_price = before

    # -- execution ---------------------------------------------------------------------------------------------------

    def execute(self, order: Order, price: float, bar: Bar, time: int, *, is_maker: bool = False) -> None:
        """Fill an order at a price of the bar, as far as position and funds allow."""
        instrument = order.instrument
        ledger = self._ledgers[order.strategy]
        position = ledger.positions[instrument.symbol]
        orders = self.open[instrument.symbol]
        held, side = position.lots, order.side
        lots = wanted = order.lots - order.filled_lots
        if order.reduce_only:
            held_against = -side * held
            if held_against <= 0:
                self._close(order, OrderStatus.CANCELED, time, "reduce-only: nothing to reduce")
                return
            lots = min(lots, held_against)
        if not is_maker and order.type not in _LIMITS:
            price = self._slippage.price(instrument, side, price, bar)
        rate = self._fees.maker if is_maker else self._fees.taker
        after = held + side * lots
        if after < 0 and not instrument.can_short:
            found = f"{instrument.units(max(0, held)):g} held"
            self._close(order, OrderStatus.REJECTED, time, f"spot: cannot sell {order.quantity:g}, {found}")
            return
        if abs(after) > abs(held) or after * held < 0:
            affordable = affordable_lots(ledger, position, side, price, rate, self._leverage)
            if affordable < lots:
                if affordable <= 0 or order.time_in_force is TimeInForce.FOK:
                    reason = (
                        f"insufficient funds: {ledger.equity:.2f} for {instrument.units(lots) * price:.2f}"
                    )
                    self._close(order, OrderStatus.REJECTED, time, reason)
                    return
                lots = affordable
        fee = instrument.units(lots) * abs(price) * rate
        self._listener.order_filled(order, lots, price, fee, is_maker, time)
        if lots < wanted:
            reason = (
                "reduce-only: position closed" if order.reduce_only else "insufficient funds for the rest"
            )
            self._close(order, OrderStatus.CANCELED, time, reason)
        else:
            orders.remove(order)
        self._follow(order, price, bar, time)
        if orders and held and position.lots * held <= 0:
            self._cancel_reducing(order, position.lots, time)

    def _follow(self, order: Order, price: float, bar: Bar, time: int) -> None:
        if order.children:
            self._activate(order, price, bar, time)
        if order.oco_leader is not None:
            self._cancel_group(order, time)

    def _activate(self, parent: Order, price: float, bar: Bar, time: int) -> None:
        """Send the children of a filled entry to the market."""
        children = [child for child in parent.children if child.status is OrderStatus.HELD]
        for child in children:
            child.lots, child.time = parent.filled_lots, bar.start
            if child.type is OrderType.TRAILING_STOP:
                self.start_trailing(child, price)
            self._listener.order_changed(child, OrderStatus.SUBMITTED, time)
            self.open[child.symbol].append(child)
        for child in children:
            if time == bar.start and child.is_open:
                self._at_open(child, bar)
            elif child.is_open:
                self._entered.append((child, price))
                self._enter(child, price, time)

    def _enter(self, child: Order, price: float, time: int) -> None:
        """Let a child rest from the moment its entry filled, unless it would take at that price."""
        if child.reduce_only and child.side * self._held(child) >= 0:
            self._close(child, OrderStatus.CANCELED, time, "reduce-only: nothing to reduce")
        elif child.type is not OrderType.LIMIT or child.side * (_level(child.limit_price) - price) < 0.0:
            self._listener.order_changed(child, OrderStatus.ACCEPTED, time)

    def _cancel_group(self, filled: Order, time: int) -> None:
        reason = f"one cancels other: {filled.client_order_id}"
        for order in [one for entry in self.open[filled.symbol] for one in (entry, *entry.children)]:
            if (
                order is not filled
                and order.is_open
                and order.oco_leader is filled.oco_leader
                and order.strategy == filled.strategy
            ):
                # The fill may lie before the other was sent: it was not heard of yet.
                self._close(order, OrderStatus.CANCELED, max(time, order.time), reason)

    def _cancel_reducing(self, filled: Order, held: int, time: int) -> None:
        """Cancel what protected a position that is closed or turned; orders on their way are judged when they arrive."""
        for order in tuple(self.open[filled.symbol]):
            if (
                order.reduce_only
                and order.status is not OrderStatus.SUBMITTED
                and order.side * held >= 0
                and order.strategy == filled.strategy
            ):
                self._close(order, OrderStatus.CANCELED, time, "reduce-only: position closed")

    def _close(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        if order in self.open[order.symbol]:
            self.open[order.symbol].remove(order)
        self._listener.order_changed(order, status, time, reason)
        for child in order.children:
            if child.status is OrderStatus.HELD and order.filled_lots == 0:
                self._listener.order_changed(child, OrderStatus.CANCELED, time, f"entry {status}")


def reach_price(order: Order) -> float:
    """Return the price that the market must reach for a limit or take-profit order."""
    return _level(order.trigger_price if order.type is OrderType.TAKE_PROFIT else order.limit_price)


def _level(price: float | None) -> float:
    assert price is not None, "orders are checked for their prices before they are sent"
    return price
