"""Drives a ``SignalStrategy``: one decision on every bar, turned into orders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from hookline.kernel.runner import Handle, Needs, Runner
from hookline.model import Bar, Fill, Order, OrderStatus, OrderType, Side, timeframe_ns
from hookline.signals import (
    Decision,
    Held,
    SignalStrategy,
    check_columns,
    check_decision,
    flat,
    hold,
    long,
    short,
)

if TYPE_CHECKING:
    from hookline.kernel.context import Context
    from hookline.kernel.sizing import Sizer

__all__ = ["SignalRunner", "parameters"]

# Held here because every decision that acts asks for it: Python 3.11 runs a Python function for each member of an enum.
_DENIED = OrderStatus.DENIED
_YEAR = 365 * 86_400 * 10**9
_FLAT = Held(0.0, 0.0, math.nan, 0.0)
_UNSETTLED: Any = object()  # nothing that a strategy returns, not even None
# Decisions of which there is one object each: the same one again means the same after a restart.
_PLAIN = (hold(), flat(), long(), short())


def parameters(strategy: SignalStrategy, can_short: bool) -> Any:
    """Return the strategy's parameters as one record.

    ``allow_short: None`` becomes what the instrument allows.
    """
    values = {field.name: getattr(strategy, field.name) for field in fields(strategy)}  # type: ignore[arg-type]
    if values.get("allow_short", False) is None:
        values["allow_short"] = can_short
    return record_type("Params", values)(**values)


def record_type(name: str, fields_: Iterable[str]) -> type[Any]:
    """Return a record type with these fields, which is made and read in C."""
    return msgspec.defstruct(name, list(fields_), frozen=True, gc=False)


class SignalRunner(Runner):
    """Follows one decision function on each of the strategy's instruments."""

    def __init__(
        self, id_: str, strategy: SignalStrategy, ctx: Context, sizer: Sizer | None, timeframe: str
    ) -> None:
        super().__init__(id_)
        self._strategy = strategy
        self._ctx = ctx
        self._sizer = sizer
        self._timeframe = timeframe
        self._desks: dict[str, Desk] = {}

    def start(self) -> None:
        sizer = self._sizer or self._strategy.sizer()
        self._desks = {
            symbol: Desk(self.id, self._strategy, self._ctx, symbol, sizer, self._timeframe)
            for symbol in self._ctx.symbols
        }
        self._strategy.on_start(self._ctx)
        self._ctx.started = True

    def stop(self) -> None:
        self._strategy.on_stop(self._ctx)

    def save(self) -> dict[str, Any]:
        return self._ctx.save() | {"desks": {symbol: desk.save() for symbol, desk in self._desks.items()}}

    def prepare(self, state: Mapping[str, Any]) -> None:
        self._ctx.restore(state)

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        for symbol, saved in state.get("desks", {}).items():
            if symbol in self._desks:
                self._desks[symbol].restore(saved, orders)

    def followers(self, symbol: str) -> list[Runner]:
        return [self._desks[symbol]] if symbol in self._desks else []

    def on_bar(self, bar: Bar) -> None:
        self._desks[bar.symbol].on_bar(bar)

    def on_fill(self, order: Order, fill: Fill) -> None:
        self._desks[fill.symbol].on_fill(order, fill)


