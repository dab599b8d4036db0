"""basana, with the averages in the strategy (it has none of its own) and Decimal prices as it wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version as version_of

import basana as bs
from basana.backtesting import exchange, fees, liquidity
from workload import CASH, FAST, FEE_FRACTION, NEXT_OPEN, QUANTITY, SLOW, SYMBOL, Arrays, Finals

__all__ = ["FILL", "prepare", "report", "run", "version"]

FILL = NEXT_OPEN
version = version_of("basana")

_PAIR = bs.Pair(SYMBOL, "USD")
_PRECISION = bs.PairInfo(base_precision=0, quote_precision=10)
_DURATION = timedelta(minutes=1)


class Ema:
    def __init__(self, period: int) -> None:
        self._weight = 2.0 / (period + 1)
        self.value = float("nan")

    def add(self, value: float) -> None:
        known = self.value == self.value
        self.value = self.value + self._weight * (value - self.value) if known else value


class Source(bs.FifoQueueEventSource):
    """Makes events when they are asked for: a million bars of basana do not fit in less than a gigabyte."""

    def __init__(self, bars: Arrays) -> None:
        super().__init__()
        self._events = _events(bars)

    def pop(self) -> bs.BarEvent | None:
        return next(self._events, None)


def _events(bars: Arrays) -> Iterator[bs.BarEvent]:
    names = ("start", "open", "high", "low", "close", "volume")
    for first in range(0, len(bars), 10_000):
        part = (getattr(bars, name)[first : first + 10_000].tolist() for name in names)
        for start, *prices in zip(*part, strict=True):
            begin = datetime.fromtimestamp(start // 10**9, UTC)
            decimals = (Decimal(repr(price)) for price in prices)
            yield bs.BarEvent(begin + _DURATION, bs.Bar(begin, _PAIR, *decimals, _DURATION))


class Cross:
    def __init__(self, venue: exchange.Exchange) -> None:
        self._venue = venue
        self._fast, self._slow = Ema(FAST), Ema(SLOW)
        self._holds = False
        self.close = Decimal(0)
        self.fills = 0

    async def on_bar(self, event: bs.BarEvent) -> None:
        self.close = event.bar.close
        close = float(self.close)
        self._fast.add(close)
        self._slow.add(close)
        rising = self._fast.value > self._slow.value
        if rising != self._holds:
            self._holds = rising
            side = bs.OrderOperation.BUY if rising else bs.OrderOperation.SELL
            await self._venue.create_market_order(side, _PAIR, Decimal(QUANTITY))

    async def on_order(self, event: exchange.OrderEvent) -> None:
        self.fills += not event.order.is_open


def prepare(bars: Arrays) -> Source:
    return Source(bars)


def run(source: Source) -> tuple[Cross, dict[str, Decimal]]:
    return asyncio.run(_run(source))


async def _run(source: Source) -> tuple[Cross, dict[str, Decimal]]:
    dispatcher = bs.backtesting_dispatcher()
    venue = exchange.Exchange(
        dispatcher,
        {"USD": Decimal(CASH)},
        liquidity_strategy_factory=liquidity.InfiniteLiquidity,
        fee_strategy=fees.Percentage(Decimal(repr(FEE_FRACTION * 100))),
        default_pair_info=_PRECISION,
    )
    venue.add_bar_source(source)
    strategy = Cross(venue)
    venue.subscribe_to_bar_events(_PAIR, strategy.on_bar)
    venue.subscribe_to_order_events(strategy.on_order)
    await dispatcher.run()
    balances = await venue.get_balances()
    return strategy, {symbol: balance.total for symbol, balance in balances.items()}


def report(finished: tuple[Cross, dict[str, Decimal]]) -> Finals:
    strategy, totals = finished
    equity = totals["USD"] + totals.get(SYMBOL, Decimal(0)) * strategy.close
    return Finals(strategy.fills, float(equity))
