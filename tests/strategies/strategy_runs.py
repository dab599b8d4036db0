"""Runs of one strategy on one instrument, and their orders as lines that can be written by hand."""

import hashlib
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

import hookline as hl
from hookline.model import BarSeries, Order
from hookline.reporting.result import Result
from hookline.testing.recording import record
from hookline_paper.broker import PaperBroker


def amendments(strategy: hl.Strategy, series: BarSeries) -> list[str]:
    """The prices that orders were amended to: hour, order number, trigger."""
    instrument = hl.Instrument(series.symbol, hl.InstrumentKind.PERPETUAL, Decimal("0.01"), Decimal("0.001"))
    recording = record(strategy, {series.symbol: series}, {series.symbol: instrument}, PaperBroker())
    begin = int(series.start[0])
    return [
        f"{(request.time - begin) / 3.6e12:g}: {request.text.split()[1]} to {request.text.split()[-1]}"
        for request in recording.requests
        if request.text.startswith("amend")
    ]


def run(strategy: hl.Strategy, series: BarSeries, kind: str = "perpetual", **options) -> Result:
    """Run with 10,000 of cash and no fees, in steps of 0.01 and 0.001, unless options say otherwise."""
    instrument = hl.Instrument(
        series.symbol, hl.InstrumentKind(kind), tick_size=Decimal("0.01"), lot_size=Decimal("0.001")
    )
    return hl.backtest(strategy, series, instruments=[instrument], **options)


def orders(result: Result) -> list[str]:
    """The orders in the order they were made: when, side, quantity, type, price, fills, and what became of it if not filled.

    Times are hours since the first bar's start, in hourly bars: an order sent on the close of bar 4 is made at 5, a fill at the
    open of bar 6 is at 6, one inside bar 6 at 7. An amended order shows what it was amended to last.
    """
    begin = int(next(iter(result.record.series.values())).start[0])
    return [_line(order, result, begin) for order in result.record.orders]


def _line(order: Order, result: Result, begin: int) -> str:
    def hour(time: int) -> str:
        return f"{(time - begin) / 3.6e12:g}"

    price = order.limit_price if order.limit_price is not None else order.trigger_price
    words = [hour(order.time), order.side.name.lower(), f"{order.quantity:g}", order.type.value]
    words += [] if price is None else [f"{price:g}"]
    fills = [fill for fill in result.record.fills if fill.order_number == order.number]
    words += ["->", *(f"{fill.price:g} at {hour(fill.time)}" for fill in fills)]
    words += [] if order.status.value == "filled" else [order.status.value]
    return " ".join(words)


def fills(result: Result) -> list[str]:
    """The fills: when, side, quantity, price."""
    begin = int(next(iter(result.record.series.values())).start[0])
    return [
        f"{(fill.time - begin) / 3.6e12:g} {fill.side.name.lower()} {fill.quantity:g} at {fill.price:g}"
        for fill in result.record.fills
    ]


def entries(result: Result, side: str) -> list[int]:
    """Indexes of the bars on whose close an entry was sent, first halves and turns included."""
    series = next(iter(result.record.series.values()))
    index = {int(end): place for place, end in enumerate(series.end)}
    return [
        index[order.time]
        for order in result.record.orders
        if order.tag == "entry" and order.parent is None and order.side.name.lower() == side
    ]


def decisions(result: Result) -> list[tuple[int, str]]:
    """What was decided, as (bar, "buy", "sell", "add" or "exit"), from the market orders and what was held at their time."""
    series = next(iter(result.record.series.values()))
    index = {int(end): place for place, end in enumerate(series.end)}
    orders_ = {order.number: order for order in result.record.orders}
    fills_ = iter(result.record.fills)
    found, held = [], 0
    for update in result.record.updates:
        order = orders_[update.order_number]
        if update.status in ("filled", "partially_filled"):
            fill = next(fills_)
            held += fill.side * fill.lots
        elif update.status == "submitted" and order.tag == "exit":
            found.append((index[order.time], "exit"))
        elif update.status == "submitted" and order.tag == "entry" and order.parent is None:
            kind = "add" if held * order.side > 0 else order.side.name.lower()
            found.append((index[order.time], kind))
    return found


def real_bars(folder: Path, name: str, begin: int, count: int) -> BarSeries:
    """Recorded hourly bars."""
    table = pq.read_table(folder / "bars_1h" / f"{name}_1h.parquet").slice(begin, count)
    columns = [table[column].to_numpy() for column in ("ts", "open", "high", "low", "close", "volume")]
    return BarSeries(name, "1h", *columns)


def order_list(result: Result) -> str:
    """Every order and every fill of a run as text: what the stored hashes are made from."""
    several = len(result.record.series) > 1
    lines = [
        f"{o.symbol + ' ' if several else ''}{o.time} {o.side.name} {o.type.value} {o.lots} {o.limit_price!r} {o.trigger_price!r} {o.reduce_only}"
        f" {o.tag} {o.status.value} {o.filled_lots}"
        for o in result.record.orders
    ]
    lines += [f"{f.time} {f.order_number} {f.lots} {f.price!r}" for f in result.record.fills]
    return "\n".join(lines)


def order_hash(result: Result) -> str:
    """The sha256 of the order list."""
    return hashlib.sha256(order_list(result).encode()).hexdigest()
