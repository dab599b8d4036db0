"""A session that uses much of the engine at once, made again and again from the same market."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

import hookline as hl
import hookline.model as hl_model
from hookline import plugins
from hookline.columns import ExternalSeries
from hookline.feed import BarRequest, Feed, TapeRequest
from hookline.journal import read_journal
from hookline.session.assembly import tapes_of
from hookline.session.plan import JournalPlan, Plan, Seat
from hookline.session.session import Session
from hookline.session.streaming import StreamRules
from hookline.testing.market import random_bars
from hookline.testing.recording import SeriesFeed
from hookline_algorithms.twap import Twap
from hookline_strategies.grid_arithmetic import GridArithmetic

HOUR = 3600 * 10**9
BARS = 60
MARKET = {symbol: random_bars(symbol, BARS, gaps=False) for symbol in ("AAA", "BBB")}
BEGIN = int(MARKET["AAA"].start[0])  # 2024-01-01


@dataclass
class Trend(hl.SignalStrategy):
    """Decides on closed bars, with stops that follow and targets."""

    name = "trend"

    def columns(self, bars):
        width = hl.atr(bars, 5)
        return {
            "close": bars.close,
            "fast": hl.ema(bars.close, 3),
            "slow": hl.ema(bars.close, 8),
            "low": bars.close - 1.5 * width,
            "high": bars.close + 1.5 * width,
            "long_run": hl.sma(bars.at("4h").close, 2),
        }

    @staticmethod
    def decide(x, held, p):
        if held.exposure > 0.0 and x.low > held.stop:
            return hl.hold(stop=x.low)
        if held.exposure < 0.0 and x.high < held.stop:
            return hl.hold(stop=x.high)
        if held.exposure != 0.0:
            return hl.hold()
        if x.fast > x.slow:
            return hl.long(0.5, stop=x.low, target=2.0 * x.close - x.low)
        return hl.short(0.5, stop=x.high) if x.close < x.long_run else hl.hold()


@dataclass
class Busy(hl.Strategy):
    """Timers, chance, brackets, trailing stops, amendments, groups in which one cancels the other, orders that expire."""

    name = "busy"

    def on_start(self, ctx):
        bars = ctx.bars("AAA")
        self.width = ctx.use(hl.atr(bars, 4))
        self.closes = ctx.window(hl.ema(bars.close, 5), 3)
        ctx.every("3h", "three")
        ctx.every("30m", "chance")

    def on_bar(self, ctx, bar):
        if bar.symbol != "AAA":
            return
        count = ctx.state["count"] = ctx.state.get("count", 0) + 1
        width = self.width.value
        if count % 6 == 1:
            stop, target = bar.close - width, bar.close + 1.5 * width
            ctx.buy("AAA", 2, limit=bar.close - width / 4, stop_loss=stop, take_profit=target, tag="bracket")
        elif count % 6 == 2:
            ctx.sell("BBB", 1, stop_loss_trail=width, tag="trailed")
        elif count % 6 == 3:
            for order in ctx.open_orders("AAA"):
                if order.tag == "bracket" and order.parent is None:
                    ctx.amend(order, limit=bar.close - width / 8)
        elif count % 6 == 4:
            entry = ctx.buy("AAA", 1, trigger=bar.close + width / 2, tag="up")
            ctx.state["pair"] = entry.number
        elif count % 6 == 5:
            leader = next((one for one in ctx.open_orders() if one.number == ctx.state["pair"]), None)
            ctx.sell("AAA", 1, trigger=bar.close - width / 2, oco=leader, tag="down")
        if abs(ctx.position("AAA").lots) > 4000:
            ctx.close("AAA")

    def on_timer(self, ctx, timer):
        if timer == "chance":
            if ctx.rng.random() < 0.1:
                ctx.sell("BBB", 0.5, limit=ctx.last("BBB") * 1.002, expire=hl_hours(2), tag="chance")
        elif ctx.open_orders():
            ctx.cancel(ctx.rng.choice(ctx.open_orders()))

    def on_fill(self, ctx, fill):
        ctx.state.setdefault("fills", []).append(fill.number)


def hl_hours(count):
    from datetime import timedelta

    return timedelta(hours=count)


@dataclass
class Worker(hl.Strategy):
    """Pairs that are opened together, and orders that an algorithm works."""

    name = "worker"

    def on_start(self, ctx):
        ctx.every("2h")

    def on_bar(self, ctx, bar):
        if bar.symbol != "BBB":
            return
        count = ctx.state["count"] = ctx.state.get("count", 0) + 1
        if count % 9 == 1 and not ctx.groups:
            ctx.open_legs(
                [
                    hl.Leg("AAA", hl.Side.BUY, 3.0, limit=ctx.last("AAA") * 0.998),
                    hl.Leg("BBB", hl.Side.SELL, 2.0, limit=ctx.last("BBB") * 1.002),
                ],
                timeout="3h",
                tag="pair",
            )
        if count % 9 == 7:
            for group in ctx.groups:
                group.close("time is up")
        if count % 14 == 3:
            ctx.work("AAA", hl.Side.BUY, 1.0, Twap(duration="8h", slices=4, randomize=0.5))

    def on_timer(self, ctx, timer):
        ctx.sell("BBB", 0.1, tag="tick") if ctx.position("BBB").lots >= 0 else ctx.close("BBB", tag="tick")


def rules():
    """Risk rules that remember something."""
    given = {
        "max_drawdown": {"max_fraction": 0.5},
        "daily_loss_limit": {"max_fraction": 0.02},
        "max_order_rate": {},
        "consecutive_losses": {},
        "stop_cooldown": {},
    }
    return [plugins.build("risk_rules", name, params, "risk") for name, params in given.items()]


def plan_of(folder: Path, hours: int = BARS, *, market=MARKET, seats=None, **more) -> Plan:
    """The first hours of the market, from where the folder's journal stands."""
    series = {symbol: one.between(None, BEGIN + hours * HOUR) for symbol, one in market.items()}
    grid = GridArithmetic(low=90, high=112, num_grids=11)
    seats = seats or [
        Seat("trend", "trend", Trend(), ("AAA", "BBB"), 10_000.0),
        Seat("grid", "grid_arithmetic", grid, ("BBB",), 10_000.0),
        Seat("busy", "busy", Busy(), ("AAA", "BBB"), 10_000.0),
        Seat("worker", "worker", Worker(), ("AAA", "BBB"), 10_000.0),
    ]
    times = np.arange(BEGIN, BEGIN + BARS * HOUR, 8 * HOUR)
    rates = ExternalSeries(times, np.linspace(-0.0003, 0.0004, len(times)))
    kind, lot = hl.InstrumentKind.PERPETUAL, Decimal("0.001")
    defaults = {
        "journal": JournalPlan(folder),
        "rules": rules(),
        "funding": {"AAA": rates, "BBB": rates},
        "stream": StreamRules("drop"),
    }
    return Plan(
        name="busy",
        mode="paper",
        currency="USDT",
        seed=3,
        timeframe="1h",
        feed=SeriesFeed(series),
        requests=[BarRequest(symbol, "1h") for symbol in series],
        instruments={symbol: hl.Instrument(symbol, kind, lot_size=lot) for symbol in series},
        broker=plugins.build("brokers", "paper", {"taker_fee_bps": 5, "maker_fee_bps": 1}, "broker"),
        seats=seats,
        **defaults | more,
    )


