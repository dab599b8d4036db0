"""Accumulation on a schedule, more of it when the market is weak.

Rules of this file:

- Time is cut into slots of ``interval``, counted from 1970-01-01 UTC; the close of the first bar in a slot buys. Slots that
  passed without a bar, or while nothing ran, are not made up for: the first bar after them buys once.
- Nothing is bought on credit: a purchase and its fee are paid from cash, also where the instrument allows leverage.
- The cost basis is what was paid for a unit of what is held, fees included. It is counted from the fills, in ``ctx.state``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import Bar, Context, Doc, Fill, Ge, Gt, Le, Lt, Strategy, hookimpl, rsi
from hookline.clock import to_ns
from hookline.model import timeframe_ns


def rsi_multiplier(strength: float) -> float:
    """Return how many times the base amount is bought at a daily RSI."""
    if strength < 25.0:
        return 3.0
    if strength < 35.0:
        return 2.0
    if strength <= 65.0:
        return 1.0
    return 0.5 if strength <= 75.0 else 0.0


@dataclass
class SmartDca(Strategy):
    """Buy for a fixed amount on a schedule: up to three times as much in weakness, none in strength.

    Idea: regular purchases buy more units when they are cheap, and a daily RSI says when to spend more or less. Wants a
    liquid instrument that its buyer wants to own for years, and money that is not needed until then. Entry: every
    ``interval``, for ``base_quote`` times 3 at an RSI below 25, 2 below 35, 1 up to 65, 0.5 up to 75, and nothing above.
    After downtime it buys once, not once for each slot missed. Exit: none. Stop: none; at ``pause_drawdown`` below the
    cost basis it stops buying and tells a person, who has the thesis to judge. It goes on once ``pause_drawdown`` is
    raised, not by itself. Size: a purchase ends at the cash there is, so that it is never levered, and where the holding
    reaches ``max_asset_fraction`` of equity. Killed by an instrument that does not come back. Source: LMEX academy, DCA &
    Accumulation.
    """

    name: ClassVar[str] = "smart_dca"

    base_quote: Annotated[float, Gt(0), Doc("quote currency of a plain purchase")] = 50.0
    interval: Annotated[str, Doc("time between purchases, a whole multiple of a bar")] = "24h"
    rsi: Annotated[int, Ge(2), Doc("days of the RSI")] = 14
    max_asset_fraction: Annotated[float, Gt(0), Le(1), Doc("largest holding as a share of equity")] = 0.20
    pause_drawdown: Annotated[float, Gt(0), Lt(1), Doc("fall against the cost basis that pauses")] = 0.60

    def __post_init__(self) -> None:
        timeframe_ns(self.interval)

    def on_start(self, ctx: Context) -> None:
        self._symbol = ctx.symbol
        self._interval = timeframe_ns(self.interval)
        self._rsi = ctx.use(rsi(ctx.bars().at("1d").close, self.rsi))
        begun = to_ns(ctx.now) // self._interval
        for key, value in (("slot", begun), ("quantity", 0.0), ("cost", 0.0), ("paused_at", 0.0)):
            ctx.state.setdefault(key, value)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        self._judge(ctx)
        slot = bar.end // self._interval
        # An order that is still on its way counts neither in cash nor in the holding, so the next one waits for it.
        if slot > ctx.state["slot"] and not ctx.open_orders(bar.symbol):
            ctx.state["slot"] = slot
            if not ctx.state["paused_at"]:
                self._buy(ctx)

    def on_fill(self, ctx: Context, fill: Fill) -> None:
        state, side = ctx.state, int(fill.side)
        # What is sold by others, such as the risk gate, leaves the basis of the rest as it is.
        paid = fill.price + fill.fee / fill.quantity if side > 0 else cost_basis(state)
        held = ctx.position(fill.symbol).quantity
        state.update(quantity=held, cost=(state["cost"] + side * fill.quantity * paid) if held else 0.0)

    def _judge(self, ctx: Context) -> None:
        """Pause once the holding has fallen too far, and tell a person."""
        state, basis = ctx.state, cost_basis(ctx.state)
        if 0.0 < state["paused_at"] < self.pause_drawdown:
            state["paused_at"] = 0.0
            ctx.log.info("goes on: pause_drawdown was raised to %r", self.pause_drawdown)
        fall = 1.0 - ctx.last(self._symbol) / basis if basis > 0.0 else 0.0
        if fall >= self.pause_drawdown and not state["paused_at"]:
            state["paused_at"] = self.pause_drawdown
            ctx.notify(
                f"{self._symbol} is {fall:.0%} below its cost basis of {basis:.8g}; no more is bought. "
                f"Judge whether it is still worth owning; a larger pause_drawdown goes on"
            )

    def _buy(self, ctx: Context) -> None:
        price, factor = ctx.last(self._symbol), rsi_multiplier(self._rsi.value)
        room = self.max_asset_fraction * ctx.equity - ctx.position(self._symbol).notional
        amount = min(self.base_quote * factor, room, ctx.cash / (1.0 + ctx.fee_rate))
        ctx.log.debug("RSI %.1f: %g times the base, room for %.8g", self._rsi.value, factor, max(0.0, room))
        if amount > 0.0:
            ctx.buy(self._symbol, amount / price, tag=f"dca {factor:g}x")


def cost_basis(state: dict[str, float]) -> float:
    """Return what was paid for a unit of what was bought, fees included; 0 before the first purchase."""
    return state["cost"] / state["quantity"] if state["quantity"] > 0.0 else 0.0


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [SmartDca]
