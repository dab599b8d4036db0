"""Orders that an execution algorithm works: the parent's books, its children, its timers and what a restart needs.

Rules of this file:

- Open children and filled lots are read from the orders themselves, never counted a second time. The desk counts a child's
  fill on the parent before anybody hears of it, so both always agree.
- A parent ends when nothing can fill it any more: an ending one waits until its last child is closed.
- All that a restart needs is in ``ctx.state["hookline.works"]`` under the parent's number. Which children are open is not kept there:
  the orders that the session resumed with say so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookline.execution import ExecutionAlgorithm, Work
from hookline.kernel.orders import Terms, make_order
from hookline.model import Fill, Market, Order, OrderStatus, OrderType, OrderUpdate, TimeInForce
from hookline.params import PluginUse

if TYPE_CHECKING:
    from hookline.kernel.context import Context
    from hookline.kernel.kernel import Kernel

__all__ = ["STATE", "WorkHandler", "place", "restore_works"]

STATE = "hookline.works"
"""Key of ``ctx.state`` that is reserved for what this file keeps."""

Build = Callable[[str, Mapping[str, Any]], ExecutionAlgorithm]


class WorkHandler:
    """Handles the orders of one parent on behalf of its algorithm.

    Attributes:
        parent: The order that is worked.
        count: Children sent so far, also those denied.
        market: What is known of the instrument.
    """

    def __init__(
        self, kernel: Kernel, ctx: Context, parent: Order, algorithm: ExecutionAlgorithm, record: Any = None
    ) -> None:
        record = record or {}
        self.parent = parent
        self.algorithm = algorithm
        self.market: Market = kernel.markets[parent.symbol]
        self.count = int(record.get("count", 0))
        self._kernel = kernel
        self._ctx = ctx
        self._state: dict[str, Any] = record.get("state", {})
        self._params = _params(algorithm)
        self._timers: list[tuple[int, str]] = []
        self._children: list[Order] = []
        self._ending: str | None = record.get("ending")
        parent.handler = self
        self._work: Work

    @property
    def id(self) -> str:
        """Id of the strategy, for errors."""
        return self._ctx.id

    @property
    def now(self) -> int:
        """Time of the event, nanoseconds UTC."""
        return self._kernel.clock.now

    @property
    def is_ending(self) -> bool:
        """Whether the parent is closed or about to be."""
        return self._ending is not None or self.parent.is_closed

    @property
    def working_lots(self) -> int:
        """Lots that open children may still fill."""
        return sum(child.open_lots for child in self._children if child.is_open)

    @property
    def available_lots(self) -> int:
        """Lots that are neither filled nor working."""
        return self.parent.open_lots - self.working_lots

    def open_children(self) -> list[Order]:
        """Return the open children, oldest first."""
        return [child for child in self._children if child.is_open]

    # -- beginning and ending ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Take the parent, which the gate has let through, and let the algorithm start."""
        self._work = self._door()
        self._kernel.order_changed(self.parent, OrderStatus.ACCEPTED, self.now)
        self.algorithm.on_start(self._work)
        self._settle()

    def resume(self, record: Mapping[str, Any]) -> None:
        """Go on where a session that has ended left off: with the children that are open, and the timers."""
        self._work = self._door()
        self._count_filled(record["filled"], record["average"])
        for order in self._kernel.open_orders(self.id):
            if order.parent is not None and order.parent.number == self.parent.number:
                order.parent, order.handler = self.parent, self
                self._children.append(order)
        if self.parent.status is OrderStatus.SUBMITTED:
            self._kernel.order_changed(self.parent, OrderStatus.ACCEPTED, self.now)
        for due, timer in record["timers"]:
            self.call_at(due, timer)
        if self._ending is not None:
            self._cancel_children()
        self._settle()

    def finish(self, reason: str) -> None:
        """End the parent, once its last child is closed."""
        if not self.is_ending:
            self._ending = reason
            self._cancel_children()
            self._settle()

    def cancel(self, reason: str) -> None:
        """End the parent because the strategy or a halt demands it."""
        if not self.is_ending:
            self._ending = reason
            self.algorithm.on_cancel(self._work)
            self._cancel_children()
            self._settle()

    # -- what the algorithm asks for -----------------------------------------------------------------------------------

    def submit(
        self,
        lots: int,
        limit: float | None,
        post_only: bool,
        time_in_force: TimeInForce,
        expire: int | None,
        tag: str,
    ) -> Order:
        """Send a child of at most the available lots, priced no worse than the parent."""
        parent = self.parent
        self.count += 1
        terms = Terms(
            limit=self._bounded(limit),
            time_in_force=time_in_force,
            expire=expire,
            post_only=post_only,
            reduce_only=parent.reduce_only,
            tag=tag or f"{self.algorithm.name} {self.count}",
            position_id=parent.position_id,
        )
        child = make_order(self.id, self.market, parent.side, min(lots, self.available_lots), self.now, terms)
        child.parent, child.handler = parent, self
        if self.is_ending:
            child.reason = f"its parent {parent.client_order_id} is ending"
        self._children.append(child)
        self._kernel.submit(child)
        self._save()
        return child

    def cancel_child(self, child: Order) -> None:
        """Ask for a child to be canceled."""
        if child.handler is self and child is not self.parent:
            self._kernel.cancel(child)

    def call_at(self, due: int, timer: str) -> None:
        """Set a timer."""
        self._timers.append((due, timer))
        self._kernel.call_at(due, self, timer)
        self._save()

    def warn(self, text: str) -> None:
        """Add a warning to the result and to the strategy's log."""
        self._ctx.log.warning("%s", text)
        self._kernel.warn(f"{self.id}: {text}")

    # -- what the kernel tells -----------------------------------------------------------------------------------------

    def on_order(self, order: Order, update: OrderUpdate) -> None:
        """Pass news of a child on, and see whether the parent can end."""
        if order is not self.parent:
            self.algorithm.on_order(self._work, order, update)
        self._settle()

    def on_fill(self, order: Order, fill: Fill) -> None:  # noqa: ARG002
        """Pass an execution of a child on."""
        self.algorithm.on_fill(self._work, fill)
        self._settle()

    def on_timer(self, timer: str) -> None:
        """Pass a timer on while there is something to work."""
        due = min((entry for entry in self._timers if entry[1] == timer), default=None)
        if due is not None:
            self._timers.remove(due)
        if not self.is_ending:
            self.algorithm.on_timer(self._work, timer)
            self._settle()

    # -- books ---------------------------------------------------------------------------------------------------------

    def _count_filled(self, lots: int, average: float) -> None:
        """Count what children had filled, where the parent came back without: fills are kept with the children alone."""
        parent = self.parent
        missing = lots - parent.filled_lots
        if missing > 0:
            parent.filled_lots, parent.average_price = lots, average
            if parent.type is OrderType.MARKET:
                position = self._ctx.position(*(parent.position_id or parent.symbol).split("|"))
                position.pending -= parent.side * missing

    def _door(self) -> Work:
        # Named after the parent, so that no two works draw the same numbers.
        return Work(self, self._state, f"{self._ctx.seed}:{self.parent.client_order_id}")

    def _bounded(self, limit: float | None) -> float | None:
        worst = self.parent.limit_price
        if limit is None or worst is None:
            return worst if limit is None else limit
        return min(limit, worst) if self.parent.side > 0 else max(limit, worst)

    def _cancel_children(self) -> None:
        for child in self.open_children():
            self._kernel.cancel(child, self._ending or "")

    def _settle(self) -> None:
        """Close an ending parent that nothing can fill any more."""
        self._children = self.open_children()
        if self._ending is not None and self.parent.is_open and not self._children:
            self._kernel.order_changed(self.parent, OrderStatus.CANCELED, self.now, self._ending)
        self._save()

    def _save(self) -> None:
        works = self._ctx.state.setdefault(STATE, {})
        if self.parent.is_closed:
            works.pop(str(self.parent.number), None)
        else:
            works[str(self.parent.number)] = self._record()
        if not works:
            del self._ctx.state[STATE]

    def _record(self) -> dict[str, Any]:
        return {
            "use": self.algorithm.name,
            "params": self._params,
            "state": self._state,
            "count": self.count,
            "timers": [list(entry) for entry in self._timers],
            "ending": self._ending,
            "filled": self.parent.filled_lots,
            "average": self.parent.average_price,
        }


