"""Runners: how the kernel drives one strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.model import Bar, Fill, Order, OrderUpdate

if TYPE_CHECKING:
    from hookline.columns import Column
    from hookline.kernel.context import Context
    from hookline.strategy import Strategy

__all__ = ["EventRunner", "Handle", "Needs", "Runner"]


class Handle:
    """The present value of a column in use; NaN until it is ready."""

    __slots__ = ("column", "value")

    def __init__(self, column: Column) -> None:
        self.column = column
        self.value = float("nan")

    @property
    def ready(self) -> bool:
        """Whether the value is known."""
        return self.value == self.value


@dataclass(frozen=True)
class Needs:
    """The columns that a follower reads on each bar.

    Each handle is given its own column's value. ``row_columns`` together make one ``row_type``, set as ``follower.row``;
    None is set on bars where one of them is not known.
    """

    handles: Sequence[Handle] = ()
    row_columns: Sequence[Column] = ()
    row_type: Callable[..., Any] = tuple


class Runner(ABC):
    """Drives one strategy, or one instrument of it."""

    wants_orders = False
    wants_fills = True
    row: Any = None

    def __init__(self, id_: str) -> None:
        self.id = id_

    def start(self) -> None:
        """Let the strategy prepare."""

    def stop(self) -> None:
        """Let the strategy finish."""

    @abstractmethod
    def followers(self, symbol: str) -> list[Runner]:
        """Return who follows the bars of a symbol."""

    def needs(self, symbol: str) -> Needs:  # noqa: ARG002
        """Return the columns to keep up to date on a symbol."""
        return Needs()

    @abstractmethod
    def on_bar(self, bar: Bar) -> None:
        """Handle a bar."""

    def on_order(self, order: Order, update: OrderUpdate) -> None:
        """Handle one step of an order."""

    @abstractmethod
    def on_fill(self, order: Order, fill: Fill) -> None:
        """Handle an execution."""

    def on_timer(self, timer: str) -> None:
        """Handle a timer."""


class EventRunner(Runner):
    """Calls the callbacks of a ``Strategy``."""

    def __init__(self, id_: str, strategy: Strategy, ctx: Context) -> None:
        super().__init__(id_)
        from hookline.strategy import Strategy

        self._strategy = strategy
        self._ctx = ctx
        self.wants_fills = type(strategy).on_fill is not Strategy.on_fill
        self.wants_orders = type(strategy).on_order is not Strategy.on_order
        self._waiting: dict[str, list[Handle]] = {}

    def start(self) -> None:
        self._strategy.on_start(self._ctx)
        self._ctx.started = True
        self._waiting = {symbol: list(handles) for symbol, handles in self._ctx.handles.items()}

    def stop(self) -> None:
        self._strategy.on_stop(self._ctx)

    def followers(self, symbol: str) -> list[Runner]:
        return [self] if symbol in self._ctx.symbols else []

    def needs(self, symbol: str) -> Needs:
        return Needs(handles=self._ctx.handles.get(symbol, []))

    def on_bar(self, bar: Bar) -> None:
        waiting = self._waiting.get(bar.symbol, ())
        if not all(handle.ready for handle in waiting):
            return
        self._waiting.pop(bar.symbol, None)
        if not self._waiting:
            # From here on the kernel calls the strategy without this method in between.
            self.on_bar = partial(self._strategy.on_bar, self._ctx)  # type: ignore[method-assign]
        self._strategy.on_bar(self._ctx, bar)

    def on_order(self, order: Order, update: OrderUpdate) -> None:
        self._strategy.on_order(self._ctx, order, update)

    def on_fill(self, order: Order, fill: Fill) -> None:  # noqa: ARG002
        self._strategy.on_fill(self._ctx, fill)

    def on_timer(self, timer: str) -> None:
        self._strategy.on_timer(self._ctx, timer)