def run(folder: Path, hours: int = BARS, **more):
    """Run the session and return its record."""
    return Session(plan_of(folder, hours, **more)).run().record


def told(folder: Path) -> list[str]:
    """Everything that a journal tells of a session, without starts, stops, and what rows stand in one commit."""
    content = read_journal(folder)
    rows = [content.orders, content.updates, content.fills, content.seen, content.payments, content.decisions]
    rows += [content.amendments, content.balances, content.halts, content.resumes]
    lines = [repr(row) for part in rows for row in part]
    # A leg that was filled before a restart is known by its lots, no longer by the number of its order.
    states = re.sub(r"(.)order\1: \d+", "", repr(content.states))
    return [*lines, states, repr(content.ledgers), repr(content.position)]


@dataclass
class Maker(hl.Strategy):
    """Rests orders on both sides of a book, moves them, takes now and then, and has stops."""

    name = "maker"

    def on_start(self, ctx):
        ctx.every("1s", "move")

    def on_book(self, ctx, book):
        count = ctx.state["count"] = ctx.state.get("count", 0) + 1
        if count % 10 == 1 and len(ctx.open_orders()) < 6:
            ctx.buy("AAA", 0.5, limit=book.best_bid, post_only=True, tag="bid")
            ctx.sell("AAA", 0.5, limit=book.best_ask, post_only=True, tag="ask")
        if count % 37 == 0:
            ctx.buy("AAA", 0.7, stop_loss_trail=0.3, tag="take")

    def on_trade(self, ctx, trade):
        ctx.state["traded"] = ctx.state.get("traded", 0.0) + trade.quantity

    def on_timer(self, ctx, timer):
        for order in ctx.open_orders():
            if order.tag in ("bid", "ask") and ctx.rng.random() < 0.3:
                ctx.cancel(order)


TAPE_SECONDS = 40


class RecordedFeed(Feed):
    """A synthetic tape and its bars, as a recording gives them: one that is cut begins with a book."""

    name = "recorded"

    def __init__(self):
        from hookline_feeds.synthetic import Book, SyntheticFeed

        feed = SyntheticFeed(seed=5, start="2024-01-01", book=Book())
        until = BEGIN + TAPE_SECONDS * 10**9
        kinds = frozenset({hl_model.MarketData.BOOK, hl_model.MarketData.TRADES})
        self.tapes = feed.tape(TapeRequest("AAA", kinds, BEGIN, until))
        self.bars = feed.load(BarRequest("AAA", "10s", BEGIN, until))

    async def stream(self, requests):
        from hookline.data.tape import cut_tape

        events = []
        for request in requests:
            if isinstance(request, BarRequest):
                part = self.bars.between(request.since, request.until)
                events += [(bar.end, 0, bar) for bar in map(part.bar, range(len(part)))]
            else:
                part = cut_tape(self.tapes, request.since, request.until)
                events += [(event.time, 1, event) for event in part.events()]
        for _, _, event in sorted(events, key=lambda entry: entry[:2]):
            yield event

    def load(self, request):
        return self.bars.between(request.since, request.until)


def tape_plan(folder: Path, feed, **more) -> Plan:
    """A session on the book and the trades of one symbol, which does not end on a bar."""
    seats = [Seat("maker", "maker", Maker(), ("AAA",), 10_000.0)]
    kind, lot = hl.InstrumentKind.PERPETUAL, Decimal("0.001")
    return Plan(
        name="tape",
        mode="paper",
        currency="USDT",
        seed=3,
        timeframe="10s",
        feed=feed,
        requests=[BarRequest("AAA", "10s", BEGIN, BEGIN + TAPE_SECONDS * 10**9)],
        instruments={"AAA": hl.Instrument("AAA", kind, lot_size=lot)},
        broker=plugins.build("brokers", "paper", {"taker_fee_bps": 5, "maker_fee_bps": 1}, "broker"),
        seats=seats,
        tapes=tapes_of(seats, ["AAA"]),
        **{"journal": JournalPlan(folder), "stream": StreamRules("drop")} | more,
    )
