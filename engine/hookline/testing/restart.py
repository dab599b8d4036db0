"""Strategies that are interfered with in the middle of a run: thrown away and made anew, or halted by a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from hookline.columns import Column
from hookline.kernel.legs import LegGroup
from hookline.kernel.rows import Rows
from hookline.kernel.runner import Handle, Window
from hookline.model import Bar, Fill, Funding, Order, OrderUpdate
from hookline.params import Doc
from hookline.strategy import Context, Strategy

__all__ = ["Halted", "Restarting"]

_BARS_TO_A_HALT = 20


@dataclass
class Restarting(Strategy):
    """Runs a strategy and, before one of its bars, replaces it by a new instance that is started again.

    What survives is what survives a real restart: orders and positions at the venue, the values of columns (history warms
    them up again), and ``ctx.state`` as JSON can hold it.
    """

    name: ClassVar[str] = "restarting"

    make: Annotated[Callable[[], Strategy], Doc("returns a new instance of the strategy")]
    bar: Annotated[int, Doc("index of the bar before which it restarts, among those it is given")]
    _seen: int = field(init=False, repr=False, default=0)

    def on_start(self, ctx: Context) -> None:
        self._door: Any = _Door(ctx)
        self._begin()

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        if self._seen == self.bar:
            state = json.loads(json.dumps(ctx.state))
            ctx.state.clear()
            ctx.state.update(state)
            self._begin()
        self._seen += 1
        self._inner.on_bar(self._door, bar)

    def on_order(self, ctx: Context, order: Order, update: OrderUpdate) -> None:  # noqa: ARG002
        self._inner.on_order(self._door, order, update)

    def on_fill(self, ctx: Context, fill: Fill) -> None:  # noqa: ARG002
        self._inner.on_fill(self._door, fill)

    def on_funding(self, ctx: Context, funding: Funding) -> None:  # noqa: ARG002
        self._inner.on_funding(self._door, funding)

    def on_legs(self, ctx: Context, group: LegGroup) -> None:  # noqa: ARG002
        self._inner.on_legs(self._door, group)

    def on_timer(self, ctx: Context, timer: str) -> None:  # noqa: ARG002
        self._inner.on_timer(self._door, timer)

    def on_stop(self, ctx: Context) -> None:  # noqa: ARG002
        self._inner.on_stop(self._door)

    def _begin(self) -> None:
        self._inner = self.make()
        self._door.rewind()
        self._inner.on_start(self._door)


@dataclass
class Halted(Restarting):
    """Runs a strategy of which a person closes everything now and then, and lets it go on one bar later.

    The orders that close positions are the session's, and the strategy hears of them.
    """

    name: ClassVar[str] = "halted"

    bar: int = field(init=False, default=-1)

    def on_bar(self, ctx: Context, bar: Bar) -> None:
        kernel = ctx._kernel  # noqa: SLF001  # what a person may do, a strategy may not
        place = self._seen % _BARS_TO_A_HALT
        if place == 0:
            kernel.gate.resume("by hand")
        elif place == _BARS_TO_A_HALT - 1:
            kernel.halt("by hand", flatten=True)
        super().on_bar(ctx, bar)


class _Door:
    """The context, except that what can be asked for only once is handed out again at the second start."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._handles: list[Handle] = []
        self._timers: set[tuple[str, str]] = set()
        self._given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def rewind(self) -> None:
        self._given = 0

    def use(self, column: Column) -> Handle:
        return self._hand_out(lambda: self._ctx.use(column))

    def window(self, column: Column, length: int) -> Window:
        window = self._hand_out(lambda: self._ctx.window(column, length))
        assert isinstance(window, Window), "a second start asks for what the first one did"
        return window

    def rows(self, columns: Sequence[Column], length: int) -> Rows:
        return Rows(self, columns, length)

    def _hand_out(self, make: Callable[[], Handle]) -> Handle:
        if self._given == len(self._handles):
            self._handles.append(make())
        self._given += 1
        return self._handles[self._given - 1]

    def every(self, period: str, timer: str = "") -> None:
        if (period, timer) not in self._timers:
            self._timers.add((period, timer))
            self._ctx.every(period, timer)
