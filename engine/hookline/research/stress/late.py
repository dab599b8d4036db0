"""A broker that gets everything one bar late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.model import Bar, BarSeries, Instrument, Ledger, MarketData, Order, OrderBook, Position

__all__ = ["LateBroker"]


class LateBroker(Broker):
    """Passes each request on at the end of the next bar of its instrument.

    Args:
        inner: The simulated broker that it is meant for.
    """

    name = "late"

    def __init__(self, inner: Broker) -> None:
        self._inner = inner
        self.leverage = inner.leverage
        self._waiting: dict[str, list[tuple[int, Callable[[], None]]]] = {}

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        self._clock = clock
        self._waiting = {symbol: [] for symbol in instruments}
        self._inner.connect(listener, clock, instruments, ledgers)

    @property
    def taker_fee(self) -> float:
        return self._inner.taker_fee

    # -- requests wait -----------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        def send() -> None:
            if not order.is_closed:
                self._inner.submit(order)

        self._wait(order, send)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._wait(order, lambda: self._inner.cancel(order, reason))

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._wait(order, lambda: self._inner.amend(order, lots, limit_price, trigger_price))

    def _wait(self, order: Order, request: Callable[[], None]) -> None:
        self._waiting[order.symbol].append((self._clock.now, request))

    def match(self, bars: Sequence[Bar]) -> None:
        if any(_concerns(self._inner, bar) for bar in bars):
            self._inner.match(bars)
        for bar in bars:
            waiting = self._waiting[bar.symbol]
            due = [request for time, request in waiting if time <= bar.start]
            del waiting[: len(due)]
            for request in due:
                request()

    def watch(self, symbol: str) -> list[Order]:  # noqa: ARG002
        return _Always()

    # -- the rest is the other broker's ------------------------------------------------------------------------------

    def cancel_all_after(self, seconds: float | None) -> None:
        self._inner.cancel_all_after(seconds)

    def limits(self, symbol: str) -> Sequence[float] | None:
        return self._inner.limits(symbol)

    def liquidation_price(self, position: Position) -> float:
        return self._inner.liquidation_price(position)

    def follow(self, tapes: Mapping[str, frozenset[MarketData]], marks: Mapping[str, BarSeries]) -> None:
        self._inner.follow(tapes, marks)

    def finish(self) -> None:
        self._inner.finish()

    def paid(self, symbol: str) -> None:
        self._inner.paid(symbol)

    def book(self, symbol: str) -> OrderBook | None:
        return self._inner.book(symbol)


def _concerns(broker: Broker, bar: Bar) -> bool:
    limits = broker.limits(bar.symbol)
    return bool(broker.watch(bar.symbol)) or (
        limits is not None and (bar.low <= limits[0] or bar.high >= limits[1])
    )


class _Always(list[Any]):
    """A list that says it is not empty: every bar may have to pass something on."""

    def __bool__(self) -> bool:
        return True
