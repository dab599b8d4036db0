"""A strategy that sends all there is: of every type of order, and changes and cancels them at random."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from hookline import Context, Order, OrderType, Side, Strategy, TimeInForce, Trade
from hookline.errors import OrderError

__all__ = ["ChaosTrader"]

_MOST_OPEN = 10


@dataclass
class ChaosTrader(Strategy):
    """Trade at random, with the seed of the session."""

    name: ClassVar[str] = "trader"

    lots: int = 5
    most_lots: int = 40

    def on_trade(self, ctx: Context, trade: Trade) -> None:
        if ctx.bid(trade.symbol) > 0 and ctx.ask(trade.symbol) > 0:
            self._act(ctx, trade.symbol)

    def _act(self, ctx: Context, symbol: str) -> None:
        rng, open_orders = ctx.rng, list(ctx.open_orders(symbol))
        dice = rng.random()
        try:
            if open_orders and (dice < 0.2 or len(open_orders) > _MOST_OPEN):
                ctx.cancel(rng.choice(open_orders))
            elif open_orders and dice < 0.4:
                self._amend(ctx, rng.choice(open_orders))
            elif dice < 0.45:
                ctx.close(symbol)
            else:
                self._send(ctx, symbol)
        except OrderError:
            pass  # a trailing stop cannot be given another price, and the like

    def _amend(self, ctx: Context, order: Order) -> None:
        rng, tick = ctx.rng, float(order.instrument.tick_size)
        terms: dict[str, Any] = {}
        if order.limit_price is not None and rng.random() < 0.7:
            terms["limit"] = order.limit_price + rng.randint(-6, 6) * tick
        if (
            order.trigger_price is not None
            and order.type is not OrderType.TRAILING_STOP
            and rng.random() < 0.5
        ):
            terms["trigger"] = order.trigger_price + rng.randint(-6, 6) * tick
        if not terms or rng.random() < 0.3:
            terms["quantity"] = order.instrument.units(rng.randint(1, 2 * self.lots))
        if order.type is not OrderType.MARKET:
            ctx.amend(order, **terms)

    def _send(self, ctx: Context, symbol: str) -> None:
        rng, instrument = ctx.rng, ctx.instrument(symbol)
        held = ctx.position(symbol).quantity
        side = rng.choice([Side.BUY, Side.SELL])
        if abs(held) > instrument.units(self.most_lots):
            side = Side.SELL if held > 0 else Side.BUY
        if not instrument.can_short and held <= instrument.units(self.lots):
            side = Side.BUY
        quantity = instrument.units(rng.randint(1, self.lots))
        if not instrument.can_short:
            quantity = instrument.units(100 * rng.randint(1, self.lots))
            if side is Side.SELL:
                quantity = min(quantity, held / 2)
        ctx.submit(symbol, side, quantity, **self._terms(ctx, symbol, side, held))

    def _terms(self, ctx: Context, symbol: str, side: Side, held: float) -> dict[str, Any]:
        """Return the terms of an order of some type, most of them such that it soon meets the market."""
        rng, instrument = ctx.rng, ctx.instrument(symbol)
        tick = float(instrument.tick_size)
        bid, ask = ctx.bid(symbol), ctx.ask(symbol)
        near, far = (bid, ask) if side is Side.BUY else (ask, bid)
        away = side * rng.randint(1, 8) * tick
        kinds = [
            "market",
            "limit",
            "limit",
            "cross",
            "ioc",
            "fok",
            "post",
            "gtd",
            "stop",
            "stop_limit",
            "take_profit",
        ]
        if instrument.can_short:
            kinds += ["trail", "bracket", "bracket"]
            if held * side < 0:
                kinds += ["reduce", "reduce_limit", "oco"]
        kind = rng.choice(kinds)
        life = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
        if kind in life:
            return {"limit": far + away / 4, "time_in_force": life[kind]}
        found: dict[str, dict[str, Any]] = {
            "market": {},
            "limit": {"limit": near - away},
            "cross": {"limit": far + away},
            "post": {"limit": near - side * tick * rng.randint(-1, 3), "post_only": True},
            "gtd": {"limit": near - away, "expire": timedelta(seconds=rng.randint(2, 40))},
            "stop": {"trigger": far + away},
            "stop_limit": {"trigger": far + away, "limit": far + 2 * away},
            "take_profit": {"trigger": near - away, "type": OrderType.TAKE_PROFIT},
            "trail": {"trail_amount": abs(away)},
            "bracket": {"limit": far + away, "stop_loss": near - 3 * away, "take_profit": far + 3 * away},
            "reduce": {"reduce_only": True},
            "reduce_limit": {"limit": near - away, "reduce_only": True},
        }
        if kind != "oco":
            return found[kind]
        first = ctx.submit(symbol, side, abs(held), limit=near - 2 * away, reduce_only=True)
        return {"trigger": far + 2 * away, "reduce_only": True, "oco": first} if first.is_open else {}
