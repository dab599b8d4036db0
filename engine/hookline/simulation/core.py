"""The venue's core: orders rest here, and whatever fills them is booked by the same rules.

What moves orders, bars or a tape, is a subclass. Rules that hold for both:

- Each strategy trades a ledger of its own, as if it had a sub-account at the venue. The venue reads ledgers and never
  writes them: the listener books a fill before ``order_filled`` returns.
- A reduce-only order is cut to the position, and canceled as soon as there is nothing to reduce.
- A fill beyond the funds is cut to what they allow; rejected if that is nothing, and for FOK.
- Spot that is not held is sold only as far as it may be borrowed.
- A position that its margin no longer holds is liquidated, by the rules of ``liquidation.py``; it loses its open orders.
- Children are sent when their entry fills and grow with its further fills; any fill of one order of a
  one-cancels-other group cancels the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hookline.broker import BrokerListener
from hookline.clock import Clock
from hookline.model import (
    Instrument,
    InstrumentKind,
    Ledger,
    Order,
    OrderStatus,
    OrderType,
    Position,
    TimeInForce,
)
from hookline.simulation.fees import FeeModel
from hookline.simulation.fills import trail_level
from hookline.simulation.funding import funding_payment
from hookline.simulation.funds import mark_price
from hookline.simulation.liquidation import Call, Closing, MarginAccount
from hookline.simulation.requests import Request, Requests
from hookline.simulation.reserving import uncovered

__all__ = ["IMMEDIATE", "LIMITS", "STOPS", "VenueCore", "level", "reach_price"]

_SPOT = InstrumentKind.SPOT
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_NOT_ARRIVED = frozenset({OrderStatus.HELD, OrderStatus.SUBMITTED})
STOPS = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})
LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


class VenueCore(ABC):
    """Open orders of any number of strategies and instruments, and the booking of their fills."""

    def __init__(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
        fees: FeeModel,
        *,
        leverage: float = 1.0,
        liquidation_fee: float = 0.0,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._ledgers = ledgers
        self._fees = fees
        self.margin = MarginAccount(instruments, ledgers, leverage, fees.taker, liquidation_fee)
        self._deadline: int | None = None
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
        # An amendment that waits may change what this one leaves alone: then all of its terms count.
        before = None if self._requests.waits(order) else order
        changes = {
            name: value for name, value in terms.items() if before is None or value != getattr(before, name)
        }
        self._requests.ask(Request(self._clock.now, order, "amended to its filled quantity", changes))

    def cancel_all_after(self, seconds: float | None) -> None:
        """Cancel everything open once that much time has passed without another call."""
        now = self._clock.now
        if self._deadline is not None and self._deadline < now:
            self.pass_deadline()
        self._deadline = None if seconds is None else now + round(seconds * 1e9)

    def _grant(self, request: Request) -> None:
        order, changes = request.order, request.changes
        if order.is_closed:
            return
        if changes is None or changes.get("lots", order.lots) <= order.filled_lots:
            self.close(order, OrderStatus.CANCELED, request.time, request.reason)
            return
        if (
            changes.get("limit_price", order.limit_price) != order.limit_price
            and order.status not in _NOT_ARRIVED
        ):
            self._repriced.add(order)
        for name, value in changes.items():
            setattr(order, name, value)

    def pass_deadline(self) -> None:
        """Ask for the cancellation of everything sent up to the deadline of ``cancel_all_after``, which has passed."""
        deadline, self._deadline = self._deadline, None
        assert deadline is not None, "only a deadline that is set can pass"
        for orders in self.open.values():
            for order in tuple(orders):
                if order.time <= deadline:
                    self._requests.ask(Request(deadline, order, "cancel-all-after: not renewed in time"))

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart beside the orders, as values that JSON can hold."""
        return {
            "open": {symbol: [order.number for order in orders] for symbol, orders in self.open.items()},
            "repriced": sorted(order.number for order in self._repriced),
            "deadline": self._deadline,
            "requests": self._requests.save(),
            "margin": self.margin.save(),
        }

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take over what ``save`` returned before a restart, and the orders that are open, by number."""
        for symbol, numbers in state.get("open", {}).items():
            if symbol in self.open:
                # In place: the kernel watches this very list.
                self.open[symbol][:] = [orders[number] for number in numbers]
        self._repriced = {orders[number] for number in state.get("repriced", []) if number in orders}
        self._deadline = state.get("deadline")
        self._requests.restore(state.get("requests", {}), orders)
        self.margin.restore(state.get("margin", {}))

    # -- what a subclass matches with ----------------------------------------------------------------------------------

    def position_of(self, order: Order) -> Position:
        """Return the position that an order changes."""
        return self._ledgers[order.strategy].positions[order.position_id or order.instrument.symbol]

    def accept(self, order: Order, time: int) -> None:
        """Let an order that has arrived rest, unless it has nothing to reduce."""
        if order.status is OrderStatus.SUBMITTED:
            if order.reduce_only and order.side * self.position_of(order).lots >= 0:
                self.close(order, OrderStatus.CANCELED, time, "reduce-only: nothing to reduce")
            elif order.type is OrderType.LIMIT and not order.reduce_only and (why := self._uncovered(order)):
                self.close(order, OrderStatus.REJECTED, time, why)
            else:
                self._listener.order_changed(order, OrderStatus.ACCEPTED, time)

    def _uncovered(self, order: Order) -> str:
        """Return why the funds do not let an order rest, empty if they do."""
        resting = [one for orders in self.open.values() for one in orders if one.strategy == order.strategy]
        ledger = self._ledgers[order.strategy]
        return uncovered(order, resting, ledger, self.position_of(order), self.margin.funds, self._fees.maker)

    def expire(self, orders: Iterable[Order], before: int) -> None:
        """End the orders whose time has come before a time."""
        for order in tuple(orders):
            if order.expire_time is not None and order.expire_time < before:
                self.close(order, OrderStatus.EXPIRED, order.expire_time)

    def start_trailing(self, order: Order, price: float) -> None:
        """Set the first level of a trailing stop behind a price."""
        trigger = trail_level(order.side, price, order.trail_amount or 0.0, order.trail_fraction or 0.0)
        order.trigger_price = order.instrument.on_grid(trigger, order.side)

    def trail(self, order: Order, extreme: float) -> None:
        """Move a trailing stop's level behind an extreme price; it never moves back."""
        before = level(order.trigger_price)
        self.start_trailing(order, extreme)
        if order.side * (level(order.trigger_price) - before) > 0.0:
            order.trigger_price = before

    def fill(self, order: Order, wanted: int, price: float, time: int, *, is_maker: bool = False) -> int:
        """Fill lots of an order at a price as far as position and funds allow, and return how many were filled.

        An order of which less than wanted could be filled is closed: what holds it back will not go away.
        """
        instrument = order.instrument
        position = self._ledgers[order.strategy].positions[order.position_id or instrument.symbol]
        held, rate = position.lots, self._fees.maker if is_maker else self._fees.taker
        lots = self._allowed(order, position, wanted, price, rate, time)
        if lots <= 0:
            return 0
        fee = instrument.units(lots) * abs(price) * rate
        self._listener.order_filled(order, lots, price, fee, is_maker, time)
        if self.margin.guarded[instrument.symbol]:
            self.margin.filled(position, held)
        orders = self.open[instrument.symbol]
        if lots < wanted:
            reason = (
                "reduce-only: position closed" if order.reduce_only else "insufficient funds for the rest"
            )
            self.close(order, OrderStatus.CANCELED, time, reason)
        elif order.filled_lots == order.lots:
            orders.remove(order)
            self._repriced.discard(order)
        if order.children:
            self._send_children(order, price, time)
        if order.oco_leader is not None:
            self._cancel_group(order, time)
        if orders and held and position.lots * held <= 0:
            self._cancel_reducing(order, position.lots, time)
        return lots

    def _allowed(
        self, order: Order, position: Position, wanted: int, price: float, rate: float, time: int
    ) -> int:
        """Return how many of the lots position and funds allow; where that is none the order is ended, and 0 returned."""
        held, side, lots = position.lots, order.side, wanted
        if order.reduce_only:
            held_against = -side * held
            if held_against <= 0:
                self.close(order, OrderStatus.CANCELED, time, "reduce-only: nothing to reduce")
                return 0
            lots = min(lots, held_against)
        after = held + side * lots
        if after < 0 and after < -order.instrument.borrow_lots and order.instrument.kind is _SPOT:
            self._refuse(order, time, _not_held(order, held))
            return 0
        if abs(after) > abs(held) or after * held < 0:
            ledger = self._ledgers[order.strategy]
            affordable = self.margin.funds.affordable(ledger, position, side, price, rate)
            if affordable < lots:
                if affordable <= 0 or order.time_in_force is TimeInForce.FOK:
                    value = order.instrument.units(lots) * price
                    self._refuse(order, time, f"insufficient funds: {ledger.equity:.2f} for {value:.2f}")
                    return 0
                return affordable
        return lots

    def limits(self, symbol: str) -> list[float] | None:
        """Return the live ``[floor, ceiling]`` of a symbol; a price that reaches one of them may liquidate a position.

        None where no position could ever be liquidated.
        """
        return self.margin.limits(symbol) if self.margin.guarded[symbol] else None

    def liquidation_price(self, position: Position) -> float:
        """Return where a held position is liquidated while all other prices stay, NaN for nowhere."""
        return self.margin.price_of(position)

    def paid(self, symbol: str) -> None:
        """Note that positions of a symbol have paid funding at the rate that its market shows."""

        def payment(position: Position) -> float:
            market = position.market
            return funding_payment(position.quantity, mark_price(market), market.funding_rate)

        self.margin.paid(symbol, payment)

    def liquidate(
        self, symbol: str, low: float, high: float, how: Callable[[Position, float], Closing]
    ) -> None:
        """Close what cannot be held when the price of a symbol has moved between two prices.

        ``how`` returns price and time at which a position is closed, given the level at which it is due (its mark for
        other symbols than this one).
        """
        floor, ceiling = self.margin.band(symbol)
        if low <= floor or high >= ceiling:
            for call in self.margin.calls(symbol, low, high):
                closings = {position: how(position, call.level_of(position)) for position in call.positions}
                self._cancel_liquidated(call, closings)
                self.margin.close(call, closings, self._listener)

    def _cancel_liquidated(self, call: Call, closings: Mapping[Position, Closing]) -> None:
        for position, (_, time) in closings.items():
            for order in tuple(self.open[position.symbol]):
                if (
                    order.strategy == call.ledger.strategy
                    and order.status is not OrderStatus.SUBMITTED
                    and self.position_of(order) is position
                ):
                    self.close(
                        order, OrderStatus.CANCELED, max(time, order.update_time), "position liquidated"
                    )

    def close(self, order: Order, status: OrderStatus, time: int, reason: str = "") -> None:
        """End an order; the children of one that never filled are canceled."""
        if order in self.open[order.symbol]:
            self.open[order.symbol].remove(order)
        self._repriced.discard(order)
        self._listener.order_changed(order, status, time, reason)
        for child in order.children:
            if child.status is OrderStatus.HELD and order.filled_lots == 0:
                self._listener.order_changed(child, OrderStatus.CANCELED, time, f"entry {status}")

    @abstractmethod
    def enter(self, children: Sequence[Order], price: float, time: int) -> None:
        """Bring the children of an entry that filled at a price to the market; they are SUBMITTED and in ``open``."""

    # -- what follows from a fill --------------------------------------------------------------------------------------

    def _refuse(self, order: Order, time: int, reason: str) -> None:
        """End an order that the funds do not allow: rejected, or its rest canceled if it has filled in part."""
        status = OrderStatus.CANCELED if order.filled_lots else OrderStatus.REJECTED
        self.close(order, status, time, reason)

    def _send_children(self, entry: Order, price: float, time: int) -> None:
        """Send the children of an entry at its first fill; let those that are there grow with further ones."""
        held = [child for child in entry.children if child.status is OrderStatus.HELD]
        for child in entry.children:
            if child.is_open:
                child.lots = entry.filled_lots
        for child in held:
            if child.type is OrderType.TRAILING_STOP:
                self.start_trailing(child, price)
            self._listener.order_changed(child, OrderStatus.SUBMITTED, time)
            self.open[child.symbol].append(child)
        if held:
            self.enter(held, price, time)

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
                self.close(order, OrderStatus.CANCELED, max(time, order.time), reason)

    def _cancel_reducing(self, filled: Order, held: int, time: int) -> None:
        """Cancel what protected a position that is closed or turned; orders on their way are judged when they arrive."""
        for order in tuple(self.open[filled.symbol]):
            if (
                order.reduce_only
                and order.status is not OrderStatus.SUBMITTED
                and order.side * held >= 0
                and order.strategy == filled.strategy
                and order.position_id == filled.position_id
            ):
                self.close(order, OrderStatus.CANCELED, time, "reduce-only: position closed")


def _not_held(order: Order, held: int) -> str:
    instrument = order.instrument
    borrowed = f" and {instrument.borrow_limit:g} can be borrowed" if instrument.borrow_lots else ""
    return f"spot: cannot sell {order.quantity:g}, {instrument.units(max(0, held)):g} held{borrowed}"


def reach_price(order: Order) -> float:
    """Return the price that the market must reach for a limit or take-profit order."""
    return level(order.trigger_price if order.type is OrderType.TAKE_PROFIT else order.limit_price)


def level(price: float | None) -> float:
    """Return a price that an order of its type must have."""
    assert price is not None, "orders are checked for their prices before they are sent"
    return price
