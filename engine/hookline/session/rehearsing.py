"""A session run on the last bars in the simulator: what orders its strategies would place. Nothing is sent.

Rules of this file:

- Only bars are told: of quotes, trades and books a venue keeps no history. A strategy that lives on those places few orders here, or
  none, and that is said of it.
- The simulator fills by bars, with the broker's leverage and its taker fee for every fill; funding as the feed knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hookline.broker import Broker
from hookline.diagnosis import PlannedOrder
from hookline.feed import BarRequest
from hookline.kernel.runner import market_data_of
from hookline.model import (
    BarSeries,
    InstrumentKind,
    MarketData,
    Order,
    OrderStatus,
    OrderUpdate,
    timeframe_ns,
)
from hookline.params import PluginUse
from hookline.reporting.record import RunRecord
from hookline.research.ledger import uncounted
from hookline.session.feeding import funding_of, load_bars
from hookline.session.plan import Plan
from hookline.session.session import Session

__all__ = ["Rehearsal", "rehearse"]

_FUNDING_NS = 2 * 86_400 * 10**9


@dataclass(frozen=True)
class Rehearsal:
    """What a session did in the simulator.

    Args:
        record: Of the run.
        tapes: What each strategy follows beside bars, by id; it was not told.
    """

    record: RunRecord
    tapes: Mapping[str, frozenset[MarketData]]

    @property
    def days(self) -> float:
        """Length of the longest series, in days."""
        spans = [float(one.end[-1] - one.start[0]) for one in self.record.series.values()]
        return max(spans) / 8.64e13

    @property
    def prices(self) -> dict[str, float]:
        """Last closes: today's prices where the feed follows the market."""
        return {symbol: float(series.close[-1]) for symbol, series in self.record.series.items()}

    @cached_property
    def sent(self) -> list[Order]:
        """The orders that would have gone to a venue: neither denied, nor worked by an algorithm, nor made by the venue."""
        return [order for order in self.record.orders if _is_sent(order)]

    @cached_property
    def planned(self) -> list[PlannedOrder]:
        """These orders, to be judged by a venue's rules."""
        now = self.prices
        return [
            PlannedOrder(
                order.strategy, order.instrument, order.side, order.type, order.lots, order.time,
                _close_at(self.record.series[order.symbol], order.time), now[order.symbol],
                order.limit_price, order.trigger_price, order.post_only, order.reduce_only,
            )
            for order in self.sent
        ]  # fmt: skip

    def requests(self) -> list[int]:
        """Return when requests about orders would have gone out, nanoseconds UTC, in order: new orders, cancels, amendments."""
        sent = {order.number for order in self.sent}
        times = [order.time for order in self.sent]
        times += [one.time for one in self.record.updates if one.order_number in sent and _is_asked(one)]
        return sorted(times)

    def largest(self) -> dict[str, int]:
        """Return the largest position of all strategies together that was held, by position; lots, negative for a short."""
        held: dict[str, int] = {}
        most: dict[str, int] = {}
        for fill in self.record.fills:
            key = fill.position_id or fill.symbol
            held[key] = held.get(key, 0) + fill.side * fill.lots
            if abs(held[key]) > abs(most.get(key, 0)):
                most[key] = held[key]
        return most


def _is_sent(order: Order) -> bool:
    worked = order.handler is not None and order.handler.parent is order
    return order.status is not OrderStatus.DENIED and not worked and order.tag != "liquidation"


def _is_asked(update: OrderUpdate) -> bool:
    """Return whether a step of an order was asked for: a cancel or an amendment."""
    return update.status is OrderStatus.CANCELED or update.reason == "amended"


def _close_at(series: BarSeries, time: int) -> float:
    index = int(np.searchsorted(series.end, time, side="right")) - 1
    return float(series.close[max(0, index)])


def rehearse(plan: Plan, bars: int) -> Rehearsal:
    """Run the strategies of a session on its last bars.

    Args:
        plan: The session; its strategies are used up by this.
        bars: How many, at most.

    Raises:
        DataError: if there are no bars, or they cannot be trusted.
        StrategyError: if a strategy raises.
        VenueError: if the feed gets no answer.
    """
    loaded = dict(_bars(plan, bars))
    since = min(int(series.start[0]) for series in loaded.values())
    tapes = {seat.id: market_data_of(seat.strategy) for seat in plan.seats}
    funding = dict(plan.funding)
    for symbol, instrument in plan.instruments.items():
        if instrument.kind is not InstrumentKind.SPOT and symbol not in funding:
            known = funding_of(plan.feed, symbol, since - _FUNDING_NS, None)
            if known is not None:
                funding[symbol] = known
    dry = replace(
        plan, mode="backtest", broker=_simulator(plan.broker), requests=list(loaded), loaded=loaded, tapes={}, marks={},
        funding=funding, modules=(), notifiers=(), reporters=(), journal=None,
    )  # fmt: skip
    with uncounted():
        return Rehearsal(Session(dry).run().record, tapes)


def _bars(plan: Plan, bars: int) -> Iterator[tuple[BarRequest, BarSeries]]:
    for request in plan.requests:
        asked = request
        if plan.feed.is_live:
            # The bar that is open, and one that has just ended, are not told yet.
            since = plan.feed.clock.now - (bars + 2) * timeframe_ns(request.timeframe)
            asked = replace(request, since=since, until=None)
        series = plan.loaded.get(asked) or load_bars(plan.feed, asked)
        yield asked, series.slice(max(0, len(series) - bars))


def _simulator(broker: Broker) -> Broker:
    from hookline import plugins

    if not broker.is_live:
        return broker
    bps = 1e4 * broker.taker_fee
    params = {"leverage": broker.leverage, "taker_fee_bps": bps, "maker_fee_bps": bps}
    simulator: Broker = plugins.build_use("brokers", PluginUse("paper", params), "rehearsal")
    return simulator