def place(kernel: Kernel, ctx: Context, parent: Order, algorithm: ExecutionAlgorithm | PluginUse) -> Order:
    """Pass a parent through the gate and let an algorithm work it; it comes back denied if the gate refuses it."""
    from hookline.params import check_params
    from hookline.plugins import build_use

    chosen: ExecutionAlgorithm
    if isinstance(algorithm, PluginUse):
        chosen = build_use("algorithms", algorithm, "algorithm")
    else:
        chosen = algorithm
        check_params(chosen)
    handler = WorkHandler(kernel, ctx, parent, chosen)
    kernel.submit(parent)
    if parent.is_open:
        handler.begin()
    return parent


def restore_works(kernel: Kernel, ctx: Context, build: Build | None = None) -> list[WorkHandler]:
    """Take up the works that ``ctx.state`` tells of, for a strategy that is about to start again.

    The open orders of the strategy, parents and children, are in the kernel already, with the numbers and fills that they
    had. A work whose parent is not among them is over.

    Args:
        kernel: What the orders are in.
        ctx: The strategy's context, with the state that it had.
        build: Makes an algorithm from its name and parameters; by default the plugin of that name.

    Raises:
        PluginError: if an algorithm is not installed any more.
        ConfigError: if its parameters break a rule by now.
    """
    build = build or _build
    records = ctx.state.get(STATE, {})
    parents = {order.number: order for order in kernel.open_orders(ctx.id)}
    handlers = []
    for key, record in list(records.items()):
        parent = parents.get(int(key))
        if parent is None:
            del records[key]
            continue
        algorithm = build(record["use"], record["params"])
        handler = WorkHandler(kernel, ctx, parent, algorithm, record)
        handler.resume(record)
        handlers.append(handler)
    if not records:
        ctx.state.pop(STATE, None)
    return handlers


def _params(algorithm: ExecutionAlgorithm) -> dict[str, Any]:
    from hookline.reporting.plain import plain

    fields = dataclasses.fields(algorithm)  # type: ignore[arg-type]  # every plugin class is a dataclass
    return {item.name: plain(getattr(algorithm, item.name)) for item in fields if item.init}


def _build(use: str, params: Mapping[str, Any]) -> ExecutionAlgorithm:
    from hookline.plugins import build

    algorithm: ExecutionAlgorithm = build("algorithms", use, params, f"the work of algorithm {use!r}")
    return algorithm
