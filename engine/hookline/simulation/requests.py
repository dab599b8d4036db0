"""Cancellations and amendments, each in its place among the bars.

A request counts from the moment it was made. Mostly that is the end of the bar just matched, and it is granted at once. But
a bar of another instrument that ends at the same time may still be to come, and around a timer so is the bar that covers
it. What such a bar fills before the request stays filled, or a strategy could take an order back after the fact. So:

- a bar that starts at or after the request sees it granted;
- of a bar that starts before it, the open still fills the order as it was;
- after the open, a cancellation counts; an amendment counts from the next bar on, and the order stays as it was till then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from hookline.model import Bar, Order

__all__ = ["AtOnce", "Request", "Requests"]


class Request(NamedTuple):
    """An amendment of an order by attribute, or its cancellation where there are no changes."""

    time: int
    order: Order
    reason: str = ""
    changes: Mapping[str, Any] | None = None


class Requests:
    """Grants requests at once, or when the bars that come before them are matched.

    Args:
        symbols: The instruments.
        grant: Called with a request whose time has come.
    """

    def __init__(self, symbols: Iterable[str], grant: Callable[[Request], None]) -> None:
        self._grant = grant
        self._matched = dict.fromkeys(symbols, 0)
        self.waiting: dict[str, list[Request]] = {symbol: [] for symbol in self._matched}

    def ask(self, request: Request) -> None:
        """Grant a request now, unless the order was at the market before and a bar of that time may still come."""
        order = request.order
        if order.time < request.time and self._matched[order.symbol] < request.time:
            self.waiting[order.symbol].append(request)
        else:
            self._grant(request)

    def waits(self, order: Order) -> bool:
        """Return whether a request about an order waits."""
        return any(request.order is order for request in self.waiting[order.symbol])

    def save(self) -> dict[str, Any]:
        """Return what must survive a restart, as values that JSON can hold.

        An order whose request waits may have ended otherwise than by a bar of its own: that request changes nothing any more.
        """
        rows = [
            [one.time, one.order.number, one.reason, None if one.changes is None else dict(one.changes)]
            for waiting in self.waiting.values()
            for one in waiting
            if one.order.is_open
        ]
        return {"matched": dict(self._matched), "waiting": rows}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        """Take over what ``save`` returned before a restart."""
        self._matched.update(
            {symbol: time for symbol, time in state.get("matched", {}).items() if symbol in self._matched}
        )
        for time, number, reason, changes in state.get("waiting", []):
            if number in orders:
                order = orders[number]
                self.waiting[order.symbol].append(Request(time, order, reason, changes))

    def begin(self, bar: Bar) -> None:
        """Grant what was asked for before a bar starts."""
        self._matched[bar.symbol] = bar.end
        if self.waiting[bar.symbol]:
            self._settle(bar.symbol, bar.start)

    def opened(self, bar: Bar) -> None:
        """Grant the cancellations made inside a bar, once its open is matched."""
        if self.waiting[bar.symbol]:
            self._settle(bar.symbol, bar.end - 1, only_cancel=True)

    def finish(self, bar: Bar) -> None:
        """Grant the rest, once the whole bar is matched."""
        if self.waiting[bar.symbol]:
            self._settle(bar.symbol, bar.end)

    def _settle(self, symbol: str, until: int, *, only_cancel: bool = False) -> None:
        waiting = self.waiting[symbol]
        due = [one for one in waiting if one.time <= until and not (only_cancel and one.changes is not None)]
        self.waiting[symbol] = [one for one in waiting if one not in due]
        for request in due:
            self._grant(request)


class AtOnce(Requests):
    """Grants every request when it arrives: on the tape nothing that comes later happened before."""

    def ask(self, request: Request) -> None:
        self._grant(request)
