"""The paper broker: the simulated venue as a plugin.

Symbols with a tape are filled by it, the others by their bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.errors import ConfigError
from hookline.hookspecs import hookimpl
from hookline.model import (
    Bar,
    BarSeries,
    BookUpdate,
    Instrument,
    Ledger,
    MarketData,
    Order,
    OrderBook,
    Position,
    Quote,
    Trade,
)
from hookline.params import Doc, Ge, Gt, Le
from hookline.simulation.bar_rules import BarRules
from hookline.simulation.bar_venue import BarVenue
from hookline.simulation.fees import MakerTaker
from hookline.simulation.latency_link import DelayedVenue
from hookline.simulation.queue import PessimisticQueue, ProportionalQueue
from hookline.simulation.slippage import BarSlippage, NoSlippage
from hookline.simulation.tape_venue import TapeVenue
from hookline_paper.latency import Latency

__all__ = ["PaperBroker"]

_NEVER = 2**63 - 1
_AT_CLOSE = "fill: close, market orders trade at the close that they were decided on, a price known only once it was over"


@dataclass
class PaperBroker(Broker):
    """Fill orders against bars or the tape; no money moves.

    Bars fill by the rules of ``hookline.simulation.fills``, tapes by those of ``hookline.simulation.tape_venue``.
    """

    name: ClassVar[str] = "paper"

    maker_fee_bps: Annotated[float, Doc("fee of orders that rested, negative for a rebate")] = 0.0
    taker_fee_bps: Annotated[float, Ge(0), Doc("fee of orders that took")] = 0.0
    liquidation_fee_bps: Annotated[
        float, Ge(0), Doc("of a liquidated position's value, on top of the taker fee")
    ] = 50.0
    slippage_bps: Annotated[
        float, Ge(0), Doc("on bars: against market, stop and take-profit orders, of the price")
    ] = 0.0
    slippage_ticks: Annotated[int, Ge(0), Doc("the same in price steps")] = 0
    slippage_range_fraction: Annotated[float, Ge(0), Le(1), Doc("the same as a share of the bar's range")] = (
        0.0
    )
    leverage: Annotated[float, Gt(0), Le(200), Doc("positions may be worth this many times the equity")] = 1.0
    limit_fill: Annotated[
        Literal["touch", "through"], Doc("on bars: whether touching a limit fills it, or only passing it")
    ] = "touch"
    intrabar: Annotated[
        Literal["stop_first", "path"], Doc("on bars that meet several orders: stops first, or along a path")
    ] = "stop_first"
    fill: Annotated[
        Literal["open", "close"],
        Doc(
            "on bars: whether a market order sent on a close fills at the next open, or at that close as in vectorised studies"
        ),
    ] = "open"
    queue: Annotated[
        Literal["pessimistic", "proportional"],
        Doc(
            "on the tape: whether cancellations at a price are all behind a resting order, or shared with those ahead"
        ),
    ] = "pessimistic"
    latency: Annotated[Latency | None, Doc("on the tape: how long orders and reports are under way")] = None

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        self._listener, self._clock = listener, clock
        self._instruments, self._ledgers = instruments, ledgers
        rules = self._rules()
        self._fees = rules.fees
        self._bars = BarVenue(
            listener,
            clock,
            instruments,
            ledgers,
            rules.fees,
            NoSlippage() if rules.slippage == BarSlippage() else rules.slippage,
            leverage=rules.leverage,
            liquidation_fee=rules.liquidation_fee,
            through=rules.through,
            walk_path=rules.walk_path,
        )
        if rules.fills_at_close:
            listener.warn(_AT_CLOSE)
        self._tape: TapeVenue | DelayedVenue | None = None
        self._on_tape: frozenset[str] = frozenset()

    def bar_rules(self) -> BarRules | None:
        # With a latency every symbol must have a tape, and the tape is not matched by bars.
        return self._rules() if self.latency is None else None

    def _rules(self) -> BarRules:
        return BarRules(
            fees=MakerTaker.from_bps(self.maker_fee_bps, self.taker_fee_bps),
            slippage=BarSlippage(self.slippage_bps, self.slippage_ticks, self.slippage_range_fraction),
            leverage=self.leverage,
            liquidation_fee=self.liquidation_fee_bps / 1e4,
            through=self.limit_fill == "through",
            walk_path=self.intrabar == "path",
            fills_at_close=self.fill == "close",
        )

    def follow(self, tapes: Mapping[str, frozenset[MarketData]], marks: Mapping[str, BarSeries]) -> None:
        """Prepare for the tapes that are followed.

        Raises:
            ConfigError: if orders on some symbols would have a latency and those on others none, or fill at closes and by a tape.
        """
        if tapes and self.fill == "close":
            raise ConfigError(
                f"broker.params.fill: close is for bars alone, and there is a tape of {', '.join(tapes)}"
            )
        self._bars.follow_marks(marks)
        self._on_tape = frozenset(tapes)
        if self.latency is not None and self._on_tape != frozenset(self._instruments):
            without = ", ".join(symbol for symbol in self._instruments if symbol not in tapes)
            rule = "every symbol must have a tape, name one under 'market_data'"
            raise ConfigError(f"broker.params.latency: {rule}; there is none of {without}")
        if not tapes:
            return
        if self.latency is None:
            self._tape = self._tape_venue(self._listener, self._clock, self._ledgers)
        else:
            self._delays = self.latency.model()
            self._tape = DelayedVenue(
                self._listener, self._clock, self._ledgers, self._delays, self._tape_venue
            )

    def _tape_venue(self, listener: BrokerListener, clock: Clock, ledgers: Mapping[str, Ledger]) -> TapeVenue:
        return TapeVenue(
            listener,
            clock,
            self._instruments,
            ledgers,
            self._fees,
            PessimisticQueue() if self.queue == "pessimistic" else ProportionalQueue(),
            leverage=self.leverage,
            liquidation_fee=self.liquidation_fee_bps / 1e4,
        )

    @property
    def taker_fee(self) -> float:
        return self.taker_fee_bps / 1e4

    # -- requests ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        self._venue(order.instrument.symbol).submit(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._venue(order.symbol).cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._venue(order.symbol).amend(order, lots, limit_price, trigger_price)

    def cancel_all_after(self, seconds: float | None) -> None:
        for venue in self._venues():
            venue.cancel_all_after(seconds)

    def _venue(self, symbol: str) -> BarVenue | TapeVenue | DelayedVenue:
        return self._tape if self._tape is not None and symbol in self._on_tape else self._bars

    def _venues(self) -> Iterator[BarVenue | TapeVenue | DelayedVenue]:
        yield self._bars
        if self._tape is not None:
            yield self._tape

    # -- bars --------------------------------------------------------------------------------------------------------

    def watch(self, symbol: str) -> list[Order]:
        return self._bars.open[symbol]

    def limits(self, symbol: str) -> Sequence[float] | None:
        return None if symbol in self._on_tape else self._bars.limits(symbol)

    def liquidation_price(self, position: Position) -> float:
        return self._venue(position.symbol).liquidation_price(position)

    def match(self, bars: Sequence[Bar]) -> None:
        if self._tape is not None:
            bars = [bar for bar in bars if bar.symbol not in self._on_tape]
        if bars:
            self._bars.match(bars)

    @property
    def fills_at_close(self) -> bool:
        return self.fill == "close"

    def match_close(self, bars: Sequence[Bar]) -> bool:
        return self._bars.match_close(bars)

    def paid(self, symbol: str) -> None:
        self._venue(symbol).paid(symbol)

    # -- the tape ----------------------------------------------------------------------------------------------------

    @property
    def has_own_time(self) -> bool:
        return self.latency is not None and self._tape is not None

    @property
    def has_delays(self) -> bool:
        return self._tape is not None

    @property
    def due(self) -> int:
        return _NEVER if self._tape is None else self._tape.due

    def advance(self, until: int) -> None:
        if self._tape is not None:
            self._tape.advance(until)

    def book(self, symbol: str) -> OrderBook | None:
        return self._tape.book(symbol) if isinstance(self._tape, TapeVenue) else None

    def on_quote(self, quote: Quote) -> None:
        if self._tape is not None:
            if self.latency is not None:
                self._observe(self.latency, quote)
            self._tape.on_quote(quote)

    def on_trade(self, trade: Trade) -> None:
        if self._tape is not None:
            if self.latency is not None:
                self._observe(self.latency, trade)
            self._tape.on_trade(trade)

    def on_book(self, update: BookUpdate) -> None:
        if self._tape is not None:
            if self.latency is not None:
                self._observe(self.latency, update)
            self._tape.on_book(update)

    def recall(self, event: Quote | Trade | BookUpdate) -> None:
        if self._tape is not None:
            self._tape.recall(event)

    def _observe(self, latency: Latency, event: Quote | Trade | BookUpdate) -> None:
        latency.observe(self._delays, event.time, event.venue_time)

    # -- restarts ----------------------------------------------------------------------------------------------------

    def save(self) -> dict[str, Any]:
        saved = {"bars": self._bars.save()}
        return saved if self._tape is None else saved | {"tape": self._tape.save()}

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        self._bars.restore(state.get("bars", {}), orders)
        if self._tape is not None:
            self._tape.restore(state.get("tape", {}), orders)


@hookimpl
def register_brokers() -> list[type[Broker]]:
    """Return the paper broker."""
    return [PaperBroker]
