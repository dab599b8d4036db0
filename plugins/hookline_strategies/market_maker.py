"""Market making around the mid: two sides, skewed against the inventory.

Rules of this file:

- With ``half = mid * spread / 2`` and ``shift = position / max_position * half * skew`` the quotes are ``mid - half - shift``
  and ``mid + half - shift``; each further level lies ``level_step_bps`` of the mid farther out. Bids are rounded down to the tick
  and asks up.
- A quote never reaches the opposite best: it stays a tick away, and it is post-only. It never comes nearer to the mid than
  ``min_edge_bps``.
- A side offers no more than what brings the position to ``max_position``; of spot no more than what is held. A level for which
  nothing is left is canceled.
- The tag of an order is its side and level, such as ``bid 0``. After a restart open orders are taken up by their tags, and those
  of levels that are no longer quoted are canceled.
- A book that is crossed, empty on a side or has lost an update moves no quote; one that is so at a full second cancels them all.
- A quote that has moved is amended, so that a smaller one keeps its place in the queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from hookline import (
    Context,
    Doc,
    Ge,
    Gt,
    Instrument,
    Le,
    Order,
    OrderBook,
    OrderError,
    Side,
    Strategy,
    hookimpl,
)

_BPS = 1e-4
_MILLISECOND = 10**6


@dataclass
class MarketMaker(Strategy):
    """Quote both sides around the mid, and lean against the inventory.

    Idea: whoever waits on both sides earns the spread from those in a hurry. Wants a liquid book with more noise than trend,
    and a spread well above the fees. Entry: a post-only bid and ask at half of ``spread_bps`` from the mid, both shifted
    against the position, refreshed when the book changes, at most every ``refresh_ms``. Exit: the other side. Stop: none; at
    ``max_position`` the side that would add is canceled. Size: ``order_size`` at each of ``levels``. When the session
    ends it cancels its quotes; the session's ``on_stop: flatten`` closes the position too. Killed by trends, which fill one side
    only, by those who know more, and by a latency that leaves stale quotes to them. Source: LMEX academy, Market Making;
    market-making article.
    """

    name: ClassVar[str] = "market_maker"

    order_size: Annotated[float, Gt(0), Doc("base units of each quote")]
    max_position: Annotated[float, Gt(0), Doc("largest position either way, base units")]
    spread_bps: Annotated[float, Gt(0), Le(1000), Doc("between bid and ask, of the mid")] = 10.0
    skew: Annotated[
        float, Ge(0), Le(1), Doc("shift of both quotes at max_position, as a share of half the spread")
    ] = 0.5
    levels: Annotated[int, Ge(1), Le(50), Doc("quotes on each side")] = 1
    level_step_bps: Annotated[float, Gt(0), Doc("distance between levels, of the mid")] = 5.0
    refresh_ms: Annotated[int, Ge(0), Doc("least time between two refreshes")] = 500
    min_edge_bps: Annotated[float, Ge(0), Doc("least distance of a quote from the mid")] = 0.0

    def __post_init__(self) -> None:
        if self.max_position < self.order_size:
            raise ValueError(
                f"max_position must be at least order_size ({self.order_size!r}), was {self.max_position!r}"
            )

    def on_start(self, ctx: Context) -> None:
        self._symbol = ctx.symbol
        self._instrument = ctx.instrument(self._symbol)
        ctx.state.setdefault("refreshed", 0)
        ctx.every("1s")
        fees_bps = 2.0 * ctx.fee_rate / _BPS
        if self.spread_bps < fees_bps:
            ctx.log.warning(
                "spread_bps %g is less than twice the taker fee (%g): closing at the market would cost more than it earns",
                self.spread_bps,
                fees_bps,
            )

    def on_book(self, ctx: Context, book: OrderBook) -> None:
        if book.time - ctx.state["refreshed"] < self.refresh_ms * _MILLISECOND:
            return
        ctx.state["refreshed"] = book.time
        held = ctx.position(self._symbol).quantity
        resting = self._wanted(ctx)
        for side in (Side.BUY, Side.SELL):
            room = self._room(side, held)
            for level in range(self.levels):
                quantity = min(self.order_size, room)
                tag = f"{'bid' if side > 0 else 'ask'} {level}"
                if self._instrument.lots(quantity) < self._instrument.min_lots:
                    if tag in resting:
                        ctx.cancel(resting[tag])
                    continue
                room -= quantity
                price = quote(self, book, side, level, held, self._instrument)
                self._place(ctx, resting.get(tag), side, quantity, price, tag)

    def on_timer(self, ctx: Context, timer: str) -> None:  # noqa: ARG002
        if ctx.open_orders(self._symbol) and self._is_blind(ctx):
            ctx.log.warning("cancels its quotes: the book is crossed, empty on a side or has lost an update")
            ctx.cancel_all(self._symbol)

    def on_stop(self, ctx: Context) -> None:
        ctx.cancel_all(self._symbol)

    def _is_blind(self, ctx: Context) -> bool:
        """Return whether the book says nothing of the market. After a restart its first message is waited for."""
        try:
            return not ctx.book(self._symbol).is_usable
        except OrderError:
            return False

    def _wanted(self, ctx: Context) -> dict[str, Order]:
        """Return the open quotes by tag; cancel those of levels that are no longer quoted, such as after a restart."""
        resting = {order.tag: order for order in ctx.open_orders(self._symbol)}
        tags = {f"{word} {level}" for word in ("bid", "ask") for level in range(self.levels)}
        for tag in resting.keys() - tags:
            ctx.cancel(resting.pop(tag))
        return resting

    def _room(self, side: Side, held: float) -> float:
        """Return how much a side may offer."""
        if side < 0 and not self._instrument.can_short:
            return max(0.0, held)
        return max(0.0, self.max_position - side * held)

    def _place(
        self, ctx: Context, order: Order | None, side: Side, quantity: float, price: float, tag: str
    ) -> None:
        if order is None:
            ctx.submit(self._symbol, side, quantity, limit=price, post_only=True, tag=tag)
            return
        whole = order.filled_quantity + quantity
        if order.limit_price != price or order.lots != self._instrument.lots(whole):
            ctx.amend(order, limit=price, quantity=whole)


def quote(
    maker: MarketMaker, book: OrderBook, side: Side, level: int, held: float, instrument: Instrument
) -> float:
    """Return the price of a quote, on the tick grid."""
    mid, tick = book.mid, float(instrument.tick_size)
    half = mid * maker.spread_bps * _BPS / 2.0
    shift = held / maker.max_position * half * maker.skew
    price = mid - side * (half + mid * maker.level_step_bps * _BPS * level) - shift
    nearest = mid - side * mid * maker.min_edge_bps * _BPS
    opposite = (book.best_ask if side > 0 else book.best_bid) - side * tick
    limit = min(price, nearest, opposite) if side > 0 else max(price, nearest, opposite)
    return instrument.on_grid(limit, -side)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [MarketMaker]
