"""Run a strategy and keep every request it made, as it was made: what contracts compare."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import Bar, BarSeries, Instrument, Ledger, MarketEvent, Order, OrderStatus, Position
from hookline.params import Doc
from hookline.strategy import Strategy

if TYPE_CHECKING:
    from hookline.columns import ExternalSeries
    from hookline.reporting.result import Result

__all__ = ["Recording", "RecordingBroker", "Request", "SeriesFeed", "denials", "described", "record"]


class Request(NamedTuple):
    """One call that a strategy's order caused at its broker, or an order that was denied before it got there."""

    time: int
    text: str


@dataclass
class RecordingBroker(Broker):
    """Passes everything on to another broker and writes down what was asked for.

    An order can be amended later, so its prices are written down as they are at the time. What is asked for while a session
    stops is not kept: it depends on where the data ends, not on what it says.
    """

    name: ClassVar[str] = "recording"

    inner: Annotated[Broker, Doc("where orders go")]
    requests: list[Request] = field(init=False, repr=False, default_factory=list)

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        self._listener, self._clock = listener, clock
        self.leverage = self.inner.leverage
        self.inner.connect(listener, clock, instruments, ledgers)

    @property
    def taker_fee(self) -> float:
        return self.inner.taker_fee

    def submit(self, order: Order) -> None:
        self._note("submit", *(described(one) for one in (order, *order.children)))
        self.inner.submit(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._note("cancel", str(order.number), reason)
        self.inner.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._note("amend", f"{order.number} {lots} limit {limit_price!r} trigger {trigger_price!r}")
        self.inner.amend(order, lots, limit_price, trigger_price)

    def cancel_all_after(self, seconds: float | None) -> None:
        self._note("cancel all after", repr(seconds))
        self.inner.cancel_all_after(seconds)

    def watch(self, symbol: str) -> list[Order]:
        return self.inner.watch(symbol)

    def match(self, bars: Sequence[Bar]) -> None:
        self.inner.match(bars)

    @property
    def fills_at_close(self) -> bool:
        return self.inner.fills_at_close

    def match_close(self, bars: Sequence[Bar]) -> bool:
        return self.inner.match_close(bars)

    def limits(self, symbol: str) -> Sequence[float] | None:
        return self.inner.limits(symbol)

    def liquidation_price(self, position: Position) -> float:
        return self.inner.liquidation_price(position)

    def paid(self, symbol: str) -> None:
        self.inner.paid(symbol)

    def _note(self, verb: str, *parts: str) -> None:
        if not getattr(self._listener, "stopping", False):
            self.requests.append(Request(self._clock.now, " ".join((verb, *parts)).rstrip()))


@dataclass(frozen=True)
class Recording:
    """What a run left behind, and what its strategy asked for in order."""

    result: Result
    requests: Sequence[Request]
    denied: Sequence[Request]


class SeriesFeed(Feed):
    """Series in memory, as history or as a stream without pauses."""

    name = "series"

    def __init__(self, series: Mapping[str, BarSeries]) -> None:
        self._series = series

    def load(self, request: BarRequest) -> BarSeries:
        return self._series[request.symbol].between(request.since, request.until)

    async def stream(self, requests: Sequence[BarRequest | TapeRequest]) -> AsyncIterator[MarketEvent]:
        asked = [request for request in requests if isinstance(request, BarRequest)]
        keyed = (
            ((bar.end, place, bar) for bar in map(series.bar, range(len(series))))
            for place, series in enumerate(map(self.load, asked))
        )
        for _, _, bar in merge(*keyed, key=lambda entry: entry[:2]):
            yield bar


def record(
    strategy: Strategy,
    series: Mapping[str, BarSeries],
    instruments: Mapping[str, Instrument],
    broker: Broker,
    *,
    cash: float = 10_000.0,
    streamed: bool = False,
    funding: Mapping[str, ExternalSeries] | None = None,
) -> Recording:
    """Run one strategy on bars in memory and keep what it asked for.

    Args:
        strategy: A new instance.
        series: Bars by symbol, of one timeframe.
        instruments: Steps and limits by symbol.
        broker: A new instance.
        cash: Cash at the start, in quote currency.
        streamed: Send the bars one by one, as on paper, instead of computing whole columns first.
        funding: Funding rates of perpetuals, by symbol.

    Raises:
        StrategyError: if the strategy raises.
    """
    from hookline.research.ledger import uncounted
    from hookline.session.plan import Plan, Seat
    from hookline.session.session import Session

    recorder = RecordingBroker(broker)
    timeframe = next(iter(series.values())).timeframe
    plan = Plan(
        name="recording",
        mode="paper" if streamed else "backtest",
        currency="USDT",
        seed=0,
        timeframe=timeframe,
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, timeframe) for symbol in series],
        instruments=instruments,
        broker=recorder,
        seats=[Seat("strategy", strategy.name, strategy, tuple(series), cash)],
        funding=funding or {},
    )
    with uncounted():
        result = Session(plan).run()
    return Recording(result, recorder.requests, denials(result.record.orders))


def denials(orders: Sequence[Order]) -> list[Request]:
    """Return the orders that were denied before they got to a broker; not those of a session that is stopping."""
    return [
        Request(order.time, f"denied {described(order)}: {order.reason}")
        for order in orders
        if order.status is OrderStatus.DENIED and order.reason != "the session is stopping"
    ]


def described(order: Order) -> str:
    """Return an order with its terms as they are now, to compare it with that of another run."""
    prices: dict[str, Any] = {
        "limit": order.limit_price,
        "trigger": order.trigger_price,
        "trail": order.trail_amount or order.trail_fraction,
        "expires": order.expire_time,
    }
    words = [
        order.side.name.lower(),
        str(order.lots),
        order.symbol,
        order.type.value,
        order.time_in_force.value,
    ]
    words += [f"{name} {value!r}" for name, value in prices.items() if value is not None]
    words += [name for name in ("post_only", "reduce_only") if getattr(order, name)]
    if order.oco_leader is not None:
        words.append(f"oco {order.oco_leader.number}")
    return f"[{order.number} {' '.join(words)} {order.tag!r}]"
