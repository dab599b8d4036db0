"""Execution algorithms: how a large order becomes several small ones.

A strategy places one order through an algorithm with ``ctx.work``. That order is the *parent*: it is never sent itself. The
algorithm sends *children*, and whatever a child fills is counted on its parent.

Rules of this file:

- ``Work`` is an algorithm's only door. It lets through what fits: all children together never exceed the parent, no child is
  priced beyond the parent's limit, and nothing is sent once the parent is ending.
- An algorithm keeps nothing on itself: one instance may work many orders, and what must survive a restart is in
  ``work.state``, as JSON can hold it. Timers survive as well.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.clock import from_ns, to_ns
from hookline.model import Fill, Instrument, Order, OrderBook, OrderUpdate, Side, TimeInForce, timeframe_ns

if TYPE_CHECKING:
    from hookline.kernel.works import WorkHandler

__all__ = ["ExecutionAlgorithm", "Work"]


class Work:
    """One order being worked, as its algorithm sees it. Quantities are base units without a sign.

    Attributes:
        parent: The order that is worked.
        instrument: What is traded.
        state: A dict that survives restarts; keep plain values in it.
        rng: A random generator seeded by the session and the parent, the only source of randomness to use. It begins anew
            after a restart, so draw in ``on_start`` and keep what was drawn in ``state``.
    """

    def __init__(self, handler: WorkHandler, state: dict[str, Any], seed: str) -> None:
        self._handler = handler
        self.parent = handler.parent
        self.instrument: Instrument = handler.parent.instrument
        self.state = state
        self.rng = random.Random(seed)  # noqa: S311  # reproducible, not secret

    def __repr__(self) -> str:
        return f"Work({self.parent!r}, {self.filled_lots} of {self.lots} lots)"

    # -- the parent --------------------------------------------------------------------------------------------------

    @property
    def symbol(self) -> str:
        """Name of the instrument."""
        return self.parent.symbol

    @property
    def side(self) -> Side:
        """Side of the parent and of every child."""
        return self.parent.side

    @property
    def limit(self) -> float | None:
        """Worst price that the parent accepts, None for any."""
        return self.parent.limit_price

    @property
    def lots(self) -> int:
        """Ordered, in lots: what sums are made of, because they are exact."""
        return self.parent.lots

    @property
    def filled_lots(self) -> int:
        """Filled, in lots."""
        return self.parent.filled_lots

    @property
    def working_lots(self) -> int:
        """Lots of open children that are not filled yet."""
        return self._handler.working_lots

    @property
    def available_lots(self) -> int:
        """Lots that are neither filled nor in an open child: the most that ``submit`` sends."""
        return self._handler.available_lots

    @property
    def quantity(self) -> float:
        """Ordered."""
        return self.parent.quantity

    @property
    def filled(self) -> float:
        """Filled so far."""
        return self.parent.filled_quantity

    @property
    def remaining(self) -> float:
        """Not filled yet, open children included."""
        return self.instrument.units(self.parent.open_lots)

    @property
    def children(self) -> list[Order]:
        """The open children, oldest first."""
        return self._handler.open_children()

    @property
    def count(self) -> int:
        """How many children were sent so far, also those denied."""
        return self._handler.count

    @property
    def is_ending(self) -> bool:
        """Whether the parent is closed or waits for its last children to be canceled."""
        return self._handler.is_ending

    # -- the market --------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The time of the event, UTC."""
        return from_ns(self._handler.now)

    @property
    def last(self) -> float:
        """Last price, NaN before the first."""
        return self._handler.market.last

    @property
    def bid(self) -> float:
        """Best bid, NaN where neither quotes nor books are followed."""
        return self._handler.market.bid

    @property
    def ask(self) -> float:
        """Best ask, NaN where neither quotes nor books are followed."""
        return self._handler.market.ask

    @property
    def book(self) -> OrderBook | None:
        """The live order book, None where none is followed."""
        return self._handler.market.book

    @property
    def touch(self) -> float:
        """The price to be had at once: the ask for a buy, the bid for a sell, the last price where neither is known."""
        price = self.ask if self.side > 0 else self.bid
        return price if price == price else self.last  # noqa: PLR0124

    # -- what to do --------------------------------------------------------------------------------------------------

    def submit(
        self,
        quantity: float,
        *,
        limit: float | None = None,
        post_only: bool = False,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire: datetime | timedelta | None = None,
        tag: str = "",
    ) -> Order:
        """Send a child and return it; its ``status`` tells at once if it was denied.

        Args:
            quantity: Base units, rounded down to the lot; cut to what is available.
            limit: Worst price to accept; never worse than the parent's, which counts where this is left out. A market order
                where neither is given.
            post_only: Reject the child instead of letting it take.
            time_in_force: How long the child lives.
            expire: When a GTD child ends; giving it makes the child GTD.
            tag: Text kept with the child; the algorithm's name and the child's number by default.

        Raises:
            OrderError: if the terms make no sense together.
        """
        due = None
        if expire is not None:
            due = self._handler.now + _span(expire) if isinstance(expire, timedelta) else to_ns(expire)
        return self._handler.submit(self.instrument.lots(quantity), limit, post_only, time_in_force, due, tag)

    def cancel(self, child: Order) -> None:
        """Ask for a child to be canceled; nothing happens to a closed one. It counts as working until it is closed."""
        self._handler.cancel_child(child)

    def cancel_children(self) -> None:
        """Ask for every open child to be canceled."""
        for child in self.children:
            self._handler.cancel_child(child)

    def at(self, time: datetime, timer: str) -> None:
        """Call ``on_timer`` once at a time, or with the next event if that has passed."""
        self._handler.call_at(to_ns(time), timer)

    def after(self, duration: str | timedelta, timer: str) -> None:
        """Call ``on_timer`` once after a duration such as ``30s``."""
        wait = timeframe_ns(duration) if isinstance(duration, str) else _span(duration)
        self._handler.call_at(self._handler.now + wait, timer)

    def finish(self, reason: str) -> None:
        """End the parent: its children are canceled, and once the last is closed it is canceled too, with this reason.

        A parent that its children fill before that is filled.
        """
        self._handler.finish(reason)

    def warn(self, text: str) -> None:
        """Add a warning to the result; the same text is counted, not repeated."""
        self._handler.warn(text)


class ExecutionAlgorithm(ABC):
    """Works parent orders. Subclasses are dataclasses whose fields are parameters, and set ``name``."""

    name: ClassVar[str]

    @abstractmethod
    def on_start(self, work: Work) -> None:
        """Begin: send the first child, set the first timer. Called once for each parent, not again after a restart."""

    def on_timer(self, work: Work, timer: str) -> None:
        """Act at a time set with ``work.at`` or ``work.after``; not called once the parent is ending."""

    def on_order(self, work: Work, order: Order, update: OrderUpdate) -> None:
        """Learn of one step of a child."""

    def on_fill(self, work: Work, fill: Fill) -> None:
        """Learn of an execution of a child; the parent includes it already."""

    def on_cancel(self, work: Work) -> None:
        """Learn that the parent is being canceled, by the strategy or by a halt; its children are canceled after this."""


def _span(duration: timedelta) -> int:
    """Return a duration in nanoseconds."""
    return ((duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds) * 1000