class Desk(Runner):
    """Trades one instrument for a signal strategy."""

    def __init__(
        self, id_: str, strategy: SignalStrategy, ctx: Context, symbol: str, sizer: Sizer, timeframe: str
    ) -> None:
        super().__init__(id_)
        bars = ctx.bars(symbol)
        columns = check_columns(strategy.columns(bars))
        self._ctx = ctx
        self._symbol = symbol
        self._sizer = sizer
        self._share = 1.0 / len(ctx.symbols)
        self._can_short = ctx.instrument(symbol).can_short
        self._position = ctx.position(symbol)
        self._decide = strategy.decide
        self._p = parameters(strategy, self._can_short)
        self._held = _FLAT
        self._entry: Order | None = None
        self._entry_exposure = 0.0
        self._settled: Decision = _UNSETTLED
        volatility = sizer.volatility(bars, _YEAR / timeframe_ns(timeframe))
        self._volatility = None if volatility is None else Handle(volatility)
        self._needs = Needs(
            handles=() if self._volatility is None else (self._volatility,),
            row_columns=list(columns.values()),
            row_type=record_type("Row", columns),
        )

    def save(self) -> dict[str, Any]:
        entry = self._entry
        return {
            "held": [None if part != part else part for part in msgspec.structs.astuple(self._held)],  # noqa: PLR0124
            "entry": entry.number if entry is not None and entry.is_open else None,
            "entry_exposure": self._entry_exposure,
            "settled": next((n for n, one in enumerate(_PLAIN) if one is self._settled), None),
        }

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        held = [math.nan if part is None else part for part in state["held"]]
        self._held = Held(*held)
        self._entry = orders.get(state["entry"])
        self._entry_exposure = state["entry_exposure"]
        settled = state.get("settled")
        self._settled = _UNSETTLED if settled is None else _PLAIN[settled]

    def followers(self, symbol: str) -> list[Runner]:  # noqa: ARG002
        return [self]

    def needs(self, symbol: str) -> Needs:  # noqa: ARG002
        return self._needs

    def on_bar(self, bar: Bar) -> None:
        row = self.row
        if row is None:
            return
        decision = self._decide(row, self._held, self._p)
        # The same object again, with nothing filled in between: there is nothing to do.
        if decision is not self._settled:
            self._act(decision, bar.close)

    def on_fill(self, order: Order, fill: Fill) -> None:  # noqa: ARG002
        self._settled = _UNSETTLED
        position = self._position
        if position.lots == 0:
            self._held = _FLAT
        elif order is self._entry:
            stop = self._held.stop if order.reduce_only else _stop_of(order)
            self._held = Held(self._entry_exposure, position.entry_price, stop, position.opened / 1e9)

    def _act(self, decision: Decision, price: float) -> None:
        check_decision(decision)
        if self._entry is not None and self._entry.is_open:
            return
        current = self._held.exposure
        wanted = decision.exposure if decision.acts else current
        if wanted < 0.0 and not self._can_short:
            wanted = 0.0
        if wanted == current:
            if current:
                self._move(decision.stop, decision.target)
        elif wanted == 0.0:
            self._ctx.close(self._symbol, tag="exit")
        elif wanted * current <= 0.0:
            if current:
                self._ctx.close(self._symbol, tag="exit")
            self._enter(wanted, decision, price)
        elif abs(wanted) > abs(current):
            self._move(decision.stop, decision.target)
            self._add(wanted, price)
        else:
            self._reduce(wanted / current, wanted)
        if self._entry is None or self._entry.status is not _DENIED:
            self._settled = decision

    def _full_quantity(self, price: float, stop: float) -> float:
        equity = self._ctx.spendable * self._share
        volatility = math.nan if self._volatility is None else self._volatility.value
        rate = self._position.wallet.rate
        return self._sizer.quantity(equity, price * rate, stop * rate, volatility)

    def _enter(self, exposure: float, decision: Decision, price: float) -> None:
        quantity = self._full_quantity(price, decision.stop) * abs(exposure)
        self._send(exposure, quantity, decision.stop, decision.target)

    def _add(self, exposure: float, price: float) -> None:
        """Grow the position; what is added has protective orders of its own, at the prices of those that are there."""
        stop = self._held.stop
        targets = [order.limit_price for order in self._protection(OrderType.LIMIT)]
        quantity = self._full_quantity(price, stop) * (abs(exposure) - abs(self._held.exposure))
        self._send(exposure, quantity, stop, targets[0] if targets and targets[0] is not None else math.nan)

    def _send(self, exposure: float, quantity: float, stop: float, target: float) -> None:
        terms = {}
        if stop == stop:  # noqa: PLR0124
            terms["stop_loss"] = stop
        if target == target:  # noqa: PLR0124
            terms["take_profit"] = target
        trade = self._ctx.buy if exposure > 0.0 else self._ctx.sell
        self._entry_exposure = exposure
        self._entry = trade(self._symbol, quantity, tag="entry", **terms)

    def _reduce(self, keep: float, exposure: float) -> None:
        side = Side.SELL if self._position.lots > 0 else Side.BUY
        quantity = abs(self._position.quantity) * (1.0 - keep)
        self._entry_exposure = exposure
        self._entry = self._ctx.submit(self._symbol, side, quantity, reduce_only=True, tag="reduce")

    def _protection(self, type_: OrderType) -> list[Order]:
        """Return the protective orders of a type: one for each part in which the position was built."""
        orders = self._ctx.open_orders(self._symbol)
        return [order for order in orders if order.reduce_only and order.type is type_]

    def _move(self, stop: float, target: float) -> None:
        """Move the protective orders of the position held, or send those that are missing."""
        if stop == stop and stop != self._held.stop:  # noqa: PLR0124
            orders = self._protection(OrderType.STOP)
            for order in orders:
                self._ctx.amend(order, trigger=stop)
            if not orders:
                self._guard(OrderType.STOP, trigger=stop)
            self._held = msgspec.structs.replace(self._held, stop=stop)
        if target == target:  # noqa: PLR0124
            orders = self._protection(OrderType.LIMIT)
            for order in orders:
                if order.limit_price != target:
                    self._ctx.amend(order, limit=target)
            if not orders:
                self._guard(OrderType.LIMIT, limit=target)

    def _guard(self, type_: OrderType, *, trigger: float | None = None, limit: float | None = None) -> None:
        side = Side.SELL if self._position.lots > 0 else Side.BUY
        others = self._protection(OrderType.LIMIT if type_ is OrderType.STOP else OrderType.STOP)
        quantity = abs(self._position.quantity)
        self._ctx.submit(
            self._symbol,
            side,
            quantity,
            trigger=trigger,
            limit=limit,
            reduce_only=True,
            oco=others[0] if len(others) == 1 else None,
            tag="protect",
        )


def _stop_of(entry: Order) -> float:
    for child in entry.children:
        if child.type is OrderType.STOP and child.trigger_price is not None:
            return child.trigger_price
    return math.nan
