"""Orders matched against bars, by the table in ``fills.py``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from hookline.broker import BrokerListener
from hookline.clock import Clock
from hookline.model import Bar, BarSeries, Instrument, Ledger, Order, OrderStatus, OrderType, Position, Side
from hookline.simulation.core import IMMEDIATE, LIMITS, STOPS, VenueCore, level, reach_price
from hookline.simulation.fees import FeeModel
from hookline.simulation.fills import limit_price, stop_limit_price, stop_price
from hookline.simulation.liquidation import Closing
from hookline.simulation.slippage import SlippageModel
from hookline.simulation.walk import walk

__all__ = ["BarVenue"]

# Held here because every order asks for it: Python 3.11 runs a Python function for each ``OrderType.MARKET``.
_MARKET = OrderType.MARKET


class BarVenue(VenueCore):
    """Matches orders against bars."""

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
        liquidation_fee: float = 0.0,
        through: bool = False,
        walk_path: bool = False,
    ) -> None:
        super().__init__(
            listener, clock, instruments, ledgers, fees, leverage=leverage, liquidation_fee=liquidation_fee
        )
        self._slippage = slippage
        self._through = through
        self._walk_path = walk_path
        self._entered: list[tuple[Order, float]] = []
        self._is_closing = False
        self._bars: dict[str, Bar] = {}
        self._marks: dict[str, BarSeries] = {}

    def save(self) -> dict[str, Any]:
        bars = {symbol: list(msgspec.structs.astuple(bar)[1:]) for symbol, bar in self._bars.items()}
        return super().save() | {"bars": bars}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        super().restore(state, orders)
        # A position that is liquidated for the losses of another is closed on the last bar of its own.
        self._bars = {symbol: Bar(symbol, *row) for symbol, row in state.get("bars", {}).items()}

    def match(self, bars: Sequence[Bar]) -> None:
        """Fill what bars of one end time fill: first everything at their opens, as it was sent, then inside each bar."""
        if self._deadline is not None and self._deadline < bars[0].end:
            self.pass_deadline()
        guarded = self.margin.guarded
        for bar in bars:
            self._bars[bar.symbol] = bar
            self._requests.begin(bar)
            if guarded[bar.symbol]:
                self._margin_call_at_open(bar)
        if len(bars) > 1:
            self._open_all(bars)
        else:
            for order in self.open[bar.symbol][:]:
                if order.time <= bar.start and order.is_open:
                    self._at_open(order, bar)
        for bar in bars:
            if guarded[bar.symbol]:
                self._inside_guarded(bar)
            elif orders := self.open[bar.symbol]:
                self._match_inside(orders, bar)
            self._requests.finish(bar)

    def match_close(self, bars: Sequence[Bar]) -> bool:
        """Fill market orders sent as the last bar of their symbol ended, at its close; return whether there were any (row C2)."""
        for bar in bars:
            self._bars[bar.symbol] = bar
        sent = [
            (order.number, order, self._bars[symbol])
            for symbol, orders in self.open.items()
            if orders and symbol in self._bars
            for order in orders
            if order.type is _MARKET and order.time == self._bars[symbol].end
        ]
        self._is_closing = True
        # Two orders never have one number, so that orders themselves are not compared.
        for _, order, bar in sorted(sent):
            if order.is_open:
                self.execute(order, bar.close, bar, bar.end)
        self._is_closing = False
        return bool(sent)

    def _inside_guarded(self, bar: Bar) -> None:
        """Fill what a bar fills after its open, and liquidate what it liquidates."""
        orders = self.open[bar.symbol]
        floor, ceiling = self.margin.limits(bar.symbol)
        if bar.low <= floor or bar.high >= ceiling:
            self._margin_call(orders, bar)
        if orders:
            self._match_inside(orders, bar)
            self._margin_call_of_entries(bar)

    def _open_all(self, bars: Sequence[Bar]) -> None:
        orders = [(order.number, order, bar) for bar in bars for order in self.open[bar.symbol]]
        # Two orders never have one number, so that orders themselves are not compared.
        for _, order, bar in sorted(orders):
            if order.time <= bar.start and order.is_open:
                self._at_open(order, bar)

    def _match_inside(self, orders: Sequence[Order], bar: Bar) -> None:
        self._requests.opened(bar)
        self.expire(orders, bar.end)
        live = [order for order in orders if order.time <= bar.start]
        if live:
            self._entered.clear()
            if self._walk_path:
                walk(self, bar)
            else:
                self._inside(live, bar)
                self._trail(orders, bar)

    def follow_marks(self, marks: Mapping[str, BarSeries]) -> None:
        """Learn the mark prices that decide on liquidation, as bars."""
        self._marks = dict(marks)
        self.margin.follow_marks(marks)

    def _deciding(self, bar: Bar) -> tuple[float, float, float]:
        """Return open, low and high of the price that decides on liquidation: the mark's where it is known."""
        marks = self._marks.get(bar.symbol)
        if marks is not None:
            first, last = np.searchsorted(marks.start, (bar.start, bar.end))
            if first < last:
                low, high = marks.low[first:last].min(), marks.high[first:last].max()
                return float(marks.open[first]), float(low), float(high)
        return bar.open, bar.low, bar.high

    def _margin_call_at_open(self, bar: Bar) -> None:
        floor, ceiling = self.margin.limits(bar.symbol)
        if bar.open <= floor or bar.open >= ceiling:
            open_, _, _ = self._deciding(bar)
            self.liquidate_between(bar, open_, open_, at_open=True)

    def _margin_call(self, orders: Sequence[Order], bar: Bar) -> None:
        """Liquidate what the bar liquidates, after the orders that its price meets on the way to the level."""
        if self._walk_path and orders and bar.symbol not in self._marks:
            return
        _, low, high = self._deciding(bar)
        floor, ceiling = self.margin.band(bar.symbol)
        if low > floor and high < ceiling:
            return
        before = [
            order
            for order in orders
            if order.time <= bar.start and _is_between(order, bar.open, floor if low <= floor else ceiling)
        ]
        if before:
            self._entered.clear()
            self._inside(before, bar)
        self.liquidate_between(bar, low, high)

    def _margin_call_of_entries(self, bar: Bar) -> None:
        """Liquidate what was opened inside a bar and does not survive it, as its stop would be tested (row B3)."""
        floor, ceiling = self.margin.limits(bar.symbol)
        if (bar.low <= floor or bar.high >= ceiling) and not self._walk_path:
            _, low, high = self._deciding(bar)
            self.liquidate_between(bar, low, high)

    def _margin_call_before(self, bar: Bar, price: float, floor: float, *, at_open: bool) -> None:
        """Liquidate what the price passes on its way to an order: nobody sells a long below its liquidation price."""
        if bar.symbol not in self._marks:
            low, high = (price, bar.high) if price <= floor else (bar.low, price)
            self.liquidate_between(bar, low, high, at_open=at_open)

    def due_between(self, bar: Bar, here: float, stop: float) -> float:
        """Return the first price on the way between two prices at which a position is liquidated, NaN if there is none."""
        low, high = min(here, stop), max(here, stop)
        floor, ceiling = self.margin.limits(bar.symbol)
        if bar.symbol in self._marks or (low > floor and high < ceiling):
            return math.nan
        levels = [call.level for call in self.margin.calls(bar.symbol, low, high)]
        return min(levels, key=lambda level: abs(level - here), default=math.nan)

    def liquidate_between(self, bar: Bar, low: float, high: float, *, at_open: bool = False) -> None:
        """Close what cannot be held when the price that decides has moved between two prices during a bar.

        Positions in other instruments of the same wallet are closed at their last price, at the time of this bar.
        """

        def how(position: Position, level: float) -> Closing:
            own = self._bars.get(position.symbol, bar)
            side = Side.SELL if position.lots > 0 else Side.BUY
            if own.end != bar.end:
                time = max(own.end, bar.start)
                # The mark may decide on liquidation, but nobody trades at it.
                level = position.market.last
            else:
                time = own.start if at_open else own.end
                if at_open:
                    # A gap is paid by the strategy: what is due at the open is closed there.
                    level = own.open
                elif own is bar and bar.symbol in self._marks:
                    # Where the mark price passed the level, the traded price may have been worse before.
                    level = min(level, bar.open) if side < 0 else max(level, bar.open)
                level = min(max(level, own.low), own.high)
            return Closing(self._slippage.price(position.market.instrument, side, level, own), time)

        self.liquidate(bar.symbol, low, high, how)

    def _at_open(self, order: Order, bar: Bar) -> None:
        if order.expire_time is not None and order.expire_time <= bar.start:
            self.close(order, OrderStatus.EXPIRED, order.expire_time)
            return
        if order.type is _MARKET:
            self.execute(order, bar.open, bar, bar.start)
            return
        if order.type is OrderType.LIMIT or order.status is OrderStatus.TRIGGERED:
            self._limit_at_open(order, bar, self._arrives(order))
            return
        if order.trigger_price is None:
            self.start_trailing(order, bar.open)
        trigger = level(order.trigger_price)
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
        if order.side * (level(order.limit_price) - bar.open) < 0.0:
            if arriving:
                self._rest(order, bar)
        elif arriving and order.post_only:
            reason = f"post-only: would take at {bar.open!r}"
            self.close(order, OrderStatus.REJECTED, bar.start, reason)
        else:
            self.execute(order, bar.open, bar, bar.start, is_maker=not arriving)

    def _rest(self, order: Order, bar: Bar) -> None:
        if order.type is OrderType.LIMIT or order.status is OrderStatus.TRIGGERED:
            self._cancel_immediate(order, bar.start)
        self.accept(order, bar.start)

    def _cancel_immediate(self, order: Order, time: int) -> None:
        if order.time_in_force in IMMEDIATE:
            self.close(order, OrderStatus.CANCELED, time, "nothing to match at once")

    def _inside(self, live: Iterable[Order], bar: Bar) -> None:
        reached: list[Order] = []
        for order in live:
            if order.type in STOPS:
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
            if child.type in STOPS and child.is_open:
                self._test_stop(child, bar, entry)

    def passes_through(self, order: Order) -> bool:
        """Return whether the price must pass the order's price rather than touch it."""
        return self._through and order.type is not OrderType.TAKE_PROFIT

    def _test_stop(self, order: Order, bar: Bar, begin: float) -> None:
        if order.is_open:
            price = stop_price(order.side, level(order.trigger_price), begin, bar.high, bar.low)
            if price == price:  # noqa: PLR0124
                self.execute(order, price, bar, bar.end)

    def _test_stop_limit(self, order: Order, bar: Bar) -> None:
        trigger, limit = level(order.trigger_price), level(order.limit_price)
        if order.is_open and not math.isnan(stop_price(order.side, trigger, bar.open, bar.high, bar.low)):
            self._listener.order_changed(order, OrderStatus.TRIGGERED, bar.end)
            price = stop_limit_price(order.side, trigger, limit, bar.close, self._through)
            if price == trigger or (price == price and order.time_in_force not in IMMEDIATE):  # noqa: PLR0124
                self.execute(order, price, bar, bar.end, is_maker=price != trigger)
            else:
                self._cancel_immediate(order, bar.end)

    def trigger(self, order: Order, bar: Bar, price: float) -> None:
        """Turn a stop-limit order into a limit order inside a bar, filled at once where the limit allows the price."""
        self._listener.order_changed(order, OrderStatus.TRIGGERED, bar.end)
        if order.side * (level(order.limit_price) - price) >= 0.0:
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
                if order.side * (bar.close - level(order.trigger_price)) >= 0.0:
                    self.execute(order, level(order.trigger_price), bar, bar.end)

    def execute(self, order: Order, price: float, bar: Bar, time: int, *, is_maker: bool = False) -> None:
        """Fill an order at a price of the bar, with slippage where it takes what it gets."""
        floor, ceiling = self.margin.limits(order.instrument.symbol)
        if price <= floor or price >= ceiling:
            self._margin_call_before(bar, price, floor, at_open=time == bar.start)
            if not order.is_open:
                return
        if not is_maker and order.type not in LIMITS:
            price = self._slippage.price(order.instrument, order.side, price, bar)
        self.fill(order, order.lots - order.filled_lots, price, time, is_maker=is_maker)

    def enter(self, children: Sequence[Order], price: float, time: int) -> None:
        bar = self._bars[children[0].symbol]
        for child in children:
            child.time = bar.end if self._is_closing else bar.start
        if self._is_closing:
            return
        for child in children:
            if child.is_open and time == bar.start:
                self._at_open(child, bar)
            elif child.is_open:
                self._entered.append((child, price))
                self._enter_inside(child, price, time)

    def _enter_inside(self, child: Order, price: float, time: int) -> None:
        """Let a child rest from the moment its entry filled, unless it would take at that price."""
        if child.reduce_only and child.side * self.position_of(child).lots >= 0:
            self.close(child, OrderStatus.CANCELED, time, "reduce-only: nothing to reduce")
        elif child.type is not OrderType.LIMIT or child.side * (level(child.limit_price) - price) < 0.0:
            self._listener.order_changed(child, OrderStatus.ACCEPTED, time)


def _is_between(order: Order, begin: float, end: float) -> bool:
    """Return whether the price meets an order on its way between two prices."""
    price = None if order.status is OrderStatus.TRIGGERED else order.trigger_price
    price = order.limit_price if price is None else price
    return price is not None and min(begin, end) < price < max(begin, end)
