"""Going with the side of the book that is fuller, for seconds.

Rules of this file:

- An entry uses a signal up, whatever becomes of it: unless it fills, there is no other on that side before the imbalance has
  been below the threshold. So nothing is chased, and what the risk gate denies is not asked for again on every change.
- The hold is counted from the first fill and kept in ``ctx.state``; everything else can be seen from the open orders and the
  position, so a restart goes on where it was.
- A book may fall silent, or not be usable. What is due by time is looked at every second too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from hookline import (
    Context,
    Doc,
    EquityFraction,
    Fill,
    Ge,
    Gt,
    Le,
    Lt,
    Order,
    OrderBook,
    Side,
    Strategy,
    hookimpl,
)
from hookline.clock import to_ns
from hookline.imbalance import weighted_imbalance
from hookline.model import timeframe_ns


@dataclass
class WeightedImbalance(Strategy):
    """Join the fuller side of the order book, and leave after some seconds.

    Idea: where much more is bid than offered near the price, the price is more likely to rise over the next seconds. Quantities
    count less the farther they are from the mid, ``exp(-decay * bps)``: half after ``ln 2 / decay``, which is 6.9 bps for 0.1. Wants
    the deepest and busiest instruments, a low fee for makers, and hours with many participants. Entry: the imbalance is beyond
    ``threshold`` and no level, the most that one order can be, makes up more than ``max_single_share`` of the heavier side; a
    post-only limit at the best price of its own side. It is canceled if that price runs more than ``max_slippage_bps`` away,
    if the signal turns, and after ``hold``. Exit: at the market, ``hold`` after the first fill. Stop: none; the hold is what
    bounds a loss, and a stop as near as a few basis points would be set off by the spread. Size: ``weight`` of equity, small against what
    rests at the best price. Killed by fees above the move, by fills that come mostly when the signal is wrong, by orders that are
    shown and not meant, and by being slower than others. ``hookline.imbalance.imbalance_study`` measures the move. Source:
    LMEX, Order book imbalance.
    """

    name: ClassVar[str] = "weighted_imbalance"

    decay: Annotated[float, Gt(0), Doc("fall of the log weight for each basis point from the mid")] = 0.1
    depth: Annotated[int, Ge(1), Doc("levels of each side that count")] = 10
    threshold: Annotated[float, Gt(0), Lt(1), Doc("imbalance beyond which it enters")] = 0.4
    hold: Annotated[str, Doc("time in the market, and the longest that an entry waits")] = "20s"
    max_slippage_bps: Annotated[float, Ge(0), Doc("run of the price that cancels an entry")] = 2.0
    max_single_share: Annotated[float, Gt(0), Le(1), Doc("largest level as a share of the heavier side")] = (
        0.5
    )
    weight: Annotated[float, Gt(0), Doc("share of equity of an entry")] = 0.1
    allow_short: Annotated[bool | None, Doc("sell short; left out: where the instrument allows it")] = None

    def __post_init__(self) -> None:
        timeframe_ns(self.hold)

    def on_start(self, ctx: Context) -> None:
        self._symbol = ctx.symbol
        self._hold = timeframe_ns(self.hold)
        self._sizer = EquityFraction(self.weight)
        can_short = ctx.instrument(ctx.symbol).can_short
        self._shorts = can_short if self.allow_short is None else self.allow_short
        ctx.state.setdefault("entered", 0)
        ctx.state.setdefault("used", 0)
        ctx.every("1s")

    def on_book(self, ctx: Context, book: OrderBook) -> None:
        signal = self._signal(book)
        if signal != ctx.state["used"]:
            ctx.state["used"] = 0
        if self._is_over(ctx):
            return
        orders = ctx.open_orders(self._symbol)
        if orders:
            self._watch(ctx, book, orders, signal)
        elif signal and ctx.position(self._symbol).is_flat and not ctx.state["used"]:
            self._enter(ctx, book, signal)

    def on_timer(self, ctx: Context, timer: str) -> None:  # noqa: ARG002
        self._is_over(ctx)

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        state = ctx.state
        if ctx.position(fill.symbol).is_flat:
            state["entered"] = 0
        elif not state["entered"]:
            state["entered"] = fill.time
        state["used"] = 0

    def _signal(self, book: OrderBook) -> int:
        """Return 1 to buy, -1 to sell, 0 for neither."""
        value, share = weighted_imbalance(book, self.decay, self.depth)
        if abs(value) <= self.threshold or share > self.max_single_share:
            return 0
        return 1 if value > 0.0 else -1 if self._shorts else 0

    def _enter(self, ctx: Context, book: OrderBook, signal: int) -> None:
        limit = book.best_bid if signal > 0 else book.best_ask
        quantity = self._sizer.quantity(ctx.spendable, limit, 0.0, 0.0)
        ctx.state["used"] = signal
        ctx.submit(
            self._symbol,
            Side(signal),
            quantity,
            limit=limit,
            post_only=True,
            expire=timedelta(microseconds=self._hold / 1e3),
            tag="entry",
        )

    def _watch(self, ctx: Context, book: OrderBook, orders: list[Order], signal: int) -> None:
        """Cancel entries that the price has left behind, or that the book now speaks against."""
        for order in orders:
            if order.tag != "entry" or order.limit_price is None:
                continue
            best = book.best_bid if order.side > 0 else book.best_ask
            run = order.side * (best / order.limit_price - 1.0) * 1e4
            if run > self.max_slippage_bps or signal == -order.side:
                ctx.cancel(order)

    def _is_over(self, ctx: Context) -> bool:
        """Leave once the hold is over; return whether it is."""
        entered = ctx.state["entered"]
        if not entered or to_ns(ctx.now) < entered + self._hold:
            return False
        for order in ctx.open_orders(self._symbol):
            if order.tag == "entry":
                ctx.cancel(order)
        ctx.close(self._symbol, tag="hold")
        return True


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [WeightedImbalance]
