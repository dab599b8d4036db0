"""The paper broker: the simulated venue as a plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from hookline.broker import Broker, BrokerListener
from hookline.clock import Clock
from hookline.hookspecs import hookimpl
from hookline.model import Bar, BarSeries, Instrument, Ledger, MarketData, Order
from hookline.params import Doc, Ge, Gt, Le
from hookline.simulation.bar_venue import BarVenue
from hookline.simulation.fees import MakerTaker
from hookline.simulation.slippage import BarSlippage, NoSlippage

__all__ = ["PaperBroker"]


@dataclass
class PaperBroker(Broker):
    """Fill orders against bars by the rules of ``hookline.simulation.fills``; no money moves."""

    name: ClassVar[str] = "paper"

    maker_fee_bps: Annotated[float, Doc("fee of orders that rested, negative for a rebate")] = 0.0
    taker_fee_bps: Annotated[float, Ge(0), Doc("fee of orders that took")] = 0.0
    slippage_bps: Annotated[
        float, Ge(0), Doc("against market, stop and take-profit orders, of the price")
    ] = 0.0
    slippage_ticks: Annotated[int, Ge(0), Doc("the same in price steps")] = 0
    slippage_range_fraction: Annotated[float, Ge(0), Le(1), Doc("the same as a share of the bar's range")] = (
        0.0
    )
    leverage: Annotated[float, Gt(0), Le(200), Doc("positions may be worth this many times the equity")] = 1.0
    liquidation_fee_bps: Annotated[
        float, Ge(0), Doc("fee of a liquidation, beside the taker fee; it takes no more than what is left")
    ] = 50.0
    limit_fill: Annotated[
        Literal["touch", "through"], Doc("whether touching a limit fills it, or only passing it")
    ] = "touch"
    intrabar: Annotated[
        Literal["stop_first", "path"], Doc("a bar that meets several orders: stops first, or along a path")
    ] = "stop_first"

    def connect(
        self,
        listener: BrokerListener,
        clock: Clock,
        instruments: Mapping[str, Instrument],
        ledgers: Mapping[str, Ledger],
    ) -> None:
        slips = self.slippage_bps or self.slippage_ticks or self.slippage_range_fraction
        self._venue = BarVenue(
            listener,
            clock,
            instruments,
            ledgers,
            MakerTaker.from_bps(self.maker_fee_bps, self.taker_fee_bps),
            BarSlippage(self.slippage_bps, self.slippage_ticks, self.slippage_range_fraction)
            if slips
            else NoSlippage(),
            leverage=self.leverage,
            liquidation_fee=self.liquidation_fee_bps / 1e4,
            through=self.limit_fill == "through",
            walk_path=self.intrabar == "path",
        )

    @property
    def taker_fee(self) -> float:
        return self.taker_fee_bps / 1e4

    def submit(self, order: Order) -> None:
        self._venue.submit(order)

    def cancel(self, order: Order, reason: str = "") -> None:
        self._venue.cancel(order, reason)

    def amend(self, order: Order, lots: int, limit_price: float | None, trigger_price: float | None) -> None:
        self._venue.amend(order, lots, limit_price, trigger_price)

    def cancel_all_after(self, seconds: float | None) -> None:
        self._venue.cancel_all_after(seconds)

    def watch(self, symbol: str) -> list[Order]:
        return self._venue.open[symbol]

    def limits(self, symbol: str) -> list[float]:
        return self._venue.limits(symbol)

    def follow(self, tapes: Mapping[str, frozenset[MarketData]], marks: Mapping[str, BarSeries]) -> None:  # noqa: ARG002
        self._venue.follow_marks(marks)

    def paid(self, symbol: str) -> None:
        self._venue.paid(symbol)

    def save(self) -> dict[str, Any]:
        return self._venue.save()

    def restore(self, state: Mapping[str, Any], orders: Mapping[int, Order]) -> None:
        self._venue.restore(state, orders)

    def match(self, bars: Sequence[Bar]) -> None:
        self._venue.match(bars)


@hookimpl
def register_brokers() -> list[type[Broker]]:
    """Return the paper broker."""
    return [PaperBroker]
