"""Building blocks for strategies that look after their positions: stops by volatility, trailing, break-even, partial exits.

Each is called from ``on_bar`` and acts through ``ctx`` on reduce-only orders at the venue. What they remember lies in
``ctx.state["protection"]``, by symbol, so that a restart keeps it; it is forgotten when the position is closed or turned.

Rules of this file:

- A stop only ever moves towards the price. So the blocks can be combined: the nearest stop wins.
- R is the distance from the entry to the first stop of a position, as it was when a block first saw it. Without a stop there
  is no R, and what needs it waits.
- They are for instruments with one position, not for hedge mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hookline.model import Bar, Order, OrderStatus, OrderType, Position, Side
from hookline.strategy import Context

__all__ = [
    "BreakEven",
    "PartialExits",
    "TrailingExit",
    "atr_stop",
    "break_even_price",
    "move_stop",
    "stops_of",
]

_STATE = "protection"


def atr_stop(entry: float, atr: float, multiple: float, side: int) -> float:
    """Return the price of a stop at a multiple of the average true range from an entry.

    >>> atr_stop(100.0, 2.0, 1.5, Side.BUY), atr_stop(100.0, 2.0, 1.5, Side.SELL)
    (97.0, 103.0)

    Args:
        entry: Price of the entry.
        atr: Average true range, in price units.
        multiple: How many of them.
        side: Side of the entry.
    """
    return entry - side * multiple * atr


def break_even_price(entry: float, fee_rate: float, side: int) -> float:
    """Return the price at which a position closes without profit or loss, the fees of both fills paid.

    A long bought at e and sold at p makes ``p (1 - f) - e (1 + f)``; a short is the mirror image.

    >>> round(break_even_price(100.0, 0.001, Side.BUY), 4), round(break_even_price(100.0, 0.001, Side.SELL), 4)
    (100.2002, 99.8002)
    """
    return entry * (1.0 + side * fee_rate) / (1.0 - side * fee_rate)


def stops_of(ctx: Context, symbol: str) -> list[Order]:
    """Return the open stops that protect a position, oldest first; those whose entry has not filled are not among them."""
    position = ctx.position(symbol)
    return [
        order
        for order in ctx.open_orders(symbol)
        if order.reduce_only
        and order.type in {OrderType.STOP, OrderType.TRAILING_STOP}
        and order.status is not OrderStatus.HELD
        and order.side * position.lots < 0
    ]


def move_stop(ctx: Context, symbol: str, price: float) -> None:
    """Move the stops of a position to a price, never away from the market; send one if there is none.

    Nothing happens without a position. Trailing stops are left alone: they move by themselves.
    """
    position = ctx.position(symbol)
    side = _side(position)
    if not side:
        return
    trigger = position.market.instrument.on_grid(price)
    stops = stops_of(ctx, symbol)
    for stop in stops:
        before = stop.trigger_price
        if stop.type is OrderType.STOP and before is not None and side * (trigger - before) > 0.0:
            ctx.amend(stop, trigger=trigger)
    if not stops:
        exit_side = Side(-side)
        ctx.submit(
            symbol, exit_side, abs(position.quantity), trigger=trigger, reduce_only=True, tag="protect"
        )


@dataclass(frozen=True)
class TrailingExit:
    """A stop at a multiple of the average true range from the best price since the entry: the chandelier exit.

    After Chuck LeBeau: highest high since the entry less three average true ranges for a long, lowest low plus as much for a
    short. The stop never moves back when the range widens.
    """

    multiple: float = 3.0

    def follow(self, ctx: Context, bar: Bar, atr: float) -> None:
        """Move the stop after a bar.

        Args:
            ctx: The strategy's context.
            bar: The bar that has just closed.
            atr: Average true range in price units; nothing happens while it is NaN.
        """
        memory = _remembered(ctx, bar.symbol)
        if memory is None or atr != atr:  # noqa: PLR0124
            return
        side = _side(ctx.position(bar.symbol))
        extreme = bar.high if side > 0 else bar.low
        # The bar of the entry may have had its extreme before the entry: its close came after.
        reached = extreme if bar.start >= memory["opened"] else bar.close
        best = memory.get("best", reached)
        memory["best"] = best = max(best, reached) if side > 0 else min(best, reached)
        move_stop(ctx, bar.symbol, best - side * self.multiple * atr)


@dataclass(frozen=True)
class BreakEven:
    """A stop moved to where the position closes without a loss, once it has made enough.

    ``after_r`` is the profit, in multiples of R at a bar's close, from which on. Fees of both fills are counted at the taker's
    rate; ``extra_bps`` of the entry price are added for slippage or a small profit.
    """

    after_r: float = 1.0
    extra_bps: float = 0.0

    def follow(self, ctx: Context, bar: Bar) -> None:
        """Move the stop after a bar, if it is time."""
        memory = _remembered(ctx, bar.symbol)
        risk = _risk(memory)
        if memory is None or risk is None:
            return
        position = ctx.position(bar.symbol)
        side, entry = _side(position), position.entry_price
        if side * (bar.close - entry) >= self.after_r * risk:
            extra = side * abs(entry) * self.extra_bps / 1e4
            move_stop(ctx, bar.symbol, break_even_price(entry, ctx.fee_rate, side) + extra)


@dataclass(frozen=True)
class PartialExits:
    """Parts of a position taken off at multiples of R, as reduce-only limit orders that are sent once.

    ``levels`` are pairs of a multiple of R and a fraction of the quantity. They are sent when the entry has filled; what is
    added to the position later has none.
    """

    levels: tuple[tuple[float, float], ...] = ((1.0, 0.5),)

    def __post_init__(self) -> None:
        """Refuse levels that make no sense.

        Raises:
            ValueError: if a multiple or fraction is not above 0, or the fractions add up to more than 1.
        """
        if any(multiple <= 0.0 or fraction <= 0.0 for multiple, fraction in self.levels):
            raise ValueError(f"levels: multiples and fractions must be above 0, were {self.levels!r}")
        if sum(fraction for _, fraction in self.levels) > 1.0 + 1e-9:
            raise ValueError(f"levels: fractions must add up to at most 1, were {self.levels!r}")

    def follow(self, ctx: Context, bar: Bar) -> None:
        """Send the exits after the bar on which the entry was complete."""
        memory = _remembered(ctx, bar.symbol)
        risk = _risk(memory)
        if memory is None or risk is None or memory.get("exits"):
            return
        position = ctx.position(bar.symbol)
        side, held = _side(position), abs(position.quantity)
        if any(order.side * side > 0 and not order.reduce_only for order in ctx.open_orders(bar.symbol)):
            return
        memory["exits"] = True
        for multiple, fraction in self.levels:
            limit = position.entry_price + side * multiple * risk
            exit_side = Side(-side)
            ctx.submit(
                bar.symbol,
                exit_side,
                held * fraction,
                limit=limit,
                reduce_only=True,
                tag=f"exit {multiple:g}R",
            )


def _side(position: Position) -> int:
    return (position.lots > 0) - (position.lots < 0)


def _remembered(ctx: Context, symbol: str) -> dict[str, Any] | None:
    """Return what is remembered of the position held, None without one; its first stop is looked up until it has one."""
    memories: dict[str, dict[str, Any]] = ctx.state.setdefault(_STATE, {})
    position = ctx.position(symbol)
    side = _side(position)
    if not side:
        memories.pop(symbol, None)
        return None
    memory = memories.get(symbol)
    if memory is None or (memory["opened"], memory["side"]) != (position.opened, side):
        memory = memories[symbol] = {"opened": position.opened, "side": side}
    if "risk" not in memory:
        stops = stops_of(ctx, symbol)
        distance = _distance(position.entry_price, stops[0]) if stops else None
        if distance is not None:
            memory["risk"] = distance
    return memory


def _distance(entry: float, stop: Order) -> float | None:
    if stop.type is OrderType.TRAILING_STOP:
        fraction = None if stop.trail_fraction is None else stop.trail_fraction * abs(entry)
        return stop.trail_amount if fraction is None else fraction
    return None if stop.trigger_price is None else abs(entry - stop.trigger_price)


def _risk(memory: dict[str, Any] | None) -> float | None:
    return None if memory is None else memory.get("risk")
