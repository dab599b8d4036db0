"""One trading logic, run by hookline and by backtrader: what they fill, order by order, and the equity after every bar."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
import pyarrow.parquet as pq

import hookline as hl
from hookline.clock import to_ns
from hookline.data import infer_tick_size

CASH = 1e6
FEE = 0.0007


class Desk(Protocol):
    """What a logic may do, whichever engine runs it. Orders are known by labels."""

    position: float

    def send(self, label: str, size: float, **terms: Any) -> None:
        """Send an order; ``size`` is signed, terms are limit, trigger and oco (the label of an earlier order)."""

    def bracket(self, label: str, size: float, stop: float, target: float, **terms: Any) -> None:
        """Send an entry whose fill sends a stop and a target, ``label``/stop and ``label``/target."""

    def cancel(self, label: str) -> None:
        """Cancel an order."""


class Logic(Protocol):
    def on_bar(self, desk: Desk, index: int) -> None:
        """Act on the close of a bar."""


@dataclass
class Told:
    """Fills by order as (bar, price, signed size), and the equity after every bar."""

    fills: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    equity: list[float] = field(default_factory=list)


def recorded(folder, file: str, symbol: str, timeframe: str, begin: int, size: int) -> hl.BarSeries:
    table = pq.read_table(folder / file).slice(begin, size)
    columns = [table[name].to_numpy().astype(float) for name in ("open", "high", "low", "close", "volume")]
    return hl.BarSeries(symbol, timeframe, table["ts"].to_numpy(), *columns)


def terms_of(series: hl.BarSeries, lot: str) -> hl.Instrument:
    """A perpetual with the tick of its prices, so that no price has to be rounded."""
    return hl.Instrument(
        series.symbol,
        kind=hl.InstrumentKind.PERPETUAL,
        tick_size=infer_tick_size(series),
        lot_size=Decimal(lot),
    )


@dataclass
class HooklineDesk(hl.Strategy):
    """Runs a logic in hookline."""

    name = "desk"

    logic: Any
    orders: dict[str, hl.Order] = field(init=False, default_factory=dict)
    told: Told = field(init=False, default_factory=Told)
    index: int = field(init=False, default=-1)

    def on_bar(self, ctx, bar):
        self.ctx, self.symbol = ctx, bar.symbol
        self.index += 1
        self.told.equity.append(ctx.equity)
        self.logic.on_bar(self, self.index)

    def on_fill(self, ctx, fill):
        label = next(label for label, order in self.orders.items() if order.number == fill.order_number)
        assert label not in self.told.fills
        self.told.fills[label] = (self.bar_of(to_ns(ctx.now)), fill.price, fill.side * fill.quantity)

    def bar_of(self, time):
        return int(np.searchsorted(self.ends, time))

    @property
    def position(self):
        return self.ctx.position(self.symbol).quantity

    def send(self, label, size, *, oco=None, **terms):
        side = hl.Side.BUY if size > 0 else hl.Side.SELL
        linked = self.orders[oco] if oco else None
        self.orders[label] = self.ctx.submit(self.symbol, side, abs(size), oco=linked, **terms)

    def bracket(self, label, size, stop, target, **terms):
        self.send(label, size, stop_loss=stop, take_profit=target, **terms)
        children = self.orders[label].children
        self.orders |= dict(zip((f"{label}/stop", f"{label}/target"), children, strict=True))

    def cancel(self, label):
        self.ctx.cancel(self.orders[label])


def run_hookline(series: hl.BarSeries, instrument: hl.Instrument, logic: Logic, **terms: Any) -> Told:
    desk = HooklineDesk(logic)
    desk.ends = series.end
    bps = FEE * 1e4
    fees = {"maker_fee_bps": bps, "taker_fee_bps": bps}
    result = hl.backtest(desk, series, cash=CASH, instruments=[instrument], **(fees | terms))
    assert not any(order.status == "denied" for order in result.record.orders)
    return desk.told


def run_backtrader(series: hl.BarSeries, logic: Logic) -> Told:
    import backtrader as bt

    told = Told()

    class BacktraderDesk(bt.Strategy):
        def __init__(self):
            self.labels = {}
            self.sent = {}

        def next(self):
            told.equity.append(self.broker.getvalue())
            logic.on_bar(self, len(self) - 1)

        def notify_order(self, order):
            # A fill that turns the position may leave a remainder of 1e-20 and is completed bars later: the first bar counts.
            if order.status in (order.Partial, order.Completed):
                label = self.labels[order.ref]
                index, *_ = told.fills.get(label, (len(self) - 1,))
                told.fills[label] = (index, order.executed.price, order.executed.size)
            assert order.status not in (order.Margin, order.Rejected)

        def keep(self, label, order):
            self.labels[order.ref] = label
            self.sent[label] = order

        def priced(self, limit, trigger):
            if limit is not None and trigger is not None:
                return {"exectype": bt.Order.StopLimit, "price": trigger, "plimit": limit}
            if limit is not None:
                return {"exectype": bt.Order.Limit, "price": limit}
            if trigger is not None:
                return {"exectype": bt.Order.Stop, "price": trigger}
            return {"exectype": bt.Order.Market}

        def send(self, label, size, *, limit=None, trigger=None, oco=None):
            act = self.buy if size > 0 else self.sell
            linked = self.sent[oco] if oco else None
            self.keep(label, act(size=abs(size), oco=linked, **self.priced(limit, trigger)))

        def bracket(self, label, size, stop, target, *, limit=None, trigger=None):
            act = self.buy_bracket if size > 0 else self.sell_bracket
            orders = act(size=abs(size), stopprice=stop, limitprice=target, **self.priced(limit, trigger))
            for name, order in zip((label, f"{label}/stop", f"{label}/target"), orders, strict=True):
                self.keep(name, order)

    class Position:
        def __get__(self, strategy, _):
            return strategy.getposition().size

    class Cancel:
        def __get__(self, strategy, _):
            return lambda label: strategy.broker.cancel(strategy.sent[label])

    BacktraderDesk.position, BacktraderDesk.cancel = Position(), Cancel()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=series.to_frame().tz_localize(None)))
    cerebro.addstrategy(BacktraderDesk)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=FEE)
    cerebro.broker.set_checksubmit(False)
    cerebro.run()
    return told
