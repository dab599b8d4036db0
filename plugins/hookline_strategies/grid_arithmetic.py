"""Arithmetic grid: resting orders at equal distances of price.

Rules of this file:

- The range is cut into cells. A cell buys at its lower level and sells what it bought at its upper one, so it has at most
  one order, and that order's tag is ``buy`` or ``sell`` and the cell's number.
- ``ctx.state`` holds what each cell is doing. After a restart the open orders and the position are the truth: only a cell
  that has no order is given one, and a sell only for inventory that no other sell offers.
- An order that the venue or a risk rule ends leaves its cell off until the next restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import (
    Bar,
    ConfigError,
    Context,
    Doc,
    Ge,
    Gt,
    Instrument,
    Le,
    Order,
    OrderStatus,
    OrderUpdate,
    Side,
    Strategy,
    hookimpl,
)
from hookline_strategies.grid_levels import level_lots, on_ticks

# What a cell is doing: an order rests, it waits for price to rise above its lower level, or its order was ended.
_BUY, _SELL, _WAIT, _OFF = "buy", "sell", "wait", "off"
_SEED = "seed"


@dataclass
class GridArithmetic(Strategy):
    """Buy one level lower and sell one level higher, over and over, inside a range of price.

    Idea: price that swings inside a range crosses the same levels again and again, and each crossing and return earns
    one distance between levels. Wants ranges with clear bounds: ADX(14) below 20, no events ahead. Entry: once a bar
    closes inside the range, a buy rests at every level below the close. A filled buy places a sell one level up, a filled sell
    a buy one level down. The sells above need inventory: with ``seed_inventory`` it is bought at the market at the start,
    without it a level above is left empty until price has risen past it. Only long. Exit: none of its own. Stop: a bar that
    closes below ``low`` cancels everything and sells what is held, for good; with ``stop_below: false`` the orders stay. Size:
    the same quantity at every level, so that all buys together cost ``budget``. Killed by a fall through the range, which
    leaves the whole budget invested at the worst prices, and by levels closer than the fees. Source: LMEX academy,
    Grid Trading.
    """

    name: ClassVar[str] = "grid_arithmetic"

    low: Annotated[float, Gt(0), Doc("lowest level, where the last buy rests")]
    high: Annotated[float, Gt(0), Doc("highest level, where the last sell rests")]
    num_grids: Annotated[int, Ge(2), Le(1000), Doc("distances between levels")] = 20
    budget: Annotated[float | None, Gt(0), Doc("quote currency; left out: all that the strategy has")] = None
    seed_inventory: Annotated[bool, Doc("buy at the start what the sells above the price need")] = True
    stop_below: Annotated[bool, Doc("sell everything when a bar closes below the range")] = True

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"low must be below high ({self.high!r}), was {self.low!r}")

    def on_start(self, ctx: Context) -> None:
        try:
            self._prepare(ctx)
        except ValueError as error:  # parameters that do not fit the instrument or the cash, no bug
            raise ConfigError(f"strategy {ctx.id!r}: {error}") from error

    def _prepare(self, ctx: Context) -> None:
        self._symbol = ctx.symbol
        self._adopted = False
        instrument = ctx.instrument(self._symbol)
        self._levels = self._spaced(instrument, self.num_grids)
        shape = [self.low, self.high, self.num_grids]
        if ctx.state.setdefault("shape", shape) != shape:
            rule = f"must stay {ctx.state['shape']} while the grid's state is kept"
            raise ValueError(f"low, high, num_grids: {rule}, was {shape}")
        if "lots" not in ctx.state:
            budget = ctx.spendable if self.budget is None else self.budget
            lots = level_lots(
                instrument, lambda n: self._spaced(instrument, n), self.num_grids, budget, ctx.spendable
            )
            ctx.state.update(lots=lots, cells=[], stopped=False)
        self._quantity = instrument.units(ctx.state["lots"])

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        state = ctx.state
        if not state["stopped"]:
            if not self._adopted:
                self._adopt(ctx)
            if self.stop_below and state["cells"] and bar.close < self.low:
                state["stopped"] = True
                ctx.log.warning("stopped: %s closed at %r, below %r", bar.symbol, bar.close, self.low)
                ctx.cancel_all(bar.symbol)
            elif state["cells"]:
                self._follow(ctx, bar.close)
            elif self.low <= bar.close <= self.high:
                self._open(ctx, bar.close)
        if state["stopped"]:
            ctx.close(bar.symbol, tag="stop")

    def on_order(self, ctx: Context, order: Order, update: OrderUpdate) -> None:
        if ctx.state["stopped"] or not update.is_closed:
            return
        if order.tag == _SEED:
            self._offer(ctx)
            return
        doing, cell = self._cell_of(order)
        if doing and ctx.state["cells"][cell] == doing:
            if update.status is OrderStatus.FILLED:
                self._place(ctx, cell, _SELL if doing == _BUY else _BUY)
            else:
                self._leave(ctx, cell, order)

    def _cell_of(self, order: Order) -> tuple[str, int]:
        """Return what an order does and for which cell; nothing for one that is of no cell: sessions send orders, too."""
        doing, _, number = order.tag.partition(" ")
        is_ours = doing in (_BUY, _SELL) and number.isdecimal() and int(number) < self.num_grids
        return (doing, int(number)) if is_ours else ("", 0)

    def _open(self, ctx: Context, price: float) -> None:
        """Rest a buy at every level below the price and buy what the sells above it need."""
        ctx.state["cells"] = [_WAIT] * self.num_grids
        self._follow(ctx, price)
        waiting = self._waiting(ctx)
        if self.seed_inventory and waiting:
            ctx.buy(self._symbol, self._quantity * len(waiting), tag=_SEED)

    def _follow(self, ctx: Context, price: float) -> None:
        """Rest a buy in every waiting cell whose level the price has passed, unless its inventory is on the way."""
        waiting = self._waiting(ctx)
        if waiting and not any(order.tag == _SEED for order in ctx.open_orders(self._symbol)):
            for cell in waiting:
                if self._levels[cell] < price:
                    self._place(ctx, cell, _BUY)

    def _adopt(self, ctx: Context) -> None:
        """Take over the orders and the inventory that an earlier start has left."""
        self._adopted = True
        resting = ctx.open_orders(self._symbol)
        if ctx.state["cells"] or resting:
            cells = ctx.state["cells"] = [_WAIT] * self.num_grids
            for doing, cell in map(self._cell_of, resting):
                if doing:
                    cells[cell] = doing
            if all(order.tag != _SEED for order in resting):
                self._offer(ctx)

    def _offer(self, ctx: Context) -> None:
        """Sell the inventory that no resting sell offers, in the highest cells that wait."""
        sells = (order for order in ctx.open_orders(self._symbol) if order.side is Side.SELL)
        spare = ctx.position(self._symbol).lots - sum(order.open_lots for order in sells)
        for cell in self._waiting(ctx)[::-1][: max(0, spare // ctx.state["lots"])]:
            self._place(ctx, cell, _SELL)

    def _place(self, ctx: Context, cell: int, doing: str) -> None:
        ctx.state["cells"][cell] = doing
        tag = f"{doing} {cell}"
        if doing == _BUY:
            order = ctx.buy(self._symbol, self._quantity, limit=self._levels[cell], tag=tag)
        else:
            # Reduce-only: a halt lets it rest, and it can never open a short.
            limit = self._levels[cell + 1]
            order = ctx.sell(self._symbol, self._quantity, limit=limit, reduce_only=True, tag=tag)
        if order.status is OrderStatus.DENIED:
            self._leave(ctx, cell, order)

    def _leave(self, ctx: Context, cell: int, order: Order) -> None:
        ctx.state["cells"][cell] = _OFF
        ctx.log.warning("%s %s: %s; its cell is off", order.tag, order.status, order.reason)

    def _waiting(self, ctx: Context) -> list[int]:
        return [number for number, doing in enumerate(ctx.state["cells"]) if doing == _WAIT]

    def _spaced(self, instrument: Instrument, count: int) -> list[float]:
        step = (self.high - self.low) / count
        return on_ticks(instrument, [self.low + number * step for number in range(count)] + [self.high])


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [GridArithmetic]
