"""Batches and headers in a line or two."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hookline.journal import Batch, SessionHeader
from hookline.model import (
    Bar,
    Fill,
    Instrument,
    InstrumentKind,
    Order,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
)
from hookline.reporting.record import StrategyRecord

# 2024-01-01T00:00:00Z
START = 1_704_067_200_000_000_000
HOUR = 3600 * 10**9
BTC = Instrument("BTC", InstrumentKind.PERPETUAL, tick_size=Decimal("0.10"), lot_size=Decimal("0.001"))
CONFIG = {"name": "demo", "cash": "1000", "strategies": [{"use": "ema_cross", "params": {"fast": 9}}]}


def header(**changes: Any) -> SessionHeader:
    fields: dict[str, Any] = {
        "name": "demo",
        "mode": "paper",
        "currency": "USDT",
        "config": CONFIG,
        "instruments": {"BTC": BTC},
        "strategies": [StrategyRecord("s", "ema_cross", {"fast": 9}, ("BTC",), 1000.0)],
    }
    return SessionHeader(**fields | changes)


def bar(number: int, close: float = 100.0) -> Bar:
    return Bar("BTC", START + number * HOUR, START + (number + 1) * HOUR, 100.0, 101.0, 99.0, close, 1.5)


def time_of(number: int) -> int:
    """End of a bar."""
    return START + (number + 1) * HOUR


def bar_batch(number: int, **what: Any) -> Batch:
    """An event of one bar."""
    return Batch(time_of(number), {"BTC": time_of(number)}, bars=[bar(number)], **what)


def order(number: int, lots: int = 10, time: int = START, **terms: Any) -> Order:
    return Order(
        number,
        "s",
        BTC,
        terms.pop("side", Side.BUY),
        terms.pop("type", OrderType.MARKET),
        lots,
        time,
        **terms,
    )


def update(number: int, status: str, time: int = START, reason: str = "") -> OrderUpdate:
    return OrderUpdate(time, number, OrderStatus(status), reason)


def fill(number: int, of: Order, price: float = 100.0, fee: float = 0.05, lots: int | None = None) -> Fill:
    count = of.lots if lots is None else lots
    return Fill(number, of.time, of.number, "s", "BTC", of.side, count, BTC.units(count), price, fee, False)


def trade_batch(number: int, first_order: int = 0) -> Batch:
    """An event of one bar with a market order that is filled, alternately a purchase and a sale."""
    count = first_order or number + 1
    one = order(count, time=time_of(number), side=Side.BUY if count % 2 else Side.SELL)
    steps = [update(count, status, one.time) for status in ("submitted", "accepted", "filled")]
    return bar_batch(
        number,
        orders=[one],
        updates=steps,
        fills=[fill(count, one, price=100.0 + number)],
        seen=[one.time],
        states={"strategy:s": {"count": number, "prices": [1.5, 1e-7]}},
    )
