"""hookline: a market maker in Python, called on every book update, quote and trade."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from book_workload import CASH, LOT, MOST, QUANTITY, REFRESH, Columns, Counts

import hookline as hl
from hookline import plugins
from hookline.data.tape_bars import tape_bars
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.model import BarSeries, Instrument, OrderBook, Quote, TapeSeries, Trade
from hookline.session.assembly import tapes_of
from hookline.session.plan import Plan, Seat
from hookline.session.session import Session

__all__ = ["prepare", "report", "run", "version"]

SYMBOL = "BENCH"
version = hl.__version__


@dataclass
class TouchMaker(hl.Strategy):
    """Quote at the best bid and ask."""

    name = "touch_maker"

    def on_start(self, ctx: hl.Context) -> None:
        self.callbacks = 0
        self.due = 0
        self.quotes: dict[hl.Side, hl.Order] = {}
        self.position = ctx.position(SYMBOL)

    def on_book(self, ctx: hl.Context, book: OrderBook) -> None:
        self.callbacks += 1
        if book.time >= self.due:
            self.refresh(ctx, book, book.time)

    def on_quote(self, ctx: hl.Context, quote: Quote) -> None:
        self.callbacks += 1
        if quote.time >= self.due:
            self.refresh(ctx, ctx.book(SYMBOL), quote.time)

    def on_trade(self, ctx: hl.Context, trade: Trade) -> None:
        self.callbacks += 1
        if trade.time >= self.due:
            self.refresh(ctx, ctx.book(SYMBOL), trade.time)

    def refresh(self, ctx: hl.Context, book: OrderBook, time: int) -> None:
        if not book.is_usable:
            return
        self.due = time + REFRESH
        held = self.position.quantity
        self.place(ctx, hl.Side.BUY, book.best_bid, held < MOST)
        self.place(ctx, hl.Side.SELL, book.best_ask, held > -MOST)

    def place(self, ctx: hl.Context, side: hl.Side, price: float, wanted: bool) -> None:
        order = self.quotes.get(side)
        is_open = order is not None and order.is_open
        if not wanted:
            if is_open:
                ctx.cancel(order)
        elif not is_open:
            self.quotes[side] = ctx.submit(SYMBOL, side, QUANTITY, limit=price, post_only=True)
        elif order.limit_price != price:
            ctx.amend(order, limit=price)


class _Tape(Feed):
    """Serves what is in memory."""

    name = "in_memory"

    def __init__(self, tape: TapeSeries, tick: float) -> None:
        self.series = tape
        self.known = Instrument(
            SYMBOL,
            kind=hl.InstrumentKind.PERPETUAL,
            tick_size=Decimal(repr(tick)),
            lot_size=Decimal(repr(LOT)),
        )
        self.bars = tape_bars(tape, "1m", "keep")

    def load(self, request: BarRequest) -> BarSeries:
        return self.bars

    def tape(self, request: TapeRequest) -> TapeSeries:
        return self.series

    def instrument(self, symbol: str) -> Instrument:
        return self.known


def prepare(columns: Columns) -> Session:
    unnumbered = np.full(len(columns), -1)
    tape = TapeSeries(
        SYMBOL, columns.time, columns.time, columns.message, columns.kind, columns.side, columns.price, columns.quantity,
        unnumbered, unnumbered,
    )  # fmt: skip
    feed = _Tape(tape, columns.tick)
    seat = Seat("maker", "touch_maker", TouchMaker(), (SYMBOL,), CASH)
    return Session(
        Plan(
            name="book_replay",
            mode="backtest",
            currency="USDT",
            seed=0,
            timeframe="1m",
            feed=feed,
            requests=[BarRequest(SYMBOL, "1m")],
            instruments={SYMBOL: feed.known},
            broker=plugins.build("brokers", "paper", {"maker_fee_bps": 0, "taker_fee_bps": 0}, "broker"),
            seats=[seat],
            tapes=tapes_of([seat], [SYMBOL]),
        )
    )


def run(session: Session) -> tuple[Session, hl.Result]:
    return session, session.run()


def report(finished: tuple[Session, hl.Result]) -> Counts:
    session, result = finished
    (seat,) = session.plan.seats
    return Counts(seat.strategy.callbacks, len(result.record.orders), len(result.record.fills))
