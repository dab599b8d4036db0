"""Run records in a line or two: prices as text, fills as "bar side quantity @ price"."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from hookline.model import (
    BarSeries,
    Fill,
    Instrument,
    InstrumentKind,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
)
from hookline.model.timeframe import timeframe_ns
from hookline.reporting import Result, RunRecord, StrategyRecord

# 2024-01-01T00:00:00Z
START = 1_704_067_200_000_000_000
HOUR = 3600 * 10**9
DAY = 24 * HOUR


def series(
    closes: str | Sequence[float], symbol: str = "BTC", timeframe: str = "1h", start: int = START
) -> BarSeries:
    """Bars that open at the close before; the first opens at its own close."""
    values = [float(price) for price in closes.split()] if isinstance(closes, str) else list(closes)
    close = np.array(values, dtype=np.float64)
    open_ = np.append(close[:1], close[:-1])
    times = start + np.arange(len(close)) * timeframe_ns(timeframe)
    low, high = np.minimum(open_, close), np.maximum(open_, close)
    return BarSeries(symbol, timeframe, times, open_, high, low, close, np.ones(len(close)))


def instrument(symbol: str = "BTC") -> Instrument:
    return Instrument(symbol, InstrumentKind.PERPETUAL, tick_size=Decimal("0.01"), lot_size=Decimal("0.001"))


class Run:
    """Collects orders and fills and gives the record of them."""

    def __init__(
        self, *bars: BarSeries | str, cash: float = 1000.0, strategies: Sequence[str] = ("s",)
    ) -> None:
        all_series = [series(each) if isinstance(each, str) else each for each in bars]
        self.series = {each.symbol: each for each in all_series}
        self.cash = cash
        self.strategies = strategies
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.updates: list[OrderUpdate] = []
        self.funding: list[tuple[int, str, str, float]] = []

    def fill(
        self,
        text: str,
        fee: float = 0.0,
        symbol: str = "",
        strategy: str = "",
        inside: bool = False,
        made: int | None = None,
        **order: Any,
    ) -> Run:
        """Add ``"bar side quantity @ price"``, at the bar's open, or inside it (then stamped with its end).

        ``made`` is the time of the order: for a fill at the open the open itself, else the start of the bar.
        """
        bar, side_name, amount, _, price = text.split()
        symbol = symbol or next(iter(self.series))
        bars = self.series[symbol]
        start = int(bars.start[int(bar)])
        time = start + bars.duration if inside else start
        self.add(
            side_name, amount, price, time, start if made is None else made, fee, symbol, strategy, **order
        )
        return self

    def add(
        self,
        side_name: str,
        amount: str,
        price: str,
        time: int,
        made: int,
        fee: float,
        symbol: str,
        strategy: str = "",
        **order: Any,
    ) -> None:
        side = Side[side_name.upper()]
        what = instrument(symbol)
        lots = what.lots(float(amount))
        who = strategy or self.strategies[0]
        number = len(self.orders) + 1
        kind = order.pop("type", OrderType.MARKET)
        self.orders.append(
            Order(
                number,
                who,
                what,
                side,
                kind,
                lots,
                made,
                status=OrderStatus.FILLED,
                filled_lots=lots,
                average_price=float(price),
                update_time=time,
                **order,
            )
        )
        self.updates += [
            OrderUpdate(made, number, "submitted", ""),
            OrderUpdate(made, number, "accepted", ""),
            OrderUpdate(time, number, "filled", ""),
        ]
        units = what.units(lots)
        self.fills.append(
            Fill(len(self.fills) + 1, time, number, who, symbol, side, lots, units, float(price), fee, False)
        )

    def record(self, **changes: Any) -> RunRecord:
        share = self.cash / len(self.strategies)
        fields: dict[str, Any] = {
            "name": "test run",
            "mode": "backtest",
            "currency": "USDT",
            "cash": self.cash,
            "config": {"broker": {"use": "paper", "params": {"taker_fee_bps": 0}}},
            "series": self.series,
            "instruments": {symbol: instrument(symbol) for symbol in self.series},
            "strategies": [
                StrategyRecord(name, "ema_cross", {"fast": 9}, tuple(self.series), share)
                for name in self.strategies
            ],
            "orders": self.orders,
            "fills": self.fills,
            "updates": self.updates,
            "funding": self.funding,
        }
        return RunRecord(**fields | changes)

    def result(self, **changes: Any) -> Result:
        return Result(self.record(**changes))
