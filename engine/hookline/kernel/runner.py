"""Runners: how the kernel drives one strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hookline.model import (
    Bar,
    BookUpdate,
    Fill,
    Funding,
    MarketData,
    Order,
    OrderBook,
    OrderUpdate,
    Quote,
    Trade,
)

if TYPE_CHECKING:
    from hookline.columns import Column
    from hookline.kernel.context import Context
    from hookline.kernel.legs import LegGroup
    from hookline.strategy import Strategy

__all__ = ["EventRunner", "Handle", "Needs", "Runner", "Timed", "Window", "market_data_of"]


class Timed(Protocol):
    """Whoever sets a timer."""

    @property
    def id(self) -> str:
        """Name in errors."""

    def on_timer(self, timer: str) -> None:
        """Handle a timer."""


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


class Window(Handle):
    """The last values of a column in use, oldest first; ready once all of them are known."""

    __slots__ = ("_known", "_next", "_twice", "length")

    def __init__(self, column: Column, length: int) -> None:
        self.length = length
        # Every value is written twice, one length apart, so that the last ones always lie side by side.
        self._twice = np.full(2 * length, np.nan)
        self._next = 0
        self._known = 0
        super().__init__(column)

    @property
    def value(self) -> float:
        """The present value."""
        return float(self._twice[self._next + self.length - 1])

    @value.setter
    def value(self, value: float) -> None:
        self._twice[self._next] = self._twice[self._next + self.length] = value
        self._next = (self._next + 1) % self.length
        self._known = self._known + 1 if value == value else 0  # noqa: PLR0124

    @property
    def values(self) -> NDArray[np.float64]:
        """The last ``length`` values, oldest first, as a view that the next bar changes; NaN where unknown."""
        return self._twice[self._next : self._next + self.length]

    @property
    def ready(self) -> bool:
        """Whether every value is known."""
        return self._known >= self.length


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
    wants_funding = False
    wants: frozenset[MarketData] = frozenset()
    row: Any = None

    def __init__(self, id_: str) -> None:
        self.id = id_

    def start(self) -> None:
        """Let the strategy prepare."""

    def stop(self) -> None:
        """Let the strategy finish."""

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold."""
        return {}

    def prepare(self, state: Mapping[str, Any]) -> None:
        """Take over what ``save`` returned before the restart, before ``start``."""

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take over the rest after ``start``; ``orders`` are the open ones, by number."""

    @abstractmethod
    def followers(self, symbol: str) -> list[Runner]:
        """Return who follows the bars of a symbol."""

    def needs(self, symbol: str) -> Needs:  # noqa: ARG002
        """Return the columns to keep up to date on a symbol."""
        return Needs()

    @abstractmethod
    def on_bar(self, bar: Bar) -> None:
        """Handle a bar."""

    def on_quote(self, quote: Quote) -> None:
        """Handle a change of the best bid and ask."""

    def on_trade(self, trade: Trade) -> None:
        """Handle a print on the tape."""

    def on_book(self, update: BookUpdate) -> None:
        """Handle a change of the order book, which the book includes already."""

    def on_funding(self, funding: Funding) -> None:
        """Handle a funding payment."""

    def on_order(self, order: Order, update: OrderUpdate) -> None:
        """Handle one step of an order."""

    @abstractmethod
    def on_fill(self, order: Order, fill: Fill) -> None:
        """Handle an execution."""

    def on_timer(self, timer: str) -> None:
        """Handle a timer."""

    def on_legs(self, group: LegGroup) -> None:
        """Handle a leg group whose status has changed."""


class EventRunner(Runner):
    """Calls the callbacks of a ``Strategy``."""

    def __init__(self, id_: str, strategy: Strategy, ctx: Context) -> None:
        super().__init__(id_)
        from hookline.strategy import Strategy

        self._strategy = strategy
        self._ctx = ctx
        kind = type(strategy)
        self.wants_fills = kind.on_fill is not Strategy.on_fill
        self.wants_orders = kind.on_order is not Strategy.on_order
        self.wants_funding = kind.on_funding is not Strategy.on_funding
        self.wants = market_data_of(strategy)
        self._waiting: dict[str, list[Handle]] = {}
        self._books: dict[str, OrderBook] = {}

    def start(self) -> None:
        self._ctx.take_up()
        self._strategy.on_start(self._ctx)
        self._ctx.started = True
        self._waiting = {symbol: list(handles) for symbol, handles in self._ctx.handles.items()}

    def stop(self) -> None:
        self._strategy.on_stop(self._ctx)

    def save(self) -> dict[str, Any]:
        return self._ctx.save()

    def prepare(self, state: Mapping[str, Any]) -> None:
        self._ctx.restore(state)

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

    def on_quote(self, quote: Quote) -> None:
        self._strategy.on_quote(self._ctx, quote)

    def on_trade(self, trade: Trade) -> None:
        self._strategy.on_trade(self._ctx, trade)

    def on_book(self, update: BookUpdate) -> None:
        book = self._books.get(update.symbol)
        if book is None:
            book = self._books[update.symbol] = self._ctx.book(update.symbol)
        if book.is_usable:
            self._strategy.on_book(self._ctx, book)

    def on_funding(self, funding: Funding) -> None:
        self._strategy.on_funding(self._ctx, funding)

    def on_timer(self, timer: str) -> None:
        self._strategy.on_timer(self._ctx, timer)

    def on_legs(self, group: LegGroup) -> None:
        self._strategy.on_legs(self._ctx, group)


def market_data_of(strategy: Strategy) -> frozenset[MarketData]:
    """Return the kinds of tape that a strategy follows: those whose callbacks it overrides."""
    from hookline.strategy import Strategy

    kind = type(strategy)
    callbacks = {
        MarketData.QUOTES: kind.on_quote is not Strategy.on_quote,
        MarketData.TRADES: kind.on_trade is not Strategy.on_trade,
        MarketData.BOOK: kind.on_book is not Strategy.on_book,
    }
    return frozenset(data for data, wanted in callbacks.items() if wanted)
