"""One order, worked by an execution algorithm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from hookline import (
    Bar,
    Context,
    Doc,
    ExecutionAlgorithm,
    Gt,
    Order,
    OrderUpdate,
    Side,
    Strategy,
    hookimpl,
)
from hookline.params import PluginUse
from hookline.plugins import build_use


@dataclass
class WorkOrder(Strategy):
    """Buy or sell a quantity once, through an execution algorithm.

    Idea: none of its own; a decision made elsewhere is carried out at little cost, and an algorithm can be tried by itself. Wants what
    its algorithm wants. Entry: the first bar. Exit and stop: none. Size: ``quantity``. Killed by what kills its algorithm; for TWAP a market
    that runs away while it waits. Once its order is done, or was refused, it does nothing more, also after a restart. Source: LMEX academy, TWAP.
    """

    name: ClassVar[str] = "work_order"

    quantity: Annotated[float, Gt(0), Doc("base units")]
    algorithm: Annotated[
        PluginUse, Doc("execution algorithm: {use: twap, params: {duration: 1h, slices: 12}}")
    ]
    side: Annotated[Literal["buy", "sell"], Doc("what to do")] = "buy"
    limit: Annotated[float | None, Gt(0), Doc("worst price to accept; none by default")] = None
    reduce_only: Annotated[bool, Doc("never open or add to a position")] = False
    _algorithm: ExecutionAlgorithm = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the algorithm.

        Raises:
            ConfigError: if its parameters break a rule.
            PluginError: if there is no such algorithm.
        """
        self._algorithm = build_use("algorithms", self.algorithm, "algorithm")

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if ctx.state.get("placed"):
            return
        ctx.state["placed"] = True
        side = Side.BUY if self.side == "buy" else Side.SELL
        ctx.work(
            bar.symbol,
            side,
            self.quantity,
            self._algorithm,
            limit=self.limit,
            reduce_only=self.reduce_only,
            tag="parent",
        )

    def on_order(self, ctx: Context, order: Order, update: OrderUpdate) -> None:
        if order.parent is None and update.is_closed:
            filled = f"{order.filled_quantity:g} of {order.quantity:g} {order.symbol}"
            ctx.log.info("%s %s at %r: %s", order.status, filled, order.average_price, order.reason)


@hookimpl
def register_strategies() -> list[type[Strategy]]:
    """Return the strategy of this module."""
    return [WorkOrder]
